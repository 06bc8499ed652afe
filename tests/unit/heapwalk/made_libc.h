/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process made by hand, byte by byte, as a glibc of one row of the layout table would leave it: a libc
 *module with main_arena and mp_, a brk heap, a thread's arena of two heaps, mmapped chunks, a thread whose
 *TLS leads to its tcache. Beside the bytes it keeps what a walk must find. The bytes are laid out from
 *glibc's sources (malloc/malloc.c, malloc/arena.c), not from the walker.
 *
 *	struct made made;
 *	made_process(&made, &hw_layouts[i]);
 *	... hw_heap_walk(&made.snapshot, NULL, &heap); made.truth[] ...
 *	made_deinit(&made);
 *
 * Failure aborts.
 */
#ifndef HW_TESTS_MADE_LIBC_H
#define HW_TESTS_MADE_LIBC_H

#include <elf.h>

#include "heapwalk/glibc/layout.h"
#include "heapwalk/heap.h"

#define MADE_PIECES 8
#define MADE_CHUNKS 256

#define PREV    1
#define MMAP    2
#define NONMAIN 4

/* A piece of memory: one mapping. */
struct made_piece {
	uint64_t start;
	uint64_t size;
	uint8_t *bytes;
};

/* What the walk must say of a chunk. */
struct made_chunk {
	uint64_t address;
	uint64_t size;
	uint64_t usable;
	enum hw_chunk_state state;
};

struct made {
	const struct hw_layout *row;
	struct hw_snapshot snapshot;
	struct hw_map maps[MADE_PIECES];
	struct hw_module module;
	struct hw_elf_segment segment;
	struct hw_thread thread;
	struct made_piece pieces[MADE_PIECES];
	size_t piece_count;
	struct made_chunk truth[MADE_CHUNKS]; /* by address within each region */
	size_t truth_count;
	uint64_t main_arena;
	uint64_t par;
	uint64_t thread_arena;
	uint64_t tcache;      /* user address of the struct, 0: the row has none */
	uint64_t tcache_word; /* TLS word that leads to it */
	uint64_t main_start;  /* first chunk of the brk heap */
	uint64_t main_top;
	uint64_t first_heap;
	uint64_t second_heap;
	uint64_t mmapped; /* base of the first mapping */
	/* Chunk addresses by what they are, for the tests to damage. */
	uint64_t live;
	uint64_t before_small;
	uint64_t small;
	uint64_t large;
	uint64_t unsorted[2];
	uint64_t cached[3];
	uint64_t fast[2];
	bool previous_in_use; /* while laying out chunks */
};

