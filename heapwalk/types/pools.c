/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counting records of pools by what they are. */
#include "heapwalk/types/pools.h"

#define FIRST_SLOTS 64

static const char *const kind_names[] = {
	[HW_POOL_PYMALLOC] = "pymalloc",
	[HW_POOL_OBSTACK] = "obstack",
	[HW_POOL_APR] = "apr",
	[HW_POOL_NGINX] = "nginx",
	[HW_POOL_RECORDS] = "records",
};

const char *hw_pool_kind_name(enum hw_pool_kind kind)
{
	return kind_names[kind];
}

static bool is_same(const struct hw_pool_row *a, const struct hw_pool_row *b)
{
	return a->kind == b->kind && a->type == b->type && a->record_size == b->record_size &&
	       a->block_size == b->block_size && a->level == b->level && a->percent == b->percent;
}

static struct hw_pool_slot *slot_of(const struct hw_pool_tally *tally, const struct hw_pool_row *row)
{
	uint64_t key = row->type * UINT64_C(0x9e3779b97f4a7c15) ^ row->record_size << 8 ^ row->block_size ^
		       row->level;
	size_t mask = tally->capacity - 1;
	size_t at = (size_t)(key * 0x9e3779b97f4a7c15 >> 24) & mask;

	while (tally->slots[at].taken && !is_same(&tally->slots[at].row, row))
		at = (at + 1) & mask;
	return &tally->slots[at];
}

static bool grow(struct hw_pool_tally *tally)
{
	struct hw_pool_tally larger = { .count = tally->count };

	if (2 * (tally->count + 1) <= tally->capacity)
		return true;
	larger.capacity = tally->capacity ? 2 * tally->capacity : FIRST_SLOTS;
	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < tally->capacity; i++) {
		if (tally->slots[i].taken)
			*slot_of(&larger, &tally->slots[i].row) = tally->slots[i];
	}
	free(tally->slots);
	*tally = larger;
	return true;
}

struct hw_pool_row *hw_pool_tally_row(struct hw_pool_tally *tally, const struct hw_pool_row *row)
{
	struct hw_pool_slot *slot;

	if (!grow(tally))
		return NULL;
	slot = slot_of(tally, row);
	if (!slot->taken) {
		slot->taken = true;
		slot->row = *row;
		slot->row.used = slot->row.free = slot->row.blocks = slot->row.example = 0;
		slot->row.used_bytes = slot->row.free_bytes = 0;
		tally->count++;
	}
	return &slot->row;
}

/* The most bytes first; then what does not depend on where things lie. */
static int compare(const void *a, const void *b)
{
	const struct hw_pool_row *first = a, *second = b;
	uint64_t bytes = first->used_bytes + first->free_bytes;
	uint64_t other = second->used_bytes + second->free_bytes;

	if (bytes != other)
		return bytes < other ? 1 : -1;
	if (first->record_size != second->record_size)
		return first->record_size < second->record_size ? -1 : 1;
	return (first->type > second->type) - (first->type < second->type);
}

static void count(struct hw_typing *typing, const struct hw_pool_row *row)
{
	struct hw_named_type *type = &typing->types[row->type];

	if (!row->type)
		return;
	type->pooled += row->used;
	type->pooled_bytes += row->used_bytes;
	type->lowest = hw_min(type->lowest, (enum hw_level)row->level);
	type->highest = hw_max(type->highest, (enum hw_level)row->level);
}

static struct hw_error *move_row(struct hw_typing *typing, const struct hw_pool_row *row)
{
	struct hw_pool_row *next = hw_array_next(typing->pools, typing->pool_count, typing->pool_capacity);

	if (!next)
		return hw_error_no_memory();
	*next = *row;
	if (row->record_size) {
		next->used_bytes = row->used * row->record_size;
		next->free_bytes = row->free * row->record_size;
	}
	typing->pool_count++;
	count(typing, next);
	return NULL;
}

struct hw_error *hw_pool_tally_finish(struct hw_pool_tally *tally, struct hw_typing *typing)
{
	struct hw_error *error = NULL;

	for (size_t i = 0; i < tally->capacity && !error; i++) {
		if (tally->slots[i].taken)
			error = move_row(typing, &tally->slots[i].row);
	}
	if (typing->pool_count)
		qsort(typing->pools, typing->pool_count, sizeof(*typing->pools), compare);
	hw_pool_tally_deinit(tally);
	return error;
}

void hw_pool_tally_deinit(struct hw_pool_tally *tally)
{
	free(tally->slots);
	*tally = (struct hw_pool_tally){ 0 };
}
