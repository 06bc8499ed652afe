/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking for containers: whose library's, what they are called, and each kind in its turn. */
#include "heapwalk/types/container.h"

/* Headers are few words each, in order of address. */
#define HEADER_WINDOW ((size_t)64 << 10)

/* Of the pool that exceptions are thrown from: by GCC version 72704 or 73712 bytes, half of it with 32 bits.
 */
#define LEAST_POOL   16384
#define MOST_POOL    131072
#define FIRST_CHUNKS 256

static const struct {
	const char *name;
	enum hw_fit fit;
} parts[] = {
	[HW_PART_TREE_NODE] = { "std::map/set node", HW_FIT_EXACT },
	[HW_PART_LIST_NODE] = { "std::list node", HW_FIT_EXACT },
	[HW_PART_HASH_NODE] = { "std::unordered_map/set node", HW_FIT_EXACT },
	[HW_PART_BUCKETS] = { "std::unordered_map/set buckets", HW_FIT_ARRAY },
	[HW_PART_VECTOR] = { "std::vector body", HW_FIT_ARRAY },
	[HW_PART_STRING] = { "std::string body", HW_FIT_ARRAY },
	[HW_PART_DEQUE_MAP] = { "std::deque map", HW_FIT_ARRAY },
	[HW_PART_DEQUE_BLOCK] = { "std::deque block", HW_FIT_ARRAY },
};

/* ----------------------------------------------------------------------------------------- for all kinds */

void hw_containers_offer(
	struct hw_containers *containers, uint32_t chunk, enum hw_container_part part, enum hw_level level)
{
	struct hw_chunk_type *kept = &containers->typer->typing->chunks[chunk];
	const struct hw_chunk_type answer = {
		.type = containers->types[part],
		.from = UINT32_MAX,
		.level = (uint8_t)level,
		.evidence = HW_EVIDENCE_CONTAINER,
		.fit = (uint8_t)parts[part].fit,
	};

	/* A node's whole container adds up; a body is held by three words that may be left over. */
	if (part <= HW_PART_BUCKETS && kept->evidence == HW_EVIDENCE_CONTAINER)
		kept->level = HW_LEVEL_UNKNOWN;
	if (hw_chunk_is_live(containers->heap, chunk))
		hw_typer_offer(containers->typer, chunk, &answer);
}

bool hw_containers_read(struct hw_containers *containers, uint64_t address, uint64_t *words, unsigned count)
{
	unsigned word_size = containers->heap->word_size;
	const uint8_t *bytes = hw_window_view(&containers->window, address, (size_t)count * word_size, NULL);

	for (unsigned i = 0; bytes && i < count; i++)
		words[i] = hw_image_word(containers->heap->snapshot->image, bytes + i * word_size);
	return bytes;
}

/*
 * malloc rounds up to its alignment, and a remainder too small for a chunk stays; mmapped chunks end at a
 * page.
 */
bool hw_containers_is_size(const struct hw_containers *containers, uint32_t chunk, uint64_t bytes)
{
	uint64_t usable = hw_chunk_usable(containers->heap, chunk), slack = 2 * containers->heap->alignment;

	if (hw_chunk_state(containers->heap, chunk) == HW_CHUNK_MMAPPED)
		slack = containers->heap->snapshot->page_size;
	return bytes <= usable && usable - bytes < slack;
}

bool hw_containers_queue(struct hw_containers *containers, size_t at, uint32_t chunk)
{
	if (!hw_array_reserve(
		    &containers->nodes, at, &containers->node_capacity, sizeof(*containers->nodes))) {
		containers->failed = true;
		return false;
	}
	containers->nodes[at] = chunk;
	return true;
}

/* --------------------------------------------------------------------------------------- whose library's */

static bool is_library(const struct hw_module *module, const char *name)
{
	return !strncmp(hw_file_name(module->path), name, strlen(name));
}

/*
 * libstdc++ asks malloc for memory to throw exceptions from when there is none (eh_alloc.cc), as one of the
 * first things in a program: it begins with its size and a NULL, the list of its free parts.
 */
static bool is_emergency_pool(const struct hw_heap *heap, uint32_t chunk)
{
	uint8_t bytes[16];
	size_t size = 2 * heap->word_size;
	uint64_t usable = hw_chunk_usable(heap, chunk), free_size;

	if (usable < LEAST_POOL || usable > MOST_POOL ||
		hw_image_read_some(heap->snapshot->image, hw_chunk_user(heap, chunk), bytes, size) != size)
		return false;
	free_size = hw_image_word(heap->snapshot->image, bytes);
	return free_size <= usable && usable - free_size < 2 * heap->alignment &&
	       !hw_image_word(heap->snapshot->image, bytes + heap->word_size);
}

