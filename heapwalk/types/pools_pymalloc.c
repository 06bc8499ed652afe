/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds pymalloc's arenas. Their table, a vector of struct arena_object that starts with 16 and doubles, is a
 * malloc chunk (Objects/obmalloc.c, new_arena(); pycore_obmalloc.h from 3.12 on): so there is no need of a
 * symbol. A chunk is taken for one only if each entry in use and the pools that it leads to agree.
 */
#include "heapwalk/types/pools_pymalloc.h"

/* Objects/obmalloc.c: 256 KiB and 4 KiB up to 3.9; 1 MiB and 16 KiB from 3.10 (bpo-37448); blocks of 8 bytes'
 * steps on 32-bit machines, and up to 3.6 on all (bpo-27987). */
static const struct hw_pymalloc_geometry geometries[] = {
	{ 20, 14, 4 },
	{ 20, 12, 4 },
	{ 18, 12, 4 },
	{ 18, 12, 3 },
};

#define FIRST_ENTRIES 16
#define LARGEST_BLOCK 512
#define MOST_BLOCKS   (1u << 30)

/* struct arena_object, and struct pool_header: offsets in bytes. */
struct offsets {
	unsigned word;
	unsigned pool_address, free_pools, total_pools, free_list, arena_size;
	unsigned free_block, arena_index, class_index, next_offset, most_offset, pool_size;
};

static struct offsets offsets_of(unsigned word)
{
	return (struct offsets){
		.word = word,
		.pool_address = word,
		.free_pools = 2 * word,
		.total_pools = 2 * word + 4,
		.free_list = 2 * word + 8,
		.arena_size = 5 * word + 8,
		.free_block = word,
		.arena_index = 4 * word,
		.class_index = 4 * word + 4,
		.next_offset = 4 * word + 8,
		.most_offset = 4 * word + 12,
		.pool_size = 4 * word + 16,
	};
}

/* One search. */
struct finder {
	struct hw_pymalloc_arenas *found;
	const struct hw_image *image;
	struct offsets offsets;
	struct hw_window window; /* over the table */
};

static uint32_t load_u32(const struct hw_image *image, const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return image->big_endian ? __builtin_bswap32(value) : value;
}

/* ------------------------------------------------------------------------------------------------------
 * pools
 */

enum pool_state { POOL_USED, POOL_EMPTY, POOL_WRONG };

/* A pool's head. What must be so whenever no operation is under way: pymalloc_alloc(), pymalloc_free(). */
static enum pool_state read_pool(
	const struct finder *finder, uint64_t address, uint32_t index, struct hw_pymalloc_pool *pool)
{
	const struct hw_pymalloc_geometry *geometry = &finder->found->geometry;
	const struct offsets *offsets = &finder->offsets;
	uint64_t head = finder->found->head, pool_bytes = UINT64_C(1) << geometry->pool_shift;
	uint8_t bytes[48];
	uint32_t used, size, next;

	if (hw_image_read_some(finder->image, address, bytes, offsets->pool_size) != offsets->pool_size)
		return POOL_WRONG;
	used = load_u32(finder->image, bytes);
	if (!used)
		return POOL_EMPTY;
	size = load_u32(finder->image, bytes + offsets->class_index);
	if (load_u32(finder->image, bytes + offsets->arena_index) != index ||
		size >= (uint32_t)LARGEST_BLOCK >> geometry->class_shift)
		return POOL_WRONG;
	size = (size + 1) << geometry->class_shift;
	next = load_u32(finder->image, bytes + offsets->next_offset);
	*pool = (struct hw_pymalloc_pool){ .address = address, .size = (uint16_t)size };
	pool->room = (uint16_t)((pool_bytes - head) / size);
	pool->count = (uint16_t)((hw_max(next, head) - head) / size);
	pool->used = (uint16_t)used;
	pool->free_block = hw_image_word(finder->image, bytes + offsets->free_block);
	if (load_u32(finder->image, bytes + offsets->most_offset) != pool_bytes - size || next > pool_bytes ||
		next < head + size || (next - head) % size || used > pool->count)
		return POOL_WRONG;
	return POOL_USED;
}

