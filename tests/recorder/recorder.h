/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recorder: loaded by LD_PRELOAD, keeps a list of every block that a real program holds.
 *
 * It stands before malloc, calloc, realloc, reallocarray, posix_memalign, aligned_alloc, memalign, valloc,
 * pvalloc and free, passes each call on to glibc, and notes pointer, request and usable size in a table that
 * lies in a shared mapping named "/memfd:heapwalk-recorder". It allocates nothing itself and opens no file.
 * tests/live/recorder.py reads the table through /proc/PID/mem.
 *
 * A reader that wants the program to stand still between two calls of malloc writes 1 to `pause` and waits
 * until `inside` is 0: from then on every thread that wants memory sleeps before the call until `pause` is 0.
 *
 * A forked child is not recorded (its table is its parent's); a program that exec()s starts with a new table.
 *
 * Built with -DRECORDER_FRAMES=N it also stands before C++'s operator new, and notes who called: the return
 * addresses of N frames, innermost first, followed by frame pointers. So the program needs
 * -fno-omit-frame-pointer; a library without them hides which place of its caller called it.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include <stdint.h>

#define RECORDER_NAME  "heapwalk-recorder"
#define RECORDER_MAGIC 0x6877726563303031 /* "hwrec001" as a number */

#ifndef RECORDER_FRAMES
#define RECORDER_FRAMES 0
#endif

/* Programs whose call sites are noted are looked at whole. */
#if RECORDER_FRAMES
#define RECORDER_BITS 22
#else
#define RECORDER_BITS 20
#endif
#define RECORDER_SLOTS (1u << RECORDER_BITS)

/* The same on every machine. */
struct record {
	uint64_t address; /* 0: a free slot */
	uint64_t size;    /* asked for */
	uint64_t usable;  /* malloc_usable_size() */
	uint64_t frames[RECORDER_FRAMES];
};

struct recorder_table {
	uint64_t magic;
	uint32_t slots;
	uint32_t pause;   /* written by the reader */
	uint32_t inside;  /* threads between the two ends of a call */
	uint32_t lock;    /* of the records */
	uint32_t count;   /* blocks held */
	uint32_t full;    /* 1: a block did not fit, the table is worthless */
	uint64_t calls;   /* of all functions together */
	uint64_t unknown; /* blocks given back that were not in the table */
	uint64_t frames;  /* RECORDER_FRAMES */
	uint64_t reserved;
	struct record records[RECORDER_SLOTS]; /* open addressing, linear probing */
};

#endif
