/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The scan of all chunks. Words that may be pointers are collected a few hundred at a time and then looked up
 * in three steps, each some places behind the one before it: by the time that a step needs a line of memory,
 * the step before has sent for it. In a heap whose pointers lead all over the place this is what most of the
 * time goes into.
 */
#include "heapwalk/chunk_table.h"
#include "heapwalk/graph/mark.h"
#include "heapwalk/graph/scan.h"

#define BATCH 512
#define AHEAD 16 /* places between two steps: about a memory access */

#define PROGRESS_STEP ((uint32_t)1 << 18) /* chunks between two calls */

#define NO_REFERENCE UINT32_MAX

/* A word that lies between the first chunk and the last. */
struct candidate {
	uint64_t word;
	uint32_t chunk; /* in which it stands */
	uint32_t reference;
};

struct heap_scan {
	struct hw_scan *scan;
	uint8_t *kinds;
	struct hw_references *references;
	uint32_t row;  /* chunk whose row is being written */
	uint32_t last; /* reference added last to it */
	bool failed;
	size_t count;
	struct candidate candidates[BATCH];
};

static void look_up(struct heap_scan *heap_scan, struct candidate *candidate)
{
	const struct hw_heap *heap = heap_scan->scan->heap;
	uint32_t chunk;
	bool exact;

	candidate->reference = NO_REFERENCE;
	/* As in hw_scan_word(). */
	if (!hw_heap_locate(heap, candidate->word - 2 * heap->word_size, &chunk, &exact))
		return;
	__builtin_prefetch(&heap_scan->kinds[chunk]);
	candidate->reference = exact ? chunk : chunk | HW_REFERENCE_INTERIOR;
}

/* A block that holds its own start may have been aligned by hand: heuristics.c. */
static void note_self(struct heap_scan *heap_scan, const struct candidate *candidate)
{
	if (!hw_reference_is_interior(candidate->reference))
		heap_scan->kinds[candidate->chunk] |= HW_MARK_HINT;
}

static void add_reference(struct heap_scan *heap_scan, const struct candidate *candidate)
{
	uint32_t reference = candidate->reference, target = hw_reference_target(reference);

	if (reference == NO_REFERENCE || !(heap_scan->kinds[target] & HW_MARK_KIND))
		return;
	if (target == candidate->chunk) {
		note_self(heap_scan, candidate);
		return;
	}
	if (candidate->chunk != heap_scan->row) {
		heap_scan->failed |= !hw_references_begin(heap_scan->references, candidate->chunk);
		heap_scan->row = candidate->chunk;
	} else if (reference == heap_scan->last) {
		return;
	}
	heap_scan->last = reference;
	heap_scan->failed |= !hw_references_add(heap_scan->references, reference);
}

static void flush(struct heap_scan *heap_scan)
{
	const struct hw_heap *heap = heap_scan->scan->heap;
	struct candidate *candidates = heap_scan->candidates;
	size_t count = heap_scan->count;

	for (size_t i = 0; i < count + 2 * AHEAD; i++) {
		if (i < count)
			hw_heap_prefetch(heap, candidates[i].word - 2 * heap->word_size);
		if (i >= AHEAD && i - AHEAD < count)
			look_up(heap_scan, &candidates[i - AHEAD]);
		if (i >= 2 * AHEAD)
			add_reference(heap_scan, &candidates[i - 2 * AHEAD]);
	}
	heap_scan->count = 0;
}

static inline __attribute__((always_inline)) void collect_words(struct heap_scan *heap_scan, uint32_t chunk,
	const uint8_t *bytes, uint64_t size, unsigned word_size, bool big_endian)
{
	uint64_t low = heap_scan->scan->low, span = heap_scan->scan->span;

	for (uint64_t at = 0; at + word_size <= size; at += word_size) {
		uint64_t word = hw_word_load(bytes + at, word_size, big_endian);

		if (__builtin_expect(word - low >= span, 1))
			continue;
		if (heap_scan->count == BATCH)
			flush(heap_scan);
		heap_scan->candidates[heap_scan->count++] =
			(struct candidate){ .word = word, .chunk = chunk };
	}
}

static void collect(struct heap_scan *heap_scan, uint32_t chunk, const uint8_t *bytes, uint64_t size)
{
	const struct hw_image *image = heap_scan->scan->window.image;

	if (image->big_endian)
		collect_words(heap_scan, chunk, bytes, size, image->word_size, true);
	else if (image->word_size == 8)
		collect_words(heap_scan, chunk, bytes, size, 8, false);
	else
		collect_words(heap_scan, chunk, bytes, size, 4, false);
}

/*
 * May interior pointers into this block count as start pointers? Judged by its first word, while it is at
 * hand: a count or length that the block could hold, or perhaps a vtable.
 */
static void hint(struct heap_scan *heap_scan, uint32_t chunk, const uint8_t *bytes, uint64_t usable)
{
	enum hw_content content = hw_chunk_content(heap_scan->scan->heap, chunk);

	if (hw_image_word(heap_scan->scan->window.image, bytes) <= usable || content == HW_CONTENT_CXX ||
		content == HW_CONTENT_NONE)
		heap_scan->kinds[chunk] |= HW_MARK_HINT;
}

/* A chunk that is larger than the window or not all there. */
static void scan_in_pieces(struct heap_scan *heap_scan, uint32_t chunk, uint64_t start, uint64_t usable)
{
	struct hw_scan *scan = heap_scan->scan;
	uint64_t at = start, end = start + usable;
	const uint8_t *bytes = hw_window_view(&scan->window, start, scan->heap->word_size, NULL);

	if (bytes)
		hint(heap_scan, chunk, bytes, usable);
	while ((bytes = hw_scan_piece(scan, &at, end, &usable))) {
		collect(heap_scan, chunk, bytes, usable);
		at += usable;
	}
}

static void scan_chunk(struct heap_scan *heap_scan, uint32_t chunk)
{
	struct hw_scan *scan = heap_scan->scan;
	uint64_t start = hw_chunk_user(scan->heap, chunk), usable = hw_scan_usable(scan->heap, chunk);
	const uint8_t *bytes = NULL;

	if (usable <= HW_SCAN_WINDOW)
		bytes = hw_window_view(&scan->window, start, usable, NULL);
	if (!bytes) {
		scan_in_pieces(heap_scan, chunk, start, usable);
		return;
	}
	hint(heap_scan, chunk, bytes, usable);
	collect(heap_scan, chunk, bytes, usable);
}

struct hw_error *hw_scan_heap(struct hw_scan *scan, uint8_t *kinds, struct hw_references *references,
	void (*progress)(uint64_t done, uint64_t total, void *argument), void *argument)
{
	struct heap_scan heap_scan = {
		.scan = scan, .kinds = kinds, .references = references, .row = UINT32_MAX
	};
	uint32_t count = references->node_count;

	for (uint32_t chunk = 0; chunk < count && !heap_scan.failed; chunk++) {
		if (progress && chunk % PROGRESS_STEP == 0)
			progress(chunk, count, argument);
		if (kinds[chunk] & HW_MARK_KIND)
			scan_chunk(&heap_scan, chunk);
	}
	flush(&heap_scan);
	if (heap_scan.failed || !hw_references_begin(references, count))
		return hw_error_no_memory();
	hw_references_trim(references);
	return NULL;
}
