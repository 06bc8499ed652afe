/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers, roots, the scan for pointers and memcheck's heuristics, on a target made by hand. */
#include "heapwalk/graph/layers.h"
#include "tests/unit/heapwalk/hand_target.h"

/* ------------------------------------------------------------------------------------------------- layers */

struct piece {
	uint64_t start, end;
	unsigned kind;
};

struct layer_row {
	const char *name;
	struct hw_layer_range ranges[6];
	struct piece pieces[8];
};

static const struct layer_row layer_rows[] = {
	{ "nothing", { { 0 } }, { { 0 } } },
	{ "one", { { 10, 20, 0, 1, 0 } }, { { 10, 20, 1 } } },
	{ "empty and backwards ranges", { { 10, 10, 0, 1, 0 }, { 30, 20, 0, 2, 0 }, { 40, 50, 0, 3, 0 } },
		{ { 40, 50, 3 } } },
	{ "a hole in the middle", { { 10, 50, 0, 1, 0 }, { 20, 30, 1, 2, 0 } },
		{ { 10, 20, 1 }, { 20, 30, 2 }, { 30, 50, 1 } } },
	{ "high below low", { { 20, 30, 3, 9, 0 }, { 10, 50, 2, 1, 0 } },
		{ { 10, 20, 1 }, { 20, 30, 9 }, { 30, 50, 1 } } },
	{ "sticking out on both sides", { { 10, 40, 1, 1, 0 }, { 20, 30, 0, 2, 0 }, { 35, 60, 0, 3, 0 } },
		{ { 10, 40, 1 }, { 40, 60, 3 } } },
	{ "same start", { { 10, 40, 1, 1, 0 }, { 10, 60, 0, 2, 0 } }, { { 10, 40, 1 }, { 40, 60, 2 } } },
	{ "a gap", { { 10, 20, 0, 1, 0 }, { 30, 40, 0, 2, 0 } }, { { 10, 20, 1 }, { 30, 40, 2 } } },
	{ "one layer: the next one ends it", { { 10, 50, 1, 1, 0 }, { 20, 30, 1, 2, 0 }, { 0, 60, 0, 3, 0 } },
		{ { 0, 10, 3 }, { 10, 20, 1 }, { 20, 30, 2 }, { 30, 60, 3 } } },
	{ "to the end of the address space", { { UINT64_MAX - 5, UINT64_MAX, 0, 1, 0 } },
		{ { UINT64_MAX - 5, UINT64_MAX, 1 } } },
};

struct pieces {
	struct piece pieces[16];
	size_t count;
};

static bool collect(const struct hw_layer_range *piece, void *argument)
{
	struct pieces *pieces = argument;

	pieces->pieces[pieces->count++] = (struct piece){ piece->start, piece->end, piece->kind };
	return pieces->count < 16;
}

START_TEST (layers) {
	const struct layer_row *row = &layer_rows[_i];
	struct hw_layers made = { 0 };
	struct pieces pieces = { .count = 0 };

	for (size_t i = 0; i < hw_array_size(row->ranges); i++) {
		if (row->ranges[i].start || row->ranges[i].end)
			must(hw_layers_add(&made, &row->ranges[i]));
	}
	must(hw_layers_flatten(&made, collect, &pieces));
	for (size_t i = 0; i < hw_array_size(row->pieces); i++) {
		struct piece none = { 0 }, found = i < pieces.count ? pieces.pieces[i] : none;

		ck_assert_msg(found.start == row->pieces[i].start && found.end == row->pieces[i].end &&
				      found.kind == row->pieces[i].kind,
			"%s: piece %zu is %llu-%llu %u", row->name, i, (unsigned long long)found.start,
			(unsigned long long)found.end, found.kind);
	}
	hw_layers_deinit(&made);
}
END_TEST

/* Machines: word size and byte order. */
static const struct {
	unsigned word_size;
	bool big_endian;
} machines[] = { { 8, false }, { 4, false }, { 8, true } };

/* What a pointer into a chunk means, by where it points: behind the chunk's start, which it is counted from.
 */
