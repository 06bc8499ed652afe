/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What hides a leak is mostly a stale pointer in memory that is in use again. A word may look stale and not
 * be it, so what it points to must also look like something that the program is known to lose: one that loses
 * nothing has no such chunk.
 */
#include "heapwalk/graph/stack.h"
#include "heapwalk/graph/stale.h"
#include "heapwalk/graph/suspects.h"

/* So many chunks of one size and look must be lost before another one may be. */
#define LOST_ALIKE 3

/* Looks of lost chunks: sizes and contents. More than these are not counted. */
#define LOOKS  4096 /* a power of two */
#define PROBES 16

struct look {
	uint64_t key; /* 0: empty */
	uint32_t lost;
};

struct stale {
	struct hw_graph *graph;
	struct look *looks;
	struct hw_suspects suspects;
	uint64_t *doubted; /* a bit each: chunks that a suspect leads to, and what hangs on them */
	uint64_t *held;    /* of them those that another word leads to */
	uint64_t *sources; /* chunks with a suspect word */
	struct hw_node_stack pending;
	bool out_of_memory;
};

static bool has(const uint64_t *bits, uint32_t chunk)
{
	return bits[chunk / 64] >> chunk % 64 & 1;
}

static void set(uint64_t *bits, uint32_t chunk)
{
	bits[chunk / 64] |= UINT64_C(1) << chunk % 64;
}

static size_t bits_size(const struct stale *stale)
{
	return ((size_t)stale->graph->heap->chunks.count / 64 + 1) * sizeof(uint64_t);
}

static uint64_t key_of(const struct hw_heap *heap, uint32_t chunk)
{
	enum hw_content content = heap->content_sampled ? HW_CONTENT_NONE : hw_chunk_content(heap, chunk);

	return hw_chunk_size(heap, chunk) << 5 | (uint64_t)content;
}

/* Where the look of this chunk stands or may be put; NULL: there is no room for it. */
static struct look *look_of(const struct stale *stale, uint32_t chunk)
{
	uint64_t key = key_of(stale->graph->heap, chunk);
	size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 40);

	for (unsigned i = 0; i < PROBES; i++, at++) {
		struct look *look = &stale->looks[at % LOOKS];

		if (!look->key || look->key == key)
			return look;
	}
	return NULL;
}

static bool is_lost(const struct hw_graph *graph, uint32_t chunk)
{
	enum hw_leak_kind kind = hw_chunk_leak_kind(graph, chunk);

	return kind == HW_LEAK_DEFINITE || kind == HW_LEAK_INDIRECT;
}

static void count_lost(struct stale *stale)
{
	const struct hw_heap *heap = stale->graph->heap;

	for (uint32_t i = 0; i < heap->chunks.count; i++) {
		struct look *look = is_lost(stale->graph, i) ? look_of(stale, i) : NULL;

		if (!look)
			continue;
		look->key = key_of(heap, i);
		look->lost += look->lost < UINT32_MAX;
	}
}

static bool looks_lost(const void *argument, uint32_t target)
{
	const struct look *look = look_of(argument, target);

	return look && look->lost >= LOST_ALIKE;
}

static void enter(struct stale *stale, uint64_t *bits, uint32_t chunk)
{
	set(bits, chunk);
	if (!hw_node_stack_push(&stale->pending, chunk))
		stale->out_of_memory = true;
}

static int compare(const void *left, const void *right)
{
	const struct hw_suspect *a = left, *b = right;

	return a->reference < b->reference ? -1 : a->reference > b->reference;
}

static bool is_suspect(const struct stale *stale, uint64_t reference)
{
	struct hw_suspect key = { .reference = reference };

	return bsearch(&key, stale->suspects.suspects, stale->suspects.count, sizeof(key), compare);
}

