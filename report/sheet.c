/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows kept, sorted, cut and added up. */
#include "report/sheet.h"

#define HEAVY       0.05 /* of the whole: such a row is always shown */
#define SCREEN_ROWS 20   /* of a table when nobody said how many */

static struct hw_cell *row_at(const struct hw_sheet *sheet, size_t row)
{
	return sheet->cells + row * sheet->set->count;
}

static void drop_row(const struct hw_sheet *sheet, struct hw_cell *row)
{
	for (size_t i = 0; i < sheet->set->count; i++) {
		if (row[i].kind == HW_CELL_TEXT)
			free((char *)row[i].text);
	}
}

static void drop_rows(struct hw_sheet *sheet)
{
	for (size_t i = 0; i < sheet->row_count; i++)
		drop_row(sheet, row_at(sheet, i));
	sheet->row_count = 0;
}

static void destroy(struct hw_sheet *sheet)
{
	drop_rows(sheet);
	for (size_t i = 0; i < sheet->selected_count; i++)
		free(sheet->keys[i]);
	free(sheet->cells);
	free(sheet);
}

/* --columns, --sort and --top are meant for this table. */
static bool has_options(const struct hw_sheet *sheet)
{
	return sheet->report->options.table == sheet->set;
}

static void select_default(struct hw_sheet *sheet)
{
	unsigned wanted = hw_report_is_text(sheet->report) ? HW_COLUMN_SHOWN : 0;

	for (size_t i = 0; i < sheet->set->count; i++) {
		const struct hw_column *column = &sheet->set->columns[i];
		bool drawn = wanted || !(column->unit == HW_UNIT_BAR || column->flags & HW_COLUMN_EXTRA);

		if (drawn && (column->flags & wanted) == wanted)
			sheet->selected[sheet->selected_count++] = i;
	}
}

static struct hw_error *select_columns(struct hw_sheet *sheet)
{
	const char *list = sheet->report->options.columns;

	if (!list || !has_options(sheet)) {
		select_default(sheet);
		return NULL;
	}
	return hw_columns_parse(sheet->set, list, sheet->selected, &sheet->selected_count);
}

static struct hw_error *make_keys(struct hw_sheet *sheet)
{
	for (size_t i = 0; i < sheet->selected_count; i++) {
		const struct hw_column *column = &sheet->set->columns[sheet->selected[i]];

		if (asprintf(&sheet->keys[i], "%s\"%s\":", i ? "," : "", column->name) < 0) {
			sheet->keys[i] = NULL;
			return hw_error_no_memory();
		}
	}
	return NULL;
}

struct hw_sheet *hw_sheet_create(
	struct hw_report *report, const struct hw_column_set *set, unsigned flags, const char *noun)
{
	struct hw_sheet *sheet = calloc(1, sizeof(*sheet));
	struct hw_error *error;

	if (!sheet) {
		report->output.no_memory = true;
		return NULL;
	}
	sheet->report = report;
	sheet->set = set;
	sheet->noun = noun;
	sheet->flags = flags;
	error = select_columns(sheet);
	if (!error)
		error = make_keys(sheet);
	if (error) {
		hw_error_destroy(report->error);
		report->error = error;
		destroy(sheet);
		return NULL;
	}
	if (hw_report_is_json(report) && !report->options.lines)
		hw_json_open_array(&report->json, set->name);
	return sheet;
}

static void write_rows(struct hw_sheet *sheet)
{
	switch (sheet->report->options.format) {
	case HW_FORMAT_TABLE:
		hw_sheet_write_text(sheet);
		break;
	case HW_FORMAT_JSON:
		hw_sheet_write_json(sheet);
		break;
	case HW_FORMAT_CSV:
		hw_sheet_write_csv(sheet);
		break;
	}
	drop_rows(sheet);
}

