/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Going through memory word by word for pointers to live chunks. Conservative: a word is a pointer if its
 * value lies in a live chunk's usable bytes, or right behind them (where an end pointer may stand). Private
 * to heapwalk/.
 */
#ifndef HW_HEAPWALK_GRAPH_SCAN_H
#define HW_HEAPWALK_GRAPH_SCAN_H

#include "heapwalk/graph/references.h"
#include "heapwalk/heap.h"

/* Larger chunks are looked at piece by piece. */
#define HW_SCAN_WINDOW HW_WINDOW_AHEAD_NEED

/* A word that points to a live chunk. */
struct hw_hit {
	uint64_t address; /* of the word */
	uint64_t word;
	uint32_t reference; /* chunk index, with HW_REFERENCE_INTERIOR */
};

struct hw_scan {
	const struct hw_heap *heap;
	const uint8_t *kinds; /* by chunk: 0 is no live chunk */
	struct hw_window window;
	uint64_t low; /* every chunk lies in [low, low + span) */
	uint64_t span;
	uint64_t unread; /* bytes that could not be read */
	/* Called for each hit; false ends the scan. */
	bool (*hit)(void *argument, const struct hw_hit *hit);
	/* Called for each word that holds its own address; false ends the scan. NULL: not looked for. */
	bool (*self)(void *argument, uint64_t address);
	void *argument;
};

/* `kinds` is borrowed and may be filled in later. */
void hw_scan_init(struct hw_scan *scan, const struct hw_heap *heap, const uint8_t *kinds);
void hw_scan_deinit(struct hw_scan *scan);

/* Scans the aligned words of [start, end); what cannot be read is left out. False when a callback said so. */
bool hw_scan_range(struct hw_scan *scan, uint64_t start, uint64_t end) hw_must_check;

/*
 * The next bytes of [*at, end) that can be read and are not known to be zeros: moves *at there. A multiple of
 * the word size; valid until the next call. NULL: no more.
 */
const uint8_t *hw_scan_piece(struct hw_scan *scan, uint64_t *at, uint64_t end, uint64_t *size);

/* The chunk that one word refers to. False: none. */
bool hw_scan_word(const struct hw_scan *scan, uint64_t word, uint32_t *reference);

/* Usable bytes of a live chunk; faster than hw_chunk_usable() for most. */
static inline uint64_t hw_scan_usable(const struct hw_heap *heap, uint32_t chunk)
{
	if (hw_chunk_state(heap, chunk) == HW_CHUNK_LIVE)
		return hw_chunk_size(heap, chunk) - heap->word_size;
	return hw_chunk_usable(heap, chunk);
}

/*
 * Scans every live chunk in order into rows of references: no reference of a chunk to itself, and of equal
 * ones in succession only one. Chunks whose interior pointers may count as start pointers get HW_MARK_HINT in
 * `kinds`. `progress` may be NULL. Errors: memory short, HW_ERROR_UNSUPPORTED.
 */
struct hw_error *hw_scan_heap(struct hw_scan *scan, uint8_t *kinds, struct hw_references *references,
	void (*progress)(uint64_t done, uint64_t total, void *argument), void *argument) hw_must_check;

#endif
