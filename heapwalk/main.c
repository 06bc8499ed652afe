/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where everything is put together: open, freeze, snapshot, thaw, walk, look closer, report. */
#include <locale.h>

#include "heapwalk/cli/address.h"
#include "heapwalk/cli/interrupt.h"
#include "heapwalk/cli/last.h"
#include "heapwalk/cli/references.h"
#include "heapwalk/cli/session.h"
#include "heapwalk/cli/typing.h"
#include "heapwalk/cli/view.h"

/* Bytes of arenas from which on a sample of the chunks is looked into; with types, about a million chunks. */
#define SAMPLED_HEAP ((uint64_t)32 << 20)
#define TYPED_HEAP   ((uint64_t)128 << 20)

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FOUND = 1, /* what --fail-on asks for */
	EXIT_USAGE = 2,
	EXIT_TARGET = 3,
};

/* Rows of the memory map where there is no heap to show. */
#define FOREIGN_MAPPINGS 15

/* Output kept back while the snapshot is still needed. */
#define HELD_BYTES ((size_t)64 << 20)

/* The preview finds what does not move, so that the stop itself need not look for it. */
static struct hw_error *attach(struct hw_session *session, const struct hw_last *last)
{
	struct hw_attach_options options = {
		.method = session->options.freeze,
		.is_busy = hw_settle_is_busy,
		.want_usage = hw_views_needs(session->options.views) & HW_VIEW_USAGE,
	};
	struct hw_snapshot *preview = NULL;
	struct hw_settle *settle = NULL;
	struct hw_error *error;

	hw_progress_stage("looking at the process");
	error = hw_snapshot_preview(session->options.pid, &preview);
	if (last && hw_error_catch(&error, HW_ERROR_NOT_FOUND))
		error = hw_last_ended(last);
	if (!error && last)
		error = hw_last_check(last, preview);
	if (!error)
		error = hw_settle_create(preview, &settle);
	options.argument = settle;
	hw_progress_stage("taking a snapshot");
	hw_interrupt_set_mode(HW_INTERRUPT_LATER);
	if (!error)
		error = hw_snapshot_attach(session->options.pid, &options, &session->snapshot);
	hw_interrupt_set_mode(HW_INTERRUPT_IN_ORDER);
	hw_settle_destroy(settle);
	hw_snapshot_destroy(preview);
	return error;
}

static struct hw_error *open_core(struct hw_session *session)
{
	struct hw_core_options options = {
		.executable = session->options.executable,
		.sysroot = session->options.sysroot,
	};

	hw_progress_stage("opening the core");
	return hw_snapshot_open_core(session->options.core, &options, &session->snapshot);
}

static struct hw_error *open_target(struct hw_session *session)
{
	struct hw_options *options = &session->options;
	bool remembered = !options->pid && !options->core;
	struct hw_error *error = NULL;

	if (remembered) {
		error = hw_last_load(&session->last);
		if (error)
			return error;
		hw_last_apply(&session->last, options);
	}
	error = options->core ? open_core(session) : attach(session, remembered ? &session->last : NULL);
	if (!error)
		hw_last_save(options, session->snapshot);
	return error;
}

/* The largest mappings, as nobody asked for anything special. */
static void show_mappings_instead(struct hw_options *options)
{
	options->views = hw_views_without_heap();
	if (options->report.columns || options->report.sort || options->report.has_top)
		return;
	options->report.table = hw_views_table(options->views);
	options->report.sort = options->core ? "size" : "rss";
	options->report.has_top = options->report.format == HW_FORMAT_TABLE;
	options->report.top = FOREIGN_MAPPINGS;
}

static struct hw_error *refuse_view(const struct hw_heap *heap)
{
	if (heap->allocator == HW_ALLOCATOR_UNSEEN)
		return hw_error_remedy(hw_error_create(HW_ERROR_UNSUPPORTED, "the heap cannot be located: %s",
					       heap->allocator_evidence),
			"What this process maps: heapwalk --maps");
	return hw_error_remedy(
		hw_error_create(HW_ERROR_UNSUPPORTED, "malloc in this process is not glibc's but %s (%s)",
			hw_allocator_name(heap->allocator), heap->allocator_evidence),
		"heapwalk knows glibc's heap only. What this process maps: heapwalk --maps");
}

/* Views of chunks would show glibc's few, or none, as if they were all: they give way to the mappings. */
static struct hw_error *give_way_to_foreign_malloc(struct hw_session *session)
{
	const struct hw_heap *heap = session->heap;

	if (hw_allocator_is_glibc(heap->allocator))
		return NULL;
	if (!session->options.views) {
		show_mappings_instead(&session->options);
		return NULL;
	}
	if (!(hw_views_needs(session->options.views) & HW_VIEW_GLIBC))
		return NULL;
	return refuse_view(heap);
}

static struct hw_error *check_arena(const struct hw_session *session)
{
	const struct hw_selection *selection = &session->options.selection;

	if (!selection->has_arena || selection->arena < session->heap->arena_count)
		return NULL;
	return hw_error_remedy(hw_error_create(HW_ERROR_USAGE, "there is no arena %u: this process has %u",
				       (unsigned)selection->arena, (unsigned)session->heap->arena_count),
		"They are numbered from 0. heapwalk --arenas lists them.");
}

/*
 * Whether the histogram alone wants to know what chunks look like: a sample of a large heap will do then.
 * Types are told in all or none.
 */
