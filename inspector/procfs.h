/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * /proc/PID, file by file: text read whole, numbers picked out of it, threads listed. Knows the files'
 * formats and nothing about what is done with the facts. Everything here may be asked of a running process;
 * a process that ends meanwhile gives HW_ERROR_GONE. Private to inspector/.
 */
#ifndef HW_INSPECTOR_PROCFS_H
#define HW_INSPECTOR_PROCFS_H

#include "inspector/inspector.h"

/* /proc/PID/stat: the fields that matter here (proc_pid_stat(5)). */
struct hw_proc_stat {
	char name[16];
	char state; /* R, S, D, T, t, Z, X, I */
	pid_t parent;
	bool kernel_thread;
	uint64_t start_time; /* clock ticks after boot */
	int exit_signal;     /* what it sends to its parent when it ends, 0: nothing; -1: not told */
};

/* Opens /proc/PID/NAME with open(2)'s flags (O_CLOEXEC is added). */
struct hw_error *hw_proc_open(pid_t pid, const char *name, int flags, int *fd) hw_must_check;

/* All of /proc/PID/NAME, NUL-terminated, the caller's to free; `size` (may be NULL) does not count the NUL.
 */
struct hw_error *hw_proc_read(pid_t pid, const char *name, char **text, size_t *size) hw_must_check;

/*
 * The first bytes of /proc/PID/NAME, NUL-terminated, into a buffer of the caller's. Returns an errno value,
 * 0: fine. Allocates nothing: for the agent, which may outlive a heap in disorder.
 */
int hw_proc_read_small(pid_t pid, const char *name, char *buffer, size_t size);

/* Where the symbolic link /proc/PID/NAME points to, the caller's to free. */
struct hw_error *hw_proc_link(pid_t pid, const char *name, char **target) hw_must_check;

/* `pid` may be a thread's id. */
struct hw_error *hw_proc_stat(pid_t pid, struct hw_proc_stat *stat) hw_must_check;

/* Cuts the text of a stat file into `stat`; false when it is none. */
bool hw_proc_stat_parse(const char *text, struct hw_proc_stat *stat);

/*
 * The value of "Name:" in a status-like text, without the blanks before it: it ends at the line's end, not at
 * a NUL. NULL: no such line.
 */
const char *hw_proc_field(const char *text, const char *name);

/* The number in that field, read in `base`; `otherwise` when there is none. */
uint64_t hw_proc_number(const char *text, const char *name, int base, uint64_t otherwise);

/* The ids in /proc/PID/task, ascending, the caller's to free. At least one, or an error. */
struct hw_error *hw_proc_threads(pid_t pid, pid_t **tids, size_t *count) hw_must_check;

#endif
