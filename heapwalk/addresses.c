/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of what lies where, and its cache. */
#include "heapwalk/addresses.h"

#define MIXED 4

static bool lies_in_module(const struct hw_snapshot *snapshot, const struct hw_map *map)
{
	/* Not hw_snapshot_module_at(): a mapping starts at its page, before the segment's first byte. */
	for (size_t i = 0; i < snapshot->module_count; i++) {
		if (map->start < snapshot->modules[i].end && map->end > snapshot->modules[i].start)
			return true;
	}
	return false;
}

static enum hw_address_kind kind_of(const struct hw_snapshot *snapshot, const struct hw_map *map)
{
	/* At the far end of the address space: with it nearly every large number would lie within the span.
	 */
	if (!strcmp(map->path, "[vsyscall]"))
		return HW_ADDRESS_NONE;
	if (map->prot & HW_MAP_EXEC)
		return HW_ADDRESS_CODE;
	if (!(map->prot & HW_MAP_READ))
		return HW_ADDRESS_NONE;
	return lies_in_module(snapshot, map) ? HW_ADDRESS_MODULE : HW_ADDRESS_DATA;
}

static bool add_range(struct hw_addresses *addresses, uint64_t start, uint64_t end, enum hw_address_kind kind)
{
	struct hw_address_range *range;

	if (addresses->count) {
		range = &addresses->ranges[addresses->count - 1];
		start = hw_max(start, range->end); /* a core's overlapping entries */
		if (start >= end)
			return true;
		if (range->end == start && range->kind == kind) {
			range->end = end;
			return true;
		}
	}
	range = hw_array_next(addresses->ranges, addresses->count, addresses->capacity);
	if (!range)
		return false;
	*range = (struct hw_address_range){ start, end, kind };
	addresses->count++;
	return true;
}

struct hw_error *hw_addresses_create(const struct hw_snapshot *snapshot, struct hw_addresses **addresses)
{
	struct hw_addresses *made = calloc(1, sizeof(*made));

	if (!made)
		return hw_error_no_memory();
	for (size_t i = 0; i < snapshot->map_count; i++) {
		const struct hw_map *map = &snapshot->maps[i];
		enum hw_address_kind kind = kind_of(snapshot, map);

		if (kind == HW_ADDRESS_NONE || map->start >= map->end)
			continue;
		if (!add_range(made, map->start, map->end, kind)) {
			hw_addresses_destroy(made);
			return hw_error_no_memory();
		}
	}
	if (made->count) {
		made->low = made->ranges[0].start;
		made->span = made->ranges[made->count - 1].end - made->low;
	}
	*addresses = made;
	return NULL;
}

void hw_addresses_destroy(struct hw_addresses *addresses)
{
	if (!addresses)
		return;
	free(addresses->ranges);
	free(addresses);
}

/* The first range that ends past `word`, or one past the last. */
static const struct hw_address_range *range_ending_past(const struct hw_addresses *addresses, uint64_t word)
{
	size_t low = 0, high = addresses->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (addresses->ranges[middle].end <= word)
			low = middle + 1;
		else
			high = middle;
	}
	return &addresses->ranges[low];
}

/* What the whole granule is: one kind, nothing, or MIXED. `range` is the first that ends past its start. */
static unsigned granule_kind(
	const struct hw_addresses *addresses, const struct hw_address_range *range, uint64_t granule)
{
	uint64_t start = granule << HW_ADDRESS_GRANULE;
	uint64_t last = start + ((uint64_t)1 << HW_ADDRESS_GRANULE) - 1;

	if (range == addresses->ranges + addresses->count || range->start > last)
		return HW_ADDRESS_NONE;
	return range->start <= start && range->end > last ? range->kind : MIXED;
}

enum hw_address_kind hw_addresses_search(struct hw_addresses *addresses, uint64_t word)
{
	uint64_t granule = word >> HW_ADDRESS_GRANULE;
	uint64_t *slot = &addresses->slots[granule % HW_ADDRESS_SLOTS];
	const struct hw_address_range *range;

	if (*slot >> 3 != granule + 1) {
		range = range_ending_past(addresses, granule << HW_ADDRESS_GRANULE);
		*slot = (granule + 1) << 3 | granule_kind(addresses, range, granule);
	}
	if (!(*slot & MIXED))
		return (enum hw_address_kind)(*slot & 3);
	range = range_ending_past(addresses, word);
	if (range == addresses->ranges + addresses->count || range->start > word)
		return HW_ADDRESS_NONE;
	return range->kind;
}
