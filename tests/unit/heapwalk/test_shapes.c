/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shapes of chunks, standard containers and names from siblings, on heaps made by hand. */
#include <check.h>

#include "heapwalk/types/shape.h"
#include "tests/unit/heapwalk/fake_heap.h"

#define DATA 0x600000 /* variables of a program of C++ */
#define HEAP 0x1000000

static struct fake_heap fake;
static uint8_t *data;
static struct hw_typing *typing;
static unsigned word_size;

static void begin(unsigned size_of_word)
{
	word_size = size_of_word;
	fake_init(&fake, word_size, false);
	fake_map(&fake, 0x400000, 0x401000, HW_MAP_READ | HW_MAP_EXEC, "/usr/bin/thing");
	fake_map(&fake, DATA, DATA + 0x1000, HW_MAP_READ | HW_MAP_WRITE, "/usr/bin/thing");
	fake_module(&fake, 0x400000, DATA + 0x1000, "/usr/bin/thing");
	data = fake_memory(&fake, DATA, 0x1000, NULL, 0);
	fake_map(&fake, HEAP, HEAP + 0x100000, HW_MAP_READ | HW_MAP_WRITE, "[heap]");
}

static void begin_cxx(unsigned size_of_word)
{
	begin(size_of_word);
	fake_map(&fake, 0x7f0000000, 0x7f0001000, HW_MAP_READ | HW_MAP_EXEC, "/usr/lib/libstdc++.so.6.0.30");
	fake_module(&fake, 0x7f0000000, 0x7f0001000, "/usr/lib/libstdc++.so.6.0.30");
}

/* A live chunk of so many words, filled with the given ones. */
static uint64_t chunk(unsigned words, unsigned given, const uint64_t *contents)
{
	uint8_t bytes[64 * 8] = { 0 };

	for (unsigned i = 0; i < given; i++)
		fake_put_word(&fake, bytes + i * word_size, contents[i]);
	return fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_DATA, (uint64_t)(words + 1) * word_size, bytes,
		(size_t)given * word_size);
}

/* Where the next chunks of `words` words will lie, from the first one on. */
static uint64_t place(unsigned words, unsigned number)
{
	return HEAP + 2 * word_size + (uint64_t)number * (words + 1) * word_size;
}

static void finish(void)
{
	struct hw_typing_options options = { 0 };

	fake_chunk(&fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x1000, NULL, 0);
	fake_finish(&fake);
	if (hw_typing_build(fake.heap, NULL, &options, &typing))
		ck_abort();
}

static void finish_with_graph(void)
{
	struct hw_typing_options options = { 0 };
	struct hw_graph *graph;

	fake_chunk(&fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x1000, NULL, 0);
	fake_finish(&fake);
	if (hw_graph_build(fake.heap, NULL, &graph) || hw_typing_build(fake.heap, graph, &options, &typing))
		ck_abort();
	hw_graph_destroy(graph);
}

static void end(void)
{
	hw_typing_destroy(typing);
	fake_deinit(&fake);
}

static const struct hw_chunk_type *answer_at(uint64_t user)
{
	uint32_t index;

	ck_assert(hw_heap_find(fake.heap, user, &index));
	return hw_chunk_type(typing, index);
}

static const char *name_at(uint64_t user)
{
	return typing->types[answer_at(user)->type].name;
}

static const char *shape_at(uint64_t user)
{
	return typing->shapes[answer_at(user)->shape].text;
}

/* ---------------------------------------------------------------------------------------------------- shapes
 */

/* One word by itself, and what it is called. */
static const struct {
	uint64_t word;
	const char *text;
} word_rows[] = {
	{ 0, "0" }, { 1, "int" }, { UINT64_MAX, "int" }, { 0x0000001200000034, "int" },
	{ 0x4045000000000000, "double" }, /* 42.0 */
	{ 0xbff8000000000000, "double" }, /* -1.5 */
	{ 0x0000006f6c6c6568, "text" },   /* "hello" */
	{ 0x7265746165777321, "text" }, { 0x9e3779b97f4a7c15, "data" }, { 0x400010, "ptr->code" },
	{ DATA + 8, "ptr->data" }, { HEAP + 0x10, "ptr->self" }, { HEAP + 0x20, "ptr->self" },
	{ HEAP + 0x50, "ptr->heap" }, { HEAP + 0x58, "ptr->inside" }, { HEAP + 0x90, "ptr->text" },
	{ HEAP + 0x94, "ptr->text" }, { HEAP + 0xd0, "ptr->freed" },
	{ HEAP + 0x88, "ptr->inside" }, /* right behind the second chunk */
};

