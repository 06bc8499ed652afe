/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Habits, from one more look into the blocks that refer to the middle of others. */
#include "heapwalk/graph/habits.h"

/* So many blocks of one size, and this share of all that are referred to by their middle, make a habit. */
#define HABIT_BLOCKS 16
#define HABIT_SHARE  0.9

/* What is so with this many sizes is so with all. */
#define HABIT_SIZES 3

/* More references than these are not looked at: then there is no lack of evidence. */
#define HOLDINGS_MOST ((size_t)1 << 22)

/* A block and where a pointer leads into it. */
struct holding {
	uint64_t size; /* of the chunk */
	uint64_t offset;
	uint32_t chunk;
};

struct search {
	struct hw_graph *graph;
	struct hw_scan *scan;
	struct holding *holdings;
	size_t count;
	size_t capacity;
	bool out_of_memory;
};

static bool is_open(const struct hw_graph *graph, uint32_t chunk)
{
	return hw_mark_kind(graph->kinds, chunk) == HW_LEAK_POSSIBLE;
}

static bool is_reached(const struct hw_graph *graph, uint32_t chunk)
{
	return hw_mark_kind(graph->kinds, chunk) == HW_LEAK_REACHABLE || is_open(graph, chunk);
}

/*
 * A pointer to a block's last word or behind it is to the next chunk's header, and one of malloc's own; or to
 * the end of an array.
 */
static void note(struct search *search, uint32_t chunk, uint64_t pointer)
{
	const struct hw_heap *heap = search->graph->heap;
	uint64_t offset = pointer - hw_chunk_user(heap, chunk);
	struct holding *slot;

	if (!is_open(search->graph, chunk) || offset + heap->word_size >= hw_scan_usable(heap, chunk) ||
		search->count >= HOLDINGS_MOST)
		return;
	slot = hw_array_next(search->holdings, search->count, search->capacity);
	if (!slot) {
		search->out_of_memory = true;
		return;
	}
	*slot = (struct holding){ .size = hw_chunk_size(heap, chunk), .offset = offset, .chunk = chunk };
	search->count++;
}

static bool note_hit(void *argument, const struct hw_hit *hit)
{
	struct search *search = argument;

	if (hw_reference_is_interior(hit->reference))
		note(search, hw_reference_target(hit->reference), hit->word);
	return !search->out_of_memory;
}

static bool leads_to_open(const struct search *search, uint32_t chunk)
{
	const struct hw_references *references = &search->graph->parts->references;
	uint64_t end = hw_references_row(references, chunk + 1);

	for (uint64_t i = hw_references_row(references, chunk); i < end; i++) {
		if (hw_reference_is_interior(references->targets[i]) &&
			is_open(search->graph, hw_reference_target(references->targets[i])))
			return true;
	}
	return false;
}

static void note_all(struct search *search)
{
	const struct hw_graph *graph = search->graph;
	const struct hw_graph_parts *parts = graph->parts;

	for (size_t i = 0; i < parts->root_word_count; i++) {
		uint32_t reference = parts->root_references[i];
		uint64_t word;

		if (hw_reference_is_interior(reference) && is_open(graph, hw_reference_target(reference)) &&
			hw_graph_root_value(graph, &parts->root_words[i], &word))
			note(search, hw_reference_target(reference), word);
	}
	for (uint32_t i = 0; i < graph->heap->chunks.count && !search->out_of_memory; i++) {
		uint64_t start = hw_chunk_user(graph->heap, i);

		if (is_reached(graph, i) && leads_to_open(search, i))
			(void)!hw_scan_range(search->scan, start, start + hw_scan_usable(graph->heap, i));
	}
}

static int compare(const void *left, const void *right)
{
	const struct holding *a = left, *b = right;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return a->chunk < b->chunk ? -1 : a->chunk > b->chunk;
}