static struct hw_error *add_pool(struct hw_pymalloc_arenas *found, struct hw_pymalloc_pool *pool)
{
	struct hw_pymalloc_pool *next = hw_array_next(found->pools, found->pool_count, found->pool_capacity);

	if (!next)
		return hw_error_no_memory();
	pool->first = found->block_count;
	*next = *pool;
	found->pool_count++;
	found->block_count += pool->count;
	return NULL;
}

/* -----------------------------------------------------------------------------------------------------
 * arenas
 */

/* An entry of the table. False: it is none, or one that is not in use. */
struct entry {
	uint64_t address;
	uint64_t pool_address;
	uint32_t free_pools;
	uint32_t total_pools;
	uint64_t free_list;
};

static struct entry read_entry(const struct finder *finder, const uint8_t *bytes)
{
	const struct offsets *offsets = &finder->offsets;

	return (struct entry){
		.address = hw_image_word(finder->image, bytes),
		.pool_address = hw_image_word(finder->image, bytes + offsets->pool_address),
		.free_pools = load_u32(finder->image, bytes + offsets->free_pools),
		.total_pools = load_u32(finder->image, bytes + offsets->total_pools),
		.free_list = hw_image_word(finder->image, bytes + offsets->free_list),
	};
}

/* Arenas are mapped, so they start at a page; what is left of the first pool's alignment is lost. */
static bool is_entry(const struct finder *finder, const struct entry *entry)
{
	const struct hw_pymalloc_geometry *geometry = &finder->found->geometry;
	uint64_t pool = UINT64_C(1) << geometry->pool_shift, arena = UINT64_C(1) << geometry->arena_shift;
	uint64_t first, end;

	if (entry->address % finder->found->heap->snapshot->page_size ||
		__builtin_add_overflow(entry->address, arena, &end))
		return false;
	first = hw_round_up(entry->address, pool);
	return entry->total_pools == (end - first) / pool && entry->free_pools <= entry->total_pools &&
	       entry->pool_address >= first && entry->pool_address <= end &&
	       entry->pool_address % pool == 0 && entry->free_list % pool == 0 &&
	       (!entry->free_list || (entry->free_list >= first && entry->free_list < entry->pool_address));
}

/* False: the pools do not agree with the entry. */
static bool check_pools(const struct finder *finder, const struct entry *entry, uint32_t index)
{
	uint64_t pool_bytes = UINT64_C(1) << finder->found->geometry.pool_shift;
	uint64_t first = hw_round_up(entry->address, pool_bytes);
	uint32_t empty = entry->total_pools - (uint32_t)((entry->pool_address - first) / pool_bytes);
	struct hw_pymalloc_pool pool;

	for (uint64_t at = first; at < entry->pool_address; at += pool_bytes) {
		enum pool_state state = read_pool(finder, at, index, &pool);

		if (state == POOL_WRONG)
			return false;
		empty += state == POOL_EMPTY;
	}
	/* One more or less: caught while a pool was changing hands. */
	return empty <= entry->free_pools + 1 && entry->free_pools <= empty + 1;
}

static struct hw_error *add_arena(struct finder *finder, const struct entry *entry, uint32_t index)
{
	struct hw_pymalloc_arenas *found = finder->found;
	uint64_t pool_bytes = UINT64_C(1) << found->geometry.pool_shift;
	uint64_t arena_bytes = UINT64_C(1) << found->geometry.arena_shift;
	struct hw_pymalloc_arena *arena =
		hw_array_next(found->arenas, found->arena_count, found->arena_capacity);
	struct hw_error *error = NULL;
	struct hw_pymalloc_pool pool;

	if (!arena)
		return hw_error_no_memory();
	*arena = (struct hw_pymalloc_arena){ .start = entry->address, .end = entry->address + arena_bytes };
	found->arena_count++;
	for (uint64_t at = hw_round_up(entry->address, pool_bytes); !error && at < entry->pool_address;
		at += pool_bytes) {
		if (read_pool(finder, at, index, &pool) == POOL_USED && found->block_count < MOST_BLOCKS)
			error = add_pool(found, &pool);
	}
	return error;
}

