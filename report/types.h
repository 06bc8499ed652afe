/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much of the heap has a type. */
#ifndef HW_REPORT_TYPES_H
#define HW_REPORT_TYPES_H

#include "report/private.h"

/*
 * "typed  61.2% strong, 37.0% text, 1.8% unknown of 12,345 chunks": a line in text, an object "coverage" in
 * JSON. Once in a report; nothing where nobody looked.
 */
void hw_types_say_coverage(struct hw_report *report, const struct hw_coverage *coverage);

#endif
