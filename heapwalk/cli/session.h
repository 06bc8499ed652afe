/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run of the program: what was asked for, and what each stage found. */
#ifndef HW_CLI_SESSION_H
#define HW_CLI_SESSION_H

#include "heapwalk/cli/last.h"
#include "heapwalk/cli/names.h"
#include "heapwalk/cli/options.h"

/* Zeroed at the start; each stage fills its own members. */
struct hw_session {
	struct hw_options options;
	struct hw_last last; /* the remembered target, when none was named */
	struct hw_snapshot *snapshot;
	struct hw_heap *heap;             /* NULL: no view asked for it */
	uint32_t named;                   /* options.address: that chunk */
	struct hw_accounting *accounting; /* together with the heap */
	struct hw_histogram *histogram;
	struct hw_string_table *strings;
	struct hw_graph *graph; /* NULL: nobody asked who refers to what */
	struct hw_leaks *leaks;
	struct hw_who *who;
	struct hw_retained *retained;
	struct hw_verdict *verdict;
	struct hw_pymalloc pymalloc; /* for the summary */
	struct hw_typing *typing;    /* NULL: nobody asked what the chunks are */
	struct hw_type_table *types;
	struct hw_type_table *shapes;
	uint8_t *selected_types; /* --type */
	struct hw_blind *blind;  /* modules without debug information; NULL: nobody asked */
	size_t blind_count;
	size_t blind_total;
	struct hw_explainer explainer; /* typing NULL: nobody asked for values */
	struct hw_explanation *explanation;
	struct hw_unwinder *unwinder;
	struct hw_names names; /* they ask names_source, and through it the unwinder */
	struct hw_names_source names_source;
	struct hw_named_stack *stacks; /* stack_count of them, one for each thread */
	size_t stack_count;
};

/* Makes the unwinder, and names that ask it. Nothing is loaded yet. */
struct hw_error *hw_session_names(struct hw_session *session) hw_must_check;

/* Follows every thread's stack and names its frames. */
struct hw_error *hw_session_stacks(struct hw_session *session) hw_must_check;

/*
 * Is the heap so small that finding out more about it than was asked for takes a fraction of a second? False
 * before it was walked.
 */
bool hw_session_is_soon_done(const struct hw_session *session);

/* What was found, for drawing. Borrowed. */
struct hw_findings hw_session_findings(const struct hw_session *session);

/* Frees what all stages found; the target is let go, should that not have happened before. */
void hw_session_deinit(struct hw_session *session);

#endif
