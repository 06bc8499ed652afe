/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the unwind layer knows, brought to where it is shown; and the end of a run. */
#include "heapwalk/cli/session.h"

#include "heapwalk/cli/blind.h"

struct hw_error *hw_session_names(struct hw_session *session)
{
	struct hw_unwinder_options options = { .debug_directory = session->options.debug_directory };
	struct hw_error *error;

	if (session->unwinder)
		return NULL;
	error = hw_unwinder_create(session->snapshot, &options, &session->unwinder);
	if (!error)
		error = hw_names_source_init(&session->names_source, session->snapshot, session->unwinder);
	if (!error)
		session->names = hw_names_from(&session->names_source);
	session->names.typing = session->typing;
	return error;
}

/* A return address stands behind its call, which may be the function's last instruction. */
static void name_frame(
	struct hw_unwinder *unwinder, const struct hw_frame *frame, struct hw_named_frame *named)
{
	uint64_t address = frame->pc - (frame->is_call_site ? 1 : 0);

	named->frame = *frame;
	named->has_symbol = hw_unwinder_symbol(unwinder, address, &named->symbol);
	if (named->has_symbol)
		named->symbol.offset += frame->pc - address;
	named->has_line = hw_unwinder_line(unwinder, address, &named->line);
}

static struct hw_error *follow_thread(struct hw_session *session, size_t index)
{
	struct hw_named_stack *thread = &session->stacks[index];
	struct hw_error *error = hw_unwinder_stack(session->unwinder, index, 0, &thread->stack);

	if (error)
		return error;
	thread->frames = calloc(hw_max(thread->stack.frame_count, 1), sizeof(*thread->frames));
	if (!thread->frames)
		return hw_error_no_memory();
	for (size_t i = 0; i < thread->stack.frame_count; i++)
		name_frame(session->unwinder, &thread->stack.frames[i], &thread->frames[i]);
	return NULL;
}

struct hw_error *hw_session_stacks(struct hw_session *session)
{
	struct hw_error *error = hw_session_names(session);

	if (error)
		return error;
	session->stacks = calloc(hw_max(session->snapshot->thread_count, 1), sizeof(*session->stacks));
	if (!session->stacks)
		return hw_error_no_memory();
	session->stack_count = session->snapshot->thread_count;
	for (size_t i = 0; i < session->stack_count && !error; i++)
		error = follow_thread(session, i);
	return error;
}

static void stacks_deinit(struct hw_session *session)
{
	for (size_t i = 0; i < session->stack_count; i++) {
		free(session->stacks[i].frames);
		hw_stack_deinit(&session->stacks[i].stack);
	}
	free(session->stacks);
}

#define SOON_CHUNKS 1000000

bool hw_session_is_soon_done(const struct hw_session *session)
{
	const struct hw_tally *tallies = session->heap ? session->heap->tallies : NULL;

	return tallies && tallies[HW_CHUNK_LIVE].chunks + tallies[HW_CHUNK_MMAPPED].chunks <= SOON_CHUNKS;
}

struct hw_findings hw_session_findings(const struct hw_session *session)
{
	return (struct hw_findings){
		.snapshot = session->snapshot,
		.heap = session->heap,
		.accounting = session->accounting,
		.histogram = session->histogram,
		.selection = &session->options.selection,
		.strings = session->strings,
		.stacks = session->stacks,
		.stack_count = session->stack_count,
		.names = &session->names,
		.graph = session->graph,
		.leaks = session->leaks,
		.who = session->who,
		.retained = session->retained,
		.verdict = session->verdict,
		.pymalloc = &session->pymalloc,
		.typing = session->typing,
		.types = session->types,
		.shapes = session->shapes,
		.blind = session->blind,
		.blind_count = session->blind_count,
		.blind_total = session->blind_total,
		.explanation = session->explanation,
		.explainer = session->explainer.typing ? &session->explainer : NULL,
		.newest_first = session->options.newest_first,
	};
}

void hw_session_deinit(struct hw_session *session)
{
	stacks_deinit(session);
	hw_names_source_deinit(&session->names_source);
	hw_unwinder_destroy(session->unwinder);
	hw_strings_destroy(session->strings);
	hw_leaks_destroy(session->leaks);
	hw_who_destroy(session->who);
	hw_retained_destroy(session->retained);
	hw_verdict_destroy(session->verdict);
	hw_explanation_destroy(session->explanation);
	hw_session_blind_deinit(session);
	hw_type_table_destroy(session->types);
	hw_type_table_destroy(session->shapes);
	free(session->selected_types);
	hw_typing_destroy(session->typing);
	hw_graph_destroy(session->graph);
	hw_histogram_destroy(session->histogram);
	hw_accounting_destroy(session->accounting);
	hw_heap_destroy(session->heap);
	hw_snapshot_destroy(session->snapshot);
	hw_last_deinit(&session->last);
	hw_options_deinit(&session->options);
	memset(session, 0, sizeof(*session));
}
