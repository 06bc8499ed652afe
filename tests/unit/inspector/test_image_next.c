/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stepping over memory that an image claims and has not. */
#include <check.h>
#include <stdlib.h>

#include "inspector/inspector.h"

#define END UINT64_C(0xfffffffffffff000)

static const struct row {
	uint64_t address;
	uint64_t limit;
	uint64_t next;
} rows[] = {
	{ 0x0, END, 0x10000 },               /* before everything */
	{ 0x10000, END, 0x11000 },           /* a page inside that could not be read all the same */
	{ 0x11000, END, 0x20000 },           /* the last stored page: what follows is missing */
	{ 0x15000, END, 0x20000 },           /* missing */
	{ 0x20000, END, 0x21000 },           /* zeros */
	{ 0x21fff, END, UINT64_C(1) << 60 }, /* the end of them */
	{ 0x22000, END, UINT64_C(1) << 60 },
	{ 0x22000, 0x30000, 0x30000 },
	{ UINT64_C(1) << 61, END, END }, /* 2^60 bytes that are not there */
	{ UINT64_MAX - 8, UINT64_MAX, UINT64_MAX },
};

START_TEST (next) {
	static const uint8_t bytes[0x2000];
	static const struct hw_segment segments[] = {
		{ .start = 0x10000, .end = 0x18000, .file_size = 0x2000, .bytes = bytes, .fd = -1 },
		{ .start = 0x20000, .end = 0x22000, .fd = -1, .fill = HW_FILL_ZERO },
		{ .start = UINT64_C(1) << 60,
			.end = UINT64_C(1) << 62,
			.file_size = 0x1000,
			.bytes = bytes,
			.fd = -1 },
	};
	const struct row *row = &rows[_i];
	struct hw_image *image;

	ck_assert_ptr_null(hw_image_create(8, false, &image));
	ck_assert_uint_eq(hw_image_next(image, row->address, row->limit), row->limit);
	for (size_t i = 0; i < hw_array_size(segments); i++)
		ck_assert_ptr_null(hw_image_add(image, &segments[i]));
	ck_assert_uint_eq(hw_image_next(image, row->address, row->limit), row->next);
	hw_image_destroy(image);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("image_next");
	TCase *tests = tcase_create("image_next");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, next, 0, hw_array_size(rows));
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
