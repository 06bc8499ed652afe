/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sixty-four bytes at a time: what is true of each byte, or of each half of a 64-bit word, as bits of one
 * number, the first one's lowest. With the vectors that every x86-64 has; elsewhere the compiler makes words
 * of them. Bytes are taken in little-endian order. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_LANES_H
#define HW_HEAPWALK_LANES_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "heapwalk/encoding.h"

#define HW_LANES_BYTES 64

/* Sixteen bytes, or four halves of words. What a comparison makes of them is 0 or -1. */
typedef int8_t hw_byte_lanes __attribute__((vector_size(16)));
typedef uint32_t hw_half_lanes __attribute__((vector_size(16)));
typedef int32_t hw_signed_lanes __attribute__((vector_size(16)));

/* The result of a comparison of bytes as 16 bits. */
static inline uint64_t hw_byte_lanes_bits(hw_byte_lanes truth)
{
#ifdef __SSE2__
	return (unsigned)_mm_movemask_epi8((__m128i)truth);
#else
	uint64_t bits = 0;

	for (unsigned i = 0; i < sizeof(truth); i++)
		bits |= (uint64_t)(truth[i] & 1) << i;
	return bits;
#endif
}

/* The results of comparing the halves of 64 bytes, as 16 bits. */
static inline unsigned hw_half_lanes_bits(const hw_half_lanes truth[4])
{
#ifdef __SSE2__
	__m128i low = _mm_packs_epi32((__m128i)truth[0], (__m128i)truth[1]);
	__m128i high = _mm_packs_epi32((__m128i)truth[2], (__m128i)truth[3]);

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(low, high));
#else
	unsigned bits = 0;

	for (unsigned i = 0; i < 16; i++)
		bits |= (truth[i / 4][i % 4] & 1) << i;
	return bits;
#endif
}

/* Which of 64 bytes are printable ASCII. */
static inline uint64_t hw_printable_mask(const uint8_t *bytes)
{
	uint64_t mask = 0;

#pragma GCC unroll 4
	for (unsigned i = 0; i < HW_LANES_BYTES; i += sizeof(hw_byte_lanes)) {
		hw_byte_lanes lanes;

		memcpy(&lanes, bytes + i, sizeof(lanes));
		mask |= hw_byte_lanes_bits((lanes > 0x1f) & (lanes != 0x7f)) << i;
	}
	return mask;
}

/* Which of 64 bytes are zero. */
static inline uint64_t hw_zero_mask(const uint8_t *bytes)
{
	uint64_t mask = 0;

#pragma GCC unroll 4
	for (unsigned i = 0; i < HW_LANES_BYTES; i += sizeof(hw_byte_lanes)) {
		hw_byte_lanes lanes;

		memcpy(&lanes, bytes + i, sizeof(lanes));
		mask |= hw_byte_lanes_bits(lanes == 0) << i;
	}
	return mask;
}

#endif
