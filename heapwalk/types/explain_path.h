/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How one chunk leads to another, in the words of their types. Private to heapwalk/types/. */
#ifndef HW_HEAPWALK_TYPES_EXPLAIN_PATH_H
#define HW_HEAPWALK_TYPES_EXPLAIN_PATH_H

#include "heapwalk/heap.h"

/* Bytes of an object in which a reference is looked for. */
#define HW_EXPLAIN_BYTES ((size_t)1 << 20)

/* The first word in [address, address + size) that points into `chunk`: its offset. False: none. */
bool hw_explain_find_reference(const struct hw_explainer *explainer, uint64_t address, uint64_t size,
	uint32_t chunk, uint64_t *offset);

/* The field of a chunk at an offset, "next" or "[17].key", "+24" where its type does not tell. Cut to `size`.
 */
const char *hw_explain_field(
	const struct hw_explainer *explainer, uint32_t chunk, uint64_t offset, char *buffer, size_t size);

/*
 * The way by which PATH or CONTAINER_OF evidence led to a chunk, as C would write it:
 * "server.db[0].dict->ht_table[0][17]". Repetitions are folded: "list.head->next{41}". NULL: there is none,
 * or memory is short. The caller frees it.
 */
char *hw_explain_path(const struct hw_explainer *explainer, uint32_t chunk);

#endif