/* Everything that suspects lead to, by however long a way. */
static void doubt(struct stale *stale)
{
	const struct hw_references *references = &stale->graph->parts->references;

	for (size_t i = 0; i < stale->suspects.count; i++) {
		uint32_t target = stale->suspects.suspects[i].target;

		if (!has(stale->doubted, target))
			enter(stale, stale->doubted, target);
	}
	while (stale->pending.count) {
		uint32_t chunk = stale->pending.nodes[--stale->pending.count];
		uint64_t end = hw_references_row(references, chunk + 1);

		for (uint64_t i = hw_references_row(references, chunk); i < end; i++) {
			uint32_t target = hw_reference_target(references->targets[i]);

			if (!has(stale->doubted, target))
				enter(stale, stale->doubted, target);
		}
	}
}

/* A word that is no suspect leads there. */
static void hold(struct stale *stale, uint32_t chunk)
{
	if (has(stale->doubted, chunk) && !has(stale->held, chunk))
		enter(stale, stale->held, chunk);
}

static void hold_row(struct stale *stale, uint32_t chunk)
{
	const struct hw_references *references = &stale->graph->parts->references;
	uint64_t end = hw_references_row(references, chunk + 1);
	bool is_source = has(stale->sources, chunk);

	for (uint64_t i = hw_references_row(references, chunk); i < end; i++) {
		if (!is_source || !is_suspect(stale, i))
			hold(stale, hw_reference_target(references->targets[i]));
	}
}

/* What is reached and not doubted is held for certain, and what it refers to too. */
static void hold_from_outside(struct stale *stale)
{
	const struct hw_graph *graph = stale->graph;
	const struct hw_graph_parts *parts = graph->parts;

	for (size_t i = 0; i < parts->root_word_count; i++) {
		if (!is_suspect(stale, HW_SUSPECT_ROOT + i))
			hold(stale, hw_reference_target(parts->root_references[i]));
	}
	for (uint32_t i = 0; i < graph->heap->chunks.count; i++) {
		if (hw_chunk_is_reached(graph, i) && !has(stale->doubted, i))
			hold_row(stale, i);
	}
	while (stale->pending.count)
		hold_row(stale, stale->pending.nodes[--stale->pending.count]);
}

static void find(struct stale *stale)
{
	struct hw_graph *graph = stale->graph;

	for (size_t i = 0; i < stale->suspects.count; i++) {
		if (stale->suspects.suspects[i].source != HW_SUSPECT_NONE)
			set(stale->sources, stale->suspects.suspects[i].source);
	}
	doubt(stale);
	hold_from_outside(stale);
	for (uint32_t i = 0; i < graph->heap->chunks.count; i++) {
		if (!has(stale->doubted, i) || has(stale->held, i))
			continue;
		graph->stale.chunks++;
		graph->stale.bytes += hw_chunk_size(graph->heap, i);
		graph->kinds[i] |= HW_MARK_STALE;
	}
}

static struct hw_error *find_suspects(struct stale *stale)
{
	struct hw_error *error;

	stale->looks = calloc(LOOKS, sizeof(*stale->looks));
	if (!stale->looks)
		return hw_error_no_memory();
	count_lost(stale);
	error = hw_suspects_find(stale->graph, looks_lost, stale, &stale->suspects);
	if (error || !stale->suspects.count)
		return error;
	stale->doubted = calloc(1, bits_size(stale));
	stale->held = calloc(1, bits_size(stale));
	stale->sources = calloc(1, bits_size(stale));
	if (!stale->doubted || !stale->held || !stale->sources)
		return hw_error_no_memory();
	find(stale);
	return stale->out_of_memory ? hw_error_no_memory() : NULL;
}

struct hw_error *hw_stale_find(struct hw_graph *graph)
{
	struct stale stale = { .graph = graph };
	struct hw_error *error;

	if (graph->tallies[HW_LEAK_DEFINITE].chunks + graph->tallies[HW_LEAK_INDIRECT].chunks < LOST_ALIKE)
		return NULL;
	error = find_suspects(&stale);
	hw_suspects_deinit(&stale.suspects);
	hw_node_stack_deinit(&stale.pending);
	free(stale.looks);
	free(stale.doubted);
	free(stale.held);
	free(stale.sources);
	return error;
}
