/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding the texts in a piece of memory, in every encoding at once. A block of bytes becomes bit maps (one
 * bit a byte: text, zero, beyond ASCII, claimed), and texts are found as patterns in these. Whoever finds a
 * text claims its bytes, so that no byte is told twice: first long narrow texts (ASCII, UTF-8), then wide
 * ones with Latin letters, then wide ones of other scripts, at last the short narrow ones. Private to
 * heapwalk/.
 */
#ifndef HW_HEAPWALK_STRINGS_SCAN_H
#define HW_HEAPWALK_STRINGS_SCAN_H

#include "heapwalk/addresses.h"
#include "heapwalk/encoding.h"

#define HW_SCAN_BLOCK 65536 /* bytes that are looked at together: the bit maps stay in the nearest caches */
#define HW_SCAN_AHEAD 8192  /* a text that begins so close to a block's end is left to the next block */
#define HW_SCAN_WORDS (HW_SCAN_BLOCK / 64 + 2) /* two words of zeros behind the last */

/* A text: `size` bytes from `start` of the block. */
struct hw_text {
	size_t start;
	size_t size;
	enum hw_encoding encoding;
};

struct hw_text_scanner {
	const struct hw_image *image; /* for word size and byte order */
	struct hw_addresses *addresses;
	size_t minimum; /* characters */
	/* Called for each text, in no order; false stops the scan. */
	bool (*found)(const struct hw_text *text, void *argument);
	void *argument;

	/* The rest is private to the scan. First the block and how it joins the one before. */
	const uint8_t *bytes;
	size_t size;
	bool is_last;                 /* the chunk ends with this block */
	bool stopped;                 /* found() said false */
	size_t told;                  /* where the text ends that was told last in the block before */
	bool goes_on;                 /* and there it reached the block's end: it goes on here */
	size_t end;                   /* where the last text that was told in this block ends */
	size_t noise;                 /* bytes that are neither text nor zero nor of a pointer */
	uint64_t text[HW_SCAN_WORDS]; /* printable ASCII and white space (with VT and FF, which are none) */
	uint64_t zero[HW_SCAN_WORDS];
	uint64_t high[HW_SCAN_WORDS];    /* bytes from 0x80 on */
	uint64_t claimed[HW_SCAN_WORDS]; /* of pointers, and of texts that have been told */
	struct hw_text *candidates;      /* narrow texts, before it is known how noisy the block is */
	size_t candidate_count;
	size_t candidate_capacity;
};

/*
 * Takes up a block of at most HW_SCAN_BLOCK bytes, which starts at a word: a chunk's first, or the next,
 * which begins HW_SCAN_AHEAD bytes before the end of the one before. Words that point into a mapping are
 * claimed at once.
 */
void hw_text_scanner_begin(
	struct hw_text_scanner *scanner, const uint8_t *bytes, size_t size, bool is_first, bool is_last);

/* Claims a range: no text will be found there. */
void hw_text_scanner_claim(struct hw_text_scanner *scanner, size_t start, size_t end);

/* Finds the texts of the block; false when memory is short or found() said so. */
bool hw_text_scanner_find(struct hw_text_scanner *scanner);

void hw_text_scanner_deinit(struct hw_text_scanner *scanner);

/* For the wide part: tells a text unless it is left to the next block, and claims its bytes. */
void hw_text_scanner_tell(struct hw_text_scanner *scanner, const struct hw_text *text);

/* Wide texts with at least four Latin letters, digits or marks in a row. */
void hw_text_find_wide_latin(struct hw_text_scanner *scanner);
/* Wide texts of other scripts. */
void hw_text_find_wide_other(struct hw_text_scanner *scanner);

static inline bool hw_text_bit(const uint64_t *bits, size_t at)
{
	return bits[at / 64] >> at % 64 & 1;
}

/* Whether any bit of [start, end) is set. */
static inline bool hw_text_any(const uint64_t *bits, size_t start, size_t end)
{
	for (size_t at = start; at < end; at = (at | 63) + 1) {
		uint64_t word = bits[at / 64] >> at % 64;

		if (word && at + (size_t)__builtin_ctzll(word) < end)
			return true;
	}
	return false;
}

#endif
