/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Arenas and their heaps. Arenas make a ring through `next` and are never freed; the heaps of an arena are
 * chained backwards from the one that holds top. During heap_trim() top may point into a heap that was just
 * unmapped, so aligned addresses are searched as well.
 */
#include "heapwalk/glibc/walk.h"

/* glibc itself allows 8 arenas a core; a ring longer than that is damaged. */
#define RING_LIMIT 16384

enum hw_ring hw_arena_ring(
	const struct hw_walk *walk, const struct hw_arena_layout *layout, uint64_t main_arena)
{
	uint64_t at = main_arena;

	for (unsigned i = 0; i < RING_LIMIT; i++) {
		if (!hw_walk_word(walk, at + layout->next, &at))
			return i && hw_walk_is_missing(walk, at) ? HW_RING_CUT : HW_RING_OPEN;
		if (!at)
			return HW_RING_OPEN;
		if (at == main_arena)
			return HW_RING_CLOSED;
	}
	return HW_RING_OPEN;
}

/* Fills the public arena from the target's struct. False when it cannot be read. */
static bool read_arena(const struct hw_walk *walk, const struct hw_layout *row, struct hw_arena *arena)
{
	const struct hw_arena_layout *layout = row->arena;
	uint32_t lock, flags;

	if (!hw_walk_int(walk, arena->address, &lock) || !hw_walk_int(walk, arena->address + 4, &flags) ||
		!hw_walk_word(walk, arena->address + layout->top, &arena->top) ||
		!hw_walk_word(walk, arena->address + layout->system_mem, &arena->system_mem) ||
		!hw_walk_word(walk, arena->address + layout->max_system_mem, &arena->max_system_mem))
		return false;
	if (layout->attached_threads &&
		!hw_walk_word(walk, arena->address + layout->attached_threads, &arena->attached_threads))
		return false;
	arena->busy = lock != 0;
	arena->non_contiguous = flags & 2; /* NONCONTIGUOUS_BIT */
	return true;
}

static struct hw_error *add_arena(
	struct hw_walk *walk, const struct hw_glibc *glibc, uint64_t address, bool is_main)
{
	struct hw_heap *heap = walk->heap;
	struct hw_arena *arena = hw_array_next(heap->arenas, heap->arena_count, heap->arena_capacity);

	if (!arena)
		return hw_error_no_memory();
	*arena = (struct hw_arena){ .address = address, .libc = glibc->index, .is_main = is_main };
	heap->arena_count++;
	if (!read_arena(walk, glibc->layout, arena))
		hw_walk_note(walk, HW_ANOMALY_UNREADABLE, heap->arena_count - 1, address, 0, 0,
			"the arena's own words cannot be read");
	return NULL;
}

static bool is_known(const struct hw_walk *walk, uint64_t address, uint32_t *index)
{
	for (uint32_t i = 0; i < walk->heap->arena_count; i++) {
		if (walk->heap->arenas[i].address == address) {
			*index = i;
			return true;
		}
	}
	return false;
}

/* A thread's arena lies in its first heap behind the header, and the header points to it. */
static bool is_thread_arena(const struct hw_walk *walk, const struct hw_glibc *glibc, uint64_t address)
{
	uint64_t base = hw_round_down(address, glibc->heap_max), owner;

	return hw_walk_word(walk, base, &owner) && owner == address &&
	       address - base >= 4 * walk->image->word_size && address - base <= 0x40;
}

/* The size of heap_info tells 2.35 and newer from older ones. */
static void narrow_by_header(struct hw_walk *walk, struct hw_glibc *glibc, uint64_t address)
{
	uint64_t rows = 0, offset = address - hw_round_down(address, glibc->heap_max);

	for (size_t i = 0; i < hw_layout_count; i++) {
		if (hw_layouts[i].heap_header == offset)
			rows |= UINT64_C(1) << i;
	}
	if (!hw_glibc_narrow(glibc, rows))
		hw_walk_note(walk, HW_ANOMALY_ARENA, UINT32_MAX, address, 0, 0,
			"a thread's arena lies at 0x%llx of its heap, expected 0x%x",
			(unsigned long long)offset, glibc->layout->heap_header);
}

