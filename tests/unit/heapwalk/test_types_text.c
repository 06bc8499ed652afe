/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chunks that hold text, and what must not be taken for it. Bytes are laid out by hand after sds.h of Redis,
 * cow_string.h of libstdc++ and iconv's forms; what a chunk is called follows from who would have written it.
 */
#include <check.h>

#include "tests/unit/heapwalk/fake_heap.h"

#define RW   (HW_MAP_READ | HW_MAP_WRITE)
#define HEAP UINT64_C(0x555500000000)

static const struct row {
	const char *what;
	const char *type; /* "unknown": must not be called text */
	enum hw_level level;
	enum hw_fit fit;
	enum hw_content content; /* as the walk tells it */
	uint64_t chunk;
	const char *bytes;
	size_t size;
} rows[] = {
	{ "a text", "text", HW_LEVEL_LIKELY, HW_FIT_ARRAY, HW_CONTENT_STRING, 32, "hello there", 12 },
	{ "a text in a chunk 16 bytes too large", "text", HW_LEVEL_LIKELY, HW_FIT_ARRAY, HW_CONTENT_STRING,
		48, "hello\0\0\0\x01\x02\xff\x80", 12 },
	{ "several texts", "text", HW_LEVEL_LIKELY, HW_FIT_ARRAY, HW_CONTENT_STRING, 96,
		"PATH=/usr/bin:/bin\0HOME=/root\0LANG=C.UTF-8\0", 44 },
	{ "a name at the start of a struct", "text", HW_LEVEL_GUESS, HW_FIT_PREFIX, HW_CONTENT_STRING, 96,
		"eth0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\xdc\x05\0\0\x80\x96\x98\0\0\0\0\0\x40\x42\x0f\0\0\0\0"
		"\0",
		40 },
	{ "a long text, then something else", "text", HW_LEVEL_LIKELY, HW_FIT_PREFIX, HW_CONTENT_STRING, 144,
		"a text that is longer than what a struct begins with\0\0\0\0\x02\x81\xdc\x05", 60 },
	{ "letters that are a pointer's", "unknown", 0, 0, HW_CONTENT_STRING, 32,
		"ab cdef \x10\x20\x61\x62\x55\x55\0\0", 16 },
	{ "letters that are all a pointer's", "unknown", 0, 0, HW_CONTENT_STRING, 32, "ab cdef cbabUU\0\0",
		16 },
	{ "UTF-16", "wide text", HW_LEVEL_LIKELY, HW_FIT_ARRAY, HW_CONTENT_WIDE, 32, "h\0e\0l\0l\0o\0\0",
		12 },
	{ "UTF-16 of the net", "wide text, other byte order", HW_LEVEL_LIKELY, HW_FIT_ARRAY, HW_CONTENT_DATA,
		32, "\0h\0e\0l\0l\0o\0 \0y\0o\0u\0\0", 20 },
	{ "two numbers of the net are no text", "unknown", 0, 0, HW_CONTENT_DATA, 32, "\0h\0e\0\0\0\0\0\x07",
		9 },
	/* sdshdr5: length << 3, text. */
	{ "sds of 7", "sds text", HW_LEVEL_LIKELY, HW_FIT_TAIL, HW_CONTENT_STRING, 32, "\x38zset-42\0", 9 },
	{ "sds of 3", "sds text", HW_LEVEL_LIKELY, HW_FIT_TAIL, HW_CONTENT_NUMBERS, 32, "\x18key\0", 5 },
	{ "sds whose chunk is 16 bytes too large", "sds text", HW_LEVEL_LIKELY, HW_FIT_TAIL,
		HW_CONTENT_STRING, 48, "\x38zset-42\0\x89\x90", 11 },
	{ "a length that is not the text's", "unknown", 0, 0, HW_CONTENT_NUMBERS, 32, "\x20key\0", 5 },
	{ "a text without an end", "unknown", 0, 0, HW_CONTENT_DATA, 32, "\x18key\x01", 5 },
	/* sdshdr8: length, room, 1, text; glibc's usable size is known to Redis: 24 - 3 - 1. */
	{ "sds of 2", "sds text", HW_LEVEL_LIKELY, HW_FIT_TAIL, HW_CONTENT_NUMBERS, 32, "\x02\x14\x01ok\0",
		6 },
	{ "more text than room", "unknown", 0, 0, HW_CONTENT_NUMBERS, 32, "\x02\x01\x01ok\0", 6 },
	{ "more room than the chunk has", "unknown", 0, 0, HW_CONTENT_NUMBERS, 32, "\x02\x40\x01ok\0", 6 },
	/* sdshdr16 */
	{ "sds of 16 bits", "sds text", HW_LEVEL_LIKELY, HW_FIT_TAIL, HW_CONTENT_TEXT_PART, 48,
		"\x08\0\x22\0\x02"
		"longtext\0",
		14 },
	/* _Rep: length, capacity, references */
	{ "std::string before C++11", "std::string text", HW_LEVEL_LIKELY, HW_FIT_TAIL, HW_CONTENT_TEXT_PART,
		64, "\x0b\0\0\0\0\0\0\0\x0b\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0hello there\0", 36 },
	{ "its numbers do not agree", "unknown", 0, 0, HW_CONTENT_TEXT_PART, 64,
		"\x0b\0\0\0\0\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0hello there\0", 36 },
	{ "text behind 32 bits of length", "text behind its length", HW_LEVEL_LIKELY, HW_FIT_TAIL,
		HW_CONTENT_TEXT_PART, 32, "\x0b\0\0\0hello there", 15 },
	{ "a number before a text", "unknown", 0, 0, HW_CONTENT_TEXT_PART, 32, "\x0a\0\0\0hello there", 15 },
	{ "numbers", "unknown", 0, 0, HW_CONTENT_NUMBERS, 32, "\x01\0\0\0\x02\0\0\0", 8 },
	{ "zeros", "unknown", 0, 0, HW_CONTENT_ZERO, 32, "", 0 },
};

