/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts with a header that says how long they are. Private to heapwalk/types/. */
#ifndef HW_HEAPWALK_TYPES_TEXT_HEADER_H
#define HW_HEAPWALK_TYPES_TEXT_HEADER_H

#include "heapwalk/heap.h"

enum hw_text_header {
	HW_TEXT_HEADER_NONE,
	HW_TEXT_HEADER_SDS,    /* Redis: length and room in 1 to 8 bytes each, a byte that says which, text */
	HW_TEXT_HEADER_COW,    /* std::string before C++11: length, room, reference count, text */
	HW_TEXT_HEADER_LENGTH, /* a word or half of one, then so many bytes of text */
	HW_TEXT_HEADERS,
};

/* "sds text", ... */
const char *hw_text_header_name(enum hw_text_header header);

/*
 * Which header a chunk begins with: length, room and end of the text have to agree with each other and with
 * the chunk's size. `bytes` are the first `size` of its `usable` ones; *extent is how many of them are header
 * and text.
 */
enum hw_text_header hw_text_header_of(
	const struct hw_heap *heap, const uint8_t *bytes, size_t size, uint64_t usable, size_t *extent);

#endif
