/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sweep over the sorted starts, with one open range in each layer. */
#include "heapwalk/graph/layers.h"

bool hw_layers_add(struct hw_layers *layers, const struct hw_layer_range *range)
{
	struct hw_layer_range *slot;

	if (range->end <= range->start)
		return true;
	slot = hw_array_next(layers->ranges, layers->count, layers->capacity);
	if (!slot)
		return false;
	*slot = *range;
	layers->count++;
	return true;
}

static int compare_starts(const void *a, const void *b)
{
	const struct hw_layer_range *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return left->layer < right->layer ? -1 : left->layer > right->layer;
}

struct sweep {
	const struct hw_layer_range *open[HW_LAYERS]; /* NULL: none */
	const struct hw_layer_range *source;          /* of the piece */
	struct hw_layer_range piece;                  /* not yet given out; empty at first */
	bool (*each)(const struct hw_layer_range *piece, void *argument);
	void *argument;
};

/* The highest open range that reaches past `at`; those that do not are closed. */
static const struct hw_layer_range *topmost(struct sweep *sweep, uint64_t at)
{
	const struct hw_layer_range *top = NULL;

	for (unsigned i = 0; i < HW_LAYERS; i++) {
		if (sweep->open[i] && sweep->open[i]->end <= at)
			sweep->open[i] = NULL;
		if (sweep->open[i])
			top = sweep->open[i];
	}
	return top;
}

/* Adds to the piece, or gives it out and begins another. */
static bool emit(struct sweep *sweep, const struct hw_layer_range *source, uint64_t start, uint64_t end)
{
	if (sweep->source == source && sweep->piece.end == start) {
		sweep->piece.end = end;
		return true;
	}
	if (sweep->source && !sweep->each(&sweep->piece, sweep->argument))
		return false;
	sweep->source = source;
	sweep->piece = *source;
	sweep->piece.start = start;
	sweep->piece.end = end;
	return true;
}

/* Gives out all between `at` and `limit`, where the next range starts. */
static bool sweep_to(struct sweep *sweep, uint64_t at, uint64_t limit)
{
	const struct hw_layer_range *top;

	while (at < limit && (top = topmost(sweep, at))) {
		uint64_t end = hw_min(top->end, limit);

		if (!emit(sweep, top, at, end))
			return false;
		at = end;
	}
	return true;
}

bool hw_layers_flatten(struct hw_layers *layers,
	bool (*each)(const struct hw_layer_range *piece, void *argument), void *argument)
{
	struct sweep sweep = { .each = each, .argument = argument };

	if (!layers->count)
		return true;
	qsort(layers->ranges, layers->count, sizeof(*layers->ranges), compare_starts);
	for (size_t i = 0; i < layers->count; i++) {
		const struct hw_layer_range *range = &layers->ranges[i];

		if (i && !sweep_to(&sweep, range[-1].start, range->start))
			return false;
		sweep.open[range->layer] = range;
	}
	if (!sweep_to(&sweep, layers->ranges[layers->count - 1].start, UINT64_MAX))
		return false;
	return !sweep.source || each(&sweep.piece, argument);
}

void hw_layers_deinit(struct hw_layers *layers)
{
	free(layers->ranges);
	*layers = (struct hw_layers){ 0 };
}
