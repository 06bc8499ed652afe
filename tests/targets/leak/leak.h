/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the leak programs share: a block is taken with what is to become of it, and at the wait point the
 * program prints this truth, one JSON object a line, and waits for a byte on standard input.
 *
 *	{"address":"0x55...","size":48,"kind":"definite"}
 *	{"ready":"list","pid":17}
 *
 * Kinds are memcheck's (reachable, possible, indirect, definite); "lost" is one of the last two, "held" one
 *of the first two; "stale" is lost, but a word that nobody uses any more still points at it.
 *
 * Under valgrind and with LeakSanitizer the program lets them look at the wait point, so that all tools judge
 * the same moment. The ledger keeps addresses inverted: it is no root for anybody.
 */
#ifndef LEAK_H
#define LEAK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A call that the compiler must make: what it leaves behind on the stack is what a scenario is about. */
#define NOINLINE __attribute__((noinline, noclone))

#ifdef __cplusplus
extern "C" {
#endif

__attribute__((noreturn)) void leak_fail(const char *what);

/* This block will be of that kind. */
void note(void *pointer, size_t size, const char *kind);

/* A block of `size` bytes, zeroed, that will be of this kind. */
void *take(size_t size, const char *kind);

/* The block is forgotten: it is freed, or no part of the truth. */
void unnote(void *pointer);

/* Overwrites what earlier calls left below the stack pointer, and in registers that nobody keeps. */
void scrub(void);

/* From here on scrub() does nothing. */
void keep_dead_frames(void);

/* The wait point. A scenario that does not come to it itself is brought there when it returns. */
void leak_wait(void);

struct scenario {
	const char *name;
	void (*run)(void);
};

int leak_main(const struct scenario *scenarios, size_t count, const char *name);

/* ------------------------------------------------------------------------------ shared by the C scenarios */

struct node {
	struct node *left;
	struct node *right;
	char payload[40];
};

/* Linked by `right`; `left` is for the caller. */
struct node *make_list(unsigned count, const char *head_kind, const char *kind);
struct node *make_tree(unsigned depth, const char *head_kind, const char *kind);

/* 256 short lists and the table of their heads. */
void *make_table(const char *head_kind, const char *kind);

/* Comes to the wait point when all of the expected threads sit(). */
void expect_threads(unsigned count);
void wait_for_threads(void);
void sit(void);

/* Starts that many threads and waits for them. */
void start_and_wait(void *(*run)(void *), unsigned count);

/* A frame full of pointers to blocks, under which the thread sits. */
void hold_on_thread_stack(void);

/* Globals to hold whatever a scenario makes. */
extern void *volatile root;
extern void *volatile roots[64];

#ifdef __cplusplus
}
#endif

#endif
