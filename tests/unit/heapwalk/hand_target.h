/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A target made by hand for the tests of heapwalk/graph/: words can be put anywhere. */
#ifndef HW_TESTS_HAND_TARGET_H
#define HW_TESTS_HAND_TARGET_H

#include <elf.h>

#include "heapwalk/chunk_table.h"
#include "heapwalk/graph/graph.h"
#include "tests/unit/heapwalk/graphs.h"

#define HEAP   0x10000
#define GLOBAL 0x800000
#define STACK  0x900000
#define PAGE   0x1000

/* A heap of chunks that follow each other, a page of globals, a stack of two pages. */
struct target {
	struct hw_snapshot snapshot;
	struct hw_heap *heap;
	struct hw_map maps[3];
	struct hw_thread thread;
	struct hw_module module;
	struct hw_elf_segment segment;
	uint8_t heap_bytes[16 * PAGE];
	uint8_t globals[PAGE];
	uint8_t stack[2 * PAGE];
	uint8_t registers[32 * 8];
	unsigned word;
	uint64_t end; /* of the chunks so far */
	struct hw_region_builder builder;
};

static inline void add_memory(
	struct target *target, size_t index, uint64_t start, uint8_t *bytes, size_t size, const char *path)
{
	struct hw_segment segment = {
		.start = start, .end = start + size, .file_size = size, .bytes = bytes, .fd = -1
	};

	no_error(hw_image_add(target->snapshot.image, &segment));
	target->maps[index] = (struct hw_map){
		.start = start,
		.end = start + size,
		.prot = HW_MAP_READ | HW_MAP_WRITE,
		.path = (char *)path,
	};
}

static inline struct target *target_create(unsigned word_size, bool big_endian)
{
	struct target *target = calloc(1, sizeof(*target));

	must(target);
	target->word = word_size;
	no_error(hw_image_create(word_size, big_endian, &target->snapshot.image));
	target->snapshot.machine = big_endian ? EM_PPC64 : word_size == 8 ? EM_X86_64 : EM_386;
	target->snapshot.word_size = word_size;
	target->snapshot.page_size = PAGE;
	target->snapshot.maps = target->maps;
	target->snapshot.map_count = 3;
	add_memory(target, 0, HEAP, target->heap_bytes, sizeof(target->heap_bytes), "[heap]");
	add_memory(target, 1, GLOBAL, target->globals, sizeof(target->globals), "/bin/target");
	add_memory(target, 2, STACK, target->stack, sizeof(target->stack), "[stack]");
	target->segment = (struct hw_elf_segment){
		.type = PT_LOAD, .prot = HW_MAP_READ | HW_MAP_WRITE, .address = GLOBAL, .size = PAGE
	};
	target->module = (struct hw_module){ .path = (char *)"/bin/target",
		.start = GLOBAL,
		.end = GLOBAL + PAGE,
		.segments = &target->segment,
		.segment_count = 1 };
	target->snapshot.modules = &target->module;
	target->snapshot.module_count = 1;
	target->thread = (struct hw_thread){ .tid = 1,
		.state = 'S',
		.has_registers = true,
		.sp = STACK + PAGE,
		.general = { target->registers, sizeof(target->registers) } };
	target->snapshot.threads = &target->thread;
	target->snapshot.thread_count = 1;
	target->heap = calloc(1, sizeof(*target->heap));
	must(target->heap);
	target->heap->snapshot = &target->snapshot;
	target->heap->word_size = word_size;
	target->heap->alignment = 16;
	target->heap->minimum = 4 * word_size;
	/* i386: chunks lie at 8 mod 16, so that what malloc returns is aligned. */
	target->end = HEAP + (word_size == 4 ? 8 : 0);
	no_error(hw_region_open(&target->builder, target->heap, HW_REGION_BRK, 0, target->end));
	return target;
}

/* The user address of a new chunk. */
static inline uint64_t chunk(struct target *target, enum hw_chunk_state state, uint64_t size)
{
	uint64_t start = target->end;

	must(hw_region_add(&target->builder, start, state, HW_CONTENT_NONE));
	target->end += size;
	return start + 2 * target->word;
}

static inline void poke(struct target *target, uint64_t address, uint64_t word)
{
	uint8_t *bytes = address >= STACK    ? target->stack + (address - STACK)
			 : address >= GLOBAL ? target->globals + (address - GLOBAL)
					     : target->heap_bytes + (address - HEAP);

	for (unsigned i = 0; i < target->word; i++) {
		unsigned place = target->snapshot.image->big_endian ? target->word - 1 - i : i;

		bytes[place] = (uint8_t)(word >> 8 * i);
	}
}

static inline struct hw_graph *graph_of(struct target *target, const struct hw_graph_options *options)
{
	struct hw_graph *graph;

	no_error(hw_region_close(&target->builder, target->end));
	no_error(hw_heap_index(target->heap));
	no_error(hw_graph_build(target->heap, options, &graph));
	return graph;
}

static inline enum hw_leak_kind kind_of(const struct hw_graph *graph, uint64_t user)
{
	uint32_t index;

	must(hw_heap_find(graph->heap, user, &index));
	return hw_chunk_leak_kind(graph, index);
}

static inline void target_destroy(struct target *target, struct hw_graph *graph)
{
	hw_graph_destroy(graph);
	for (uint32_t i = 0; i < target->heap->region_count; i++) {
		free(target->heap->regions[i].granules);
		free(target->heap->regions[i].units);
	}
	free(target->heap->regions);
	free(target->heap->chunks.words);
	hw_directory_destroy(target->heap->directory);
	free(target->heap);
	hw_image_destroy(target->snapshot.image);
	free(target);
}

#endif
