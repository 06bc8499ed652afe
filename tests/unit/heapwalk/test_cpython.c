/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A CPython 3.11 made of bytes: types in a module and in chunks, objects in chunks and in pymalloc's blocks,
 * and what must not be taken for any of these. Layouts from Include/cpython/object.h, Objects/obmalloc.c.
 */
#include <check.h>

#include "tests/unit/heapwalk/fake_heap.h"

#define DATA        0x600000u
#define HEAP        0x10000000u
#define ARENA       UINT64_C(0x70000000) /* aligned to its pools */
#define ARENA_BYTES (1u << 20)
#define POOL_BYTES  (1u << 14)

/* tp_flags. */
#define MANAGED_DICT 0x10u
#define HEAPTYPE     0x200u
#define READY        0x1000u
#define HAVE_GC      0x4000u
#define LIST         0x2000000u
#define DICT         0x20000000u
#define TYPE         0x80000000u

struct python {
	struct fake_heap fake;
	unsigned word;
	uint8_t *data;                     /* the module's */
	uint64_t names;                    /* where the next name goes */
	uint64_t type, list, dict, number; /* static types */
	struct hw_typing *typing;
};

static void put(const struct python *python, uint8_t *bytes, unsigned index, uint64_t word)
{
	fake_put_word(&python->fake, bytes + index * python->word, word);
}

