/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces of the freeze that need no target of their own: agent, page lists, texts of stuck threads, EINTR. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "inspector/agent.h"
#include "inspector/pagemap.h"
#include "inspector/procfs.h"
#include "inspector/registers.h"

static const struct {
	const char *text;
	bool good;
	uint64_t sp, pc;
	bool in_system_call;
} syscalls[] = {
	{ "202 0x7f10 0x80 0x1 0x0 0x0 0xffffffff 0x7ffd40 0x7f12aa\n", true, 0x7ffd40, 0x7f12aa, true },
	{ "0 0x0 0x0 0x0 0x0 0x0 0x0 0x10 0x20\n", true, 0x10, 0x20, true },
	{ "-1 0x7ffd40 0x7f12aa\n", true, 0x7ffd40, 0x7f12aa, false },
	{ "running\n", false },
	{ "", false },
	{ "202 0x7f10 0x80 0x1", false },
};

START_TEST (stuck_threads_tell_where) {
	struct hw_thread thread = { 0 };

	ck_assert_int_eq(hw_registers_parse_syscall(&thread, syscalls[_i].text), syscalls[_i].good);
	ck_assert_uint_eq(thread.sp, syscalls[_i].sp);
	ck_assert_uint_eq(thread.pc, syscalls[_i].pc);
	ck_assert_int_eq(thread.in_system_call, syscalls[_i].in_system_call);
}
END_TEST

#if defined(__x86_64__)

static const struct {
	bool i386;
	long call;
	unsigned long first;
	bool repaired;
} calls[] = {
	{ false, SYS_epoll_wait, 3, true },
	{ false, SYS_epoll_pwait, 3, true },
	{ false, SYS_rt_sigtimedwait, 0, true },
	{ false, SYS_semtimedop, 0, true },
	{ false, SYS_recvfrom, 0, true },
	{ false, SYS_close, 0, false },     /* has closed it */
	{ false, SYS_nanosleep, 0, false }, /* the kernel's own business */
	{ false, -1, 0, false },
	{ true, 256, 0, true },       /* epoll_wait */
	{ true, 117, 1, true },       /* ipc SEMOP */
	{ true, 117, 0x10004, true }, /* ipc SEMTIMEDOP, version 1 */
	{ true, 117, 12, false },     /* ipc MSGRCV */
	{ true, 6, 0, false },        /* close */
	{ true, SYS_epoll_wait, 0, false },
};

START_TEST (the_right_calls_are_repaired) {
	ck_assert_int_eq(hw_registers_is_eintr_call(calls[_i].i386, calls[_i].call, calls[_i].first),
		calls[_i].repaired);
}
END_TEST

#endif

/* Pages 0, 3, 4 and 9 of 12 are written, 6 is only read. */
static uint8_t *make_pages(size_t page)
{
	uint8_t *memory = mmap(NULL, 12 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const int written[] = { 0, 3, 4, 9 };

	ck_assert_ptr_ne(memory, MAP_FAILED);
	madvise(memory, 12 * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < hw_array_size(written); i++)
		memory[(size_t)written[i] * page] = 1;
	ck_assert_int_eq(((volatile uint8_t *)memory)[6 * page], 0);
	return memory;
}

/* 0: by request, 1: entry by entry, as on an older kernel. */
START_TEST (written_pages_are_listed) {
	static const struct {
		size_t start, end;
	} expected[] = { { 0, 1 }, { 3, 5 }, { 9, 10 } };
	size_t page = (size_t)sysconf(_SC_PAGESIZE), found = 0;
	uint8_t *memory = make_pages(page);
	uint64_t base = (uintptr_t)memory;
	struct hw_pagemap pagemap;
	struct hw_page_run run;
	bool zero_page = false;

	hw_pagemap_init(&pagemap, open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), page);
	pagemap.no_scan = _i;
	hw_pagemap_seek(&pagemap, base, base + 12 * page, true);
	while (hw_pagemap_next(&pagemap, &run)) {
		/* Entries do not tell the page of zeros from others: it may be listed. */
		if (_i && run.start == base + 6 * page && run.end == base + 7 * page) {
			zero_page = true;
			continue;
		}
		ck_assert_uint_lt(found, hw_array_size(expected));
		ck_assert_uint_eq(run.start, base + expected[found].start * page);
		ck_assert_uint_eq(run.end, base + expected[found].end * page);
		found++;
	}
	ck_assert_uint_eq(found, hw_array_size(expected));
	ck_assert(!zero_page || _i);
	hw_pagemap_deinit(&pagemap);
	munmap(memory, 12 * page);
}
END_TEST

