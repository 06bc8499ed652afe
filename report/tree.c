/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tree cut to its heaviest rows. */
#include "report/tree.h"

#include "report/number.h"

#define SCREEN_ROWS 20

/* Sorted by hand, the sheet shows and cuts the rows as it does with any others. */
static size_t rows_to_show(const struct hw_report *report, const struct hw_column_set *set)
{
	const struct hw_report_options *options = &report->options;

	if (options->sort && options->table == set)
		return SIZE_MAX;
	if (options->has_top && options->table == set)
		return options->top ? options->top : SIZE_MAX;
	return hw_report_is_text(report) ? SCREEN_ROWS : SIZE_MAX;
}

/* The heaviest first; of equals the upper row, on which the other may hang. */
static int compare(const void *left, const void *right, void *argument)
{
	const uint64_t *weights = argument;
	size_t a = *(const size_t *)left, b = *(const size_t *)right;

	if (weights[a] != weights[b])
		return weights[a] > weights[b] ? -1 : 1;
	return a < b ? -1 : a > b;
}

bool hw_tree_cut(struct hw_report *report, const struct hw_column_set *set, const uint64_t *weights,
	size_t count, struct hw_tree_cut *cut)
{
	size_t shown = hw_min(rows_to_show(report, set), count);
	hw_autofree size_t *order = calloc(count + 1, sizeof(*order));
	bool *rows = calloc(count + 1, sizeof(*rows));

	if (!order || !rows) {
		free(rows);
		report->output.no_memory = true;
		return false;
	}
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	qsort_r(order, count, sizeof(*order), compare, (void *)weights);
	for (size_t i = 0; i < shown; i++)
		rows[order[i]] = true;
	*cut = (struct hw_tree_cut){ .shown = rows, .left_out = count - shown };
	return true;
}

void hw_tree_cut_deinit(struct hw_tree_cut *cut)
{
	free(cut->shown);
	*cut = (struct hw_tree_cut){ 0 };
}

void hw_tree_say_left_out(struct hw_report *report, const struct hw_tree_cut *cut, const char *noun)
{
	char count[HW_NUMBER_ROOM];

	if (cut->left_out)
		hw_report_print(report, "%s %s%s more, none of them heavier: --top 0 shows all.\n",
			hw_number_count(cut->left_out, count), noun, cut->left_out == 1 ? "" : "s");
}
