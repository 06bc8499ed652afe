/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pymalloc's blocks: which are free, and which one an address lies in. */
#include "heapwalk/types/cpython.h"
#include "heapwalk/types/pools_pymalloc.h"

/* A freed block's first word is the next free one. Ends at what is no block of the pool, or was met before.
 */
void hw_pymalloc_mark_free(
	struct hw_pymalloc_arenas *arenas, const struct hw_pymalloc_pool *pool, const uint8_t *bytes)
{
	uint64_t first = pool->address + arenas->head, address = pool->free_block;

	while (address >= first && (address - first) % pool->size == 0) {
		uint64_t index = (address - first) / pool->size;

		if (index >= pool->count || arenas->blocks[pool->first + index] == HW_PYMALLOC_FREE)
			return;
		arenas->blocks[pool->first + index] = HW_PYMALLOC_FREE;
		address = hw_image_word(arenas->heap->snapshot->image, bytes + (address - pool->address));
	}
}

/* The arena that holds `address`, or NULL. */
static const struct hw_pymalloc_arena *arena_at(const struct hw_pymalloc_arenas *arenas, uint64_t address)
{
	size_t low = 0, high = arenas->arena_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (arenas->arenas[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == arenas->arena_count || arenas->arenas[low].start > address)
		return NULL;
	return &arenas->arenas[low];
}

/* Pools that hold nothing are not in the list, so the pool's number is no index. */
static const struct hw_pymalloc_pool *pool_at(const struct hw_pymalloc_arenas *arenas, uint64_t address)
{
	const struct hw_pymalloc_arena *arena = arena_at(arenas, address);
	uint64_t start = hw_round_down(address, UINT64_C(1) << arenas->geometry.pool_shift);
	size_t low = 0, high = arena ? arena->count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (arenas->pools[arena->first + middle].address < start)
			low = middle + 1;
		else
			high = middle;
	}
	if (!arena || low == arena->count || arenas->pools[arena->first + low].address != start)
		return NULL;
	return &arenas->pools[arena->first + low];
}

bool hw_pymalloc_block_at(const struct hw_pymalloc_arenas *arenas, uint64_t address, uint32_t *block,
	uint64_t *start, uint64_t *size)
{
	const struct hw_pymalloc_pool *pool = pool_at(arenas, address);
	uint64_t index;

	if (!pool || address < pool->address + arenas->head)
		return false;
	index = (address - pool->address - arenas->head) / pool->size;
	if (index >= pool->count)
		return false;
	*block = pool->first + (uint32_t)index;
	*start = pool->address + arenas->head + index * pool->size;
	*size = pool->size;
	return true;
}

struct hw_error *hw_pymalloc_count(const struct hw_heap *heap, struct hw_pymalloc *count)
{
	struct hw_pymalloc_arenas *arenas = NULL;
	struct hw_error *error;

	*count = (struct hw_pymalloc){ 0 };
	if (!hw_cpython_find(heap))
		return NULL;
	error = hw_pymalloc_find(heap, &arenas);
	if (error)
		return error;
	*count = arenas->count;
	hw_pymalloc_destroy(arenas);
	return NULL;
}
