/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where malloc's regions are. One pass over the areas in address order: heaps and the brk region are known
 * beforehand and walked when met; in what lies between, mmapped chunks and extents of a non-contiguous main
 * arena are searched page by page, as long as malloc's own counts say that some are missing.
 */
#include "heapwalk/glibc/walk.h"

/* Steps after which a chain is believed when it is only looked at. */
#define ENOUGH_STEPS 512

struct survey {
	struct hw_walk *walk;
	size_t next_heap;    /* of walk->heaps */
	size_t next_mmapped; /* of walk->mmapped, if all are known */
	uint64_t *extents;   /* by libc: bytes of the main arena found so far */
};

static uint64_t chunk_start(const struct hw_layout *layout, uint64_t address)
{
	return hw_round_up(address + 2 * layout->word_size, layout->alignment) - 2 * layout->word_size;
}

/* ------------------------------------------------------------------------------------------------ heaps */

static struct hw_error *walk_heap(struct survey *survey, const struct hw_arena_heap *heap)
{
	struct hw_walk *walk = survey->walk;
	const struct hw_arena *arena = &walk->heap->arenas[heap->arena];
	const struct hw_layout *layout = walk->glibcs[arena->libc].layout;
	uint64_t start = heap->base + layout->heap_header, end;
	bool has_top;

	if (hw_round_down(arena->address, walk->glibcs[arena->libc].heap_max) == heap->base)
		start = arena->address + layout->arena->size;
	return hw_region_walk(walk, HW_REGION_HEAP, heap->arena, heap->base, chunk_start(layout, start),
		heap->base + heap->size, false, &end, &has_top);
}

/* ------------------------------------------------------------------------------------------- brk region */

/* After a fence: the lowest address at which the main arena goes on behind memory that somebody else got by
 * sbrk(). 0: nowhere. */
static uint64_t find_resume(struct survey *survey, uint32_t arena, uint64_t from, uint64_t limit)
{
	struct hw_walk *walk = survey->walk;
	const struct hw_arena *owner = &walk->heap->arenas[arena];
	struct hw_chain chain = {
		.walk = walk,
		.glibc = &walk->glibcs[owner->libc],
		.layout = walk->glibcs[owner->libc].layout,
		.arena = arena,
		.is_main = true,
		.limit = limit,
		.top = owner->top,
	};

	return from < limit ? hw_chain_resync(&chain, from) : 0;
}

static struct hw_error *walk_brk(
	struct survey *survey, const struct hw_glibc *glibc, uint64_t limit, uint64_t *end)
{
	struct hw_walk *walk = survey->walk;
	uint64_t start = chunk_start(glibc->layout, glibc->sbrk_base);
	struct hw_error *error = NULL;
	bool has_top = false;

	*end = start;
	while (start && !has_top && !error) {
		error = hw_region_walk(
			walk, HW_REGION_BRK, glibc->main_index, start, start, limit, false, end, &has_top);
		if (error)
			break;
		survey->extents[glibc->index] += *end - start;
		start = has_top ? 0 : find_resume(survey, glibc->main_index, *end, limit);
	}
	return error;
}

/* ------------------------------------------------------------------------------------------ in between */

static bool wants_extents(const struct survey *survey, const struct hw_glibc *glibc)
{
	const struct hw_arena *arena = &survey->walk->heap->arenas[glibc->main_index];

	return glibc->initialised && (arena->non_contiguous || !glibc->sbrk_base) &&
	       survey->extents[glibc->index] < arena->system_mem;
}

static bool is_anything_missing(const struct survey *survey)
{
	for (uint32_t i = 0; i < survey->walk->heap->libc_count; i++) {
		const struct hw_glibc *glibc = &survey->walk->glibcs[i];

		if (glibc->mmaps_met < glibc->n_mmaps || wants_extents(survey, glibc))
			return true;
	}
	return false;
}

static struct hw_error *add_mmapped(
	struct survey *survey, struct hw_glibc *glibc, const struct hw_mmapped *mmapped, uint64_t *end)
{
	glibc->mmaps_met++;
	glibc->mmapped_met += mmapped->end - mmapped->base;
	*end = mmapped->end;
	return hw_mmapped_add(survey->walk, mmapped);
}

