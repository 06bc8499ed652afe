/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of layouts. Offsets come from glibc's malloc/malloc.c and malloc/arena.c at the release tags and
 * were compared with the debug information of distributed libraries (2.31, 2.36, 2.41, 2.43, 2.44).
 */
#include "heapwalk/glibc/layout.h"
#include "inspector/util.h"

/* x86-64 and aarch64 */

static const struct hw_arena_layout arena64_2_17 = {
	.fastbins = 0x8,
	.fastbin_count = 10,
	.top = 0x58,
	.bins = 0x68,
	.next = 0x868,
	.system_mem = 0x878,
	.max_system_mem = 0x880,
	.size = 0x888,
};

static const struct hw_arena_layout arena64_2_23 = {
	.fastbins = 0x8,
	.fastbin_count = 10,
	.top = 0x58,
	.bins = 0x68,
	.next = 0x868,
	.attached_threads = 0x878,
	.system_mem = 0x880,
	.max_system_mem = 0x888,
	.size = 0x890,
};

static const struct hw_arena_layout arena64_2_27 = {
	.fastbins = 0x10,
	.fastbin_count = 10,
	.top = 0x60,
	.bins = 0x70,
	.next = 0x870,
	.attached_threads = 0x880,
	.system_mem = 0x888,
	.max_system_mem = 0x890,
	.size = 0x898,
};

static const struct hw_arena_layout arena64_2_43 = {
	.top = 0x8,
	.bins = 0x18,
	.next = 0x818,
	.attached_threads = 0x828,
	.system_mem = 0x830,
	.max_system_mem = 0x838,
	.size = 0x840,
};

static const struct hw_par_layout par64_2_17 = {
	.n_mmaps = 0x28,
	.n_mmaps_max = 0x2c,
	.max_n_mmaps = 0x30,
	.mmapped_mem = 0x38,
	.max_mmapped_mem = 0x40,
	.sbrk_base = 0x50,
	.size = 0x58,
};

static const struct hw_par_layout par64_2_24 = {
	.n_mmaps = 0x28,
	.n_mmaps_max = 0x2c,
	.max_n_mmaps = 0x30,
	.mmapped_mem = 0x38,
	.max_mmapped_mem = 0x40,
	.sbrk_base = 0x48,
	.size = 0x50,
};

static const struct hw_par_layout par64_2_26 = {
	.n_mmaps = 0x28,
	.n_mmaps_max = 0x2c,
	.max_n_mmaps = 0x30,
	.mmapped_mem = 0x38,
	.max_mmapped_mem = 0x40,
	.sbrk_base = 0x48,
	.tcache_bins = 0x50,
	.tcache_max_bytes = 0x58,
	.tcache_count = 0x60,
	.size = 0x70,
};

static const struct hw_par_layout par64_2_35 = {
	.hp_pagesize = 0x30,
	.n_mmaps = 0x3c,
	.n_mmaps_max = 0x40,
	.max_n_mmaps = 0x44,
	.mmapped_mem = 0x50,
	.max_mmapped_mem = 0x58,
	.sbrk_base = 0x60,
	.tcache_bins = 0x68,
	.tcache_max_bytes = 0x70,
	.tcache_count = 0x78,
	.size = 0x88,
};

static const struct hw_par_layout par64_2_43 = {
	.hp_pagesize = 0x38,
	.n_mmaps = 0x44,
	.n_mmaps_max = 0x48,
	.max_n_mmaps = 0x4c,
	.mmapped_mem = 0x58,
	.max_mmapped_mem = 0x60,
	.sbrk_base = 0x68,
	.tcache_bins = 0x70,
	.tcache_max_bytes = 0x78,
	.tcache_count = 0x80,
	.size = 0x88,
};

static const struct hw_tcache_layout tcache64_2_26 = {
	.counter_size = 1,
	.bins = 64,
	.small_bins = 64,
	.entries = 0x40,
	.size = 0x240,
};

