/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ranges of addresses laid over each other: where several cover an address, the highest layer counts. In one
 * layer a range ends where the next one starts. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GRAPH_LAYERS_H
#define HW_HEAPWALK_GRAPH_LAYERS_H

#include "inspector/inspector.h"

#define HW_LAYERS 8

struct hw_layer_range {
	uint64_t start;
	uint64_t end;
	unsigned layer; /* 0 is the lowest */
	unsigned kind;  /* the caller's */
	uint32_t owner;
};

struct hw_layers {
	struct hw_layer_range *ranges;
	size_t count;
	size_t capacity;
};

/* Empty ranges are left out. False when memory is short. */
bool hw_layers_add(struct hw_layers *layers, const struct hw_layer_range *range) hw_must_check;

/*
 * Calls `each` for the disjoint pieces in ascending order, with the kind and owner of what counts there; two
 * neighbours of the same range are one piece. Stops at false and returns it. Sorts the ranges.
 */
bool hw_layers_flatten(struct hw_layers *layers,
	bool (*each)(const struct hw_layer_range *piece, void *argument), void *argument) hw_must_check;

void hw_layers_deinit(struct hw_layers *layers);

#endif
