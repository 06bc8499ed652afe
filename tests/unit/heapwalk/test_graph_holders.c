/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who holds what, and who keeps what, against graphs that are put into a target word by word. */
#include "tests/unit/heapwalk/hand_target.h"

#define GRAPHS 1500
#define CHUNK  160 /* bytes: room for a reference to each other chunk of a table */

/* Variables of 16 bytes, "variable 0", "variable 1"...; the last 256 bytes of the globals have no name. */
static bool place(void *argument, uint64_t address, struct hw_named_place *found)
{
	static char name[32];

	(void)argument;
	if (address < GLOBAL || address >= GLOBAL + PAGE - 256)
		return false;
	snprintf(name, sizeof(name), "variable %u", (unsigned)(address - GLOBAL) / 16);
	*found = (struct hw_named_place){ .name = name, .start = address / 16 * 16, .size = 16 };
	return true;
}

static const struct hw_names names = { .place = place };

/* A table of chunks; chunk i is held by variable i where the table says so. */
static struct target *target_of(const struct table *table, uint64_t users[MOST])
{
	struct target *target = target_create(8, false);

	for (uint32_t i = 0; i < table->count; i++)
		users[i] = chunk(target, HW_CHUNK_LIVE, CHUNK);
	chunk(target, HW_CHUNK_TOP, 64);
	for (uint32_t i = 0; i < table->count; i++) {
		if (table->root[i])
			poke(target, GLOBAL + 16 * i, users[i]);
		for (uint32_t j = 0; j < table->count; j++) {
			if (table->to[i][j])
				poke(target, users[i] + 8 * j, users[j]);
		}
	}
	return target;
}

static struct table without_interior(struct table table)
{
	for (uint32_t i = 0; i < table.count; i++) {
		table.root[i] = table.root[i] ? START : NO_LINK;
		for (uint32_t j = 0; j < table.count; j++)
			table.to[i][j] = table.to[i][j] ? START : NO_LINK;
	}
	return table;
}

/* How many chunks can be reached when variable `root` lets go (MOST: none does). */
static uint32_t reached_without(const struct table *table, uint32_t root)
{
	bool can[MOST] = { false };
	uint32_t count = 0;

	for (uint32_t i = 0; i < table->count; i++)
		can[i] = table->root[i] && i != root;
	close_over(table, can, MOST);
	for (uint32_t i = 0; i < table->count; i++)
		count += can[i];
	return count;
}

/* What a holder keeps alone is what is no longer reached without it. */
START_TEST (random_retained) {
	uint64_t seed = 11;

	for (int graph_number = 0; graph_number < GRAPHS; graph_number++) {
		struct table table = without_interior(draw_table(&seed));
		struct hw_retained_options options = { .least = 1e-9, .depth = 50, .breadth = 50 };
		uint64_t users[MOST], told = 0;
		struct target *target = target_of(&table, users);
		struct hw_graph *graph = graph_of(target, NULL);
		struct hw_retained *retained;
		uint32_t all = reached_without(&table, MOST);

		no_error(hw_retained_build(graph, &names, &options, &retained));
		must_equal(retained->reachable.chunks, all);
		must_equal(retained->reachable.bytes, (uint64_t)all * CHUNK);
		for (uint32_t i = 0; i < retained->count; i++) {
			const struct hw_retainer *retainer = &retained->retainers[i];
			unsigned variable;

			if (retainer->depth || retainer->holder == UINT32_MAX)
				continue;
			must(sscanf(retained->holders.holders[retainer->holder].name, "variable %u",
				     &variable) == 1);
			must_equal(retainer->retained.chunks, all - reached_without(&table, variable));
			told += retainer->retained.chunks;
		}
		must_equal(told + retained->shared.chunks, all);
		hw_retained_destroy(retained);
		target_destroy(target, graph);
	}
}
END_TEST

/* The distance of each place adds up: every selected chunk stands somewhere, once. */
START_TEST (random_who) {
	uint64_t seed = 13;

	for (int graph_number = 0; graph_number < GRAPHS; graph_number++) {
		struct table table = without_interior(draw_table(&seed));
		struct hw_selection selection = { 0 };
		uint64_t users[MOST], here = 0, below = 0;
		struct target *target = target_of(&table, users);
		struct hw_graph *graph = graph_of(target, NULL);
		struct hw_who *who;

		no_error(hw_who_build(graph, &selection, &names, &who));
		must_equal(who->selected.chunks, table.count);
		must_equal(who->unheld.chunks, table.count - reached_without(&table, MOST));
		for (uint32_t i = 0; i < who->count; i++) {
			const struct hw_who_place *place = &who->places[i];

			must((place->parent == UINT32_MAX) == (place->depth == 0));
			must(place->depth == 0 || place->parent < i);
			must(place->depth == 0 || who->places[place->parent].depth + 1 == place->depth);
			here += place->here.chunks;
			below += place->depth ? 0 : place->below.chunks;
		}
		must_equal(here, who->selected.chunks - who->unheld.chunks);
		must_equal(below, here);
		hw_who_destroy(who);
		target_destroy(target, graph);
	}
}
END_TEST

