/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leak kinds and lost families, against their definitions taken literally. */
#include "heapwalk/graph/mark.h"
#include "tests/unit/heapwalk/graphs.h"

#define GRAPHS 20000
#define LARGE  300000

struct expected {
	enum hw_leak_kind kinds[MOST];
};

/* memcheck's words: reachable by start pointers alone; by any; not at all. */
static struct expected expect_reach(const struct table *table)
{
	struct expected expected = { 0 };
	struct table starts = *table;
	bool reachable[MOST] = { 0 }, possible[MOST] = { 0 };

	for (uint32_t i = 0; i < table->count; i++) {
		reachable[i] = table->root[i] == START;
		possible[i] = table->root[i] != NO_LINK;
		for (uint32_t j = 0; j < table->count; j++)
			starts.to[i][j] = table->to[i][j] == START ? START : NO_LINK;
	}
	close_over(&starts, reachable, MOST);
	close_over(table, possible, MOST);
	for (uint32_t i = 0; i < table->count; i++) {
		expected.kinds[i] = reachable[i]  ? HW_LEAK_REACHABLE
				    : possible[i] ? HW_LEAK_POSSIBLE
						  : HW_LEAK_DEFINITE;
	}
	return expected;
}

/* reaches[a][b]: from a, over lost blocks only (nothing else can be reached from them and be lost). */
static void lost_closure(const struct table *table, bool reaches[MOST][MOST])
{
	for (uint32_t i = 0; i < table->count; i++) {
		memset(reaches[i], 0, sizeof(reaches[i]));
		reaches[i][i] = true;
		close_over(table, reaches[i], MOST);
	}
}

/*
 * A lost block is a head if all lost blocks that reach it are reached by it, and it is the first of them, or
 * the last: what ranks highest.
 */
static void expect_heads(const struct table *table, struct expected *expected, bool last)
{
	bool reaches[MOST][MOST];
	struct expected reach = *expected;

	lost_closure(table, reaches);
	for (uint32_t i = 0; i < table->count; i++) {
		bool head = reach.kinds[i] == HW_LEAK_DEFINITE;

		for (uint32_t j = 0; j < table->count; j++) {
			if (j == i || reach.kinds[j] != HW_LEAK_DEFINITE || !reaches[j][i])
				continue;
			head = head && reaches[i][j] && (last ? i > j : i < j);
		}
		if (reach.kinds[i] == HW_LEAK_DEFINITE && !head)
			expected->kinds[i] = HW_LEAK_INDIRECT;
	}
}

static uint64_t bytes_of(const void *argument hw_unused, uint32_t node)
{
	return 16 + 32 * (uint64_t)node;
}

static uint64_t first_of(const void *argument hw_unused, uint32_t node)
{
	return UINT32_MAX - node;
}

static const struct hw_lost_nodes first_leads = { .bytes_of = bytes_of, .rank_of = first_of };
static const struct hw_lost_nodes largest_leads = { .bytes_of = bytes_of };

static void mark(const struct table *table, const struct hw_references *references, uint8_t *kinds)
{
	uint32_t roots[MOST];
	struct hw_marking marking = { .references = references, .roots = roots, .kinds = kinds };

	memset(kinds, HW_LEAK_DEFINITE, table->count);
	for (uint32_t i = 0; i < table->count; i++) {
		if (table->root[i])
			roots[marking.root_count++] = as_reference(i, table->root[i]);
	}
	no_error(hw_marking_run(&marking));
}

static void check_forest(const struct table *table, const struct hw_lost_forest *forest, const uint8_t *kinds)
{
	uint64_t blocks = 0, bytes = 0;

	for (size_t i = 0; i < forest->count; i++) {
		must_equal(kinds[forest->trees[i].head], HW_LEAK_DEFINITE);
		blocks += forest->trees[i].blocks;
		bytes += forest->trees[i].bytes;
	}
	for (uint32_t i = 0; i < table->count; i++) {
		if (kinds[i] == HW_LEAK_DEFINITE || kinds[i] == HW_LEAK_INDIRECT) {
			blocks--;
			bytes -= bytes_of(NULL, i);
		}
	}
	must_equal(blocks, 0);
	must_equal(bytes, 0);
}

