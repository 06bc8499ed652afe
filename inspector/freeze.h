/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All threads of a process made to stand, and let go again, as often as needed. Runs in the agent. Private to
 * inspector/.
 */
#ifndef HW_INSPECTOR_FREEZE_H
#define HW_INSPECTOR_FREEZE_H

#include "inspector/tracee.h"

struct hw_freezer {
	pid_t pid;
	struct hw_tracee *tracees; /* sorted by tid */
	size_t count;
	size_t capacity;
	size_t stuck;      /* threads that could not be stopped: they sleep in the kernel, uninterruptibly */
	uint64_t began_us; /* when the first thread was interrupted; 0: nobody stands */
	uint64_t pause_us; /* the last stop */
	uint64_t total_us; /* all stops */
	int refused;       /* errno of the PTRACE_SEIZE that was refused last, 0: none was */
};

void hw_freezer_init(struct hw_freezer *freezer, pid_t pid);

/* Lets everybody go and frees. A stuck thread stays ours until it stops or the agent ends. */
void hw_freezer_deinit(struct hw_freezer *freezer);

/* Seizes every thread, while they run: the stop itself is then shorter. HW_ERROR_GONE, or as `refused` says.
 */
struct hw_error *hw_freezer_prepare(struct hw_freezer *freezer) hw_must_check;

/*
 * Stops every thread, those too that are born meanwhile. Threads that sleep uninterruptibly are waited for
 * some 20 ms and then counted as stuck: they execute nothing before they have stopped for us, but for a
 * vfork(2) parent, whose child uses its memory. On an error all have been let go.
 */
struct hw_error *hw_freezer_stop(struct hw_freezer *freezer) hw_must_check;

/*
 * HW_ERROR_GONE when a thread that was stopped stands no longer: it was killed, and memory that was read
 * since then may have been that of a process in its end.
 */
struct hw_error *hw_freezer_check(const struct hw_freezer *freezer) hw_must_check;

/* Lets all threads go and takes the time. */
void hw_freezer_release(struct hw_freezer *freezer);

#endif
