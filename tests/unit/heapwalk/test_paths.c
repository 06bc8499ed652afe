/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Types that lead from variables to chunks, and what must not be believed. */
#include "hand_catalogue.h"

static struct hand_program hand;
static uint32_t number, character, node, node_pointer, nothing_pointer;

/* struct node { struct node *next; long value; } and a global pointer to the first. */
static void setup(void)
{
	hand_init(&hand);
	number = hand_number(&hand, "long", 8);
	character = hand_number(&hand, "char", 1);
	node = hand_struct(&hand, "node", 16);
	node_pointer = hand_pointer(&hand, node);
	nothing_pointer = hand_pointer(&hand, 0);
	hand_member(&hand, node, "next", 0, node_pointer);
	hand_member(&hand, node, "value", 8, number);
}

static void teardown(void)
{
	hand_deinit(&hand);
}

static void expect(uint64_t chunk, const char *name, enum hw_level level, enum hw_fit fit)
{
	const struct hw_chunk_type *answer = hand_answer(&hand, chunk);

	ck_assert_str_eq(hand_name(&hand, chunk), name);
	ck_assert_str_eq(hw_level_name((enum hw_level)answer->level), hw_level_name(level));
	ck_assert_str_eq(hw_fit_name((enum hw_fit)answer->fit), hw_fit_name(fit));
}

static void expect_unknown(uint64_t chunk)
{
	ck_assert_str_eq(hand_name(&hand, chunk), "unknown");
	ck_assert_int_eq(hand_answer(&hand, chunk)->level, HW_LEVEL_UNKNOWN);
}

/* Only what paths say. */
#define PATHS_ALONE                                                                                          \
	(1u << HW_EVIDENCE_CONTAINER | 1u << HW_EVIDENCE_JOINT | 1u << HW_EVIDENCE_RECORDS |                 \
		1u << HW_EVIDENCE_SIBLING | 1u << HW_EVIDENCE_TEXT)

START_TEST (list) {
	uint64_t first = hand_chunk(&hand, 16), apart = hand_chunk(&hand, 16), second = hand_chunk(&hand, 16);

	hand_global(&hand, "nodes", node_pointer, first);
	hand_word(&hand, first, second);
	hand_word(&hand, first + 8, 42);
	hand_type(&hand, PATHS_ALONE);
	expect(first, "node", HW_LEVEL_STRONG, HW_FIT_EXACT);
	expect(second, "node", HW_LEVEL_STRONG, HW_FIT_EXACT);
	expect_unknown(apart);
	ck_assert_uint_eq(hand_answer(&hand, first)->from, HW_TYPE_FROM_ROOT | 0);
	ck_assert_str_eq(hand.typing->sources[0].name, "nodes");
	ck_assert(hand_answer(&hand, second)->from < HW_TYPE_FROM_ROOT);
}
END_TEST

/* A remainder too small for a chunk of its own makes the chunk 16 bytes larger; 32 are something else. */
START_TEST (slack_of_16_bytes) {
	uint64_t first = hand_chunk(&hand, 16), second = hand_chunk(&hand, 40), third = hand_chunk(&hand, 56);

	hand_global(&hand, "nodes", node_pointer, first);
	hand_word(&hand, first, second);
	hand_word(&hand, second, third);
	hand_type(&hand, PATHS_ALONE);
	expect(second, "node", HW_LEVEL_STRONG, HW_FIT_EXACT);
	ck_assert(hand_answer(&hand, third)->fit != HW_FIT_EXACT);
	ck_assert(hand_answer(&hand, third)->level < HW_LEVEL_STRONG);
}
END_TEST

/* What a void pointer leads to depends on the object: two of one type lead to different things. */
START_TEST (void_pointers_force_nothing) {
	uint32_t box = hand_struct(&hand, "box", 16), box_pointer = hand_pointer(&hand, box);
	uint64_t first = hand_chunk(&hand, 16), content = hand_chunk(&hand, 16),
		 typed = hand_chunk(&hand, 16);

	hand_member(&hand, box, "content", 0, nothing_pointer);
	hand_member(&hand, box, "rest", 8, number);
	hand_global(&hand, "box", box_pointer, first);
	hand_global(&hand, "nodes", node_pointer, typed);
	hand_word(&hand, first, content);
	hand_type(&hand, PATHS_ALONE);
	expect(first, "box", HW_LEVEL_STRONG, HW_FIT_EXACT);
	expect_unknown(content);
}
END_TEST

