/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holders of chunks are called. */
#ifndef HW_REPORT_HOLDERS_H
#define HW_REPORT_HOLDERS_H

#include "report/private.h"

/*
 * "sessions (server.c:41)", "sessions (server)" without debug information, "libx.so.1 .bss+0x4040", "stack of
 * thread 4711 (worker)", "thread-local `cache` of thread ...", "local `table` of main(), thread ...";
 * unescaped; the caller's to free. NULL: memory is short.
 */
char *hw_holder_text(const struct hw_findings *findings, const struct hw_holder *holder);

/* Where it is declared: "src/server.c:41", the caller's to free; NULL: not known. */
char *hw_holder_source(const struct hw_holder *holder);

#endif