static bool reserve(struct hw_sheet *sheet)
{
	size_t size = sheet->set->count * sizeof(*sheet->cells);

	if (hw_array_reserve(&sheet->cells, sheet->row_count, &sheet->capacity, size))
		return true;
	sheet->report->output.no_memory = true;
	return false;
}

static bool keep_cell(struct hw_sheet *sheet, const struct hw_column *column, struct hw_cell *cell)
{
	char *text;

	if (cell->kind != HW_CELL_TEXT)
		return true;
	text = column->unit == HW_UNIT_TEXT ? hw_report_clean(sheet->report, cell->text, cell->length)
					    : strndup(cell->text, cell->length);
	if (!text) {
		sheet->report->output.no_memory = true;
		cell->kind = HW_CELL_NONE;
		return false;
	}
	cell->text = text;
	cell->length = strlen(text);
	return true;
}

void hw_sheet_row(struct hw_sheet *sheet, const struct hw_cell *cells)
{
	struct hw_cell *row;

	if (!sheet || hw_report_failed(sheet->report))
		return;
	if (hw_sheet_writes_rows(sheet)) {
		hw_sheet_write_row(sheet, cells);
		return;
	}
	if (!reserve(sheet))
		return;
	row = row_at(sheet, sheet->row_count++);
	memcpy(row, cells, sheet->set->count * sizeof(*row));
	for (size_t i = 0; i < sheet->set->count; i++) {
		if (!keep_cell(sheet, &sheet->set->columns[i], &row[i])) {
			memset(row + i, 0, (sheet->set->count - i) * sizeof(*row));
			return;
		}
	}
	if (sheet->flags & HW_SHEET_STREAM && sheet->row_count >= HW_SHEET_BATCH)
		write_rows(sheet);
}

void hw_sheet_group(struct hw_sheet *sheet, const char *heading)
{
	if (!sheet || !hw_report_is_text(sheet->report))
		return;
	sheet->has_heading = sheet->has_groups;
	sheet->has_groups = true;
	sheet->has_widths = false;
	hw_report_heading(sheet->report, heading);
}

void hw_sheet_group_end(struct hw_sheet *sheet)
{
	if (sheet && hw_report_is_text(sheet->report))
		write_rows(sheet);
}

/* ------------------------------------------------------------------------------------------------ sorting */

struct order {
	size_t column;
	bool descending;
};

static double cell_value(const struct hw_cell *cell)
{
	return cell->kind == HW_CELL_REAL ? cell->real : (double)cell->number;
}

static int compare_cells(const struct hw_cell *a, const struct hw_cell *b)
{
	if (a->kind == HW_CELL_TEXT && b->kind == HW_CELL_TEXT)
		return strverscmp(a->text, b->text);
	if (a->kind == HW_CELL_NUMBER && b->kind == HW_CELL_NUMBER)
		return (a->number > b->number) - (a->number < b->number);
	return (cell_value(a) > cell_value(b)) - (cell_value(a) < cell_value(b));
}

/* Unknown values go last in either direction. */
static int compare_rows(const void *left, const void *right, void *argument)
{
	const struct order *order = argument;
	const struct hw_cell *a = (const struct hw_cell *)left + order->column;
	const struct hw_cell *b = (const struct hw_cell *)right + order->column;

	if (a->kind == HW_CELL_NONE || b->kind == HW_CELL_NONE)
		return (a->kind == HW_CELL_NONE) - (b->kind == HW_CELL_NONE);
	return order->descending ? compare_cells(b, a) : compare_cells(a, b);
}

static void sort_rows(struct hw_sheet *sheet)
{
	const char *text = sheet->report->options.sort;
	struct order order;
	struct hw_error *error;

	if (!text || !has_options(sheet) || sheet->flags & HW_SHEET_STREAM)
		return;
	error = hw_columns_parse_sort(sheet->set, text, &order.column, &order.descending);
	if (error) {
		hw_error_destroy(sheet->report->error);
		sheet->report->error = error;
		return;
	}
	if (sheet->row_count)
		qsort_r(sheet->cells, sheet->row_count, sheet->set->count * sizeof(*sheet->cells),
			compare_rows, &order);
}

