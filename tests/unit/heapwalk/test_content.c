/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What chunks look like at a glance: expected values by the definitions in heap.h. */
#include <check.h>

#include "heapwalk/content.h"
#include "tests/unit/heapwalk/fake_heap.h"

/* A made-up module: code, then constants, then data; and a heap. Fits 32-bit targets too. */
#define CODE  0x10000000
#define CONST 0x10001000
#define DATA  0x10002000
#define HEAP  0x20000000

#define VTABLE   (CONST + 0x10) /* after its offset to top and its typeinfo */
#define TYPEINFO (CONST + 0x100)
#define NAME     (CONST + 0x200)
#define C_TABLE  (CONST + 0x300)

static void put(struct fake_heap *fake, uint8_t *bytes, uint64_t offset, uint64_t word)
{
	fake_put_word(fake, bytes + offset, word);
}

/* The Itanium ABI's layout: offset to top, typeinfo, functions; a typeinfo is its own vtable, its name. */
static void make_target(struct fake_heap *fake, unsigned word_size, bool big_endian)
{
	uint8_t *constants;
	uint64_t w = word_size;

	fake_init(fake, word_size, big_endian);
	fake_map(fake, CODE, CONST, HW_MAP_READ | HW_MAP_EXEC, "/bin/app");
	fake_map(fake, CONST, DATA, HW_MAP_READ, "/bin/app");
	fake_map(fake, DATA, DATA + 0x1000, HW_MAP_READ | HW_MAP_WRITE, "/bin/app");
	fake_map(fake, HEAP, HEAP + 0x21000, HW_MAP_READ | HW_MAP_WRITE, "[heap]");
	fake_map(fake, HEAP + 0x21000, HEAP + 0x40000, 0, "");
	fake_module(fake, CODE, DATA + 0x1000, "/bin/app");
	constants = fake_memory(fake, CONST, 0x1000, NULL, 0);
	put(fake, constants, 0x10 - 2 * w, 0);
	put(fake, constants, 0x10 - w, TYPEINFO);
	put(fake, constants, 0x10, CODE + 0x40);
	put(fake, constants, 0x100, DATA + 0x10);
	put(fake, constants, 0x100 + w, NAME);
	memcpy(constants + 0x200, "N3app7SessionE", 15);
	/* A C table of functions, with nothing special before it. */
	put(fake, constants, 0x300 - 2 * w, CODE + 0x10);
	put(fake, constants, 0x300 - w, CODE + 0x20);
	put(fake, constants, 0x300, CODE + 0x30);
	/* One that follows two zeros: looks as a vtable without RTTI, but the module is no C++. */
	put(fake, constants, 0x400, CODE + 0x30);
	put(fake, constants, 0x400 + w, CODE + 0x40);
}

