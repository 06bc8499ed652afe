/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pools, where other views speak of them too. Private to report/. */
#ifndef HW_REPORT_POOLS_H
#define HW_REPORT_POOLS_H

#include "report/private.h"

/* One line, or a member of the JSON document; nothing without a CPython, or when it was said already. */
void hw_pools_say_pymalloc(struct hw_report *report, const struct hw_pymalloc *count);

#endif