/* The ring ends at the link in the arena at `last`. */
static void note_ring(struct hw_walk *walk, struct hw_glibc *glibc, uint64_t last, uint64_t next)
{
	bool missing = hw_walk_is_missing(walk, next);

	glibc->ring_damaged = true;
	hw_walk_note(walk, missing ? HW_ANOMALY_UNREADABLE : HW_ANOMALY_ARENA, UINT32_MAX,
		last + glibc->layout->arena->next, 0, 0, "the ring of arenas leads to 0x%llx, which %s",
		(unsigned long long)next, missing ? "cannot be read" : "is no new arena");
}

static struct hw_error *follow_ring(struct hw_walk *walk, struct hw_glibc *glibc)
{
	uint64_t previous = glibc->main_arena, at = 0;
	struct hw_error *error = NULL;
	uint32_t seen;

	for (unsigned i = 0; i < RING_LIMIT && !error; i++) {
		hw_walk_word(walk, previous + glibc->layout->arena->next, &at);
		if (at == glibc->main_arena)
			return NULL;
		if (!is_thread_arena(walk, glibc, at) || is_known(walk, at, &seen)) {
			note_ring(walk, glibc, previous, at);
			return NULL;
		}
		narrow_by_header(walk, glibc, at);
		error = add_arena(walk, glibc, at, false);
		previous = at;
	}
	return error;
}

struct hw_error *hw_arenas_find(struct hw_walk *walk)
{
	for (uint32_t i = 0; i < walk->heap->libc_count; i++) {
		struct hw_glibc *glibc = &walk->glibcs[i];
		struct hw_error *error;

		glibc->main_index = walk->heap->arena_count;
		error = add_arena(walk, glibc, glibc->main_arena, true);
		if (!error && glibc->initialised)
			error = follow_ring(walk, glibc);
		if (error)
			return error;
	}
	return NULL;
}

/* ---------------------------------------------------------------------------------------------- heaps */

static bool has_heap(const struct hw_walk *walk, uint64_t base)
{
	for (size_t i = 0; i < walk->heap_count; i++) {
		if (walk->heaps[i].base == base)
			return true;
	}
	return false;
}

static struct hw_error *add_heap(struct hw_walk *walk, uint32_t arena, uint64_t base, uint64_t size)
{
	const struct hw_glibc *glibc = &walk->glibcs[walk->heap->arenas[arena].libc];
	struct hw_arena_heap *heap;

	if (!size || size > glibc->heap_max || size % walk->snapshot->page_size) {
		hw_walk_note(walk, HW_ANOMALY_ARENA, arena, base + 2 * walk->image->word_size, 0, 0,
			"a heap of 0x%llx bytes, expected whole pages up to 0x%llx", (unsigned long long)size,
			(unsigned long long)glibc->heap_max);
		return NULL;
	}
	heap = hw_array_next(walk->heaps, walk->heap_count, walk->heap_capacity);
	if (!heap)
		return hw_error_no_memory();
	*heap = (struct hw_arena_heap){ .base = base, .size = size, .arena = arena };
	walk->heap_count++;
	return NULL;
}

/* The chain of an arena's heaps breaks off at `base`. */
static void note_heaps(struct hw_walk *walk, uint32_t arena, uint64_t base)
{
	bool missing = hw_walk_is_missing(walk, base);

	hw_walk_note(walk, missing ? HW_ANOMALY_UNREADABLE : HW_ANOMALY_ARENA, arena, base, 0, 0,
		"the chain of the arena's heaps leads to 0x%llx, which %s", (unsigned long long)base,
		missing ? "cannot be read" : "is no heap of it");
}

/* The chain of heaps from the one that holds top back to the first. */
static struct hw_error *follow_heaps(struct hw_walk *walk, uint32_t index)
{
	const struct hw_arena *arena = &walk->heap->arenas[index];
	const struct hw_glibc *glibc = &walk->glibcs[arena->libc];
	unsigned word = walk->image->word_size;
	uint64_t base = hw_round_down(arena->top, glibc->heap_max);
	struct hw_error *error = NULL;

