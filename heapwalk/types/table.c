/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chunks counted by type, by shape or by size, in one pass. */
#include "heapwalk/heap.h"

/* Chunks of one group that have one type. */
struct pair {
	uint64_t key; /* of the group */
	uint32_t type;
	uint32_t example;
	uint64_t chunks; /* 0: an empty slot */
	uint64_t bytes;
	uint64_t levels[HW_LEVELS];
	uint64_t evidences[HW_EVIDENCES];
};

/* Open addressing, at most half full. */
struct pairs {
	struct pair *table;
	size_t mask;
	size_t used;
};

static struct pair *find_pair(const struct pairs *pairs, uint64_t key, uint32_t type)
{
	size_t at = (size_t)((key * 31 + type) * 0x9e3779b97f4a7c15 >> 32) & pairs->mask;

	while (pairs->table[at].chunks && (pairs->table[at].key != key || pairs->table[at].type != type))
		at = (at + 1) & pairs->mask;
	return &pairs->table[at];
}

static bool pairs_init(struct pairs *pairs, size_t size)
{
	*pairs = (struct pairs){ .table = calloc(size, sizeof(*pairs->table)), .mask = size - 1 };
	return pairs->table;
}

static bool pairs_grow(struct pairs *pairs)
{
	struct pairs larger;

	if (2 * (pairs->used + 1) <= pairs->mask)
		return true;
	if (!pairs_init(&larger, 2 * (pairs->mask + 1)))
		return false;
	for (size_t i = 0; i <= pairs->mask; i++) {
		const struct pair *pair = &pairs->table[i];

		if (pair->chunks)
			*find_pair(&larger, pair->key, pair->type) = *pair;
	}
	larger.used = pairs->used;
	free(pairs->table);
	*pairs = larger;
	return true;
}

static bool pairs_count(struct pairs *pairs, const struct hw_typing *typing, uint64_t key, uint32_t index)
{
	const struct hw_chunk_type *answer = hw_chunk_type(typing, index);
	struct pair *pair;

	if (!pairs_grow(pairs))
		return false;
	pair = find_pair(pairs, key, answer->type);
	if (!pair->chunks) {
		pairs->used++;
		pair->key = key;
		pair->type = answer->type;
		pair->example = index;
	}
	pair->chunks++;
	pair->bytes += hw_chunk_size(typing->heap, index);
	pair->levels[answer->level]++;
	pair->evidences[answer->evidence]++;
	return true;
}

static uint64_t key_of(const struct hw_typing *typing, enum hw_type_grouping by, uint32_t index)
{
	switch (by) {
	case HW_BY_TYPE:
		return hw_chunk_type(typing, index)->type;
	case HW_BY_SHAPE:
		return hw_chunk_type(typing, index)->shape;
	case HW_BY_SIZE:
		break;
	}
	return hw_chunk_size(typing->heap, index) | (hw_chunk_state(typing->heap, index) == HW_CHUNK_MMAPPED);
}

static void add_coverage(struct hw_coverage *coverage, const struct hw_typing *typing, uint32_t index)
{
	const struct hw_chunk_type *answer = hw_chunk_type(typing, index);
	bool is_text = answer->evidence == HW_EVIDENCE_TEXT;
	struct hw_type_tally *tally = is_text ? &coverage->text : &coverage->levels[answer->level];

	tally->chunks++;
	tally->bytes += hw_chunk_size(typing->heap, index);
	coverage->all.chunks++;
	coverage->all.bytes += hw_chunk_size(typing->heap, index);
}

/* --------------------------------------------------------------------------------------------------------
 * rows
 */

static unsigned largest_of(const uint64_t *counts, unsigned count)
{
	unsigned largest = 0;

	for (unsigned i = 1; i < count; i++) {
		if (counts[i] > counts[largest])
			largest = i;
	}
	return largest;
}

/* Groups side by side, in each the commonest type first. */
static int compare_pairs(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->chunks != b->chunks)
		return a->chunks > b->chunks ? -1 : 1;
	return (a->type > b->type) - (a->type < b->type);
}

static int compare_rows(const void *left, const void *right)
{
	const struct hw_type_row *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->chunks != b->chunks)
		return a->chunks > b->chunks ? -1 : 1;
	return (a->key > b->key) - (a->key < b->key);
}

static struct hw_type_row make_row(const struct pair *pair)
{
	return (struct hw_type_row){
		.key = pair->key,
		.type = pair->type,
		.type_chunks = pair->chunks,
		.level = (enum hw_level)largest_of(pair->levels, HW_LEVELS),
		.evidence = (enum hw_evidence)largest_of(pair->evidences, HW_EVIDENCES),
		.example = pair->example,
	};
}

/* The used pairs, to the front. */
static void gather(struct pairs *pairs)
{
	size_t used = 0;

	for (size_t i = 0; i <= pairs->mask; i++) {
		if (pairs->table[i].chunks)
			pairs->table[used++] = pairs->table[i];
	}
	qsort(pairs->table, used, sizeof(*pairs->table), compare_pairs);
}

