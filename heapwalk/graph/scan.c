/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The scan. Nearly all words are no pointers to the heap and are told by one comparison; it is this loop that
 * decides what reading a gigabyte costs.
 */
#include "heapwalk/chunk_table.h"
#include "heapwalk/graph/mark.h"
#include "heapwalk/graph/scan.h"

void hw_scan_init(struct hw_scan *scan, const struct hw_heap *heap, const uint8_t *kinds)
{
	*scan = (struct hw_scan){ .heap = heap, .kinds = kinds };
	hw_window_init_ahead(&scan->window, heap->snapshot->image);
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
		uint64_t word = hw_word_load(bytes + at, word_size, big_endian);

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

const uint8_t *hw_scan_piece(struct hw_scan *scan, uint64_t *at, uint64_t end, uint64_t *size)
{
	uint64_t word_size = scan->heap->word_size;

	while (*at < end && end - *at >= word_size) {
		uint64_t zeros = hw_min(zeros_at(scan->window.image, *at), end - *at), step;
		const uint8_t *bytes;
		size_t available;

		if (zeros >= word_size) {
			*at += hw_round_down(zeros, word_size);
			continue;
		}
		bytes = hw_window_view(&scan->window, *at, word_size, &available);
		if (bytes) {
			*size = hw_round_down(hw_min(available, end - *at), word_size);
			return bytes;
		}
		step = hw_round_up(hw_image_next(scan->window.image, *at, end) - *at, word_size);
		scan->unread += step;
		*at += step;
	}
	return NULL;
}

bool hw_scan_range(struct hw_scan *scan, uint64_t start, uint64_t end)
{
	uint64_t at = hw_round_up(start, scan->heap->word_size), size;
	const uint8_t *bytes;

	while ((bytes = hw_scan_piece(scan, &at, end, &size))) {
		if (!scan_bytes(scan, bytes, at, size))
			return false;
		at += size;
	}
	return true;
}
