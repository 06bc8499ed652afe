/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formats that files and messages have, by how they begin. Private to heapwalk/types/. */
#ifndef HW_HEAPWALK_TYPES_FORMAT_H
#define HW_HEAPWALK_TYPES_FORMAT_H

#include "heapwalk/heap.h"

/* What was recognised, and how sure that is. */
struct hw_format_found {
	const char *name; /* NULL: nothing */
	enum hw_level level;
	enum hw_fit fit;
	unsigned percent;
};

/*
 * Of a chunk of `usable` bytes that begins with these `size` ones; not for texts. Told is what chance makes
 * less than once in a billion chunks; where a format begins with less, its lengths have to agree with the
 * chunk.
 */
struct hw_format_found hw_format_of(
	const struct hw_heap *heap, const uint8_t *bytes, size_t size, uint64_t usable);

/* Of a text: "JSON text", "XML text", "PEM text", "HTTP message"; NULL: nothing in particular. */
const char *hw_format_of_text(const uint8_t *bytes, size_t size);

#endif
