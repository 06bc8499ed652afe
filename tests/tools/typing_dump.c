/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints what hw_typing_build() says of each live chunk, for tests to compare with a program's own truth:
 *
 *	typing_dump [-q] [-g] [-t] --attach PID | --core FILE
 *
 * One line a chunk, "USER-ADDRESS USABLE LEVEL EVIDENCE SHAPE TYPE"; then lines that begin with "#": shapes,
 * types, sources, times. -q leaves the chunks out, -g looks who refers to whom first, -t uses debug
 * information and puts fit and percent behind the evidence: "path/exact", "joint/tail/93".
 */
#include <time.h>

#include "heapwalk/cli/debug_types.h"

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void print_chunks(const struct hw_typing *typing, bool with_fit)
{
	const struct hw_heap *heap = typing->heap;

	for (uint32_t i = 0; i < heap->chunks.count; i++) {
		const struct hw_chunk_type *answer = hw_chunk_type(typing, i);

		if (hw_chunk_is_live(heap, i))
			printf("%llx %llu %s %s%s%s%s%.0u %u %s\n",
				(unsigned long long)hw_chunk_user(heap, i),
				(unsigned long long)hw_chunk_usable(heap, i),
				hw_level_name((enum hw_level)answer->level),
				hw_evidence_name((enum hw_evidence)answer->evidence), with_fit ? "/" : "",
				with_fit ? hw_fit_name((enum hw_fit)answer->fit) : "",
				with_fit && answer->percent ? "/" : "", with_fit ? answer->percent : 0u,
				answer->shape, typing->types[answer->type].name);
	}
}

static void print_sums(const struct hw_typing *typing)
{
	for (uint32_t i = 1; i < typing->shape_count; i++)
		printf("# shape %u %llu chunks of %llu, reach %llu, for example %llx: %s\n", i,
			(unsigned long long)typing->shapes[i].chunks,
			(unsigned long long)typing->shapes[i].usable,
			(unsigned long long)typing->shapes[i].reach,
			(unsigned long long)hw_chunk_user(typing->heap, typing->shapes[i].example),
			typing->shapes[i].text);
	for (uint32_t i = 0; i < typing->type_count; i++)
		printf("# type %u %llu chunks, %llu bytes: %s\n", i,
			(unsigned long long)typing->types[i].chunks,
			(unsigned long long)typing->types[i].bytes, typing->types[i].name);
	for (uint32_t i = 0; i < typing->source_count; i++)
		printf("# source %u at %llx: %s\n", i, (unsigned long long)typing->sources[i].address,
			typing->sources[i].name);
}

static struct hw_error *dump(
	const struct hw_snapshot *snapshot, const struct hw_debug_types *debug, bool quiet, bool with_graph)
{
	struct hw_typing_options options = { .debug = debug, .demangle = hw_demangle };
	struct hw_heap *heap;
	struct hw_graph *graph = NULL;
	struct hw_typing *typing;
	double start = now(), walked, linked, typed;
	struct hw_error *error = hw_heap_walk(snapshot, NULL, &heap);

	if (error)
		return error;
	walked = now();
	if (with_graph)
		error = hw_graph_build(heap, NULL, &graph);
	linked = now();
	if (!error)
		error = hw_typing_build(heap, graph, &options, &typing);
	typed = now();
	if (!error) {
		if (!quiet)
			print_chunks(typing, debug);
		print_sums(typing);
		printf("# seconds: walk %.3f, graph %.3f, typing %.3f; %u entries\n", walked - start,
			linked - walked, typed - linked, heap->chunks.count);
		hw_typing_destroy(typing);
	}
	hw_graph_destroy(graph);
	hw_heap_destroy(heap);
	return error;
}

static struct hw_error *dump_with_debug(const struct hw_snapshot *snapshot, bool quiet, bool with_graph)
{
	struct hw_unwinder *unwinder;
	struct hw_debug_types debug;
	struct hw_error *error = hw_unwinder_create(snapshot, NULL, &unwinder);

	if (error)
		return error;
	debug = hw_debug_types_from(unwinder);
	error = dump(snapshot, &debug, quiet, with_graph);
	hw_unwinder_destroy(unwinder);
	return error;
}

int main(int argc, char **argv)
{
	bool quiet = false, with_graph = false, with_debug = false;
	struct hw_snapshot *snapshot = NULL;
	struct hw_error *error = NULL;

	for (int i = 1; i < argc && !error; i++) {
		if (!strcmp(argv[i], "-q"))
			quiet = true;
		else if (!strcmp(argv[i], "-g"))
			with_graph = true;
		else if (!strcmp(argv[i], "-t"))
			with_debug = true;
		else if (!strcmp(argv[i], "--attach") && i + 1 < argc)
			error = hw_snapshot_attach((pid_t)atoi(argv[++i]), NULL, &snapshot);
		else if (!strcmp(argv[i], "--core") && i + 1 < argc)
			error = hw_snapshot_open_core(argv[++i], NULL, &snapshot);
	}
	if (!error && snapshot)
		error = with_debug ? dump_with_debug(snapshot, quiet, with_graph)
				   : dump(snapshot, NULL, quiet, with_graph);
	hw_snapshot_destroy(snapshot);
	if (error)
		fprintf(stderr, "typing_dump: %s\n", error->message);
	else if (!snapshot)
		fputs("usage: typing_dump [-q] [-g] [-t] --attach PID | --core FILE\n", stderr);
	return error || !snapshot;
}
