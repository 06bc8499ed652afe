/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leak kinds from references alone: no memory is read here (what must be is asked for by a callback), so that
 * any small graph can be put through it in a test.
 *
 * The meaning of the kinds is that of valgrind's memcheck ("Memory leak detection" in its manual): reachable
 * by a chain of start pointers from a root; possibly lost when every chain has an interior pointer in it;
 * lost when there is no chain: definitely for one head of each family, indirectly for what hangs on it.
 * Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GRAPH_MARK_H
#define HW_HEAPWALK_GRAPH_MARK_H

#include "heapwalk/graph/references.h"
#include "heapwalk/heap.h"

/*
 * kinds[node]: the low bits are enum hw_leak_kind, HW_MARK_HINT says that interior pointers into this block
 * may count as start pointers; the other bits serve hw_lost_forest_build(). Before marking every live block
 * is HW_LEAK_DEFINITE, everything else NONE.
 */
#define HW_MARK_KIND       0x07
#define HW_MARK_HINT       0x08
#define HW_MARK_REFERENCED 0x10
#define HW_MARK_SEEN       0x20
#define HW_MARK_LEADS      0x80
#define HW_MARK_STALE      0x40 /* stays, beside the kind: hw_chunk_is_stale() */

struct hw_marking {
	const struct hw_references *references;
	const uint32_t *roots; /* references from roots, with HW_REFERENCE_INTERIOR */
	size_t root_count;
	uint8_t *kinds; /* one for each node */
	/*
	 * Called for a reachable node (or, with node == UINT32_MAX, for roots[root]) that has an interior
	 * pointer to a node with HW_MARK_HINT: calls hw_marking_reach() for those that count as start
	 * pointers. NULL: none do.
	 */
	void (*resolve)(struct hw_marking *marking, uint32_t node, size_t root);
	/*
	 * Called when all is marked: may set HW_MARK_HINT for nodes that are POSSIBLE and say so, whereupon
	 * `resolve` is called for all that refer to these. NULL: not asked.
	 */
	bool (*reconsider)(struct hw_marking *marking);
	void *argument;
	struct hw_node_stack *pending; /* private */
	struct hw_node_stack *doubtful;
	bool out_of_memory;
};

/* Sets the kind of every live block to REACHABLE, POSSIBLE or (lost) DEFINITE. Errors: memory short. */
struct hw_error *hw_marking_run(struct hw_marking *marking) hw_must_check;

/* For `resolve`: this node is reachable. */
void hw_marking_reach(struct hw_marking *marking, uint32_t node);

static inline enum hw_leak_kind hw_mark_kind(const uint8_t *kinds, uint32_t node)
{
	return (enum hw_leak_kind)(kinds[node] & HW_MARK_KIND);
}

static inline void hw_mark_set(uint8_t *kinds, uint32_t node, enum hw_leak_kind kind)
{
	kinds[node] = (uint8_t)((kinds[node] & ~HW_MARK_KIND) | kind);
}

/* Lost families. */
struct hw_lost_forest {
	struct hw_lost_tree *trees; /* those whose head nothing refers to, by head; then cycles, by head */
	size_t count;
	size_t capacity;
};

/* What the forest needs to know of its nodes. */
struct hw_lost_nodes {
	uint64_t (*bytes_of)(const void *argument, uint32_t node);
	/* In a cycle any block may be the head: the one with the highest rank is. NULL: that with most bytes.
	 */
	uint64_t (*rank_of)(const void *argument, uint32_t node);
	const void *argument;
};

/*
 * Tells heads from what hangs on them: of the blocks that hw_marking_run() left DEFINITE, all but one in each
 * family become INDIRECT. A block that hangs on two heads is counted with the first of them. Leaves only enum
 * hw_leak_kind in kinds[]. Errors: memory short.
 */
struct hw_error *hw_lost_forest_build(const struct hw_references *references, uint8_t *kinds,
	const struct hw_lost_nodes *nodes, struct hw_lost_forest *forest) hw_must_check;
void hw_lost_forest_deinit(struct hw_lost_forest *forest);

#endif
