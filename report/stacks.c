/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every thread's call stack. */
#include "report/sheet.h"
#include "report/short_name.h"

#define NAME_MOST 40 /* bytes of a C++ name in a text table */

static const struct hw_column columns[] = {
	{ "thread", HW_UNIT_NUMBER, 0, "the thread's id" },
	{ "name", HW_UNIT_TEXT, 0, "the thread's name" },
	{ "frame", HW_UNIT_NUMBER, HW_COLUMN_SHOWN, "0 is the innermost", "#" },
	{ "pc", HW_UNIT_ADDRESS, HW_COLUMN_SHOWN, "the frame's program counter" },
	{ "sp", HW_UNIT_ADDRESS, 0, "its stack pointer" },
	{ "function", HW_UNIT_TEXT, HW_COLUMN_SHOWN, "function and offset" },
	{ "module", HW_UNIT_TEXT, HW_COLUMN_SHOWN, "the file that holds it" },
	{ "source", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_TAIL, "source file and line" },
};

const struct hw_column_set hw_columns_stacks = { "stacks", columns, hw_array_size(columns) };

static char *function_text(const struct hw_report *report, const struct hw_named_frame *frame)
{
	hw_autofree char *name = NULL;
	char *text;
	int length;

	if (!frame->has_symbol || !frame->symbol.name)
		return strdup("?");
	name = hw_report_is_text(report) ? hw_short_name(frame->symbol.name, NAME_MOST) : NULL;
	length = asprintf(&text, "%s+%#llx", name ? name : frame->symbol.name,
		(unsigned long long)frame->symbol.offset);
	return length < 0 ? NULL : text;
}

static char *source_text(const struct hw_named_frame *frame)
{
	char *text;

	if (!frame->has_line || asprintf(&text, "%s:%d", frame->line.file, frame->line.line) < 0)
		return NULL;
	return text;
}

static void add_frame(struct hw_sheet *sheet, const struct hw_thread *thread, size_t index,
	const struct hw_named_frame *frame)
{
	hw_autofree char *function = function_text(sheet->report, frame);
	hw_autofree char *source = source_text(frame);
	struct hw_cell cells[] = {
		hw_cell_number((uint64_t)thread->tid),
		hw_cell_text(thread->name),
		hw_cell_number(index),
		hw_cell_number(frame->frame.pc),
		hw_cell_number(frame->frame.sp),
		hw_cell_text(function),
		hw_cell_text(frame->has_symbol ? frame->symbol.module : NULL),
		hw_cell_text(source),
	};

	hw_sheet_row(sheet, cells);
}

static const char *end_text(const struct hw_stack *stack)
{
	switch (stack->end) {
	case HW_STACK_COMPLETE:
		return NULL;
	case HW_STACK_CUT:
		return "more frames follow";
	case HW_STACK_BROKEN:
		return stack->reason ? stack->reason : "the stack cannot be followed further";
	case HW_STACK_UNKNOWN:
		return "this thread has no registers";
	}
	return NULL;
}

static void say_thread(struct hw_report *report, struct hw_sheet *sheet, const struct hw_thread *thread)
{
	hw_autofree char *name = hw_report_clean(report, thread->name, strlen(thread->name));
	hw_autofree char *heading = NULL;

	if (asprintf(&heading, "thread %d  %s%s", (int)thread->tid, name ? name : "",
		    thread->in_system_call ? "  (in a system call)" : "") < 0) {
		heading = NULL;
		report->output.no_memory = true;
		return;
	}
	hw_sheet_group(sheet, heading);
}

static void add_stack(struct hw_report *report, struct hw_sheet *sheet, const struct hw_thread *thread,
	const struct hw_named_stack *named)
{
	const char *end = end_text(&named->stack);

	say_thread(report, sheet, thread);
	for (size_t i = 0; i < named->stack.frame_count; i++)
		add_frame(sheet, thread, i, &named->frames[i]);
	hw_sheet_group_end(sheet);
	if (end) {
		hw_autofree char *clean = hw_report_clean(report, end, strlen(end));

		hw_report_print(report, "  (%s)\n", clean ? clean : "");
	}
}

void hw_report_stacks(struct hw_report *report, const struct hw_findings *findings)
{
	struct hw_sheet *sheet = hw_sheet_create(report, &hw_columns_stacks, HW_SHEET_STREAM, "frame");

	for (size_t i = 0; sheet && i < findings->stack_count; i++)
		add_stack(report, sheet, &findings->snapshot->threads[i], &findings->stacks[i]);
	hw_sheet_finish(sheet);
}
