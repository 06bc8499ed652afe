/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints what a process keeps in pools, and its chunks whose type a runtime's tag or a pool tells, for tests:
 *
 *	pool_dump [-q] PID | CORE
 *
 * Lines "chunk ADDRESS USABLE LEVEL TYPE", "pool KIND SIZE USED FREE BLOCKS BLOCK-SIZE LEVEL TYPE" and
 * "pymalloc ARENAS USED-BLOCKS USED-BYTES FREE-BLOCKS FREE-BYTES FREE-POOL-BYTES", then seconds. -q leaves
 *the chunks out.
 */
#include <time.h>

#include "heapwalk/heap.h"

static void print_chunks(const struct hw_typing *typing)
{
	const struct hw_heap *heap = typing->heap;

	for (uint32_t i = 0; i < heap->chunks.count; i++) {
		const struct hw_chunk_type *answer = &typing->chunks[i];

		if (hw_chunk_is_live(heap, i))
			printf("chunk %llx %llu %s %s\n", (unsigned long long)hw_chunk_user(heap, i),
				(unsigned long long)hw_chunk_usable(heap, i),
				hw_level_name((enum hw_level)answer->level),
				typing->types[answer->type].name);
	}
}

static void print_pools(const struct hw_typing *typing)
{
	const struct hw_pymalloc *count = &typing->pymalloc;

	for (uint32_t i = 0; i < typing->pool_count; i++) {
		const struct hw_pool_row *row = &typing->pools[i];

		printf("pool %s %llu %llu %llu %llu %llu %s %s\n", hw_pool_kind_name(row->kind),
			(unsigned long long)row->record_size, (unsigned long long)row->used,
			(unsigned long long)row->free, (unsigned long long)row->blocks,
			(unsigned long long)row->block_size, hw_level_name((enum hw_level)row->level),
			typing->types[row->type].name);
	}
	printf("pymalloc %llu %llu %llu %llu %llu %llu\n", (unsigned long long)count->arenas,
		(unsigned long long)count->used_blocks, (unsigned long long)count->used_bytes,
		(unsigned long long)count->free_blocks, (unsigned long long)count->free_bytes,
		(unsigned long long)count->free_pool_bytes);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int count, char **arguments)
{
	bool quiet = count > 2 && !strcmp(arguments[1], "-q");
	const char *which = arguments[count - 1];
	struct hw_typing_options options = { 0 };
	struct hw_snapshot *snapshot = NULL;
	struct hw_typing *typing = NULL;
	struct hw_heap *heap = NULL;
	struct hw_error *error;
	double start = 0;

	if (count < 2)
		return 2;
	error = atoi(which) ? hw_snapshot_attach(atoi(which), NULL, &snapshot)
			    : hw_snapshot_open_core(which, NULL, &snapshot);
	if (!error)
		error = hw_heap_walk(snapshot, NULL, &heap);
	start = seconds();
	if (!error)
		error = hw_typing_build(heap, NULL, &options, &typing);
	if (error) {
		fprintf(stderr, "%s\n", error->message);
		return 1;
	}
	if (!quiet)
		print_chunks(typing);
	print_pools(typing);
	printf("seconds %.3f\n", seconds() - start);
	hw_typing_destroy(typing);
	hw_heap_destroy(heap);
	hw_snapshot_destroy(snapshot);
	return 0;
}
