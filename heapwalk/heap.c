/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The heap object: walked, asked about sizes, let go. */
#include <stdarg.h>

#include "heapwalk/glibc/walk.h"

/* Header probes for resynchronising and searching in one walk: some seconds at most on hostile input. */
#define PROBE_LIMIT (UINT64_C(4) << 20)

/* Small reads: two pages at a time. */
#define PROBE_WINDOW 8192

void hw_walk_note(struct hw_walk *walk, enum hw_anomaly_kind kind, uint32_t arena, uint64_t address,
	uint64_t previous, uint64_t skipped, const char *format, ...)
{
	struct hw_heap *heap = walk->heap;
	struct hw_anomaly *anomaly;
	va_list arguments;

	heap->anomaly_total++;
	if (heap->anomaly_count >= HW_ANOMALY_LIMIT)
		return;
	anomaly = hw_array_next(heap->anomalies, heap->anomaly_count, heap->anomaly_capacity);
	if (!anomaly)
		return;
	*anomaly = (struct hw_anomaly){
		.kind = kind,
		.arena = arena,
		.address = address,
		.previous = previous,
		.skipped = skipped,
	};
	va_start(arguments, format);
	if (vasprintf(&anomaly->text, format, arguments) < 0)
		anomaly->text = NULL;
	va_end(arguments);
	if (anomaly->text)
		heap->anomaly_count++;
}

bool hw_walk_is_missing(const struct hw_walk *walk, uint64_t address)
{
	uint32_t index;
	uint8_t byte;

	if (!hw_area_at(walk, address))
		return false;
	if (!hw_image_read_some(walk->image, address, &byte, 1))
		return true;
	return walk->heap->missing && hw_heap_find(walk->heap, address, &index) &&
	       hw_chunk_state(walk->heap, index) == HW_CHUNK_SKIPPED;
}

static void note_broken_lists(struct hw_walk *walk)
{
	if (walk->lists_broken)
		hw_walk_note(walk, HW_ANOMALY_UNREADABLE, UINT32_MAX, 0, 0, 0,
			"%u list%s of free chunks lead%s through memory that cannot be read: chunks that are "
			"free may count as live",
			walk->lists_broken, walk->lists_broken == 1 ? "" : "s",
			walk->lists_broken == 1 ? "s" : "");
}

/* What does not need the memory of chunks: who, where, which layout. */
static struct hw_error *look_around(struct hw_walk *walk)
{
	struct hw_heap *heap = walk->heap;
	struct hw_error *error = hw_areas_find(walk);

	if (!error)
		error = hw_glibcs_locate(walk);
	hw_versions_read(walk);
	for (uint32_t i = 0; !error && i < heap->libc_count; i++) {
		hw_par_locate(walk, &walk->glibcs[i]);
		hw_glibc_settle_rows(&walk->glibcs[i]);
	}
	if (!error)
		error = hw_arenas_find(walk);
	if (!error)
		error = hw_arena_heaps_find(walk);
	for (uint32_t i = 0; !error && i < heap->libc_count; i++) {
		hw_fastbins_look(walk, &walk->glibcs[i]);
		hw_glibc_settle_rows(&walk->glibcs[i]);
	}
	return error ? error : hw_allocator_recognise(walk);
}

static void describe_sizes(struct hw_walk *walk)
{
	struct hw_heap *heap = walk->heap;
	unsigned word = walk->image->word_size;

	heap->alignment = heap->libc_count ? walk->glibcs[0].layout->alignment : 2 * word;
	heap->minimum = 4 * word;
	/* malloc-check.c, malloc_check(): one byte more, for its mark, and always from its own main arena. */
	for (uint32_t i = 0; i < heap->libc_count; i++)
		heap->padding |= walk->glibcs[i].is_debug && hw_glibc_was_used(walk, &walk->glibcs[i]);
}

static uint64_t bytes_of_arenas(const struct hw_heap *heap)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < heap->arena_count; i++)
		bytes += heap->arenas[i].system_mem;
	return bytes;
}

static struct hw_error *walk_all(struct hw_walk *walk)
{
	struct hw_heap *heap = walk->heap;
	struct hw_error *error = look_around(walk);