/* A chunk's content, word by word or as bytes. */
static const struct content_row {
	const char *what;
	enum hw_content expected;
	size_t usable;
	uint64_t words[12];
	const char *text; /* laid over the words' beginning, `text_size` bytes, at `text_offset` */
	size_t text_size;
	size_t text_offset;
} rows[] = {
	{ "zeros", HW_CONTENT_ZERO, 24, { 0 } },
	{ "an object", HW_CONTENT_CXX, 24, { VTABLE, 7, 0 } },
	{ "a pointer to a typeinfo is no vtable", HW_CONTENT_POINTERS, 24, { TYPEINFO } },
	{ "a table of C functions", HW_CONTENT_POINTERS, 24, { C_TABLE } },
	{ "a table of C functions after zeros", HW_CONTENT_POINTERS, 24, { CONST + 0x400 } },
	{ "an unaligned pointer near the vtable", HW_CONTENT_POINTERS, 24, { VTABLE + 1 } },
	{ "text", HW_CONTENT_STRING, 24, { 0 }, "hello", 6 },
	{ "text that fills the chunk", HW_CONTENT_STRING, 24, { 0 }, "exactly twenty-four bytes", 24 },
	{ "text without an end, most of the chunk", HW_CONTENT_STRING, 24, { 0, 0, 0x0102 },
		"no zero behind me\xff\xff\xff\xff\xff\xff\xff", 24 },
	{ "UTF-8", HW_CONTENT_STRING, 24, { 0 },
		"gr\xc3\xbc\xc3\x9f"
		"e",
		8 },
	{ "three letters are too few", HW_CONTENT_NUMBERS, 24, { 0x636261 } },
	{ "small text, remains of a pointer behind", HW_CONTENT_STRING, 24, { 0, 0, HEAP + 0x10 },
		"hello you", 10 },
	{ "a number that reads as text, and a pointer", HW_CONTENT_POINTERS, 24, { 0, HEAP + 0x10 }, "abcd",
		4 },
	{ "a name in a long struct", HW_CONTENT_TEXT_PART, 96, { 0, 0, 0, HEAP + 0x10 }, "name of it", 11 },
	{ "text at an offset", HW_CONTENT_TEXT_PART, 40, { 1, 2, 0 }, "a longer name", 14, 16 },
	{ "text at an odd offset", HW_CONTENT_TEXT_PART, 40, { 0x0103, 0 }, "hello", 6, 5 },
	{ "text at an offset wins over pointers", HW_CONTENT_TEXT_PART, 64, { HEAP + 0x40, 0 }, "session-id",
		11, 17 },
	{ "pointers", HW_CONTENT_POINTERS, 24, { HEAP + 0x100, HEAP + 0x200, 3 } },
	{ "a pointer in the second line", HW_CONTENT_POINTERS, 96, { [9] = HEAP + 0x100 } },
	{ "a pointer to nothing", HW_CONTENT_NUMBERS, 24, { 0, 0x00654321, 3 } },
	{ "a pointer to reserved space", HW_CONTENT_DATA, 24, { 0x7eadbeefu, HEAP + 0x22000, 3 },
		"\x03\xfe\x9c\x7d\x9a\xde\xad\x01", 8 },
	{ "numbers", HW_CONTENT_NUMBERS, 24, { 1, 2, 3 } },
	{ "printable bytes of a pointer are no text", HW_CONTENT_POINTERS, 24, { 0x20002061 } },
	{ "noise", HW_CONTENT_DATA, 24, { 0 },
		"\x81\x02\xfe\x77\x13\xc4\x9a\x01\xee\x80\xff\x10\x9c\xd1\x0b\x91", 16 },
};

static const struct {
	unsigned word_size;
	bool big_endian;
} machines[] = { { 8, false }, { 4, false }, { 8, true } };

START_TEST (glance) {
	const struct content_row *row = &rows[_i];

	for (size_t m = 0; m < hw_array_size(machines); m++) {
		struct hw_classifier *classifier;
		struct fake_heap fake;
		uint8_t bytes[96] = { 0 };
		enum hw_content content;

		make_target(&fake, machines[m].word_size, machines[m].big_endian);
		for (size_t i = 0; i < 12; i++) {
			uint64_t at = i * machines[m].word_size;

			fake_put_word(&fake, bytes + at, row->words[i]);
		}
		if (row->text)
			memcpy(bytes + row->text_offset, row->text, row->text_size);
		ck_assert_ptr_null(hw_classifier_create(&fake.snapshot, &classifier));
		content = hw_classifier_classify(classifier, bytes, row->usable, row->usable);
		ck_assert_msg(content == row->expected, "%s, %u-byte words%s: %s, not %s", row->what,
			machines[m].word_size, machines[m].big_endian ? ", big-endian" : "",
			hw_content_name(content), hw_content_name(row->expected));
		/* The second time from the caches. */
		ck_assert_int_eq(
			hw_classifier_classify(classifier, bytes, row->usable, row->usable), content);
		/* What lies behind the chunk is none of it. */
		for (size_t fill = 0; fill < 3; fill++) {
			uint8_t longer[96 + 64];

			memset(longer, "a\x00\xc5"[fill], sizeof(longer));
			memcpy(longer, bytes, row->usable);
			ck_assert_int_eq(
				hw_classifier_classify(classifier, longer, sizeof(longer), row->usable),
				content);
		}
		hw_classifier_destroy(classifier);
		fake_deinit(&fake);
	}
}
END_TEST

