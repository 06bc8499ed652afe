/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the references are needed, and what --fail-on makes of them. */
#include "heapwalk/cli/references.h"
#include "heapwalk/cli/typing.h"
#include "heapwalk/cli/view.h"

/* A column that was asked for by name, or all of them. */
static bool shows_leak_kinds(const struct hw_report_options *report, unsigned needs)
{
	if (report->table && hw_columns_name(report->table, report->columns, report->sort, HW_COLUMN_GRAPH))
		return true;
	return needs & HW_VIEW_KINDS && !report->columns && report->format != HW_FORMAT_TABLE;
}

static bool are_needed(const struct hw_session *session)
{
	const struct hw_options *options = &session->options;
	unsigned needs = hw_views_needs(options->views);

	if (needs & HW_VIEW_GRAPH || options->fail_on_lost || options->selection.leaks ||
		hw_session_wants_types(session))
		return true;
	if (needs & HW_VIEW_VERDICT && !options->quick && hw_session_is_soon_done(session))
		return true;
	return shows_leak_kinds(&options->report, needs);
}

struct hw_error *hw_session_references(struct hw_session *session)
{
	struct hw_graph_options options = {
		.ignore = session->options.ignore_roots,
		.progress = hw_progress_update,
	};
	struct hw_error *error;

	if (!session->heap || !are_needed(session))
		return NULL;
	hw_progress_stage("finding out who refers to what");
	error = hw_graph_build(session->heap, &options, &session->graph);
	session->options.selection.graph = session->graph;
	return error;
}

/* What memory that the snapshot lacks may hold cannot be called lost. */
struct hw_error *hw_session_check(const struct hw_session *session, bool *found)
{
	const struct hw_graph *graph = session->graph;

	if (!session->options.fail_on_lost)
		return NULL;
	if (!graph || graph->missing || graph->unread || session->heap->missing)
		return hw_error_remedy(hw_error_create(HW_ERROR_NOT_FOUND,
					       "--fail-on lost: what is lost cannot be told for sure here"),
			"heapwalk --leaks says what this snapshot lacks.");
	*found = graph->tallies[HW_LEAK_DEFINITE].bytes + graph->tallies[HW_LEAK_INDIRECT].bytes >
		 session->options.fail_bytes;
	return NULL;
}
