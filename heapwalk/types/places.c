/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mappings by what is in them, and numbers by how they look. */
#include "heapwalk/types/places.h"
#include "heapwalk/encoding.h"
#include "heapwalk/stacks.h"

#define PAGE_SHIFT 12

static const char *const kind_names[] = {
	[HW_KIND_ZERO] = "0",
	[HW_KIND_SELF] = "ptr->self",
	[HW_KIND_START] = "ptr->heap",
	[HW_KIND_INSIDE] = "ptr->inside",
	[HW_KIND_TEXT] = "ptr->text",
	[HW_KIND_FREED] = "ptr->freed",
	[HW_KIND_CONSTANT] = "ptr->const",
	[HW_KIND_CODE] = "ptr->code",
	[HW_KIND_DATA] = "ptr->data",
	[HW_KIND_STACK] = "ptr->stack",
	[HW_KIND_MAPPED] = "ptr->mapped",
	[HW_KIND_NUMBER] = "int",
	[HW_KIND_LETTERS] = "text",
	[HW_KIND_DOUBLE] = "double",
	[HW_KIND_OTHER] = "data",
	[HW_KIND_NONE] = "",
};

const char *hw_kind_name(enum hw_kind kind)
{
	return kind_names[kind];
}

/* A mapping starts at its page, before the segment's first byte, and .bss has one without a name. */
static bool lies_in_module(const struct hw_snapshot *snapshot, const struct hw_map *map)
{
	for (size_t i = 0; i < snapshot->module_count; i++) {
		if (map->start < snapshot->modules[i].end && map->end > snapshot->modules[i].start)
			return true;
	}
	return false;
}

/* The first thread's stack is the kernel's mapping; others' are found by their descriptors. */
static bool is_stack(
	const struct hw_snapshot *snapshot, const struct hw_stacks *stacks, const struct hw_map *map)
{
	if (!strncmp(map->path, "[stack", 6) || hw_stacks_at(stacks, map->start))
		return true;
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		uint64_t sp = snapshot->threads[i].sp;

		if (snapshot->threads[i].has_registers && sp >= map->start && sp < map->end)
			return true;
	}
	return false;
}

static enum hw_kind kind_of(
	const struct hw_snapshot *snapshot, const struct hw_stacks *stacks, const struct hw_map *map)
{
	/* [vsyscall] lies at the far end: with it nearly every large number would be within the span. */
	if (!strcmp(map->path, "[vsyscall]"))
		return HW_KIND_NONE;
	if (map->prot & HW_MAP_EXEC)
		return HW_KIND_CODE;
	if (!(map->prot & HW_MAP_READ))
		return HW_KIND_NONE;
	if (lies_in_module(snapshot, map))
		return map->prot & HW_MAP_WRITE ? HW_KIND_DATA : HW_KIND_CONSTANT;
	return is_stack(snapshot, stacks, map) ? HW_KIND_STACK : HW_KIND_MAPPED;
}

static bool add_range(struct hw_places *places, uint64_t start, uint64_t end, enum hw_kind kind)
{
	struct hw_place_range *range;

	if (places->count)
		start = hw_max(start, places->ranges[places->count - 1].end); /* a core's overlapping ones */
	if (start >= end)
		return true;
	range = hw_array_next(places->ranges, places->count, places->capacity);
	if (!range)
		return false;
	*range = (struct hw_place_range){ start, end, kind };
	places->count++;
	return true;
}

static struct hw_error *fill(
	struct hw_places *places, const struct hw_snapshot *snapshot, const struct hw_stacks *stacks)
{
	for (size_t i = 0; i < snapshot->map_count; i++) {
		const struct hw_map *map = &snapshot->maps[i];
		enum hw_kind kind = kind_of(snapshot, stacks, map);

		if (kind != HW_KIND_NONE && !add_range(places, map->start, map->end, kind))
			return hw_error_no_memory();
	}
	if (places->count) {
		places->low = places->ranges[0].start;
		places->span = places->ranges[places->count - 1].end - places->low;
	}
	return NULL;
}

struct hw_error *hw_places_create(const struct hw_heap *heap, struct hw_places **places)
{
	struct hw_places *made = calloc(1, sizeof(*made));
	struct hw_stacks stacks = { 0 };
	struct hw_error *error;

	if (!made)
		return hw_error_no_memory();
	made->word_size = heap->word_size;
	made->big_endian = heap->snapshot->image->big_endian;
	error = hw_stacks_find(heap->snapshot, &stacks);
	if (!error)
		error = fill(made, heap->snapshot, &stacks);
	hw_stacks_deinit(&stacks);
	if (error) {
		hw_places_destroy(made);
		return error;
	}
	*places = made;
	return NULL;
}

void hw_places_destroy(struct hw_places *places)
{
	if (!places)
		return;
	free(places->ranges);
	free(places);
}

static enum hw_kind search(const struct hw_places *places, uint64_t word)
{
	size_t low = 0, high = places->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (places->ranges[middle].end <= word)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == places->count || places->ranges[low].start > word)
		return HW_KIND_NONE;
	return places->ranges[low].kind;
}

/* At least half a word printable, then nothing but zeros. */
static bool is_text(const struct hw_places *places, uint64_t word)
{
	unsigned size = places->word_size, letters;
	uint64_t in_order = places->big_endian ? __builtin_bswap64(word) >> (64 - 8 * size) : word;

	letters = (unsigned)__builtin_ctz(~hw_byte_mask(hw_printable_bytes(in_order)) | 1u << size);
	return letters >= 4 && (letters == size || !(in_order >> 8 * letters));
}

static bool is_small(uint64_t word, unsigned word_size)
{
	const uint32_t limit = 1 << 24;
	uint32_t low = (uint32_t)word, high = (uint32_t)(word >> 32);

	if (word_size == 8 && high + 1 < 2)
		return true;
	return low + limit < 2 * limit && high + limit < 2 * limit;
}

/* Between about 10^-12 and 10^12 in size; few whole numbers and no addresses look like this. */
static bool is_double(uint64_t word, unsigned word_size)
{
	int exponent = (int)(word >> 52 & 0x7ff) - 0x3ff;

	return word_size == 8 && exponent >= -40 && exponent <= 40;
}

static enum hw_kind number_kind(const struct hw_places *places, uint64_t word)
{
	if (!word)
		return HW_KIND_ZERO;
	if (is_small(word, places->word_size))
		return HW_KIND_NUMBER;
	if (is_text(places, word))
		return HW_KIND_LETTERS;
	return is_double(word, places->word_size) ? HW_KIND_DOUBLE : HW_KIND_OTHER;
}

enum hw_kind hw_places_kind(struct hw_places *places, uint64_t word)
{
	uint64_t page = word >> PAGE_SHIFT, *slot = &places->slots[page % HW_PLACE_SLOTS];
	enum hw_kind kind;

	if (word - places->low >= places->span)
		return number_kind(places, word);
	/* Mappings begin and end at pages. A page number of an address has 52 bits: 4 are left for the kind.
	 */
	if (*slot >> 4 == page && *slot) {
		kind = (enum hw_kind)(*slot & 15);
	} else {
		kind = search(places, word);
		*slot = page << 4 | kind;
	}
	return kind == HW_KIND_NONE ? number_kind(places, word) : kind;
}