static void *made_check(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static uint8_t *made_at(struct made *made, uint64_t address)
{
	for (size_t i = 0; i < made->piece_count; i++) {
		if (address - made->pieces[i].start < made->pieces[i].size)
			return made->pieces[i].bytes + (address - made->pieces[i].start);
	}
	abort();
}

static void made_put(struct made *made, uint64_t address, uint64_t value, unsigned size)
{
	bool big = made->snapshot.image->big_endian;

	for (unsigned i = 0; i < size; i++)
		*made_at(made, address + i) = (uint8_t)(value >> 8 * (big ? size - 1 - i : i));
}

static void made_word(struct made *made, uint64_t address, uint64_t value)
{
	made_put(made, address, value, made->row->word_size);
}

hw_unused static uint64_t made_get(struct made *made, uint64_t address)
{
	return hw_image_word(made->snapshot.image, made_at(made, address));
}

static void made_memory(struct made *made, uint64_t start, uint64_t size, const char *path)
{
	struct made_piece *piece = &made->pieces[made->piece_count];
	struct hw_map *map = &made->maps[made->piece_count++];
	struct hw_segment segment = { .start = start, .end = start + size, .file_size = size, .fd = -1 };

	*piece = (struct made_piece){ start, size, made_check(calloc(1, size)) };
	segment.bytes = piece->bytes;
	if (made->piece_count > MADE_PIECES || hw_image_add(made->snapshot.image, &segment))
		abort();
	*map = (struct hw_map){ .start = start,
		.end = start + size,
		.prot = HW_MAP_READ | HW_MAP_WRITE,
		.path = made_check(strdup(path)) };
	made->snapshot.map_count++;
}

static void made_expect(struct made *made, uint64_t address, uint64_t size, enum hw_chunk_state state)
{
	if (made->truth_count == MADE_CHUNKS)
		abort();
	made->truth[made->truth_count++] = (struct made_chunk){
		.address = address, .size = size, .usable = size - made->row->word_size, .state = state
	};
}

/* ------------------------------------------------------------------------------------------- the arenas */

static uint64_t made_bin(const struct made *made, uint64_t arena, unsigned bin)
{
	return arena + made->row->arena->bins + (bin - 1) * 2 * made->row->word_size -
	       2 * made->row->word_size;
}

static void made_arena(struct made *made, uint64_t arena, uint64_t top, uint64_t system_mem, bool is_main)
{
	const struct hw_arena_layout *layout = made->row->arena;
	unsigned word = made->row->word_size;

	made_put(made, arena + 4, is_main ? 0 : 2, 4);
	made_word(made, arena + layout->top, top);
	for (unsigned bin = 1; bin <= HW_BIN_COUNT; bin++) {
		made_word(made, made_bin(made, arena, bin) + 2 * word, made_bin(made, arena, bin));
		made_word(made, made_bin(made, arena, bin) + 3 * word, made_bin(made, arena, bin));
	}
	if (layout->attached_threads)
		made_word(made, arena + layout->attached_threads, 1);
	made_word(made, arena + layout->system_mem, system_mem);
	made_word(made, arena + layout->max_system_mem, system_mem);
}

/* At the front of the bin's list, as malloc puts freed chunks. */
static void made_bin_add(struct made *made, uint64_t arena, unsigned bin, uint64_t chunk)
{
	unsigned word = made->row->word_size;
	uint64_t head = made_bin(made, arena, bin), first = made_get(made, head + 2 * word);

	made_word(made, chunk + 2 * word, first);
	made_word(made, chunk + 3 * word, head);
	made_word(made, first + 3 * word, chunk);
	made_word(made, head + 2 * word, chunk);
}

/* mp_, with n_mmaps and mmapped_mem to be filled in later. */
static void made_par(struct made *made, uint64_t sbrk_base)
{
	const struct hw_par_layout *layout = made->row->par;
	unsigned word = made->row->word_size;

	made_word(made, made->par, 0x20000);                      /* trim_threshold */
	made_word(made, made->par + word, 0x20000);               /* top_pad */
	made_word(made, made->par + 2 * word, 0x20000);           /* mmap_threshold */
	made_word(made, made->par + 3 * word, word == 8 ? 8 : 2); /* arena_test */
	made_put(made, made->par + layout->n_mmaps_max, 0x10000, 4);
	made_word(made, made->par + layout->sbrk_base, sbrk_base);
	if (!layout->tcache_bins)
		return;
	made_word(made, made->par + layout->tcache_bins, 64);
	made_word(made, made->par + layout->tcache_max_bytes, word == 8 ? 0x408 : 0x3fc);
	made_word(made, made->par + layout->tcache_count, made->row->tcache->counts_down ? 16 : 7);
}

/* ------------------------------------------------------------------------------------------- the chunks */

/* Writes the chunk's header and, for a free one, its footer; returns where the next one starts. */
static uint64_t made_add(
	struct made *made, uint64_t chunk, uint64_t size, unsigned flags, enum hw_chunk_state state)
{
	unsigned word = made->row->word_size;
	bool is_free = state == HW_CHUNK_UNSORTED || state == HW_CHUNK_SMALLBIN || state == HW_CHUNK_LARGEBIN;

	made_word(made, chunk + word, size | flags | (made->previous_in_use ? PREV : 0));
	if (is_free)
		made_word(made, chunk + size, size);
	made->previous_in_use = !is_free;
	made_expect(made, chunk, size, state);
	return chunk + size;
}

static uint64_t made_chunk_size(const struct made *made, uint64_t request)
{
	uint64_t size = hw_round_up(request + made->row->word_size, made->row->alignment);

	return hw_max(size, 4 * (uint64_t)made->row->word_size);
}

static uint64_t made_first_chunk(const struct made *made, uint64_t address)
{
	return hw_round_up(address + 2 * made->row->word_size, made->row->alignment) -
	       2 * made->row->word_size;
}

/* The link to `next` as it is stored at `place`. */
static uint64_t made_link(const struct made *made, uint64_t place, uint64_t next)
{
	return made->row->safe_linking ? place >> 12 ^ next : next;
}

static void made_fill_tcache(struct made *made)
{
	const struct hw_tcache_layout *shape = made->row->tcache;
	unsigned word = made->row->word_size, limit = shape->counts_down ? 16 : 7;
	uint64_t size = made->truth[made->truth_count - 1].size;
	unsigned bin = (unsigned)((size - 4 * word) / made->row->alignment);

	for (unsigned i = 0; i < shape->bins; i++) {
		unsigned count = i == bin ? 3 : 0;

		made_put(made, made->tcache + i * shape->counter_size,
			shape->counts_down ? limit - count : count, shape->counter_size);
	}
	made_word(made, made->tcache + shape->entries + bin * word, made->cached[2] + 2 * word);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t user = made->cached[i] + 2 * word;

		made_word(made, user, made_link(made, user, i ? made->cached[i - 1] + 2 * word : 0));
	}
}

