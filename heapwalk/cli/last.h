/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The last target: a command without one means it. Kept in $XDG_STATE_HOME/heapwalk/last
 * (~/.local/state/heapwalk/last), mode 0600, as lines of "key value". A process is known by its id, its start
 * time and the boot that both belong to, so that another process that has its id meanwhile is not mistaken
 * for it.
 */
#ifndef HW_CLI_LAST_H
#define HW_CLI_LAST_H

#include "heapwalk/cli/options.h"

struct hw_last {
	pid_t pid;
	uint64_t start_time;
	char boot[40];
	char *core; /* absolute paths; NULL: none */
	char *executable;
	char *sysroot;
	char *debug_directory;
};

void hw_last_deinit(struct hw_last *last);

/* HW_ERROR_USAGE when there is none: the message says how to name a target. */
struct hw_error *hw_last_load(struct hw_last *last) hw_must_check;

/* Makes it the options' target; what the options name themselves goes before. */
void hw_last_apply(const struct hw_last *last, struct hw_options *options);

/* HW_ERROR_GONE when `snapshot` is of another process than the one that was remembered. */
struct hw_error *hw_last_check(const struct hw_last *last, const struct hw_snapshot *snapshot) hw_must_check;

/* HW_ERROR_GONE: there is no process of its id any more. */
struct hw_error *hw_last_ended(const struct hw_last *last) hw_must_check;

/* Remembers this target. That it cannot be remembered is no reason to fail: nothing is said. */
void hw_last_save(const struct hw_options *options, const struct hw_snapshot *snapshot);

#endif