static const struct {
	int offset_words; /* from the user address */
	int offset_bytes;
	enum hw_leak_kind kind;
} pointer_rows[] = {
	{ 0, 0, HW_LEAK_REACHABLE }, { 0, 1, HW_LEAK_POSSIBLE }, { 2, 0, HW_LEAK_POSSIBLE },
	{ -1, 0, HW_LEAK_DEFINITE },  /* its own size word */
	{ -2, 0, HW_LEAK_DEFINITE },  /* the last word of the block before it */
	{ 10, -1, HW_LEAK_POSSIBLE }, /* the last usable byte: the chunk has 11 words */
	{ 10, 0, HW_LEAK_POSSIBLE },  /* right behind it: an end pointer */
};

START_TEST (pointers) {
	for (size_t machine = 0; machine < hw_array_size(machines); machine++) {
		unsigned word = machines[machine].word_size;
		struct target *target = target_create(word, machines[machine].big_endian);
		uint64_t before = chunk(target, HW_CHUNK_LIVE, 12 * word);
		uint64_t user = chunk(target, HW_CHUNK_LIVE, 12 * word);
		uint64_t after = chunk(target, HW_CHUNK_LIVE, 12 * word);
		struct hw_graph *graph;

		chunk(target, HW_CHUNK_TOP, 16 * word);
		poke(target, GLOBAL + 64,
			user +
				(uint64_t)(int64_t)(pointer_rows[_i].offset_words * (int)word +
						    pointer_rows[_i].offset_bytes) +
				(pointer_rows[_i].offset_words == 10 ? word : 0));
		graph = graph_of(target, NULL);
		ck_assert_msg(kind_of(graph, user) == pointer_rows[_i].kind, "row %d, machine %zu: %s", _i,
			machine, hw_leak_kind_name(kind_of(graph, user)));
		if (pointer_rows[_i].offset_words < 0)
			ck_assert_uint_eq(kind_of(graph, before), HW_LEAK_POSSIBLE);
		ck_assert_uint_eq(kind_of(graph, after), HW_LEAK_DEFINITE);
		target_destroy(target, graph);
	}
}
END_TEST

/* Each root kind alone holds a block; left out, the block is lost. */
START_TEST (roots) {
	struct target *target = target_create(8, false);
	uint64_t global = chunk(target, HW_CHUNK_LIVE, 64), stack = chunk(target, HW_CHUNK_LIVE, 64),
		 red_zone = chunk(target, HW_CHUNK_LIVE, 64), dead = chunk(target, HW_CHUNK_LIVE, 64),
		 in_register = chunk(target, HW_CHUNK_LIVE, 64), child = chunk(target, HW_CHUNK_LIVE, 64),
		 freed = chunk(target, HW_CHUNK_TCACHE, 64), by_freed = chunk(target, HW_CHUNK_LIVE, 64);
	struct hw_graph_options options = { .ignore = 0 };
	struct hw_graph *graph;

	poke(target, GLOBAL + 8, global);
	poke(target, STACK + PAGE + 8, stack);
	poke(target, STACK + PAGE - 128, red_zone);
	poke(target, STACK + PAGE - 136, dead);
	memcpy(target->registers + 40, &in_register, 8);
	poke(target, global + 8, child);
	poke(target, freed + 8, by_freed);
	poke(target, GLOBAL + 16, freed);
	graph = graph_of(target, NULL);
	ck_assert_uint_eq(kind_of(graph, global), HW_LEAK_REACHABLE);
	ck_assert_uint_eq(kind_of(graph, stack), HW_LEAK_REACHABLE);
	ck_assert_uint_eq(kind_of(graph, red_zone), HW_LEAK_REACHABLE);
	ck_assert_uint_eq(kind_of(graph, dead), HW_LEAK_DEFINITE);
	ck_assert_uint_eq(kind_of(graph, in_register), HW_LEAK_REACHABLE);
	ck_assert_uint_eq(kind_of(graph, child), HW_LEAK_REACHABLE);
	ck_assert_uint_eq(kind_of(graph, freed), HW_LEAK_NONE);
	ck_assert_uint_eq(kind_of(graph, by_freed), HW_LEAK_DEFINITE);
	hw_graph_destroy(graph);
	options.ignore = 1u << HW_ROOT_STACK | 1u << HW_ROOT_REGISTER;
	no_error(hw_graph_build(target->heap, &options, &graph));
	ck_assert_uint_eq(kind_of(graph, global), HW_LEAK_REACHABLE);
	ck_assert_uint_eq(kind_of(graph, stack), HW_LEAK_DEFINITE);
	ck_assert_uint_eq(kind_of(graph, in_register), HW_LEAK_DEFINITE);
	hw_graph_destroy(graph);
	options.ignore = 1u << HW_ROOT_GLOBAL;
	no_error(hw_graph_build(target->heap, &options, &graph));
	ck_assert_uint_eq(kind_of(graph, global), HW_LEAK_DEFINITE);
	ck_assert_uint_eq(kind_of(graph, child), HW_LEAK_INDIRECT);
	target_destroy(target, graph);
}
END_TEST