/* Chunks of many sizes that all begin alike: pointers to the header mean none of them. */
START_TEST (common_header) {
	uint32_t header = hand_struct(&hand, "header", 16), header_pointer = hand_pointer(&hand, header);
	static const uint64_t sizes[] = { 16, 72, 120, 200, 344 };
	uint64_t chunks[hw_array_size(sizes)];

	hand_member(&hand, header, "next", 0, header_pointer);
	hand_member(&hand, header, "tag", 8, number);
	for (size_t i = 0; i < hw_array_size(sizes); i++)
		chunks[i] = hand_chunk(&hand, sizes[i]);
	for (size_t i = 0; i + 1 < hw_array_size(sizes); i++)
		hand_word(&hand, chunks[i], chunks[i + 1]);
	hand_global(&hand, "all", header_pointer, chunks[0]);
	hand_type(&hand, PATHS_ALONE);
	for (size_t i = 0; i < hw_array_size(sizes); i++) {
		ck_assert_str_eq(hand_name(&hand, chunks[i]), "header");
		ck_assert_int_eq(hand_answer(&hand, chunks[i])->fit, HW_FIT_DERIVED);
		ck_assert_int_lt(hand_answer(&hand, chunks[i])->level, HW_LEVEL_STRONG);
	}
}
END_TEST

/* begin, end and end of storage, as vectors have them. What lies behind the end is not looked at. */
START_TEST (bounds) {
	uint32_t vector = hand_struct(&hand, "vector", 24), vector_pointer = hand_pointer(&hand, vector);
	uint64_t object = hand_chunk(&hand, 24), body = hand_chunk(&hand, 64), leaf = hand_chunk(&hand, 16);

	hand_member(&hand, vector, "begin", 0, node_pointer);
	hand_member(&hand, vector, "end", 8, node_pointer);
	hand_member(&hand, vector, "limit", 16, node_pointer);
	hand_global(&hand, "vector", vector_pointer, object);
	hand_word(&hand, object, body);
	hand_word(&hand, object + 8, body + 32);
	hand_word(&hand, object + 16, body + 64);
	hand_word(&hand, body + 16, leaf);
	hand_word(&hand, body + 32, 0xdeadbeefdeadbeef);
	hand_type(&hand, PATHS_ALONE);
	expect(body, "node", HW_LEVEL_STRONG, HW_FIT_ARRAY);
	expect(leaf, "node", HW_LEVEL_STRONG, HW_FIT_EXACT);
}
END_TEST

START_TEST (flexible_tail) {
	uint32_t text = hand_struct(&hand, "text", 8), text_pointer = hand_pointer(&hand, text);
	uint64_t chunk = hand_chunk(&hand, 100);

	hand_member(&hand, text, "length", 0, number);
	hand_member(&hand, text, "bytes", 8, hand_array(&hand, character, 0));
	hand_global(&hand, "text", text_pointer, chunk);
	hand_word(&hand, chunk, 3);
	hand_type(&hand, PATHS_ALONE);
	expect(chunk, "text", HW_LEVEL_LIKELY, HW_FIT_TAIL);
}
END_TEST

/* A list whose links stand in the middle of its elements. */
START_TEST (container_of) {
	uint32_t element = hand_struct(&hand, "element", 48);
	uint64_t first, second;

	hand_member(&hand, element, "key", 0, number);
	hand_member(&hand, element, "link", 16, node);
	hand_member(&hand, element, "more", 32, number);
	first = hand_chunk(&hand, 48);
	second = hand_chunk(&hand, 48);
	hand_global(&hand, "head", node_pointer, first + 16);
	hand_word(&hand, first + 16, second + 16);
	hand_type(&hand, PATHS_ALONE);
	expect(first, "element", HW_LEVEL_STRONG, HW_FIT_EXACT);
	expect(second, "element", HW_LEVEL_STRONG, HW_FIT_EXACT);
	ck_assert_int_eq(hand_answer(&hand, second)->evidence, HW_EVIDENCE_CONTAINER_OF);
}
END_TEST

/* Two structs have such a member there: which one it is nobody can say. */
START_TEST (container_of_two) {
	uint32_t one = hand_struct(&hand, "one", 48), other;
	uint64_t first;

	hand_member(&hand, one, "key", 0, number);
	hand_member(&hand, one, "link", 16, node);
	other = hand_struct(&hand, "other", 48);
	hand_member(&hand, other, "weight", 0, number);
	hand_member(&hand, other, "link", 16, node);
	first = hand_chunk(&hand, 48);
	hand_global(&hand, "head", node_pointer, first + 16);
	hand_type(&hand, PATHS_ALONE);
	expect_unknown(first);
}
END_TEST