static uint64_t made_tcache(struct made *made, uint64_t at)
{
	unsigned word = made->row->word_size;
	uint64_t size;

	if (!made->row->tcache)
		return at;
	made->tcache = at + 2 * word;
	size = made_chunk_size(made, made->row->tcache->size);
	at = made_add(made, at, size, 0, HW_CHUNK_BOOKKEEPING);
	for (unsigned i = 0; i < 3; i++) {
		made->cached[i] = at;
		at = made_add(made, at, made_chunk_size(made, 100), 0, HW_CHUNK_TCACHE);
	}
	made_fill_tcache(made);
	return at;
}

static uint64_t made_fastbins(struct made *made, uint64_t at)
{
	const struct hw_layout *row = made->row;
	unsigned word = row->word_size, shift = word == 8 ? 4 : 3;
	uint64_t size = made_chunk_size(made, 3 * word);

	if (!row->arena->fastbins)
		return at;
	for (unsigned i = 0; i < 2; i++) {
		made->fast[i] = at;
		at = made_add(made, at, size, 0, HW_CHUNK_FASTBIN);
		made_word(made, made->fast[i] + 2 * word,
			made_link(made, made->fast[i] + 2 * word, i ? made->fast[i - 1] : 0));
	}
	made_word(
		made, made->main_arena + row->arena->fastbins + ((size >> shift) - 2) * word, made->fast[1]);
	return at;
}

/* A small free chunk, two in the unsorted bin, one in the first large bin, with live ones between. */
static uint64_t made_bins(struct made *made, uint64_t at)
{
	const struct hw_layout *row = made->row;
	uint64_t live = made_chunk_size(made, 40), small = made_chunk_size(made, 200);
	uint64_t large = made_chunk_size(made, 1 << 12);
	unsigned correction = row->alignment > 2 * row->word_size;

	made->before_small = at;
	at = made_add(made, at, live, 0, HW_CHUNK_LIVE);
	made->small = at;
	at = made_add(made, at, small, 0, HW_CHUNK_SMALLBIN);
	made_bin_add(made, made->main_arena, (unsigned)(small / row->alignment) + correction, made->small);
	for (unsigned i = 0; i < 2; i++) {
		at = made_add(made, at, live, 0, HW_CHUNK_LIVE);
		made->unsorted[i] = at;
		at = made_add(made, at, live, 0, HW_CHUNK_UNSORTED);
		made_bin_add(made, made->main_arena, 1, made->unsorted[i]);
	}
	at = made_add(made, at, live, 0, HW_CHUNK_LIVE);
	made->large = at;
	at = made_add(made, at, large, 0, HW_CHUNK_LARGEBIN);
	made_bin_add(made, made->main_arena, 110, made->large);
	return made_add(made, at, live, 0, HW_CHUNK_LIVE);
}