static bool make_rows(struct hw_type_table *table, struct pairs *pairs)
{
	table->rows = calloc(pairs->used + 1, sizeof(*table->rows));
	if (!table->rows)
		return false;
	gather(pairs);
	for (size_t i = 0; i < pairs->used; i++) {
		const struct pair *pair = &pairs->table[i];
		struct hw_type_row *row;

		if (!i || pair->key != pair[-1].key)
			table->rows[table->count++] = make_row(pair);
		row = &table->rows[table->count - 1];
		row->chunks += pair->chunks;
		row->bytes += pair->bytes;
		row->types++;
	}
	if (table->count)
		qsort(table->rows, table->count, sizeof(*table->rows), compare_rows);
	return true;
}

/* ----------------------------------------------------------------------------------------------------- pools
 */

/* Nothing in a pool has a chunk's size, state or arena. */
static bool wants_pooled(const struct hw_selection *selection, enum hw_type_grouping by)
{
	if (by != HW_BY_TYPE)
		return false;
	return !selection || (!selection->size_high && !selection->has_arena && !selection->states &&
				     !selection->contents && !selection->leaks && !selection->matches);
}

static void add_pool(struct hw_type_table *table, const struct hw_pool_row *pool, uint32_t *row_of)
{
	struct hw_type_row *row;

	if (!row_of[pool->type]) {
		row_of[pool->type] = (uint32_t)table->count + 1;
		table->rows[table->count++] = (struct hw_type_row){
			.key = pool->type,
			.type = pool->type,
			.types = 1,
			.level = (enum hw_level)pool->level,
			.evidence = pool->kind == HW_POOL_RECORDS ? HW_EVIDENCE_RECORDS : HW_EVIDENCE_TAG,
			.pooled = true,
		};
	}
	row = &table->rows[row_of[pool->type] - 1];
	row->chunks += pool->used;
	row->type_chunks += pool->used;
	row->bytes += pool->used * pool->record_size;
	table->pooled_bytes += pool->used * pool->record_size;
}

static bool add_pools(
	struct hw_type_table *table, const struct hw_typing *typing, const struct hw_selection *selection)
{
	uint32_t *row_of = calloc(typing->type_count, sizeof(*row_of));
	size_t room = table->count + typing->pool_count + 1;
	struct hw_type_row *rows = row_of ? realloc(table->rows, room * sizeof(*rows)) : NULL;

	if (!rows) {
		free(row_of);
		return false;
	}
	table->rows = rows;
	for (uint32_t i = 0; i < typing->pool_count; i++) {
		const struct hw_pool_row *pool = &typing->pools[i];

		/* What lies in chunks is counted as these. */
		if (pool->used && pool->type && (pool->kind == HW_POOL_PYMALLOC || !pool->block_size) &&
			(!selection || !selection->types || selection->types[pool->type]))
			add_pool(table, pool, row_of);
	}
	free(row_of);
	if (table->count)
		qsort(table->rows, table->count, sizeof(*table->rows), compare_rows);
	return true;
}

/* -------------------------------------------------------------------------------------------------- together
 */

struct hw_error *hw_type_table_build(const struct hw_typing *typing, const struct hw_selection *selection,
	enum hw_type_grouping by, struct hw_type_table **table)
{
	struct hw_type_table *made = calloc(1, sizeof(*made));
	struct hw_chunk_iterator iterator;
	struct pairs pairs = { 0 };
	bool fits = made && pairs_init(&pairs, 1024);
	uint32_t index;

	hw_chunk_iterator_init(&iterator, typing->heap, selection, false);
	while (fits && hw_chunk_iterator_next(&iterator, &index, NULL)) {
		fits = pairs_count(&pairs, typing, key_of(typing, by, index), index);
		add_coverage(&made->coverage, typing, index);
	}
	fits = fits && make_rows(made, &pairs);
	if (fits && typing->pool_count && wants_pooled(selection, by))
		fits = add_pools(made, typing, selection);
	free(pairs.table);
	if (!fits) {
		hw_type_table_destroy(made);
		return hw_error_no_memory();
	}
	*table = made;
	return NULL;
}

void hw_type_table_destroy(struct hw_type_table *table)
{
	if (table)
		free(table->rows);
	free(table);
}

/* ----------------------------------------------------------------------------------------------- the
 * histogram
 */

static int compare_keys(const void *left, const void *right)
{
	const struct hw_type_row *a = left, *b = right;

	return (a->key > b->key) - (a->key < b->key);
}

struct hw_error *hw_histogram_add_types(
	struct hw_histogram *histogram, const struct hw_typing *typing, const struct hw_selection *selection)
{
	struct hw_type_table *table;
	struct hw_error *error = hw_type_table_build(typing, selection, HW_BY_SIZE, &table);

	if (error)
		return error;
	if (table->count)
		qsort(table->rows, table->count, sizeof(*table->rows), compare_keys);
	for (size_t i = 0; i < histogram->row_count; i++) {
		struct hw_size_row *row = &histogram->rows[i];
		struct hw_type_row wanted = { .key = row->chunk_size | row->mmapped };
		const struct hw_type_row *found =
			bsearch(&wanted, table->rows, table->count, sizeof(wanted), compare_keys);

		if (!found)
			continue;
		row->type = found->type;
		row->type_level = found->level;
		row->type_share = (double)found->type_chunks / (double)hw_max(found->chunks, 1u);
	}
	histogram->coverage = table->coverage;
	hw_type_table_destroy(table);
	return NULL;
}