/* A chunk's address where a number should be. */
START_TEST (pointer_in_number) {
	uint64_t first = hand_chunk(&hand, 16), second = hand_chunk(&hand, 16);

	hand_global(&hand, "nodes", node_pointer, first);
	hand_word(&hand, first + 8, second);
	hand_type(&hand, PATHS_ALONE);
	expect_unknown(first);
}
END_TEST

/* Neither an address nor nothing where a pointer should be. */
START_TEST (number_in_pointer) {
	uint64_t first = hand_chunk(&hand, 16);

	hand_global(&hand, "nodes", node_pointer, first);
	hand_word(&hand, first, 0x6f6c6c6568);
	hand_type(&hand, PATHS_ALONE);
	expect_unknown(first);
}
END_TEST

/* Among many pointers that are right one holds a short text: to save memory, as libxml2 does. */
START_TEST (one_bad_pointer_of_many) {
	uint32_t tree = hand_struct(&hand, "tree", 48), tree_pointer = hand_pointer(&hand, tree);
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
	uint64_t good = hand_chunk(&hand, 48), bad = hand_chunk(&hand, 48), leaf = hand_chunk(&hand, 48);

	for (uint64_t i = 0; i < 6; i++)
		hand_member(&hand, tree, names[i], 8 * i, tree_pointer);
	hand_global(&hand, "good", tree_pointer, good);
	hand_global(&hand, "bad", tree_pointer, bad);
	for (uint64_t i = 0; i < 6; i++) {
		hand_word(&hand, good + 8 * i, i < 5 ? leaf : 0x6f6c6c6568);
		hand_word(&hand, bad + 8 * i, i < 3 ? leaf : 0x6f6c6c6568);
	}
	hand_type(&hand, PATHS_ALONE);
	expect(good, "tree", HW_LEVEL_LIKELY, HW_FIT_EXACT);
	expect(leaf, "tree", HW_LEVEL_STRONG, HW_FIT_EXACT);
	expect_unknown(bad);
}
END_TEST

/* The debug information says that something else stands where the pointer leads. */
START_TEST (global_of_another_type) {
	uint32_t box = hand_struct(&hand, "box", 16), box_pointer = hand_pointer(&hand, box);
	uint64_t good = hand_chunk(&hand, 16), bad = hand_chunk(&hand, 16), place;

	hand_member(&hand, box, "a", 0, nothing_pointer);
	hand_member(&hand, box, "b", 8, nothing_pointer);
	hand_global(&hand, "good", node_pointer, good);
	hand_global(&hand, "bad", node_pointer, bad);
	place = hand_global(&hand, "a_node", node, 0);
	hand_global(&hand, "its second word", number, 0);
	hand_word(&hand, good, place);
	place = hand_global(&hand, "a_box", box, 0);
	hand_global(&hand, "its second word", number, 0);
	hand_word(&hand, bad, place);
	(void)box_pointer;
	hand_type(&hand, PATHS_ALONE);
	expect(good, "node", HW_LEVEL_STRONG, HW_FIT_EXACT);
	expect_unknown(bad);
}
END_TEST

/* Nothing that starts here can be larger than its chunk. */
START_TEST (too_small) {
	uint32_t large = hand_struct(&hand, "large", 200), large_pointer = hand_pointer(&hand, large);
	uint64_t first = hand_chunk(&hand, 100);

	hand_member(&hand, large, "first", 0, number);
	hand_global(&hand, "large", large_pointer, first);
	hand_type(&hand, PATHS_ALONE);
	expect_unknown(first);
}
END_TEST

START_TEST (local_variable) {
	uint64_t first = hand_chunk(&hand, 16);

	hand_local(&hand, "here", node_pointer, first);
	hand_type(&hand, PATHS_ALONE);
	expect(first, "node", HW_LEVEL_STRONG, HW_FIT_EXACT);
	ck_assert_str_eq(hand.typing->sources[0].name, "main: local `here`");
}
END_TEST

