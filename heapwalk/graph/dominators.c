/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T. Lengauer and R. E. Tarjan, "A fast algorithm for finding dominators in a flowgraph" (TOPLAS 1979), the
 * simple version: linking without balancing, evaluation with path compression. After the first walk all is
 * said in tree numbers, so that one comparison tells what comes first and which nodes are linked already:
 * those from a certain number upwards.
 */
#include "heapwalk/graph/dominators.h"
#include "heapwalk/graph/stack.h"

#define UNSEEN UINT32_MAX
#define ENTRY  0 /* also: a block that takes no part, since nothing refers to the entry */

struct search {
	const struct hw_flow *flow;
	uint32_t count;
	uint32_t *nodes;
	uint32_t *numbers;       /* node → tree number */
	uint32_t *ancestor;      /* the parent in the first walk, later on compressed */
	uint32_t *semi;          /* semi-dominator; in the first walk, how much of the row was followed */
	uint32_t *label;         /* the node with the least semi-dominator on the way to `ancestor` */
	uint32_t *bucket;        /* first node with this semi-dominator, 0: none */
	uint32_t *dominator;     /* until it is known: next in the bucket */
	uint64_t *source_starts; /* where a tree number's sources end, then (filled) start */
	uint32_t *sources;       /* tree numbers that refer to it */
	struct hw_node_stack path;
	bool out_of_memory;
};

static void search_deinit(struct search *search)
{
	free(search->nodes);
	free(search->numbers);
	free(search->ancestor);
	free(search->semi);
	free(search->label);
	free(search->bucket);
	free(search->dominator);
	free(search->source_starts);
	free(search->sources);
	hw_node_stack_deinit(&search->path);
}

static bool make(uint32_t **array, size_t count)
{
	*array = calloc(count, sizeof(**array));
	return *array;
}

/* The targets that a block or holder refers to. */
static const uint32_t *row_of(const struct hw_flow *flow, uint32_t node, uint64_t *length)
{
	const struct hw_references *table = flow->blocks;
	uint64_t start;

	if (node >= flow->blocks->node_count) {
		table = flow->holders;
		node -= flow->blocks->node_count;
	}
	start = hw_references_row(table, node);
	*length = hw_references_row(table, node + 1) - start;
	return table->targets + start;
}

static uint32_t enter(struct search *search, uint32_t node, uint32_t parent)
{
	uint32_t number = search->count++;

	search->nodes[number] = node;
	search->numbers[node] = number;
	search->ancestor[number] = parent;
	return number;
}

/* Numbers what can be reached from one holder and was not seen before. Goes back by the parents: no stack. */
static void walk_from(struct search *search, uint32_t holder)
{
	uint32_t number = enter(search, holder, ENTRY);

	while (number != ENTRY) {
		uint64_t length;
		const uint32_t *row = row_of(search->flow, search->nodes[number], &length);
		uint32_t next = search->semi[number];

		while (next < length && search->numbers[hw_reference_target(row[next])] != UNSEEN)
			next++;
		search->semi[number] = next;
		if (next < length)
			number = enter(search, hw_reference_target(row[next]), number);
		else
			number = search->ancestor[number];
	}
}

static bool walk(struct search *search)
{
	const struct hw_flow *flow = search->flow;
	uint32_t blocks = flow->blocks->node_count, holders = flow->holders->node_count;
	size_t limit = (size_t)blocks + holders + 1;

	if (!make(&search->nodes, limit) || !make(&search->numbers, limit) ||
		!make(&search->ancestor, limit) || !make(&search->semi, limit))
		return false;
	for (uint32_t node = 0; node < blocks + holders; node++) {
		bool out = node < blocks && flow->takes_part && !flow->takes_part(flow->argument, node);

		search->numbers[node] = out ? ENTRY : UNSEEN;
	}
	search->nodes[ENTRY] = UINT32_MAX;
	search->count = 1;
	for (uint32_t holder = 0; holder < holders; holder++)
		walk_from(search, blocks + holder);
	return true;
}

/* Calls for every reference, in tree numbers. */
static void each_reference(
	struct search *search, void (*visit)(struct search *search, uint32_t from, uint32_t to))
{
	for (uint32_t from = 1; from < search->count; from++) {
		uint64_t length;
		const uint32_t *row = row_of(search->flow, search->nodes[from], &length);

		for (uint64_t i = 0; i < length; i++) {
			uint32_t to = search->numbers[hw_reference_target(row[i])];

			if (to != ENTRY)
				visit(search, from, to);
		}
	}
}