/* Blocks whose first words and a pointer into them make a heuristic, or just not. Sizes are requests. */
static const struct {
	const char *name;
	unsigned request;
	uint64_t words[3];
	unsigned offset;
	enum hw_heuristic heuristic; /* HW_HEURISTICS: none */
} heuristic_rows[] = {
	{ "length64", 8 + 33, { 33 }, 8, HW_HEURISTIC_LENGTH64 },
	{ "length64, too long", 8 + 33, { 49 }, 8, HW_HEURISTICS },
	{ "length64, pointer elsewhere", 8 + 100, { 100 }, 24, HW_HEURISTICS },
	{ "newarray", 8 + 7 * 24, { 7 }, 8, HW_HEURISTIC_NEWARRAY },
	{ "newarray of nothing", 8 + 40, { 0 }, 8, HW_HEURISTICS },
	{ "newarray, more elements than bytes", 8 + 40, { 41 + 16 }, 8, HW_HEURISTICS },
	{ "newarray, no size fits", 8 + 200, { 150 }, 8, HW_HEURISTICS },
	{ "stdstring", 24 + 50 + 1, { 40, 50, 0 }, 24, HW_HEURISTIC_STDSTRING },
	{ "stdstring, longer than its capacity", 24 + 50 + 1, { 51, 50, 0 }, 24, HW_HEURISTICS },
	{ "stdstring, another capacity", 24 + 50 + 1, { 10, 20, 0 }, 24, HW_HEURISTICS },
};

START_TEST (heuristics) {
	struct target *target = target_create(8, false);
	uint64_t size = hw_heap_request_to_chunk(target->heap, heuristic_rows[_i].request);
	uint64_t user = chunk(target, HW_CHUNK_LIVE, size), child = chunk(target, HW_CHUNK_LIVE, 64);
	bool counts = heuristic_rows[_i].heuristic != HW_HEURISTICS;
	struct hw_graph_options options = { .no_heuristics = ~0u };
	struct hw_graph *graph;

	for (unsigned i = 0; i < 3; i++)
		poke(target, user + 8 * i, heuristic_rows[_i].words[i]);
	poke(target, user + 32, child);
	poke(target, GLOBAL, user + heuristic_rows[_i].offset);
	graph = graph_of(target, NULL);
	ck_assert_msg(kind_of(graph, user) == (counts ? HW_LEAK_REACHABLE : HW_LEAK_POSSIBLE), "%s",
		heuristic_rows[_i].name);
	ck_assert_uint_eq(kind_of(graph, child), kind_of(graph, user));
	if (counts)
		ck_assert_uint_eq(graph->heuristics[heuristic_rows[_i].heuristic].chunks, 1);
	hw_graph_destroy(graph);
	no_error(hw_graph_build(target->heap, &options, &graph));
	ck_assert_uint_eq(kind_of(graph, user), HW_LEAK_POSSIBLE);
	target_destroy(target, graph);
}
END_TEST

/* A heuristic pointer from one block to the next, all the way down a list. */
START_TEST (heuristic_chain) {
	struct target *target = target_create(8, false);
	uint64_t users[200];
	struct hw_graph *graph;

	for (unsigned i = 0; i < hw_array_size(users); i++) {
		users[i] = chunk(target, HW_CHUNK_LIVE, 64);
		poke(target, users[i], 48); /* length64 */
		if (i)
			poke(target, users[i - 1] + 16, users[i] + 8);
	}
	poke(target, GLOBAL, users[0] + 8);
	graph = graph_of(target, NULL);
	for (unsigned i = 0; i < hw_array_size(users); i++)
		ck_assert_uint_eq(kind_of(graph, users[i]), HW_LEAK_REACHABLE);
	target_destroy(target, graph);
}
END_TEST

