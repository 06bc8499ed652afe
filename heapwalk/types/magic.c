/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chunks that hold what files of known formats do. The common ones are told while all chunks are looked at;
 * what is large and still has no name in the end is shown to who knows many more, if there is anybody.
 */
#include "heapwalk/types/format.h"
#include "heapwalk/types/typer.h"

/* Smaller ones are seldom files, and asking takes a tenth of a millisecond: so many times at most. */
#define LARGE      1024
#define MOST_ASKED 2000

static struct hw_error *offer(struct hw_typer *typer, uint32_t chunk, const struct hw_format_found *found)
{
	struct hw_chunk_type answer = {
		.from = UINT32_MAX,
		.level = found->level,
		.evidence = HW_EVIDENCE_MAGIC,
		.fit = found->fit,
		.percent = found->percent,
	};
	struct hw_error *error = hw_typer_intern(typer,
		&(struct hw_named_type){
			.name = found->name, .origin = HW_TYPE_ORIGIN_FORMAT, .module = UINT32_MAX },
		&answer.type);

	if (!error)
		hw_typer_offer(typer, chunk, &answer);
	return error;
}

static bool has_binary(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] >= 0x80 || (bytes[i] && bytes[i] < ' ' && !strchr("\t\n\r", bytes[i])))
			return true;
	}
	return false;
}

/* Some begin with letters, but so do texts about them. */
static bool may_be_file(enum hw_content content, const struct hw_look_chunk *chunk)
{
	if (content == HW_CONTENT_STRING)
		return chunk->usable >= 64 && has_binary(chunk->bytes, hw_min(chunk->size, 256));
	return content == HW_CONTENT_NUMBERS || content == HW_CONTENT_DATA ||
	       content == HW_CONTENT_TEXT_PART || content == HW_CONTENT_POINTERS;
}

static struct hw_error *formats_look(
	struct hw_typer *typer, void *state hw_unused, const struct hw_look_chunk *chunk)
{
	struct hw_format_found found;

	if (!may_be_file(hw_chunk_content(typer->heap, chunk->index), chunk))
		return NULL;
	found = hw_format_of(typer->heap, chunk->bytes, chunk->size, chunk->usable);
	return found.name ? offer(typer, chunk->index, &found) : NULL;
}

const struct hw_look hw_look_formats = { .look = formats_look };

static bool is_to_be_asked(const struct hw_typer *typer, uint32_t chunk)
{
	const struct hw_heap *heap = typer->heap;
	enum hw_content content = hw_chunk_content(heap, chunk);

	return hw_chunk_is_live(heap, chunk) &&
	       hw_chunk_type(typer->typing, chunk)->level == HW_LEVEL_UNKNOWN &&
	       (content == HW_CONTENT_DATA || content == HW_CONTENT_TEXT_PART) &&
	       hw_chunk_usable(heap, chunk) >= LARGE;
}

static struct hw_error *ask(struct hw_typer *typer, struct hw_window *window, uint32_t chunk)
{
	const struct hw_typing_options *options = typer->options;
	size_t size = hw_min(hw_chunk_usable(typer->heap, chunk), HW_LOOK_BYTES);
	const uint8_t *bytes = hw_window_view(window, hw_chunk_user(typer->heap, chunk), size, NULL);
	struct hw_format_found found = { .level = HW_LEVEL_LIKELY, .fit = HW_FIT_PREFIX };

	if (bytes)
		found.name = options->format(options->format_argument, bytes, size);
	return found.name ? offer(typer, chunk, &found) : NULL;
}

struct hw_error *hw_typer_formats(struct hw_typer *typer)
{
	struct hw_error *error = NULL;
	struct hw_window window;
	unsigned asked = 0;

	if (!typer->options->format)
		return NULL;
	hw_window_init(&window, typer->heap->snapshot->image, 0);
	for (uint32_t i = 0; i < typer->heap->chunks.count && !error && asked < MOST_ASKED; i++) {
		if (!is_to_be_asked(typer, i))
			continue;
		asked++;
		error = ask(typer, &window, i);
	}
	hw_window_deinit(&window);
	return error;
}
