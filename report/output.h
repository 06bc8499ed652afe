/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a report's bytes go: standard output, or a file that appears under its name only when it is whole.
 *
 * The file holds another process's memory: it is made with mode 0600 under a temporary name beside its place,
 * and renamed at the end, so that nobody sees half of it and a symbolic link at its place is replaced, not
 * followed. A device or pipe is written directly, but only one that belongs to the user or to root.
 *
 * Errors stick: after the first one writing does nothing.
 */
#ifndef HW_REPORT_OUTPUT_H
#define HW_REPORT_OUTPUT_H

#include "inspector/inspector.h"

struct hw_output {
	int fd;
	char *path;      /* the file's final name, NULL: standard output */
	char *temporary; /* what it is called until it is whole; NULL: written directly */
	char *buffer;
	size_t used;
	size_t capacity;
	size_t held; /* bytes that may pile up before the first is written; see hw_output_hold() */
	int errnum;  /* of the first write that failed */
	bool no_memory;
};

/* NULL path: standard output. */
struct hw_error *hw_output_open(const char *path, struct hw_output *output) hw_must_check;

/* Writes what is left and, for a file, gives it its name. Closes in any case. */
struct hw_error *hw_output_close(struct hw_output *output) hw_must_check;

/* Closes and removes the unfinished file. */
void hw_output_abandon(struct hw_output *output);

/* Removes the unfinished file of whatever output is open. Safe in a signal handler. */
void hw_output_remove_unfinished(void);

/*
 * Up to `bytes` of output are kept in memory before anything is written: as long as drawing still needs the
 * snapshot, a reader who takes his time must not make it live longer. 0: back to normal.
 */
void hw_output_hold(struct hw_output *output, size_t bytes);

void hw_output_write(struct hw_output *output, const char *bytes, size_t size);
void hw_output_text(struct hw_output *output, const char *text);
void hw_output_print(struct hw_output *output, const char *format, ...) hw_printf(2, 3);

static inline bool hw_output_failed(const struct hw_output *output)
{
	return output->errnum || output->no_memory;
}

#endif
