/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What selecting shares with counting and collecting. Private to heapwalk/. */
#ifndef HW_HEAPWALK_SELECTION_H
#define HW_HEAPWALK_SELECTION_H

#include "heapwalk/heap.h"

/* The requests, [*low, *high] inclusive, that end in this mmapped chunk: all that need its number of pages.
 */
void hw_mmapped_requests(const struct hw_heap *heap, uint32_t index, uint64_t *low, uint64_t *high);

/* Whether the iterator comes, or came, to this chunk. */
bool hw_chunk_iterator_visits(const struct hw_chunk_iterator *iterator, uint32_t index);

#endif