/* variable 3 + 8 → table of 4 → each a list of 3 whose next stands at 24. */
START_TEST (a_hash_table) {
	struct target *target = target_create(8, false);
	uint64_t table = chunk(target, HW_CHUNK_LIVE, 96);
	struct hw_selection selection = { 0 };
	struct hw_graph *graph;
	struct hw_who *who;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t nodes[3];

		for (unsigned k = 0; k < 3; k++)
			nodes[k] = chunk(target, HW_CHUNK_LIVE, 64);
		poke(target, table + 16 + 8 * i, nodes[0]);
		poke(target, nodes[0] + 24, nodes[1]);
		poke(target, nodes[1] + 24, nodes[2] + 8);
	}
	poke(target, GLOBAL + 3 * 16 + 8, table);
	poke(target, STACK + PAGE + 8, table);
	graph = graph_of(target, NULL);
	no_error(hw_who_build(graph, &selection, &names, &who));
	ck_assert_uint_eq(who->count, 3);
	ck_assert_str_eq(who->holders.holders[who->places[0].holder].name, "variable 3");
	ck_assert_uint_eq(who->places[0].below.chunks, 13);
	ck_assert_uint_eq(who->places[1].chunk_size, 96);
	ck_assert_uint_eq(who->places[1].offset, 8);
	ck_assert(!who->places[1].several_offsets);
	ck_assert_uint_eq(who->places[2].chunks, 12);
	ck_assert_uint_eq(who->places[2].offset, 16);
	ck_assert(who->places[2].several_offsets);
	ck_assert_uint_eq(who->places[2].run, 3);
	ck_assert(who->places[2].has_next && !who->places[2].several_nexts);
	ck_assert_uint_eq(who->places[2].next, 24);
	ck_assert(who->places[2].several_intos);
	hw_who_destroy(who);
	target_destroy(target, graph);
}
END_TEST

/* What a stack also refers to is the variable's; what only a stack refers to is the stack's. */
START_TEST (stacks_only_use) {
	struct target *target = target_create(8, false);
	uint64_t global = chunk(target, HW_CHUNK_LIVE, 64), child = chunk(target, HW_CHUNK_LIVE, 64),
		 local = chunk(target, HW_CHUNK_LIVE, 128);
	struct hw_graph *graph;
	struct hw_retained *retained;

	poke(target, GLOBAL, global);
	poke(target, global, child);
	poke(target, STACK + PAGE + 8, child);
	poke(target, STACK + PAGE + 16, local);
	graph = graph_of(target, NULL);
	no_error(hw_retained_build(graph, &names, NULL, &retained));
	ck_assert_uint_eq(retained->shared.chunks, 0);
	for (uint32_t i = 0; i < retained->count; i++) {
		const struct hw_retainer *retainer = &retained->retainers[i];

		if (retainer->depth)
			continue;
		ck_assert_uint_eq(retainer->retained.chunks,
			retained->holders.holders[retainer->holder].kind == HW_ROOT_STACK ? 1 : 2);
	}
	hw_retained_destroy(retained);
	target_destroy(target, graph);
}
END_TEST

/* Nameless words are holders of their own, unless there are very many in a row. */
START_TEST (nameless) {
	struct target *target = target_create(8, false);
	uint64_t first = chunk(target, HW_CHUNK_LIVE, 64), second = chunk(target, HW_CHUNK_LIVE, 64);
	struct hw_holders holders;
	struct hw_graph *graph;

	poke(target, GLOBAL + PAGE - 64, first);
	poke(target, GLOBAL + PAGE - 56, second);
	poke(target, GLOBAL + 8, second);
	graph = graph_of(target, NULL);
	no_error(hw_holders_build(graph, &names, &holders));
	ck_assert_uint_eq(holders.count, 3);
	ck_assert_str_eq(holders.holders[0].name, "variable 0");
	ck_assert_ptr_null(holders.holders[1].name);
	ck_assert_uint_eq(holders.holders[1].address, GLOBAL + PAGE - 64);
	hw_holders_deinit(&holders);
	hw_graph_destroy(graph);
	for (unsigned i = 0; i < PAGE / 8; i++)
		poke(target, GLOBAL + 8 * i, first);
	no_error(hw_graph_build(target->heap, NULL, &graph));
	no_error(hw_holders_build(graph, NULL, &holders));
	ck_assert_uint_eq(holders.count, 1);
	ck_assert_uint_eq(holders.holders[0].words, PAGE / 8);
	ck_assert_uint_eq(holders.holders[0].end, GLOBAL + PAGE);
	hw_holders_deinit(&holders);
	target_destroy(target, graph);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_holders");
	TCase *tcase = tcase_create("holders");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, random_retained);
	tcase_add_test(tcase, random_who);
	tcase_add_test(tcase, a_hash_table);
	tcase_add_test(tcase, stacks_only_use);
	tcase_add_test(tcase, nameless);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
