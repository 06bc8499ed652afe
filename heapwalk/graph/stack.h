/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing stack of node numbers: graph walks keep their own instead of calling themselves, since a target's
 * list may be ten million nodes long. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GRAPH_STACK_H
#define HW_HEAPWALK_GRAPH_STACK_H

#include "inspector/util.h"

struct hw_node_stack {
	uint32_t *nodes;
	size_t count;
	size_t capacity;
};

/* False when memory is short. */
static inline bool hw_node_stack_push(struct hw_node_stack *stack, uint32_t node)
{
	uint32_t *slot = hw_array_next(stack->nodes, stack->count, stack->capacity);

	if (!slot)
		return false;
	*slot = node;
	stack->count++;
	return true;
}

static inline void hw_node_stack_deinit(struct hw_node_stack *stack)
{
	free(stack->nodes);
	*stack = (struct hw_node_stack){ 0 };
}

#endif
