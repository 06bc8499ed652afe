/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of views, and what each has to find out before it can be drawn. */
#include "heapwalk/cli/view.h"

#include "heapwalk/cli/blind.h"

/* ----------------------------------------------------------------------------------------------- collecting
 */

static struct hw_error *collect_histogram(struct hw_session *session)
{
	struct hw_error *error;

	if (session->histogram)
		return NULL;
	hw_progress_stage("counting chunks");
	error = hw_histogram_build(
		session->heap, &session->options.selection, HW_ORDER_SUSPICION, &session->histogram);
	if (!error && session->typing)
		error = hw_histogram_add_types(
			session->histogram, session->typing, &session->options.selection);
	return error;
}

static struct hw_error *collect_strings(struct hw_session *session)
{
	struct hw_string_options options = { .minimum = session->options.minimum_length };

	hw_progress_stage("collecting strings");
	return hw_strings_collect(session->heap, &session->options.selection, &options, &session->strings);
}

static struct hw_error *collect_verdict(struct hw_session *session)
{
	struct hw_error *error = session->graph ? hw_session_names(session) : NULL;

	if (error || session->verdict)
		return error;
	hw_progress_stage("judging");
	return hw_verdict_build(
		session->heap, session->accounting, session->graph, &session->names, &session->verdict);
}

static struct hw_error *collect_pymalloc(struct hw_session *session)
{
	if (!session->typing)
		return hw_pymalloc_count(session->heap, &session->pymalloc);
	session->pymalloc = session->typing->pymalloc;
	return NULL;
}

static struct hw_error *collect_summary(struct hw_session *session)
{
	struct hw_error *error = collect_histogram(session);

	if (!error)
		error = collect_pymalloc(session);
	return error ? error : collect_verdict(session);
}

static struct hw_error *collect_stacks(struct hw_session *session)
{
	hw_progress_stage("following stacks");
	return hw_session_stacks(session);
}

static struct hw_error *collect_leaks(struct hw_session *session)
{
	return hw_leaks_build(session->graph, &session->options.selection, session->typing, &session->leaks);
}

static struct hw_error *collect_who(struct hw_session *session)
{
	struct hw_error *error = hw_session_names(session);

	hw_progress_stage("finding out who holds them");
	return error ? error
		     : hw_who_build(
			       session->graph, &session->options.selection, &session->names, &session->who);
}

static struct hw_error *collect_retained(struct hw_session *session)
{
	struct hw_error *error = hw_session_names(session);

	hw_progress_stage("finding out who keeps what");
	return error ? error : hw_retained_build(session->graph, &session->names, NULL, &session->retained);
}

static struct hw_error *collect_types(struct hw_session *session)
{
	struct hw_error *error = hw_type_table_build(
		session->typing, &session->options.selection, HW_BY_TYPE, &session->types);

	if (!error)
		error = hw_typing_find_reach(session->typing, session->graph);
	return error ? error : hw_session_blind(session);
}

static struct hw_error *collect_shapes(struct hw_session *session)
{
	struct hw_error *error = hw_type_table_build(
		session->typing, &session->options.selection, HW_BY_SHAPE, &session->shapes);

	return error ? error : hw_typing_find_reach(session->typing, session->graph);
}

static void make_explainer(struct hw_session *session)
{
	session->explainer = (struct hw_explainer){
		.heap = session->heap,
		.typing = session->typing,
		.accounting = session->accounting,
		.graph = session->graph,
		.names = &session->names,
	};
}

static struct hw_error *collect_explanation(struct hw_session *session)
{
	struct hw_error *error = hw_session_names(session);

	if (error)
		return error;
	make_explainer(session);
	return hw_explain(&session->explainer, session->named, &session->explanation);
}

static struct hw_error *collect_dump(struct hw_session *session)
{
	struct hw_error *error = hw_session_names(session);

	if (session->typing)
		make_explainer(session);
	return error;
}

/* --------------------------------------------------------------------------------------------------- table
 */

/* Rows of the table. */
enum {
	SUMMARY,
	HISTOGRAM,
	TYPES,
	SHAPES,
	POOLS,
	LIST,
	DUMP,
	DUMP_STRINGS,
	LEAKS,
	EXPLAIN,
	WHO,
	RETAINED,
	VERDICT,
	ARENAS,
	MAPS,
	STACKS,
	ANOMALIES
};

#define BIT(row)      (UINT64_C(1) << (row))
#define DEFAULT_VIEWS (BIT(SUMMARY) | BIT(HISTOGRAM))

