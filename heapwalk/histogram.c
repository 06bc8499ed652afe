/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chunks counted by size, in one pass. */
#include "heapwalk/selection.h"

/* The chunks of one size; mmapped ones apart. */
struct bucket {
	uint64_t key;    /* chunk size | is mmapped */
	uint32_t first;  /* index of the first one */
	uint64_t chunks; /* 0: an empty bucket */
	/* Of the chunks that all were looked into, and of those of which only a sample was. */
	uint64_t contents[2][HW_CONTENTS];
	uint64_t leaks[HW_LEAK_KINDS];
};

/* Open addressing, at most half full. */
struct buckets {
	struct bucket *table;
	size_t mask; /* size - 1; the size is a power of two */
	size_t used;
};

static bool buckets_init(struct buckets *buckets, size_t size)
{
	*buckets = (struct buckets){ .table = calloc(size, sizeof(*buckets->table)), .mask = size - 1 };
	return buckets->table;
}

/* The bucket of `key`, or the empty one where it belongs. */
static struct bucket *find_bucket(const struct buckets *buckets, uint64_t key)
{
	size_t at = (size_t)(key * 0x9e3779b97f4a7c15 >> 32) & buckets->mask;

	while (buckets->table[at].chunks && buckets->table[at].key != key)
		at = (at + 1) & buckets->mask;
	return &buckets->table[at];
}

static bool buckets_grow(struct buckets *buckets)
{
	struct buckets larger;

	if (!buckets_init(&larger, 2 * (buckets->mask + 1)))
		return false;
	for (size_t i = 0; i <= buckets->mask; i++) {
		if (buckets->table[i].chunks)
			*find_bucket(&larger, buckets->table[i].key) = buckets->table[i];
	}
	larger.used = buckets->used;
	free(buckets->table);
	*buckets = larger;
	return true;
}

/* `key` is the size, but for mmapped chunks, which are larger than any that is sampled. */
static bool is_sampled(const struct hw_heap *heap, uint64_t key, uint32_t index)
{
	return heap->content_sampled && key <= HW_SAMPLED_CHUNK && index >= heap->sampled_from[key / 8];
}

/* `graph` may be NULL. */
static bool buckets_count(
	struct buckets *buckets, const struct hw_heap *heap, const struct hw_graph *graph, uint32_t index)
{
	uint64_t key = hw_chunk_size(heap, index) | (hw_chunk_state(heap, index) == HW_CHUNK_MMAPPED);
	struct bucket *bucket = find_bucket(buckets, key);

	if (!bucket->chunks) {
		if (2 * (buckets->used + 1) > buckets->mask) {
			if (!buckets_grow(buckets))
				return false;
			bucket = find_bucket(buckets, key);
		}
		buckets->used++;
		bucket->key = key;
		bucket->first = index;
	}
	bucket->chunks++;
	bucket->contents[is_sampled(heap, key, index)][hw_chunk_content(heap, index) % HW_CONTENTS]++;
	if (graph)
		bucket->leaks[hw_chunk_leak_kind(graph, index)]++;
	return true;
}

/* Newton's method; exact enough for an order, and needs no mathematics library. */
static double square_root(double square)
{
	double root = square > 1 ? square : 1;

	for (int i = 0; i < 60; i++)
		root = (root + square / root) / 2;
	return root;
}

/* Adds a part of a size's chunks to the weights: those that were looked into stand for all of the part. */
static void add_part(const uint64_t counts[HW_CONTENTS], double weights[HW_CONTENTS], double *total)
{
	uint64_t looked_into = 0;

	for (unsigned i = HW_CONTENT_NONE + 1; i < HW_CONTENTS; i++)
		looked_into += counts[i];
	if (!looked_into)
		return;
	for (unsigned i = HW_CONTENT_NONE + 1; i < HW_CONTENTS; i++) {
		double weight = (double)(looked_into + counts[HW_CONTENT_NONE]) / (double)looked_into;

		weights[i] += weight * (double)counts[i];
		*total += weight * (double)counts[i];
	}
}

/* NONE is no content: these chunks were not looked into. */
static void set_content(struct hw_size_row *row, const struct bucket *bucket)
{
	double weights[HW_CONTENTS] = { 0 }, total = 0;

	add_part(bucket->contents[0], weights, &total);
	add_part(bucket->contents[1], weights, &total);
	for (unsigned i = HW_CONTENT_NONE + 1; i < HW_CONTENTS; i++) {
		if (weights[i] > weights[row->content])
			row->content = (enum hw_content)i;
	}
	if (total > 0)
		row->content_share = weights[row->content] / total;
}

