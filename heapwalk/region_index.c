/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From an address to its region and chunk in constant time, however many regions there are: a hash of the
 * 2 MiB units of the address space that hold regions, under it one entry a page where a unit has several.
 */
#include "heapwalk/chunk_table.h"

#define NONE       UINT32_MAX
#define PAGE_SHIFT 12
#define UNIT_PAGES (1U << (HW_UNIT_SHIFT - PAGE_SHIFT))

/* One unit of the address space. */
struct slot {
	uint64_t unit;   /* UINT64_MAX: empty */
	uint32_t region; /* the only region in this unit, or NONE */
	uint32_t leaf;   /* else: index of its first page in `pages` */
};

/* The regions' directory. */
struct hw_directory {
	uint64_t low; /* all regions lie in [low, low + span) */
	uint64_t span;
	struct slot *slots;
	uint64_t mask;   /* number of slots - 1, a power of two */
	uint32_t *pages; /* first region that ends past the page's start, or NONE */
	size_t page_count;
	size_t page_capacity;
};

static uint64_t slot_of(const struct hw_directory *directory, uint64_t unit)
{
	return (unit * UINT64_C(0x9e3779b97f4a7c15) >> 32) & directory->mask;
}

static struct slot *find_slot(const struct hw_directory *directory, uint64_t unit)
{
	uint64_t at = slot_of(directory, unit);

	while (directory->slots[at].unit != unit && directory->slots[at].unit != UINT64_MAX)
		at = (at + 1) & directory->mask;
	return &directory->slots[at];
}

/* Makes the slot's unit one with an entry a page. */
static bool split_slot(struct hw_directory *directory, struct slot *slot)
{
	uint32_t leaf = (uint32_t)directory->page_count;

	if (!hw_array_reserve(&directory->pages, directory->page_count + UNIT_PAGES,
		    &directory->page_capacity, sizeof(*directory->pages)))
		return false;
	memset(&directory->pages[leaf], 0xff, UNIT_PAGES * sizeof(*directory->pages));
	directory->page_count += UNIT_PAGES;
	slot->leaf = leaf;
	return true;
}

static void enter_pages(
	struct hw_directory *directory, const struct hw_heap *heap, struct slot *slot, uint32_t region)
{
	uint64_t base = slot->unit << HW_UNIT_SHIFT;
	uint64_t from = hw_max(heap->regions[region].start, base) - base;
	uint64_t last = hw_min(heap->regions[region].end - 1 - base, (UINT64_C(1) << HW_UNIT_SHIFT) - 1);

	for (uint64_t page = from >> PAGE_SHIFT; page <= last >> PAGE_SHIFT; page++) {
		if (directory->pages[slot->leaf + page] == NONE)
			directory->pages[slot->leaf + page] = region;
	}
}

static bool enter_unit(
	struct hw_directory *directory, const struct hw_heap *heap, uint64_t unit, uint32_t region)
{
	struct slot *slot = find_slot(directory, unit);

	if (slot->unit == UINT64_MAX) {
		*slot = (struct slot){ .unit = unit, .region = region };
		return true;
	}
	if (slot->region != NONE) {
		if (!split_slot(directory, slot))
			return false;
		enter_pages(directory, heap, slot, slot->region);
		slot->region = NONE;
	}
	enter_pages(directory, heap, slot, region);
	return true;
}

static uint64_t count_units(const struct hw_heap *heap)
{
	uint64_t units = 0;

	for (uint32_t i = 0; i < heap->region_count; i++) {
		const struct hw_region *region = &heap->regions[i];

		units += ((region->end - 1) >> HW_UNIT_SHIFT) - (region->start >> HW_UNIT_SHIFT) + 1;
	}
	return units;
}

static bool directory_fill(struct hw_directory *directory, const struct hw_heap *heap)
{
	uint64_t slots = 16;

	while (slots < 2 * count_units(heap))
		slots *= 2;
	directory->slots = malloc(slots * sizeof(*directory->slots));
	if (!directory->slots)
		return false;
	memset(directory->slots, 0xff, slots * sizeof(*directory->slots));
	directory->mask = slots - 1;
	for (uint32_t i = 0; i < heap->region_count; i++) {
		const struct hw_region *region = &heap->regions[i];
		uint64_t last = (region->end - 1) >> HW_UNIT_SHIFT;

		for (uint64_t unit = region->start >> HW_UNIT_SHIFT; unit <= last; unit++) {
			if (!enter_unit(directory, heap, unit, i))
				return false;
		}
	}
	return true;
}

struct hw_error *hw_heap_index(struct hw_heap *heap)
{
	struct hw_directory *directory = calloc(1, sizeof(*directory));

	if (!directory)
		return hw_error_no_memory();
	heap->directory = directory;
	if (heap->region_count) {
		directory->low = heap->regions[0].start;
		directory->span = heap->regions[heap->region_count - 1].end - directory->low;
	}
	return directory_fill(directory, heap) ? NULL : hw_error_no_memory();
}

void hw_directory_destroy(struct hw_directory *directory)
{
	if (!directory)
		return;
	free(directory->slots);
	free(directory->pages);
	free(directory);
}

bool hw_heap_find_region(const struct hw_heap *heap, uint64_t address, uint32_t *region)
{
	const struct hw_directory *directory = heap->directory;
	const struct slot *slot;
	uint32_t at;

	if (address - directory->low >= directory->span)
		return false;
	slot = find_slot(directory, address >> HW_UNIT_SHIFT);
	if (slot->unit == UINT64_MAX)
		return false;
	at = slot->region;
	if (at == NONE)
		at = directory->pages[slot->leaf + (address >> PAGE_SHIFT & (UNIT_PAGES - 1))];
	if (at == NONE)
		return false;
	/* Small regions may share a page. */
	while (heap->regions[at].end <= address) {
		if (++at == heap->region_count)
			return false;
	}
	if (address < heap->regions[at].start)
		return false;
	*region = at;
	return true;
}

void hw_heap_prefetch(const struct hw_heap *heap, uint64_t address)
{
	uint32_t at;

	if (hw_heap_find_region(heap, address, &at))
		hw_region_prefetch(
			&heap->regions[at], address - heap->regions[at].start, hw_granule_shift(heap));
}

bool hw_heap_locate(const struct hw_heap *heap, uint64_t address, uint32_t *index, bool *exact)
{
	uint32_t at;

	return hw_heap_find_region(heap, address, &at) &&
	       hw_region_locate(&heap->regions[at], address, hw_granule_shift(heap), index, exact);
}

bool hw_heap_find(const struct hw_heap *heap, uint64_t address, uint32_t *index)
{
	bool exact;

	return hw_heap_locate(heap, address, index, &exact);
}

bool hw_heap_find_start(const struct hw_heap *heap, uint64_t address, uint32_t *region, uint32_t *index)
{
	uint32_t found;
	bool exact;

	if (!hw_heap_locate(heap, address, &found, &exact) || !exact)
		return false;
	*index = found;
	return hw_heap_find_region(heap, address, region);
}

const struct hw_region *hw_heap_region_of(const struct hw_heap *heap, uint32_t index)
{
	uint32_t low = 0, high = heap->region_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (heap->regions[middle].first <= index)
			low = middle;
		else
			high = middle;
	}
	return &heap->regions[low];
}