	describe_sizes(walk);
	walk->bytes_total = bytes_of_arenas(heap);
	heap->content_sampled = walk->options && walk->options->sample_above &&
				walk->bytes_total > walk->options->sample_above;
	memset(heap->sampled_from, 0xff, sizeof(heap->sampled_from));
	if (!error)
		error = hw_survey(walk);
	if (!error)
		error = hw_heap_index(heap);
	if (!error)
		error = hw_tcaches_mark(walk);
	if (error)
		return error;
	hw_fastbins_mark(walk);
	hw_bins_mark(walk);
	note_broken_lists(walk);
	hw_heap_count(heap);
	for (uint32_t i = 0; !error && i < heap->libc_count; i++) {
		heap->libcs[i].heap_max = walk->glibcs[i].heap_max;
		error = hw_version_describe(walk, &walk->glibcs[i]);
	}
	hw_survey_check(walk);
	return error ? error : hw_culprits_look(walk);
}

static struct hw_error *walk_init(struct hw_walk *walk, const struct hw_snapshot *snapshot,
	const struct hw_walk_options *options, struct hw_heap *heap)
{
	*walk = (struct hw_walk){
		.snapshot = snapshot,
		.image = snapshot->image,
		.heap = heap,
		.options = options,
		.free_links = { .width = 2 },
		.fast_links = { .width = 1 },
		.probes = PROBE_LIMIT,
	};
	heap->snapshot = snapshot;
	heap->word_size = snapshot->image->word_size;
	hw_window_init_ahead(&walk->reader, snapshot->image);
	hw_window_init(&walk->probe, snapshot->image, PROBE_WINDOW);
	if (options && options->skip_content)
		return NULL;
	return hw_classifier_create(snapshot, &walk->classifier);
}

static void walk_deinit(struct hw_walk *walk)
{
	hw_classifier_destroy(walk->classifier);
	hw_window_deinit(&walk->reader);
	hw_window_deinit(&walk->probe);
	hw_links_deinit(&walk->free_links);
	hw_links_deinit(&walk->fast_links);
	free(walk->glibcs);
	free(walk->areas);
	free(walk->heaps);
	free(walk->tcache_like);
	free(walk->mmapped);
}

struct hw_error *hw_heap_walk(
	const struct hw_snapshot *snapshot, const struct hw_walk_options *options, struct hw_heap **heap)
{
	struct hw_heap *made = calloc(1, sizeof(*made));
	struct hw_error *error;
	struct hw_walk walk;

	if (!made)
		return hw_error_no_memory();
	error = walk_init(&walk, snapshot, options, made);
	if (!error)
		error = walk_all(&walk);
	walk_deinit(&walk);
	if (error) {
		hw_heap_destroy(made);
		return error;
	}
	*heap = made;
	return NULL;
}

void hw_heap_destroy(struct hw_heap *heap)
{
	if (!heap)
		return;
	for (uint32_t i = 0; i < heap->libc_count; i++) {
		free(heap->libcs[i].version);
		free(heap->libcs[i].evidence);
	}
	for (uint32_t i = 0; i < heap->region_count; i++) {
		free(heap->regions[i].granules);
		free(heap->regions[i].units);
	}
	for (size_t i = 0; i < heap->anomaly_count; i++)
		free(heap->anomalies[i].text);
	hw_directory_destroy(heap->directory);
	free(heap->libcs);
	free(heap->arenas);
	free(heap->regions);
	free(heap->chunks.words);
	free(heap->anomalies);
	free(heap->allocator_evidence);
	free(heap->runtime);
	free(heap);
}

uint64_t hw_chunk_usable(const struct hw_heap *heap, uint32_t index)
{
	uint64_t size = hw_chunk_size(heap, index);
	const struct hw_region *region;

	if (hw_chunk_state(heap, index) != HW_CHUNK_MMAPPED)
		return size - heap->word_size;
	region = hw_heap_region_of(heap, index);
	return hw_mmapped_usable(heap->libcs[heap->arenas[region->arena].libc].layout,
		hw_chunk_address(heap, index), region->end);
}

/* malloc.c, request2size() */
uint64_t hw_heap_request_to_chunk(const struct hw_heap *heap, uint64_t request)
{
	if (request > INT64_MAX - 2 * (uint64_t)heap->minimum)
		return 0;
	request += heap->padding;
	return hw_max(hw_round_up(request + heap->word_size, heap->alignment), (uint64_t)heap->minimum);
}

void hw_heap_chunk_to_requests(const struct hw_heap *heap, uint64_t chunk_size, uint64_t *low, uint64_t *high)
{
	*high = chunk_size - heap->word_size - heap->padding;
	*low = chunk_size <= heap->minimum ? 0 : *high - heap->alignment + 1;
}