static uint64_t sample_above(const struct hw_session *session, unsigned needs)
{
	if (needs & (HW_VIEW_GRAPH | HW_VIEW_STREAM) || session->options.selection.contents ||
		session->options.selection.leaks || hw_session_wants_types(session))
		return 0;
	return hw_session_welcomes_types(session) ? TYPED_HEAP : SAMPLED_HEAP;
}

static struct hw_error *walk(struct hw_session *session)
{
	unsigned needs = hw_views_needs(session->options.views);
	struct hw_walk_options options = {
		.skip_content = !(needs & HW_VIEW_CONTENT) && !session->options.selection.contents &&
				!hw_session_wants_types(session),
		.sample_above = sample_above(session, needs),
		.progress = hw_progress_update,
	};
	struct hw_error *error;

	if (!(needs & (HW_VIEW_HEAP | HW_VIEW_GLIBC)) && !session->options.fail_on_lost)
		return NULL;
	hw_progress_stage("walking the heap");
	error = hw_heap_walk(session->snapshot, &options, &session->heap);
	if (!error)
		error = give_way_to_foreign_malloc(session);
	if (!error)
		error = check_arena(session);
	if (!error)
		error = hw_accounting_build(session->heap, &session->accounting);
	return error ? error : hw_session_select_address(session);
}

/* Nothing more is read: the snapshot costs the running target memory as long as it lives. */
static struct hw_error *release(struct hw_session *session)
{
	struct hw_error *error = hw_snapshot_check_memory(session->snapshot);

	hw_snapshot_release_memory(session->snapshot);
	hw_interrupt_set_mode(HW_INTERRUPT_AT_ONCE);
	return error;
}

static struct hw_error *draw(struct hw_session *session, struct hw_report *report)
{
	bool reads = hw_views_needs(session->options.views) & HW_VIEW_MEMORY;
	struct hw_error *error = reads ? NULL : release(session);

	if (error)
		return error;
	hw_report_hold(report, reads ? HELD_BYTES : 0);
	hw_views_draw(session, report);
	if (reads)
		error = release(session);
	if (!error)
		hw_report_hold(report, 0);
	return error;
}

/* The summary shows them loudly; whoever asks for another view must not miss them either. */
static void note_anomalies(const struct hw_session *session)
{
	uint64_t views = session->options.views;

	if (!session->heap || !session->heap->anomaly_total || (hw_views_needs(views) & HW_VIEW_ANOMALIES))
		return;
	hw_report_note(
		"%llu thing%s in this heap did not add up, and chunks may be missing: heapwalk --anomalies",
		(unsigned long long)session->heap->anomaly_total,
		session->heap->anomaly_total == 1 ? "" : "s");
}

static struct hw_error *report(struct hw_session *session)
{
	struct hw_report *made;
	struct hw_error *error;

	/* On a terminal the report itself shows that something is going on. */
	hw_progress_stage(session->options.report.path ? "writing the report" : NULL);
	error = hw_report_create(&session->options.report, &made);

	if (error)
		return error;
	error = draw(session, made);
	if (!error)
		note_anomalies(session);
	if (!error)
		error = hw_interrupt_check();
	if (!error)
		return hw_report_finish(made);
	hw_report_abandon(made);
	return error;
}

/* Whatever went wrong after the snapshot was lost went wrong because of that. */
static struct hw_error *find_cause(const struct hw_session *session, struct hw_error *error)
{
	struct hw_error *lost =
		error && session->snapshot ? hw_snapshot_check_memory(session->snapshot) : NULL;

	if (!lost)
		return error;
	hw_error_destroy(error);
	return lost;
}

/* Each stage stands in its own function; a signal is acted upon between them. */
static struct hw_error *run(struct hw_session *session)
{
	static struct hw_error *(*const stages[])(struct hw_session *) = { open_target, walk,
		hw_session_references, hw_session_types, hw_views_collect, report };
	struct hw_error *error = NULL;

	for (size_t i = 0; i < hw_array_size(stages) && !error; i++) {
		error = stages[i](session);
		if (!error)
			error = hw_interrupt_check();
	}
	return find_cause(session, error);
}

static int finish(struct hw_error *error, bool found)
{
	int status = !error                          ? (found ? EXIT_FOUND : EXIT_DONE)
		     : error->code == HW_ERROR_USAGE ? EXIT_USAGE
						     : EXIT_TARGET;

	hw_progress_stop();
	hw_interrupt_finish(error);
	if (error)
		hw_report_error(error);
	if (status == EXIT_USAGE && !error->remedy)
		fputs("  heapwalk --help lists the options.\n", stderr);
	hw_error_destroy(error);
	return status;
}

int main(int argc, char **argv)
{
	struct hw_session session = { 0 };
	struct hw_error *error;
	bool found = false;

	setlocale(LC_CTYPE, "");
	error = hw_options_parse(argc, argv, &session.options);
	if (error)
		return finish(error, false);
	if (session.options.want_help) {
		hw_help_print();
	} else if (session.options.want_version) {
		puts("heapwalk " HW_VERSION);
	} else if (session.options.list_columns) {
		hw_help_columns(session.options.views);
	} else {
		hw_interrupt_init();
		hw_progress_start();
		error = run(&session);
		if (!error)
			error = hw_session_check(&session, &found);
		hw_session_deinit(&session);
	}
	return finish(error, found);
}
