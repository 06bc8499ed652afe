/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bins: the doubly linked lists of free chunks, followed in what the walk kept of them. */
#include "heapwalk/glibc/walk.h"

/* A list being followed. */
struct list {
	struct hw_walk *walk;
	const struct hw_layout *layout;
	uint32_t arena;
	unsigned bin;
	uint64_t head; /* address of the pseudo-chunk whose links are the bin */
	bool quiet;    /* what is wrong with it was said already */
};

static enum hw_chunk_state bin_state(unsigned bin)
{
	if (bin == 1)
		return HW_CHUNK_UNSORTED;
	return bin < 64 ? HW_CHUNK_SMALLBIN : HW_CHUNK_LARGEBIN;
}

/* malloc.c, smallbin_index(): i386 counts from one bin further since it aligns to 16. */
static bool is_right_size(const struct list *list, uint64_t size)
{
	unsigned correction = list->layout->alignment > 2 * list->layout->word_size;

	return list->bin == 1 || list->bin >= 64 || size / list->layout->alignment + correction == list->bin;
}

static void note(const struct list *list, uint64_t place, uint64_t previous, const char *what, uint64_t found)
{
	if (!list->quiet)
		hw_walk_note(list->walk, HW_ANOMALY_LIST, list->arena, place, previous, 0, "bin %u %s 0x%llx",
			list->bin, what, (unsigned long long)found);
}

/*
 * The links of the list's member at `at`, which the link at `place` leads to; NULL when it is none. A chunk
 * that is tagged used is read from memory: it is in the middle of being freed or taken.
 */
static const uint64_t *member(
	const struct list *list, uint64_t at, uint64_t place, uint64_t previous, uint32_t *index)
{
	struct hw_heap *heap = list->walk->heap;
	const uint64_t *links;
	uint32_t region;

	if (!hw_heap_find_start(heap, at, &region, index)) {
		if (hw_walk_is_missing(list->walk, at))
			list->walk->lists_broken += !list->quiet;
		else
			note(list, place, previous, "leads to no chunk:", at);
		return NULL;
	}
	if (hw_chunk_state(heap, *index) == HW_CHUNK_SKIPPED)
		return NULL; /* damaged: that has been told */
	if (hw_chunk_state(heap, *index) != HW_CHUNK_UNBINNED) {
		links = hw_links_of(&list->walk->free_links, *index);
		if (links)
			note(list, place, previous, "leads to a chunk that was met before:", at);
		else if (!list->quiet)
			hw_walk_note(list->walk, HW_ANOMALY_STATE, list->arena, at, previous, 0,
				"in bin %u, but tagged as used", list->bin);
		return NULL;
	}
	if (!is_right_size(list, hw_chunk_size(heap, *index)))
		note(list, at + list->layout->word_size, previous, "holds a chunk of size",
			hw_chunk_size(heap, *index));
	return hw_links_of(&list->walk->free_links, *index);
}

/* Follows fd (link 0) or bk (link 1) from the head; true when it came round. */
static bool follow(const struct list *list, unsigned link)
{
	struct hw_walk *walk = list->walk;
	unsigned word = list->layout->word_size;
	uint64_t previous = list->head, at, place = list->head + (2 + link) * word;

	if (!hw_walk_word(walk, place, &at))
		return false;
	while (at != list->head) {
		uint32_t index;
		uint64_t before = previous == list->head ? 0 : previous;
		const uint64_t *links = member(list, at, place, before, &index);

		if (!links)
			return false;
		if (links[1 - link] != previous && hw_walk_is_missing(walk, at + (3 - link) * word)) {
			hw_chunk_set_state(walk->heap, index, bin_state(list->bin));
			walk->lists_broken += !list->quiet;
			return false;
		}
		if (links[1 - link] != previous)
			note(list, at + (3 - link) * word, before,
				link ? "is linked back, but fd is" : "is linked forward, but bk is",
				links[1 - link]);
		hw_chunk_set_state(walk->heap, index, bin_state(list->bin));
		previous = at;
		place = at + (2 + link) * word;
		at = links[link];
	}
	return true;
}

static void note_unbinned(struct hw_walk *walk, const struct hw_region *region)
{
	for (uint32_t i = region->first; i < region->first + region->count; i++) {
		if (hw_chunk_state(walk->heap, i) != HW_CHUNK_UNBINNED)
			continue;
		hw_walk_note(walk, HW_ANOMALY_STATE, region->arena, hw_chunk_address(walk->heap, i),
			i > region->first ? hw_chunk_address(walk->heap, i - 1) : 0, 0,
			"tagged as free, but in no bin");
	}
}

void hw_bins_mark(struct hw_walk *walk)
{
	struct hw_heap *heap = walk->heap;

	for (uint32_t i = 0; i < heap->arena_count; i++) {
		const struct hw_arena *arena = &heap->arenas[i];
		const struct hw_glibc *glibc = &walk->glibcs[arena->libc];
		struct list list = { .walk = walk, .layout = glibc->layout, .arena = i };

		for (list.bin = 1; glibc->initialised && list.bin <= HW_BIN_COUNT; list.bin++) {
			list.head = arena->address + glibc->layout->arena->bins +
				    (list.bin - 1) * 2 * glibc->layout->word_size -
				    2 * glibc->layout->word_size;
			/* What the broken end cannot reach, the other one may. */
			list.quiet = false;
			if (follow(&list, 0))
				continue;
			list.quiet = true;
			follow(&list, 1);
		}
	}
	/* Where lists lead through missing memory, chunks in none are no wonder. */
	if (!walk->free_links.value_count || walk->lists_broken)
		return;
	for (uint32_t i = 0; i < heap->region_count; i++)
		note_unbinned(walk, &heap->regions[i]);
}