/* ------------------------------------------------------------------------------------------------- the table
 */

/* Is this chunk as large as a table of 16 times a power of two entries? PYTHONMALLOC=debug adds some words.
 */
static bool has_table_size(const struct finder *finder, uint32_t chunk, uint64_t *entries)
{
	uint64_t usable = hw_chunk_usable(finder->found->heap, chunk);
	uint64_t size = (uint64_t)FIRST_ENTRIES * finder->offsets.arena_size;

	*entries = FIRST_ENTRIES;
	while (size <= usable / 2) {
		size *= 2;
		*entries *= 2;
	}
	return usable >= size && (usable - size <= 6 * finder->offsets.word ||
					 hw_chunk_state(finder->found->heap, chunk) == HW_CHUNK_MMAPPED);
}

/*
 * Calls nothing, adds nothing: the number of arenas in the table at `address`, or 0 when any of it is wrong.
 * Of large tables only each 16th arena's pools are looked at.
 */
static uint32_t check_table(struct finder *finder, uint64_t address, uint64_t entries)
{
	uint32_t arenas = 0;

	for (uint64_t i = 0; i < entries; i++) {
		const uint8_t *bytes = hw_window_view(&finder->window,
			address + i * finder->offsets.arena_size, finder->offsets.arena_size, NULL);
		struct entry entry;

		if (!bytes)
			return 0;
		entry = read_entry(finder, bytes);
		if (!entry.address)
			continue;
		if (!is_entry(finder, &entry) ||
			((arenas < 16 || arenas % 16 == 0) && !check_pools(finder, &entry, (uint32_t)i)))
			return 0;
		arenas++;
	}
	return arenas;
}

static struct hw_error *take_table(struct finder *finder, uint64_t address, uint64_t entries)
{
	struct hw_error *error = NULL;

	for (uint64_t i = 0; i < entries && !error; i++) {
		const uint8_t *bytes = hw_window_view(&finder->window,
			address + i * finder->offsets.arena_size, finder->offsets.arena_size, NULL);
		struct entry entry;

		if (!bytes)
			continue;
		entry = read_entry(finder, bytes);
		if (entry.address && is_entry(finder, &entry))
			error = add_arena(finder, &entry, (uint32_t)i);
	}
	return error;
}

static void set_geometry(struct finder *finder, size_t row)
{
	finder->found->geometry = geometries[row];
	finder->found->head =
		hw_round_up(finder->offsets.pool_size, UINT64_C(1) << geometries[row].class_shift);
}

/* The first that is a table decides the geometry; each subinterpreter with its own has one more. */
static struct hw_error *look_at(struct finder *finder, uint64_t address, uint64_t entries, bool *decided)
{
	for (size_t row = 0; row < hw_array_size(geometries) && !*decided; row++) {
		set_geometry(finder, row);
		*decided = check_table(finder, address, entries);
		if (*decided)
			return take_table(finder, address, entries);
	}
	return *decided && check_table(finder, address, entries) ? take_table(finder, address, entries)
								 : NULL;
}

/* At its start, or behind what PYTHONMALLOC=debug puts there. */
static struct hw_error *look_at_chunk(struct finder *finder, uint32_t chunk, bool *decided)
{
	uint64_t user = hw_chunk_user(finder->found->heap, chunk), entries;
	struct hw_error *error;

	if (!hw_chunk_is_live(finder->found->heap, chunk) || !has_table_size(finder, chunk, &entries))
		return NULL;
	error = look_at(finder, user, entries, decided);
	return error ? error : look_at(finder, user + 2 * finder->offsets.word, entries, decided);
}

static int compare_arenas(const void *a, const void *b)
{
	const struct hw_pymalloc_arena *first = a, *second = b;

	return (first->start > second->start) - (first->start < second->start);
}

static int compare_pools(const void *a, const void *b)
{
	const struct hw_pymalloc_pool *first = a, *second = b;

	return (first->address > second->address) - (first->address < second->address);
}

