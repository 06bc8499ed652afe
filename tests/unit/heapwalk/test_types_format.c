/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Known formats by how they begin. The bytes are the beginnings of files that common programs wrote (gzip,
 * zlib by python3, zstd, openssl, sqlite3, ImageMagick), and forms that differ from them where the format
 * forbids it.
 */
#include <check.h>

#include "heapwalk/types/format.h"
#include "tests/unit/heapwalk/fake_heap.h"

/* A page of SQLite's: leaf of a table, 4 cells, which begin at 0xf00. */
#define PAGE "\x0d\0\0\0\x04\x0f\0\0\x0f\xc0\x0f\x80\x0f\x40\x0f\0"
/* The beginning of a certificate of 0x0220 bytes. */
#define DER                                                                                                  \
	"\x30\x82\x02\x1c\x30\x82\x01\x85\xa0\x03\x02\x01\x02\x02\x14\x55\x6a\x1c\x02\x99\x6e\x11\x35\x9b"   \
	"\x2c\x7c\x18\x9d"

static const struct row {
	const char *what;
	const char *name; /* NULL: nothing */
	enum hw_level level;
	uint64_t usable;
	const char *bytes;
	size_t size;
} rows[] = {
	{ "PNG", "PNG image", HW_LEVEL_STRONG, 200, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x20", 20 },
	{ "PNG that lost its high bit", NULL, 0, 200, "\tPNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x20", 20 },
	{ "JPEG", "JPEG image", HW_LEVEL_STRONG, 200, "\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\x01\0\x48", 16 },
	{ "JFIF without what begins it", NULL, 0, 200, "\xff\xd9\xff\xe0\0\x10JFIF\0\x01\x01\x01\0\x48", 16 },
	{ "ELF", "ELF file", HW_LEVEL_STRONG, 200,
		"\x7f"
		"ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0",
		20 },
	{ "ELF of no class", NULL, 0, 200,
		"\x7f"
		"ELF\x07\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0",
		20 },
	{ "gzip", "gzip data", HW_LEVEL_STRONG, 200,
		"\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\x4c\x4a\x06\0\xc2\x41\x24", 18 },
	{ "gzip with flags that do not exist", NULL, 0, 200,
		"\x1f\x8b\x08\xe0\0\0\0\0\0\x03\x4b\x4c\x4a\x06\0\xc2", 16 },
	{ "zstd", "zstd data", HW_LEVEL_STRONG, 200, "\x28\xb5\x2f\xfd\x24\x05\x29\0\0hello\x92\x1b\xee\x51",
		18 },
	{ "SQLite database", "SQLite database", HW_LEVEL_STRONG, 4096, "SQLite format 3\0\x10\0\x01\x01",
		20 },
	{ "SQLite page", "SQLite page", HW_LEVEL_LIKELY, 4400, PAGE, 16 },
	{ "a cell before the cells begin", NULL, 0, 4400,
		"\x0d\0\0\0\x04\x0f\0\0\x0f\xc0\x0f\x80\x0f\x40\x0e\xf0", 16 },
	{ "a cell behind the page", NULL, 0, 4400, "\x0d\0\0\0\x04\x0f\0\0\x0f\xc0\x1f\x80\x0f\x40\x0f\0",
		16 },
	{ "a number", NULL, 0, 4400, "\x0d\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0", 16 },
	{ "DER", "DER data", HW_LEVEL_LIKELY, 552, DER, 28 },
	{ "DER that is longer than its chunk", NULL, 0, 520, DER, 28 },
	{ "DER that leaves most of its chunk", NULL, 0, 1000, DER, 28 },
	{ "zeros", NULL, 0, 200, "", 0 },
	{ "two letters of a zlib stream", NULL, 0, 200, "\x78\x9c", 2 },
};

START_TEST (binary) {
	const struct row *row = &rows[_i];
	uint8_t bytes[4096] = { 0 };
	struct hw_format_found found;
	struct fake_heap fake;

	fake_init(&fake, 8, false);
	memcpy(bytes, row->bytes, row->size);
	found = hw_format_of(fake.heap, bytes, hw_min(row->usable, sizeof(bytes)), row->usable);
	ck_assert_msg(!found.name == !row->name, "%s: %s", row->what, found.name ? found.name : "nothing");
	if (row->name) {
		ck_assert_str_eq(found.name, row->name);
		ck_assert_int_eq(found.level, row->level);
	}
	fake_deinit(&fake);
}
END_TEST

static uint64_t draw(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 24;
}

/* What chance makes has no format: a million chunks of each of some kinds of noise. */
START_TEST (chance) {
	static const uint8_t first[] = { 0x00, 0x02, 0x0d, 0x1f, 0x28, 0x30, 0x78, 0x7f, 0x89, 0xff, 'P',
		'R' };
	uint64_t seed = 7 + (uint64_t)_i, found = 0, drawn;
	uint8_t bytes[512];
	struct fake_heap fake;

	fake_init(&fake, 8, false);
	for (int i = 0; i < 1000000; i++) {
		for (size_t at = 0; at < sizeof(bytes); at += 8) {
			drawn = draw(&seed) * 0x9e3779b97f4a7c15;
			memcpy(bytes + at, &drawn, 8);
			if (at >= 64 && i % 16)
				break;
		}
		bytes[0] = first[_i];
		found += hw_format_of(fake.heap, bytes, sizeof(bytes), sizeof(bytes)).name != NULL;
	}
	/* zlib's two bytes are the least: one in 2,000 of those that begin with its first. */
	ck_assert_msg(found <= (first[_i] == 0x78 ? 10000u : 2u), "%llu", (unsigned long long)found);
	fake_deinit(&fake);
}
END_TEST

static const struct text_row {
	const char *text;
	const char *name;
} text_rows[] = {
	{ "{\"id\": 7, \"name\": \"bob\"}", "JSON text" },
	{ "  {\n  \"a\\\"b\" : [1, 2]}", "JSON text" },
	{ "[{\"id\": 7}, {\"id\": 8}]", "JSON text" },
	{ "{ not json at all }", NULL },
	{ "{\"no colon\", 7, 8}", NULL },
	{ "[section] of a file", NULL },
	{ "<?xml version=\"1.0\"?><a/>", "XML text" },
	{ "<!DOCTYPE html><html>", "HTML text" },
	{ "<nobody@example.org>", NULL },
	{ "-----BEGIN CERTIFICATE-----\nMIIB", "PEM text" },
	{ "------------ a line", NULL },
	{ "GET /index.html HTTP/1.1\r\nHost: a\r\n", "HTTP message" },
	{ "GET /index.html is a request", NULL },
	{ "HTTP/1.1 200 OK\r\n", "HTTP message" },
	{ "HTTP is a protocol", NULL },
	{ "hello there", NULL },
};

START_TEST (texts) {
	const struct text_row *row = &text_rows[_i];
	const char *name = hw_format_of_text((const uint8_t *)row->text, strlen(row->text));

	ck_assert_msg(!name == !row->name, "%s: %s", row->text, name ? name : "nothing");
	if (name)
		ck_assert_str_eq(name, row->name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("types_format");
	TCase *tests = tcase_create("formats");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 300);
	tcase_add_loop_test(tests, binary, 0, hw_array_size(rows));
	tcase_add_loop_test(tests, chance, 0, 12);
	tcase_add_loop_test(tests, texts, 0, hw_array_size(text_rows));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
