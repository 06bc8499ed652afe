/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints what hw_heap_walk() found, for tests to compare with a program's own truth:
 *
 *	heap_dump [-q] [-n] --attach PID | --preview PID | --core FILE
 *
 * One line a chunk, "STATE USER-ADDRESS USABLE", then lines that begin with "#": libcs, arenas, anomalies.
 * -q leaves the chunks out, -n does not look at their content.
 */
#include <time.h>

#include "heapwalk/heap.h"

static void print_chunks(const struct hw_heap *heap)
{
	for (uint32_t i = 0; i < heap->region_count; i++) {
		const struct hw_region *region = &heap->regions[i];

		for (uint32_t j = region->first; j < region->first + region->count; j++)
			printf("%s %llx %llu\n", hw_chunk_state_name(hw_chunk_state(heap, j)),
				(unsigned long long)hw_chunk_user(heap, j),
				(unsigned long long)hw_chunk_usable(heap, j));
	}
}

static void print_tallies(const struct hw_tally *tallies)
{
	for (int state = 0; state < HW_CHUNK_STATES; state++) {
		if (tallies[state].chunks)
			printf(" %s=%llu/%llu", hw_chunk_state_name((enum hw_chunk_state)state),
				(unsigned long long)tallies[state].chunks,
				(unsigned long long)tallies[state].bytes);
	}
	putchar('\n');
}

static void print_heap(const struct hw_heap *heap)
{
	printf("# allocator %s: %s\n", hw_allocator_name(heap->allocator), heap->allocator_evidence);
	for (uint32_t i = 0; i < heap->libc_count; i++) {
		const struct hw_libc *libc = &heap->libcs[i];

		printf("# libc %s %s: %s; mmaps %llu/%llu, tcaches %llu\n", libc->module_path, libc->version,
			libc->evidence, (unsigned long long)libc->mmap_found,
			(unsigned long long)libc->mmap_count, (unsigned long long)libc->tcache_count);
	}
	for (uint32_t i = 0; i < heap->arena_count; i++) {
		const struct hw_arena *arena = &heap->arenas[i];

		printf("# arena %u libc %u %llx system_mem %llu regions %u overhead %llu busy %d:", i,
			arena->libc, (unsigned long long)arena->address,
			(unsigned long long)arena->system_mem, arena->region_count,
			(unsigned long long)arena->overhead, arena->busy);
		print_tallies(arena->tallies);
	}
	for (size_t i = 0; i < heap->anomaly_count; i++)
		printf("# anomaly %s arena %d at %llx after %llx: %s (skipped %llu)\n",
			hw_anomaly_kind_name(heap->anomalies[i].kind), (int)heap->anomalies[i].arena,
			(unsigned long long)heap->anomalies[i].address,
			(unsigned long long)heap->anomalies[i].previous, heap->anomalies[i].text,
			(unsigned long long)heap->anomalies[i].skipped);
	printf("# total %u chunks, %llu anomalies:", heap->chunks.count,
		(unsigned long long)heap->anomaly_total);
	print_tallies(heap->tallies);
}

static struct hw_error *open_target(
	const char *how, const char *which, struct hw_settle *settle, struct hw_snapshot **snapshot)
{
	struct hw_attach_options options = {
		.is_busy = settle ? hw_settle_is_busy : NULL,
		.argument = settle,
	};

	if (!strcmp(how, "--core"))
		return hw_snapshot_open_core(which, NULL, snapshot);
	if (!strcmp(how, "--preview"))
		return hw_snapshot_preview(atoi(which), snapshot);
	return hw_snapshot_attach(atoi(which), &options, snapshot);
}

/* Made from a preview, as the program does. */
static struct hw_error *open_settled(const char *how, const char *which, struct hw_snapshot **snapshot)
{
	struct hw_snapshot *preview = NULL;
	struct hw_settle *settle = NULL;
	struct hw_error *error = NULL;

	if (!strcmp(how, "--attach"))
		error = hw_snapshot_preview(atoi(which), &preview);
	if (!error && preview)
		error = hw_settle_create(preview, &settle);
	if (!error)
		error = open_target(how, which, settle, snapshot);
	hw_settle_destroy(settle);
	hw_snapshot_destroy(preview);
	return error;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct hw_walk_options options = { 0 };
	struct hw_snapshot *snapshot = NULL;
	struct hw_heap *heap = NULL;
	struct hw_error *error;
	bool quiet = false;
	double start;

	for (; argc > 1 && (!strcmp(argv[1], "-q") || !strcmp(argv[1], "-n")); argc--, argv++) {
		quiet |= argv[1][1] == 'q';
		options.skip_content |= argv[1][1] == 'n';
	}
	if (argc != 3)
		return 2;
	error = open_settled(argv[1], argv[2], &snapshot);
	start = now();
	if (!error)
		error = hw_heap_walk(snapshot, &options, &heap);
	if (error) {
		fprintf(stderr, "heap_dump: %s\n", error->message);
		return 3;
	}
	printf("# walked in %.3f s; stopped %u times, %llu us at last, %s\n", now() - start,
		snapshot->freeze.attempts, (unsigned long long)snapshot->freeze.pause_us,
		snapshot->freeze.still_busy ? "busy" : "quiet");
	if (!quiet)
		print_chunks(heap);
	print_heap(heap);
	hw_heap_destroy(heap);
	hw_snapshot_destroy(snapshot);
	return 0;
}
