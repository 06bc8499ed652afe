/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the words of a block of memory are: the step in which the classifier goes through a chunk. A block is
 * a cache line, so that one number has a bit for each of its bytes. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_BLOCK_H
#define HW_HEAPWALK_BLOCK_H

#include "heapwalk/addresses.h"
#include "heapwalk/lanes.h"

#define HW_BLOCK HW_LANES_BYTES

/* What was found among its words. Zeros are none of these. */
struct hw_block {
	uint64_t pointers; /* the bytes of words that are addresses of something mapped, a bit each */
	bool number; /* a counter, length, flag word or small negative, or two 32-bit ones side by side */
	bool other;
};

/*
 * Sorts the `size` bytes at `bytes`, at most HW_BLOCK and whole words. `readable` is how many bytes can be
 * read there: where a whole block can, it is taken at once.
 */
struct hw_block hw_block_sort(struct hw_addresses *addresses, const struct hw_image *image,
	const uint8_t *bytes, size_t size, size_t readable);

/*
 * Is there text in these bytes: eight printable bytes in a row, or five with a zero behind them? Chance makes
 * neither often. Bytes of pointers do not count.
 */
bool hw_block_has_text(const uint8_t *bytes, size_t size, size_t readable, uint64_t pointers);

/* Length of the zeros that `bytes` begin with, in whole blocks. */
size_t hw_block_zero_run(const uint8_t *bytes, size_t size);

#endif
