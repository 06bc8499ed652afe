/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pointers that only the kernel keeps. */
#include "leak.h"

#include <signal.h>
#include <sys/epoll.h>
#include <time.h>

static void change(int epoll, int operation, int descriptor, void *pointer, uintptr_t tag)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = (void *)((uintptr_t)pointer | tag) };

	if (epoll_ctl(epoll, operation, descriptor, &event))
		leak_fail("epoll_ctl");
}

static NOINLINE void watch(int epoll, const char *kind, uintptr_t tag, int forget)
{
	int ends[2];

	if (pipe(ends))
		leak_fail("pipe");
	change(epoll, EPOLL_CTL_ADD, ends[0], make_list(3, kind, forget ? "indirect" : kind), tag);
	if (forget)
		change(epoll, EPOLL_CTL_DEL, ends[0], NULL, 0);
}

/* One instance in the middle of the descriptors, one that nobody uses, and pointers with a bit in them. */
NOINLINE void scenario_in_epoll(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), other = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0 || other < 0 || epoll_create1(EPOLL_CLOEXEC) < 0)
		leak_fail("epoll_create1");
	for (unsigned i = 0; i < 60; i++)
		watch(i % 3 ? epoll : other, i % 4 ? "reachable" : "definite", i % 2, i % 4 == 0);
}

NOINLINE void scenario_in_timers(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct sigevent event = {
			.sigev_notify = SIGEV_SIGNAL,
			.sigev_signo = SIGUSR1,
			.sigev_value.sival_ptr =
				make_list(3, i ? "reachable" : "definite", i ? "reachable" : "indirect"),
		};
		timer_t timer;

		if (timer_create(CLOCK_MONOTONIC, &event, &timer))
			leak_fail("timer_create");
		if (!i)
			timer_delete(timer);
	}
}
