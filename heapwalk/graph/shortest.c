/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Breadth first, level by level; ways that start at some cost join in when that level is reached. */
#include "heapwalk/graph/shortest.h"

static void reach(struct hw_ways *ways, uint32_t block, uint32_t holder)
{
	if (ways->held_by[block] != HW_HELD_BY_NOTHING)
		return;
	ways->held_by[block] = holder;
	ways->order[ways->count++] = block;
}

static void follow(const struct hw_references *references, struct hw_ways *ways, uint32_t block)
{
	uint64_t end = hw_references_row(references, block + 1);

	for (uint64_t i = hw_references_row(references, block); i < end; i++)
		reach(ways, hw_reference_target(references->targets[i]), block);
}

struct hw_error *hw_ways_find(const struct hw_references *references, const struct hw_way_start *starts,
	uint32_t start_count, struct hw_ways *ways)
{
	uint32_t blocks = references->node_count;
	uint32_t start = 0, done = 0;

	*ways = (struct hw_ways){
		.held_by = reallocarray(NULL, (size_t)blocks + 1, sizeof(*ways->held_by)),
		.order = reallocarray(NULL, (size_t)blocks + 1, sizeof(*ways->order)),
	};
	if (!ways->held_by || !ways->order) {
		hw_ways_deinit(ways);
		return hw_error_no_memory();
	}
	memset(ways->held_by, 0xff, (size_t)blocks * sizeof(*ways->held_by));
	for (uint32_t level = 0; done < ways->count || start < start_count; level++) {
		uint32_t level_end = ways->count;

		if (done == level_end)
			level = starts[start].cost; /* nothing is nearer */
		for (; done < level_end; done++)
			follow(references, ways, ways->order[done]);
		for (; start < start_count && starts[start].cost <= level; start++)
			reach(ways, starts[start].block, blocks + start);
	}
	return NULL;
}

void hw_ways_deinit(struct hw_ways *ways)
{
	free(ways->held_by);
	free(ways->order);
	*ways = (struct hw_ways){ 0 };
}
