/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libmagic says of bytes, as far as it can be believed. Nothing is loaded before the first question. */
#ifndef HW_CLI_FORMAT_H
#define HW_CLI_FORMAT_H

#include "inspector/inspector.h"

struct hw_formats;

/* NULL is fine: then nothing is recognised. */
void hw_formats_destroy(struct hw_formats *formats);

/* NULL: memory is short, or the program was built without libmagic. */
struct hw_formats *hw_formats_create(void);

/*
 * Fits hw_typing_options.format: "JPEG image data". Formats that libmagic recognises by too little are none:
 * it is made for files, of which most have a format, and memory is anything. Borrowed until the next call.
 */
const char *hw_formats_ask(void *formats, const uint8_t *bytes, size_t size);

#endif
