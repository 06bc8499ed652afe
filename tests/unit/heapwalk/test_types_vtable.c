/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Objects of C++ classes in a heap made by hand. Vtables and type_infos are laid out after the Itanium C++
 * ABI, 2.5.2 and 2.9.4; arrays with their count after 2.7.
 */
#include <check.h>

#include "tests/unit/heapwalk/fake_heap.h"

#define CODE  0x10000000
#define CONST 0x10001000
#define DATA  0x10002000
#define HEAP  0x20000000

#define SESSION  (CONST + 0x20) /* the vtable of app::Session, */
#define SECOND   (CONST + 0x60) /* that of its second base, */
#define NAMELESS (CONST + 0xa0) /* of a class whose name is not in memory, */
#define NO_RTTI  (CONST + 0xe0) /* and of one without type_info; only a symbol tells */
#define TYPEINFO (CONST + 0x200)
#define LOST     (CONST + 0x240)
#define NAME     (CONST + 0x300)

struct target {
	struct fake_heap fake;
	uint64_t word;
	uint8_t *constants;
};

static void put(struct target *target, uint64_t address, uint64_t word)
{
	fake_put_word(&target->fake, target->constants + (address - CONST), word);
}

/* A vtable's address point, with what stands before and behind it. */
static void put_vtable(struct target *target, uint64_t at, int64_t top, uint64_t typeinfo)
{
	put(target, at - 2 * target->word, (uint64_t)top);
	put(target, at - target->word, typeinfo);
	put(target, at, CODE + 0x40);
	put(target, at + target->word, CODE + 0x50);
}

static void begin(struct target *target, unsigned word_size, bool big_endian)
{
	struct fake_heap *fake = &target->fake;

	fake_init(fake, word_size, big_endian);
	target->word = word_size;
	fake_map(fake, CODE, CONST, HW_MAP_READ | HW_MAP_EXEC, "/bin/app");
	fake_map(fake, CONST, DATA, HW_MAP_READ, "/bin/app");
	fake_map(fake, DATA, DATA + 0x1000, HW_MAP_READ | HW_MAP_WRITE, "/bin/app");
	fake_map(fake, HEAP, HEAP + 0x21000, HW_MAP_READ | HW_MAP_WRITE, "[heap]");
	fake_module(fake, CODE, DATA + 0x1000, "/bin/app");
	target->constants = fake_memory(fake, CONST, 0x1000, NULL, 0);
	put_vtable(target, SESSION, 0, TYPEINFO);
	put_vtable(target, SECOND, -16, TYPEINFO);
	put_vtable(target, NAMELESS, 0, LOST);
	put_vtable(target, NO_RTTI, 0, 0);
	put(target, TYPEINFO, DATA + 0x10);
	put(target, TYPEINFO + word_size, NAME);
	put(target, LOST, DATA + 0x10);
	put(target, LOST + word_size, DATA + 0x800); /* mapped, but not in the image */
	memcpy(target->constants + (NAME - CONST), "N3app7SessionE", 15);
	fake_region(fake, HW_REGION_BRK, 0, HEAP);
}

static char *demangle(const char *symbol)
{
	return strcmp(symbol, "_ZTSN3app7SessionE") == 0 ? strdup("typeinfo name for app::Session") : NULL;
}

static bool symbol_at(void *argument hw_unused, uint64_t address, const char **name, uint64_t *offset)
{
	if (address < NO_RTTI - 0x10 || address > NO_RTTI)
		return false;
	*name = "vtable for app::Plain";
	*offset = address - (NO_RTTI - 0x10);
	return true;
}

static const struct row {
	const char *what;
	const char *type; /* "unknown": is no object */
	enum hw_level level;
	enum hw_fit fit;
	unsigned words;     /* usable ones of the chunk */
	uint64_t values[8]; /* its first words */
	bool has_smaller;   /* another object of the class has a chunk of four words */
	bool asks_symbols;
} rows[] = {
	{ "an object", "app::Session", HW_LEVEL_CERTAIN, HW_FIT_EXACT, 5, { SESSION, 7, HEAP } },
	{ "its chunk is 16 bytes too large", "app::Session", HW_LEVEL_CERTAIN, HW_FIT_EXACT, 5, { SESSION },
		true },
	{ "more behind it", "app::Session", HW_LEVEL_STRONG, HW_FIT_PREFIX, 21, { SESSION }, true },
	{ "two of them", "app::Session", HW_LEVEL_CERTAIN, HW_FIT_ARRAY, 7,
		{ SESSION, 1, 2, SESSION, 1, 2 } },
	{ "two, then something else", "app::Session", HW_LEVEL_CERTAIN, HW_FIT_ARRAY, 9,
		{ SESSION, 1, 2, SESSION, 1, 2, 0, 0 } },
	{ "new[2]", "app::Session", HW_LEVEL_STRONG, HW_FIT_ARRAY, 7, { 2, SESSION, 1, 2, SESSION, 1, 2 } },
	{ "new[1]", "app::Session", HW_LEVEL_STRONG, HW_FIT_ARRAY, 5, { 1, SESSION, 1, 2, 3 } },
	{ "a number of elements that do not fit", "unknown", 0, 0, 7, { 3, SESSION, 1, 2, SESSION, 1, 2 } },
	{ "a part of an object", "unknown", 0, 0, 5, { SECOND, 7 } },
	{ "a pointer to a type_info", "unknown", 0, 0, 5, { TYPEINFO, 7 } },
	{ "a pointer beside a vtable's", "unknown", 0, 0, 5, { SESSION + 1, 7 } },
	{ "a vtable's address further on", "unknown", 0, 0, 5, { 0, 0, SESSION } },
	{ "a name that cannot be read", "class with vtable app+0x10a0", HW_LEVEL_STRONG, HW_FIT_EXACT, 5,
		{ NAMELESS, 7 } },
	{ "no type_info, no symbol", "unknown", 0, 0, 5, { NO_RTTI, 7 } },
	{ "no type_info, a symbol", "app::Plain", HW_LEVEL_CERTAIN, HW_FIT_EXACT, 5, { NO_RTTI, 7 }, false,
		true },
};

