/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One chunk explained: labelled lines for people, rows for programs. */
#include "report/field.h"
#include "report/number.h"
#include "report/sheet.h"

static const struct hw_column columns[] = {
	{ "part", HW_UNIT_WORD, HW_COLUMN_SHOWN, "is, because, could be, held by, holds, beside" },
	{ "address", HW_UNIT_ADDRESS, HW_COLUMN_SHOWN, "of the word that points, or of the neighbour" },
	{ "chunk", HW_UNIT_ADDRESS, 0, "the other chunk" },
	{ "text", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_WIDE, "what there is to say" },
};

const struct hw_column_set hw_columns_explain = { "explain", columns, hw_array_size(columns) };

static void add_row(struct hw_sheet *sheet, const struct hw_heap *heap, const struct hw_explain_line *line)
{
	struct hw_cell cells[] = {
		hw_cell_text(hw_explain_part_name(line->part)),
		line->address ? hw_cell_number(line->address) : hw_cell_none(),
		line->chunk != UINT32_MAX ? hw_cell_number(hw_chunk_user(heap, line->chunk)) : hw_cell_none(),
		hw_cell_text(line->text),
	};

	hw_sheet_row(sheet, cells);
}

static void say_line(struct hw_report *report, const struct hw_explain_line *line, const char *label)
{
	hw_autofree char *text = hw_report_clean(report, line->text, strlen(line->text));

	if (!text)
		return;
	if (line->address)
		hw_field(report, HW_TINT_PLAIN, label, "%#llx %s", (unsigned long long)line->address, text);
	else
		hw_field(report, HW_TINT_PLAIN, label, "%s", text);
}

/* Lines of this part that were left out because there are too many. */
static void say_more(struct hw_report *report, const struct hw_explanation *explanation,
	enum hw_explain_part part, uint64_t shown)
{
	uint64_t all = part == HW_EXPLAIN_HELD_BY ? explanation->holders
		       : part == HW_EXPLAIN_HOLDS ? explanation->pointers
						  : 0;
	char more[HW_NUMBER_ROOM];

	if (all > shown)
		hw_field(report, HW_TINT_PLAIN, "", "%s more words", hw_number_count(all - shown, more));
}

static void say_part(
	struct hw_report *report, const struct hw_explanation *explanation, enum hw_explain_part part)
{
	const char *label = hw_explain_part_name(part);
	uint64_t shown = 0;

	for (size_t i = 0; i < explanation->count; i++) {
		if (explanation->lines[i].part != part)
			continue;
		say_line(report, &explanation->lines[i], label);
		label = "";
		shown++;
	}
	if (!shown && part == HW_EXPLAIN_HELD_BY)
		hw_field(report, HW_TINT_PLAIN, label, "nobody");
	say_more(report, explanation, part, shown);
}

void hw_report_explain(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_explanation *explanation = findings->explanation;
	char title[64];
	struct hw_sheet *sheet;

	(void)snprintf(title, sizeof(title), "The chunk at %#llx",
		(unsigned long long)hw_chunk_user(findings->heap, explanation->chunk));
	hw_report_heading(report, title);
	if (hw_report_is_text(report) && !report->options.columns) {
		for (unsigned part = 0; part < HW_EXPLAIN_PARTS; part++)
			say_part(report, explanation, (enum hw_explain_part)part);
		return;
	}
	sheet = hw_sheet_create(report, &hw_columns_explain, HW_SHEET_SHORT, "line");
	for (size_t i = 0; i < explanation->count; i++)
		add_row(sheet, findings->heap, &explanation->lines[i]);
	hw_sheet_finish(sheet);
}
