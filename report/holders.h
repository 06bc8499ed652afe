/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holders of chunks are called. */
#ifndef HW_REPORT_HOLDERS_H
#define HW_REPORT_HOLDERS_H

#include "report/private.h"

/*
 * "sessions (server)", "stack of thread 4711 (worker)", "libx.so.1 .bss+0x4040", unescaped; the caller's to
 * free. NULL: memory is short.
 */
char *hw_holder_text(const struct hw_findings *findings, const struct hw_holder *holder);

#endif
