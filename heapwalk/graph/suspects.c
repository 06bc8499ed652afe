/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding words that look stale. Few chunks can have any; the memory of these is read once more. */
#include "heapwalk/chunk_table.h"
#include "heapwalk/glibc/layout.h"
#include "heapwalk/graph/scan.h"
#include "heapwalk/graph/suspects.h"
#include "heapwalk/graph/texts.h"

#define NO_REFERENCE UINT32_MAX

struct search {
	const struct hw_graph *graph;
	const struct hw_heap *heap;
	bool (*matters)(const void *argument, uint32_t target);
	const void *argument;
	struct hw_suspects *suspects;
	struct hw_scan scan;
	bool out_of_memory;
};

/* A chunk that has references, and its memory. */
struct source {
	uint32_t chunk;
	const uint8_t *bytes;
	uint64_t usable;
	uint64_t text_end; /* past the NUL of a text that fills the chunk; 0: no such text */
};

/* Is there a text to expect? Contents that were not looked into may be anything. */
static bool may_be_text(const struct hw_heap *heap, uint32_t chunk)
{
	enum hw_content content = hw_chunk_content(heap, chunk);

	return content == HW_CONTENT_STRING || content == HW_CONTENT_TEXT_PART || content == HW_CONTENT_NONE;
}

/* Where malloc keeps the ends of its lists: main_arena and its like. */
static bool is_in_arena(const struct hw_heap *heap, uint64_t word)
{
	for (uint32_t i = 0; i < heap->arena_count; i++) {
		const struct hw_arena *arena = &heap->arenas[i];

		if (word - arena->address < heap->libcs[arena->libc].layout->arena->size)
			return true;
	}
	return false;
}

/*
 * malloc's links are pairs of addresses of chunks (their headers, which are the last word of the block before
 * them) or of list ends.
 */
static bool is_link(
	const struct search *search, const struct source *source, uint64_t offset, uint32_t target)
{
	const struct hw_heap *heap = search->heap;
	unsigned word_size = heap->word_size;
	uint64_t other = offset / word_size % 2 ? offset - word_size : offset + word_size, word;
	uint32_t region, chunk;

	word = hw_image_word(heap->snapshot->image, source->bytes + offset);
	if (word != hw_chunk_address(heap, target + 1) || other + word_size > source->usable)
		return false;
	word = hw_image_word(heap->snapshot->image, source->bytes + other);
	return is_in_arena(heap, word) || hw_heap_find_start(heap, word, &region, &chunk);
}

/* The chunk that the word at `offset` refers to, as the scan sees it. */
static uint32_t reference_at(const struct search *search, const struct source *source, uint64_t offset)
{
	const struct hw_image *image = search->heap->snapshot->image;
	uint32_t reference;

	if (!hw_scan_word(&search->scan, hw_image_word(image, source->bytes + offset), &reference) ||
		hw_reference_target(reference) == source->chunk)
		return NO_REFERENCE;
	return reference;
}

static bool is_suspect(
	const struct search *search, const struct source *source, uint64_t offset, uint32_t reference)
{
	if (source->text_end && offset >= source->text_end)
		return true;
	return hw_reference_is_interior(reference) &&
	       is_link(search, source, offset, hw_reference_target(reference));
}

static void add(struct search *search, const struct hw_suspect *suspect)
{
	struct hw_suspects *suspects = search->suspects;
	struct hw_suspect *slot;

	if (!search->matters(search->argument, suspect->target))
		return;
	slot = hw_array_next(suspects->suspects, suspects->count, suspects->capacity);
	if (!slot) {
		search->out_of_memory = true;
		return;
	}
	*slot = *suspect;
	suspects->count++;
}

static void add_reference(
	struct search *search, const struct source *source, uint64_t index, uint32_t reference)
{
	struct hw_suspect suspect = {
		.reference = index,
		.target = hw_reference_target(reference),
		.source = source->chunk,
		.is_text = source->text_end > 0,
	};

	add(search, &suspect);
}

/*
 * Goes through a chunk's words beside its row: the row has one reference for each of them, but of equal ones
 * in succession only one, which is suspect if all of them are.
 */
