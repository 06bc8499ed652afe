/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A target made by hand: mappings, modules, threads, memory and a heap whose chunks a test lists one by one.
 *
 *	struct fake_heap fake;
 *	fake_init(&fake, 8, false);
 *	fake_region(&fake, HW_REGION_BRK, 0, 0x10000);
 *	uint64_t user = fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_STRING, 0x20, "hello", 6);
 *	fake_chunk(&fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x20fe0, NULL, 0);
 *	fake_finish(&fake);
 *	... fake.heap, &fake.snapshot ...
 *	fake_deinit(&fake);
 *
 * Regions, mappings and memory are given in ascending order of address. Memory between chunks carries true
 * chunk headers (sizes and the previous-in-use bit), as glibc writes them. A test never runs short of memory:
 * failure aborts.
 */
#ifndef HW_TESTS_FAKE_HEAP_H
#define HW_TESTS_FAKE_HEAP_H

#include <elf.h>

#include "heapwalk/chunk_table.h"
#include "heapwalk/glibc/layout.h"

#define FAKE_LIMIT 64 /* of mappings, modules, threads, regions, pieces of memory, arenas */

struct fake_heap {
	struct hw_snapshot snapshot;
	struct hw_heap *heap;
	struct hw_map maps[FAKE_LIMIT];
	struct hw_module modules[FAKE_LIMIT];
	struct hw_elf_segment segments[FAKE_LIMIT];
	struct hw_thread threads[FAKE_LIMIT];
	uint8_t *memory[FAKE_LIMIT]; /* pieces of it */
	size_t memory_count;
	struct hw_region_builder builder;
	uint64_t region_start;
	uint8_t *region_bytes; /* of the region being filled; NULL: none is */
	uint64_t region_size;
	bool previous_in_use;
};