START_TEST (random_graphs) {
	uint64_t seed = 1;

	for (int graph = 0; graph < GRAPHS; graph++) {
		struct table table = draw_table(&seed);
		struct expected expected = expect_reach(&table);
		struct hw_references references;
		struct hw_lost_forest forest;
		uint8_t kinds[MOST];
		size_t heads = 0;

		references_of(&table, &references);
		mark(&table, &references, kinds);
		for (uint32_t i = 0; i < table.count; i++)
			if (kinds[i] != expected.kinds[i])
				ck_abort_msg(
					"graph %d: %u is %u, not %u", graph, i, kinds[i], expected.kinds[i]);
		expect_heads(&table, &expected, graph % 2);
		no_error(hw_lost_forest_build(
			&references, kinds, graph % 2 ? &largest_leads : &first_leads, &forest));
		for (uint32_t i = 0; i < table.count; i++) {
			heads += expected.kinds[i] == HW_LEAK_DEFINITE;
			if (kinds[i] != expected.kinds[i])
				ck_abort_msg("graph %d: lost %u is %u, not %u", graph, i, kinds[i],
					expected.kinds[i]);
		}
		must_equal(forest.count, heads);
		check_forest(&table, &forest, kinds);
		hw_lost_forest_deinit(&forest);
		hw_references_deinit(&references);
	}
}
END_TEST

/* Lost graphs whose families are known by their construction. */
struct family_row {
	const char *name;
	uint32_t count;
	int links[10][2];
	size_t trees;
	uint32_t blocks[4]; /* of each tree, cycles last */
	enum hw_lost_shape shapes[4];
};

static const struct family_row families[] = {
	{ "one block", 1, { { -1 } }, 1, { 1 }, { HW_LOST_BLOCK } },
	{ "a block that refers to itself", 1, { { 0, 0 }, { -1 } }, 1, { 1 }, { HW_LOST_BLOCK } },
	{ "two blocks apart", 2, { { -1 } }, 2, { 1, 1 }, { HW_LOST_BLOCK, HW_LOST_BLOCK } },
	{ "list", 4, { { 0, 1 }, { 1, 2 }, { 2, 3 }, { -1 } }, 1, { 4 }, { HW_LOST_LIST } },
	{ "list downwards", 4, { { 3, 2 }, { 2, 1 }, { 1, 0 }, { -1 } }, 1, { 4 }, { HW_LOST_LIST } },
	{ "tree", 5, { { 0, 1 }, { 0, 2 }, { 1, 3 }, { 1, 4 }, { -1 } }, 1, { 5 }, { HW_LOST_TREE } },
	{ "two that hold each other", 2, { { 0, 1 }, { 1, 0 }, { -1 } }, 1, { 2 }, { HW_LOST_CYCLE } },
	{ "ring with a tail", 5, { { 1, 2 }, { 2, 3 }, { 3, 1 }, { 3, 0 }, { 0, 4 }, { -1 } }, 1, { 5 },
		{ HW_LOST_CYCLE } },
	{ "ring that hangs on a block", 4, { { 3, 0 }, { 0, 1 }, { 1, 2 }, { 2, 0 }, { -1 } }, 1, { 4 },
		{ HW_LOST_WEB } },
	{ "ring that hangs on a later ring", 4, { { 0, 1 }, { 1, 0 }, { 2, 3 }, { 3, 2 }, { 3, 0 }, { -1 } },
		1, { 4 }, { HW_LOST_CYCLE } },
	{ "diamond", 4, { { 0, 1 }, { 0, 2 }, { 1, 3 }, { 2, 3 }, { -1 } }, 1, { 4 }, { HW_LOST_WEB } },
	{ "two heads share a block", 3, { { 0, 2 }, { 1, 2 }, { -1 } }, 2, { 2, 1 },
		{ HW_LOST_TREE, HW_LOST_BLOCK } },
	{ "a pair and a ring", 4, { { 2, 3 }, { 0, 1 }, { 1, 0 }, { -1 } }, 2, { 2, 2 },
		{ HW_LOST_TREE, HW_LOST_CYCLE } },
};

