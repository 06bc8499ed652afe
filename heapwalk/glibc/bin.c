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
static uint64_t small_size(const struct list *list)
{
	unsigned correction = list->layout->alignment > 2 * list->layout->word_size;

	return (uint64_t)(list->bin - correction) * list->layout->alignment;
}

static bool is_right_size(const struct list *list, uint64_t size)
{
	return list->bin == 1 || list->bin >= 64 ||
	       hw_round_down(size, (uint64_t)list->layout->alignment) == small_size(list);
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

/* ---------------------------------------------------------------------------------- lists without a fault */

/* The rank of the first member; HW_NO_RANK: it cannot be read, or is at fault already. */
static uint32_t first_member(const struct list *list, uint64_t at)
{
	const struct hw_links *links = &list->walk->free_links;
	uint32_t region, index, rank;

	if (!hw_heap_find_start(list->walk->heap, at, &region, &index))
		return HW_NO_RANK;
	rank = hw_links_rank(links, index);
	return rank == HW_NO_RANK || links->values[2 * (size_t)rank + 1] != list->head ? HW_NO_RANK : rank;
}

/* Gives the list's members the bin, 0 to take it away again; the last one, or HW_NO_RANK. */
static uint32_t mark(const struct list *list, struct hw_successors *successors, uint32_t first, unsigned bin)
{
	uint64_t smallest = 0, largest = UINT16_MAX;

	if (list->bin != 1 && list->bin < 64)
		smallest = largest = small_size(list) / 8;
	return hw_successors_mark(successors, first, (uint8_t)bin, smallest, largest);
}

/*
 * Does the list come round to its head, each member leading back to the one before and being of the right
 * size? Then all have the bin. If not, nothing is changed: it is to be followed link by link. No two members
 * have the same one after them, so that no list enters another one, or itself but at its head.
 */
static bool is_sound(const struct list *list, struct hw_successors *successors)
{
	const struct hw_links *links = &list->walk->free_links;
	uint32_t first, last;
	uint64_t at;

	if (!hw_walk_word(list->walk, list->head + 2 * list->layout->word_size, &at))
		return false;
	if (at == list->head)
		return true;
	first = first_member(list, at);
	if (first == HW_NO_RANK)
		return false;
	last = mark(list, successors, first, list->bin);
	if (last != HW_NO_RANK && links->values[2 * (size_t)last] == list->head)
		return true;
	mark(list, successors, first, 0);
	return false;
}

/* Brings what was found in sound lists into the table, once. */
static void hand_over(struct hw_walk *walk, struct hw_successors *successors)
{
	struct hw_links_cursor cursor;

	hw_links_cursor_init(&cursor, &walk->free_links);
	for (uint32_t i = 0; i < successors->count; i++) {
		uint32_t chunk = hw_links_cursor_next(&cursor);
		unsigned bin = hw_successors_bin(successors, i);

		if (bin)
			hw_chunk_set_state(walk->heap, chunk, bin_state(bin));
	}
	hw_successors_deinit(successors);
}

/* What the broken end cannot reach, the other one may. */
static void mark_link_by_link(struct list *list)
{
	list->quiet = false;
	if (follow(list, 0))
		return;
	list->quiet = true;
	follow(list, 1);
}

/* From the first list that is not sound on, all are followed link by link: it may lead into them. */
static void mark_arena(
	struct hw_walk *walk, uint32_t arena, struct hw_successors *successors, bool *all_sound)
{
	uint64_t address = walk->heap->arenas[arena].address;
	const struct hw_layout *layout = walk->glibcs[walk->heap->arenas[arena].libc].layout;
	struct list list = { .walk = walk, .layout = layout, .arena = arena };

	for (list.bin = 1; list.bin <= HW_BIN_COUNT; list.bin++) {
		list.head = address + layout->arena->bins + (list.bin - 1) * 2 * layout->word_size -
			    2 * layout->word_size;
		if (*all_sound && is_sound(&list, successors))
			continue;
		if (*all_sound)
			hand_over(walk, successors);
		*all_sound = false;
		mark_link_by_link(&list);
	}
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
	struct hw_successors successors;
	bool all_sound = hw_successors_init(walk, &successors);

	for (uint32_t i = 0; i < heap->arena_count; i++) {
		if (walk->glibcs[heap->arenas[i].libc].initialised)
			mark_arena(walk, i, &successors, &all_sound);
	}
	hand_over(walk, &successors);
	/* Where lists lead through missing memory, chunks in none are no wonder. */
	if (!walk->free_links.value_count || walk->lists_broken)
		return;
	for (uint32_t i = 0; i < heap->region_count; i++)
		note_unbinned(walk, &heap->regions[i]);
}
