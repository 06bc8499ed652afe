/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Heads of lost families. A lost block that no other lost block refers to is a head and takes all that it
 * reaches. What remains is in cycles, or hangs on them. Of these, one block of each cycle that hangs on
 * nothing must be a head: in a depth-first walk by address such a cycle is only ever entered at its lowest
 * address, which is then left after all that it reaches; so going back from the block that was left last,
 * every block that no later one reaches is in such a cycle. Which of its blocks is called the head is a
 * matter of taste: of those that are seen to lead back to this one, the one that looks most like a head.
 */
#include "heapwalk/graph/mark.h"
#include "heapwalk/graph/stack.h"

/* Through a cycle of cycles not all ways back are found in so many rounds. */
#define ROUNDS 16

struct lost_walk {
	const struct hw_references *references;
	uint8_t *kinds;
	const struct hw_lost_nodes *nodes;
	struct hw_lost_forest *forest;
	struct hw_node_stack pending;
	struct hw_node_stack
		cursors;           /* beside `pending` while cycles are ordered: how far each row is done */
	struct hw_node_stack left; /* blocks in the order in which the walk left them */
	struct hw_node_stack
		entered;             /* beside `pending`: how many had been left when the block was entered */
	struct hw_node_stack firsts; /* beside `left`: the same */
	bool out_of_memory;
};

static void push(struct lost_walk *walk, struct hw_node_stack *stack, uint32_t node)
{
	if (!hw_node_stack_push(stack, node))
		walk->out_of_memory = true;
}

static bool is_lost(const struct lost_walk *walk, uint32_t node)
{
	enum hw_leak_kind kind = hw_mark_kind(walk->kinds, node);

	return kind == HW_LEAK_DEFINITE || kind == HW_LEAK_INDIRECT;
}

static void note_referenced(struct lost_walk *walk, uint32_t node)
{
	const struct hw_references *references = walk->references;
	uint64_t end = hw_references_row(references, node + 1);

	for (uint64_t i = hw_references_row(references, node); i < end; i++) {
		uint32_t target = hw_reference_target(references->targets[i]);

		if (target != node)
			walk->kinds[target] |= HW_MARK_REFERENCED;
	}
}

static void take(struct lost_walk *walk, struct hw_lost_tree *family, uint32_t node)
{
	hw_mark_set(walk->kinds, node, HW_LEAK_INDIRECT);
	family->bytes += walk->nodes->bytes_of(walk->nodes->argument, node);
	family->blocks++;
	push(walk, &walk->pending, node);
}

static void take_row(struct lost_walk *walk, struct hw_lost_tree *family, uint32_t node)
{
	const struct hw_references *references = walk->references;
	uint64_t end = hw_references_row(references, node + 1);
	uint32_t last = node;

	for (uint64_t i = hw_references_row(references, node); i < end; i++) {
		uint32_t target = hw_reference_target(references->targets[i]);

		if (target == last || target == node || !is_lost(walk, target))
			continue;
		family->references++;
		family->branches |= last != node;
		last = target;
		if (target == family->head)
			family->cycle = true;
		else if (hw_mark_kind(walk->kinds, target) == HW_LEAK_DEFINITE)
			take(walk, family, target);
	}
}

static void take_family(struct lost_walk *walk, uint32_t head)
{
	struct hw_lost_forest *forest = walk->forest;
	struct hw_lost_tree *family = hw_array_next(forest->trees, forest->count, forest->capacity);

	if (!family) {
		walk->out_of_memory = true;
		return;
	}
	forest->count++;
	*family = (struct hw_lost_tree){
		.head = head,
		.blocks = 1,
		.bytes = walk->nodes->bytes_of(walk->nodes->argument, head),
	};
	walk->kinds[head] |= HW_MARK_SEEN;
	take_row(walk, family, head);
	while (walk->pending.count)
		take_row(walk, family, walk->pending.nodes[--walk->pending.count]);
}

/* Lost, in no family, and not yet seen by the walk that orders cycles. */
static bool is_unseen(const struct lost_walk *walk, uint32_t node)
{
	return hw_mark_kind(walk->kinds, node) == HW_LEAK_DEFINITE && !(walk->kinds[node] & HW_MARK_SEEN);
}

static void enter(struct lost_walk *walk, uint32_t node)
{
	walk->kinds[node] |= HW_MARK_SEEN;
	push(walk, &walk->pending, node);
	push(walk, &walk->cursors, 0);
	push(walk, &walk->entered, (uint32_t)walk->left.count);
}

static void order_from(struct lost_walk *walk, uint32_t first)
{
	const struct hw_references *references = walk->references;

	enter(walk, first);
	while (walk->pending.count && !walk->out_of_memory) {
		uint32_t node = walk->pending.nodes[walk->pending.count - 1];
		uint32_t *cursor = &walk->cursors.nodes[walk->cursors.count - 1];
		uint64_t start = hw_references_row(references, node);
		uint64_t length = hw_references_row(references, node + 1) - start;
		const uint32_t *row = references->targets + start;

		while (*cursor < length && !is_unseen(walk, hw_reference_target(row[*cursor])))
			++*cursor;
		if (*cursor < length) {
			enter(walk, hw_reference_target(row[(*cursor)++]));
			continue;
		}
		push(walk, &walk->left, node);
		push(walk, &walk->firsts, walk->entered.nodes[walk->entered.count - 1]);
		walk->pending.count--;
		walk->cursors.count--;
		walk->entered.count--;
	}
}

