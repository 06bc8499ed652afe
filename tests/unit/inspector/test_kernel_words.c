/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What /proc tells of values that the kernel keeps, as kernels write it and malformed. */
#include <check.h>

#include "inspector/kernel_words.h"

static const struct {
	const char *text;
	size_t count;
	uint64_t values[3];
} epolls[] = {
	{ "pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1043\n"
	  "tfd:        5 events:       19 data:     55d0c3a002a0  pos:0 ino:61af sdev:7\n"
	  "tfd:        7 events: 80000001 data: ffffffffffffffff  pos:0 ino:61b0 sdev:7\n",
		2, { 0x55d0c3a002a0, UINT64_MAX } },
	/* Before Linux 4.13. */
	{ "tfd:        5 events:       1d data: ffffffff00000010\n", 1, { 0xffffffff00000010 } },
	{ "pos:\t0\nflags:\t02\n", 0, { 0 } },
	{ "tfd: 5 events: 1 data:", 0, { 0 } },
	{ "tfd: 5 events: 1 data: zzz\ntfd: 6 events: 1 data: 1f\n", 1, { 0x1f } },
	{ "", 0, { 0 } },
};

static const struct {
	const char *text;
	size_t count;
	uint64_t values[3];
} timers[] = {
	{ "ID: 1\nsignal: 60/00007fff86e452a8\nnotify: signal/pid.2634\nClockID: 0\n"
	  "ID: 0\nsignal: 10/0000560812bc02a0\nnotify: thread/tid.2634\nClockID: 1\n",
		2, { 0x7fff86e452a8, 0x560812bc02a0 } },
	{ "ID: 1\nsignal: 60\n", 0, { 0 } },
	{ "signal: 60/", 0, { 0 } },
	{ "", 0, { 0 } },
};

static void check_words(struct hw_snapshot *snapshot, int descriptor, const uint64_t *values, size_t count)
{
	ck_assert_uint_eq(snapshot->kernel_word_count, count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_eq(snapshot->kernel_words[i].value, values[i]);
		ck_assert_int_eq(snapshot->kernel_words[i].descriptor, descriptor);
	}
	free(snapshot->kernel_words);
}

START_TEST (epoll_data_is_found) {
	struct hw_snapshot snapshot = { 0 };

	ck_assert_ptr_null(hw_kernel_words_parse_epoll(&snapshot, 4, epolls[_i].text));
	check_words(&snapshot, 4, epolls[_i].values, epolls[_i].count);
}
END_TEST

START_TEST (timers_are_found) {
	struct hw_snapshot snapshot = { 0 };

	ck_assert_ptr_null(hw_kernel_words_parse_timers(&snapshot, timers[_i].text));
	check_words(&snapshot, -1, timers[_i].values, timers[_i].count);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_words");
	TCase *cases = tcase_create("kernel_words");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, cases);
	tcase_add_loop_test(cases, epoll_data_is_found, 0, hw_array_size(epolls));
	tcase_add_loop_test(cases, timers_are_found, 0, hw_array_size(timers));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