START_TEST (what_cannot_be_asked_counts_as_there) {
	struct hw_pagemap pagemap;
	struct hw_page_run run;

	hw_pagemap_init(&pagemap, -1, 4096);
	hw_pagemap_seek(&pagemap, 0x10000, 0x30000, true);
	ck_assert(hw_pagemap_next(&pagemap, &run));
	ck_assert_uint_eq(run.start, 0x10000);
	ck_assert_uint_eq(run.end, 0x30000);
	ck_assert(!hw_pagemap_next(&pagemap, &run));
}
END_TEST

struct errand {
	pid_t ran_in;
	bool needed;
	bool finished;
	bool was_cancelled;
	char *text; /* allocated by the agent, freed by us: one heap */
};

static bool run_errand(struct hw_agent *agent, void *argument)
{
	struct errand *errand = argument;

	errand->ran_in = (pid_t)syscall(SYS_getpid);
	errand->text = strdup("from the agent");
	errand->was_cancelled = hw_agent_is_cancelled(agent);
	errno = EXDEV;
	return errand->needed;
}

static void finish_errand(void *argument)
{
	((struct errand *)argument)->finished = true;
}

START_TEST (the_agent_works_and_ends) {
	struct errand errand = { .needed = _i };
	struct hw_agent_work work = { run_errand, &errand, finish_errand, &errand };
	struct hw_agent *agent;

	ck_assert_ptr_null(hw_agent_start(&work, &agent));
	ck_assert_int_gt(errand.ran_in, 0);
	ck_assert_int_ne(errand.ran_in, getpid());
	ck_assert_str_eq(errand.text, "from the agent");
	ck_assert(!errand.was_cancelled);
	ck_assert(!errand.finished);
	ck_assert_int_eq(agent != NULL, errand.needed);
	/* Nobody's business but ours: no child that wait() finds. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	hw_agent_end(agent);
	ck_assert_int_eq(errand.finished, errand.needed);
	ck_assert_int_eq(kill(errand.ran_in, 0), -1);
	free(errand.text);
}
END_TEST

static bool wait_for_cancel(struct hw_agent *agent, void *argument)
{
	struct errand *errand = argument;

	kill(getppid(), SIGUSR1);
	while (!hw_agent_is_cancelled(agent))
		usleep(1000);
	errand->was_cancelled = true;
	return false;
}

static void do_nothing(int signal)
{
	(void)signal;
}

START_TEST (a_signal_of_ours_cancels) {
	struct sigaction action = { .sa_handler = do_nothing };
	struct errand errand = { 0 };
	struct hw_agent_work work = { wait_for_cancel, &errand, finish_errand, &errand };
	struct hw_agent *agent;

	sigaction(SIGUSR1, &action, NULL);
	ck_assert_ptr_null(hw_agent_start(&work, &agent));
	ck_assert(errand.was_cancelled);
	ck_assert_ptr_null(agent);
}
END_TEST

static bool die(struct hw_agent *agent, void *argument)
{
	(void)agent, (void)argument;
	kill((pid_t)syscall(SYS_getpid), SIGKILL);
	return true;
}

START_TEST (a_killed_agent_is_an_error) {
	struct errand errand = { 0 };
	struct hw_agent_work work = { die, &errand, finish_errand, &errand };
	struct hw_agent *agent;
	struct hw_error *error = hw_agent_start(&work, &agent);

	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, HW_ERROR_GONE);
	ck_assert(!errand.finished);
	hw_error_destroy(error);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("freeze");
	TCase *cases = tcase_create("freeze");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, cases);
	tcase_add_loop_test(cases, stuck_threads_tell_where, 0, hw_array_size(syscalls));
#if defined(__x86_64__)
	tcase_add_loop_test(cases, the_right_calls_are_repaired, 0, hw_array_size(calls));
#endif
	tcase_add_loop_test(cases, written_pages_are_listed, 0, 2);
	tcase_add_test(cases, what_cannot_be_asked_counts_as_there);
	tcase_add_loop_test(cases, the_agent_works_and_ends, 0, 2);
	tcase_add_test(cases, a_signal_of_ours_cancels);
	tcase_add_test(cases, a_killed_agent_is_an_error);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
