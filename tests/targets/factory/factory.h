/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * factory: sets up a named heap state, prints its own truth, waits for a byte on standard input, checks that
 * nothing has changed, and exits 0.
 *
 *	factory SCENARIO
 *
 * The truth is JSON, one object a line:
 *
 *	{"address":"0x55...","size":40,"usable":40}        a block that the program holds: what it asked for
 *	                                                   and what malloc_usable_size() says
 *	{"address":"0x55...","libc":"dtv"}                 a block that libc itself may hold
 *	{"from":"0x55...","to":"0x55...","libc":"dlmopen"} libc may hold blocks of its own between these
 *	{"damaged":"0x55...","libc":"size"}                a word that the program overwrote on purpose
 *	{"ready":"plain","pid":17,"blocks":5120}           the last line
 *
 * It never uses stdio for itself, keeps its ledger in a mapping of its own, and calls only what glibc 2.17
 * has, so that one binary linked against the oldest glibc runs on every later one, on x86-64 and i386.
 */
#ifndef FACTORY_H
#define FACTORY_H

#include <stddef.h>
#include <stdint.h>

/* Writes what was said so far, then the reason to standard error, and exits with status 2. */
_Noreturn void fail(const char *what);
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
void output_flush(void);

/* ------------------------------------------------------------------------------------------- the ledger */

/* One block; pointer NULL: given back. */
struct entry {
	unsigned char *pointer;
	size_t size;
	size_t usable;
	const char *libc;   /* not NULL: not ours; this is what it is */
	unsigned char *end; /* of a range in which libc may have blocks, else NULL */
	int damaged;
};

extern unsigned ledger_count;

/* Asked for every block's usable size; another libc's while blocks are taken from that. */
extern size_t (*usable_size)(void *pointer);

void ledger_open(void);
void ledger_print(void);
int ledger_is_intact(void);

/* Entries stay where they are. All of these may be called by any thread, each entry by one at a time. */
struct entry *take(size_t size);
struct entry *take_zeroed(size_t size);
struct entry *take_aligned(size_t alignment, size_t size);
struct entry *take_over(void *pointer, size_t size); /* a block that the caller got itself */
void entry_resize(struct entry *entry, size_t size);
void drop(struct entry *entry);

/* The first and last bytes of a block that carry its pattern; what lies between is the scenario's. */
#define ENTRY_ENDS 64

void note_libc(const char *what, void *pointer);
void note_libc_range(const char *what, void *from, void *to);
void note_damage(const char *what, void *word);
void note_dtv(void);

/* ----------------------------------------------------------------------------------------- the workload */

/* The same numbers in every run; `state` is not 0. */
uint32_t next_random(uint32_t *state);

/* Mostly small, some of a few kilobytes, few of hundreds. */
size_t random_size(uint32_t *state);

/* `rounds` random steps over a working set: take, give back, resize. What is held at the end stays. */
void churn(uint32_t seed, unsigned rounds);

#define THREADS_MAX 64

/* Starts a thread that does `work` and then, if it stays, waits until threads_end(). */
void thread_start(void (*work)(unsigned number), int stays);
void threads_wait_ready(void);
void threads_join(void); /* those that do not stay, each once */
void threads_end(void);

/* ---------------------------------------------------------------------------------------- the scenarios */

struct scenario {
	const char *name;
	void (*set_up)(void);
	int damages; /* the heap is broken afterwards: exit without touching it */
};

/* Both end with a row of NULLs. */
extern const struct scenario scenarios[];
extern const struct scenario damages[];

#endif
