/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#include <errno.h>
#include <sys/ioctl.h>

#include "inspector/pagemap.h"

/* linux/fs.h of Linux 6.7, for older headers. */
struct page_scan {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define PAGE_SCAN_REQUEST _IOWR('f', 16, struct page_scan)

enum {
	KIND_FILE = 1 << 2,    /* PAGE_IS_FILE */
	KIND_PRESENT = 1 << 3, /* PAGE_IS_PRESENT */
	KIND_SWAPPED = 1 << 4, /* PAGE_IS_SWAPPED */
	KIND_ZERO = 1 << 5,    /* PAGE_IS_PFNZERO */
};

/* Bits of a pagemap entry. */
#define ENTRY_FILE    ((uint64_t)1 << 61)
#define ENTRY_SWAPPED ((uint64_t)1 << 62)
#define ENTRY_PRESENT ((uint64_t)1 << 63)

void hw_pagemap_init(struct hw_pagemap *pagemap, int fd, uint64_t page_size)
{
	*pagemap = (struct hw_pagemap){ .fd = fd, .page_size = page_size };
}

void hw_pagemap_deinit(struct hw_pagemap *pagemap)
{
	if (pagemap->fd >= 0)
		close(pagemap->fd);
	pagemap->fd = -1;
}

void hw_pagemap_seek(struct hw_pagemap *pagemap, uint64_t start, uint64_t end, bool own_only)
{
	pagemap->own_only = own_only;
	pagemap->from = start;
	pagemap->end = end;
	pagemap->count = pagemap->next = 0;
}

static bool is_wanted(const struct hw_pagemap *pagemap, uint64_t kind)
{
	if (!(kind & (KIND_PRESENT | KIND_SWAPPED)))
		return false;
	return !pagemap->own_only || !(kind & (KIND_FILE | KIND_ZERO));
}

/* One run for what cannot be asked: it will be tried to read. */
static void assume_present(struct hw_pagemap *pagemap)
{
	pagemap->runs[0] = (struct hw_page_run){ pagemap->from, pagemap->end, KIND_PRESENT };
	pagemap->count = 1;
	pagemap->from = pagemap->end;
}

/* False: the kernel does not know the request. */
static bool refill_by_scan(struct hw_pagemap *pagemap)
{
	struct page_scan scan = { .size = sizeof(scan),
		.start = pagemap->from,
		.end = pagemap->end,
		.vec = (uintptr_t)pagemap->runs,
		.vec_len = hw_array_size(pagemap->runs),
		.category_anyof_mask = KIND_PRESENT | KIND_SWAPPED,
		.return_mask = KIND_FILE | KIND_PRESENT | KIND_SWAPPED | KIND_ZERO };
	int got;

	do
		got = ioctl(pagemap->fd, PAGE_SCAN_REQUEST, &scan);
	while (got < 0 && errno == EINTR);
	if (got < 0 || scan.walk_end <= pagemap->from)
		return false;
	pagemap->count = (size_t)got;
	pagemap->from = scan.walk_end;
	return true;
}

static uint64_t entry_kind(uint64_t entry)
{
	return (entry & ENTRY_FILE ? KIND_FILE : 0) | (entry & ENTRY_SWAPPED ? KIND_SWAPPED : 0) |
	       (entry & ENTRY_PRESENT ? KIND_PRESENT : 0);
}

/* Extends the last run by a page, or begins one; false: the table is full. */
static bool add_page(struct hw_pagemap *pagemap, uint64_t address, uint64_t kind)
{
	struct hw_page_run *last = pagemap->count ? &pagemap->runs[pagemap->count - 1] : NULL;

	if (!is_wanted(pagemap, kind))
		return true;
	if (last && last->end == address) {
		last->end += pagemap->page_size;
		return true;
	}
	if (pagemap->count == hw_array_size(pagemap->runs))
		return false;
	pagemap->runs[pagemap->count++] = (struct hw_page_run){ address, address + pagemap->page_size, kind };
	return true;
}

static bool refill_by_entries(struct hw_pagemap *pagemap)
{
	uint64_t entries[4096];
	uint64_t pages = (pagemap->end - pagemap->from) / pagemap->page_size;
	size_t want = (size_t)hw_min(pages, hw_array_size(entries)) * sizeof(entries[0]);
	ssize_t got = pread(
		pagemap->fd, entries, want, (off_t)(pagemap->from / pagemap->page_size * sizeof(entries[0])));

	if (got < (ssize_t)sizeof(entries[0]))
		return false;
	for (size_t i = 0; i < (size_t)got / sizeof(entries[0]); i++) {
		if (!add_page(pagemap, pagemap->from, entry_kind(entries[i])))
			break;
		pagemap->from += pagemap->page_size;
	}
	return true;
}

static void refill(struct hw_pagemap *pagemap)
{
	pagemap->count = pagemap->next = 0;
	if (!pagemap->no_scan && refill_by_scan(pagemap))
		return;
	pagemap->no_scan = true;
	if (!refill_by_entries(pagemap))
		assume_present(pagemap);
}

bool hw_pagemap_next(struct hw_pagemap *pagemap, struct hw_page_run *run)
{
	for (;;) {
		while (pagemap->next < pagemap->count) {
			*run = pagemap->runs[pagemap->next++];
			if (is_wanted(pagemap, run->kind))
				return true;
		}
		if (pagemap->from >= pagemap->end)
			return false;
		refill(pagemap);
	}
}
