/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sheet's rows for people: laid out by libsmartcols, as wide as the terminal and no wider. */
#include <libsmartcols/libsmartcols.h>

#include "report/cell_text.h"
#include "report/number.h"

#define BAR_LEAST 6
#define BAR_CUT   4 /* beside text that has to be cut */
#define BAR_MOST  32
#define CUT_LEAST 8 /* columns of text that are always left of it */

struct layout {
	struct hw_sheet *sheet;
	struct libscols_table *table;
	size_t room; /* for the text that takes what the others leave; SIZE_MAX: no limit */
	size_t bar;  /* for the bar */
};

static bool note_no_memory(struct layout *layout)
{
	layout->sheet->report->output.no_memory = true;
	return false;
}

static const struct hw_column *column_at(const struct hw_sheet *sheet, size_t i)
{
	return &sheet->set->columns[sheet->selected[i]];
}

/* The bar, or the text that may be cut. */
static bool is_flexible(const struct hw_column *column)
{
	return column->unit == HW_UNIT_BAR || column->flags & (HW_COLUMN_WIDE | HW_COLUMN_TAIL);
}

static char *heading_of(const struct hw_column *column)
{
	char *heading = strdup(column->heading ? column->heading : column->name);

	for (char *c = heading; c && *c && !column->heading; c++)
		*c = *c == '_' ? '-' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	return heading;
}

/* --------------------------------------------------------------------------------------------------- room */

static size_t widest_cell(const struct hw_sheet *sheet, size_t i)
{
	const struct hw_column *column = column_at(sheet, i);
	hw_autofree char *heading = heading_of(column);
	size_t widest = heading ? hw_text_width(heading) : 0;

	for (size_t row = 0; row < sheet->row_count; row++) {
		const struct hw_cell *cell = &sheet->cells[row * sheet->set->count + sheet->selected[i]];
		hw_autofree char *text = hw_cell_format(sheet->report, column, cell, SIZE_MAX);

		widest = hw_max(widest, text ? hw_text_width(text) : 0);
	}
	return widest;
}

/* What the other columns leave to the flexible one. */
static size_t room_left(const struct hw_sheet *sheet)
{
	size_t taken = 0;

	for (size_t i = 0; i < sheet->selected_count; i++)
		taken += (is_flexible(column_at(sheet, i)) ? 0 : widest_cell(sheet, i)) +
			 (i ? HW_SHEET_GAP : 0);
	return sheet->report->width > taken ? sheet->report->width - taken : 0;
}

/* What the text that may be cut would like to have; 0: there is none. */
static size_t wanted_by_text(const struct hw_sheet *sheet)
{
	size_t wanted = 0;

	for (size_t i = 0; i < sheet->selected_count; i++) {
		if (is_flexible(column_at(sheet, i)) && column_at(sheet, i)->unit != HW_UNIT_BAR)
			wanted = hw_max(widest_cell(sheet, i), CUT_LEAST);
	}
	return wanted;
}

/* Text comes before the bar, which is content with little where there is both. */
static void find_room(struct layout *layout)
{
	const struct hw_sheet *sheet = layout->sheet;
	size_t room = room_left(sheet), text = wanted_by_text(sheet), least = text ? BAR_CUT : BAR_LEAST;

	layout->room = SIZE_MAX;
	layout->bar = 0;
	for (size_t i = 0; i < sheet->selected_count; i++) {
		if (column_at(sheet, i)->unit == HW_UNIT_BAR)
			layout->bar = hw_min(hw_max(room - hw_min(room, text), least), BAR_MOST);
	}
	if (sheet->report->terminal)
		layout->room = hw_max(room - hw_min(room, layout->bar), CUT_LEAST);
}

/* ------------------------------------------------------------------------------------------------- layout */

/* `label` stands in the first column of a row of sums, which has no bar. */
static bool add_cell(struct layout *layout, struct libscols_line *line, size_t i, const struct hw_cell *row,
	const char *label)
{
	struct hw_sheet *sheet = layout->sheet;
	const struct hw_column *column = column_at(sheet, i);
	struct hw_cell cell = row[sheet->selected[i]];
	char *text;

	if (label && column->unit == HW_UNIT_BAR)
		cell = hw_cell_none();
	text = label && !i ? strdup(label)
			   : hw_cell_format(sheet->report, column, &cell,
				     column->unit == HW_UNIT_BAR ? layout->bar : layout->room);
	if (!text || scols_line_refer_data(line, i, text) != 0) {
		free(text);
		return note_no_memory(layout);
	}
	sheet->widths[i] = hw_max(sheet->widths[i], hw_text_width(text));
	return true;
}

