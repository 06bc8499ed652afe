/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Retained memory: sums over the dominator tree, and its heavy part from the top. */
#include "heapwalk/graph/dominators.h"
#include "heapwalk/graph/graph.h"
#include "heapwalk/graph/stack.h"

#define NONE UINT32_MAX

#define LEAST_SHARE 0.01
#define DEPTH       3
#define BREADTH     4
#define DEPTH_LIMIT 60

/* A chunk that keeps so much of what the one above keeps, and has its size, is a link of the same list. */
#define RUN_SHARE 0.5

struct tree {
	const struct hw_graph *graph;
	struct hw_retained *retained;
	size_t capacity;
	struct hw_dominators dominators;
	struct hw_tally *sums; /* by tree number: what would be freed with it */
	uint32_t *first_child; /* of those heavy enough, tree numbers, 0: none */
	uint32_t *next;
	uint32_t *shown; /* tree number → retainer + 1; 0: not shown */
	uint64_t least;
	unsigned depth;
	unsigned breadth;
};

static void tree_deinit(struct tree *tree)
{
	hw_dominators_deinit(&tree->dominators);
	free(tree->sums);
	free(tree->first_child);
	free(tree->next);
	free(tree->shown);
}

/* ------------------------------------------------------------------------------------------------ holders */

static bool only_uses(enum hw_root_kind kind)
{
	return kind == HW_ROOT_STACK || kind == HW_ROOT_REGISTER;
}

/* Marks in kept[] all that can be reached from holders that are no stack and no register. */
static bool mark_kept(const struct hw_graph *graph, uint8_t *kept)
{
	const struct hw_graph_parts *parts = graph->parts;
	const struct hw_references *references = &parts->references;
	struct hw_node_stack pending = { 0 };
	bool done = true;

	for (size_t i = 0; done && i < parts->root_word_count; i++) {
		uint32_t target = hw_reference_target(parts->root_references[i]);

		if (only_uses(graph->roots[parts->root_words[i].root].kind) || kept[target])
			continue;
		kept[target] = 1;
		done = hw_node_stack_push(&pending, target);
	}
	while (done && pending.count) {
		uint32_t node = pending.nodes[--pending.count];
		uint64_t end = hw_references_row(references, node + 1);

		for (uint64_t i = hw_references_row(references, node); done && i < end; i++) {
			uint32_t target = hw_reference_target(references->targets[i]);

			if (kept[target])
				continue;
			kept[target] = 1;
			done = hw_node_stack_push(&pending, target);
		}
	}
	hw_node_stack_deinit(&pending);
	return done;
}

/* Root words in order of their holders; the caller's to free, NULL when memory is short. */
static uint32_t *sort_words(const struct hw_graph_parts *parts, const struct hw_holders *holders)
{
	hw_autofree uint64_t *places = calloc((size_t)holders->count + 2, sizeof(*places));
	uint32_t *order = calloc(parts->root_word_count + 1, sizeof(*order));

	if (!places || !order) {
		free(order);
		return NULL;
	}
	for (size_t i = 0; i < parts->root_word_count; i++)
		places[holders->of_word[i] + 1]++;
	for (uint32_t i = 0; i < holders->count; i++)
		places[i + 1] += places[i];
	for (size_t i = 0; i < parts->root_word_count; i++)
		order[places[holders->of_word[i]]++] = (uint32_t)i;
	return order;
}

/* Which chunks each holder keeps: rows in order of holders. */
static bool fill_rows(const struct hw_graph *graph, const struct hw_holders *holders, const uint32_t *order,
	const uint8_t *kept, struct hw_references *rows)
{
	const struct hw_graph_parts *parts = graph->parts;

	for (size_t i = 0; i < parts->root_word_count; i++) {
		uint32_t word = order[i], reference = parts->root_references[word];

		if (only_uses(graph->roots[parts->root_words[word].root].kind) &&
			kept[hw_reference_target(reference)])
			continue;
		if (!hw_references_begin(rows, holders->of_word[word]) || !hw_references_add(rows, reference))
			return false;
	}
	return hw_references_begin(rows, holders->count);
}

static struct hw_error *make_rows(
	const struct hw_graph *graph, const struct hw_holders *holders, struct hw_references *rows)
{
	hw_autofree uint8_t *kept = calloc((size_t)graph->heap->chunks.count + 1, 1);
	hw_autofree uint32_t *order = sort_words(graph->parts, holders);
	struct hw_error *error = hw_references_init(rows, holders->count);

	if (error)
		return error;
	if (!kept || !order || !mark_kept(graph, kept) || !fill_rows(graph, holders, order, kept, rows))
		return hw_error_no_memory();
	return NULL;
}

