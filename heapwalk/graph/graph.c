/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Roots, references and leak kinds of a heap, put together. */
#include "heapwalk/graph/graph.h"
#include "heapwalk/graph/habits.h"
#include "heapwalk/graph/heuristics.h"
#include "heapwalk/graph/huge.h"
#include "heapwalk/graph/root_scan.h"
#include "heapwalk/graph/scan.h"
#include "heapwalk/graph/stale.h"

/* While the graph is being built. */
struct builder {
	struct hw_graph *graph;
	const struct hw_graph_options *options;
	struct hw_scan scan;
	struct hw_heuristics heuristics;
	struct hw_marking marking;
	struct hw_error *error; /* of a callback */
};

const char *hw_heuristic_name(enum hw_heuristic heuristic)
{
	static const char *const names[HW_HEURISTICS] = {
		[HW_HEURISTIC_LENGTH64] = "length64",
		[HW_HEURISTIC_NEWARRAY] = "newarray",
		[HW_HEURISTIC_STDSTRING] = "stdstring",
		[HW_HEURISTIC_MULTIPLEINHERITANCE] = "multipleinheritance",
		[HW_HEURISTIC_ALIGNED] = "aligned",
		[HW_HEURISTIC_HABIT] = "habit",
	};

	return names[heuristic];
}

const char *hw_root_kind_name(enum hw_root_kind kind)
{
	static const char *const names[HW_ROOT_KINDS] = {
		[HW_ROOT_GLOBAL] = "global",
		[HW_ROOT_TLS] = "thread-local",
		[HW_ROOT_SPECIFIC] = "thread-specific",
		[HW_ROOT_DESCRIPTOR] = "thread descriptor",
		[HW_ROOT_LOADER] = "loader",
		[HW_ROOT_MAPPED] = "mapped",
		[HW_ROOT_STACK] = "stack",
		[HW_ROOT_REGISTER] = "register",
		[HW_ROOT_KERNEL] = "kernel",
	};

	return names[kind];
}

const char *hw_leak_kind_name(enum hw_leak_kind kind)
{
	static const char *const names[HW_LEAK_KINDS] = {
		[HW_LEAK_NONE] = "none",
		[HW_LEAK_REACHABLE] = "still reachable",
		[HW_LEAK_POSSIBLE] = "possibly lost",
		[HW_LEAK_INDIRECT] = "indirectly lost",
		[HW_LEAK_DEFINITE] = "definitely lost",
	};

	return names[kind];
}

const char *hw_lost_shape_name(enum hw_lost_shape shape)
{
	static const char *const names[HW_LOST_SHAPES] = {
		[HW_LOST_BLOCK] = "block",
		[HW_LOST_LIST] = "list",
		[HW_LOST_TREE] = "tree",
		[HW_LOST_CYCLE] = "cycle",
		[HW_LOST_WEB] = "web",
	};

	return names[shape];
}

bool hw_graph_root_value(const struct hw_graph *graph, const struct hw_root_word *word, uint64_t *value)
{
	const struct hw_root *root = &graph->roots[word->root];
	const struct hw_image *image = graph->heap->snapshot->image;
	const struct hw_thread *thread;
	uint8_t bytes[8];

	if (root->kind == HW_ROOT_KERNEL) {
		*value = hw_kernel_pointer(graph->heap, word->address);
		return true;
	}
	if (root->kind != HW_ROOT_REGISTER) {
		if (hw_image_read_some(image, word->address, bytes, image->word_size) != image->word_size)
			return false;
		*value = hw_image_word(image, bytes);
		return true;
	}
	thread = &graph->heap->snapshot->threads[root->owner];
	if (word->address < thread->general.size)
		*value = hw_image_word(image, thread->general.bytes + word->address);
	else
		*value = hw_image_word(image, thread->vector.bytes + (word->address - thread->general.size));
	return true;
}

/* A pointer that does not reach its target's start: does it count nevertheless? */
static void judge(struct builder *builder, uint32_t target, uint64_t pointer)
{
	struct hw_graph *graph = builder->graph;
	enum hw_heuristic heuristic;

	if (!(graph->kinds[target] & HW_MARK_HINT) || hw_mark_kind(graph->kinds, target) != HW_LEAK_DEFINITE)
		return;
	heuristic = hw_heuristics_judge(&builder->heuristics, target, pointer);
	if (heuristic == HW_HEURISTICS) {
		struct hw_habit *habit = hw_habit_of(graph, target, pointer);

		if (!habit)
			return;
		heuristic = HW_HEURISTIC_HABIT;
		habit->chunks++;
	}
	graph->heuristics[heuristic].chunks++;
	graph->heuristics[heuristic].bytes += hw_chunk_size(graph->heap, target);
	hw_marking_reach(&builder->marking, target);
}

static bool judge_hit(void *argument, const struct hw_hit *hit)
{
	if (hw_reference_is_interior(hit->reference))
		judge(argument, hw_reference_target(hit->reference), hit->word);
	return true;
}

static void resolve(struct hw_marking *marking, uint32_t node, size_t root)
{
	struct builder *builder = marking->argument;
	const struct hw_graph *graph = builder->graph;
	uint64_t start, word;

	if (node == UINT32_MAX) {
		if (hw_graph_root_value(graph, &graph->parts->root_words[root], &word))
			judge(builder, hw_reference_target(marking->roots[root]), word);
		return;
	}
	start = hw_chunk_user(graph->heap, node);
	(void)!hw_scan_range(&builder->scan, start, start + hw_scan_usable(graph->heap, node));
}

static bool reconsider(struct hw_marking *marking)
{
	struct builder *builder = marking->argument;

	if (!(builder->options->no_heuristics >> HW_HEURISTIC_HABIT & 1))
		builder->error = hw_habits_find(builder->graph, &builder->scan);
	return builder->graph->habit_count;
}

