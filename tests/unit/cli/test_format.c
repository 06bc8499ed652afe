/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libmagic is believed: files that are there on any machine, and no noise. */
#include <check.h>
#include <stdio.h>

#include "heapwalk/cli/format.h"

#define SIZE 4096

static const struct {
	const char *bytes;
	size_t size;
	const char *name;
} rows[] = {
	{ "fLaC\0\0\0\x22\x10\0\x10\0\0\0\x0e\0\x10\x3e\x0a\xc4\x42\xf0", 22, "FLAC audio bitstream data" },
	{ "MThd\0\0\0\x06\0\x01\0\x02\0\x60MTrk", 18, "Standard MIDI data" },
	{ "Rar!\x1a\x07\x01\0\x33\x92\xb5\xe5\x0a\x01\x05\x06\0\x05\x01\x01", 20, "RAR archive data" },
	{ "hello there, this is a text as any other", 40, NULL },
	{ "\x07\0\0\0\x01\0\0\0\x02\0\0\0", 12, NULL },
};

START_TEST (known) {
	struct hw_formats *formats = hw_formats_create();
	uint8_t bytes[SIZE] = { 0 };
	const char *name;

	memcpy(bytes, rows[_i].bytes, rows[_i].size);
	name = hw_formats_ask(formats, bytes, sizeof(bytes));
#ifdef HW_HAVE_MAGIC
	ck_assert_msg(!name == !rows[_i].name, "%s", name ? name : "nothing");
	if (name)
		ck_assert_str_eq(name, rows[_i].name);
#else
	ck_assert_ptr_null(name);
#endif
	hw_formats_destroy(formats);
}
END_TEST

/* Words as memory has them: small numbers, addresses, noise. */
static uint64_t draw_word(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	switch (*seed >> 61) {
	case 0:
	case 1:
		return *seed >> 56 & 31;
	case 2:
		return 0;
	case 3:
		return UINT64_C(0x555500000000) | (*seed >> 20 & 0xffffff);
	default:
		return *seed ^ *seed << 23;
	}
}

START_TEST (noise) {
	struct hw_formats *formats = hw_formats_create();
	uint64_t bytes[SIZE / 8], seed = 11;

	for (int i = 0; i < 3000; i++) {
		const char *name;

		for (size_t at = 0; at < SIZE / 8; at++)
			bytes[at] = draw_word(&seed);
		name = hw_formats_ask(formats, (const uint8_t *)bytes, sizeof(bytes));
		ck_assert_msg(!name, "%s", name ? name : "");
	}
	hw_formats_destroy(formats);
}
END_TEST

START_TEST (without) {
	ck_assert_ptr_null(hw_formats_ask(NULL, (const uint8_t *)"fLaC", 4));
	hw_formats_destroy(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("format");
	TCase *tests = tcase_create("formats");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 300);
	tcase_add_loop_test(tests, known, 0, hw_array_size(rows));
	tcase_add_test(tests, noise);
	tcase_add_test(tests, without);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
