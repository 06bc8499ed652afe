/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dominators and shortest ways, against their definitions taken literally. */
#include "heapwalk/graph/dominators.h"
#include "heapwalk/graph/shortest.h"
#include "tests/unit/heapwalk/graphs.h"

#define GRAPHS 20000
#define LARGE  300000
#define ENTRY  UINT32_MAX

/* One holder for each node that a root refers to, in their order. */
static void holders_of(const struct table *table, struct hw_references *holders)
{
	uint32_t count = 0, next = 0;

	for (uint32_t i = 0; i < table->count; i++)
		count += table->root[i] != NO_LINK;
	no_error(hw_references_init(holders, count));
	for (uint32_t i = 0; i < table->count; i++) {
		if (!table->root[i])
			continue;
		must(hw_references_begin(holders, next++));
		must(hw_references_add(holders, as_reference(i, table->root[i])));
	}
	must(hw_references_begin(holders, count));
}

/* Which blocks can be reached when `without` is taken away (MOST: nothing is). */
static void reachable_without(const struct table *table, uint32_t without, bool can[MOST])
{
	for (uint32_t i = 0; i < MOST; i++)
		can[i] = i < table->count && table->root[i] && i != without;
	close_over(table, can, without);
}

/* The dominator of `node` that all its other dominators dominate; else the holder, else the entry. */
static uint32_t expect_dominator(const struct table *table, uint32_t node)
{
	uint32_t nearest = ENTRY, nearest_depth = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		bool can[MOST];
		uint32_t depth = 1;

		reachable_without(table, i, can);
		if (i == node || can[node])
			continue;
		for (uint32_t j = 0; j < table->count; j++) {
			reachable_without(table, j, can);
			depth += j != i && !can[i];
		}
		if (depth > nearest_depth) {
			nearest = i;
			nearest_depth = depth;
		}
	}
	return nearest;
}

START_TEST (random_dominators) {
	uint64_t seed = 7;

	for (int graph = 0; graph < GRAPHS; graph++) {
		struct table table = draw_table(&seed);
		struct hw_references blocks, holders;
		struct hw_flow flow = { .blocks = &blocks, .holders = &holders };
		struct hw_dominators found;
		bool can[MOST];
		uint32_t reached = 0;

		references_of(&table, &blocks);
		holders_of(&table, &holders);
		no_error(hw_dominators_build(&flow, &found));
		for (uint32_t i = 1; i < found.count; i++) {
			uint32_t node = found.nodes[i], dominator = found.nodes[found.dominator[i]];

			if (node >= table.count) {
				must_equal(dominator, ENTRY);
				continue;
			}
			reached++;
			/* A holder of one word dominates it only when nothing else leads there. */
			if (dominator != ENTRY && dominator >= table.count)
				dominator = ENTRY;
			if (dominator != expect_dominator(&table, node))
				ck_abort_msg("graph %d: %u is dominated by %d", graph, node, (int)dominator);
		}
		reachable_without(&table, MOST, can);
		for (uint32_t i = 0; i < table.count; i++)
			reached -= can[i];
		must_equal(reached, 0);
		hw_dominators_deinit(&found);
		hw_references_deinit(&blocks);
		hw_references_deinit(&holders);
	}
}
END_TEST

/* What dominates node `i` of a large shape whose root is the only way in: known by construction. */
static uint32_t shape_dominator(const struct shape *shape, uint32_t i)
{
	if (shape->degree == degree_list || shape->degree == degree_double)
		return i - 1;
	if (shape->degree == degree_back)
		return i + 1;
	if (shape->degree == degree_tree)
		return (i - 1) / 2;
	return 0; /* table, all to one, ladder */
}

START_TEST (large_dominators) {
	const struct shape *shape = &shapes[_i];
	uint32_t root = shape_root(shape, LARGE);
	struct hw_references blocks, holders;
	struct hw_flow flow = { .blocks = &blocks, .holders = &holders };
	struct hw_dominators found;

	references_of_shape(shape, LARGE, &blocks);
	no_error(hw_references_init(&holders, 1));
	must(hw_references_add(&holders, root));
	must(hw_references_begin(&holders, 1));
	no_error(hw_dominators_build(&flow, &found));
	must_equal(found.count, LARGE + 2);
	for (uint32_t i = 1; i < found.count; i++) {
		uint32_t node = found.nodes[i], dominator = found.nodes[found.dominator[i]];

		if (node == LARGE)
			must_equal(dominator, ENTRY);
		else if (node == root)
			must_equal(dominator, LARGE);
		else if (dominator != shape_dominator(shape, node))
			ck_abort_msg("%s: %u dominates %u", shape->name, dominator, node);
	}
	hw_dominators_deinit(&found);
	hw_references_deinit(&blocks);
	hw_references_deinit(&holders);
}
END_TEST

