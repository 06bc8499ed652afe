/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a variable is: DWARF location expressions, evaluated for one frame of a snapshot. Private to unwind/.
 */
#ifndef HW_UNWIND_EXPRESSION_H
#define HW_UNWIND_EXPRESSION_H

#include "unwind/session.h"

/* A frame as expressions see it. */
struct hw_frame_view {
	struct hw_unwinder *unwinder;
	struct hw_object *object;
	uint64_t pc;               /* to look up: inside the call instruction */
	Dwarf_Addr bias;           /* run-time address minus the debug information's */
	const uint64_t *registers; /* by DWARF number */
	uint64_t known;            /* bit per register: its value in this frame is known */
	Dwarf_Die *function;       /* whose DW_AT_frame_base counts; NULL: none */
};

enum hw_place {
	HW_PLACE_LOST,    /* nowhere, or not to be found out */
	HW_PLACE_ADDRESS, /* in memory at `value` */
	HW_PLACE_VALUE,   /* it is `value` itself */
};

/* Evaluates one expression. `attribute` is where it stands (for addresses kept in a table), NULL for none. */
enum hw_place hw_expression_evaluate(const struct hw_frame_view *view, Dwarf_Attribute *attribute,
	const Dwarf_Op *operations, size_t count, uint64_t *value);

/* Evaluates a location attribute for the frame's pc: an expression or a list of them by pc range. */
enum hw_place hw_expression_locate(
	const struct hw_frame_view *view, Dwarf_Attribute *attribute, uint64_t *value);

#endif
