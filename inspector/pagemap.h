/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which pages of a process are there, out of /proc/PID/pagemap: by the PAGEMAP_SCAN request (Linux 6.7), on
 * older kernels entry by entry. Private to inspector/.
 *
 *	hw_pagemap_seek(&pagemap, start, end, true);
 *	while (hw_pagemap_next(&pagemap, &run))
 *		copy(run.start, run.end);
 */
#ifndef HW_INSPECTOR_PAGEMAP_H
#define HW_INSPECTOR_PAGEMAP_H

#include "inspector/inspector.h"

struct hw_page_run {
	uint64_t start;
	uint64_t end;
	uint64_t kind; /* private to pagemap.c */
};

struct hw_pagemap {
	int fd;
	bool no_scan; /* the kernel has no PAGEMAP_SCAN */
	bool own_only;
	uint64_t page_size;
	uint64_t from; /* what has not been asked for yet */
	uint64_t end;
	struct hw_page_run runs[256];
	size_t count;
	size_t next;
};

/* Takes over `fd`, an open /proc/PID/pagemap. */
void hw_pagemap_init(struct hw_pagemap *pagemap, int fd, uint64_t page_size);
void hw_pagemap_deinit(struct hw_pagemap *pagemap);

/*
 * Begins to list pages in [start, end), which are page-aligned. With `own_only` those that hold bytes of the
 * process's own, in memory or swapped out: neither a file's nor zeros that it never wrote. Else all that are
 * there.
 */
void hw_pagemap_seek(struct hw_pagemap *pagemap, uint64_t start, uint64_t end, bool own_only);

/* The next run of such pages, ascending; false at the end. What pagemap does not tell counts as there. */
bool hw_pagemap_next(struct hw_pagemap *pagemap, struct hw_page_run *run);

#endif
