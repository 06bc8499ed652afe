/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The views: what a user can ask to see. A new one is a row in view.c's table, a function or two there, and a
 * drawing function in the report layer.
 */
#ifndef HW_CLI_VIEW_H
#define HW_CLI_VIEW_H

#include "heapwalk/cli/session.h"

enum hw_view_need {
	HW_VIEW_HEAP = 1,       /* the walk's results, be it of no heap */
	HW_VIEW_GLIBC = 2,      /* a heap that can be walked: nothing to see without */
	HW_VIEW_CONTENT = 4,    /* what chunks look like */
	HW_VIEW_USAGE = 8,      /* what smaps says */
	HW_VIEW_MEMORY = 16,    /* drawing still reads the snapshot's memory */
	HW_VIEW_LINES = 32,     /* as JSON one object a line */
	HW_VIEW_ANOMALIES = 64, /* says what is odd about the heap */
	HW_VIEW_GRAPH = 128,    /* who refers to what */
	HW_VIEW_STREAM = 512,   /* rows are written as they come: no sorting, --top is --limit */
	HW_VIEW_VERDICT = 1024, /* who refers to what, where that does not take long */
	HW_VIEW_KINDS = 256,    /* JSON and CSV have leak kinds in a column */
	HW_VIEW_TYPES = 2048,   /* what the chunks are, by all evidence */
	HW_VIEW_TYPED = 4096,   /* has types in a column: by cheap evidence, where that does not take long */
	HW_VIEW_TYPE_LIST = 8192,  /* has types in a column, should somebody ask for it */
	HW_VIEW_ADDRESS = 32768,   /* can be about one chunk that is named by its address */
	HW_VIEW_TYPE_SOON = 16384, /* what the chunks are, by all evidence, where that does not take long */
};

struct hw_view {
	const char *option; /* the long option that asks for it */
	char letter;        /* 0: none */
	unsigned needs;     /* enum hw_view_need bits */
	const char *help;
	const struct hw_column_set *table; /* that --columns, --sort and --top are for; NULL: it is words */
	/* Finds out what the walk did not, while memory can be read. NULL: nothing to do. */
	struct hw_error *(*collect)(struct hw_session *session);
	void (*draw)(struct hw_report *report, const struct hw_findings *findings);
};

extern const struct hw_view hw_views[];
extern const size_t hw_view_count;

/* Of the views with these bits; no bit means the default ones. */
unsigned hw_views_needs(uint64_t views);
const struct hw_column_set *hw_views_table(uint64_t views);

/* Bits: the histogram alone; the one that needs an address; what is shown by default when there is no heap to
 * count. */
uint64_t hw_views_histogram(void);
uint64_t hw_views_explain(void);
uint64_t hw_views_without_heap(void);

/* The same with the histogram's place taken by the view that has a row for each type or shape. */
uint64_t hw_views_grouped(uint64_t views, enum hw_type_grouping by);

/* True when `views` has the view number `index`, or it is a default one and there are none. */
bool hw_views_have(uint64_t views, size_t index);

/* Finds out what the wanted views show and the walk did not find. */
struct hw_error *hw_views_collect(struct hw_session *session) hw_must_check;

/* Draws them in the order of the table. */
void hw_views_draw(const struct hw_session *session, struct hw_report *report);

#endif
