/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tree cut to its heaviest rows is a tree. */
#include "tests/unit/report/report_test.h"

#include "report/tree.h"

static const struct hw_column columns[] = { { "name", HW_UNIT_TEXT, HW_COLUMN_SHOWN, "a name" } };
static const struct hw_column_set set = { "tree", columns, 1 };

/* Depth first; a child's weight is at most its parent's. */
static const struct {
	unsigned depth;
	uint64_t weight;
} rows[] = { { 0, 100 }, { 1, 60 }, { 2, 60 }, { 2, 0 }, { 1, 40 }, { 0, 50 }, { 1, 50 }, { 1, 0 },
	{ 0, 3 } };

#define ROWS hw_array_size(rows)

static const struct {
	struct hw_report_options options;
	const char *shown; /* by row */
	const char *said;
} cases[] = {
	{ { .has_top = true, .top = 1 }, "100000000",
		"8 rows more, none of them heavier: --top 0 shows all.\n" },
	{ { .has_top = true, .top = 3 }, "111000000",
		"6 rows more, none of them heavier: --top 0 shows all.\n" },
	{ { .has_top = true, .top = 5 }, "111001100",
		"4 rows more, none of them heavier: --top 0 shows all.\n" },
	{ { .has_top = true, .top = 8 }, "111111101",
		"1 row more, none of them heavier: --top 0 shows all.\n" },
	{ { .has_top = true, .top = 0 }, "111111111", "" },
	{ { .has_top = true, .top = 100 }, "111111111", "" },
	{ { .sort = "name", .has_top = true, .top = 2 }, "111111111", "" },
	{ { .format = HW_FORMAT_CSV }, "111111111", "" },
};

static void cut_is(struct hw_report *report, const char *shown)
{
	uint64_t weights[ROWS];
	struct hw_tree_cut cut;

	for (size_t i = 0; i < ROWS; i++)
		weights[i] = rows[i].weight;
	ck_assert(hw_tree_cut(report, &set, weights, ROWS, &cut));
	for (size_t i = 0; i < ROWS; i++)
		ck_assert_int_eq(cut.shown[i], shown[i] == '1');
	hw_tree_say_left_out(report, &cut, "row");
	hw_tree_cut_deinit(&cut);
}

START_TEST (heaviest_rows) {
	struct hw_report_options options = cases[_i].options;
	hw_autofree char *text = NULL;
	struct hw_report *report;

	options.table = &set;
	options.path = scratch_path;
	no_error(hw_report_create(&options, &report));
	cut_is(report, cases[_i].shown);
	no_error(hw_report_finish(report));
	text = read_scratch();
	ck_assert_str_eq(text, cases[_i].said);
}
END_TEST

/* --top is meant for another table: a screen's rows. */
START_TEST (as_many_as_a_screen_has) {
	struct hw_report_options options = { .path = scratch_path, .has_top = true, .top = 1 };
	uint64_t weights[30] = { 0 };
	struct hw_report *report;
	struct hw_tree_cut cut;

	no_error(hw_report_create(&options, &report));
	ck_assert(hw_tree_cut(report, &set, weights, hw_array_size(weights), &cut));
	ck_assert_uint_eq(cut.left_out, 10);
	ck_assert(cut.shown[19] && !cut.shown[20]);
	hw_tree_cut_deinit(&cut);
	no_error(hw_report_finish(report));
}
END_TEST

static void add(TCase *tcase)
{
	tcase_add_loop_test(tcase, heaviest_rows, 0, hw_array_size(cases));
	tcase_add_test(tcase, as_many_as_a_screen_has);
}

int main(void)
{
	return run_cases("tree", add);
}
