/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Filling a heap's regions and chunk table while walking: open a region, add its chunks in address order,
 * close it. The way back from an address to its chunk is built on the way: for each region one bit a granule
 * (two words) and a rank every 32 granules, under units of 2 MiB so that a huge chunk costs next to nothing.
 * Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_CHUNK_TABLE_H
#define HW_HEAPWALK_CHUNK_TABLE_H

#include "heapwalk/heap.h"

#define HW_UNIT_SHIFT 21

/* Where a unit's granule words begin, and how many of the region's chunks start before the unit. */
struct hw_region_unit {
	uint32_t word;
	uint32_t rank;
};

/* The region that is being filled. */
struct hw_region_builder {
	struct hw_heap *heap;
	uint32_t region;
	uint64_t start;
	unsigned granule_shift;
	uint64_t *words; /* rank << 32 | 32 bits: chunks that start in these granules */
	size_t word_count;
	size_t word_capacity;
	struct hw_region_unit *units;
	size_t unit_count;
	size_t unit_capacity;
	uint32_t chunks;
};

/*
 * Appends a region that starts at `start`; a builder fills one at a time. With `indexed` false (a region of a
 * single chunk) no granule words are made.
 */
struct hw_error *hw_region_open(struct hw_region_builder *builder, struct hw_heap *heap,
	enum hw_region_kind kind, uint32_t arena, uint64_t start) hw_must_check;

/* Slow path of hw_region_add(): makes room. */
bool hw_region_extend(struct hw_region_builder *builder, uint64_t offset);

/* The region ends at `end`: appends the END entry and hands the index over to the region. */
struct hw_error *hw_region_close(struct hw_region_builder *builder, uint64_t end) hw_must_check;

/* Forgets the open region and its chunks. */
void hw_region_drop(struct hw_region_builder *builder);

/* Makes hw_heap_find() work: to be called when all regions are there, in address order. */
struct hw_error *hw_heap_index(struct hw_heap *heap) hw_must_check;

/* As hw_heap_find(), and tells whether the chunk starts at this very address. */
bool hw_heap_locate(const struct hw_heap *heap, uint64_t address, uint32_t *index, bool *exact);

/* Lets memory fetch what hw_heap_locate() will look at, for whoever has a hundred addresses to ask for. */
void hw_heap_prefetch(const struct hw_heap *heap, uint64_t address);

/* The exact chunk that starts at `address`, false if none does. After hw_heap_index(). */
bool hw_heap_find_start(const struct hw_heap *heap, uint64_t address, uint32_t *region, uint32_t *index);

/* NULL is fine. */
void hw_directory_destroy(struct hw_directory *directory);

/* Sums up regions and chunks by state, for each arena and for all. */
void hw_heap_count(struct hw_heap *heap);

static inline uint64_t hw_chunk_word(uint64_t address, enum hw_chunk_state state, enum hw_content content)
{
	return address >> 3 << 10 | (uint64_t)content << 5 | (uint64_t)state;
}

/* For a chunk that turns out not to be live: its content is nobody's business any more. */
static inline void hw_chunk_set_state(struct hw_heap *heap, uint32_t index, enum hw_chunk_state state)
{
	heap->chunks.words[index] = (heap->chunks.words[index] & ~UINT64_C(0x3ff)) | (uint64_t)state;
}

/* Adds a chunk behind the last one. False when memory is short. */
static inline bool hw_region_add(struct hw_region_builder *builder, uint64_t address,
	enum hw_chunk_state state, enum hw_content content)
{
	struct hw_chunk_table *chunks = &builder->heap->chunks;
	uint64_t offset = address - builder->start;
	size_t unit = offset >> HW_UNIT_SHIFT;
	size_t word = (offset & ((UINT64_C(1) << HW_UNIT_SHIFT) - 1)) >> (builder->granule_shift + 5);

	if (unit + 1 != builder->unit_count || builder->units[unit].word + word + 1 != builder->word_count ||
		chunks->count == chunks->capacity) {
		if (!hw_region_extend(builder, offset))
			return false;
	}
	builder->words[builder->word_count - 1] |= UINT64_C(1) << (offset >> builder->granule_shift & 31);
	builder->chunks++;
	chunks->words[chunks->count++] = hw_chunk_word(address, state, content);
	return true;
}

/* log2 of a granule: two words. */
static inline unsigned hw_granule_shift(const struct hw_heap *heap)
{
	return heap->word_size == 8 ? 4 : 3;
}

/* Without the machine's instruction, which not every x86-64 has, the compiler's function takes longer than
 * this. */
static inline uint32_t hw_count_bits(uint32_t bits)
{
	bits -= bits >> 1 & 0x55555555;
	bits = (bits & 0x33333333) + (bits >> 2 & 0x33333333);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f;
	return bits * 0x01010101 >> 24;
}

/* Lets memory fetch what hw_region_locate() will look at. */
static inline void hw_region_prefetch(const struct hw_region *region, uint64_t offset, unsigned granule_shift)
{
	uint64_t in_unit = offset & ((UINT64_C(1) << HW_UNIT_SHIFT) - 1);

	__builtin_prefetch(region->granules + region->units[offset >> HW_UNIT_SHIFT].word +
			   (in_unit >> (granule_shift + 5)));
}

/* As hw_heap_locate(), of an address that lies in this region. */
static inline bool hw_region_locate(const struct hw_region *region, uint64_t address, unsigned granule_shift,
	uint32_t *index, bool *exact)
{
	uint64_t offset = address - region->start;
	const struct hw_region_unit *unit = &region->units[offset >> HW_UNIT_SHIFT];
	uint64_t in_unit = offset & ((UINT64_C(1) << HW_UNIT_SHIFT) - 1), word;
	uint64_t at = unit[0].word + (in_unit >> (granule_shift + 5));
	unsigned bit = in_unit >> granule_shift & 31;
	uint32_t rank = unit[1].rank;

	*exact = false;
	if (at < unit[1].word) {
		word = region->granules[at];
		rank = (uint32_t)(word >> 32) + hw_count_bits((uint32_t)word & (UINT32_MAX >> (31 - bit)));
		/* Chunks and regions start at whole granules. */
		*exact = word >> bit & 1 && !(address & ((1u << granule_shift) - 1));
	}
	if (!rank)
		return false;
	*index = region->first + rank - 1;
	return true;
}

#endif
