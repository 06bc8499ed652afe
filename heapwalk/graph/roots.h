/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which memory outside malloc's chunks is scanned for pointers. It is found by taking away: everything that
 * the program can write is a root, except what malloc owns, the part of a stack below the stack pointer and
 * what provably belongs to nobody; so whatever is not recognised stays a root and nothing is called lost for
 * our ignorance. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GRAPH_ROOTS_H
#define HW_HEAPWALK_GRAPH_ROOTS_H

#include "heapwalk/graph/threads.h"
#include "heapwalk/heap.h"

struct hw_roots {
	struct hw_root *roots; /* by address; then registers, then what the kernel keeps */
	size_t count;
	size_t capacity;
	struct hw_thread_block *blocks; /* of snapshot->threads; thread_pointer 0: not found */
	unsigned missing;               /* 1 << enum hw_root_kind: not all of these are in the snapshot */
};

/* `ignore` is a mask of 1 << enum hw_root_kind to leave out. Errors: memory short. */
struct hw_error *hw_roots_find(
	const struct hw_heap *heap, unsigned ignore, struct hw_roots *roots) hw_must_check;
void hw_roots_deinit(struct hw_roots *roots);

/*
 * What number `index` of snapshot->kernel_words points to: without bits that the program keeps in a pointer's
 * lowest ones, as nginx does.
 */
static inline uint64_t hw_kernel_pointer(const struct hw_heap *heap, uint64_t index)
{
	uint64_t value = heap->snapshot->kernel_words[index].value;

	return (heap->word_size == 4 ? value & UINT32_MAX : value) & ~UINT64_C(7);
}

#endif