START_TEST (known_families) {
	const struct family_row *row = &families[_i];
	struct table table = { .count = row->count };
	struct hw_references references;
	struct hw_lost_forest forest;
	uint8_t kinds[MOST];

	for (int i = 0; row->links[i][0] >= 0; i++)
		table.to[row->links[i][0]][row->links[i][1]] = START;
	references_of(&table, &references);
	mark(&table, &references, kinds);
	no_error(hw_lost_forest_build(&references, kinds, &first_leads, &forest));
	ck_assert_msg(forest.count == row->trees, "%s: %zu trees", row->name, forest.count);
	for (size_t i = 0; i < row->trees; i++) {
		ck_assert_msg(forest.trees[i].blocks == row->blocks[i], "%s: tree %zu has %u blocks",
			row->name, i, forest.trees[i].blocks);
		ck_assert_msg(hw_lost_tree_shape(&forest.trees[i]) == row->shapes[i],
			"%s: tree %zu has shape %d", row->name, i, hw_lost_tree_shape(&forest.trees[i]));
	}
	hw_lost_forest_deinit(&forest);
	hw_references_deinit(&references);
}
END_TEST

/* Everything is reachable from the root; without it everything is lost by one head. */
START_TEST (large_shapes) {
	const struct shape *shape = &shapes[_i];
	uint32_t root = shape_root(shape, LARGE);
	struct hw_references references;
	struct hw_lost_forest forest;
	uint8_t *kinds = malloc(LARGE);
	struct hw_marking marking = { .roots = &root, .root_count = 1, .kinds = kinds };

	references_of_shape(shape, LARGE, &references);
	marking.references = &references;
	memset(kinds, HW_LEAK_DEFINITE, LARGE);
	no_error(hw_marking_run(&marking));
	for (uint32_t i = 0; i < LARGE; i++)
		must_equal(kinds[i], HW_LEAK_REACHABLE);
	memset(kinds, HW_LEAK_DEFINITE, LARGE);
	no_error(hw_lost_forest_build(&references, kinds, &first_leads, &forest));
	must_equal(forest.count, 1);
	must_equal(forest.trees[0].head, root);
	must_equal(forest.trees[0].blocks, LARGE);
	must_equal(kinds[root], HW_LEAK_DEFINITE);
	hw_lost_forest_deinit(&forest);
	hw_references_deinit(&references);
	free(kinds);
}
END_TEST

/* Interior pointers that `resolve` accepts count as start pointers, from roots and from blocks. */
static void accept_even(struct hw_marking *marking, uint32_t node, size_t root)
{
	const struct hw_references *references = marking->references;

	if (node == UINT32_MAX) {
		if (!(hw_reference_target(marking->roots[root]) & 1))
			hw_marking_reach(marking, hw_reference_target(marking->roots[root]));
		return;
	}
	for (uint64_t i = hw_references_row(references, node); i < hw_references_row(references, node + 1);
		i++) {
		if (!(hw_reference_target(references->targets[i]) & 1))
			hw_marking_reach(marking, hw_reference_target(references->targets[i]));
	}
}

START_TEST (heuristics) {
	/* root -?-> 0 -?-> 2 -> 4 -?-> 3; root -?-> 1 -> 5 */
	struct table table = { .count = 6, .root = { INTERIOR, INTERIOR } };
	static const enum hw_leak_kind expected[] = { HW_LEAK_REACHABLE, HW_LEAK_POSSIBLE, HW_LEAK_REACHABLE,
		HW_LEAK_POSSIBLE, HW_LEAK_REACHABLE, HW_LEAK_POSSIBLE };
	uint32_t roots[] = { 0 | HW_REFERENCE_INTERIOR, 1 | HW_REFERENCE_INTERIOR };
	uint8_t kinds[6];
	struct hw_references references;
	struct hw_marking marking = {
		.roots = roots, .root_count = 2, .kinds = kinds, .resolve = accept_even
	};

	table.to[0][2] = table.to[4][3] = INTERIOR;
	table.to[2][4] = table.to[1][5] = START;
	references_of(&table, &references);
	marking.references = &references;
	memset(kinds, HW_LEAK_DEFINITE | HW_MARK_HINT, sizeof(kinds));
	no_error(hw_marking_run(&marking));
	for (uint32_t i = 0; i < 6; i++)
		ck_assert_msg(hw_mark_kind(kinds, i) == expected[i], "%u is %u", i, kinds[i]);
	hw_references_deinit(&references);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("graph_mark");
	TCase *tcase = tcase_create("mark");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, random_graphs);
	tcase_add_loop_test(tcase, known_families, 0, hw_array_size(families));
	tcase_add_loop_test(tcase, large_shapes, 0, hw_array_size(shapes));
	tcase_add_test(tcase, heuristics);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