#define MADE_BRK_SIZE 0x21000

static void made_brk(struct made *made, uint64_t start)
{
	uint64_t at = made_first_chunk(made, start), end = start + MADE_BRK_SIZE;

	made->main_start = at;
	made->previous_in_use = true;
	at = made_tcache(made, at);
	made->live = at;
	for (unsigned i = 0; i < 40; i++)
		at = made_add(made, at, made_chunk_size(made, i * 13), 0, HW_CHUNK_LIVE);
	at = made_fastbins(made, at);
	at = made_bins(made, at);
	made->main_top = at;
	made_add(made, at, end - at, 0, HW_CHUNK_TOP);
	made_word(made, made->main_arena + made->row->arena->top, at);
}

/* The older heap of the thread's arena: live chunks, then the fence that heap growth leaves. */
static void made_old_heap(struct made *made, uint64_t base, uint64_t size)
{
	unsigned word = made->row->word_size;
	uint64_t at = made_first_chunk(made, made->thread_arena + made->row->arena->size);
	uint64_t end = base + size;
	/* sysmalloc(): what was top keeps all but MINSIZE. */
	uint64_t old_top = hw_round_down(end - 2 * word, made->row->alignment) - 2 * word;

	made_word(made, base, made->thread_arena);
	made_word(made, base + 2 * word, size);
	made->previous_in_use = true;
	at = made_add(made, at, made_chunk_size(made, 500), NONMAIN, HW_CHUNK_LIVE);
	at = made_add(made, at, old_top - at, NONMAIN, HW_CHUNK_LIVE);
	made_word(made, at + word, 2 * word | PREV);
	made_word(made, at + 2 * word, 2 * word);
	made_word(made, at + 3 * word, PREV);
	made_expect(made, at, end - at, HW_CHUNK_BOOKKEEPING);
}

static void made_new_heap(struct made *made, uint64_t base, uint64_t size)
{
	unsigned word = made->row->word_size;
	uint64_t at = made_first_chunk(made, base + made->row->heap_header);

	made_word(made, base, made->thread_arena);
	made_word(made, base + word, made->first_heap);
	made_word(made, base + 2 * word, size);
	made->previous_in_use = true;
	for (unsigned i = 0; i < 5; i++)
		at = made_add(made, at, made_chunk_size(made, 300 + i * 50), NONMAIN, HW_CHUNK_LIVE);
	made_word(made, made->thread_arena + made->row->arena->top, at);
	made_add(made, at, base + size - at, 0, HW_CHUNK_TOP);
}

/* One plain mmapped chunk, and one whose header memalign() moved. */
static void made_mmapped(struct made *made, uint64_t base)
{
	const struct hw_layout *row = made->row;
	unsigned word = row->word_size, lead = row->alignment - 2 * word;
	uint64_t first = 0x40000, second = 0x42000, moved = 0x1000 - 2 * word;

	made->mmapped = base;
	made_word(made, base + lead, lead);
	made_word(made, base + lead + word, (first - lead - row->mmapped_trailer) | MMAP);
	made_expect(made, base + lead, first - lead, HW_CHUNK_MMAPPED);
	made->truth[made->truth_count - 1].usable =
		first - lead - (row->mmapped_trailer ? row->mmapped_trailer + word : 2 * word);
	base += first;
	made_word(made, base + lead, lead);
	made_word(made, base + lead + word, (second - lead - row->mmapped_trailer) | MMAP);
	made_word(made, base + moved, moved);
	made_word(made, base + moved + word, (second - moved - row->mmapped_trailer) | MMAP);
	made_expect(made, base + moved, second - moved, HW_CHUNK_MMAPPED);
	made->truth[made->truth_count - 1].usable =
		second - moved - (row->mmapped_trailer ? row->mmapped_trailer + word : 2 * word);
	made_put(made, made->par + row->par->n_mmaps, 2, 4);
	made_put(made, made->par + row->par->max_n_mmaps, 2, 4);
	made_word(made, made->par + row->par->mmapped_mem, first + second);
	made_word(made, made->par + row->par->max_mmapped_mem, first + second);
}

