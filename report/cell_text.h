/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cells as text tables show them, and how wide text is on a screen. */
#ifndef HW_REPORT_CELL_TEXT_H
#define HW_REPORT_CELL_TEXT_H

#include "report/number.h"
#include "report/sheet.h"

/* Columns of the screen that clean text takes. */
size_t hw_text_width(const char *text);

/*
 * `text` in at most `width` columns, the caller's to free: what does not fit is left out at the end, or in
 * front with `keep_end`, and an ellipsis says so. NULL: memory is short.
 */
char *hw_text_shorten(const char *text, size_t width, bool keep_end, bool ascii);

/* Do cells of this unit stand at the right of their column? */
bool hw_unit_is_right(enum hw_unit unit);

/*
 * The cell's text, whole: `number`, or borrowed from the cell. Not for bars, which have no length of their
 * own.
 */
const char *hw_cell_plain(const struct hw_report *report, const struct hw_column *column,
	const struct hw_cell *cell, char number[HW_NUMBER_ROOM]);

/*
 * The cell's text, the caller's to free; NULL: memory is short. `room` is how long a bar can be, and how wide
 * a column that may be cut; SIZE_MAX: no limit.
 */
char *hw_cell_format(const struct hw_report *report, const struct hw_column *column,
	const struct hw_cell *cell, size_t room);

#endif
