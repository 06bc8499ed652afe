/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dominators: a node is dominated by all that every way from the entry to it must pass, and the nearest of
 * these is its immediate dominator; what a node dominates would be unreachable without it. Private to
 * heapwalk/.
 */
#ifndef HW_HEAPWALK_GRAPH_DOMINATORS_H
#define HW_HEAPWALK_GRAPH_DOMINATORS_H

#include "heapwalk/graph/references.h"

/* A graph to be asked: blocks, holders that refer to blocks, and an entry that refers to every holder. */
struct hw_flow {
	const struct hw_references *blocks;
	const struct hw_references *holders;
	bool (*takes_part)(const void *argument, uint32_t block); /* NULL: all blocks do */
	const void *argument;
};

/*
 * The dominator tree over what can be reached from the holders, its nodes numbered in the order of a
 * depth-first walk: 0 is the entry, and a node's dominator has a lower number than the node.
 */
struct hw_dominators {
	uint32_t count;
	uint32_t *nodes;     /* tree number → block, or block count + holder; of the entry UINT32_MAX */
	uint32_t *dominator; /* tree number → tree number of the immediate dominator; of the entry 0 */
};

/* Lengauer and Tarjan's algorithm with path compression: O(m log n), no recursion. Errors: memory short. */
struct hw_error *hw_dominators_build(
	const struct hw_flow *flow, struct hw_dominators *dominators) hw_must_check;
void hw_dominators_deinit(struct hw_dominators *dominators);

#endif