static const struct hw_tcache_layout tcache64_2_30 = {
	.counter_size = 2,
	.bins = 64,
	.small_bins = 64,
	.entries = 0x80,
	.size = 0x280,
};

static const struct hw_tcache_layout tcache64_2_42 = {
	.counter_size = 2,
	.bins = 76,
	.small_bins = 64,
	.counts_down = true,
	.entries = 0x98,
	.size = 0x2f8,
};

/* i386 */

static const struct hw_arena_layout arena32_2_17 = {
	.fastbins = 0x8,
	.fastbin_count = 10,
	.top = 0x30,
	.bins = 0x38,
	.next = 0x440,
	.system_mem = 0x448,
	.max_system_mem = 0x44c,
	.size = 0x450,
};

static const struct hw_arena_layout arena32_2_23 = {
	.fastbins = 0x8,
	.fastbin_count = 10,
	.top = 0x30,
	.bins = 0x38,
	.next = 0x440,
	.attached_threads = 0x448,
	.system_mem = 0x44c,
	.max_system_mem = 0x450,
	.size = 0x454,
};

static const struct hw_arena_layout arena32_2_26 = {
	.fastbins = 0x8,
	.fastbin_count = 11,
	.top = 0x34,
	.bins = 0x3c,
	.next = 0x444,
	.attached_threads = 0x44c,
	.system_mem = 0x450,
	.max_system_mem = 0x454,
	.size = 0x458,
};

static const struct hw_arena_layout arena32_2_27 = {
	.fastbins = 0xc,
	.fastbin_count = 11,
	.top = 0x38,
	.bins = 0x40,
	.next = 0x448,
	.attached_threads = 0x450,
	.system_mem = 0x454,
	.max_system_mem = 0x458,
	.size = 0x45c,
};

static const struct hw_arena_layout arena32_2_43 = {
	.top = 0x8,
	.bins = 0x10,
	.next = 0x418,
	.attached_threads = 0x420,
	.system_mem = 0x424,
	.max_system_mem = 0x428,
	.size = 0x42c,
};

static const struct hw_par_layout par32_2_17 = {
	.n_mmaps = 0x14,
	.n_mmaps_max = 0x18,
	.max_n_mmaps = 0x1c,
	.mmapped_mem = 0x24,
	.max_mmapped_mem = 0x28,
	.sbrk_base = 0x30,
	.size = 0x34,
};

static const struct hw_par_layout par32_2_24 = {
	.n_mmaps = 0x14,
	.n_mmaps_max = 0x18,
	.max_n_mmaps = 0x1c,
	.mmapped_mem = 0x24,
	.max_mmapped_mem = 0x28,
	.sbrk_base = 0x2c,
	.size = 0x30,
};

static const struct hw_par_layout par32_2_26 = {
	.n_mmaps = 0x14,
	.n_mmaps_max = 0x18,
	.max_n_mmaps = 0x1c,
	.mmapped_mem = 0x24,
	.max_mmapped_mem = 0x28,
	.sbrk_base = 0x2c,
	.tcache_bins = 0x30,
	.tcache_max_bytes = 0x34,
	.tcache_count = 0x38,
	.size = 0x40,
};

static const struct hw_par_layout par32_2_35 = {
	.hp_pagesize = 0x18,
	.n_mmaps = 0x20,
	.n_mmaps_max = 0x24,
	.max_n_mmaps = 0x28,
	.mmapped_mem = 0x30,
	.max_mmapped_mem = 0x34,
	.sbrk_base = 0x38,
	.tcache_bins = 0x3c,
	.tcache_max_bytes = 0x40,
	.tcache_count = 0x44,
	.size = 0x4c,
};

static const struct hw_par_layout par32_2_43 = {
	.hp_pagesize = 0x1c,
	.n_mmaps = 0x24,
	.n_mmaps_max = 0x28,
	.max_n_mmaps = 0x2c,
	.mmapped_mem = 0x34,
	.max_mmapped_mem = 0x38,
	.sbrk_base = 0x3c,
	.tcache_bins = 0x40,
	.tcache_max_bytes = 0x44,
	.tcache_count = 0x48,
	.size = 0x4c,
};