/* What two entries claim belongs to neither for sure: the second is dropped. */
static void drop_overlaps(struct hw_pymalloc_arenas *found)
{
	size_t arenas = 0, pools = 0;

	for (size_t i = 0; i < found->arena_count; i++) {
		if (!arenas || found->arenas[i].start >= found->arenas[arenas - 1].end)
			found->arenas[arenas++] = found->arenas[i];
	}
	for (size_t i = 0; i < found->pool_count; i++) {
		if (!pools || found->pools[i].address != found->pools[pools - 1].address)
			found->pools[pools++] = found->pools[i];
	}
	found->arena_count = arenas;
	found->pool_count = pools;
}

/* By address; blocks are numbered in that order. */
static void put_in_order(struct hw_pymalloc_arenas *found)
{
	size_t pool = 0;

	if (!found->arena_count)
		return;
	qsort(found->arenas, found->arena_count, sizeof(*found->arenas), compare_arenas);
	if (found->pool_count)
		qsort(found->pools, found->pool_count, sizeof(*found->pools), compare_pools);
	drop_overlaps(found);
	found->block_count = 0;
	for (size_t i = 0; i < found->pool_count; i++) {
		found->pools[i].first = found->block_count;
		found->block_count += found->pools[i].count;
	}
	for (size_t i = 0; i < found->arena_count; i++) {
		struct hw_pymalloc_arena *arena = &found->arenas[i];

		while (pool < found->pool_count && found->pools[pool].address < arena->start)
			pool++;
		arena->first = (uint32_t)pool;
		while (pool < found->pool_count && found->pools[pool].address < arena->end)
			pool++;
		arena->count = (uint32_t)pool - arena->first;
	}
}

static void count(struct hw_pymalloc_arenas *found)
{
	struct hw_pymalloc *sum = &found->count;
	uint64_t pool_bytes = UINT64_C(1) << found->geometry.pool_shift;

	sum->arenas = found->arena_count;
	sum->arena_bytes = found->arena_count << found->geometry.arena_shift;
	for (size_t i = 0; i < found->pool_count; i++) {
		const struct hw_pymalloc_pool *pool = &found->pools[i];

		sum->used_blocks += pool->used;
		sum->used_bytes += (uint64_t)pool->used * pool->size;
		sum->free_blocks += (uint64_t)pool->room - pool->used;
		sum->free_bytes += (uint64_t)(pool->room - pool->used) * pool->size;
		sum->own_bytes += pool_bytes - (uint64_t)pool->room * pool->size;
	}
	sum->free_pool_bytes = sum->arena_bytes - found->pool_count * pool_bytes;
}

struct hw_error *hw_pymalloc_find(const struct hw_heap *heap, struct hw_pymalloc_arenas **arenas)
{
	struct hw_pymalloc_arenas *found = calloc(1, sizeof(*found));
	struct finder finder = {
		.found = found, .image = heap->snapshot->image, .offsets = offsets_of(heap->word_size)
	};
	struct hw_error *error = NULL;
	bool decided = false;

	if (!found)
		return hw_error_no_memory();
	found->heap = heap;
	hw_window_init(&finder.window, heap->snapshot->image, 0);
	for (uint32_t i = 0; i < heap->chunks.count && !error; i++)
		error = look_at_chunk(&finder, i, &decided);
	hw_window_deinit(&finder.window);
	if (error) {
		hw_pymalloc_destroy(found);
		return error;
	}
	put_in_order(found);
	count(found);
	found->blocks = calloc((size_t)found->block_count + 1, sizeof(*found->blocks));
	if (!found->blocks) {
		hw_pymalloc_destroy(found);
		return hw_error_no_memory();
	}
	*arenas = found;
	return NULL;
}

void hw_pymalloc_destroy(struct hw_pymalloc_arenas *arenas)
{
	if (!arenas)
		return;
	free(arenas->arenas);
	free(arenas->pools);
	free(arenas->blocks);
	free(arenas);
}
