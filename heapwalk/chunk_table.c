/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chunk table and the granule words under each region. */
#include "heapwalk/chunk_table.h"

/* Leaves room for an END entry behind every chunk, and UINT32_MAX stays free as "none". */
#define CHUNK_LIMIT (UINT32_MAX - 2)

static bool reserve_chunk(struct hw_chunk_table *chunks)
{
	size_t capacity = chunks->capacity;

	if (chunks->count >= CHUNK_LIMIT)
		return false;
	if (!hw_array_reserve(&chunks->words, chunks->count, &capacity, sizeof(*chunks->words)))
		return false;
	chunks->capacity = (uint32_t)hw_min(capacity, (size_t)UINT32_MAX);
	return true;
}

struct hw_error *hw_region_open(struct hw_region_builder *builder, struct hw_heap *heap,
	enum hw_region_kind kind, uint32_t arena, uint64_t start)
{
	size_t capacity = heap->region_capacity;
	struct hw_region *region;

	if (!hw_array_reserve(&heap->regions, heap->region_count, &capacity, sizeof(*heap->regions)))
		return hw_error_no_memory();
	heap->region_capacity = (uint32_t)capacity;
	region = &heap->regions[heap->region_count];
	*region = (struct hw_region){
		.start = start,
		.end = start,
		.kind = kind,
		.arena = arena,
		.first = heap->chunks.count,
	};
	*builder = (struct hw_region_builder){
		.heap = heap,
		.region = heap->region_count++,
		.start = start,
		.granule_shift = heap->word_size == 8 ? 4 : 3,
	};
	return NULL;
}

/* Units up to the one with `offset`, each with the ranks so far. */
static bool extend_units(struct hw_region_builder *builder, uint64_t offset)
{
	while (builder->unit_count <= offset >> HW_UNIT_SHIFT) {
		struct hw_region_unit *unit =
			hw_array_next(builder->units, builder->unit_count, builder->unit_capacity);

		if (!unit)
			return false;
		*unit = (struct hw_region_unit){ .word = (uint32_t)builder->word_count,
			.rank = builder->chunks };
		builder->unit_count++;
	}
	return true;
}

bool hw_region_extend(struct hw_region_builder *builder, uint64_t offset)
{
	size_t in_unit = (offset & ((UINT64_C(1) << HW_UNIT_SHIFT) - 1)) >> (builder->granule_shift + 5);
	size_t needed;

	if (!reserve_chunk(&builder->heap->chunks) || !extend_units(builder, offset))
		return false;
	needed = builder->units[builder->unit_count - 1].word + in_unit + 1;
	while (builder->word_count < needed) {
		uint64_t *word = hw_array_next(builder->words, builder->word_count, builder->word_capacity);

		if (!word)
			return false;
		*word = (uint64_t)builder->chunks << 32;
		builder->word_count++;
	}
	return true;
}

struct hw_error *hw_region_close(struct hw_region_builder *builder, uint64_t end)
{
	struct hw_heap *heap = builder->heap;
	struct hw_region *region = &heap->regions[builder->region];

	/* One unit past the end, so that each unit knows where it ends. */
	if (!extend_units(builder, end - builder->start + (UINT64_C(1) << HW_UNIT_SHIFT)) ||
		!reserve_chunk(&heap->chunks)) {
		hw_region_drop(builder);
		return hw_error_no_memory();
	}
	region->end = end;
	region->count = builder->chunks;
	region->granules = builder->words;
	region->units = builder->units;
	heap->chunks.words[heap->chunks.count++] = hw_chunk_word(end, HW_CHUNK_END, HW_CONTENT_NONE);
	builder->words = NULL;
	builder->units = NULL;
	return NULL;
}

void hw_region_drop(struct hw_region_builder *builder)
{
	struct hw_heap *heap = builder->heap;

	heap->chunks.count = heap->regions[builder->region].first;
	heap->region_count = builder->region;
	free(builder->words);
	free(builder->units);
	builder->words = NULL;
	builder->units = NULL;
}

static void tally_region(struct hw_heap *heap, const struct hw_region *region)
{
	struct hw_arena *arena = &heap->arenas[region->arena];
	const uint64_t *words = &heap->chunks.words[region->first];
	uint64_t inside = 0;

	for (uint32_t i = 0; i < region->count; i++) {
		struct hw_tally *tally = &arena->tallies[words[i] & 31];
		uint64_t size = ((words[i + 1] >> 10) - (words[i] >> 10)) << 3;

		tally->chunks++;
		tally->bytes += size;
		inside += size;
	}
	arena->overhead += region->end - region->start - inside;
	arena->region_count++;
}

void hw_heap_count(struct hw_heap *heap)
{
	for (uint32_t i = 0; i < heap->region_count; i++)
		tally_region(heap, &heap->regions[i]);
	for (uint32_t i = 0; i < heap->arena_count; i++) {
		for (int state = 0; state < HW_CHUNK_STATES; state++) {
			heap->tallies[state].chunks += heap->arenas[i].tallies[state].chunks;
			heap->tallies[state].bytes += heap->arenas[i].tallies[state].bytes;
		}
	}
}
