/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The remote fork: a copy-on-write child of the target that never runs is the snapshot. Runs in the agent.
 * Private to inspector/.
 *
 * A thread of the target makes a first child that shares the target's memory, which takes a tenth of a
 * millisecond, and gets its registers back at once. That child makes the second, with memory of its own: the
 * kernel copies the page tables, which takes long, while no thread of the target has foreign registers. Both
 * are the target's children by descent, die with us, and send no signal when they end, so that no wait() of
 * the target sees them but one with __WALL. At the end a thread of the target collects their exit statuses.
 */
#ifndef HW_INSPECTOR_FORK_H
#define HW_INSPECTOR_FORK_H

#include "inspector/remote.h"

/* A child of the target, as we see it and as the target does (its PID namespace may be another). */
struct hw_fork_child {
	pid_t pid;
	long inside;
};

struct hw_fork {
	pid_t pid;           /* the target */
	uint64_t start_time; /* its, against a recycled pid */
	struct hw_lifeline_code code;
	bool suspend_seccomp; /* of the thread at hand */
	pid_t borrowed;       /* the thread that made the children */
	uint64_t began;       /* then, in clock ticks after boot */
	struct hw_fork_child middle;
	struct hw_fork_child copy;
	int mem; /* /proc/COPY/mem */
};

void hw_fork_init(struct hw_fork *fork);

/* Before the stop: finds what is needed in a preview (whose image reads the running process). */
struct hw_error *hw_fork_prepare(struct hw_fork *fork, const struct hw_snapshot *before) hw_must_check;

/*
 * While all of stopped->threads stand; `mem` is the target's open /proc/PID/mem. On an error nothing is left
 * behind; any but HW_ERROR_GONE means that this target cannot be forked.
 */
struct hw_error *hw_fork_take(struct hw_fork *fork, const struct hw_snapshot *stopped, int mem) hw_must_check;

/*
 * After the target has been let go: makes the copy give up the file descriptors that it shares with the
 * target, so that what the target closes is closed.
 */
void hw_fork_settle(struct hw_fork *fork);

/*
 * When the agent that did all this was killed, its successor comes here: the children are dead or about to
 * be, as they died with it; their exit statuses are collected.
 */
void hw_fork_recover(struct hw_fork *fork);

/* Ends the copy and removes its traces from the target: one of its threads stands for a tenth of a
 * millisecond. */
void hw_fork_end(struct hw_fork *fork);

#endif
