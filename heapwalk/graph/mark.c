/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reachable, possibly lost, lost: two walks from the roots, with a stack of their own. The first one goes to
 * every block in no order that memory likes: it takes a batch of blocks from the stack at a time, so that
 * what each step needs has been sent for while the step before it was busy with the rest of the batch. (A
 * single long list has only ever one block to go on with, and waits for memory at each.)
 */
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

#define BATCH      64
#define REFERENCES 256

/* Blocks that are on their way through the walk, and what they refer to. */
struct batch {
	struct hw_marking *marking;
	size_t count;
	uint32_t nodes[BATCH];
	uint64_t rows[BATCH];
	size_t reference_count;
	struct {
		uint32_t reference;
		uint32_t node;
	} references[REFERENCES];
};

static void take_nodes(struct batch *batch)
{
	const struct hw_references *references = batch->marking->references;
	struct hw_node_stack *pending = batch->marking->pending;

	for (batch->count = 0; batch->count < BATCH && pending->count; batch->count++) {
		uint32_t node = pending->nodes[--pending->count];

		__builtin_prefetch(&references->rows[node]);
		batch->nodes[batch->count] = node;
	}
}

static void find_rows(struct batch *batch)
{
	const struct hw_references *references = batch->marking->references;

	for (size_t i = 0; i < batch->count; i++) {
		batch->rows[i] = hw_references_row(references, batch->nodes[i]);
		__builtin_prefetch(&references->targets[batch->rows[i]]);
	}
}

static void follow_references(struct batch *batch)
{
	struct hw_marking *marking = batch->marking;

	for (size_t i = 0; i < batch->reference_count; i++) {
		uint32_t reference = batch->references[i].reference, node = batch->references[i].node;
		const struct hw_node_stack *doubtful = marking->doubtful;

		if (!hw_reference_is_interior(reference))
			hw_marking_reach(marking, reference);
		else if (may_count(marking, reference) &&
			 (!doubtful->count || doubtful->nodes[doubtful->count - 1] != node))
			push(marking, marking->doubtful, node);
	}
	batch->reference_count = 0;
}

static void read_row(struct batch *batch, size_t index)
{
	const struct hw_references *references = batch->marking->references;
	uint32_t node = batch->nodes[index];
	uint64_t end = hw_references_row(references, node + 1);

	for (uint64_t i = batch->rows[index]; i < end; i++) {
		uint32_t reference = references->targets[i];

		__builtin_prefetch(&batch->marking->kinds[hw_reference_target(reference)], 1);
		if (batch->reference_count == REFERENCES)
			follow_references(batch);
		batch->references[batch->reference_count].reference = reference;
		batch->references[batch->reference_count++].node = node;
	}
}

static void reach_on(struct hw_marking *marking)
{
	struct batch batch;

	batch.marking = marking;
	batch.reference_count = 0;
	while (marking->pending->count) {
		take_nodes(&batch);
		find_rows(&batch);
		for (size_t i = 0; i < batch.count; i++)
			read_row(&batch, i);
		follow_references(&batch);
	}
}

static void drain_reachable(struct hw_marking *marking)
{
	struct hw_node_stack *pending = marking->pending, *doubtful = marking->doubtful;

	while (pending->count || doubtful->count) {
		if (pending->count)
			reach_on(marking);
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

/* All start pointers of reachable blocks have been followed: what they still lead to is interior. */
static void suspect_interior(struct hw_marking *marking, uint32_t node)
{
	const struct hw_references *references = marking->references;
	uint64_t end = hw_references_row(references, node + 1);

	for (uint64_t i = hw_references_row(references, node); i < end; i++) {
		if (hw_reference_is_interior(references->targets[i]))
			suspect(marking, hw_reference_target(references->targets[i]));
	}
}

static void mark_possible(struct hw_marking *marking)
{
	struct hw_node_stack *pending = marking->pending;

	for (size_t i = 0; i < marking->root_count; i++)
		suspect(marking, hw_reference_target(marking->roots[i]));
	for (uint32_t node = 0; node < marking->references->node_count; node++) {
		if (hw_mark_kind(marking->kinds, node) == HW_LEAK_REACHABLE)
			suspect_interior(marking, node);
		while (pending->count)
			suspect_row(marking, pending->nodes[--pending->count]);
	}
	while (pending->count)
		suspect_row(marking, pending->nodes[--pending->count]);
}

/* Starts over for what is possibly lost. */
static void reconsider(struct hw_marking *marking)
{
	const struct hw_references *references = marking->references;

	for (uint32_t node = 0; node < references->node_count; node++) {
		if (hw_mark_kind(marking->kinds, node) == HW_LEAK_POSSIBLE)
			hw_mark_set(marking->kinds, node, HW_LEAK_DEFINITE);
	}
	for (uint32_t node = 0; node < references->node_count; node++) {
		uint64_t i = hw_references_row(references, node),
			 end = hw_references_row(references, node + 1);

		while (i < end && !may_count(marking, references->targets[i]))
			i++;
		if (i < end && hw_mark_kind(marking->kinds, node) == HW_LEAK_REACHABLE)
			push(marking, marking->doubtful, node);
	}
	mark_reachable(marking);
	mark_possible(marking);
}

struct hw_error *hw_marking_run(struct hw_marking *marking)
{
	struct hw_node_stack pending = { 0 }, doubtful = { 0 };

	marking->pending = &pending;
	marking->doubtful = &doubtful;
	marking->out_of_memory = false;
	mark_reachable(marking);
	mark_possible(marking);
	if (marking->reconsider && marking->reconsider(marking))
		reconsider(marking);
	hw_node_stack_deinit(&pending);
	hw_node_stack_deinit(&doubtful);
	marking->pending = marking->doubtful = NULL;
	return marking->out_of_memory ? hw_error_no_memory() : NULL;
}
