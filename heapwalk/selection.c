/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which chunks are meant, and going through them. */
#include "heapwalk/selection.h"

#define HUGE_PAGE ((uint64_t)2 << 20)

/* DEFAULT_MMAP_THRESHOLD_MIN, 2.17 to 2.44. */
#define MMAP_THRESHOLD ((uint64_t)128 << 10)

/* No request is larger (glibc: PTRDIFF_MAX); keeps the arithmetic on requests from wrapping. */
#define LARGEST_REQUEST ((uint64_t)1 << 62)

void hw_chunk_iterator_init(struct hw_chunk_iterator *iterator, const struct hw_heap *heap,
	const struct hw_selection *selection, bool newest_first)
{
	*iterator = (struct hw_chunk_iterator){
		.heap = heap,
		.selection = selection,
		.newest_first = newest_first,
		.chunk_high = UINT64_MAX,
		.states =
			selection->states ? selection->states : 1u << HW_CHUNK_LIVE | 1u << HW_CHUNK_MMAPPED,
		.by_state_alone = !selection->size_low && !selection->size_high && !selection->contents &&
				  !selection->leaks && !selection->types && !selection->matches,
		.region = newest_first ? (int64_t)heap->region_count : -1,
		.left = 0,
	};
	if (!selection->size_low && !selection->size_high)
		return;
	iterator->chunk_low = hw_heap_request_to_chunk(heap, hw_min(selection->size_low, LARGEST_REQUEST));
	iterator->chunk_high = hw_heap_request_to_chunk(heap, hw_min(selection->size_high, LARGEST_REQUEST));
}

/*
 * The smallest request that malloc maps, as far as can be known afterwards: the threshold (the third word of
 * mp_ in every release) grows while the program runs from DEFAULT_MMAP_THRESHOLD, unless it was set lower.
 */
static uint64_t least_mapped_request(const struct hw_heap *heap, uint32_t index)
{
	const struct hw_arena *arena = &heap->arenas[hw_heap_region_of(heap, index)->arena];
	const struct hw_libc *libc = &heap->libcs[arena->libc];
	uint64_t threshold = MMAP_THRESHOLD;
	uint8_t raw[8];

	if (libc->malloc_par &&
		hw_image_read_some(heap->snapshot->image, libc->malloc_par + 2 * heap->word_size, raw,
			heap->word_size) == heap->word_size)
		threshold = hw_min(threshold, hw_image_word(heap->snapshot->image, raw));
	return threshold - hw_min(threshold, (uint64_t)heap->word_size + heap->alignment - 1);
}

/*
 * malloc() rounds a request that it maps up to whole pages (sysmalloc_mmap in malloc.c), to huge pages where
 * the hugetlb tunable is set.
 */
void hw_mmapped_requests(const struct hw_heap *heap, uint32_t index, uint64_t *low, uint64_t *high)
{
	const struct hw_map *map = hw_snapshot_map_at(heap->snapshot, hw_chunk_address(heap, index));
	uint64_t usable = hw_chunk_usable(heap, index) - heap->padding;
	uint64_t least = least_mapped_request(heap, index);
	uint64_t page = heap->snapshot->page_size;

	if (map && ((map->flags & HW_MAP_HUGETLB) || !strncmp(map->path, "/anon_hugepage", 14)))
		page = hw_max(page, HUGE_PAGE);
	*low = usable > page ? usable - page + 1 : 0;
	/* One that realloc() has made smaller is below the threshold. */
	if (least <= usable)
		*low = hw_max(*low, least);
	*high = usable;
}

static bool size_is_meant(const struct hw_chunk_iterator *iterator, uint32_t index, enum hw_chunk_state state)
{
	const struct hw_selection *selection = iterator->selection;
	uint64_t size = hw_chunk_size(iterator->heap, index), low, high;

	if (state != HW_CHUNK_MMAPPED)
		return size >= iterator->chunk_low && size <= iterator->chunk_high;
	if (iterator->chunk_high == UINT64_MAX)
		return true;
	hw_mmapped_requests(iterator->heap, index, &low, &high);
	return low <= selection->size_high && high >= selection->size_low;
}

static uint32_t leak_bits(const struct hw_graph *graph, uint32_t index)
{
	uint32_t kind = 1u << hw_chunk_leak_kind(graph, index);

	return hw_chunk_is_stale(graph, index) ? kind | HW_LEAK_STALE : kind;
}

static bool is_meant(const struct hw_chunk_iterator *iterator, uint32_t index)
{
	const struct hw_selection *selection = iterator->selection;
	enum hw_chunk_state state = hw_chunk_state(iterator->heap, index);

	if (!(iterator->states >> state & 1))
		return false;
	if (iterator->by_state_alone)
		return true;
	if (!size_is_meant(iterator, index, state))
		return false;
	if (selection->contents && !(selection->contents >> hw_chunk_content(iterator->heap, index) & 1))
		return false;
	if (selection->leaks && !(selection->leaks & leak_bits(selection->graph, index)))
		return false;
	if (selection->types && !selection->types[hw_chunk_type(selection->typing, index)->type])
		return false;
	return !selection->matches || selection->matches(index, selection->argument);
}

bool hw_chunk_iterator_visits(const struct hw_chunk_iterator *iterator, uint32_t index)
{
	const struct hw_selection *selection = iterator->selection;

	if (selection->has_arena && hw_heap_region_of(iterator->heap, index)->arena != selection->arena)
		return false;
	return is_meant(iterator, index);
}

/* Steps to the next region that may have selected chunks; false when there is none. */
static bool enter_next_region(struct hw_chunk_iterator *iterator)
{
	const struct hw_selection *selection = iterator->selection;
	const struct hw_heap *heap = iterator->heap;
	int step = iterator->newest_first ? -1 : 1;

	for (;;) {
		const struct hw_region *region;

		iterator->region += step;
		if (iterator->region < 0 || iterator->region >= heap->region_count)
			return false;
		region = &heap->regions[iterator->region];
		if (!region->count || (selection->has_arena && region->arena != selection->arena))
			continue;
		iterator->left = region->count;
		iterator->next = iterator->newest_first ? region->first + region->count - 1 : region->first;
		return true;
	}
}

bool hw_chunk_iterator_next(struct hw_chunk_iterator *iterator, uint32_t *index, uint32_t *arena)
{
	while (iterator->left || enter_next_region(iterator)) {
		uint32_t here = iterator->next;

		iterator->left--;
		iterator->next += iterator->newest_first ? UINT32_MAX : 1;
		if (!is_meant(iterator, here))
			continue;
		*index = here;
		if (arena)
			*arena = iterator->heap->regions[iterator->region].arena;
		return true;
	}
	/* Asked again after the end it stays there. */
	iterator->region = iterator->newest_first ? -1 : (int64_t)iterator->heap->region_count;
	return false;
}
