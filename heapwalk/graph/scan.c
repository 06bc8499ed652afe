/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The scan. Nearly all words are no pointers to the heap and are told by one comparison; it is this loop that
 * decides what reading a gigabyte costs.
 */
#include "heapwalk/chunk_table.h"
#include "heapwalk/graph/mark.h"
#include "heapwalk/graph/scan.h"

#define PAGE     4096 /* the step around what cannot be read */
#define CAPACITY ((size_t)1 << 20)

#define PROGRESS_STEP ((uint32_t)1 << 18) /* chunks between two calls */

void hw_scan_init(struct hw_scan *scan, const struct hw_heap *heap, const uint8_t *kinds)
{
	*scan = (struct hw_scan){ .heap = heap, .kinds = kinds };
	hw_window_init(&scan->window, heap->snapshot->image, CAPACITY);
	if (heap->region_count) {
		scan->low = heap->regions[0].start;
		scan->span = heap->regions[heap->region_count - 1].end - scan->low;
	}
}

void hw_scan_deinit(struct hw_scan *scan)
{
	hw_window_deinit(&scan->window);
}

/*
 * Looked up two words lower, an address finds the chunk whose user bytes it lies in or right behind, and the
 * chunk's own start only for a pointer to its first user byte: no case for headers is needed.
 */
bool hw_scan_word(const struct hw_scan *scan, uint64_t word, uint32_t *reference)
{
	uint64_t address = word - 2 * scan->heap->word_size;
	uint32_t chunk;
	bool exact;

	if (word - scan->low >= scan->span || !hw_heap_locate(scan->heap, address, &chunk, &exact))
		return false;
	if (!(scan->kinds[chunk] & HW_MARK_KIND))
		return false;
	*reference = exact ? chunk : chunk | HW_REFERENCE_INTERIOR;
	return true;
}

/* One byte order and word size at a time, so that the loop is compiled for each. */
static inline __attribute__((always_inline)) uint64_t load(
	const uint8_t *bytes, unsigned word_size, bool big_endian)
{
	uint64_t eight;
	uint32_t four;

	if (word_size == 8) {
		memcpy(&eight, bytes, sizeof(eight));
		return big_endian ? __builtin_bswap64(eight) : eight;
	}
	memcpy(&four, bytes, sizeof(four));
	return big_endian ? __builtin_bswap32(four) : four;
}

static bool report(struct hw_scan *scan, uint64_t address, uint64_t word)
{
	struct hw_hit hit = { .address = address, .word = word };

	if (scan->self && word == address && !scan->self(scan->argument, address))
		return false;
	return !hw_scan_word(scan, word, &hit.reference) || scan->hit(scan->argument, &hit);
}

static inline __attribute__((always_inline)) bool scan_words(struct hw_scan *scan, const uint8_t *bytes,
	uint64_t address, uint64_t size, unsigned word_size, bool big_endian, bool self)
{
	uint64_t low = scan->low, span = scan->span;

	for (uint64_t at = 0; at + word_size <= size; at += word_size) {
		uint64_t word = load(bytes + at, word_size, big_endian);

		if (__builtin_expect(word - low < span || (self && word == address + at), 0) &&
			!report(scan, address + at, word))
			return false;
	}
	return true;
}

static bool scan_bytes(struct hw_scan *scan, const uint8_t *bytes, uint64_t address, uint64_t size)
{
	const struct hw_image *image = scan->window.image;

	if (image->big_endian)
		return scan_words(scan, bytes, address, size, image->word_size, true, scan->self);
	if (image->word_size == 4)
		return scan_words(scan, bytes, address, size, 4, false, scan->self);
	if (scan->self)
		return scan_words(scan, bytes, address, size, 8, false, true);
	return scan_words(scan, bytes, address, size, 8, false, false);
}

/* Bytes from `at` on that the image knows to be zeros without looking. */
static uint64_t zeros_at(const struct hw_image *image, uint64_t at)
{
	const struct hw_segment *segment = hw_image_segment_at(image, at);

	if (!segment || segment->fill != HW_FILL_ZERO || at - segment->start < segment->file_size)
		return 0;
	return segment->end - at;
}

/* Bytes to go on from `at`, where not even a word can be seen. */
static uint64_t step_over(struct hw_scan *scan, uint64_t at, uint64_t end)
{
	uint64_t step = hw_min(end - at, PAGE - at % PAGE);

	scan->unread += step;
	return step;
}