/* Wide text in the target's byte order, and not in the other. */
START_TEST (wide) {
	static const struct {
		const char *text;
		size_t size;
		bool big_endian;
	} texts[] = {
		{ "w\0i\0d\0e\0\0", 10, false },
		{ "\0w\0i\0d\0e\0\0", 10, true },
		{ "w\0\0\0i\0\0\0d\0\0\0e\0\0\0\0\0\0", 20, false },
		{ "\0\0\0w\0\0\0i\0\0\0d\0\0\0e\0\0\0", 20, true },
	};

	for (size_t m = 0; m < hw_array_size(machines); m++) {
		for (size_t i = 0; i < hw_array_size(texts); i++) {
			bool expected = texts[i].big_endian == machines[m].big_endian;
			struct hw_classifier *classifier;
			uint8_t bytes[24] = { 0 };
			struct fake_heap fake;

			make_target(&fake, machines[m].word_size, machines[m].big_endian);
			memcpy(bytes, texts[i].text, texts[i].size);
			ck_assert_ptr_null(hw_classifier_create(&fake.snapshot, &classifier));
			ck_assert_int_eq(hw_classifier_classify(classifier, bytes, 24, 24) == HW_CONTENT_WIDE,
				expected);
			hw_classifier_destroy(classifier);
			fake_deinit(&fake);
		}
	}
}
END_TEST

START_TEST (long_chunks) {
	struct hw_classifier *classifier;
	static uint8_t bytes[8192];
	struct fake_heap fake;

	make_target(&fake, 8, false);
	ck_assert_ptr_null(hw_classifier_create(&fake.snapshot, &classifier));
	ck_assert_int_eq(hw_classifier_classify(classifier, bytes, 0, 24), HW_CONTENT_NONE);
	ck_assert_int_eq(hw_classifier_classify(classifier, bytes, 8192, 8192), HW_CONTENT_ZERO);
	ck_assert_int_eq(hw_classifier_classify(classifier, bytes, 8, 8192), HW_CONTENT_ZERO);
	/* Zeros do not hide what comes after the first kilobyte. */
	fake_put_word(&fake, bytes + 2000, HEAP + 0x100);
	ck_assert_int_eq(hw_classifier_classify(classifier, bytes, 8192, 8192), HW_CONTENT_POINTERS);
	memset(bytes, 'x', sizeof(bytes));
	ck_assert_int_eq(hw_classifier_classify(classifier, bytes, 8192, 1 << 20), HW_CONTENT_STRING);
	bytes[300] = 0xff;
	ck_assert_int_eq(hw_classifier_classify(classifier, bytes, 8192, 8192), HW_CONTENT_TEXT_PART);
	hw_classifier_destroy(classifier);
	fake_deinit(&fake);
}
END_TEST

/* A core has the pointers of a typeinfo (relocated data is dumped) but not always its name. */
START_TEST (name_not_dumped) {
	struct hw_classifier *classifier;
	struct fake_heap fake;
	uint8_t bytes[24] = { 0 };

	make_target(&fake, 8, false);
	fake.snapshot.image->segments[0].end = CONST + 0x180;
	fake.snapshot.image->segments[0].file_size = 0x180;
	fake_put_word(&fake, bytes, VTABLE);
	ck_assert_ptr_null(hw_classifier_create(&fake.snapshot, &classifier));
	ck_assert_int_eq(hw_classifier_classify(classifier, bytes, 24, 24), HW_CONTENT_CXX);
	hw_classifier_destroy(classifier);
	fake_deinit(&fake);
}
END_TEST

START_TEST (no_mappings) {
	struct hw_classifier *classifier;
	struct fake_heap fake;
	uint8_t bytes[24] = { 1 };

	fake_init(&fake, 8, false);
	ck_assert_ptr_null(hw_classifier_create(&fake.snapshot, &classifier));
	ck_assert_int_eq(hw_classifier_classify(classifier, bytes, 24, 24), HW_CONTENT_NUMBERS);
	hw_classifier_destroy(classifier);
	fake_deinit(&fake);
}
END_TEST

START_TEST (names) {
	ck_assert_str_eq(hw_content_name(HW_CONTENT_CXX), "C++ class");
	for (int i = 0; i < HW_CONTENTS; i++)
		ck_assert_str_ne(hw_content_name((enum hw_content)i), "unknown");
	for (int i = 0; i < HW_CHUNK_STATES; i++)
		ck_assert_str_ne(hw_chunk_state_name((enum hw_chunk_state)i), "unknown");
	for (int i = 0; i < HW_USES; i++)
		ck_assert_str_ne(hw_use_name((enum hw_use)i), "unknown");
	ck_assert_str_eq(hw_content_name(HW_CONTENTS), "unknown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("content");
	TCase *tests = tcase_create("content");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, glance, 0, hw_array_size(rows));
	tcase_add_test(tests, wide);
	tcase_add_test(tests, long_chunks);
	tcase_add_test(tests, name_not_dumped);
	tcase_add_test(tests, no_mappings);
	tcase_add_test(tests, names);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
