/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fastbins (2.17 to 2.42): single linked lists of freed chunks that stay tagged as used. */
#include "heapwalk/glibc/walk.h"

static bool read_head(const struct hw_walk *walk, const struct hw_layout *layout,
	const struct hw_arena *arena, unsigned bin, uint64_t *head)
{
	return hw_walk_word(walk, arena->address + layout->arena->fastbins + bin * layout->word_size, head);
}

static bool is_link(const struct hw_walk *walk, const struct hw_layout *layout, uint64_t value)
{
	return !value || (!(value & (2 * layout->word_size - 1)) && hw_area_at(walk, value));
}

/* Does the first chunk of a list tell whether links are stored plainly? Then the rows that say otherwise go.
 */
static void prove_linking(struct hw_walk *walk, struct hw_glibc *glibc, uint64_t chunk)
{
	uint64_t place = chunk + 2 * glibc->layout->word_size, stored, rows = 0;
	bool plain, safe;

	if (!hw_walk_word(walk, place, &stored))
		return;
	plain = is_link(walk, glibc->layout, stored);
	safe = is_link(walk, glibc->layout, stored ^ place >> 12);
	for (size_t i = 0; plain != safe && i < hw_layout_count; i++) {
		if (hw_layouts[i].safe_linking == safe)
			rows |= UINT64_C(1) << i;
	}
	hw_glibc_narrow(glibc, rows);
}

void hw_fastbins_look(struct hw_walk *walk, struct hw_glibc *glibc)
{
	const struct hw_layout *layout = glibc->layout;
	uint64_t head;

	for (uint32_t i = 0; layout->arena->fastbins && i < walk->heap->arena_count; i++) {
		const struct hw_arena *arena = &walk->heap->arenas[i];

		if (arena->libc != glibc->index)
			continue;
		for (unsigned bin = 0; bin < layout->arena->fastbin_count; bin++) {
			if (!read_head(walk, layout, arena, bin, &head) || !head)
				continue;
			glibc->has_fastbins = true;
			prove_linking(walk, glibc, head);
		}
	}
}

/* The chunk that follows in the list; kept by the walk, else read. */
static bool next_of(const struct hw_walk *walk, const struct hw_layout *layout, uint64_t chunk,
	uint32_t index, uint64_t *next)
{
	const uint64_t *kept = hw_links_of(&walk->fast_links, index);
	uint64_t place = chunk + 2 * layout->word_size;

	if (kept) {
		*next = *kept;
		return true;
	}
	if (!hw_walk_word(walk, place, next))
		return false;
	*next = hw_link_decode(layout, place, *next);
	return true;
}

static void note(struct hw_walk *walk, uint32_t arena, uint64_t place, uint64_t previous, unsigned bin,
	const char *what, uint64_t found)
{
	hw_walk_note(walk, HW_ANOMALY_LIST, arena, place, previous, 0, "fastbin %u %s 0x%llx", bin, what,
		(unsigned long long)found);
}

static void follow(
	struct hw_walk *walk, const struct hw_layout *layout, uint32_t arena, unsigned bin, uint64_t at)
{
	struct hw_heap *heap = walk->heap;
	uint64_t place = heap->arenas[arena].address + layout->arena->fastbins + bin * layout->word_size;
	/* malloc.c, fastbin_index(): by 16 bytes on LP64, by 8 elsewhere, whatever the alignment. */
	unsigned shift = layout->word_size == 8 ? 4 : 3;
	uint64_t previous = 0;
	uint32_t region, index;

	while (at) {
		if (!hw_heap_find_start(heap, at, &region, &index) ||
			hw_chunk_state(heap, index) == HW_CHUNK_SKIPPED) {
			if (hw_walk_is_missing(walk, at))
				walk->lists_broken++;
			else
				note(walk, arena, place, previous, bin, "leads to no chunk:", at);
			return;
		}
		if (hw_chunk_state(heap, index) != HW_CHUNK_LIVE) {
			note(walk, arena, place, previous, bin,
				hw_chunk_state(heap, index) == HW_CHUNK_FASTBIN
					? "leads to a chunk that was met before:"
					: "leads to a chunk that is not in use:",
				at);
			return;
		}
		if ((hw_chunk_size(heap, index) >> shift) - 2 != bin)
			note(walk, arena, at + layout->word_size, previous, bin, "holds a chunk of size",
				hw_chunk_size(heap, index));
		hw_chunk_set_state(heap, index, HW_CHUNK_FASTBIN);
		previous = at;
		place = at + 2 * layout->word_size;
		if (!next_of(walk, layout, at, index, &at))
			return;
	}
}

void hw_fastbins_mark(struct hw_walk *walk)
{
	for (uint32_t i = 0; i < walk->heap->arena_count; i++) {
		const struct hw_arena *arena = &walk->heap->arenas[i];
		const struct hw_glibc *glibc = &walk->glibcs[arena->libc];
		uint64_t head;

		for (unsigned bin = 0; glibc->has_fastbins && bin < glibc->layout->arena->fastbin_count;
			bin++) {
			if (read_head(walk, glibc->layout, arena, bin, &head))
				follow(walk, glibc->layout, i, bin, head);
		}
	}
}
