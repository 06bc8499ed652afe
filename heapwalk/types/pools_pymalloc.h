/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CPython's pymalloc: arenas that it maps, each cut into pools, each cut into blocks of one size (Objects/
 * obmalloc.c). Blocks are numbered through, in order of address. Private to heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_POOLS_PYMALLOC_H
#define HW_HEAPWALK_TYPES_POOLS_PYMALLOC_H

#include "heapwalk/heap.h"

/* Sizes that differ between releases and machines; proven on the pools themselves. */
struct hw_pymalloc_geometry {
	uint8_t arena_shift;
	uint8_t pool_shift;
	uint8_t class_shift; /* block sizes are multiples of this */
};

/* A pool that has blocks in use. */
struct hw_pymalloc_pool {
	uint64_t address;
	uint32_t first; /* number of its first block */
	uint16_t size;  /* of a block */
	uint16_t count; /* blocks that were ever given out: those behind them are free */
	uint16_t used;
	uint16_t room;       /* blocks that it has place for */
	uint64_t free_block; /* head of its list of free ones */
};

struct hw_pymalloc_arena {
	uint64_t start; /* of its first pool */
	uint64_t end;
	uint32_t first; /* its pools: */
	uint32_t count;
};

struct hw_pymalloc_arenas {
	const struct hw_heap *heap;
	struct hw_pymalloc_geometry geometry;
	uint64_t head;                    /* bytes of a pool before its first block */
	struct hw_pymalloc_arena *arenas; /* by address, disjoint */
	size_t arena_count;
	size_t arena_capacity;
	struct hw_pymalloc_pool *pools; /* by address */
	size_t pool_count;
	size_t pool_capacity;
	uint32_t block_count;
	uint32_t *blocks; /* what each is: see below; at first 0 */
	struct hw_pymalloc count;
};

#define HW_PYMALLOC_FREE   UINT32_MAX  /* on its pool's list of free ones */
#define HW_PYMALLOC_STRONG 0x80000000u /* beside a number in hw_typing.types: strong; else certain */

/* The largest pool there is. */
#define HW_PYMALLOC_POOL ((size_t)1 << 14)

/* Finds them; none is no error. */
struct hw_error *hw_pymalloc_find(
	const struct hw_heap *heap, struct hw_pymalloc_arenas **arenas) hw_must_check;
void hw_pymalloc_destroy(struct hw_pymalloc_arenas *arenas);

/* Marks those of a pool in `blocks` that are free; `bytes` are all of the pool. */
void hw_pymalloc_mark_free(
	struct hw_pymalloc_arenas *arenas, const struct hw_pymalloc_pool *pool, const uint8_t *bytes);

/* The block that `address` lies in; false: in none. */
bool hw_pymalloc_block_at(const struct hw_pymalloc_arenas *arenas, uint64_t address, uint32_t *block,
	uint64_t *start, uint64_t *size);

#endif
