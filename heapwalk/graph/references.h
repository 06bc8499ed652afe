/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who points at whom: references between numbered nodes in compressed rows. A row is one node's outgoing
 * references in the order in which its words were seen; rows are written once, in ascending order, and then
 * only read. 4 bytes a node and 4 a reference.
 *
 * A reference is the target's number, with HW_REFERENCE_INTERIOR set when the word points past the target's
 * start; so there are at most 2^31 nodes. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GRAPH_REFERENCES_H
#define HW_HEAPWALK_GRAPH_REFERENCES_H

#include "inspector/inspector.h"

#define HW_REFERENCE_INTERIOR 0x80000000u
#define HW_REFERENCE_NODES    0x80000000u

/* Rows start at bases[node / 65536] + rows[node]: 4 bytes a node however many references there are. */
#define HW_REFERENCE_BLOCK 16

struct hw_references {
	uint32_t node_count;
	uint32_t *rows; /* node_count + 1 */
	uint64_t *bases;
	uint32_t *targets;
	uint64_t count;
	uint64_t capacity;
	uint32_t next; /* the row that is being written */
};

/* Errors: memory short; HW_ERROR_UNSUPPORTED for 2^31 nodes or more. */
struct hw_error *hw_references_init(struct hw_references *references, uint32_t node_count) hw_must_check;
void hw_references_deinit(struct hw_references *references);

/* Adds one to the row that is being written. False when memory is short. */
bool hw_references_add(struct hw_references *references, uint32_t reference) hw_must_check;

/* Ends all rows before `node`, which becomes the one being written: node_count at the end. False: a block of
 * rows holds 2^32 references or more. */
bool hw_references_begin(struct hw_references *references, uint32_t node) hw_must_check;

/* Gives back the memory that was held for growth. */
void hw_references_trim(struct hw_references *references);

static inline uint32_t hw_reference_target(uint32_t reference)
{
	return reference & ~HW_REFERENCE_INTERIOR;
}

static inline bool hw_reference_is_interior(uint32_t reference)
{
	return reference & HW_REFERENCE_INTERIOR;
}

/* Where the row of `node` starts in targets; the row of node - 1 ends there. */
static inline uint64_t hw_references_row(const struct hw_references *references, uint32_t node)
{
	return references->bases[node >> HW_REFERENCE_BLOCK] + references->rows[node];
}

#endif
