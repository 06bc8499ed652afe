/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words, columns, bars, files. It computes nothing: what it prints was found by the layers to its left.
 *
 * Every table is described once, as an array of struct hw_column (name, unit, alignment, JSON type, help).
 * That one array drives the text table (libsmartcols), JSON, CSV, --columns and the man-page check, so the
 * same numbers stand in every format.
 *
 * All text that comes out of a target passes hw_report_escape(): no control character, no invalid UTF-8 and
 * no terminal escape sequence ever reaches the user's terminal.
 */
#ifndef HW_REPORT_REPORT_H
#define HW_REPORT_REPORT_H

#include "heapwalk/heap.h"
#include "inspector/inspector.h"
#include "unwind/unwinder.h"

enum hw_format {
	HW_FORMAT_TABLE,
	HW_FORMAT_JSON,
	HW_FORMAT_CSV,
};

#endif