	while (base && !error) {
		uint64_t owner, previous, size;

		if (!hw_walk_word(walk, base, &owner) || !hw_walk_word(walk, base + word, &previous) ||
			!hw_walk_word(walk, base + 2 * word, &size) || owner != arena->address ||
			previous % glibc->heap_max || has_heap(walk, base)) {
			note_heaps(walk, index, base);
			return NULL;
		}
		error = add_heap(walk, index, base, size);
		base = previous;
	}
	return error;
}

/* Is there an arena in the heap at `base`? The damaged ring may have left open which layout it is: tells it
 * then. */
static bool is_first_heap(struct hw_walk *walk, struct hw_glibc *glibc, uint64_t base, uint64_t owner)
{
	uint64_t rows = 0;

	for (size_t i = 0; i < hw_layout_count; i++) {
		const struct hw_layout *row = &hw_layouts[i];

		if (glibc->rows >> i & 1 && owner == base + row->heap_header &&
			hw_bins_look_right(walk, owner + row->arena->bins))
			rows |= UINT64_C(1) << i;
	}
	return hw_glibc_narrow(glibc, rows);
}

/* The arena that the heap at `base` says it belongs to; one that a damaged ring does not lead to is added. */
static struct hw_error *find_owner(
	struct hw_walk *walk, struct hw_glibc *glibc, uint64_t base, uint32_t *index, bool *found)
{
	struct hw_heap *heap = walk->heap;
	struct hw_error *error;
	uint64_t owner;

	*found = false;
	if (!hw_walk_word(walk, base, &owner))
		return NULL;
	if (is_known(walk, owner, index)) {
		*found = !heap->arenas[*index].is_main && heap->arenas[*index].libc == glibc->index;
		return NULL;
	}
	if (!glibc->ring_damaged || !is_first_heap(walk, glibc, base, owner))
		return NULL;
	error = add_arena(walk, glibc, owner, false);
	*index = heap->arena_count - 1;
	*found = !error;
	return error;
}

/* Heaps that no chain leads to: at aligned addresses, known by their first word. */
static struct hw_error *search_area(struct hw_walk *walk, struct hw_glibc *glibc, const struct hw_area *area)
{
	uint64_t base = hw_round_up(area->start, glibc->heap_max), size;
	struct hw_error *error = NULL;
	uint32_t index;
	bool found;

	/* Past the end of all addresses it would begin anew. */
	for (; base >= area->start && base < area->end && !error; base += glibc->heap_max) {
		if (has_heap(walk, base))
			continue;
		if (!hw_walk_word(walk, base, &size)) {
			uint64_t next = hw_image_next(walk->image, base, area->end);

			base = hw_round_down(next - 1, glibc->heap_max);
			continue;
		}
		error = find_owner(walk, glibc, base, &index, &found);
		if (!error && found && hw_walk_word(walk, base + 2 * walk->image->word_size, &size))
			error = add_heap(walk, index, base, size);
	}
	return error;
}

static int compare_heaps(const void *a, const void *b)
{
	const struct hw_arena_heap *first = a, *second = b;

	return (first->base > second->base) - (first->base < second->base);
}

/* The layout may have become known only now: then the main arena starts elsewhere. */
static void correct_main_arena(struct hw_walk *walk, const struct hw_glibc *glibc)
{
	struct hw_arena *arena = &walk->heap->arenas[glibc->main_index];

	if (arena->address == glibc->main_arena)
		return;
	arena->address = glibc->main_arena;
	read_arena(walk, glibc->layout, arena);
}

struct hw_error *hw_arena_heaps_find(struct hw_walk *walk)
{
	struct hw_error *error = NULL;

	for (uint32_t i = 0; i < walk->heap->arena_count && !error; i++) {
		if (!walk->heap->arenas[i].is_main)
			error = follow_heaps(walk, i);
	}
	for (uint32_t i = 0; i < walk->heap->libc_count; i++) {
		for (size_t j = 0; j < walk->area_count && !error && walk->glibcs[i].initialised; j++)
			error = search_area(walk, &walk->glibcs[i], &walk->areas[j]);
		correct_main_arena(walk, &walk->glibcs[i]);
	}
	if (walk->heap_count)
		qsort(walk->heaps, walk->heap_count, sizeof(*walk->heaps), compare_heaps);
	return error;
}
