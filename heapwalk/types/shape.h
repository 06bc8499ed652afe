/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What shapes are made of. Private to heapwalk/types/. */
#ifndef HW_HEAPWALK_TYPES_SHAPE_H
#define HW_HEAPWALK_TYPES_SHAPE_H

#include "heapwalk/types/places.h"
#include "heapwalk/types/typer.h"

/* Chunks of one size whose first words are of the very same kinds. */
struct hw_pattern {
	uint64_t kinds[2]; /* enum hw_kind, 4 bits each, the first word's lowest */
	uint64_t usable;
	uint64_t vtable; /* of objects of C++ classes; else 0 */
	uint64_t chunks;
	uint32_t example;
};

/* items[0] is none. */
struct hw_patterns {
	struct hw_pattern *items;
	uint32_t count;
	size_t capacity;
};

#define HW_PATTERN_WORDS 32 /* that count */

/* In kinds[0]: words of any kind. */
#define HW_PATTERN_ANY UINT64_MAX

static inline enum hw_kind hw_pattern_kind(const uint64_t kinds[2], unsigned word)
{
	return (enum hw_kind)(kinds[word / 16] >> 4 * (word % 16) & 15);
}

static inline void hw_pattern_set(uint64_t kinds[2], unsigned word, enum hw_kind kind)
{
	unsigned shift = 4 * (word % 16);

	kinds[word / 16] = (kinds[word / 16] & ~(UINT64_C(15) << shift)) | (uint64_t)kind << shift;
}

/*
 * Makes shapes of the patterns, the commonest first: appends them to typing->shapes behind [0], and fills
 * shape_of[], by pattern. Errors: memory short.
 */
struct hw_error *hw_patterns_merge(
	const struct hw_patterns *patterns, struct hw_typing *typing, uint32_t *shape_of) hw_must_check;

/* The caller's to free; NULL: memory short. */
char *hw_shape_text(const struct hw_shape *shape, unsigned word_size);

#endif