/* --------------------------------------------------------------------------------------------------- sums */

static bool is_chunk(const struct tree *tree, uint32_t number)
{
	return tree->dominators.nodes[number] < tree->graph->heap->chunks.count;
}

/* A node comes before what it dominates, so one pass backwards sums up. */
static void sum_up(struct tree *tree)
{
	const struct hw_dominators *dominators = &tree->dominators;

	for (uint32_t i = dominators->count; i-- > 1;) {
		struct hw_tally *sum = &tree->sums[i], *above = &tree->sums[dominators->dominator[i]];

		if (is_chunk(tree, i)) {
			sum->bytes += hw_chunk_size(tree->graph->heap, dominators->nodes[i]);
			sum->chunks++;
		}
		above->bytes += sum->bytes;
		above->chunks += sum->chunks;
	}
	tree->retained->reachable = tree->sums[0];
}

/* Sums up what the entry itself dominates, and links what is heavy to its dominator. */
static void link_heavy(struct tree *tree)
{
	const struct hw_dominators *dominators = &tree->dominators;
	struct hw_tally *shared = &tree->retained->shared;

	for (uint32_t i = dominators->count; i-- > 1;) {
		uint32_t above = dominators->dominator[i];

		if (!above && is_chunk(tree, i)) {
			shared->chunks += tree->sums[i].chunks;
			shared->bytes += tree->sums[i].bytes;
		}
		if (tree->sums[i].bytes < tree->least)
			continue;
		tree->next[i] = tree->first_child[above];
		tree->first_child[above] = i;
	}
}

/* ---------------------------------------------------------------------------------------------- the heavy */

/* Takes out the heaviest of a node's heavy children; there are few, each has its share. NONE: no more. */
static uint32_t take_heaviest(struct tree *tree, uint32_t above)
{
	uint32_t *best = NULL, taken;

	for (uint32_t *at = &tree->first_child[above]; *at; at = &tree->next[*at]) {
		if (!best || tree->sums[*at].bytes > tree->sums[*best].bytes)
			best = at;
	}
	if (!best)
		return NONE;
	taken = *best;
	*best = tree->next[taken];
	tree->next[taken] = 0;
	return taken;
}

static bool is_link(const struct tree *tree, uint32_t above, uint32_t child)
{
	const struct hw_heap *heap = tree->graph->heap;

	return is_chunk(tree, above) && is_chunk(tree, child) && !tree->next[child] &&
	       hw_chunk_size(heap, tree->dominators.nodes[above]) ==
		       hw_chunk_size(heap, tree->dominators.nodes[child]) &&
	       (double)tree->sums[child].bytes >= RUN_SHARE * (double)tree->sums[above].bytes;
}

/* Goes down a list as long as its next link keeps most of what is left. */
static uint32_t skip_run(const struct tree *tree, uint32_t number, uint64_t *run)
{
	*run = 1;
	while (tree->first_child[number] && is_link(tree, number, tree->first_child[number])) {
		number = tree->first_child[number];
		++*run;
	}
	return number;
}

/* `last`: of a run, whose children are told next. */
static bool add_retainer(struct tree *tree, uint32_t number, uint32_t last, uint32_t depth, uint64_t run)
{
	struct hw_retained *retained = tree->retained;
	uint32_t node = tree->dominators.nodes[number], chunks = tree->graph->heap->chunks.count;
	struct hw_retainer *slot = hw_array_next(retained->retainers, retained->count, tree->capacity);

	if (!slot)
		return false;
	*slot = (struct hw_retainer){
		.depth = depth,
		.holder = node < chunks ? NONE : node - chunks,
		.chunk = node < chunks ? node : NONE,
		.run = run,
		.via = NONE,
		.retained = tree->sums[number],
	};
	tree->shown[last] = ++retained->count;
	return true;
}

/* Depth first, with a path of its own. */
static bool cut(struct tree *tree)
{
	uint32_t path[DEPTH_LIMIT + 2] = { 0 }, told[DEPTH_LIMIT + 2] = { 0 };
	unsigned depth = 0;

	for (;;) {
		bool more = depth <= tree->depth && (!depth || told[depth] < tree->breadth);
		uint32_t child = more ? take_heaviest(tree, path[depth]) : NONE;
		uint64_t run;

		if (child == NONE) {
			if (!depth--)
				return true;
			continue;
		}
		path[depth + 1] = skip_run(tree, child, &run);
		if (!add_retainer(tree, child, path[depth + 1], depth, run))
			return false;
		told[depth++]++;
		told[depth] = 0;
	}
}

