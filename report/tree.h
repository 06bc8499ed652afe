/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables that are trees: rows in depth-first order, each as heavy as what hangs on it together, or heavier.
 * Cut to the heaviest rows such a table still is a tree; cut at the end it would show one branch and nothing
 * else.
 */
#ifndef HW_REPORT_TREE_H
#define HW_REPORT_TREE_H

#include "report/private.h"

struct hw_tree_cut {
	bool *shown; /* by row */
	size_t left_out;
};

/*
 * Which of `count` rows of this table to show, as --top says or a screen has room for. False: memory is
 * short, and the report knows.
 */
bool hw_tree_cut(struct hw_report *report, const struct hw_column_set *set, const uint64_t *weights,
	size_t count, struct hw_tree_cut *cut) hw_must_check;
void hw_tree_cut_deinit(struct hw_tree_cut *cut);

/* Below the table: how many rows were left out, and how to see them. Nothing where there are none. */
void hw_tree_say_left_out(struct hw_report *report, const struct hw_tree_cut *cut, const char *noun);

#endif