static void *fake_check(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static size_t fake_index(size_t count)
{
	if (count >= FAKE_LIMIT)
		abort();
	return count;
}

static const struct hw_layout *fake_layout(unsigned word_size, unsigned release)
{
	for (size_t i = 0; i < hw_layout_count; i++) {
		const struct hw_layout *row = &hw_layouts[i];

		if (row->word_size == word_size && row->first <= release && release <= row->last)
			return row;
	}
	abort();
}

hw_unused static void fake_init(struct fake_heap *fake, unsigned word_size, bool big_endian)
{
	memset(fake, 0, sizeof(*fake));
	if (hw_image_create(word_size, big_endian, &fake->snapshot.image))
		abort();
	fake->snapshot.source = HW_SOURCE_MEMORY;
	fake->snapshot.machine = big_endian ? EM_PPC64 : word_size == 8 ? EM_X86_64 : EM_386;
	fake->snapshot.word_size = word_size;
	fake->snapshot.page_size = 4096;
	fake->snapshot.maps = fake->maps;
	fake->snapshot.modules = fake->modules;
	fake->snapshot.threads = fake->threads;
	fake->heap = fake_check(calloc(1, sizeof(*fake->heap)));
	fake->heap->snapshot = &fake->snapshot;
	fake->heap->word_size = word_size;
	fake->heap->alignment = 16;
	fake->heap->minimum = 4 * word_size;
	fake->heap->arenas = fake_check(calloc(FAKE_LIMIT, sizeof(*fake->heap->arenas)));
	fake->heap->arena_count = 1;
	fake->heap->arenas[0].is_main = true;
	fake->heap->libcs = fake_check(calloc(1, sizeof(*fake->heap->libcs)));
	fake->heap->libc_count = 1;
	fake->heap->libcs[0].layout = fake_layout(word_size, 36);
}

/* Another glibc than 2.36: 2.`release`. */
hw_unused static void fake_release(struct fake_heap *fake, unsigned release)
{
	fake->heap->libcs[0].layout = fake_layout(fake->heap->word_size, release);
}

/* Stores `word` as the target would at `bytes`. */
hw_unused static void fake_put_word(const struct fake_heap *fake, uint8_t *bytes, uint64_t word)
{
	unsigned size = fake->heap->word_size;

	for (unsigned i = 0; i < size; i++)
		bytes[i] = (uint8_t)(word >> 8 * (fake->snapshot.image->big_endian ? size - 1 - i : i));
}

/* Makes `size` bytes readable at `address`; the rest past `given` bytes is zero. Returns them, to be changed.
 */
hw_unused static uint8_t *fake_memory(
	struct fake_heap *fake, uint64_t address, size_t size, const void *bytes, size_t given)
{
	uint8_t *copy = fake_check(calloc(1, size + 1));
	struct hw_segment segment = {
		.start = address, .end = address + size, .file_size = size, .bytes = copy, .fd = -1
	};

	if (given)
		memcpy(copy, bytes, given);
	if (hw_image_add(fake->snapshot.image, &segment))
		abort();
	fake->memory[fake_index(fake->memory_count++)] = copy;
	return copy;
}

/* A mapping; `path` as in /proc/PID/maps, "" for anonymous. The caller may fill in more of it. */
hw_unused static struct hw_map *fake_map(
	struct fake_heap *fake, uint64_t start, uint64_t end, unsigned prot, const char *path)
{
	struct hw_map *map = &fake->maps[fake_index(fake->snapshot.map_count++)];

	*map = (struct hw_map){ .start = start, .end = end, .prot = prot, .path = fake_check(strdup(path)) };
	return map;
}

/* A module of one PT_LOAD segment. Its mappings are made with fake_map(). */
hw_unused static struct hw_module *fake_module(
	struct fake_heap *fake, uint64_t start, uint64_t end, const char *path)
{
	size_t index = fake_index(fake->snapshot.module_count++);
	struct hw_module *module = &fake->modules[index];

	fake->segments[index] =
		(struct hw_elf_segment){ .type = PT_LOAD, .address = start, .size = end - start };
	*module = (struct hw_module){ .path = fake_check(strdup(path)),
		.start = start,
		.end = end,
		.has_headers = true,
		.segments = &fake->segments[index],
		.segment_count = 1 };
	return module;
}

hw_unused static struct hw_thread *fake_thread(struct fake_heap *fake, pid_t tid, uint64_t sp)
{
	struct hw_thread *thread = &fake->threads[fake_index(fake->snapshot.thread_count++)];

	*thread = (struct hw_thread){ .tid = tid, .state = 'S', .has_registers = true, .sp = sp };
	return thread;
}

/* Ends the region that is being filled. */
static void fake_end_region(struct fake_heap *fake)
{
	uint64_t end = fake->region_start + fake->region_size;

	if (!fake->region_bytes)
		return;
	if (hw_region_close(&fake->builder, end))
		abort();
	fake_memory(fake, fake->region_start, fake->region_size, fake->region_bytes, fake->region_size);
	free(fake->region_bytes);
	fake->region_bytes = NULL;
}

/* Begins a region whose first chunk lies at `start`; arenas come into being as they are named. */
hw_unused static void fake_region(
	struct fake_heap *fake, enum hw_region_kind kind, uint32_t arena, uint64_t start)
{
	fake_end_region(fake);
	if (hw_region_open(&fake->builder, fake->heap, kind, (uint32_t)fake_index(arena), start))
		abort();
	fake->heap->arena_count = hw_max(fake->heap->arena_count, arena + 1);
	fake->region_start = start;
	fake->region_bytes = fake_check(calloc(1, 1));
	fake->region_size = 0;
	fake->previous_in_use = true;
}

/*
 * The chunk's user address. `bytes` come there, zeros behind them. The last word that a live chunk may use is
 * the first of the chunk behind it, so it can be given too, except for a region's last chunk.
 */
hw_unused static uint64_t fake_chunk(struct fake_heap *fake, enum hw_chunk_state state,
	enum hw_content content, uint64_t size, const void *bytes, size_t given)
{
	uint64_t chunk = fake->region_start + fake->region_size, word = fake->heap->word_size;
	bool in_use = state == HW_CHUNK_LIVE || state == HW_CHUNK_TCACHE || state == HW_CHUNK_FASTBIN ||
		      state == HW_CHUNK_BOOKKEEPING;
	uint64_t flags = state == HW_CHUNK_MMAPPED ? 2 : fake->previous_in_use;

	fake->region_bytes = fake_check(realloc(fake->region_bytes, fake->region_size + size + word));
	if (!fake->region_size)
		memset(fake->region_bytes, 0, word);
	memset(fake->region_bytes + fake->region_size + word, 0, size);
	fake_put_word(fake, fake->region_bytes + fake->region_size + word, size | flags);
	if (given)
		memcpy(fake->region_bytes + fake->region_size + 2 * word, bytes, given);
	if (!hw_region_add(&fake->builder, chunk, state, content))
		abort();
	fake->region_size += size;
	fake->previous_in_use = in_use;
	return chunk + 2 * word;
}

/* Call when all chunks are there, before anything is asked of the heap. */
hw_unused static void fake_finish(struct fake_heap *fake)
{
	fake_end_region(fake);
	if (hw_heap_index(fake->heap))
		abort();
	hw_heap_count(fake->heap);
}

hw_unused static void fake_deinit(struct fake_heap *fake)
{
	for (size_t i = 0; i < fake->snapshot.map_count; i++)
		free(fake->maps[i].path);
	for (size_t i = 0; i < fake->snapshot.module_count; i++)
		free(fake->modules[i].path);
	for (size_t i = 0; i < fake->memory_count; i++)
		free(fake->memory[i]);
	free(fake->region_bytes);
	hw_heap_destroy(fake->heap);
	hw_image_destroy(fake->snapshot.image);
}

#endif