static const struct hw_tcache_layout tcache32_2_26 = {
	.counter_size = 1,
	.bins = 64,
	.small_bins = 64,
	.entries = 0x40,
	.size = 0x140,
};

static const struct hw_tcache_layout tcache32_2_30 = {
	.counter_size = 2,
	.bins = 64,
	.small_bins = 64,
	.entries = 0x80,
	.size = 0x180,
};

static const struct hw_tcache_layout tcache32_2_42 = {
	.counter_size = 2,
	.bins = 76,
	.small_bins = 64,
	.counts_down = true,
	.entries = 0x98,
	.size = 0x1c8,
};

#define SOURCE_2_17 "2.17, the oldest release that is supported"
#define SOURCE_2_23 "attached_threads: commit a62719ba90 (2.23)"
#define SOURCE_2_24 "mp_ without max_total_mem: commit ca135f824b (2.24)"
#define SOURCE_2_26 "tcache: commit d5c3fafc43 (2.26); i386 aligned to 16: commit 4e61a6be44 (2.26)"
#define SOURCE_2_27 "have_fastchunks: commits e956075a5a, 2c2245b92c (2.27)"
#define SOURCE_2_30 "16-bit tcache counters: commit 1f50f2ad85 (2.30)"
#define SOURCE_2_32 "safe-linking: commit a1a486d70e (2.32)"
#define SOURCE_2_35 "huge pages in mp_, heap_info.pagesize: commit c1beb51d08 (2.35)"
#define SOURCE_2_42 "large tcache bins: commit cbfd798810; counting down: commit 7e10e30e64 (2.42)"
#define SOURCE_2_43                                                                                          \
	"no fastbins: commits bb5a4f5295, bf1015fb2d; mmapped chunk header: commit 614cfd0f8a (2.43)"

