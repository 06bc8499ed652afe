/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands out about a process, in plain words with the command to run next. */
#ifndef HW_REPORT_VERDICT_H
#define HW_REPORT_VERDICT_H

#include "report/private.h"

/* At the foot of the summary: text or JSON. Needs snapshot, heap and verdict; histogram if known. */
void hw_verdict_say(struct hw_report *report, const struct hw_findings *findings);

#endif
