/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shortest ways from roots to blocks, all at once: who holds each block. Private to heapwalk/. */
#ifndef HW_HEAPWALK_GRAPH_SHORTEST_H
#define HW_HEAPWALK_GRAPH_SHORTEST_H

#include "heapwalk/graph/references.h"

#define HW_HELD_BY_NOTHING UINT32_MAX

/* A way may start here: entry `entry` refers to `block`, and counts as `cost` references already. */
struct hw_way_start {
	uint32_t block;
	uint32_t cost;
};

/* held_by[block]: the block before it on its shortest way, or node_count + start, or HW_HELD_BY_NOTHING. */
struct hw_ways {
	uint32_t *held_by;
	uint32_t *order; /* blocks that can be reached, the nearest first: a holder before what it holds */
	uint32_t count;
};

/* `starts` are in order of cost, at most 2^31; equals go by their order. Errors: memory short. */
struct hw_error *hw_ways_find(const struct hw_references *references, const struct hw_way_start *starts,
	uint32_t start_count, struct hw_ways *ways) hw_must_check;
void hw_ways_deinit(struct hw_ways *ways);

#endif
