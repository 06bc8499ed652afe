/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the chunks are: asked for with all evidence, or shown beside sizes where that costs little. */
#include "heapwalk/cli/typing.h"

#include <fnmatch.h>

#include "heapwalk/cli/debug_types.h"
#include "heapwalk/cli/format.h"
#include "heapwalk/cli/view.h"

/* A column that has types was asked for by name. */
static bool names_types(const struct hw_report_options *report)
{
	return report->table &&
	       hw_columns_name(report->table, report->columns, report->sort, HW_COLUMN_TYPED);
}

/* Tables of chunks show types on request. */
static bool list_shows_types(const struct hw_report_options *report)
{
	return names_types(report) || (!report->columns && report->format != HW_FORMAT_TABLE);
}

static bool histogram_shows_types(const struct hw_report_options *report)
{
	return !report->columns || names_types(report);
}

bool hw_session_wants_types(const struct hw_session *session)
{
	const struct hw_options *options = &session->options;
	unsigned needs = hw_views_needs(options->views);

	return needs & HW_VIEW_TYPES || options->type_glob || options->minimum_level || options->hint_count ||
	       (needs & HW_VIEW_TYPE_SOON && !options->quick && hw_session_is_soon_done(session)) ||
	       (needs & HW_VIEW_TYPE_LIST && list_shows_types(&options->report));
}

static struct hw_error *build(struct hw_session *session, bool fully)
{
	struct hw_debug_types debug;
	struct hw_typing_options options = {
		.demangle = hw_demangle,
		.minimum = session->options.minimum_level,
		.hints = session->options.hints,
		.hint_count = session->options.hint_count,
		.progress = hw_progress_update,
	};
	struct hw_formats *formats = fully ? hw_formats_create() : NULL;
	struct hw_error *error = NULL;

	hw_progress_stage("finding out what they are");
	if (!fully)
		options.without |= 1u << HW_EVIDENCE_RECORDS;
	if (fully) {
		error = hw_session_names(session);
		debug = hw_debug_types_from(session->unwinder);
		options.names = &session->names;
		options.debug = &debug;
		options.format = hw_formats_ask;
		options.format_argument = formats;
	}
	if (!error)
		error = hw_typing_build(session->heap, session->graph, &options, &session->typing);
	session->names.typing = session->typing;
	hw_formats_destroy(formats);
	return error;
}

/* Whoever says what something is wants to hear whether it can be that. */
static void note_hints(const struct hw_options *options)
{
	for (size_t i = 0; i < options->hint_count; i++) {
		const struct hw_type_hint *hint = &options->hints[i];

		hw_report_note("--type-hint %s: %llu chunk%s can be that, and %llu cannot", hint->type,
			(unsigned long long)hint->accepted, hint->accepted == 1 ? "" : "s",
			(unsigned long long)hint->refused);
	}
}

/* --type */
static struct hw_error *select_types(struct hw_session *session)
{
	const struct hw_typing *typing = session->typing;

	session->selected_types = calloc(typing->type_count, 1);
	if (!session->selected_types)
		return hw_error_no_memory();
	for (uint32_t i = 0; i < typing->type_count; i++)
		session->selected_types[i] =
			fnmatch(session->options.type_glob, typing->types[i].name, 0) == 0;
	session->options.selection.types = session->selected_types;
	session->options.selection.typing = typing;
	return NULL;
}

bool hw_session_welcomes_types(const struct hw_session *session)
{
	return hw_views_needs(session->options.views) & HW_VIEW_TYPED && !session->options.quick &&
	       histogram_shows_types(&session->options.report);
}

struct hw_error *hw_session_types(struct hw_session *session)
{
	bool fully = hw_session_wants_types(session);
	struct hw_error *error;

	if (!session->heap || !hw_allocator_is_glibc(session->heap->allocator))
		return NULL;
	if (!fully && (!hw_session_welcomes_types(session) || !hw_session_is_soon_done(session) ||
			      session->heap->content_sampled))
		return NULL;
	error = build(session, fully);
	if (!error)
		note_hints(&session->options);
	if (!error && session->options.type_glob)
		error = select_types(session);
	return error;
}