START_TEST (kinds) {
	uint64_t contents[] = { word_rows[_i].word };
	char expected[64];

	begin(8);
	fake_region(&fake, HW_REGION_BRK, 0, HEAP);
	chunk(7, 1, contents);
	chunk(7, 0, NULL);
	fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_STRING, 0x40, "a string", 9);
	fake_chunk(&fake, HW_CHUNK_TCACHE, HW_CONTENT_NONE, 0x40, NULL, 0);
	finish();
	if (word_rows[_i].word)
		snprintf(expected, sizeof(expected), "{%s, 0 x6}", word_rows[_i].text);
	else
		strcpy(expected, "{0 x7}");
	ck_assert_str_eq(shape_at(HEAP + 0x10), expected);
	end();
}
END_TEST

/* Of a hundred alike a few differ by a NULL or a large number: one shape. What has a pointer instead is not.
 */
START_TEST (variants) {
	uint64_t other;

	begin(8);
	fake_region(&fake, HW_REGION_BRK, 0, HEAP);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t contents[] = { place(5, 0), place(5, 1), i ? i : 0x9e3779b97f4a7c15,
			i % 50 ? 7 : 0 };

		chunk(5, 4, contents);
	}
	other = chunk(5, 4, (uint64_t[]){ place(5, 0), place(5, 1), place(5, 2), 7 });
	finish();
	for (unsigned i = 2; i < 100; i++)
		ck_assert_uint_eq(answer_at(place(5, i))->shape, answer_at(place(5, 2))->shape);
	ck_assert_uint_eq(answer_at(place(5, 2))->shape, 1);
	ck_assert_uint_eq(typing->shapes[1].usable, 40);
	ck_assert_str_eq(typing->shapes[1].text, "{ptr->heap x2, int x2, 0}");
	ck_assert_uint_ne(answer_at(other)->shape, 1);
	end();
}
END_TEST

/* Every live chunk is in one shape, whose numbers add up. */
START_TEST (sums) {
	uint64_t chunks = 0, bytes = 0;

	begin(8);
	fake_region(&fake, HW_REGION_BRK, 0, HEAP);
	for (unsigned i = 0; i < 200; i++) {
		uint64_t contents[] = { i * UINT64_C(0x9e3779b97f4a7c15), place(5, i % 7), i };

		chunk(5 + 2 * (i % 3), 3, contents);
	}
	finish();
	for (uint32_t i = 1; i < typing->shape_count; i++) {
		chunks += typing->shapes[i].chunks;
		bytes += typing->shapes[i].bytes;
		ck_assert(i == 1 || typing->shapes[i].bytes <= typing->shapes[i - 1].bytes);
	}
	ck_assert_uint_eq(chunks, 200);
	ck_assert_uint_eq(bytes, 67 * 40 + 67 * 56 + 66 * 72);
	end();
}
END_TEST

/* -------------------------------------------------------------------------------------------------
 * containers
 */

static void put_data(unsigned word, uint64_t value)
{
	fake_put_word(&fake, data + (size_t)word * word_size, value);
}

static uint64_t variable(unsigned word)
{
	return DATA + (uint64_t)word * word_size;
}

/* What may be wrong with a tree of three: a root at 0, its children at 1 and 2. */
enum { FINE, WRONG_COUNT, WRONG_PARENT, WRONG_LEFTMOST, WRONG_ROOT, NO_LIBRARY, FLAWS };

static void make_tree(int flaw)
{
	uint64_t header = variable(10);
	uint64_t nodes[][5] = {
		{ 1, header, place(5, 1), place(5, 2), 5 },
		{ 0, flaw == WRONG_PARENT ? place(5, 2) : place(5, 0), 0, 0, 6 },
		{ 0, place(5, 0), 0, 0, 7 },
	};

	put_data(11, flaw == WRONG_ROOT ? place(5, 1) : place(5, 0));
	put_data(12, flaw == WRONG_LEFTMOST ? place(5, 2) : place(5, 1));
	put_data(13, place(5, 2));
	put_data(14, flaw == WRONG_COUNT ? 4 : 3);
	fake_region(&fake, HW_REGION_BRK, 0, HEAP);
	for (unsigned i = 0; i < 3; i++)
		chunk(5, 5, nodes[i]);
}

