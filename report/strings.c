/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The distinct strings of a selection. */
#include "report/number.h"
#include "report/sheet.h"

static const struct hw_column columns[] = {
	{ "count", HW_UNIT_COUNT, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "how often it occurs" },
	{ "chunks", HW_UNIT_COUNT, HW_COLUMN_SHOWN, "in how many chunks" },
	{ "length", HW_UNIT_COUNT, 0, "bytes of its text in UTF-8" },
	{ "encoding", HW_UNIT_WORD, HW_COLUMN_SHOWN, "how it is written in memory" },
	{ "address", HW_UNIT_ADDRESS, HW_COLUMN_SHOWN, "where one of them stands" },
	{ "offset", HW_UNIT_SIZE, 0, "of that one from the start of its chunk" },
	{ "truncated", HW_UNIT_FLAG, 0, "it is longer than what is shown" },
	{ "left_over", HW_UNIT_FLAG, 0, "it seems left from an earlier use of the memory" },
	{ "text", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_WIDE, "the string, control characters escaped" },
};

const struct hw_column_set hw_columns_strings = { "strings", columns, hw_array_size(columns) };

static void add_row(struct hw_sheet *sheet, const struct hw_string *string)
{
	struct hw_cell cells[] = {
		hw_cell_number(string->count),
		hw_cell_number(string->chunks),
		hw_cell_number(string->length),
		hw_cell_text(hw_encoding_name(string->encoding)),
		hw_cell_number(string->example),
		hw_cell_number(string->offset),
		hw_cell_number(string->truncated),
		hw_cell_number(string->left_over),
		{ .kind = HW_CELL_TEXT, .text = string->text, .length = string->length },
	};

	hw_sheet_row(sheet, cells);
}

static void say_coverage(struct hw_report *report, const struct hw_string_table *table)
{
	char strings[HW_NUMBER_ROOM];
	char with[HW_NUMBER_ROOM];
	char chunks[HW_NUMBER_ROOM];
	char dropped[HW_NUMBER_ROOM];

	hw_report_print(report, "%s distinct strings; %s of the %s selected chunks hold any.\n",
		hw_number_count(table->count, strings), hw_number_count(table->chunks_with, with),
		hw_number_count(table->chunks, chunks));
	if (table->dropped)
		hw_report_print(report, "Beyond these, %s occurrences of more strings than can be kept.\n",
			hw_number_count(table->dropped, dropped));
}

void hw_report_strings(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_string_table *table = findings->strings;
	struct hw_sheet *sheet;

	hw_report_heading(report, NULL);
	say_coverage(report, table);
	if (hw_report_is_json(report)) {
		hw_json_number(&report->json, "chunks", table->chunks);
		hw_json_number(&report->json, "chunks_with_strings", table->chunks_with);
		hw_json_number(&report->json, "dropped", table->dropped);
	}
	sheet = hw_sheet_create(report, &hw_columns_strings, 0, "string");
	for (size_t i = 0; i < table->count; i++)
		add_row(sheet, &table->strings[i]);
	hw_sheet_finish(sheet);
}