/* Different blocks among these, which HW_MARK_SEEN tells; it is taken off again. */
static size_t count_blocks(const struct search *search, const struct holding *holdings, size_t count)
{
	uint8_t *kinds = search->graph->kinds;
	size_t blocks = 0;

	for (size_t i = 0; i < count; i++) {
		blocks += !(kinds[holdings[i].chunk] & HW_MARK_SEEN);
		kinds[holdings[i].chunk] |= HW_MARK_SEEN;
	}
	for (size_t i = 0; i < count; i++)
		kinds[holdings[i].chunk] &= (uint8_t)~HW_MARK_SEEN;
	return blocks;
}

static void add(struct search *search, uint64_t size, uint64_t offset)
{
	struct hw_graph *graph = search->graph;
	struct hw_habit *habit =
		hw_array_next(graph->habits, graph->habit_count, graph->parts->habit_capacity);

	if (!habit) {
		search->out_of_memory = true;
		return;
	}
	*habit = (struct hw_habit){ .chunk_size = size, .offset = offset };
	graph->habit_count++;
}

/* Holdings of one size and offset, out of `all` blocks of this size. */
static void judge(struct search *search, const struct holding *holdings, size_t count, size_t all)
{
	size_t blocks = count_blocks(search, holdings, count);

	if (blocks >= HABIT_BLOCKS && (double)blocks >= HABIT_SHARE * (double)all)
		add(search, holdings->size, holdings->offset);
}

/* Makes one habit of those that several sizes have in common, behind the others. */
static void generalize(struct search *search)
{
	struct hw_graph *graph = search->graph;
	size_t count = graph->habit_count;

	for (size_t i = 0; i < count; i++) {
		uint64_t offset = graph->habits[i].offset;
		size_t sizes = 0, earlier = 0;

		for (size_t k = 0; k < count; k++) {
			sizes += graph->habits[k].offset == offset;
			earlier += k < i && graph->habits[k].offset == offset;
		}
		if (sizes >= HABIT_SIZES && !earlier)
			add(search, 0, offset);
	}
}

static void give_hints(struct search *search)
{
	struct hw_graph *graph = search->graph;

	for (size_t i = 0; i < search->count && graph->habit_count; i++) {
		const struct holding *holding = &search->holdings[i];

		if (hw_habit_of(graph, holding->chunk,
			    hw_chunk_user(graph->heap, holding->chunk) + holding->offset))
			graph->kinds[holding->chunk] |= HW_MARK_HINT;
	}
}

static void judge_size(struct search *search, const struct holding *holdings, size_t count)
{
	size_t all = count_blocks(search, holdings, count);

	for (size_t i = 0, next; i < count; i = next) {
		for (next = i; next < count && holdings[next].offset == holdings[i].offset; next++)
			continue;
		judge(search, holdings + i, next - i, all);
	}
}

struct hw_error *hw_habits_find(struct hw_graph *graph, struct hw_scan *scan)
{
	struct search search = { .graph = graph, .scan = scan };
	bool (*hit)(void *, const struct hw_hit *) = scan->hit;
	void *argument = scan->argument;

	scan->hit = note_hit;
	scan->argument = &search;
	note_all(&search);
	scan->hit = hit;
	scan->argument = argument;
	if (search.count)
		qsort(search.holdings, search.count, sizeof(*search.holdings), compare);
	for (size_t i = 0, next; i < search.count; i = next) {
		for (next = i; next < search.count && search.holdings[next].size == search.holdings[i].size;
			next++)
			continue;
		judge_size(&search, search.holdings + i, next - i);
	}
	generalize(&search);
	give_hints(&search);
	free(search.holdings);
	return search.out_of_memory ? hw_error_no_memory() : NULL;
}

struct hw_habit *hw_habit_of(const struct hw_graph *graph, uint32_t chunk, uint64_t pointer)
{
	uint64_t size = hw_chunk_size(graph->heap, chunk);
	uint64_t offset = pointer - hw_chunk_user(graph->heap, chunk);

	for (size_t i = 0; i < graph->habit_count; i++) {
		const struct hw_habit *habit = &graph->habits[i];

		if ((habit->chunk_size == size || !habit->chunk_size) && habit->offset == offset)
			return &graph->habits[i];
	}
	return NULL;
}
