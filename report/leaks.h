/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What several views say about leaks. */
#ifndef HW_REPORT_LEAKS_H
#define HW_REPORT_LEAKS_H

#include "report/private.h"

/* Warnings, in text, that what is called lost may not be: roots or blocks that could not be seen. */
void hw_leaks_say_missing(struct hw_report *report, const struct hw_graph *graph);

#endif
