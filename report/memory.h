/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The summary's memory table. */
#ifndef HW_REPORT_MEMORY_H
#define HW_REPORT_MEMORY_H

#include "report/private.h"

/* Needs heap and accounting. Also a JSON member of its own, "memory". */
void hw_memory_table(struct hw_report *report, const struct hw_findings *findings);

#endif