/* Is there an mmapped chunk of any libc whose mapping starts here? *end is behind it, 0: none. */
static struct hw_error *try_mmapped(struct survey *survey, uint64_t base, uint64_t limit, uint64_t *end)
{
	struct hw_walk *walk = survey->walk;
	struct hw_mmapped mmapped;

	if (walk->mmapped_known) {
		const struct hw_mmapped *known = &walk->mmapped[survey->next_mmapped];

		if (survey->next_mmapped == walk->mmapped_count || known->base != base || known->end > limit)
			return NULL;
		survey->next_mmapped++;
		return add_mmapped(survey, &walk->glibcs[walk->heap->arenas[known->arena].libc], known, end);
	}
	for (uint32_t i = 0; i < walk->heap->libc_count; i++) {
		struct hw_glibc *glibc = &walk->glibcs[i];

		if (glibc->mmaps_met < glibc->n_mmaps &&
			hw_mmapped_at(walk, glibc, base, limit, true, &mmapped))
			return add_mmapped(survey, glibc, &mmapped, end);
	}
	return NULL;
}

static struct hw_error *try_extent(struct survey *survey, uint64_t base, uint64_t limit, uint64_t *end)
{
	struct hw_walk *walk = survey->walk;
	struct hw_error *error = NULL;

	for (uint32_t i = 0; i < walk->heap->libc_count && !*end && !error; i++) {
		const struct hw_glibc *glibc = &walk->glibcs[i];
		uint64_t start = chunk_start(glibc->layout, base), word;
		struct hw_chain chain = {
			.walk = walk,
			.glibc = glibc,
			.layout = glibc->layout,
			.arena = glibc->main_index,
			.is_main = true,
			.limit = limit,
			.top = walk->heap->arenas[glibc->main_index].top,
		};
		const uint8_t *bytes;
		bool has_top;

		if (!wants_extents(survey, glibc))
			continue;
		bytes = hw_window_view(&walk->probe, start, 2 * glibc->layout->word_size, NULL);
		word = bytes ? hw_image_word(walk->image, bytes + glibc->layout->word_size) : 0;
		if ((word & HW_SIZE_BITS) != HW_PREV_INUSE || word < hw_layout_minimum(glibc->layout) ||
			!hw_chain_reaches(&chain, start, ENOUGH_STEPS, false))
			continue;
		error = hw_region_walk(
			walk, HW_REGION_EXTENT, glibc->main_index, base, start, limit, true, end, &has_top);
		if (!error && *end)
			survey->extents[i] += *end - base;
	}
	return error;
}

/* If only known mmapped chunks are left to be met: the base of the next one at or behind `at`, else `at`. */
static uint64_t skip_to_known(struct survey *survey, uint64_t at)
{
	const struct hw_walk *walk = survey->walk;

	if (!walk->mmapped_known)
		return at;
	while (survey->next_mmapped < walk->mmapped_count && walk->mmapped[survey->next_mmapped].base < at)
		survey->next_mmapped++;
	for (uint32_t i = 0; i < walk->heap->libc_count; i++) {
		if (wants_extents(survey, &walk->glibcs[i]))
			return at;
	}
	return survey->next_mmapped < walk->mmapped_count ? walk->mmapped[survey->next_mmapped].base
							  : UINT64_MAX;
}

/* The first page at or behind `at` that may have something: a core may claim more than anyone could go
 * through. */
static uint64_t skip_to_stored(const struct hw_walk *walk, uint64_t at, uint64_t limit)
{
	const struct hw_segment *segment = hw_image_segment_at(walk->image, at);

	if (at >= limit ||
		(segment && (segment->fill == HW_FILL_ZERO || at - segment->start < segment->file_size)))
		return at;
	return hw_round_up(hw_image_next(walk->image, at, limit), walk->snapshot->page_size);
}

static struct hw_error *search_gap(struct survey *survey, uint64_t start, uint64_t limit)
{
	uint64_t page = survey->walk->snapshot->page_size;
	struct hw_error *error = NULL;
	uint64_t at = hw_round_up(start, page);