static void look_into(struct search *search, const struct source *source)
{
	unsigned word_size = search->heap->word_size;
	uint64_t next = hw_references_row(&search->graph->parts->references, source->chunk);
	uint32_t last = NO_REFERENCE;
	bool suspect = false;

	for (uint64_t at = 0; at + word_size <= source->usable; at += word_size) {
		uint32_t reference = reference_at(search, source, at);

		if (reference == NO_REFERENCE)
			continue;
		if (reference != last && suspect)
			add_reference(search, source, next - 1, last);
		suspect = (reference != last || suspect) && is_suspect(search, source, at, reference);
		next += reference != last;
		last = reference;
	}
	if (suspect)
		add_reference(search, source, next - 1, last);
}

/* Does it refer to a chunk that is held by its middle only? One of malloc's links may do that. */
static bool has_doubtful(const struct hw_graph *graph, uint64_t at, uint64_t end)
{
	const uint32_t *targets = graph->parts->references.targets;

	for (; at < end; at++) {
		if (hw_reference_is_interior(targets[at]) &&
			hw_chunk_leak_kind(graph, hw_reference_target(targets[at])) == HW_LEAK_POSSIBLE)
			return true;
	}
	return false;
}

static void search_chunk(struct search *search, uint32_t chunk)
{
	const struct hw_references *references = &search->graph->parts->references;
	uint64_t start = hw_references_row(references, chunk), end = hw_references_row(references, chunk + 1);
	struct source source = { .chunk = chunk };
	bool maybe_text;

	if (start == end || !hw_chunk_is_reached(search->graph, chunk))
		return;
	maybe_text = may_be_text(search->heap, chunk);
	if (!maybe_text && !has_doubtful(search->graph, start, end))
		return;
	source.usable = hw_scan_usable(search->heap, chunk);
	if (source.usable > HW_SCAN_WINDOW)
		return;
	source.bytes =
		hw_window_view(&search->scan.window, hw_chunk_user(search->heap, chunk), source.usable, NULL);
	if (!source.bytes)
		return;
	if (maybe_text)
		source.text_end = hw_text_fits(search->heap, chunk, source.bytes);
	look_into(search, &source);
}

/* Is the thread inside a system call that the C library made? In a static program nobody can tell. */
static bool waits_in_libc(const struct hw_heap *heap, const struct hw_thread *thread)
{
	const struct hw_module *module = hw_snapshot_module_at(heap->snapshot, thread->pc);

	if (!thread->has_registers || !thread->in_system_call || !module || module->is_executable)
		return false;
	for (uint32_t i = 0; i < heap->libc_count; i++) {
		if (!strcmp(heap->libcs[i].module_path, module->path))
			return true;
	}
	return false;
}

static void search_roots(struct search *search)
{
	const struct hw_graph *graph = search->graph;

	for (size_t i = 0; i < graph->parts->root_word_count; i++) {
		const struct hw_root_word *word = &graph->parts->root_words[i];
		const struct hw_root *root = &graph->roots[word->root];
		struct hw_suspect suspect = {
			.reference = HW_SUSPECT_ROOT + i,
			.target = hw_reference_target(graph->parts->root_references[i]),
			.source = HW_SUSPECT_NONE,
		};
		const struct hw_thread *thread;

		if (root->kind != HW_ROOT_REGISTER)
			continue;
		thread = &search->heap->snapshot->threads[root->owner];
		if (word->address >= thread->general.size && waits_in_libc(search->heap, thread))
			add(search, &suspect);
	}
}

struct hw_error *hw_suspects_find(const struct hw_graph *graph,
	bool (*matters)(const void *argument, uint32_t target), const void *argument,
	struct hw_suspects *suspects)
{
	struct search search = {
		.graph = graph,
		.heap = graph->heap,
		.matters = matters,
		.argument = argument,
		.suspects = suspects,
	};

	struct hw_error *error = NULL;

	*suspects = (struct hw_suspects){ 0 };
	hw_scan_init(&search.scan, graph->heap, graph->kinds);
	for (uint32_t i = 0; i < graph->heap->chunks.count && !search.out_of_memory; i++)
		search_chunk(&search, i);
	search_roots(&search);
	error = search.out_of_memory ? hw_error_no_memory() : hw_texts_prove(&search.scan, graph, suspects);
	hw_scan_deinit(&search.scan);
	if (error)
		hw_suspects_deinit(suspects);
	return error;
}

void hw_suspects_deinit(struct hw_suspects *suspects)
{
	free(suspects->suspects);
	*suspects = (struct hw_suspects){ 0 };
}