static bool leads_back(const struct lost_walk *walk, uint32_t node, uint32_t to)
{
	const struct hw_references *references = walk->references;
	uint64_t end = hw_references_row(references, node + 1);

	for (uint64_t i = hw_references_row(references, node); i < end; i++) {
		uint32_t target = hw_reference_target(references->targets[i]);

		if (target == to || walk->kinds[target] & HW_MARK_LEADS)
			return true;
	}
	return false;
}

/*
 * Marks blocks from the list of those left that lead to `node`, every second time from the end; true when
 * there were new ones.
 */
static bool mark_leading(struct lost_walk *walk, uint32_t node, size_t first, size_t end, bool backwards)
{
	bool more = false;

	for (size_t i = first; i < end; i++) {
		uint32_t other = walk->left.nodes[backwards ? end - 1 - (i - first) : i];
		uint8_t *kind = &walk->kinds[other];

		if ((*kind & HW_MARK_KIND) != HW_LEAK_DEFINITE || *kind & HW_MARK_LEADS ||
			!leads_back(walk, other, node))
			continue;
		*kind |= HW_MARK_LEADS;
		more = true;
	}
	return more;
}

static uint64_t rank_of(const struct lost_walk *walk, uint32_t node)
{
	const struct hw_lost_nodes *nodes = walk->nodes;

	return nodes->rank_of ? nodes->rank_of(nodes->argument, node)
			      : nodes->bytes_of(nodes->argument, node);
}

/*
 * The head of the cycle that the block number `at` of those left is in. What it reaches was left since it was
 * entered, children before parents, so that a few rounds there and back find nearly all that lead back.
 */
static uint32_t choose_head(struct lost_walk *walk, size_t at)
{
	uint32_t node = walk->left.nodes[at], best = node;
	size_t first = walk->firsts.nodes[at];

	for (unsigned round = 0; round < ROUNDS && mark_leading(walk, node, first, at, round % 2); round++)
		continue;
	for (size_t i = first; i < at; i++) {
		uint32_t other = walk->left.nodes[i];

		if (walk->kinds[other] & HW_MARK_LEADS && rank_of(walk, other) > rank_of(walk, best))
			best = other;
	}
	return best;
}

static void find_cycles(struct lost_walk *walk)
{
	for (uint32_t node = 0; node < walk->references->node_count && !walk->out_of_memory; node++) {
		if (is_unseen(walk, node))
			order_from(walk, node);
	}
	while (walk->left.count && !walk->out_of_memory) {
		uint32_t node = walk->left.nodes[--walk->left.count];

		/* One that leads back is a head already. */
		if ((walk->kinds[node] & (HW_MARK_KIND | HW_MARK_LEADS)) == HW_LEAK_DEFINITE)
			take_family(walk, choose_head(walk, walk->left.count));
	}
}

static void find_heads(struct lost_walk *walk)
{
	uint32_t count = walk->references->node_count;

	for (uint32_t node = 0; node < count; node++) {
		if (hw_mark_kind(walk->kinds, node) == HW_LEAK_DEFINITE)
			note_referenced(walk, node);
	}
	for (uint32_t node = 0; node < count && !walk->out_of_memory; node++) {
		if ((walk->kinds[node] & (HW_MARK_KIND | HW_MARK_REFERENCED)) == HW_LEAK_DEFINITE)
			take_family(walk, node);
	}
	find_cycles(walk);
}

struct hw_error *hw_lost_forest_build(const struct hw_references *references, uint8_t *kinds,
	const struct hw_lost_nodes *nodes, struct hw_lost_forest *forest)
{
	struct lost_walk walk = {
		.references = references,
		.kinds = kinds,
		.nodes = nodes,
		.forest = forest,
	};

	*forest = (struct hw_lost_forest){ 0 };
	for (uint32_t node = 0; node < references->node_count; node++)
		kinds[node] &= HW_MARK_KIND;
	find_heads(&walk);
	for (uint32_t node = 0; node < references->node_count; node++)
		kinds[node] &= HW_MARK_KIND;
	hw_node_stack_deinit(&walk.pending);
	hw_node_stack_deinit(&walk.cursors);
	hw_node_stack_deinit(&walk.left);
	hw_node_stack_deinit(&walk.entered);
	hw_node_stack_deinit(&walk.firsts);
	if (walk.out_of_memory) {
		hw_lost_forest_deinit(forest);
		return hw_error_no_memory();
	}
	return NULL;
}

void hw_lost_forest_deinit(struct hw_lost_forest *forest)
{
	free(forest->trees);
	*forest = (struct hw_lost_forest){ 0 };
}

enum hw_lost_shape hw_lost_tree_shape(const struct hw_lost_tree *tree)
{
	if (tree->cycle)
		return HW_LOST_CYCLE;
	if (tree->blocks == 1)
		return HW_LOST_BLOCK;
	if (tree->references + 1 != tree->blocks)
		return HW_LOST_WEB;
	/* What one block has hanging on it need not be its next. */
	return tree->branches || tree->blocks == 2 ? HW_LOST_TREE : HW_LOST_LIST;
}
