/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much can be reached through unnamed chunks of one shape: naming them first tells most. Only the shapes
 * with most unnamed bytes are asked, since each question goes through all that they lead to.
 */
#include "heapwalk/graph/graph.h"

#define ASKED 8

struct reach {
	const struct hw_heap *heap;
	const struct hw_references *references;
	uint64_t *seen; /* a bit a chunk */
	uint32_t *waiting;
	size_t count;
};

static void visit(struct reach *reach, uint32_t chunk, uint64_t *bytes)
{
	uint64_t bit = UINT64_C(1) << chunk % 64;

	if (reach->seen[chunk / 64] & bit || !hw_chunk_is_live(reach->heap, chunk))
		return;
	reach->seen[chunk / 64] |= bit;
	reach->waiting[reach->count++] = chunk;
	*bytes += hw_chunk_usable(reach->heap, chunk);
}

/* Live bytes of the chunks of a shape and of all that they lead to. */
static uint64_t reach_of(struct reach *reach, const struct hw_typing *typing, uint32_t shape)
{
	uint32_t count = reach->heap->chunks.count;
	uint64_t bytes = 0;

	memset(reach->seen, 0, ((size_t)count / 64 + 1) * sizeof(*reach->seen));
	reach->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (typing->chunks[i].shape == shape)
			visit(reach, i, &bytes);
	}
	while (reach->count) {
		uint32_t from = reach->waiting[--reach->count];
		uint64_t end = hw_references_row(reach->references, from + 1);

		for (uint64_t at = hw_references_row(reach->references, from); at < end; at++)
			visit(reach, hw_reference_target(reach->references->targets[at]), &bytes);
	}
	return bytes;
}

/* Unnamed bytes by shape. NULL: memory is short. */
static uint64_t *count_unnamed(const struct hw_typing *typing)
{
	uint64_t *unnamed = calloc((size_t)typing->shape_count + 1, sizeof(*unnamed));

	for (uint32_t i = 0; unnamed && i < typing->heap->chunks.count; i++) {
		const struct hw_chunk_type *answer = &typing->chunks[i];

		if (answer->shape && answer->level == HW_LEVEL_UNKNOWN)
			unnamed[answer->shape] += hw_chunk_usable(typing->heap, i);
	}
	return unnamed;
}

static uint32_t largest(const uint64_t *unnamed, uint32_t count)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < count; i++) {
		if (unnamed[i] > (best ? unnamed[best] : 0))
			best = i;
	}
	return best;
}

struct hw_error *hw_typing_find_reach(struct hw_typing *typing, const struct hw_graph *graph)
{
	uint32_t count = typing->heap->chunks.count;
	hw_autofree uint64_t *unnamed = NULL, *seen = NULL;
	hw_autofree uint32_t *waiting = NULL;
	struct reach reach = { .heap = typing->heap };

	if (!graph || typing->shape_count < 2)
		return NULL;
	unnamed = count_unnamed(typing);
	reach.seen = seen = calloc((size_t)count / 64 + 1, sizeof(*seen));
	reach.waiting = waiting = malloc(((size_t)count + 1) * sizeof(*waiting));
	reach.references = &graph->parts->references;
	if (!unnamed || !seen || !waiting)
		return hw_error_no_memory();
	for (int i = 0; i < ASKED; i++) {
		uint32_t shape = largest(unnamed, typing->shape_count);

		if (!shape)
			break;
		unnamed[shape] = 0;
		typing->shapes[shape].reach = reach_of(&reach, typing, shape);
	}
	return NULL;
}