const struct hw_view hw_views[] = {
	[SUMMARY] = { "summary", 0,
		HW_VIEW_HEAP | HW_VIEW_CONTENT | HW_VIEW_USAGE | HW_VIEW_ANOMALIES | HW_VIEW_VERDICT,
		"what it is and where its memory is (default)", &hw_columns_memory, collect_summary,
		hw_report_summary },
	[HISTOGRAM] = { "histogram", 0, HW_VIEW_GLIBC | HW_VIEW_CONTENT | HW_VIEW_VERDICT | HW_VIEW_TYPED,
		"live chunks by size (default)", &hw_columns_histogram, collect_histogram,
		hw_report_histogram },
	[TYPES] = { "types", 0, HW_VIEW_GLIBC | HW_VIEW_CONTENT | HW_VIEW_TYPES, "live chunks by type",
		&hw_columns_types, collect_types, hw_report_types },
	[SHAPES] = { "shapes", 0, HW_VIEW_GLIBC | HW_VIEW_CONTENT | HW_VIEW_TYPES,
		"live chunks by what their words are", &hw_columns_shapes, collect_shapes, hw_report_shapes },
	[POOLS] = { "pools", 0, HW_VIEW_GLIBC | HW_VIEW_CONTENT | HW_VIEW_TYPES,
		"what is in the program's own pools", &hw_columns_pools, NULL, hw_report_pools },
	[LIST] = { "list", 'l',
		HW_VIEW_GLIBC | HW_VIEW_LINES | HW_VIEW_STREAM | HW_VIEW_CONTENT | HW_VIEW_KINDS |
			HW_VIEW_TYPE_LIST | HW_VIEW_ADDRESS,
		"every selected chunk", &hw_columns_list, NULL, hw_report_list },
	[DUMP] = { "dump", 'd',
		HW_VIEW_GLIBC | HW_VIEW_CONTENT | HW_VIEW_MEMORY | HW_VIEW_STREAM | HW_VIEW_TYPE_SOON |
			HW_VIEW_ADDRESS,
		"their words and what they point to", &hw_columns_dump, collect_dump, hw_report_dump },
	[DUMP_STRINGS] = { "dump-strings", 'S', HW_VIEW_GLIBC | HW_VIEW_ADDRESS,
		"the distinct strings in them", &hw_columns_strings, collect_strings, hw_report_strings },
	[LEAKS] = { "leaks", 'L', HW_VIEW_GLIBC | HW_VIEW_CONTENT | HW_VIEW_GRAPH | HW_VIEW_TYPE_SOON,
		"what nobody can reach any more", &hw_columns_leaks, collect_leaks, hw_report_leaks },
	[EXPLAIN] = { "explain", 'x',
		HW_VIEW_GLIBC | HW_VIEW_CONTENT | HW_VIEW_GRAPH | HW_VIEW_TYPES | HW_VIEW_MEMORY |
			HW_VIEW_ADDRESS,
		"what the chunk at an address is, and why", &hw_columns_explain, collect_explanation,
		hw_report_explain },
	[WHO] = { "who", 'w',
		HW_VIEW_GLIBC | HW_VIEW_CONTENT | HW_VIEW_GRAPH | HW_VIEW_ADDRESS | HW_VIEW_TYPE_SOON,
		"who holds them", &hw_columns_who, collect_who, hw_report_who },
	[RETAINED] = { "retained", 'r', HW_VIEW_GLIBC | HW_VIEW_CONTENT | HW_VIEW_GRAPH | HW_VIEW_TYPE_SOON,
		"how much memory each holder keeps alone", &hw_columns_retained, collect_retained,
		hw_report_retained },
	[VERDICT] = { "verdict", 0,
		HW_VIEW_GLIBC | HW_VIEW_CONTENT | HW_VIEW_USAGE | HW_VIEW_GRAPH | HW_VIEW_TYPED,
		"what stands out, leaks and holders included", NULL, collect_verdict, hw_report_verdict },
	[ARENAS] = { "arenas", 0, HW_VIEW_GLIBC, "malloc's arenas and what they hold", &hw_columns_arenas,
		NULL, hw_report_arenas },
	[MAPS] = { "maps", 'm', HW_VIEW_HEAP | HW_VIEW_USAGE, "the memory map and what it is used for",
		&hw_columns_maps, NULL, hw_report_maps },
	[STACKS] = { "stacks", 't', HW_VIEW_STREAM, "every thread's call stack", &hw_columns_stacks,
		collect_stacks, hw_report_stacks },
	[ANOMALIES] = { "anomalies", 0, HW_VIEW_GLIBC | HW_VIEW_ANOMALIES,
		"everything that is odd about the heap", &hw_columns_anomalies, NULL, hw_report_anomalies },
};

const size_t hw_view_count = hw_array_size(hw_views);

uint64_t hw_views_histogram(void)
{
	return BIT(HISTOGRAM);
}

uint64_t hw_views_grouped(uint64_t views, enum hw_type_grouping by)
{
	uint64_t all = views ? views : DEFAULT_VIEWS;

	if (by == HW_BY_SIZE || !(all & BIT(HISTOGRAM)))
		return views;
	return (all & ~BIT(HISTOGRAM)) | (by == HW_BY_TYPE ? BIT(TYPES) : BIT(SHAPES));
}

uint64_t hw_views_explain(void)
{
	return BIT(EXPLAIN);
}

uint64_t hw_views_without_heap(void)
{
	return BIT(SUMMARY) | BIT(MAPS);
}

bool hw_views_have(uint64_t views, size_t index)
{
	return (views ? views : DEFAULT_VIEWS) >> index & 1;
}

unsigned hw_views_needs(uint64_t views)
{
	unsigned needs = 0;

	for (size_t i = 0; i < hw_view_count; i++) {
		if (hw_views_have(views, i))
			needs |= hw_views[i].needs;
	}
	return needs;
}

const struct hw_column_set *hw_views_table(uint64_t views)
{
	const struct hw_column_set *table = NULL;

	for (size_t i = 0; i < hw_view_count; i++) {
		if (hw_views_have(views, i))
			table = hw_views[i].table;
	}
	return table;
}

struct hw_error *hw_views_collect(struct hw_session *session)
{
	struct hw_error *error = NULL;

	for (size_t i = 0; i < hw_view_count && !error; i++) {
		if (hw_views_have(session->options.views, i) && hw_views[i].collect)
			error = hw_views[i].collect(session);
	}
	return error;
}

void hw_views_draw(const struct hw_session *session, struct hw_report *report)
{
	struct hw_findings findings = hw_session_findings(session);

	for (size_t i = 0; i < hw_view_count; i++) {
		if (hw_views_have(session->options.views, i))
			hw_views[i].draw(report, &findings);
	}
}
