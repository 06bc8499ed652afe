/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints the leak kind of every live chunk, for tests to compare with a program's own truth:
 *
 *	leak_dump [-q] [-r] --attach PID | --preview PID | --core FILE
 *
 * One line a chunk, "USER-ADDRESS USABLE KIND[, stale]", then lines that begin with "#". -q leaves the chunks
 * out, -r adds the roots.
 */
#include <time.h>

#include "heapwalk/heap.h"

static void print_chunks(const struct hw_graph *graph)
{
	const struct hw_heap *heap = graph->heap;

	for (uint32_t i = 0; i < heap->chunks.count; i++) {
		if (hw_chunk_is_live(heap, i))
			printf("%llx %llu %s%s\n", (unsigned long long)hw_chunk_user(heap, i),
				(unsigned long long)hw_chunk_usable(heap, i),
				hw_leak_kind_name(hw_chunk_leak_kind(graph, i)),
				hw_chunk_is_stale(graph, i) ? ", stale" : "");
	}
}

static void print_roots(const struct hw_graph *graph)
{
	for (size_t i = 0; i < graph->root_count; i++) {
		const struct hw_root *root = &graph->roots[i];

		printf("# root %s %d %llx %llx\n", hw_root_kind_name(root->kind), (int)root->owner,
			(unsigned long long)root->start, (unsigned long long)root->end);
	}
}

static void print_totals(const struct hw_graph *graph)
{
	for (int i = 1; i < HW_LEAK_KINDS; i++)
		printf("# %s: %llu bytes in %llu chunks\n", hw_leak_kind_name((enum hw_leak_kind)i),
			(unsigned long long)graph->tallies[i].bytes,
			(unsigned long long)graph->tallies[i].chunks);
	printf("# stale: %llu bytes in %llu chunks\n", (unsigned long long)graph->stale.bytes,
		(unsigned long long)graph->stale.chunks);
	for (int i = 0; i < HW_HEURISTICS; i++)
		printf("# heuristic %s: %llu bytes in %llu chunks\n", hw_heuristic_name((enum hw_heuristic)i),
			(unsigned long long)graph->heuristics[i].bytes,
			(unsigned long long)graph->heuristics[i].chunks);
	printf("# trees %zu, roots %zu, missing %x, unread %llu\n", graph->tree_count, graph->root_count,
		graph->missing, (unsigned long long)graph->unread);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct hw_error *open_target(const char *how, const char *which, struct hw_snapshot **snapshot)
{
	if (!strcmp(how, "--core"))
		return hw_snapshot_open_core(which, NULL, snapshot);
	if (!strcmp(how, "--attach"))
		return hw_snapshot_attach(atoi(which), NULL, snapshot);
	return hw_snapshot_preview(atoi(which), snapshot);
}

int main(int count, char **arguments)
{
	struct hw_snapshot *snapshot = NULL;
	struct hw_heap *heap = NULL;
	struct hw_graph *graph = NULL;
	struct hw_error *error;
	bool quiet = false, roots = false;
	double start, walked;

	for (; count > 3; count--, arguments++) {
		quiet |= !strcmp(arguments[1], "-q");
		roots |= !strcmp(arguments[1], "-r");
	}
	if (count != 3)
		return 2;
	error = open_target(arguments[1], arguments[2], &snapshot);
	start = seconds();
	if (!error)
		error = hw_heap_walk(snapshot, NULL, &heap);
	walked = seconds();
	if (!error)
		error = hw_graph_build(heap, NULL, &graph);
	if (!error) {
		if (!quiet)
			print_chunks(graph);
		if (roots)
			print_roots(graph);
		print_totals(graph);
		printf("# walk %.3f s, graph %.3f s\n", walked - start, seconds() - walked);
	} else {
		fprintf(stderr, "%s\n", error->message);
	}
	hw_graph_destroy(graph);
	hw_heap_destroy(heap);
	hw_snapshot_destroy(snapshot);
	hw_error_destroy(error);
	return error ? 3 : 0;
}