static bool add_line(struct layout *layout, const struct hw_cell *row, const char *label, enum hw_tint tint)
{
	struct hw_sheet *sheet = layout->sheet;
	struct libscols_line *line = scols_table_new_line(layout->table, NULL);

	if (!line)
		return note_no_memory(layout);
	if (sheet->report->colours && tint != HW_TINT_PLAIN)
		scols_line_set_color(line, hw_report_tint(sheet->report, tint));
	for (size_t i = 0; i < sheet->selected_count; i++) {
		if (!add_cell(layout, line, i, row, label))
			return false;
	}
	return true;
}

/* The batches of a streaming table are laid out one by one: later ones are at least as wide as the first. */
static bool add_column(struct layout *layout, size_t i)
{
	struct hw_sheet *sheet = layout->sheet;
	const struct hw_column *column = column_at(sheet, i);
	hw_autofree char *heading = heading_of(column);
	struct libscols_column *made;
	int flags = hw_unit_is_right(column->unit) ? SCOLS_FL_RIGHT : 0;

	if (!heading)
		return note_no_memory(layout);
	made = scols_table_new_column(layout->table, heading, 0, flags);
	if (!made)
		return note_no_memory(layout);
	if (sheet->has_widths) {
		scols_column_set_whint(made, (double)sheet->widths[i]);
		scols_column_set_flags(made, flags | SCOLS_FL_STRICTWIDTH);
	} else {
		sheet->widths[i] = hw_text_width(heading);
	}
	if (sheet->report->colours)
		scols_cell_set_color(
			scols_column_get_header(made), hw_report_tint(sheet->report, HW_TINT_HEADING));
	return true;
}

static bool make_table(struct layout *layout)
{
	struct hw_sheet *sheet = layout->sheet;

	layout->table = scols_new_table();
	if (!layout->table)
		return note_no_memory(layout);
	scols_table_enable_noencoding(layout->table, 1); /* our own escape has been here */
	scols_table_enable_colors(layout->table, sheet->report->colours);
	scols_table_set_column_separator(layout->table, "  ");
	scols_table_enable_noheadings(layout->table, sheet->has_heading);
	scols_table_set_termforce(
		layout->table, sheet->report->terminal ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	scols_table_set_termwidth(layout->table, sheet->report->width);
	for (size_t i = 0; i < sheet->selected_count; i++) {
		if (!add_column(layout, i))
			return false;
	}
	return true;
}

/* "176 more sizes"; no noun where a column of digits would become as wide. */
static void name_more(const struct hw_sheet *sheet, char *label, size_t size)
{
	const char *noun = hw_unit_is_right(column_at(sheet, 0)->unit) ? "" : sheet->noun;
	char count[HW_NUMBER_ROOM];

	snprintf(label, size, "%s more%s%s%s", hw_number_count(sheet->more_rows, count), *noun ? " " : "",
		noun, *noun && sheet->more_rows > 1 ? "s" : "");
}

static bool add_sums(struct layout *layout)
{
	struct hw_sheet *sheet = layout->sheet;
	char label[96];

	if (sheet->more_rows) {
		name_more(sheet, label, sizeof(label));
		if (!add_line(layout, sheet->more, label, HW_TINT_FAINT))
			return false;
	}
	return !(sheet->flags & HW_SHEET_TOTAL) || add_line(layout, sheet->total, "all", HW_TINT_HEADING);
}

static bool fill_table(struct layout *layout)
{
	struct hw_sheet *sheet = layout->sheet;

	for (size_t i = 0; i < sheet->row_count; i++) {
		if (!add_line(layout, sheet->cells + i * sheet->set->count, NULL, HW_TINT_PLAIN))
			return false;
	}
	return add_sums(layout);
}

/* Line by line without the spaces that fill the last columns. */
static void write_trimmed(struct hw_output *output, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		size_t shown = length;

		while (shown && text[shown - 1] == ' ')
			shown--;
		hw_output_write(output, text, shown);
		hw_output_write(output, "\n", 1);
		text += length + (text[length] == '\n');
	}
}

static void print_table(struct layout *layout)
{
	struct hw_sheet *sheet = layout->sheet;
	hw_autofree char *text = NULL;

	if (scols_print_table_to_string(layout->table, &text) != 0) {
		note_no_memory(layout);
		return;
	}
	write_trimmed(&sheet->report->output, text);
	sheet->has_heading = true;
	sheet->has_widths = true;
}

void hw_sheet_write_text(struct hw_sheet *sheet)
{
	struct layout layout = { .sheet = sheet };

	if (!sheet->row_count)
		return;
	find_room(&layout);
	if (make_table(&layout) && fill_table(&layout))
		print_table(&layout);
	scols_unref_table(layout.table);
}
