/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One thread under ptrace. The order of events follows ptrace(2), "Attaching" and "Group-stop". */
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "inspector/procfs.h"
#include "inspector/registers.h"
#include "inspector/tracee.h"

/* How long we wait for a thread that sleeps uninterruptibly, and for one that merely gets no processor. */
#define STUCK_PATIENCE_US   20000
#define STARVED_PATIENCE_US 1000000

uint64_t hw_tracee_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void hw_tracee_look(struct hw_tracee *tracee)
{
	struct hw_proc_stat stat;
	char text[1024];

	if (hw_proc_read_small(tracee->tid, "stat", text, sizeof(text)) != 0 ||
		!hw_proc_stat_parse(text, &stat)) {
		tracee->state = HW_TRACEE_GONE;
		return;
	}
	memcpy(tracee->name, stat.name, sizeof(tracee->name));
	tracee->found = stat.state;
	if (stat.state == 'Z' || stat.state == 'X')
		tracee->state = HW_TRACEE_ZOMBIE;
}

int hw_tracee_seize(struct hw_tracee *tracee)
{
	struct hw_tracee now = *tracee;
	int errnum;

	if (ptrace(PTRACE_SEIZE, tracee->tid, NULL, NULL) == 0) {
		tracee->state = HW_TRACEE_RUNNING;
		return 0;
	}
	errnum = errno;
	/* A thread that ends just now refuses with EPERM, as one does that we may not trace. */
	hw_tracee_look(&now);
	if (now.state == HW_TRACEE_GONE || now.state == HW_TRACEE_ZOMBIE) {
		tracee->state = now.state;
		return 0;
	}
	return errnum;
}

void hw_tracee_interrupt(struct hw_tracee *tracee)
{
	ptrace(PTRACE_INTERRUPT, tracee->tid, NULL,
		NULL); /* fails only for a dead one: the next wait tells */
}

/* Takes what the kernel has to tell of a RUNNING thread, without waiting; true when it no longer is RUNNING.
 */
static bool poll_thread(struct hw_tracee *tracee)
{
	for (;;) {
		int status;
		pid_t got = waitpid(tracee->tid, &status, __WALL | WNOHANG);

		if (got == 0)
			return false;
		if (got < 0 || !WIFSTOPPED(status)) {
			tracee->state = HW_TRACEE_GONE;
			return true;
		}
		if (status >> 16 == PTRACE_EVENT_STOP) {
			tracee->group_stopped = WSTOPSIG(status) != SIGTRAP;
			tracee->state = HW_TRACEE_STOPPED;
			hw_registers_repair_eintr(tracee->tid);
			return true;
		}
		/* A signal on its way in. Our interrupt is still pending and stops the thread behind it. */
		ptrace(PTRACE_CONT, tracee->tid, NULL, (long)WSTOPSIG(status));
	}
}

/*
 * Whether it is of no use to wait longer for this thread. A leader that ends reports nothing while its other
 * threads live: its state letter tells.
 */
static bool is_hopeless(struct hw_tracee *tracee, uint64_t waited_us)
{
	struct hw_tracee now = { .tid = tracee->tid, .state = tracee->state };

	if (waited_us < STUCK_PATIENCE_US)
		return false;
	hw_tracee_look(&now);
	tracee->state = now.state;
	return now.state != HW_TRACEE_RUNNING || now.found == 'D' || waited_us >= STARVED_PATIENCE_US;
}

void hw_tracee_await(struct hw_tracee *tracee, uint64_t since_us)
{
	while (tracee->state == HW_TRACEE_RUNNING && !poll_thread(tracee)) {
		if (is_hopeless(tracee, hw_tracee_clock() - since_us))
			return;
		hw_tracee_doze(1000);
	}
}

bool hw_tracee_stands(const struct hw_tracee *tracee)
{
	unsigned long message;

	return ptrace(PTRACE_GETEVENTMSG, tracee->tid, NULL, &message) == 0;
}

void hw_tracee_release(struct hw_tracee *tracee)
{
	if (tracee->state != HW_TRACEE_STOPPED)
		return;
	tracee->state = HW_TRACEE_NEW;
	if (ptrace(PTRACE_DETACH, tracee->tid, NULL, NULL) == 0)
		return;
	/* It was killed while it stood. A dead thread stays listed until its tracer has waited for it. */
	for (int tries = 0; tries < 100 && waitpid(tracee->tid, NULL, __WALL | WNOHANG) == 0; tries++)
		hw_tracee_doze(1000);
	tracee->state = HW_TRACEE_GONE;
}

void hw_tracee_doze(uint64_t us)
{
	struct timespec limit = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigtimedwait(&child, NULL, &limit);
}
