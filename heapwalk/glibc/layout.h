/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How glibc's malloc lays out its data: one row for each range of releases and word size. Everything that
 * differs between releases stands in this table; code that walks asks the row and never a version number.
 *
 * Offsets and sizes are bytes; an offset of 0 means that the release has no such field (no field that is
 * asked for by offset ever lies at 0). Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GLIBC_LAYOUT_H
#define HW_HEAPWALK_GLIBC_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NBINS: bin i (1 to 127) has its fd and bk at bins + (i - 1) * 2 words; bin 1 is the unsorted bin. */
#define HW_BIN_COUNT 127

/* struct malloc_state. */
struct hw_arena_layout {
	unsigned fastbins; /* 0: none (2.43 and newer) */
	unsigned fastbin_count;
	unsigned top;
	unsigned bins;
	unsigned next;
	unsigned attached_threads; /* 0: none (before 2.23) */
	unsigned system_mem;
	unsigned max_system_mem;
	unsigned size;
};

/* struct malloc_par, the variable mp_. trim_threshold, top_pad, mmap_threshold and arena_test lead it always.
 */
struct hw_par_layout {
	unsigned hp_pagesize; /* 0: none */
	unsigned n_mmaps;     /* int, and so are the next two */
	unsigned n_mmaps_max;
	unsigned max_n_mmaps;
	unsigned mmapped_mem;
	unsigned max_mmapped_mem;
	unsigned sbrk_base;
	unsigned tcache_bins; /* 0: no tcache */
	unsigned tcache_max_bytes;
	unsigned tcache_count;
	unsigned size;
};

/* struct tcache_perthread_struct. */
struct hw_tcache_layout {
	unsigned counter_size; /* 1 or 2 bytes */
	unsigned bins;
	unsigned small_bins; /* below it, bin i holds chunks of MINSIZE + i * MALLOC_ALIGNMENT */
	bool counts_down;    /* counters tell the free places, not the elements */
	unsigned entries;    /* offset of the array of list heads */
	unsigned size;
};

struct hw_layout {
	unsigned first; /* the releases of this row: 2.first to 2.last */
	unsigned last;
	unsigned word_size;
	unsigned alignment;   /* MALLOC_ALIGNMENT */
	unsigned heap_header; /* sizeof(heap_info) */
	const struct hw_arena_layout *arena;
	const struct hw_par_layout *par;
	const struct hw_tcache_layout *tcache; /* NULL: none */
	bool safe_linking;                     /* links in tcache and fastbins are XORed with their place */
	bool heap_max_follows_huge_pages;      /* HEAP_MAX_SIZE is 4 * mp_.hp_pagesize if that is set */
	unsigned mmapped_trailer;              /* bytes at a mapping's end that the chunk size leaves out */
	const char *source;                    /* what tells this row from the one above */
};

extern const struct hw_layout hw_layouts[];
extern const size_t hw_layout_count;

/* MINSIZE: two words of header and two links. */
static inline unsigned hw_layout_minimum(const struct hw_layout *layout)
{
	return 4 * layout->word_size;
}

/* HEAP_MAX_SIZE without huge pages (arena.c, 2.17 to 2.44: 2 * DEFAULT_MMAP_THRESHOLD_MAX). */
static inline uint64_t hw_layout_heap_max(const struct hw_layout *layout)
{
	return layout->word_size == 8 ? UINT64_C(64) << 20 : UINT64_C(1) << 20;
}

#endif
