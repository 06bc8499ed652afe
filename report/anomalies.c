/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Anomalies: the first few in the summary, all of them in a view of their own. */
#include "report/anomalies.h"

#include "report/field.h"
#include "report/number.h"
#include "report/sheet.h"

#define BRIEF 5

static const struct hw_column columns[] = {
	{ "address", HW_UNIT_ADDRESS, HW_COLUMN_SHOWN, "of the odd word" },
	{ "kind", HW_UNIT_WORD, HW_COLUMN_SHOWN, "what is odd: chunk size, list, top, ..." },
	{ "arena", HW_UNIT_NUMBER, HW_COLUMN_SHOWN, "the arena that it concerns" },
	{ "previous", HW_UNIT_ADDRESS, HW_COLUMN_SHOWN, "the chunk before it: the likely overrun" },
	{ "previous_size", HW_UNIT_BYTES, 0, "its chunk size" },
	{ "previous_state", HW_UNIT_WORD, 0, "whether it is live, or free and where" },
	{ "previous_content", HW_UNIT_WORD, 0, "what it holds: string, pointers, ..." },
	{ "skipped", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS,
		"bytes that the walk left out because of it" },
	{ "text", HW_UNIT_TEXT, HW_COLUMN_SHOWN, "what was expected and what was found" },
};

const struct hw_column_set hw_columns_anomalies = { "anomalies", columns, hw_array_size(columns) };

/* What cannot come from a snapshot taken in the middle of an operation, or from memory that is not there. */
static bool is_damage(const struct hw_heap *heap, const struct hw_anomaly *anomaly)
{
	switch (anomaly->kind) {
	case HW_ANOMALY_MMAPPED:
	case HW_ANOMALY_UNREADABLE:
	case HW_ANOMALY_TCACHE:
		return false;
	default:
		return anomaly->arena >= heap->arena_count || !heap->arenas[anomaly->arena].busy;
	}
}

static bool is_damaged(const struct hw_heap *heap)
{
	for (size_t i = 0; i < heap->anomaly_count; i++) {
		if (is_damage(heap, &heap->anomalies[i]))
			return true;
	}
	return false;
}

static bool find_previous(const struct hw_heap *heap, const struct hw_anomaly *anomaly, uint32_t *index)
{
	return anomaly->previous && hw_heap_find(heap, anomaly->previous, index);
}

/* How a text begins, in quotes: the caller's to free; NULL: there is none. */
static char *quote_beginning(struct hw_report *report, const struct hw_anomaly *anomaly)
{
	size_t length = strlen(anomaly->beginning);
	hw_autofree char *clean = NULL;
	char *quoted;

	if (anomaly->content != HW_CONTENT_STRING)
		return NULL;
	clean = hw_report_clean(report, anomaly->beginning, length);
	if (!clean || asprintf(&quoted, " \"%s%s\"", clean,
			      length + 1 == sizeof(anomaly->beginning) ? "..." : "") < 0)
		return NULL;
	return quoted;
}

/* " (56 usable bytes, live, string "GET / HTTP")", the caller's to free; NULL: it is not known. */
static char *describe_previous(
	struct hw_report *report, const struct hw_heap *heap, const struct hw_anomaly *anomaly)
{
	hw_autofree char *quoted = quote_beginning(report, anomaly);
	char size[HW_NUMBER_ROOM], *text;
	uint32_t index;

	if (!find_previous(heap, anomaly, &index))
		return NULL;
	if (asprintf(&text, " (%s usable, %s%s%s%s)", hw_number_bytes(hw_chunk_usable(heap, index), size),
		    hw_chunk_state_name(hw_chunk_state(heap, index)), anomaly->content ? ", " : "",
		    anomaly->content ? hw_content_name(anomaly->content) : "", quoted ? quoted : "") < 0)
		return NULL;
	return text;
}

/* A link lies in a freed chunk: whoever still writes there destroys it. Sizes are destroyed from below. */
static void say_culprit(
	struct hw_report *report, const struct hw_heap *heap, const struct hw_anomaly *anomaly)
{
	hw_autofree char *what = describe_previous(report, heap, anomaly);
	unsigned long long chunk = anomaly->previous;

	if (anomaly->kind == HW_ANOMALY_LIST)
		hw_field(report, HW_TINT_PLAIN, "",
			"  in the freed chunk at %#llx%s: written after it was freed, or from the chunk "
			"before it",
			chunk, what ? what : "");
	else
		hw_field(report, HW_TINT_PLAIN, "",
			"  before it lies the chunk at %#llx%s: the likely overrun", chunk, what ? what : "");
}

