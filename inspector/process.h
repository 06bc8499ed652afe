/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who the target is: found by a process's or a thread's id, described without stopping it. Private to
 * inspector/.
 */
#ifndef HW_INSPECTOR_PROCESS_H
#define HW_INSPECTOR_PROCESS_H

#include "inspector/holding.h"

/*
 * The process that thread or process `id` belongs to. HW_ERROR_NOT_FOUND: there is none.
 * HW_ERROR_UNSUPPORTED: it is a thread of the kernel.
 */
struct hw_error *hw_process_find(pid_t id, pid_t *pid) hw_must_check;

/*
 * A thread of `pid` through which /proc shows its memory: the leader, or, where that has ended while others
 * go on (/proc/PID/maps is empty then), another. HW_ERROR_GONE: none is alive.
 */
struct hw_error *hw_process_living_thread(pid_t pid, pid_t *tid) hw_must_check;

/*
 * Fills process, machine, word_size, page_size, sysroot and makes the (empty) image of a snapshot. `living`
 * is what hw_process_living_thread() gave.
 */
struct hw_error *hw_process_describe(struct hw_snapshot *snapshot, pid_t pid, pid_t living) hw_must_check;

/* HW_ERROR_GONE when the process has executed another program since it was described. */
struct hw_error *hw_process_check_same(const struct hw_snapshot *snapshot, pid_t living) hw_must_check;

#endif
