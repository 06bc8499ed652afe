/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interior pointers that count as start pointers. Private to heapwalk/. */
#ifndef HW_HEAPWALK_GRAPH_HEURISTICS_H
#define HW_HEAPWALK_GRAPH_HEURISTICS_H

#include "heapwalk/heap.h"
#include "heapwalk/vtables.h"

struct hw_heuristics {
	const struct hw_heap *heap;
	unsigned off; /* 1 << enum hw_heuristic: not to be tried */
	struct hw_addresses *addresses;
	struct hw_vtables *vtables;
};

struct hw_error *hw_heuristics_init(
	struct hw_heuristics *heuristics, const struct hw_heap *heap, unsigned off) hw_must_check;
void hw_heuristics_deinit(struct hw_heuristics *heuristics);

/*
 * Does `pointer`, which lies behind the start of this live chunk, count as a pointer to its start?
 * HW_HEURISTICS: no.
 */
enum hw_heuristic hw_heuristics_judge(
	const struct hw_heuristics *heuristics, uint32_t chunk, uint64_t pointer);

#endif
