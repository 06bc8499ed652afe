/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A set of distinct strings with their counts, for hw_strings_collect(): open addressing over texts that are
 * kept one behind the other in large blocks, since millions of small allocations would cost more than the
 * texts. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_STRINGS_TABLE_H
#define HW_HEAPWALK_STRINGS_TABLE_H

#include "heapwalk/heap.h"

/* Beyond `most` strings or this many bytes for each of them new strings are only counted as dropped. */
#define HW_STRING_AVERAGE 256

struct hw_string_set;

/* Where and how a text was found. `text` is UTF-8, not NUL-terminated. */
struct hw_string_find {
	const char *text;
	size_t length;
	enum hw_encoding encoding;
	bool truncated;
	bool left_over;
	uint32_t chunk; /* index; the finds of one chunk come one after the other */
	uint64_t address;
	uint64_t offset;
};

struct hw_error *hw_string_set_create(size_t most, struct hw_string_set **set) hw_must_check;
void hw_string_set_destroy(struct hw_string_set *set);

/* Counts the find. */
struct hw_error *hw_string_set_add(
	struct hw_string_set *set, const struct hw_string_find *find) hw_must_check;

/* Sorts the strings and hands the set over as a table, which hw_strings_destroy() frees. */
struct hw_string_table *hw_string_set_finish(struct hw_string_set *set);

#endif
