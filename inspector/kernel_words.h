/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel keeps for a process and gives back to it. Private to inspector/. */
#ifndef HW_INSPECTOR_KERNEL_WORDS_H
#define HW_INSPECTOR_KERNEL_WORDS_H

#include "inspector/inspector.h"

/*
 * Adds to snapshot->kernel_words what /proc tells just now. It takes a system call or two for each open
 * descriptor, so it is done while the target runs: before the stop and again after it, since what was
 * registered while the target stood was there at one of the two times, unless it came and went within
 * milliseconds. What cannot be read is left out. Errors: memory short.
 */
struct hw_error *hw_kernel_words_read(struct hw_snapshot *snapshot, pid_t living) hw_must_check;

/* The words in the text of an epoll descriptor's fdinfo file, and of a process's timers file. */
struct hw_error *hw_kernel_words_parse_epoll(
	struct hw_snapshot *snapshot, int descriptor, const char *text) hw_must_check;
struct hw_error *hw_kernel_words_parse_timers(struct hw_snapshot *snapshot, const char *text) hw_must_check;

#endif