static void count_source(struct search *search, uint32_t from hw_unused, uint32_t to)
{
	search->source_starts[to]++;
}

static void place_source(struct search *search, uint32_t from, uint32_t to)
{
	search->sources[--search->source_starts[to]] = from;
}

static bool find_sources(struct search *search)
{
	uint64_t total = 0;

	search->source_starts = calloc((size_t)search->count + 1, sizeof(*search->source_starts));
	if (!search->source_starts)
		return false;
	each_reference(search, count_source);
	for (uint32_t number = 0; number <= search->count; number++) {
		total += search->source_starts[number];
		search->source_starts[number] = total;
	}
	search->sources = reallocarray(NULL, hw_max(total, 1u), sizeof(*search->sources));
	if (!search->sources)
		return false;
	each_reference(search, place_source);
	return true;
}

/* Makes the way from `number` to the top of its linked tree one step long, and its label good for all of it.
 */
static void compress(struct search *search, uint32_t number, uint32_t first_linked)
{
	uint32_t *ancestor = search->ancestor, *label = search->label, *semi = search->semi;

	search->path.count = 0;
	while (ancestor[number] >= first_linked) {
		if (!hw_node_stack_push(&search->path, number)) {
			search->out_of_memory = true;
			return;
		}
		number = ancestor[number];
	}
	while (search->path.count) {
		uint32_t below = search->path.nodes[--search->path.count];

		if (semi[label[number]] < semi[label[below]])
			label[below] = label[number];
		ancestor[below] = ancestor[number];
		number = below;
	}
}

static uint32_t evaluate(struct search *search, uint32_t number, uint32_t first_linked)
{
	if (number < first_linked)
		return number;
	compress(search, number, first_linked);
	return search->label[number];
}

static void find_semi(struct search *search, uint32_t number)
{
	for (uint64_t i = search->source_starts[number]; i < search->source_starts[number + 1]; i++) {
		uint32_t least = evaluate(search, search->sources[i], number + 1);

		search->semi[number] = hw_min(search->semi[number], search->semi[least]);
	}
	search->semi[number] = hw_min(search->semi[number], search->ancestor[number]);
	search->dominator[number] = search->bucket[search->semi[number]];
	search->bucket[search->semi[number]] = number;
}

/* `number` has just been linked to its parent: what has the parent as semi-dominator can be told now. */
static void empty_bucket(struct search *search, uint32_t parent, uint32_t number)
{
	uint32_t next;

	for (uint32_t i = search->bucket[parent]; i; i = next) {
		uint32_t least = evaluate(search, i, number);

		next = search->dominator[i];
		search->dominator[i] = search->semi[least] < search->semi[i] ? least : parent;
	}
	search->bucket[parent] = 0;
}

static bool find_dominators(struct search *search)
{
	size_t count = search->count;

	if (!make(&search->label, count) || !make(&search->bucket, count) || !make(&search->dominator, count))
		return false;
	for (uint32_t number = 0; number < count; number++)
		search->label[number] = search->semi[number] = number;
	for (uint32_t number = (uint32_t)count - 1; number > ENTRY; number--) {
		uint32_t parent = search->ancestor[number];

		find_semi(search, number);
		empty_bucket(search, parent, number);
		if (search->out_of_memory)
			return false;
	}
	for (uint32_t number = 1; number < count; number++) {
		if (search->dominator[number] != search->semi[number])
			search->dominator[number] = search->dominator[search->dominator[number]];
	}
	return true;
}

struct hw_error *hw_dominators_build(const struct hw_flow *flow, struct hw_dominators *dominators)
{
	struct search search = { .flow = flow };
	bool found = (uint64_t)flow->blocks->node_count + flow->holders->node_count < UNSEEN &&
		     walk(&search) && find_sources(&search) && find_dominators(&search);

	if (found) {
		*dominators = (struct hw_dominators){
			.count = search.count,
			.nodes = hw_take(&search.nodes),
			.dominator = hw_take(&search.dominator),
		};
	}
	search_deinit(&search);
	return found ? NULL : hw_error_no_memory();
}

void hw_dominators_deinit(struct hw_dominators *dominators)
{
	free(dominators->nodes);
	free(dominators->dominator);
	*dominators = (struct hw_dominators){ 0 };
}