START_TEST (trees) {
	for (unsigned size = 4; size <= 8; size += 4) {
		if (_i == NO_LIBRARY)
			begin(size);
		else
			begin_cxx(size);
		make_tree(_i);
		finish();
		for (unsigned i = 0; i < 3; i++)
			ck_assert_str_eq(name_at(place(5, i)), _i == FINE ? "std::map/set node" : "unknown");
		if (_i == FINE)
			ck_assert_uint_eq(answer_at(place(5, 0))->level, HW_LEVEL_STRONG);
		end();
	}
}
END_TEST

/* A list of three in a variable; what is wrong with it as above. */
START_TEST (lists) {
	uint64_t header = 0, nodes[3][3];
	bool fine = _i == FINE;

	begin_cxx(8);
	header = variable(20);
	for (unsigned i = 0; i < 3; i++) {
		nodes[i][0] = i == 2 ? header : place(3, i + 1);
		nodes[i][1] = i ? place(3, i - 1) : header;
		nodes[i][2] = 77;
	}
	if (_i == WRONG_PARENT)
		nodes[2][1] = place(3, 0);
	put_data(20, _i == WRONG_ROOT ? place(3, 1) : place(3, 0));
	put_data(21, _i == WRONG_LEFTMOST ? place(3, 1) : place(3, 2));
	put_data(22, _i == WRONG_COUNT ? 2 : 3);
	fake_region(&fake, HW_REGION_BRK, 0, HEAP);
	for (unsigned i = 0; i < 3; i++)
		chunk(3, 3, nodes[i]);
	finish();
	for (unsigned i = 0; i < 3; i++)
		ck_assert_str_eq(name_at(place(3, i)), fine ? "std::list node" : "unknown");
	end();
}
END_TEST

/* The container at a chunk's start is told from its nodes by the number that it holds. */
START_TEST (list_in_chunk) {
	begin_cxx(8);
	fake_region(&fake, HW_REGION_BRK, 0, HEAP);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t words[] = { place(3, (i + 1) % 4), place(3, (i + 3) % 4), i == 1 ? 3 : 50 };

		chunk(3, 3, words);
	}
	finish();
	for (unsigned i = 0; i < 4; i++)
		ck_assert_str_eq(name_at(place(3, i)), i == 1 ? "unknown" : "std::list node");
	end();
}
END_TEST

/* A table of 13 buckets, its container in a variable, five nodes. */
START_TEST (hashes) {
	uint64_t buckets[13] = { 0 }, user;
	bool fine = _i == FINE;

	begin_cxx(8);
	fake_region(&fake, HW_REGION_BRK, 0, HEAP);
	for (unsigned i = 0; i < 5; i++) {
		uint64_t words[] = { i == 4 ? 0 : place(3, i + 1), i };

		if (i == 3 && _i == WRONG_PARENT)
			words[0] = place(3, 2);
		chunk(3, 2, words);
		buckets[i + 1] = place(3, i);
	}
	buckets[0] = variable(32);
	user = chunk(13, 13, buckets);
	put_data(30, _i == WRONG_ROOT ? user + 8 : user);
	put_data(31, _i == WRONG_LEFTMOST ? 17 : 13);
	put_data(32, place(3, 0));
	put_data(33, _i == WRONG_COUNT ? 4 : 5);
	put_data(34, 0x3f800000);
	finish();
	for (unsigned i = 0; i < 5; i++)
		ck_assert_str_eq(name_at(place(3, i)), fine ? "std::unordered_map/set node" : "unknown");
	ck_assert_str_eq(name_at(user), fine ? "std::unordered_map/set buckets" : "unknown");
	end();
}
END_TEST

/* Three words in a variable that hold a chunk of 56 bytes: as offsets from its start. */
static const struct {
	uint64_t before, begin, end, capacity, behind; /* 1: 0 */
	bool is_vector;
} vector_rows[] = {
	{ 1, 0, 24, 48, 1, true },
	{ 1, 0, 56, 56, 1, true },
	{ 1, 0, 8, 32, 1, true },
	{ 1, 0, 8, 24, 1, false },   /* 32 bytes would have been enough */
	{ 1, 8, 24, 48, 1, false },  /* not from the start */
	{ 1, 0, 48, 24, 1, false },  /* beyond its capacity */
	{ 1, 0, 0, 48, 1, false },   /* empty: too little to tell */
	{ 1, 0, 24, 48, 32, false }, /* as stdio and obstacks have them */
	{ 8, 0, 24, 48, 1, false },
};