/* ---------------------------------------------------------------------------------------------- the alike */

/* The retainer right above a chunk, NULL: it is not shown. */
static struct hw_retainer *shown_above(const struct tree *tree, uint32_t number)
{
	uint32_t shown = tree->shown[tree->dominators.dominator[number]];

	return shown && is_chunk(tree, number) ? &tree->retained->retainers[shown - 1] : NULL;
}

/*
 * The size that most of the chunks right below a retainer have, by majority vote (Boyer and Moore): in the
 * first round alike.chunks is the vote, in the second they are counted.
 */
static void find_alike(struct tree *tree)
{
	const struct hw_heap *heap = tree->graph->heap;
	const struct hw_dominators *dominators = &tree->dominators;

	for (uint32_t i = 1; i < dominators->count; i++) {
		struct hw_retainer *above = shown_above(tree, i);
		uint32_t chunk = dominators->nodes[i];

		if (!above)
			continue;
		if (!above->alike.chunks) {
			above->alike_size = hw_chunk_size(heap, chunk);
			above->alike_example = chunk;
		}
		above->alike.chunks += above->alike_size == hw_chunk_size(heap, chunk) ? 1 : UINT64_MAX;
	}
	for (uint32_t i = 0; i < tree->retained->count; i++)
		tree->retained->retainers[i].alike = (struct hw_tally){ 0 };
	for (uint32_t i = 1; i < dominators->count; i++) {
		struct hw_retainer *above = shown_above(tree, i);

		if (!above || above->alike_size != hw_chunk_size(heap, dominators->nodes[i]))
			continue;
		above->alike.chunks++;
		above->alike.bytes += above->alike_size;
		above->alike_retained.chunks += tree->sums[i].chunks;
		above->alike_retained.bytes += tree->sums[i].bytes;
	}
}

static bool allocate(struct tree *tree)
{
	size_t count = (size_t)tree->dominators.count + 1;

	tree->sums = calloc(count, sizeof(*tree->sums));
	tree->first_child = calloc(count, sizeof(*tree->first_child));
	tree->next = calloc(count, sizeof(*tree->next));
	tree->shown = calloc(count, sizeof(*tree->shown));
	return tree->sums && tree->first_child && tree->next && tree->shown;
}

static struct hw_error *find_dominators(struct tree *tree)
{
	struct hw_references rows = { 0 };
	struct hw_flow flow = { .blocks = &tree->graph->parts->references, .holders = &rows };
	struct hw_error *error = make_rows(tree->graph, &tree->retained->holders, &rows);

	if (!error)
		error = hw_dominators_build(&flow, &tree->dominators);
	hw_references_deinit(&rows);
	return error;
}

static struct hw_error *build(
	struct tree *tree, const struct hw_names *names, const struct hw_retained_options *options)
{
	struct hw_error *error = hw_holders_build(tree->graph, names, &tree->retained->holders);

	if (!error)
		error = find_dominators(tree);
	if (error)
		return error;
	if (!allocate(tree))
		return hw_error_no_memory();
	sum_up(tree);
	tree->least = (uint64_t)((options && options->least > 0 ? options->least : LEAST_SHARE) *
				 (double)tree->retained->reachable.bytes);
	tree->least = hw_max(tree->least, 1u);
	tree->depth = hw_min(options && options->depth ? options->depth : DEPTH, (unsigned)DEPTH_LIMIT);
	tree->breadth = options && options->breadth ? options->breadth : BREADTH;
	link_heavy(tree);
	if (!cut(tree))
		return hw_error_no_memory();
	find_alike(tree);
	return names ? hw_retained_name(tree->graph, names, tree->retained) : NULL;
}

struct hw_error *hw_retained_build(const struct hw_graph *graph, const struct hw_names *names,
	const struct hw_retained_options *options, struct hw_retained **retained)
{
	struct tree tree = { .graph = graph, .retained = calloc(1, sizeof(**retained)) };
	struct hw_error *error;

	if (!tree.retained)
		return hw_error_no_memory();
	error = build(&tree, names, options);
	tree_deinit(&tree);
	if (error) {
		hw_retained_destroy(tree.retained);
		return error;
	}
	*retained = tree.retained;
	return NULL;
}

void hw_retained_destroy(struct hw_retained *retained)
{
	if (!retained)
		return;
	hw_holders_deinit(&retained->holders);
	for (uint32_t i = 1; i < retained->text_count; i++)
		free(retained->texts[i]);
	free(retained->texts);
	free(retained->retainers);
	free(retained);
}