const struct hw_layout hw_layouts[] = {
	{ .first = 17,
		.last = 22,
		.word_size = 8,
		.alignment = 16,
		.heap_header = 0x20,
		.arena = &arena64_2_17,
		.par = &par64_2_17,
		.source = SOURCE_2_17 },
	{ .first = 23,
		.last = 23,
		.word_size = 8,
		.alignment = 16,
		.heap_header = 0x20,
		.arena = &arena64_2_23,
		.par = &par64_2_17,
		.source = SOURCE_2_23 },
	{ .first = 24,
		.last = 25,
		.word_size = 8,
		.alignment = 16,
		.heap_header = 0x20,
		.arena = &arena64_2_23,
		.par = &par64_2_24,
		.source = SOURCE_2_24 },
	{ .first = 26,
		.last = 26,
		.word_size = 8,
		.alignment = 16,
		.heap_header = 0x20,
		.arena = &arena64_2_23,
		.par = &par64_2_26,
		.tcache = &tcache64_2_26,
		.source = SOURCE_2_26 },
	{ .first = 27,
		.last = 29,
		.word_size = 8,
		.alignment = 16,
		.heap_header = 0x20,
		.arena = &arena64_2_27,
		.par = &par64_2_26,
		.tcache = &tcache64_2_26,
		.source = SOURCE_2_27 },
	{ .first = 30,
		.last = 31,
		.word_size = 8,
		.alignment = 16,
		.heap_header = 0x20,
		.arena = &arena64_2_27,
		.par = &par64_2_26,
		.tcache = &tcache64_2_30,
		.source = SOURCE_2_30 },
	{ .first = 32,
		.last = 34,
		.word_size = 8,
		.alignment = 16,
		.heap_header = 0x20,
		.arena = &arena64_2_27,
		.par = &par64_2_26,
		.tcache = &tcache64_2_30,
		.safe_linking = true,
		.source = SOURCE_2_32 },
	{ .first = 35,
		.last = 41,
		.word_size = 8,
		.alignment = 16,
		.heap_header = 0x30,
		.arena = &arena64_2_27,
		.par = &par64_2_35,
		.tcache = &tcache64_2_30,
		.safe_linking = true,
		.heap_max_follows_huge_pages = true,
		.source = SOURCE_2_35 },
	{ .first = 42,
		.last = 42,
		.word_size = 8,
		.alignment = 16,
		.heap_header = 0x30,
		.arena = &arena64_2_27,
		.par = &par64_2_35,
		.tcache = &tcache64_2_42,
		.safe_linking = true,
		.source = SOURCE_2_42 },
	{ .first = 43,
		.last = 44,
		.word_size = 8,
		.alignment = 16,
		.heap_header = 0x30,
		.arena = &arena64_2_43,
		.par = &par64_2_43,
		.tcache = &tcache64_2_42,
		.safe_linking = true,
		.mmapped_trailer = 16,
		.source = SOURCE_2_43 },

	{ .first = 17,
		.last = 22,
		.word_size = 4,
		.alignment = 8,
		.heap_header = 0x10,
		.arena = &arena32_2_17,
		.par = &par32_2_17,
		.source = SOURCE_2_17 },
	{ .first = 23,
		.last = 23,
		.word_size = 4,
		.alignment = 8,
		.heap_header = 0x10,
		.arena = &arena32_2_23,
		.par = &par32_2_17,
		.source = SOURCE_2_23 },
	{ .first = 24,
		.last = 25,
		.word_size = 4,
		.alignment = 8,
		.heap_header = 0x10,
		.arena = &arena32_2_23,
		.par = &par32_2_24,
		.source = SOURCE_2_24 },
	{ .first = 26,
		.last = 26,
		.word_size = 4,
		.alignment = 16,
		.heap_header = 0x18,
		.arena = &arena32_2_26,
		.par = &par32_2_26,
		.tcache = &tcache32_2_26,
		.source = SOURCE_2_26 },
	{ .first = 27,
		.last = 29,
		.word_size = 4,
		.alignment = 16,
		.heap_header = 0x18,
		.arena = &arena32_2_27,
		.par = &par32_2_26,
		.tcache = &tcache32_2_26,
		.source = SOURCE_2_27 },
	{ .first = 30,
		.last = 31,
		.word_size = 4,
		.alignment = 16,
		.heap_header = 0x18,
		.arena = &arena32_2_27,
		.par = &par32_2_26,
		.tcache = &tcache32_2_30,
		.source = SOURCE_2_30 },
	{ .first = 32,
		.last = 34,
		.word_size = 4,
		.alignment = 16,
		.heap_header = 0x18,
		.arena = &arena32_2_27,
		.par = &par32_2_26,
		.tcache = &tcache32_2_30,
		.safe_linking = true,
		.source = SOURCE_2_32 },
	{ .first = 35,
		.last = 41,
		.word_size = 4,
		.alignment = 16,
		.heap_header = 0x18,
		.arena = &arena32_2_27,
		.par = &par32_2_35,
		.tcache = &tcache32_2_30,
		.safe_linking = true,
		.heap_max_follows_huge_pages = true,
		.source = SOURCE_2_35 },
	{ .first = 42,
		.last = 42,
		.word_size = 4,
		.alignment = 16,
		.heap_header = 0x18,
		.arena = &arena32_2_27,
		.par = &par32_2_35,
		.tcache = &tcache32_2_42,
		.safe_linking = true,
		.source = SOURCE_2_42 },
	{ .first = 43,
		.last = 44,
		.word_size = 4,
		.alignment = 16,
		.heap_header = 0x18,
		.arena = &arena32_2_43,
		.par = &par32_2_43,
		.tcache = &tcache32_2_42,
		.safe_linking = true,
		.mmapped_trailer = 8,
		.source = SOURCE_2_43 },
};

const size_t hw_layout_count = hw_array_size(hw_layouts);