bool hw_scan_range(struct hw_scan *scan, uint64_t start, uint64_t end)
{
	uint64_t word_size = scan->heap->word_size;
	uint64_t at = hw_round_up(start, word_size);

	while (at < end && end - at >= word_size) {
		uint64_t zeros = hw_min(zeros_at(scan->window.image, at), end - at);
		const uint8_t *bytes;
		size_t available;

		if (zeros >= word_size) {
			at += hw_round_down(zeros, word_size);
			continue;
		}
		bytes = hw_window_view(&scan->window, at, word_size, &available);
		if (!bytes) {
			at += step_over(scan, at, end);
			continue;
		}
		available = hw_round_down(hw_min(available, end - at), word_size);
		if (!scan_bytes(scan, bytes, at, available))
			return false;
		at += available;
	}
	return true;
}

/* ---- all chunks */

/* A scan of the heap under way. */
struct heap_scan {
	struct hw_scan *scan;
	uint8_t *kinds;
	struct hw_references *references;
	uint32_t chunk;
	uint32_t last; /* reference added last to this row */
	bool out_of_memory;
};

static bool add_reference(void *argument, const struct hw_hit *hit)
{
	struct heap_scan *heap_scan = argument;

	if (hw_reference_target(hit->reference) == heap_scan->chunk) {
		if (!hw_reference_is_interior(hit->reference))
			heap_scan->kinds[heap_scan->chunk] |= HW_MARK_HINT;
		return true;
	}
	if (hit->reference == heap_scan->last)
		return true;
	heap_scan->last = hit->reference;
	if (hw_references_add(heap_scan->references, hit->reference))
		return true;
	heap_scan->out_of_memory = true;
	return false;
}

/*
 * May interior pointers into this block count as start pointers (heuristics.h)? Judged by its first word,
 * while it is at hand: a count or length that the block could hold, or a vtable. (And by a pointer to its own
 * start: add_reference().)
 */
static void hint(struct heap_scan *heap_scan, const uint8_t *bytes, uint64_t usable)
{
	const struct hw_heap *heap = heap_scan->scan->heap;
	enum hw_content content = hw_chunk_content(heap, heap_scan->chunk);

	if (hw_image_word(heap_scan->scan->window.image, bytes) <= usable || content == HW_CONTENT_CXX ||
		content == HW_CONTENT_NONE)
		heap_scan->kinds[heap_scan->chunk] |= HW_MARK_HINT;
}

static bool scan_chunk(struct heap_scan *heap_scan)
{
	struct hw_scan *scan = heap_scan->scan;
	uint64_t start = hw_chunk_user(scan->heap, heap_scan->chunk);
	uint64_t size = hw_scan_usable(scan->heap, heap_scan->chunk);
	const uint8_t *bytes = NULL;

	heap_scan->last = HW_REFERENCE_INTERIOR - 1; /* no chunk has this number */
	if (size <= CAPACITY)
		bytes = hw_window_view(&scan->window, start, size, NULL);
	if (bytes) {
		hint(heap_scan, bytes, size);
		return scan_bytes(scan, bytes, start, size);
	}
	bytes = hw_window_view(&scan->window, start, scan->heap->word_size, NULL);
	if (bytes)
		hint(heap_scan, bytes, size);
	return hw_scan_range(scan, start, start + size);
}

static struct hw_error *too_many(const struct heap_scan *heap_scan)
{
	if (heap_scan->out_of_memory)
		return hw_error_no_memory();
	return hw_error_create(
		HW_ERROR_UNSUPPORTED, "more than 2^32 references from %u chunks", 1u << HW_REFERENCE_BLOCK);
}

struct hw_error *hw_scan_heap(struct hw_scan *scan, uint8_t *kinds, struct hw_references *references,
	void (*progress)(uint64_t done, uint64_t total, void *argument), void *argument)
{
	struct heap_scan heap_scan = { .scan = scan, .kinds = kinds, .references = references };
	uint32_t count = references->node_count;

	scan->hit = add_reference;
	scan->self = NULL;
	scan->argument = &heap_scan;
	for (uint32_t chunk = 0; chunk < count; chunk++) {
		if (progress && chunk % PROGRESS_STEP == 0)
			progress(chunk, count, argument);
		if (!(kinds[chunk] & HW_MARK_KIND))
			continue;
		heap_scan.chunk = chunk;
		if (!hw_references_begin(references, chunk) || !scan_chunk(&heap_scan))
			return too_many(&heap_scan);
	}
	if (!hw_references_begin(references, count))
		return too_many(&heap_scan);
	hw_references_trim(references);
	return NULL;
}