static void put_u32(const struct python *python, uint8_t *bytes, uint32_t number)
{
	for (unsigned i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(number >> 8 * (python->fake.snapshot.image->big_endian ? 3 - i : i));
}

/* A PyTypeObject. */
static void put_type(struct python *python, uint8_t *bytes, uint64_t metaclass, const char *name,
	unsigned size, uint32_t flags)
{
	put(python, bytes, 0, 1);
	put(python, bytes, 1, metaclass);
	put(python, bytes, 3, python->names);
	put(python, bytes, 4, size);
	put(python, bytes, 21, flags | READY);
	strcpy((char *)python->data + (python->names - DATA), name);
	python->names += strlen(name) + 1;
}

static uint64_t static_type(struct python *python, unsigned slot, uint64_t metaclass, const char *name,
	unsigned words, uint32_t flags)
{
	uint64_t address = DATA + 0x1000 + slot * 0x400u;

	put_type(python, python->data + (address - DATA), metaclass ? metaclass : address, name,
		words * python->word, flags);
	return address;
}

static void begin(struct python *python, unsigned word_size, bool big_endian)
{
	struct hw_module *module;

	memset(python, 0, sizeof(*python));
	python->word = word_size;
	fake_init(&python->fake, word_size, big_endian);
	fake_map(&python->fake, DATA, DATA + 0x10000, HW_MAP_READ | HW_MAP_WRITE, "/usr/bin/python3.11");
	fake_map(&python->fake, HEAP, HEAP + 0x100000, HW_MAP_READ | HW_MAP_WRITE, "[heap]");
	fake_map(&python->fake, ARENA, ARENA + ARENA_BYTES, HW_MAP_READ | HW_MAP_WRITE, "");
	module = fake_module(&python->fake, DATA, DATA + 0x10000, "/usr/bin/python3.11");
	module->segments[0].prot = HW_MAP_READ | HW_MAP_WRITE;
	python->data = fake_memory(&python->fake, DATA, 0x10000, NULL, 0);
	python->names = DATA + 0x8000;
	python->type = static_type(python, 0, 0, "type", 113, HAVE_GC | TYPE);
	python->list = static_type(python, 1, python->type, "list", 5, HAVE_GC | LIST);
	python->dict = static_type(python, 2, python->type, "dict", 6, HAVE_GC | DICT);
	python->number = static_type(python, 3, python->type, "float", 3, 0);
	fake_region(&python->fake, HW_REGION_BRK, 0, HEAP);
}

static void finish(struct python *python)
{
	struct hw_typing_options options = { 0 };

	fake_chunk(&python->fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x1000, NULL, 0);
	fake_finish(&python->fake);
	ck_assert_ptr_null(hw_typing_build(python->fake.heap, NULL, &options, &python->typing));
}

static void end(struct python *python)
{
	hw_typing_destroy(python->typing);
	fake_deinit(&python->fake);
}

/* A live chunk of so many words (an odd number), filled from `words`. Its user address. */
static uint64_t chunk(struct python *python, const uint64_t *words, unsigned count, unsigned usable)
{
	uint8_t bytes[1024] = { 0 };

	for (unsigned i = 0; i < count; i++)
		put(python, bytes, i, words[i]);
	return fake_chunk(&python->fake, HW_CHUNK_LIVE, HW_CONTENT_POINTERS, (usable + 1) * python->word,
		bytes, usable * python->word);
}

static const char *name_at(const struct python *python, uint64_t user, enum hw_level *level)
{
	const struct hw_chunk_type *answer;
	uint32_t index;

	ck_assert(hw_heap_find(python->fake.heap, user, &index));
	answer = hw_chunk_type(python->typing, index);
	if (level)
		*level = (enum hw_level)answer->level;
	return python->typing->types[answer->type].name;
}

static void check_name(const struct python *python, uint64_t user, const char *name, enum hw_level expected)
{
	enum hw_level level;

	ck_assert_str_eq(name_at(python, user, &level), name);
	ck_assert_int_eq(level, expected);
}

/* ------------------------------------------------------------------------------------------------------
 * chunks
 */

static const struct machine {
	unsigned word_size;
	bool big_endian;
} machines[] = { { 8, false }, { 4, false }, { 8, true } };

/* A dict with keys that look right, so that the layout is proven. Returns the dict's block. */
static uint64_t add_dict(struct python *python, uint64_t *keys)
{
	uint8_t bytes[512] = { 0 };
	unsigned word = python->word;

	put(python, bytes, 0, 1);
	bytes[word] = 3; /* dk_log2_size, dk_log2_index_bytes, dk_kind */
	bytes[word + 1] = 3;
	bytes[word + 2] = 1;
	put(python, bytes + word + 8, 0, 3);
	put(python, bytes + word + 8, 1, 2);
	*keys = fake_chunk(&python->fake, HW_CHUNK_LIVE, HW_CONTENT_POINTERS, 24 * word, bytes, 23 * word);
	return chunk(python, (uint64_t[]){ 0, 0, 1, python->dict, 2, 9, *keys, 0 }, 8, 9);
}

static uint64_t add_class(struct python *python, const char *name, uint32_t flags)
{
	uint8_t bytes[1024] = { 0 };
	unsigned word = python->word;

	put_type(python, bytes + 2 * word, python->type, name, 2 * word, HEAPTYPE | HAVE_GC | flags);
	return fake_chunk(&python->fake, HW_CHUNK_LIVE, HW_CONTENT_POINTERS, 122 * word, bytes, 121 * word) +
	       2 * word;
}

START_TEST (objects_in_chunks) {
	const struct machine *machine = &machines[_i];
	uint64_t class, keys, dict, number, instance, items, list;
	struct python python;

	begin(&python, machine->word_size, machine->big_endian);
	dict = add_dict(&python, &keys);
	class = add_class(&python, "MyClass", MANAGED_DICT);
	number = chunk(&python, (uint64_t[]){ 1, python.number, 42 }, 3, 3);
	instance = chunk(&python, (uint64_t[]){ 0, 0, 0, 0, 7, class }, 6, 7);
	items = chunk(&python, (uint64_t[]){ number, number, number }, 3, 5);
	list = chunk(&python, (uint64_t[]){ HEAP, HEAP, 1, python.list, 3, items, 4 }, 7, 7);
	finish(&python);
	check_name(&python, dict, "dict", HW_LEVEL_CERTAIN);
	check_name(&python, keys, "dict keys", HW_LEVEL_STRONG);
	check_name(&python, class, "type", HW_LEVEL_CERTAIN);
	check_name(&python, number, "float", HW_LEVEL_CERTAIN);
	check_name(&python, instance, "MyClass", HW_LEVEL_CERTAIN);
	check_name(&python, list, "list", HW_LEVEL_CERTAIN);
	check_name(&python, items, "list items", HW_LEVEL_STRONG);
	end(&python);
}
END_TEST

/* None of these is an object. */
static const struct lookalike {
	const char *what;
	uint64_t words[8]; /* NUMBER, LIST...: the types' addresses */
	unsigned usable;
} lookalikes[] = {
	{ "an array of pointers with a type in it", { HEAP + 0x40, 1 /* float */ }, 3 },
	{ "dead: nobody refers to it", { 0, 1, 42 }, 3 },
	{ "far larger than its type's objects", { 1, 1, 42 }, 63 },
	{ "smaller than them", { HEAP, HEAP, 1, 2 /* list */ }, 5 },
	{ "a list without the garbage collector's head", { 1, 2, 3, 4, 5 }, 7 },
	{ "links that lead nowhere", { 0x123456, 0x654321, 1, 2, 0, 0, 0 }, 7 },
	{ "a type that is none", { 1, DATA + 0x3000, 42 }, 3 },
	{ "a pointer into the middle of a type", { 1, DATA + 0x1008, 42 }, 3 },
};

START_TEST (no_objects) {
	const struct lookalike *row = &lookalikes[_i];
	uint64_t words[8], keys, user;
	struct python python;

	begin(&python, 8, false);
	add_dict(&python, &keys);
	memcpy(words, row->words, sizeof(words));
	for (unsigned i = 0; i < 8; i++) {
		if (i && words[i] == 1 && (i == 1 || i == 3))
			words[i] = python.number;
		if (words[i] == 2 && (i == 1 || i == 3))
			words[i] = python.list;
	}
	user = chunk(&python, words, 8, row->usable);
	finish(&python);
	ck_assert_msg(
		strcmp(name_at(&python, user, NULL), "float") && strcmp(name_at(&python, user, NULL), "list"),
		"%s: %s", row->what, name_at(&python, user, NULL));
	end(&python);
}
END_TEST

/* Types whose types go round in circles. */
START_TEST (hostile_types) {
	uint64_t keys, first, second, user;
	struct python python;

	begin(&python, 8, false);
	add_dict(&python, &keys);
	first = static_type(&python, 6, DATA + 0x1000 + 7 * 0x400, "first", 3, TYPE);
	second = static_type(&python, 7, first, "second", 3, TYPE);
	user = chunk(&python, (uint64_t[]){ 1, second, 42 }, 3, 3);
	put(&python, python.data + 0x1000 + 3 * 0x400, 32, python.number); /* its own base */
	finish(&python);
	check_name(&python, user, "unknown", HW_LEVEL_UNKNOWN);
	end(&python);
}
END_TEST

START_TEST (no_python) {
	struct python python;
	uint64_t user;

	begin(&python, 8, false);
	memset(python.data + 0x1000, 0, 0x400); /* the type of types is gone */
	user = chunk(&python, (uint64_t[]){ 1, python.number, 42 }, 3, 3);
	finish(&python);
	ck_assert_str_ne(name_at(&python, user, NULL), "float");
	ck_assert_uint_eq(python.typing->pymalloc.arenas, 0);
	end(&python);
}
END_TEST

/* ---------------------------------------------------------------------------------------------------
 * pymalloc
 */

/* The table of arenas: entry 3 is in use. One pool was cut off the arena. */
static uint64_t add_table(struct python *python)
{
	uint8_t bytes[16 * 48] = { 0 }, *entry = bytes + 3 * 48;

	put(python, entry, 0, ARENA);
	put(python, entry, 1, ARENA + 2 * POOL_BYTES);
	put_u32(python, entry + 16, 63); /* nfreepools: one of the two that were cut off is empty */
	put_u32(python, entry + 20, 64);
	put(python, entry, 3, ARENA + POOL_BYTES);
	return fake_chunk(
		&python->fake, HW_CHUNK_LIVE, HW_CONTENT_POINTERS, sizeof(bytes) + 16, bytes, sizeof(bytes));
}

/* A pool of 32-byte blocks: ten were given out, two of them (3 and 5) are free again. */
static uint8_t *add_pool(struct python *python)
{
	uint8_t *pool = fake_memory(&python->fake, ARENA, 2 * POOL_BYTES, NULL, 0);

	put_u32(python, pool, 8);
	put(python, pool, 1, ARENA + 48 + 5 * 32);
	put_u32(python, pool + 32, 3);
	put_u32(python, pool + 36, 1);
	put_u32(python, pool + 40, 48 + 10 * 32);
	put_u32(python, pool + 44, POOL_BYTES - 32);
	for (unsigned i = 0; i < 10; i++) {
		put(python, pool + 48 + i * 32, 0, 1);
		put(python, pool + 48 + i * 32, 1, python->number);
	}
	put(python, pool + 48 + 5 * 32, 0, ARENA + 48 + 3 * 32);
	put(python, pool + 48 + 3 * 32, 0, 0);
	return pool;
}

static const struct hw_pool_row *row_named(const struct python *python, const char *name)
{
	for (uint32_t i = 0; i < python->typing->pool_count; i++) {
		const struct hw_pool_row *row = &python->typing->pools[i];

		if (row->used && !strcmp(python->typing->types[row->type].name, name))
			return row;
	}
	return NULL;
}

START_TEST (pools) {
	const struct hw_pool_row *row;
	struct python python;
	uint64_t keys;

	begin(&python, 8, false);
	add_dict(&python, &keys);
	add_table(&python);
	add_pool(&python);
	finish(&python);
	ck_assert_uint_eq(python.typing->pymalloc.arenas, 1);
	ck_assert_uint_eq(python.typing->pymalloc.used_blocks, 8);
	ck_assert_uint_eq(python.typing->pymalloc.free_blocks, (POOL_BYTES - 48) / 32 - 8);
	ck_assert_uint_eq(python.typing->pymalloc.free_pool_bytes, ARENA_BYTES - POOL_BYTES);
	row = row_named(&python, "float");
	ck_assert_ptr_nonnull(row);
	ck_assert_uint_eq(row->used, 8);
	ck_assert_uint_eq(row->record_size, 32);
	ck_assert_uint_eq(row->blocks, 1);
	ck_assert_int_eq(row->level, HW_LEVEL_CERTAIN);
	ck_assert_uint_eq(python.typing->types[row->type].pooled, 8);
	end(&python);
}
END_TEST

/* What a damaged or hostile pool may say, and how many arenas may then be believed in at most. */
static const struct damage {
	const char *what;
	bool in_table;
	unsigned offset; /* in the entry, or the pool's head */
	bool is_word;
	uint64_t value;
	uint64_t arenas;
} damages[] = {
	{ "arena that starts within a page", true, 0, true, ARENA + 16, 0 },
	{ "arena at the end of the address space", true, 0, true, UINT64_MAX - 4095, 0 },
	{ "more free pools than there are", true, 16, false, 65, 0 },
	{ "another number of pools", true, 20, false, 9, 0 },
	{ "pools cut off past the end", true, 8, true, ARENA + 2 * ARENA_BYTES, 0 },
	{ "more used blocks than were given out", false, 0, false, 11, 0 },
	{ "another arena's number", false, 32, false, 4, 0 },
	{ "no such size", false, 36, false, 0xffff, 0 },
	{ "given out beyond the end", false, 40, false, POOL_BYTES + 4096, 0 },
	{ "given out within a block", false, 40, false, 48 + 10 * 32 + 8, 0 },
	{ "a list that leaves the pool", false, 8, true, ARENA + 5 * POOL_BYTES + 48, 1 },
	{ "a list that starts within a block", false, 8, true, ARENA + 48 + 7, 1 },
	{ "a list in a circle", false, 48 + 3 * 32, true, ARENA + 48 + 5 * 32, 1 },
};

START_TEST (damaged_pools) {
	const struct damage *row = &damages[_i];
	uint64_t keys, table;
	struct python python;
	uint8_t *bytes;

	begin(&python, 8, false);
	add_dict(&python, &keys);
	table = add_table(&python);
	bytes = add_pool(&python);
	if (row->in_table)
		bytes = python.fake.region_bytes + (table - HEAP) + 3 * 48;
	if (row->is_word)
		put(&python, bytes + row->offset, 0, row->value);
	else
		put_u32(&python, bytes + row->offset, (uint32_t)row->value);
	finish(&python);
	ck_assert_msg(python.typing->pymalloc.arenas == row->arenas, "%s: %llu arenas", row->what,
		(unsigned long long)python.typing->pymalloc.arenas);
	end(&python);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpython");
	TCase *tcase = tcase_create("cpython");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, objects_in_chunks, 0, hw_array_size(machines));
	tcase_add_loop_test(tcase, no_objects, 0, hw_array_size(lookalikes));
	tcase_add_test(tcase, hostile_types);
	tcase_add_test(tcase, no_python);
	tcase_add_test(tcase, pools);
	tcase_add_loop_test(tcase, damaged_pools, 0, hw_array_size(damages));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