/* Objects of classes, or the pool among the first chunks. */
static bool looks_like_cxx(const struct hw_heap *heap)
{
	for (uint32_t i = 0; i < heap->chunks.count; i++) {
		if (hw_chunk_is_live(heap, i) && (hw_chunk_content(heap, i) == HW_CONTENT_CXX ||
							 (i < FIRST_CHUNKS && is_emergency_pool(heap, i))))
			return true;
	}
	return false;
}

/* Where neither is loaded the program is none of C++, or has its library in itself. */
static unsigned find_libraries(const struct hw_heap *heap)
{
	const struct hw_snapshot *snapshot = heap->snapshot;
	unsigned libraries = 0;

	for (size_t i = 0; i < snapshot->module_count; i++) {
		if (is_library(&snapshot->modules[i], "libstdc++.so"))
			libraries |= HW_CXX_GNU;
		if (is_library(&snapshot->modules[i], "libc++.so"))
			libraries |= HW_CXX_LLVM;
	}
	if (!libraries && looks_like_cxx(heap))
		libraries = HW_CXX_GNU | HW_CXX_LLVM;
	return libraries;
}

/* ----------------------------------------------------------------------------------------------- the looks
 */

static void containers_destroy(void *state)
{
	struct hw_containers *containers = state;

	for (unsigned library = 0; library < 2; library++) {
		hw_node_links_deinit(&containers->trees[library]);
		free(containers->roots[library].items);
	}
	hw_node_links_deinit(&containers->lists);
	hw_node_links_deinit(&containers->chains);
	free(containers->ends.items);
	free(containers->buckets.items);
	free(containers->vectors.items);
	free(containers->references);
	free(containers->nodes);
	hw_window_deinit(&containers->window);
	hw_window_deinit(&containers->arrays);
	free(containers);
}

static struct hw_error *intern_parts(struct hw_containers *containers)
{
	struct hw_error *error = NULL;

	for (size_t i = 0; i < HW_PARTS && !error; i++) {
		struct hw_named_type type = {
			.name = parts[i].name, .origin = HW_TYPE_ORIGIN_CONTAINER, .module = UINT32_MAX
		};

		error = hw_typer_intern(containers->typer, &type, &containers->types[i]);
	}
	return error;
}

static bool init_links(struct hw_containers *containers)
{
	uint32_t count = containers->heap->chunks.count;

	containers->references = calloc((size_t)count / 4 + 1, 1);
	return containers->references && hw_node_links_init(&containers->trees[0], 3, count) &&
	       hw_node_links_init(&containers->trees[1], 3, count) &&
	       hw_node_links_init(&containers->lists, 3, count) &&
	       hw_node_links_init(&containers->chains, 1, count);
}

static struct hw_error *containers_begin(struct hw_typer *typer, void **state)
{
	struct hw_containers *containers = calloc(1, sizeof(*containers));
	struct hw_error *error = NULL;

	if (!containers)
		return hw_error_no_memory();
	containers->typer = typer;
	containers->heap = typer->heap;
	hw_window_init(&containers->window, typer->heap->snapshot->image, HEADER_WINDOW);
	hw_window_init(&containers->arrays, typer->heap->snapshot->image, 0);
	containers->libraries = find_libraries(typer->heap);
	if (containers->libraries) {
		error = intern_parts(containers);
		if (!error && !init_links(containers))
			error = hw_error_no_memory();
	}
	if (error)
		containers_destroy(containers);
	else
		*state = containers;
	return error;
}

static void containers_look(void *state, const struct hw_word_piece *batch, unsigned count)
{
	struct hw_containers *containers = state;

	if (!containers->libraries)
		return;
	for (unsigned i = 0; i < count; i++) {
		hw_trees_look(containers, &batch[i]);
		hw_lists_look(containers, &batch[i]);
		hw_hashes_look(containers, &batch[i]);
		hw_bodies_look(containers, &batch[i]);
	}
}

static struct hw_error *containers_finish(struct hw_typer *typer hw_unused, void *state)
{
	struct hw_containers *containers = state;

	if (containers->libraries && !containers->failed) {
		hw_trees_finish(containers);
		hw_lists_finish(containers);
		hw_hashes_finish(containers);
		hw_bodies_finish(containers);
	}
	return containers->failed ? hw_error_no_memory() : NULL;
}

const struct hw_word_look hw_word_look_containers = {
	HW_EVIDENCE_CONTAINER,
	containers_begin,
	containers_look,
	containers_finish,
	containers_destroy,
};