	while (!error && is_anything_missing(survey)) {
		uint64_t end = 0;

		at = skip_to_stored(survey->walk, skip_to_known(survey, at), limit);
		if (at >= limit)
			break;
		error = try_mmapped(survey, at, limit, &end);
		if (!error && !end)
			error = try_extent(survey, at, limit, &end);
		at = end > at ? hw_round_up(end, page) : at + page;
	}
	return error;
}

/* -------------------------------------------------------------------------------------------- the pass */

/* The libc whose brk region starts in [from, to), the lowest one; NULL: none. */
static const struct hw_glibc *next_brk(const struct hw_walk *walk, uint64_t from, uint64_t to)
{
	const struct hw_glibc *best = NULL;

	for (uint32_t i = 0; i < walk->heap->libc_count; i++) {
		const struct hw_glibc *glibc = &walk->glibcs[i];

		if (glibc->initialised && glibc->sbrk_base >= from && glibc->sbrk_base < to &&
			walk->heap->arenas[glibc->main_index].system_mem &&
			(!best || glibc->sbrk_base < best->sbrk_base))
			best = glibc;
	}
	return best;
}

static struct hw_error *survey_area(struct survey *survey, const struct hw_area *area)
{
	struct hw_walk *walk = survey->walk;
	struct hw_error *error = NULL;
	uint64_t at = area->start;

	while (at < area->end && !error) {
		const struct hw_arena_heap *heap = NULL;
		const struct hw_glibc *brk;
		uint64_t stop = area->end;

		while (survey->next_heap < walk->heap_count && walk->heaps[survey->next_heap].base < at)
			survey->next_heap++;
		if (survey->next_heap < walk->heap_count && walk->heaps[survey->next_heap].base < stop)
			heap = &walk->heaps[survey->next_heap];
		stop = heap ? heap->base : stop;
		brk = next_brk(walk, at, stop);
		stop = brk ? brk->sbrk_base : stop;
		error = search_gap(survey, at, stop);
		at = stop;
		if (error)
			break;
		if (brk) {
			error = walk_brk(survey, brk, heap ? heap->base : area->end, &at);
		} else if (heap) {
			error = walk_heap(survey, heap);
			at = heap->base + heap->size;
			survey->next_heap++;
		}
	}
	return error;
}

struct hw_error *hw_survey(struct hw_walk *walk)
{
	hw_autofree uint64_t *extents = calloc((size_t)walk->heap->libc_count + 1, sizeof(*extents));
	struct survey survey = { .walk = walk, .extents = extents };
	struct hw_error *error = extents ? hw_mmapped_search(walk) : hw_error_no_memory();

	for (size_t i = 0; i < walk->area_count && !error; i++)
		error = survey_area(&survey, &walk->areas[i]);
	return error;
}

/* ------------------------------------------------------------------------------------------ check sums */

/* What was found of an arena. */
struct sum {
	uint64_t bytes;
	uint64_t gaps; /* between brk regions: got by the program itself, counted as malloc's all the same */
	uint64_t brk_end; /* of the last brk region */
};

static void add_to_sum(const struct hw_walk *walk, struct sum *sum, const struct hw_region *region)
{
	const struct hw_arena *arena = &walk->heap->arenas[region->arena];

	sum->bytes += region->end - region->start;
	if (region->kind != HW_REGION_BRK)
		return;
	/* What the first chunk's alignment cost is counted too. */
	if (!sum->brk_end)
		sum->bytes += region->start - walk->glibcs[arena->libc].sbrk_base;
	else
		sum->gaps += region->start - sum->brk_end;
	sum->brk_end = region->end;
}

static bool is_whole(const struct hw_image *image, const struct hw_area *area)
{
	uint64_t at = area->start;

	while (at < area->end) {
		const struct hw_segment *segment = hw_image_segment_at(image, at);

		if (!segment || (segment->fill == HW_FILL_MISSING &&
					segment->file_size < segment->end - segment->start))
			return false;
		at = segment->end;
	}
	return true;
}

