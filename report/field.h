/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Labelled lines of the summary's head, in text tables only. */
#ifndef HW_REPORT_FIELD_H
#define HW_REPORT_FIELD_H

#include "report/private.h"

/* "label     text", broken at spaces to the report's width with the lines that follow indented. Text must be
 * clean. */
void hw_field(struct hw_report *report, enum hw_tint tint, const char *label, const char *format, ...)
	hw_printf(4, 5);

/*
 * Bytes of the longest run of words at the beginning of the `size` bytes at `text` that fits into `width`; a
 * word that is longer is let through whole.
 */
size_t hw_field_line(const char *text, size_t size, size_t width);

#endif