static void say_anomaly(
	struct hw_report *report, const struct hw_heap *heap, const struct hw_anomaly *anomaly)
{
	hw_autofree char *text = hw_report_clean(report, anomaly->text, strlen(anomaly->text));
	char skipped[HW_NUMBER_ROOM];

	if (!text)
		return;
	if (anomaly->address)
		hw_field(report, HW_TINT_PLAIN, "", "%#llx: %s", (unsigned long long)anomaly->address, text);
	else
		hw_field(report, HW_TINT_PLAIN, "", "%s", text);
	if (anomaly->previous && is_damage(heap, anomaly))
		say_culprit(report, heap, anomaly);
	if (anomaly->skipped)
		hw_field(report, HW_TINT_PLAIN, "", "  %s skipped",
			hw_number_bytes(anomaly->skipped, skipped));
}

static void say_state(struct hw_report *report, const struct hw_heap *heap)
{
	char count[HW_NUMBER_ROOM], missing[HW_NUMBER_ROOM];

	hw_number_count(heap->anomaly_total, count);
	if (heap->missing)
		hw_field(report, HW_TINT_ALARM, "MISSING",
			"%s of malloc's memory cannot be read%s. What follows is without the chunks in it.",
			hw_number_bytes(heap->missing, missing),
			heap->snapshot->source == HW_SOURCE_CORE ? ": it is not in the core" : "");
	if (is_damaged(heap))
		hw_field(report, HW_TINT_ALARM, "DAMAGED",
			"The heap is corrupt in %s place%s. What follows leaves the "
			"damaged parts out.",
			count, heap->anomaly_total == 1 ? "" : "s");
	else if (!heap->missing)
		hw_field(report, HW_TINT_ALARM, "odd", "%s thing%s in the heap did not add up:", count,
			heap->anomaly_total == 1 ? "" : "s");
}

void hw_anomalies_brief(struct hw_report *report, const struct hw_heap *heap)
{
	size_t shown = hw_min(heap->anomaly_count, BRIEF);

	if (!heap->anomaly_total)
		return;
	say_state(report, heap);
	for (size_t i = 0; i < shown; i++)
		say_anomaly(report, heap, &heap->anomalies[i]);
	if (heap->anomaly_total > shown)
		hw_field(report, HW_TINT_PLAIN, "", "%s", "... and more: heapwalk --anomalies");
}

static void add_row(struct hw_sheet *sheet, const struct hw_heap *heap, const struct hw_anomaly *anomaly)
{
	uint32_t index;
	bool known = find_previous(heap, anomaly, &index);
	struct hw_cell cells[] = {
		anomaly->address ? hw_cell_number(anomaly->address) : hw_cell_none(),
		hw_cell_text(hw_anomaly_kind_name(anomaly->kind)),
		anomaly->arena == UINT32_MAX ? hw_cell_none() : hw_cell_number(anomaly->arena),
		anomaly->previous ? hw_cell_number(anomaly->previous) : hw_cell_none(),
		known ? hw_cell_number(hw_chunk_size(heap, index)) : hw_cell_none(),
		known ? hw_cell_text(hw_chunk_state_name(hw_chunk_state(heap, index))) : hw_cell_none(),
		known ? hw_cell_text(hw_content_name(anomaly->content)) : hw_cell_none(),
		hw_cell_number(anomaly->skipped),
		hw_cell_text(anomaly->text),
	};

	hw_sheet_row(sheet, cells);
}

void hw_report_anomalies(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_heap *heap = findings->heap;
	char kept[HW_NUMBER_ROOM];
	char all[HW_NUMBER_ROOM];
	struct hw_sheet *sheet;

	hw_report_heading(report, NULL);
	if (!heap->anomaly_total)
		hw_report_print(report, "Nothing is odd about this heap.\n");
	if (heap->anomaly_total > heap->anomaly_count)
		hw_report_print(report, "The first %s of %s:\n", hw_number_count(heap->anomaly_count, kept),
			hw_number_count(heap->anomaly_total, all));
	sheet = hw_sheet_create(report, &hw_columns_anomalies, HW_SHEET_SHORT, "thing");
	for (size_t i = 0; i < heap->anomaly_count; i++)
		add_row(sheet, heap, &heap->anomalies[i]);
	hw_sheet_finish(sheet);
}