/* Two paths say different things of one chunk, equally surely: then neither is sure. */
START_TEST (disagreement) {
	uint32_t box = hand_struct(&hand, "box", 16), box_pointer = hand_pointer(&hand, box);
	uint64_t first = hand_chunk(&hand, 16);

	hand_member(&hand, box, "a", 0, nothing_pointer);
	hand_member(&hand, box, "b", 8, nothing_pointer);
	hand_global(&hand, "one", node_pointer, first);
	hand_local(&hand, "other", box_pointer, first);
	hand_type(&hand, PATHS_ALONE);
	ck_assert_int_lt(hand_answer(&hand, first)->level, HW_LEVEL_STRONG);
}
END_TEST

/* A union's only pointer leads on; of two, none does. */
START_TEST (unions) {
	uint32_t value = hand_union(&hand, "value", 8), slot, choice, slot_pointer, choices;
	uint64_t one, other, good, bad;

	hand_member(&hand, value, "list", 0, node_pointer);
	hand_member(&hand, value, "number", 0, number);
	slot = hand_struct(&hand, "slot", 16);
	hand_member(&hand, slot, "kind", 0, number);
	hand_member(&hand, slot, "value", 8, value);
	choice = hand_union(&hand, "choice", 8);
	slot_pointer = hand_pointer(&hand, slot);
	hand_member(&hand, choice, "list", 0, node_pointer);
	hand_member(&hand, choice, "slot", 0, slot_pointer);
	choices = hand_struct(&hand, "choices", 16);
	hand_member(&hand, choices, "kind", 0, number);
	hand_member(&hand, choices, "choice", 8, choice);
	one = hand_chunk(&hand, 16);
	other = hand_chunk(&hand, 16);
	good = hand_chunk(&hand, 16);
	bad = hand_chunk(&hand, 16);
	hand_word(&hand, one + 8, good);
	hand_word(&hand, other + 8, bad);
	hand_global(&hand, "one", slot_pointer, one);
	hand_global(&hand, "other", hand_pointer(&hand, choices), other);
	hand_type(&hand, PATHS_ALONE);
	expect(good, "node", HW_LEVEL_STRONG, HW_FIT_EXACT);
	ck_assert_int_lt(hand_answer(&hand, bad)->level, HW_LEVEL_STRONG);
}
END_TEST

/* A list that runs from high to low addresses and back, and ends in itself. */
START_TEST (long_list) {
	enum { COUNT = 2000 };
	static uint64_t chunks[COUNT];

	for (int i = 0; i < COUNT; i++)
		chunks[i] = hand_chunk(&hand, 16);
	for (int i = 0; i < COUNT; i++)
		hand_word(&hand, chunks[i * 7 % COUNT], chunks[(i + 1) % COUNT * 7 % COUNT]);
	hand_global(&hand, "nodes", node_pointer, chunks[0]);
	hand_type(&hand, PATHS_ALONE);
	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(hand_answer(&hand, chunks[i])->level, HW_LEVEL_STRONG);
}
END_TEST

/* Members outside their struct, structs in themselves, arrays without end: damaged debug information. */
START_TEST (damaged_catalogue) {
	uint32_t wild = hand_struct(&hand, "wild", 24), wild_pointer;
	uint64_t first = hand_chunk(&hand, 24);

	hand_member(&hand, wild, "itself", 0, wild);
	hand_member(&hand, wild, "far", UINT64_MAX - 4, number);
	hand_member(&hand, wild, "long", 8, hand_array(&hand, wild, UINT64_MAX / 2));
	wild_pointer = hand_pointer(&hand, wild);
	hand_global(&hand, "wild", wild_pointer, first);
	hand_type(&hand, PATHS_ALONE);
	ck_assert_int_le(hand_answer(&hand, first)->level, HW_LEVEL_STRONG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("paths");
	TCase *tests = tcase_create("paths");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, list);
	tcase_add_test(tests, slack_of_16_bytes);
	tcase_add_test(tests, void_pointers_force_nothing);
	tcase_add_test(tests, common_header);
	tcase_add_test(tests, bounds);
	tcase_add_test(tests, flexible_tail);
	tcase_add_test(tests, container_of);
	tcase_add_test(tests, container_of_two);
	tcase_add_test(tests, pointer_in_number);
	tcase_add_test(tests, number_in_pointer);
	tcase_add_test(tests, one_bad_pointer_of_many);
	tcase_add_test(tests, global_of_another_type);
	tcase_add_test(tests, too_small);
	tcase_add_test(tests, local_variable);
	tcase_add_test(tests, disagreement);
	tcase_add_test(tests, unions);
	tcase_add_test(tests, long_list);
	tcase_add_test(tests, damaged_catalogue);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
