/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sorting a block's words. Most chunks of most heaps end here, and what they hold is hard to foretell: for
 * the common machine, all words of a block are told apart at once, without a branch for each.
 */
#include "heapwalk/block.h"

/* Is a 32-bit half within this of zero? */
#define SMALL ((uint32_t)1 << 24)

/* The lowest `size` bits. */
static uint64_t first_bits(size_t size)
{
	return size >= 64 ? UINT64_MAX : (UINT64_C(1) << size) - 1;
}

static bool is_number(uint64_t word, unsigned word_size)
{
	uint32_t low = (uint32_t)word, high = (uint32_t)(word >> 32);

	if (word_size == 8 && high + 1 < 2)
		return true;
	return low + SMALL < 2 * SMALL && high + SMALL < 2 * SMALL;
}

static struct hw_block sort_each(
	struct hw_addresses *addresses, const struct hw_image *image, const uint8_t *bytes, size_t size)
{
	struct hw_block block = { .pointers = 0 };
	unsigned word_size = image->word_size;

	for (size_t at = 0; at < size; at += word_size) {
		uint64_t word = hw_image_word(image, bytes + at);

		if (!word)
			continue;
		if (hw_addresses_kind(addresses, word))
			block.pointers |= first_bits(word_size) << at;
		else if (is_number(word, word_size))
			block.number = true;
		else
			block.other = true;
	}
	return block;
}

/* Turns the order of unsigned numbers into that of signed ones. */
#define FLIP ((uint32_t)1 << 31)

/* What is true of 16 halves of words, a bit each; the odd ones are the upper halves. */
struct halves {
	unsigned zero;
	unsigned small; /* within SMALL of zero */
	unsigned sign;  /* all bits alike */
	unsigned near;  /* as an upper half: perhaps of an address */
};

static inline struct halves sort_halves(const struct hw_addresses *addresses, const uint8_t *bytes)
{
	uint32_t low = (uint32_t)(addresses->low >> 32);
	uint32_t span = (uint32_t)((addresses->low + addresses->span) >> 32) - low;
	hw_half_lanes zero[4], small[4], sign[4], near[4];

#pragma GCC unroll 4
	for (unsigned i = 0; i < 4; i++) {
		hw_half_lanes lanes;

		memcpy(&lanes, bytes + i * sizeof(lanes), sizeof(lanes));
		zero[i] = (hw_half_lanes)(lanes == 0);
		small[i] = (hw_half_lanes)((lanes + SMALL) >> 25 == 0);
		sign[i] = (hw_half_lanes)((lanes + 1) >> 1 == 0);
		near[i] = (hw_half_lanes)((hw_signed_lanes)(lanes - (low ^ FLIP)) <= (int32_t)(span ^ FLIP));
	}
	return (struct halves){ hw_half_lanes_bits(zero), hw_half_lanes_bits(small), hw_half_lanes_bits(sign),
		hw_half_lanes_bits(near) };
}

/* Bit 2i of what follows stands for word i. */
static struct hw_block sort_at_once(struct hw_addresses *addresses, const uint8_t *bytes, size_t size)
{
	struct halves halves = sort_halves(addresses, bytes);
	unsigned rest = (unsigned)first_bits(size / 4) & 0x5555 & ~(halves.zero & halves.zero >> 1);
	unsigned number = (halves.small & halves.small >> 1) | halves.sign >> 1;
	struct hw_block block = { .pointers = 0 };

	for (unsigned near = rest & halves.near >> 1; near; near &= near - 1) {
		unsigned half = (unsigned)__builtin_ctz(near);
		uint64_t word;

		memcpy(&word, bytes + 4 * half, sizeof(word));
		if (!hw_addresses_kind(addresses, word))
			continue;
		block.pointers |= UINT64_C(0xff) << 4 * half;
		rest &= ~(1u << half);
	}
	block.number = rest & number;
	block.other = rest & ~number;
	return block;
}

struct hw_block hw_block_sort(struct hw_addresses *addresses, const struct hw_image *image,
	const uint8_t *bytes, size_t size, size_t readable)
{
	if (image->word_size == 8 && !image->big_endian && readable >= HW_BLOCK)
		return sort_at_once(addresses, bytes, size);
	return sort_each(addresses, image, bytes, size);
}

bool hw_block_has_text(const uint8_t *bytes, size_t size, size_t readable, uint64_t pointers)
{
	uint8_t copy[HW_BLOCK] = { 0 };
	uint64_t printable, four, five;

	if (readable < HW_BLOCK)
		bytes = memcpy(copy, bytes, size);
	printable = hw_printable_mask(bytes) & first_bits(size) & ~pointers;
	four = printable & printable >> 1;
	four &= four >> 2;
	five = four & printable >> 4;
	if (!five || (four & four >> 4))
		return five;
	return five & (hw_zero_mask(bytes) & first_bits(size)) >> 5;
}

size_t hw_block_zero_run(const uint8_t *bytes, size_t size)
{
	size_t done = 0;

	while (size - done >= HW_BLOCK && hw_zero_mask(bytes + done) == UINT64_MAX)
		done += HW_BLOCK;
	return done;
}
