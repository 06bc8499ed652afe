/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Single words out of the image, thousands of them and close together, as unwinding asks for: a few pages are
 * kept, so that not each word costs a system call. Private to unwind/.
 */
#ifndef HW_UNWIND_MEMORY_H
#define HW_UNWIND_MEMORY_H

#include "inspector/inspector.h"

#define HW_MEMORY_PAGE  4096
#define HW_MEMORY_PAGES 64

struct hw_memory_page {
	uint64_t address;
	size_t valid; /* bytes that could be read from its start; 0: this slot is empty */
	uint8_t bytes[HW_MEMORY_PAGE];
};

struct hw_memory {
	const struct hw_image *image;
	struct hw_memory_page
		*pages; /* HW_MEMORY_PAGES of them, by page number; allocated at the first read */
};

void hw_memory_init(struct hw_memory *memory, const struct hw_image *image);
void hw_memory_deinit(struct hw_memory *memory);

/* False when any of the bytes cannot be read. */
bool hw_memory_read(struct hw_memory *memory, uint64_t address, void *buffer, size_t size);

/* A word of the target's size and byte order, widened. */
bool hw_memory_read_word(struct hw_memory *memory, uint64_t address, uint64_t *value);

#endif
