/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reachable, possibly lost, lost: two walks from the roots, with a stack of their own. */
#include "heapwalk/graph/mark.h"
#include "heapwalk/graph/stack.h"

static void push(struct hw_marking *marking, struct hw_node_stack *stack, uint32_t node)
{
	if (!hw_node_stack_push(stack, node))
		marking->out_of_memory = true;
}

void hw_marking_reach(struct hw_marking *marking, uint32_t node)
{
	if (hw_mark_kind(marking->kinds, node) != HW_LEAK_DEFINITE)
		return;
	hw_mark_set(marking->kinds, node, HW_LEAK_REACHABLE);
	push(marking, marking->pending, node);
}

/* An interior pointer settles nothing now; it may later, when its target looks as if it could count. */
static bool may_count(const struct hw_marking *marking, uint32_t reference)
{
	uint8_t kind = marking->kinds[hw_reference_target(reference)];

	return marking->resolve && hw_reference_is_interior(reference) && (kind & HW_MARK_HINT) &&
	       (kind & HW_MARK_KIND) == HW_LEAK_DEFINITE;
}

static void reach_from(struct hw_marking *marking, uint32_t node)
{
	const struct hw_references *references = marking->references;
	uint64_t end = hw_references_row(references, node + 1);
	bool doubtful = false;

	for (uint64_t i = hw_references_row(references, node); i < end; i++) {
		uint32_t reference = references->targets[i];

		if (!hw_reference_is_interior(reference))
			hw_marking_reach(marking, reference);
		else
			doubtful |= may_count(marking, reference);
	}
	if (doubtful)
		push(marking, marking->doubtful, node);
}

static void drain_reachable(struct hw_marking *marking)
{
	struct hw_node_stack *pending = marking->pending, *doubtful = marking->doubtful;

	while (pending->count || doubtful->count) {
		if (pending->count)
			reach_from(marking, pending->nodes[--pending->count]);
		else
			marking->resolve(marking, doubtful->nodes[--doubtful->count], SIZE_MAX);
	}
}

static void mark_reachable(struct hw_marking *marking)
{
	for (size_t i = 0; i < marking->root_count; i++) {
		if (!hw_reference_is_interior(marking->roots[i]))
			hw_marking_reach(marking, marking->roots[i]);
	}
	drain_reachable(marking);
	for (size_t i = 0; i < marking->root_count; i++) {
		if (may_count(marking, marking->roots[i]))
			marking->resolve(marking, UINT32_MAX, i);
	}
	drain_reachable(marking);
}

static void suspect(struct hw_marking *marking, uint32_t node)
{
	if (hw_mark_kind(marking->kinds, node) != HW_LEAK_DEFINITE)
		return;
	hw_mark_set(marking->kinds, node, HW_LEAK_POSSIBLE);
	push(marking, marking->pending, node);
}

/* Whatever hangs on a possibly lost block is possibly lost too, by start or interior pointer. */
static void suspect_row(struct hw_marking *marking, uint32_t node)
{
	const struct hw_references *references = marking->references;
	uint64_t end = hw_references_row(references, node + 1);

	for (uint64_t i = hw_references_row(references, node); i < end; i++)
		suspect(marking, hw_reference_target(references->targets[i]));
}

/* All start pointers of reachable blocks have been followed: what they still point at is interior. */
static void mark_possible(struct hw_marking *marking)
{
	struct hw_node_stack *pending = marking->pending;

	for (size_t i = 0; i < marking->root_count; i++)
		suspect(marking, hw_reference_target(marking->roots[i]));
	for (uint32_t node = 0; node < marking->references->node_count; node++) {
		if (hw_mark_kind(marking->kinds, node) == HW_LEAK_REACHABLE)
			suspect_row(marking, node);
		while (pending->count)
			suspect_row(marking, pending->nodes[--pending->count]);
	}
	while (pending->count)
		suspect_row(marking, pending->nodes[--pending->count]);
}

struct hw_error *hw_marking_run(struct hw_marking *marking)
{
	struct hw_node_stack pending = { 0 }, doubtful = { 0 };

	marking->pending = &pending;
	marking->doubtful = &doubtful;
	marking->out_of_memory = false;
	mark_reachable(marking);
	mark_possible(marking);
	hw_node_stack_deinit(&pending);
	hw_node_stack_deinit(&doubtful);
	marking->pending = marking->doubtful = NULL;
	return marking->out_of_memory ? hw_error_no_memory() : NULL;
}
