/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chunks that only words which look stale lead to. Private to heapwalk/. */
#ifndef HW_HEAPWALK_GRAPH_STALE_H
#define HW_HEAPWALK_GRAPH_STALE_H

#include "heapwalk/heap.h"

/*
 * Fills graph->stale and the marks of hw_chunk_is_stale(); all else of the graph must be there. What looks
 * like nothing that is lost is left alone. Errors: memory short.
 */
struct hw_error *hw_stale_find(struct hw_graph *graph) hw_must_check;

#endif
