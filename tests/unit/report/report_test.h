/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For this directory's tests: reports into a file that is read back, and the usual main(). */
#ifndef HW_TESTS_UNIT_REPORT_TEST_H
#define HW_TESTS_UNIT_REPORT_TEST_H

#include <check.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>

#include "report/private.h"

static char scratch_directory[64];
static char scratch_path[96];

static inline void make_scratch(void)
{
	strcpy(scratch_directory, "/tmp/hw-report-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch_directory));
	snprintf(scratch_path, sizeof(scratch_path), "%s/out", scratch_directory);
}

static inline void remove_scratch(void)
{
	unlink(scratch_path);
	ck_assert_msg(rmdir(scratch_directory) == 0, "something was left in %s", scratch_directory);
}

/* The whole scratch file; the caller's to free. */
static inline char *read_scratch(void)
{
	hw_autofclose FILE *file = fopen(scratch_path, "re");
	char *text = calloc(1, 1 << 20);

	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(text);
	ck_assert(fread(text, 1, (1 << 20) - 1, file) > 0 || feof(file));
	return text;
}

static inline void no_error(struct hw_error *error)
{
	ck_assert_msg(!error, "%s", error ? error->message : "");
}

/* Runs the cases with a scratch directory around each. */
static inline int run_cases(const char *name, void (*add)(TCase *cases))
{
	Suite *suite = suite_create(name);
	TCase *cases = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_checked_fixture(cases, make_scratch, remove_scratch);
	add(cases);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

#endif
