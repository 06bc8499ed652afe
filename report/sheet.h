/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A table being filled: rows of cells as a struct hw_column_set describes them, written as text, JSON or CSV.
 *
 * A sheet keeps its rows until it is finished, so that it can sort them, cut them to the top ones and add up
 *the rest. A streaming sheet keeps few: it can be as long as memory is not.
 *
 *	struct hw_sheet *sheet = hw_sheet_create(report, &hw_columns_x, 0, "row");
 *	struct hw_cell cells[] = { hw_cell_number(7), hw_cell_text("seven") };
 *	hw_sheet_row(sheet, cells);
 *	hw_sheet_finish(sheet);
 *
 * hw_sheet_create() returns NULL when memory is short or an option names an unknown column; the report then
 *knows, and the other functions accept the NULL.
 */
#ifndef HW_REPORT_SHEET_H
#define HW_REPORT_SHEET_H

#include "report/private.h"

enum hw_cell_kind {
	HW_CELL_NONE, /* unknown: null in JSON, empty elsewhere */
	HW_CELL_NUMBER,
	HW_CELL_REAL,
	HW_CELL_TEXT,
};

/* One value. Its kind fits its column's unit: REAL for SHARE and BAR, TEXT for TEXT and WORD, else NUMBER. */
struct hw_cell {
	enum hw_cell_kind kind;
	size_t length; /* of a text */
	union {
		uint64_t number;
		double real;
		const char *text;
	};
};

static inline struct hw_cell hw_cell_none(void)
{
	return (struct hw_cell){ .kind = HW_CELL_NONE };
}

static inline struct hw_cell hw_cell_number(uint64_t number)
{
	return (struct hw_cell){ .kind = HW_CELL_NUMBER, .number = number };
}

static inline struct hw_cell hw_cell_real(double real)
{
	return (struct hw_cell){ .kind = HW_CELL_REAL, .real = real };
}

/* NULL is none. The text is copied when the row is added. */
static inline struct hw_cell hw_cell_text(const char *text)
{
	return (struct hw_cell){
		.kind = text ? HW_CELL_TEXT : HW_CELL_NONE, .text = text, .length = text ? strlen(text) : 0
	};
}

enum hw_sheet_flag {
	HW_SHEET_STREAM = 1, /* rows are written as they come: no sorting, no top, no sums */
	HW_SHEET_TOTAL = 2,  /* text tables end with a row of sums; they are cut to a screen's rows, also
				where there is no terminal */
	HW_SHEET_SHORT = 4,  /* never cut unless --top says so */
};

struct hw_sheet;

/* `noun` names a row in the singular, a word that takes an s, for "12 more sizes"; borrowed. */
struct hw_sheet *hw_sheet_create(
	struct hw_report *report, const struct hw_column_set *set, unsigned flags, const char *noun);

/* Adds a row: set->count cells. */
void hw_sheet_row(struct hw_sheet *sheet, const struct hw_cell *cells);

/*
 * Streaming text tables: `heading`, then a table of its own for the rows up to hw_sheet_group_end(), without
 * column headings but for the first. Other formats: nothing.
 */
void hw_sheet_group(struct hw_sheet *sheet, const char *heading);
void hw_sheet_group_end(struct hw_sheet *sheet);

/* Writes what is left and destroys the sheet. */
void hw_sheet_finish(struct hw_sheet *sheet);

/* Private to the sheet's files. */

#define HW_SHEET_BATCH 2048 /* rows that a streaming text table is laid out with */

struct hw_sheet {
	struct hw_report *report;
	const struct hw_column_set *set;
	const char *noun;
	unsigned flags;
	size_t selected[HW_COLUMN_LIMIT]; /* the columns to show, as indexes into the set */
	size_t selected_count;
	struct hw_cell *cells; /* row_count rows of set->count; texts are escaped and owned */
	size_t row_count;
	size_t capacity;                /* in rows */
	char *keys[HW_COLUMN_LIMIT];    /* JSON: "name": for each selected column */
	size_t widths[HW_COLUMN_LIMIT]; /* text, streaming: of the first batch */
	bool has_widths;
	bool has_heading; /* the column headings were written */
	bool has_groups;
	struct hw_cell more[HW_COLUMN_LIMIT]; /* sums of the rows that were cut off */
	size_t more_rows;
	struct hw_cell total[HW_COLUMN_LIMIT];
};

/* Between two columns of text. */
#define HW_SHEET_GAP 2

/* Does a row need no layout any more? Then hw_sheet_write_row() writes it at once. */
bool hw_sheet_writes_rows(const struct hw_sheet *sheet);
void hw_sheet_write_row(struct hw_sheet *sheet, const struct hw_cell *cells);

/* The rows so far in each format. */
void hw_sheet_write_text(struct hw_sheet *sheet);
void hw_sheet_write_json(struct hw_sheet *sheet);
void hw_sheet_write_csv(struct hw_sheet *sheet);

#endif