static struct hw_size_row make_row(const struct hw_heap *heap, const struct bucket *bucket)
{
	struct hw_size_row row = {
		.chunk_size = bucket->key & ~(uint64_t)1,
		.mmapped = bucket->key & 1,
		.chunks = bucket->chunks,
		.usable = hw_chunk_usable(heap, bucket->first),
	};

	row.bytes = row.chunks * row.chunk_size;
	row.suspicion = (double)(row.chunks - 1) * square_root((double)row.chunk_size);
	if (row.mmapped)
		hw_mmapped_requests(heap, bucket->first, &row.request_low, &row.request_high);
	else
		hw_heap_chunk_to_requests(heap, row.chunk_size, &row.request_low, &row.request_high);
	memcpy(row.leaks, bucket->leaks, sizeof(row.leaks));
	set_content(&row, bucket);
	return row;
}

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_size(const void *left, const void *right)
{
	const struct hw_size_row *a = left, *b = right;
	int by_size = order(a->chunk_size, b->chunk_size);

	return by_size ? by_size : order(a->mmapped, b->mmapped);
}

static int compare_bytes(const void *left, const void *right)
{
	const struct hw_size_row *a = left, *b = right;
	int by_bytes = order(b->bytes, a->bytes);

	return by_bytes ? by_bytes : compare_size(left, right);
}

static int compare_chunks(const void *left, const void *right)
{
	const struct hw_size_row *a = left, *b = right;
	int by_chunks = order(b->chunks, a->chunks);

	return by_chunks ? by_chunks : compare_bytes(left, right);
}

static int compare_suspicion(const void *left, const void *right)
{
	const struct hw_size_row *a = left, *b = right;

	if (a->suspicion != b->suspicion)
		return a->suspicion < b->suspicion ? 1 : -1;
	return compare_bytes(left, right);
}

static void sort_rows(struct hw_histogram *histogram, enum hw_histogram_order by)
{
	static int (*const compare[])(const void *, const void *) = {
		[HW_ORDER_SUSPICION] = compare_suspicion,
		[HW_ORDER_BYTES] = compare_bytes,
		[HW_ORDER_CHUNKS] = compare_chunks,
		[HW_ORDER_SIZE] = compare_size,
	};

	if (histogram->row_count)
		qsort(histogram->rows, histogram->row_count, sizeof(*histogram->rows), compare[by]);
}

static struct hw_histogram *make_histogram(const struct hw_heap *heap, const struct buckets *buckets)
{
	struct hw_histogram *made = calloc(1, sizeof(*made));

	if (!made)
		return NULL;
	made->rows = calloc(buckets->used + 1, sizeof(*made->rows));
	if (!made->rows) {
		free(made);
		return NULL;
	}
	for (size_t i = 0; i <= buckets->mask; i++) {
		if (buckets->table[i].chunks)
			made->rows[made->row_count++] = make_row(heap, &buckets->table[i]);
	}
	for (size_t i = 0; i < made->row_count; i++) {
		made->chunks += made->rows[i].chunks;
		made->bytes += made->rows[i].bytes;
	}
	for (size_t i = 0; i < made->row_count; i++)
		made->rows[i].share = made->bytes ? (double)made->rows[i].bytes / (double)made->bytes : 0;
	return made;
}

struct hw_error *hw_histogram_build(const struct hw_heap *heap, const struct hw_selection *selection,
	enum hw_histogram_order by, struct hw_histogram **histogram)
{
	struct hw_chunk_iterator iterator;
	struct hw_histogram *made = NULL;
	struct buckets buckets;
	uint32_t index;
	bool fits = true;

	if (!buckets_init(&buckets, 256))
		return hw_error_no_memory();
	hw_chunk_iterator_init(&iterator, heap, selection, false);
	while (fits && hw_chunk_iterator_next(&iterator, &index, NULL))
		fits = buckets_count(&buckets, heap, selection->graph, index);
	if (fits)
		made = make_histogram(heap, &buckets);
	free(buckets.table);
	if (!made)
		return hw_error_no_memory();
	made->has_leaks = selection->graph;
	sort_rows(made, by);
	*histogram = made;
	return NULL;
}

void hw_histogram_destroy(struct hw_histogram *histogram)
{
	if (!histogram)
		return;
	free(histogram->rows);
	free(histogram);
}
