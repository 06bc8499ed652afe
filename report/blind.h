/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which modules lack debug information. */
#ifndef HW_REPORT_BLIND_H
#define HW_REPORT_BLIND_H

#include "report/private.h"

/* Lines in text, an array "without_debug_information" in JSON; nothing where nobody asked. */
void hw_report_blind(struct hw_report *report, const struct hw_findings *findings);

#endif
