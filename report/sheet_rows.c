/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows of a long streaming table, written as they come. libsmartcols lays out a whole table and looks at
 * every character several times for it: for a list of ten million chunks that takes longer than all the rest.
 * Once the first batch has told how wide the columns are, the other rows need no layout.
 */
#include "report/cell_text.h"
#include "report/number.h"

/* Where a terminal's width counts, columns are cut, which is libsmartcols' work. */
bool hw_sheet_writes_rows(const struct hw_sheet *sheet)
{
	return sheet->flags & HW_SHEET_STREAM && sheet->has_widths && hw_report_is_text(sheet->report) &&
	       !sheet->report->terminal;
}

static void write_spaces(struct hw_output *output, size_t count)
{
	static const char spaces[] = "                                                                ";

	for (; count >= sizeof(spaces); count -= sizeof(spaces) - 1)
		hw_output_write(output, spaces, sizeof(spaces) - 1);
	hw_output_write(output, spaces, count);
}

/* `owed` spaces stand before it, which a line that ends here does not need. */
static void write_cell(struct hw_sheet *sheet, size_t i, const char *text, size_t length, size_t *owed)
{
	struct hw_output *output = &sheet->report->output;
	size_t width = hw_text_width(text), padding;

	sheet->widths[i] = hw_max(sheet->widths[i], width);
	padding = sheet->widths[i] - width;
	if (hw_unit_is_right(sheet->set->columns[sheet->selected[i]].unit)) {
		*owed += padding;
		padding = 0;
	}
	if (length) {
		write_spaces(output, *owed);
		hw_output_write(output, text, length);
		*owed = 0;
	}
	*owed += padding + HW_SHEET_GAP;
}

static void write_escaped(struct hw_sheet *sheet, size_t i, const struct hw_cell *cell, size_t *owed)
{
	hw_autofree char *clean = hw_report_clean(sheet->report, cell->text, cell->length);

	if (clean)
		write_cell(sheet, i, clean, strlen(clean), owed);
	else
		sheet->report->output.no_memory = true;
}

void hw_sheet_write_row(struct hw_sheet *sheet, const struct hw_cell *cells)
{
	size_t owed = 0;

	for (size_t i = 0; i < sheet->selected_count; i++) {
		const struct hw_column *column = &sheet->set->columns[sheet->selected[i]];
		const struct hw_cell *cell = &cells[sheet->selected[i]];
		char number[HW_NUMBER_ROOM];
		const char *text;

		if (cell->kind == HW_CELL_TEXT && column->unit == HW_UNIT_TEXT) {
			write_escaped(sheet, i, cell, &owed);
			continue;
		}
		text = hw_cell_plain(sheet->report, column, cell, number);
		write_cell(sheet, i, text, strlen(text), &owed);
	}
	hw_output_write(&sheet->report->output, "\n", 1);
}
