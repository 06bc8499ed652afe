/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where threads have their stacks, also several in one mapping (glibc 2.42 and newer) and those of ended
 * threads that glibc keeps for the next one. Told by the thread descriptor, which lies at the stack's end and
 * names the block it stands in; never guessed from the size of a mapping. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_STACKS_H
#define HW_HEAPWALK_STACKS_H

#include "heapwalk/heap.h"

#define HW_NO_THREAD UINT32_MAX

struct hw_thread_stack {
	uint64_t start; /* lowest address, the guard included */
	uint64_t guard; /* bytes from there that cannot be accessed; 0: unknown or none */
	uint64_t end;
	uint32_t thread; /* index into snapshot->threads; HW_NO_THREAD: its thread has ended */
};

/* Sorted by start, disjoint. Zero it, find, deinit. */
struct hw_stacks {
	struct hw_thread_stack *stacks;
	size_t count;
	size_t capacity;
};

/*
 * Finds what can be told for sure. A thread that runs on a stack of its own making (a coroutine's, a signal
 * stack, pthread_attr_setstack() with odd bounds) may have none here.
 */
struct hw_error *hw_stacks_find(const struct hw_snapshot *snapshot, struct hw_stacks *stacks) hw_must_check;
void hw_stacks_deinit(struct hw_stacks *stacks);

/* The stack that holds `address`, or NULL. */
const struct hw_thread_stack *hw_stacks_at(const struct hw_stacks *stacks, uint64_t address);

#endif
