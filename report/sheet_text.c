/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sheet's rows for people: laid out by libsmartcols, as wide as the terminal and no wider. */
#include <libsmartcols/libsmartcols.h>
#include <wchar.h>

#include "report/number.h"
#include "report/sheet.h"

#define GAP       2
#define BAR_LEAST 6
#define BAR_MOST  32

struct layout {
	struct hw_sheet *sheet;
	struct libscols_table *table;
	size_t bar_width;
};

static size_t shown_width(const char *text)
{
	wchar_t wide[1024];
	size_t length = mbstowcs(wide, text, hw_array_size(wide));
	int width = length == (size_t)-1 ? -1 : wcswidth(wide, length);

	return width < 0 ? strlen(text) : (size_t)width;
}

static bool is_right(enum hw_unit unit)
{
	switch (unit) {
	case HW_UNIT_COUNT:
	case HW_UNIT_NUMBER:
	case HW_UNIT_SIZE:
	case HW_UNIT_BYTES:
	case HW_UNIT_SHARE:
		return true;
	default:
		return false;
	}
}

/* ------------------------------------------------------------------------------------------------- cells */

static char *number_text(
	const struct hw_sheet *sheet, const struct hw_column *column, const struct hw_cell *cell)
{
	char text[HW_NUMBER_ROOM];

	switch (column->unit) {
	case HW_UNIT_NUMBER:
		text[hw_number_digits(cell->number, text)] = '\0';
		return strdup(text);
	case HW_UNIT_ADDRESS:
		return strdup(hw_number_address(cell->number, text));
	case HW_UNIT_SHARE:
		return strdup(hw_number_share(cell->real, text));
	case HW_UNIT_FLAG:
		return strdup(cell->number ? "yes" : "");
	case HW_UNIT_BYTES:
		if (!sheet->report->options.raw_bytes)
			return strdup(hw_number_bytes(cell->number, text));
		return strdup(hw_number_count(cell->number, text));
	default:
		return strdup(hw_number_count(cell->number, text));
	}
}

char *hw_sheet_cell_text(
	const struct hw_sheet *sheet, const struct hw_column *column, const struct hw_cell *cell)
{
	if (cell->kind == HW_CELL_NONE)
		return strdup("");
	if (cell->kind == HW_CELL_TEXT)
		return strdup(cell->text);
	return number_text(sheet, column, cell);
}

/* Eighths of a cell where the character set has them; whole ones in ASCII. */
static char *bar_text(const struct layout *layout, double share)
{
	static const char *const parts[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	bool ascii = layout->sheet->report->ascii;
	double cells = hw_min(hw_max(share, 0.0), 1.0) * (double)layout->bar_width;
	size_t eighths = (size_t)(cells * 8 + 0.5);
	char *text = calloc(1, layout->bar_width * 3 + 4);

	if (!text)
		return NULL;
	if (share > 0 && !eighths)
		eighths = 1;
	for (size_t i = 0; i < (ascii ? (eighths + 4) / 8 : eighths / 8); i++)
		strcat(text, ascii ? "#" : "█");
	if (!ascii)
		strcat(text, parts[eighths % 8]);
	return text;
}

static const struct hw_column *column_at(const struct hw_sheet *sheet, size_t i)
{
	return &sheet->set->columns[sheet->selected[i]];
}

static char *heading_of(const struct hw_column *column)
{
	char *heading = strdup(column->heading ? column->heading : column->name);

	for (char *c = heading; c && *c && !column->heading; c++)
		*c = *c == '_' ? '-' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	return heading;
}

/* ------------------------------------------------------------------------------------------------- layout */

static bool note_no_memory(struct layout *layout)
{
	layout->sheet->report->output.no_memory = true;
	return false;
}

/* `label` stands in the first column of a row of sums. */
static bool add_line(struct layout *layout, const struct hw_cell *row, const char *label, enum hw_tint tint)
{
	struct hw_sheet *sheet = layout->sheet;
	struct libscols_line *line = scols_table_new_line(layout->table, NULL);

	if (!line)
		return note_no_memory(layout);
	if (sheet->report->colours && tint != HW_TINT_PLAIN)
		scols_line_set_color(line, hw_report_tint(sheet->report, tint));
	for (size_t i = 0; i < sheet->selected_count; i++) {
		const struct hw_column *column = column_at(sheet, i);
		const struct hw_cell *cell = &row[sheet->selected[i]];
		char *text = !i && label ? strdup(label)
			     : column->unit == HW_UNIT_BAR && !label
				     ? bar_text(layout, cell->real)
				     : hw_sheet_cell_text(sheet, column, cell);

		if (!text || scols_line_refer_data(line, i, text) != 0) {
			free(text);
			return note_no_memory(layout);
		}
		sheet->widths[i] = hw_max(sheet->widths[i], shown_width(text));
	}
	return true;
}

static bool add_column(struct layout *layout, size_t i)
{
	struct hw_sheet *sheet = layout->sheet;
	const struct hw_column *column = column_at(sheet, i);
	hw_autofree char *heading = heading_of(column);
	struct libscols_column *made;
	int flags = is_right(column->unit) ? SCOLS_FL_RIGHT : 0;

	if (!heading)
		return note_no_memory(layout);
	if (column->flags & HW_COLUMN_WIDE && sheet->report->terminal)
		flags |= SCOLS_FL_TRUNC;
	made = scols_table_new_column(layout->table, heading, 0, flags);
	if (!made)
		return note_no_memory(layout);
	if (sheet->has_widths) {
		scols_column_set_whint(made, (double)sheet->widths[i]);
		scols_column_set_flags(made, flags | SCOLS_FL_STRICTWIDTH);
	} else {
		sheet->widths[i] = shown_width(heading);
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

/* The bar takes the room that the other columns leave. */
static void size_bar(struct layout *layout)
{
	struct hw_sheet *sheet = layout->sheet;
	size_t taken = 0;

	for (size_t i = 0; i < sheet->selected_count; i++) {
		const struct hw_column *column = column_at(sheet, i);
		hw_autofree char *heading = heading_of(column);
		size_t widest = heading ? shown_width(heading) : 0;

		for (size_t row = 0; row < sheet->row_count && column->unit != HW_UNIT_BAR; row++) {
			const struct hw_cell *cell =
				&sheet->cells[row * sheet->set->count + sheet->selected[i]];
			hw_autofree char *text = hw_sheet_cell_text(sheet, column, cell);

			widest = hw_max(widest, text ? shown_width(text) : 0);
		}
		taken += (column->unit == HW_UNIT_BAR ? 0 : widest) + (i ? GAP : 0);
	}
	layout->bar_width = sheet->report->width > taken ? sheet->report->width - taken : 0;
	layout->bar_width = hw_min(hw_max(layout->bar_width, BAR_LEAST), BAR_MOST);
}

static bool has_bar(const struct hw_sheet *sheet)
{
	for (size_t i = 0; i < sheet->selected_count; i++) {
		if (column_at(sheet, i)->unit == HW_UNIT_BAR)
			return true;
	}
	return false;
}

static bool add_sums(struct layout *layout)
{
	struct hw_sheet *sheet = layout->sheet;
	char count[HW_NUMBER_ROOM];
	char label[96];

	if (sheet->more_rows) {
		snprintf(label, sizeof(label), "%s more", hw_number_count(sheet->more_rows, count));
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
	if (has_bar(sheet))
		size_bar(&layout);
	if (make_table(&layout) && fill_table(&layout))
		print_table(&layout);
	scols_unref_table(layout.table);
}