/* Where parts of the image are missing, heaps that were not found are no sign of damage. */
static bool is_incomplete(const struct hw_walk *walk)
{
	for (size_t i = 0; i < walk->area_count; i++) {
		if (!is_whole(walk->image, &walk->areas[i]))
			return true;
	}
	return false;
}

static void note_sum(struct hw_walk *walk, uint32_t index, uint64_t found)
{
	const struct hw_arena *arena = &walk->heap->arenas[index];
	const struct hw_layout *layout = walk->glibcs[arena->libc].layout;
	bool missing = arena->system_mem > found && is_incomplete(walk);

	if (missing)
		walk->heap->missing += arena->system_mem - found;
	hw_walk_note(walk, missing ? HW_ANOMALY_UNREADABLE : HW_ANOMALY_ARENA, index,
		arena->address + layout->arena->system_mem, 0, 0,
		"system_mem says 0x%llx bytes, 0x%llx were found", (unsigned long long)arena->system_mem,
		(unsigned long long)found);
}

static void check_arena(struct hw_walk *walk, uint32_t index, const struct sum *sum)
{
	const struct hw_arena *arena = &walk->heap->arenas[index];
	const struct hw_glibc *glibc = &walk->glibcs[arena->libc];
	uint32_t region;

	if (!glibc->initialised || !arena->system_mem)
		return;
	if (!hw_heap_find_region(walk->heap, arena->top, &region) && !hw_walk_is_missing(walk, arena->top))
		hw_walk_note(walk, HW_ANOMALY_TOP, index, arena->address + glibc->layout->arena->top, 0, 0,
			"top is 0x%llx, which lies in no region of the arena",
			(unsigned long long)arena->top);
	if (arena->system_mem < sum->bytes || arena->system_mem > sum->bytes + sum->gaps)
		note_sum(walk, index, sum->bytes);
}

static void note_mmapped(struct hw_walk *walk, const struct hw_glibc *glibc)
{
	if (glibc->mmaps_met < glibc->n_mmaps && glibc->mmapped_mem > glibc->mmapped_met &&
		is_incomplete(walk))
		walk->heap->missing += glibc->mmapped_mem - glibc->mmapped_met;
	hw_walk_note(walk, HW_ANOMALY_MMAPPED, glibc->main_index, glibc->par, 0, 0,
		"malloc counts %llu mmapped chunks, %llu were found", (unsigned long long)glibc->n_mmaps,
		(unsigned long long)glibc->mmaps_met);
}

static void check_mmapped(struct hw_walk *walk, const struct hw_glibc *glibc)
{
	if (glibc->initialised && !glibc->par)
		hw_walk_note(walk, HW_ANOMALY_MMAPPED, glibc->main_index, glibc->main_arena, 0, 0,
			"mp_ was not found: whether all mmapped chunks are, cannot be said");
	else if (glibc->par && glibc->mmaps_met != glibc->n_mmaps)
		note_mmapped(walk, glibc);
	else if (glibc->par && !hw_mmapped_mem_fits(glibc))
		hw_walk_note(walk, HW_ANOMALY_MMAPPED, glibc->main_index, glibc->par, 0, 0,
			"malloc counts 0x%llx mmapped bytes, 0x%llx were found",
			(unsigned long long)glibc->mmapped_mem, (unsigned long long)glibc->mmapped_met);
}

void hw_survey_check(struct hw_walk *walk)
{
	struct hw_heap *heap = walk->heap;
	hw_autofree struct sum *sums = calloc((size_t)heap->arena_count + 1, sizeof(*sums));

	for (uint32_t i = 0; sums && i < heap->region_count; i++) {
		if (heap->regions[i].kind != HW_REGION_MMAPPED)
			add_to_sum(walk, &sums[heap->regions[i].arena], &heap->regions[i]);
	}
	for (uint32_t i = 0; sums && i < heap->arena_count; i++)
		check_arena(walk, i, &sums[i]);
	for (uint32_t i = 0; i < heap->libc_count; i++)
		check_mmapped(walk, &walk->glibcs[i]);
}