static bool leave_out_two(const void *argument hw_unused, uint32_t block)
{
	return block != 2;
}

/* 0 → 1 → 3, 0 → 2 → 3: with 2 out of it, 1 dominates 3. */
START_TEST (part_of_a_graph) {
	struct table table = { .count = 4, .root = { START } };
	struct hw_references blocks, holders;
	struct hw_flow flow = { .blocks = &blocks, .holders = &holders, .takes_part = leave_out_two };
	struct hw_dominators found;

	table.to[0][1] = table.to[0][2] = table.to[1][3] = table.to[2][3] = START;
	references_of(&table, &blocks);
	holders_of(&table, &holders);
	no_error(hw_dominators_build(&flow, &found));
	must_equal(found.count, 5);
	for (uint32_t i = 1; i < found.count; i++) {
		must(found.nodes[i] != 2);
		if (found.nodes[i] == 3)
			must_equal(found.nodes[found.dominator[i]], 1);
	}
	hw_dominators_deinit(&found);
	hw_references_deinit(&blocks);
	hw_references_deinit(&holders);
}
END_TEST

/* Distances by relaxing every link as often as there are nodes. */
static void expect_distances(const struct table *table, const uint32_t cost[MOST], uint32_t distance[MOST])
{
	for (uint32_t i = 0; i < table->count; i++)
		distance[i] = table->root[i] ? cost[i] : UINT32_MAX;
	for (uint32_t round = 0; round < table->count; round++) {
		for (uint32_t i = 0; i < table->count; i++) {
			for (uint32_t j = 0; j < table->count && distance[i] != UINT32_MAX; j++) {
				if (table->to[i][j])
					distance[j] = hw_min(distance[j], distance[i] + 1);
			}
		}
	}
}

START_TEST (random_ways) {
	uint64_t seed = 3;

	for (int graph = 0; graph < GRAPHS; graph++) {
		struct table table = draw_table(&seed);
		struct hw_way_start starts[MOST];
		uint32_t cost[MOST], distance[MOST], start_count = 0, reached = 0;
		struct hw_references references;
		struct hw_ways ways;

		for (uint32_t i = 0; i < table.count; i++)
			cost[i] = draw(&seed, 4);
		for (uint32_t level = 0; level < 4; level++) {
			for (uint32_t i = 0; i < table.count; i++) {
				if (table.root[i] && cost[i] == level)
					starts[start_count++] = (struct hw_way_start){ i, level };
			}
		}
		references_of(&table, &references);
		expect_distances(&table, cost, distance);
		no_error(hw_ways_find(&references, starts, start_count, &ways));
		for (uint32_t i = 0; i < table.count; i++) {
			uint32_t holder = ways.held_by[i];

			if (distance[i] == UINT32_MAX) {
				must_equal(holder, HW_HELD_BY_NOTHING);
				continue;
			}
			reached++;
			if (holder >= table.count) {
				must_equal(starts[holder - table.count].block, i);
				must_equal(starts[holder - table.count].cost, distance[i]);
			} else {
				must(table.to[holder][i] != NO_LINK);
				must_equal(distance[holder] + 1, distance[i]);
			}
		}
		must_equal(ways.count, reached);
		for (uint32_t i = 1; i < ways.count; i++)
			must(distance[ways.order[i - 1]] <= distance[ways.order[i]]);
		hw_ways_deinit(&ways);
		hw_references_deinit(&references);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_ways");
	TCase *tcase = tcase_create("ways");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, random_dominators);
	tcase_add_loop_test(tcase, large_dominators, 0, hw_array_size(shapes));
	tcase_add_test(tcase, part_of_a_graph);
	tcase_add_test(tcase, random_ways);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