/* ------------------------------------------------------------------------------------------- cut, add up */

static void add_row(const struct hw_sheet *sheet, const struct hw_cell *row, struct hw_cell *sums)
{
	for (size_t i = 0; i < sheet->set->count; i++) {
		if (!(sheet->set->columns[i].flags & HW_COLUMN_ADDS) || row[i].kind == HW_CELL_NONE)
			continue;
		sums[i].kind = row[i].kind;
		if (row[i].kind == HW_CELL_REAL)
			sums[i].real += row[i].real;
		else
			sums[i].number += row[i].number;
	}
}

/* Where sums tell what was left out, a screen is enough wherever the text goes. */
static size_t rows_to_show(const struct hw_sheet *sheet)
{
	const struct hw_report *report = sheet->report;

	if (sheet->flags & HW_SHEET_STREAM)
		return SIZE_MAX;
	if (report->options.has_top && has_options(sheet))
		return report->options.top ? report->options.top : SIZE_MAX;
	if (!hw_report_is_text(report) || sheet->flags & HW_SHEET_SHORT)
		return SIZE_MAX;
	return report->terminal || sheet->flags & HW_SHEET_TOTAL ? SCREEN_ROWS : SIZE_MAX;
}

/* Too large a part of the whole to be left out only because nobody said how many rows to show. */
static bool is_heavy(const struct hw_sheet *sheet, const struct hw_cell *row)
{
	if (sheet->report->options.has_top && has_options(sheet))
		return false;
	for (size_t i = 0; i < sheet->set->count; i++) {
		const struct hw_column *column = &sheet->set->columns[i];

		if (column->unit == HW_UNIT_SHARE && column->flags & HW_COLUMN_ADDS && row[i].real >= HEAVY)
			return true;
	}
	return false;
}

static void cut_rows(struct hw_sheet *sheet)
{
	size_t shown = rows_to_show(sheet);
	size_t kept = 0;

	for (size_t i = 0; i < sheet->row_count; i++) {
		struct hw_cell *row = row_at(sheet, i);

		add_row(sheet, row, sheet->total);
		if (i < shown || is_heavy(sheet, row)) {
			memmove(row_at(sheet, kept++), row, sheet->set->count * sizeof(*row));
			continue;
		}
		add_row(sheet, row, sheet->more);
		drop_row(sheet, row);
	}
	sheet->more_rows = sheet->row_count - kept;
	sheet->row_count = kept;
}

/* Nobody asked for columns by name: those that would say nothing are left out. */
static void drop_empty_columns(struct hw_sheet *sheet)
{
	size_t kept = 0;

	if (!hw_report_is_text(sheet->report) || (sheet->report->options.columns && has_options(sheet)))
		return;
	for (size_t i = 0; i < sheet->selected_count; i++) {
		size_t column = sheet->selected[i];

		if (sheet->set->columns[column].flags & HW_COLUMN_FILLED &&
			cell_value(&sheet->total[column]) == 0) {
			free(sheet->keys[i]);
			continue;
		}
		sheet->keys[kept] = sheet->keys[i];
		sheet->selected[kept++] = column;
	}
	sheet->selected_count = kept;
}

void hw_sheet_finish(struct hw_sheet *sheet)
{
	struct hw_report *report;

	if (!sheet)
		return;
	report = sheet->report;
	sort_rows(sheet);
	cut_rows(sheet);
	drop_empty_columns(sheet);
	write_rows(sheet);
	if (report->options.format == HW_FORMAT_CSV && !sheet->has_heading)
		hw_sheet_write_csv(sheet); /* no rows: the header line alone */
	if (hw_report_is_json(report) && !report->options.lines)
		hw_json_close(&report->json);
	destroy(sheet);
}