static struct hw_error *mark(struct builder *builder)
{
	struct hw_graph_parts *parts = builder->graph->parts;
	struct hw_error *error;

	builder->marking = (struct hw_marking){
		.references = &parts->references,
		.roots = parts->root_references,
		.root_count = parts->root_word_count,
		.kinds = builder->graph->kinds,
		.resolve = resolve,
		.reconsider = reconsider,
		.argument = builder,
	};
	builder->scan.hit = judge_hit;
	builder->scan.self = NULL;
	builder->scan.argument = builder;
	error = hw_marking_run(&builder->marking);
	if (!error)
		return builder->error;
	hw_error_destroy(builder->error);
	return error;
}

/* Live chunks are lost until somebody is found who refers to them. */
static struct hw_error *prepare(struct hw_graph *graph)
{
	const struct hw_heap *heap = graph->heap;

	graph->kinds = malloc((size_t)heap->chunks.count + 1);
	if (!graph->kinds)
		return hw_error_no_memory();
	hw_huge_advise(graph->kinds, heap->chunks.count);
	for (uint32_t i = 0; i < heap->chunks.count; i++)
		graph->kinds[i] = hw_chunk_is_live(heap, i) ? HW_LEAK_DEFINITE : HW_LEAK_NONE;
	return hw_references_init(&graph->parts->references, heap->chunks.count);
}

static uint64_t bytes_of(const void *argument, uint32_t node)
{
	return hw_chunk_size(argument, node);
}

/*
 * An object is more of a head than a struct of pointers, and that more than a text; then the first, which was
 * mostly made first. (The largest would be wrong for a ring of nodes with a small head of its own, as
 * std::list is.)
 */
static uint64_t rank_of(const void *argument, uint32_t node)
{
	static const uint64_t ranks[HW_CONTENTS] = {
		[HW_CONTENT_CXX] = 3,
		[HW_CONTENT_POINTERS] = 2,
		[HW_CONTENT_TEXT_PART] = 2,
		[HW_CONTENT_NONE] = 1,
		[HW_CONTENT_ZERO] = 1,
		[HW_CONTENT_NUMBERS] = 1,
		[HW_CONTENT_DATA] = 1,
	};

	return ranks[hw_chunk_content(argument, node)] << 32 | (UINT32_MAX - node);
}

static struct hw_error *find_families(struct hw_graph *graph)
{
	const struct hw_lost_nodes nodes = {
		.bytes_of = bytes_of, .rank_of = rank_of, .argument = graph->heap
	};
	struct hw_lost_forest forest;
	struct hw_error *error =
		hw_lost_forest_build(&graph->parts->references, graph->kinds, &nodes, &forest);

	if (error)
		return error;
	graph->trees = forest.trees;
	graph->tree_count = forest.count;
	for (uint32_t i = 0; i < graph->heap->chunks.count; i++) {
		struct hw_tally *tally = &graph->tallies[graph->kinds[i]];

		if (graph->kinds[i] == HW_LEAK_NONE)
			continue;
		tally->chunks++;
		tally->bytes += hw_chunk_size(graph->heap, i);
	}
	return NULL;
}

static struct hw_error *scan_all(struct builder *builder)
{
	struct hw_graph *graph = builder->graph;
	struct hw_graph_parts *parts = graph->parts;
	struct hw_error *error = hw_roots_find(graph->heap, builder->options->ignore, &parts->roots);

	if (error)
		return error;
	graph->roots = parts->roots.roots;
	graph->root_count = parts->roots.count;
	graph->missing = parts->roots.missing;
	error = hw_roots_scan(&builder->scan, parts);
	if (error)
		return error;
	builder->scan.unread = 0;
	error = hw_scan_heap(&builder->scan, graph->kinds, &parts->references, builder->options->progress,
		builder->options->argument);
	graph->unread = builder->scan.unread;
	return error;
}

static struct hw_error *build(struct builder *builder)
{
	struct hw_graph *graph = builder->graph;
	struct hw_error *error = prepare(graph);

	if (!error)
		error = hw_heuristics_init(
			&builder->heuristics, graph->heap, builder->options->no_heuristics);
	if (error)
		return error;
	hw_scan_init(&builder->scan, graph->heap, graph->kinds);
	error = scan_all(builder);
	if (!error)
		error = mark(builder);
	if (!error)
		error = find_families(graph);
	if (!error)
		error = hw_stale_find(graph);
	hw_scan_deinit(&builder->scan);
	hw_heuristics_deinit(&builder->heuristics);
	return error;
}

struct hw_error *hw_graph_build(
	const struct hw_heap *heap, const struct hw_graph_options *options, struct hw_graph **graph)
{
	static const struct hw_graph_options defaults;
	struct builder builder = {
		.graph = calloc(1, sizeof(*builder.graph)),
		.options = options ? options : &defaults,
	};
	struct hw_error *error = NULL;

	if (!builder.graph)
		return hw_error_no_memory();
	builder.graph->heap = heap;
	builder.graph->parts = calloc(1, sizeof(*builder.graph->parts));
	if (builder.graph->parts)
		error = build(&builder);
	else
		error = hw_error_no_memory();
	if (error) {
		hw_graph_destroy(builder.graph);
		return error;
	}
	*graph = builder.graph;
	return NULL;
}

void hw_graph_destroy(struct hw_graph *graph)
{
	if (!graph)
		return;
	if (graph->parts) {
		hw_references_deinit(&graph->parts->references);
		hw_roots_deinit(&graph->parts->roots);
		free(graph->parts->root_words);
		free(graph->parts->root_references);
		free(graph->parts);
	}
	free(graph->kinds);
	free(graph->trees);
	free(graph->habits);
	free(graph);
}
