/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blocks that a program refers to by their middle as a habit: many of one size, all at the same place.
 * (SQLite has a page's header behind the page and only ever keeps the header's address; intrusive lists are
 * linked by a member.) One such block alone may be what is left of a lost one; sixteen alike are how the
 * program does it. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GRAPH_HABITS_H
#define HW_HEAPWALK_GRAPH_HABITS_H

#include "heapwalk/graph/graph.h"
#include "heapwalk/graph/scan.h"

/*
 * Looks at how possibly lost blocks are held. Fills graph->habits, in order of size and offset with no chunks
 * counted yet, and gives blocks of these sizes HW_MARK_HINT. Errors: memory short.
 */
struct hw_error *hw_habits_find(struct hw_graph *graph, struct hw_scan *scan) hw_must_check;

/* The habit by which `pointer` refers to this chunk; NULL: none. */
struct hw_habit *hw_habit_of(const struct hw_graph *graph, uint32_t chunk, uint64_t pointer);

#endif