/* An allocator that aligns by hand keeps the start right before what it gives out. */
START_TEST (aligned) {
	struct target *target = target_create(8, false);
	uint64_t user = chunk(target, HW_CHUNK_LIVE, 256), other = chunk(target, HW_CHUNK_LIVE, 256);
	struct hw_graph *graph;

	poke(target, user + 64 - 8, user);
	poke(target, GLOBAL, user + 64);
	poke(target, other + 64 - 8, other + 8);
	poke(target, GLOBAL + 8, other + 64);
	graph = graph_of(target, NULL);
	ck_assert_uint_eq(kind_of(graph, user), HW_LEAK_REACHABLE);
	ck_assert_uint_eq(kind_of(graph, other), HW_LEAK_POSSIBLE);
	target_destroy(target, graph);
}
END_TEST

/* What the walk could not make sense of may hold anything: what it points to is held. */
START_TEST (doubtful_bytes) {
	struct target *target = target_create(8, false);
	uint64_t skipped = chunk(target, HW_CHUNK_SKIPPED, 128), user = chunk(target, HW_CHUNK_LIVE, 64);
	struct hw_graph *graph;

	target->heap->tallies[HW_CHUNK_SKIPPED].chunks = 1;
	poke(target, skipped + 24, user);
	graph = graph_of(target, NULL);
	ck_assert_uint_eq(kind_of(graph, user), HW_LEAK_REACHABLE);
	target_destroy(target, graph);
}
END_TEST

/* A thread without registers: its stack is scanned whole, and it is said that roots are missing. */
START_TEST (missing_registers) {
	struct target *target = target_create(8, false);
	uint64_t user = chunk(target, HW_CHUNK_LIVE, 64), lost = chunk(target, HW_CHUNK_LIVE, 64);
	struct hw_graph *graph;

	target->thread.has_registers = false;
	target->thread.general = (struct hw_register_set){ 0 };
	poke(target, STACK + 16, user);
	graph = graph_of(target, NULL);
	ck_assert_uint_eq(kind_of(graph, user), HW_LEAK_REACHABLE);
	ck_assert_uint_eq(kind_of(graph, lost), HW_LEAK_DEFINITE);
	ck_assert_uint_eq(graph->missing, 1u << HW_ROOT_REGISTER);
	target_destroy(target, graph);
}
END_TEST

/* Bytes of a block that are not in the image are counted, and the rest of it is scanned. */
START_TEST (unreadable) {
	struct target *target = target_create(8, false);
	uint64_t big = chunk(target, HW_CHUNK_LIVE, 4 * PAGE), child = chunk(target, HW_CHUNK_LIVE, 64);
	struct hw_graph *graph;

	poke(target, GLOBAL, big);
	poke(target, big + 3 * PAGE, child);
	target->snapshot.image->segments[0].end = HEAP + PAGE;
	target->snapshot.image->segments[0].file_size = PAGE;
	no_error(hw_image_add(target->snapshot.image, &(struct hw_segment){ .start = HEAP + 2 * PAGE,
							      .end = HEAP + 16 * PAGE,
							      .file_size = 14 * PAGE,
							      .bytes = target->heap_bytes + 2 * PAGE,
							      .fd = -1 }));
	graph = graph_of(target, NULL);
	ck_assert_uint_eq(kind_of(graph, child), HW_LEAK_REACHABLE);
	ck_assert_uint_eq(graph->unread, PAGE);
	target_destroy(target, graph);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_scan");
	TCase *tcase = tcase_create("scan");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, layers, 0, hw_array_size(layer_rows));
	tcase_add_loop_test(tcase, pointers, 0, hw_array_size(pointer_rows));
	tcase_add_test(tcase, roots);
	tcase_add_loop_test(tcase, heuristics, 0, hw_array_size(heuristic_rows));
	tcase_add_test(tcase, heuristic_chain);
	tcase_add_test(tcase, aligned);
	tcase_add_test(tcase, doubtful_bytes);
	tcase_add_test(tcase, missing_registers);
	tcase_add_test(tcase, unreadable);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
