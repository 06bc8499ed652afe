/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sheet's rows for programs: JSON objects and RFC 4180 records. Written for millions of rows. */
#include "report/number.h"
#include "report/sheet.h"

static void write_digits(struct hw_output *output, uint64_t number)
{
	char digits[HW_NUMBER_ROOM];

	hw_output_write(output, digits, hw_number_digits(number, digits));
}

static void write_hex(struct hw_output *output, uint64_t number)
{
	char digits[HW_NUMBER_ROOM];

	hw_output_write(output, digits, hw_number_hex(number, digits));
}

/* Shares with six digits that count: the same text in JSON and CSV. */
static void write_real(struct hw_output *output, double real)
{
	char text[HW_NUMBER_ROOM];

	hw_output_write(output, text, (size_t)snprintf(text, sizeof(text), "%.6g", real));
}

/* What JSON and CSV write alike. */
static void write_number(struct hw_output *output, const struct hw_column *column, const struct hw_cell *cell)
{
	if (cell->kind == HW_CELL_REAL)
		write_real(output, cell->real);
	else if (column->unit == HW_UNIT_FLAG)
		hw_output_text(output, cell->number ? "true" : "false");
	else
		write_digits(output, cell->number);
}

static void write_json_cell(
	struct hw_output *output, const struct hw_column *column, const struct hw_cell *cell)
{
	if (cell->kind == HW_CELL_NONE) {
		hw_output_write(output, "null", 4);
	} else if (cell->kind == HW_CELL_TEXT) {
		hw_json_quote(output, cell->text);
	} else if (column->unit == HW_UNIT_ADDRESS) {
		hw_output_write(output, "\"", 1);
		write_hex(output, cell->number);
		hw_output_write(output, "\"", 1);
	} else {
		write_number(output, column, cell);
	}
}

static void write_json_row(struct hw_sheet *sheet, const struct hw_cell *row)
{
	struct hw_output *output = &sheet->report->output;

	hw_output_write(output, "{", 1);
	for (size_t i = 0; i < sheet->selected_count; i++) {
		hw_output_text(output, sheet->keys[i]);
		write_json_cell(output, &sheet->set->columns[sheet->selected[i]], &row[sheet->selected[i]]);
	}
	hw_output_write(output, "}", 1);
}

void hw_sheet_write_json(struct hw_sheet *sheet)
{
	struct hw_report *report = sheet->report;

	for (size_t i = 0; i < sheet->row_count; i++) {
		if (!report->options.lines)
			hw_json_begin_element(&report->json);
		write_json_row(sheet, sheet->cells + i * sheet->set->count);
		if (report->options.lines)
			hw_output_write(&report->output, "\n", 1);
	}
}

/* RFC 4180: quoted where it holds a comma, a quote or a line break; a quote is doubled. */
static void write_csv_text(struct hw_output *output, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		hw_output_text(output, text);
		return;
	}
	hw_output_write(output, "\"", 1);
	for (; *text; text++)
		hw_output_write(output, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
	hw_output_write(output, "\"", 1);
}

static void write_csv_cell(
	struct hw_output *output, const struct hw_column *column, const struct hw_cell *cell)
{
	if (cell->kind == HW_CELL_NONE)
		return;
	if (cell->kind == HW_CELL_TEXT)
		write_csv_text(output, cell->text);
	else if (column->unit == HW_UNIT_ADDRESS)
		write_hex(output, cell->number);
	else
		write_number(output, column, cell);
}

static void write_csv_header(struct hw_sheet *sheet)
{
	struct hw_output *output = &sheet->report->output;

	for (size_t i = 0; i < sheet->selected_count; i++) {
		hw_output_write(output, ",", i ? 1 : 0);
		hw_output_text(output, sheet->set->columns[sheet->selected[i]].name);
	}
	hw_output_write(output, "\r\n", 2);
	sheet->has_heading = true;
}

void hw_sheet_write_csv(struct hw_sheet *sheet)
{
	struct hw_output *output = &sheet->report->output;

	if (!sheet->has_heading)
		write_csv_header(sheet);
	for (size_t row = 0; row < sheet->row_count; row++) {
		const struct hw_cell *cells = sheet->cells + row * sheet->set->count;

		for (size_t i = 0; i < sheet->selected_count; i++) {
			size_t index = sheet->selected[i];

			hw_output_write(output, ",", i ? 1 : 0);
			write_csv_cell(output, &sheet->set->columns[index], &cells[index]);
		}
		hw_output_write(output, "\r\n", 2);
	}
}