static const struct {
	unsigned word_size;
	bool big_endian;
} machines[] = { { 8, false }, { 4, false }, { 8, true } };

/* A chunk of so many usable words: an odd number, as chunks are of two words' multiples. */
static void add_chunk(struct target *target, unsigned words, const uint64_t *values, unsigned count)
{
	uint8_t bytes[8 * 8] = { 0 };

	for (unsigned i = 0; i < count; i++)
		fake_put_word(&target->fake, bytes + i * target->word, values[i]);
	fake_chunk(&target->fake, HW_CHUNK_LIVE, HW_CONTENT_CXX, (words + 1) * target->word, bytes,
		hw_min(count, words) * target->word);
}

static void check_row(const struct row *row, const struct hw_typing *typing)
{
	const struct hw_chunk_type *answer = hw_chunk_type(typing, 0);
	const struct hw_named_type *type = &typing->types[answer->type];

	ck_assert_msg(!strcmp(type->name, row->type), "%s: %s", row->what, type->name);
	ck_assert_msg(answer->level == row->level, "%s: %s", row->what, hw_level_name(answer->level));
	if (!row->level)
		return;
	ck_assert_msg(answer->fit == row->fit, "%s: %s", row->what, hw_fit_name(answer->fit));
	ck_assert_int_eq(answer->evidence, HW_EVIDENCE_VTABLE);
	ck_assert_int_eq(type->origin, HW_TYPE_ORIGIN_CXX);
	ck_assert_uint_eq(type->module, 0);
}

START_TEST (objects) {
	const struct hw_names names = { .symbol = symbol_at };
	const struct row *row = &rows[_i];

	for (size_t m = 0; m < hw_array_size(machines); m++) {
		struct hw_typing_options options = { .demangle = demangle,
			.names = row->asks_symbols ? &names : NULL,
			.without = 1u << HW_EVIDENCE_CONTAINER | 1u << HW_EVIDENCE_RECORDS |
				   1u << HW_EVIDENCE_SIBLING };
		struct hw_typing *typing;
		struct target target;

		/* The symbol begins two words before, as these are 8 bytes. */
		if (row->asks_symbols && machines[m].word_size != 8)
			continue;
		begin(&target, machines[m].word_size, machines[m].big_endian);
		add_chunk(&target, row->words, row->values, 8);
		if (row->has_smaller)
			add_chunk(&target, 3, row->values, 1);
		fake_chunk(&target.fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x1000, NULL, 0);
		fake_finish(&target.fake);
		ck_assert_ptr_null(hw_typing_build(target.fake.heap, NULL, &options, &typing));
		check_row(row, typing);
		hw_typing_destroy(typing);
		fake_deinit(&target.fake);
	}
}
END_TEST

/* Without a demangler names stay as they are. */
START_TEST (mangled) {
	struct hw_typing_options options = { .without = 0 };
	const uint64_t words[] = { SESSION };
	struct hw_typing *typing;
	struct target target;

	begin(&target, 8, false);
	add_chunk(&target, 5, words, 1);
	fake_chunk(&target.fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x1000, NULL, 0);
	fake_finish(&target.fake);
	ck_assert_ptr_null(hw_typing_build(target.fake.heap, NULL, &options, &typing));
	ck_assert_str_eq(typing->types[hw_chunk_type(typing, 0)->type].name, "N3app7SessionE");
	hw_typing_destroy(typing);
	fake_deinit(&target.fake);
}
END_TEST

/* What is less sure than was asked for is unknown, and counted so. */
START_TEST (minimum) {
	struct hw_typing_options options = { .demangle = demangle, .minimum = HW_LEVEL_CERTAIN };
	const uint64_t array[] = { 2, SESSION, 1, 2, SESSION, 1, 2 }, object[] = { SESSION };
	struct hw_typing *typing;
	struct target target;

	begin(&target, 8, false);
	add_chunk(&target, 7, array, 7);
	add_chunk(&target, 5, object, 1);
	fake_chunk(&target.fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x1000, NULL, 0);
	fake_finish(&target.fake);
	ck_assert_ptr_null(hw_typing_build(target.fake.heap, NULL, &options, &typing));
	ck_assert_uint_eq(hw_chunk_type(typing, 0)->type, 0);
	ck_assert_uint_eq(typing->level_chunks[HW_LEVEL_CERTAIN], 1);
	ck_assert_uint_eq(typing->level_chunks[HW_LEVEL_STRONG], 0);
	ck_assert_uint_eq(typing->level_chunks[HW_LEVEL_UNKNOWN], 1);
	hw_typing_destroy(typing);
	fake_deinit(&target.fake);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("types_vtable");
	TCase *tests = tcase_create("objects");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, objects, 0, hw_array_size(rows));
	tcase_add_test(tests, mangled);
	tcase_add_test(tests, minimum);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
