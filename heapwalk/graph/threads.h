/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a thread has its things: stack, thread-local storage, control block (glibc's struct pthread) and the
 * pthread_setspecific() slots in it. Told by the control block's own words, the same from glibc 2.17 to 2.44:
 * it points to itself, to the first of its specific slots, and knows its stack. Private to heapwalk/.
 *
 * From low to high addresses a stack block of glibc's holds guard, stack, static TLS and control block on
 * x86 (TLS variant II), and guard, stack, control block and static TLS on aarch64 (variant I).
 */
#ifndef HW_HEAPWALK_GRAPH_THREADS_H
#define HW_HEAPWALK_GRAPH_THREADS_H

#include "heapwalk/heap.h"

/* Addresses; 0: not known. */
struct hw_thread_block {
	uint64_t thread_pointer;
	uint64_t control; /* struct pthread: [control, control_end) */
	uint64_t control_end;
	bool has_slots; /* false: the program runs without libpthread (before 2.34) */
	uint64_t slots; /* pthread_setspecific(): 32 pairs of sequence number and value */
	uint64_t slots_end;
	uint64_t stack; /* the block that glibc allocated or was given, guard included; the main thread has
			   none */
	uint64_t stack_end;
	uint64_t tls; /* static thread-local storage; what of it the DTV tells */
	uint64_t tls_end;
	uint64_t dtv; /* where the pointer to the dynamic thread vector stands */
	int32_t tid;  /* as the target sees it; 0 has ended, -1 has ended and was joined */
	bool detached;
};

/*
 * Reads the control block that belongs to this thread pointer. False when there is none: not glibc's, or not
 * in the image (gcore writes zeros for the stacks of glibc 2.42 and newer).
 */
bool hw_thread_block_read(
	const struct hw_snapshot *snapshot, uint64_t thread_pointer, struct hw_thread_block *block);

/* Bytes below the stack pointer that a leaf function may use (System V ABI for x86-64; none elsewhere). */
unsigned hw_red_zone(const struct hw_snapshot *snapshot);

#endif