static void put_offset(unsigned word, uint64_t start, uint64_t offset)
{
	put_data(word, offset == 1 ? 0 : start + offset);
}

START_TEST (vectors) {
	uint64_t user;

	begin_cxx(8);
	fake_region(&fake, HW_REGION_BRK, 0, HEAP);
	user = chunk(7, 0, NULL);
	put_offset(40, user, vector_rows[_i].before);
	put_offset(41, user, vector_rows[_i].begin);
	put_offset(42, user, vector_rows[_i].end);
	put_offset(43, user, vector_rows[_i].capacity);
	put_offset(44, user, vector_rows[_i].behind);
	finish();
	ck_assert_str_eq(name_at(user), vector_rows[_i].is_vector ? "std::vector body" : "unknown");
	end();
}
END_TEST

/* Words at random never crash, and loops end. */
START_TEST (hostile) {
	uint64_t seed = (uint64_t)_i * 2654435761u + 1;

	begin_cxx(_i % 2 ? 8 : 4);
	fake_region(&fake, HW_REGION_BRK, 0, HEAP);
	for (unsigned i = 0; i < 60; i++) {
		uint64_t words[5];

		for (unsigned j = 0; j < 5; j++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			words[j] = seed >> 60 < 4 ? seed >> 33 & 3 : place(5, (unsigned)(seed >> 33) % 60);
			if (seed >> 60 == 15)
				words[j] = variable((unsigned)(seed >> 33) % 64);
		}
		chunk(5, 5, words);
		put_data(i, words[seed >> 40 & 3]);
	}
	finish();
	end();
}
END_TEST

/* ---------------------------------------------------------------------------------------------------
 * siblings
 */

/*
 * Twenty nodes of a list in a variable, and one that looks like them and is in no list: if it is lost it was
 * a node; if it is not, it is something else.
 */
START_TEST (siblings) {
	uint64_t alone, other;
	bool lost = _i == 1;

	begin_cxx(8);
	fake_region(&fake, HW_REGION_BRK, 0, HEAP);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t node[] = { i == 19 ? variable(20) : place(3, i + 1),
			i ? place(3, i - 1) : variable(20), 100 + i };

		chunk(3, 3, node);
	}
	alone = chunk(3, 3, (uint64_t[]){ place(3, 3), place(3, 4), 200 });
	other = chunk(5, 3, (uint64_t[]){ place(3, 3), place(3, 4), 200 });
	put_data(20, place(3, 0));
	put_data(21, place(3, 19));
	put_data(22, 20);
	put_data(30, lost ? 0 : alone);
	finish_with_graph();
	ck_assert_str_eq(name_at(place(3, 5)), "std::list node");
	ck_assert_str_eq(name_at(alone), lost ? "std::list node" : "unknown");
	if (lost) {
		ck_assert_uint_eq(answer_at(alone)->evidence, HW_EVIDENCE_SIBLING);
		ck_assert_uint_eq(answer_at(alone)->level, HW_LEVEL_LIKELY);
	}
	ck_assert_str_eq(name_at(other), "unknown");
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shapes");
	TCase *shapes = tcase_create("shapes"), *containers = tcase_create("containers");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(shapes, kinds, 0, hw_array_size(word_rows));
	tcase_add_test(shapes, variants);
	tcase_add_test(shapes, sums);
	tcase_add_loop_test(shapes, siblings, 0, 2);
	suite_add_tcase(suite, shapes);
	tcase_add_loop_test(containers, trees, 0, FLAWS);
	tcase_add_loop_test(containers, lists, 0, NO_LIBRARY);
	tcase_add_test(containers, list_in_chunk);
	tcase_add_loop_test(containers, hashes, 0, NO_LIBRARY);
	tcase_add_loop_test(containers, vectors, 0, hw_array_size(vector_rows));
	tcase_add_loop_test(containers, hostile, 0, 300);
	suite_add_tcase(suite, containers);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