static struct hw_typing *type_one(struct fake_heap *fake, const struct row *row)
{
	struct hw_typing_options options = { .without = 1u << HW_EVIDENCE_CONTAINER };
	struct hw_typing *typing;

	fake_init(fake, 8, false);
	fake_map(fake, HEAP, HEAP + 0x21000, RW, "[heap]");
	fake_map(fake, UINT64_C(0x555562610000), UINT64_C(0x555562630000), RW, "");
	fake_region(fake, HW_REGION_BRK, 0, HEAP);
	fake_chunk(fake, HW_CHUNK_LIVE, row->content, row->chunk, row->bytes, row->size);
	fake_chunk(fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x1000, NULL, 0);
	fake_finish(fake);
	ck_assert_ptr_null(hw_typing_build(fake->heap, NULL, &options, &typing));
	return typing;
}

START_TEST (texts) {
	const struct row *row = &rows[_i];
	struct fake_heap fake;
	struct hw_typing *typing = type_one(&fake, row);
	const struct hw_chunk_type *answer = hw_chunk_type(typing, 0);

	ck_assert_msg(!strcmp(typing->types[answer->type].name, row->type), "%s: %s", row->what,
		typing->types[answer->type].name);
	ck_assert_msg(answer->level == row->level, "%s: %s", row->what, hw_level_name(answer->level));
	ck_assert_msg(!row->level || answer->fit == row->fit, "%s: %s", row->what, hw_fit_name(answer->fit));
	ck_assert_uint_eq(typing->text_chunks, row->level ? 1 : 0);
	hw_typing_destroy(typing);
	fake_deinit(&fake);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("types_text");
	TCase *tests = tcase_create("texts");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, texts, 0, hw_array_size(rows));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
