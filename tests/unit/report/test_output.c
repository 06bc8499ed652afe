/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are whole or not there, readable by their owner alone. */
#include <errno.h>

#include "tests/unit/report/report_test.h"

START_TEST (file_is_private) {
	struct hw_output output;
	struct stat found;
	hw_autofree char *text = NULL;

	umask(0);
	no_error(hw_output_open(scratch_path, &output));
	ck_assert_int_ne(access(scratch_path, F_OK), 0); /* not before it is whole */
	hw_output_text(&output, "memory\n");
	no_error(hw_output_close(&output));
	ck_assert_int_eq(stat(scratch_path, &found), 0);
	ck_assert_int_eq(found.st_mode & 07777, 0600);
	text = read_scratch();
	ck_assert_str_eq(text, "memory\n");
}
END_TEST

START_TEST (abandoned_file_leaves_nothing) {
	struct hw_output output;

	no_error(hw_output_open(scratch_path, &output));
	hw_output_text(&output, "half");
	hw_output_abandon(&output);
	ck_assert_int_ne(access(scratch_path, F_OK), 0);
}
END_TEST

START_TEST (old_file_stays_until_the_end) {
	struct hw_output output;
	hw_autofree char *text = NULL;

	no_error(hw_output_open(scratch_path, &output));
	hw_output_text(&output, "old");
	no_error(hw_output_close(&output));
	no_error(hw_output_open(scratch_path, &output));
	hw_output_text(&output, "new");
	hw_output_abandon(&output);
	text = read_scratch();
	ck_assert_str_eq(text, "old");
}
END_TEST

START_TEST (link_is_replaced_not_followed) {
	char victim[128];
	struct hw_output output;
	struct stat found;

	snprintf(victim, sizeof(victim), "%s/victim", scratch_directory);
	close(open(victim, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	ck_assert_int_eq(symlink(victim, scratch_path), 0);
	no_error(hw_output_open(scratch_path, &output));
	hw_output_text(&output, "secret");
	no_error(hw_output_close(&output));
	ck_assert_int_eq(stat(victim, &found), 0);
	ck_assert_int_eq(found.st_size, 0);
	ck_assert_int_eq(lstat(scratch_path, &found), 0);
	ck_assert(S_ISREG(found.st_mode));
	unlink(victim);
}
END_TEST

START_TEST (full_disk_is_an_error) {
	struct hw_output output;
	struct hw_error *error;
	struct stat found;

	no_error(hw_output_open("/dev/full", &output));
	for (int i = 0; i < 100000; i++)
		hw_output_text(&output, "more than a buffer holds\n");
	ck_assert(hw_output_failed(&output));
	error = hw_output_close(&output);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->errnum, ENOSPC);
	hw_error_destroy(error);
	ck_assert_int_eq(stat("/dev/full", &found), 0);
	ck_assert(S_ISCHR(found.st_mode));
}
END_TEST

START_TEST (small_report_meets_a_full_disk_too) {
	struct hw_output output;
	struct hw_error *error;

	no_error(hw_output_open("/dev/full", &output));
	hw_output_text(&output, "x");
	error = hw_output_close(&output);
	ck_assert_ptr_nonnull(error);
	hw_error_destroy(error);
}
END_TEST

START_TEST (missing_directory_is_an_error) {
	struct hw_output output;
	struct hw_error *error = hw_output_open("/tmp/hw-no-such-directory/x", &output);

	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->errnum, ENOENT);
	hw_error_destroy(error);
}
END_TEST

/* While output is held nothing is written; then all of it is, in order. */
START_TEST (held_output_waits) {
	struct hw_output output;
	struct stat found;
	static char block[4096];

	memset(block, 'x', sizeof(block));
	no_error(hw_output_open(scratch_path, &output));
	hw_output_hold(&output, 1 << 20);
	for (int i = 0; i < 200; i++)
		hw_output_write(&output, block, sizeof(block));
	ck_assert_int_eq(fstat(output.fd, &found), 0);
	ck_assert_int_eq(found.st_size, 0);
	hw_output_hold(&output, 0);
	ck_assert_int_eq(fstat(output.fd, &found), 0);
	ck_assert_int_eq(found.st_size, 200 * (int)sizeof(block));
	no_error(hw_output_close(&output));
}
END_TEST

/* More than may be held: it is written after all, and nothing is lost. */
START_TEST (too_much_is_not_held) {
	struct hw_output output;
	struct stat found;
	static char block[4096];

	no_error(hw_output_open(scratch_path, &output));
	hw_output_hold(&output, 300 << 10);
	for (int i = 0; i < 200; i++)
		hw_output_write(&output, block, sizeof(block));
	hw_output_hold(&output, 0);
	no_error(hw_output_close(&output));
	ck_assert_int_eq(stat(scratch_path, &found), 0);
	ck_assert_int_eq(found.st_size, 200 * (int)sizeof(block));
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, file_is_private);
	tcase_add_test(cases, abandoned_file_leaves_nothing);
	tcase_add_test(cases, old_file_stays_until_the_end);
	tcase_add_test(cases, link_is_replaced_not_followed);
	tcase_add_test(cases, full_disk_is_an_error);
	tcase_add_test(cases, small_report_meets_a_full_disk_too);
	tcase_add_test(cases, missing_directory_is_an_error);
	tcase_add_test(cases, held_output_waits);
	tcase_add_test(cases, too_much_is_not_held);
}

int main(void)
{
	return run_cases("output", add);
}
