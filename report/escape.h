/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One character of a target's text at a time, made harmless. hw_report_escape() is made of this. */
#ifndef HW_REPORT_ESCAPE_H
#define HW_REPORT_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#define HW_ESCAPE_PIECE 16 /* room for one escaped character and its NUL */

/*
 * Takes the next character of the `length` > 0 bytes at `text`, writes it or its escape to `piece` and its
 * length to `*written`; returns how many bytes of `text` it took (at least 1).
 */
size_t hw_escape_next(
	const char *text, size_t length, bool ascii, char piece[HW_ESCAPE_PIECE], size_t *written);

#endif
