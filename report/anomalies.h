/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is odd about a heap, so that nobody overlooks it. */
#ifndef HW_REPORT_ANOMALIES_H
#define HW_REPORT_ANOMALIES_H

#include "report/private.h"

/* Text tables: how many anomalies and the first few, loud if the heap is damaged. Nothing when there are
 * none. */
void hw_anomalies_brief(struct hw_report *report, const struct hw_heap *heap);

#endif