/* ------------------------------------------------------------------------------------------ the process */

static void made_libc(struct made *made, uint64_t start, unsigned machine)
{
	made_memory(made, start, 0x4000, "/lib/libc.so.6");
	made->segment = (struct hw_elf_segment){ .type = PT_LOAD,
		.prot = HW_MAP_READ | HW_MAP_WRITE,
		.address = start,
		.size = 0x4000,
		.file_size = 0x4000 };
	made->module = (struct hw_module){ .path = made->maps[made->piece_count - 1].path,
		.start = start,
		.end = start + 0x4000,
		.has_headers = true,
		.machine = machine,
		.segments = &made->segment,
		.segment_count = 1 };
	made->par = start + 0x300;
	made->main_arena = start + 0xc60;
}

static void made_thread_heaps(struct made *made)
{
	uint64_t heap_max = hw_layout_heap_max(made->row), size = 0x21000;
	unsigned word = made->row->word_size;

	made->first_heap = word == 8 ? UINT64_C(0x7f0010000000) : 0xf5100000;
	made->second_heap = made->first_heap + heap_max;
	made->thread_arena = made->first_heap + made->row->heap_header;
	made_memory(made, made->first_heap, size, "");
	made_memory(made, made->second_heap, size, "");
	made_arena(made, made->thread_arena, 0, 2 * size, false);
	made_word(made, made->main_arena + made->row->arena->next, made->thread_arena);
	made_word(made, made->thread_arena + made->row->arena->next, made->main_arena);
	made_old_heap(made, made->first_heap, size);
	made_new_heap(made, made->second_heap, size);
}

static void made_tls(struct made *made, uint64_t start, unsigned machine)
{
	made_memory(made, start, 0x2000, "");
	made->thread = (struct hw_thread){ .tid = 1, .state = 'S', .has_registers = true };
	made->thread.thread_pointer = start + 0x1000;
	made->tcache_word = machine == EM_AARCH64 ? start + 0x1050 : start + 0xf90;
	if (made->tcache)
		made_word(made, made->tcache_word, made->tcache);
	made->snapshot.threads = &made->thread;
	made->snapshot.thread_count = 1;
}

static void made_process(struct made *made, const struct hw_layout *row, unsigned machine, bool big_endian)
{
	bool wide = row->word_size == 8;
	uint64_t brk = wide ? UINT64_C(0x555555560000) : 0x08100000;

	memset(made, 0, sizeof(*made));
	made->row = row;
	if (hw_image_create(row->word_size, big_endian, &made->snapshot.image))
		abort();
	made->snapshot.source = HW_SOURCE_MEMORY;
	made->snapshot.machine = machine;
	made->snapshot.word_size = row->word_size;
	made->snapshot.page_size = 4096;
	made->snapshot.maps = made->maps;
	made->snapshot.modules = &made->module;
	made->snapshot.module_count = 1;
	made_memory(made, brk, MADE_BRK_SIZE, "[heap]");
	made_libc(made, wide ? UINT64_C(0x7f0000100000) : 0x30000000, machine);
	made_par(made, brk);
	made_arena(made, made->main_arena, 0, MADE_BRK_SIZE, true);
	made_brk(made, brk);
	/* Maps must ascend: libc first, then heaps, mappings, TLS. */
	made_thread_heaps(made);
	made_memory(made, wide ? UINT64_C(0x7f0020000000) : 0xf6000000, 0x82000, "");
	made_mmapped(made, made->pieces[made->piece_count - 1].start);
	made_tls(made, wide ? UINT64_C(0x7f0030000000) : 0xf7000000, machine);
}

hw_unused static void made_deinit(struct made *made)
{
	for (size_t i = 0; i < made->piece_count; i++) {
		free(made->pieces[i].bytes);
		free(made->maps[i].path);
	}
	hw_image_destroy(made->snapshot.image);
}

#endif
