/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Areas: writable private memory, neighbours joined. A chunk may cross mappings (huge page advice and
 * mprotect() split them), so a walk is bounded by areas and never by a mapping.
 */
#include "heapwalk/glibc/walk.h"

static bool may_hold_heap(const struct hw_map *map)
{
	const unsigned wanted = HW_MAP_READ | HW_MAP_WRITE;

	if ((map->prot & (wanted | HW_MAP_SHARED)) != wanted || map->flags & HW_MAP_IO)
		return false;
	/* Explicit huge pages look like a file's mapping. */
	return !map->path[0] || map->path[0] == '[' || !strncmp(map->path, "/anon_hugepage", 14);
}

struct hw_error *hw_areas_find(struct hw_walk *walk)
{
	for (size_t i = 0; i < walk->snapshot->map_count; i++) {
		const struct hw_map *map = &walk->snapshot->maps[i];
		struct hw_area *area;

		if (!may_hold_heap(map) || map->end <= map->start || map->end > HW_ADDRESS_LIMIT)
			continue;
		if (walk->area_count && walk->areas[walk->area_count - 1].end == map->start) {
			walk->areas[walk->area_count - 1].end = map->end;
			continue;
		}
		area = hw_array_next(walk->areas, walk->area_count, walk->area_capacity);
		if (!area)
			return hw_error_no_memory();
		*area = (struct hw_area){ .start = map->start, .end = map->end };
		walk->area_count++;
	}
	return NULL;
}

const struct hw_area *hw_area_at(const struct hw_walk *walk, uint64_t address)
{
	size_t low = 0, high = walk->area_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (walk->areas[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == walk->area_count || walk->areas[low].start > address)
		return NULL;
	return &walk->areas[low];
}
