/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One pass over all live chunks for everything that is told by a chunk's own bytes. */
#include "heapwalk/types/typer.h"

#define LOOKS         8                   /* at most */
#define PROGRESS_STEP ((uint32_t)1 << 18) /* chunks between two calls */

struct pass {
	struct hw_typer *typer;
	const struct hw_look *looks[LOOKS];
	void *states[LOOKS];
	size_t count;
	struct hw_window window;
	struct hw_look_chunk chunk; /* that is being looked at */
};

static struct hw_error *begin(struct pass *pass, const struct hw_look *const *looks, size_t count)
{
	struct hw_error *error = NULL;

	for (size_t i = 0; i < count && !error; i++) {
		if (!looks[i] || pass->count == LOOKS)
			continue;
		if (looks[i]->begin)
			error = looks[i]->begin(pass->typer, &pass->states[pass->count]);
		if (!error)
			pass->looks[pass->count++] = looks[i];
	}
	return error;
}

static struct hw_error *look_at_chunk(struct pass *pass, uint32_t index)
{
	const struct hw_heap *heap = pass->typer->heap;
	struct hw_look_chunk *chunk = &pass->chunk;
	struct hw_error *error = NULL;

	chunk->index = index;
	chunk->usable = hw_chunk_usable(heap, index);
	chunk->size = hw_min(chunk->usable, HW_LOOK_BYTES);
	chunk->bytes = hw_window_view(&pass->window, hw_chunk_user(heap, index), chunk->size, NULL);
	if (!chunk->bytes)
		return NULL;
	for (size_t i = 0; i < pass->count && !error; i++)
		error = pass->looks[i]->look(pass->typer, pass->states[i], chunk);
	return error;
}

static struct hw_error *look_at_all(struct pass *pass)
{
	const struct hw_typing_options *options = pass->typer->options;
	const struct hw_heap *heap = pass->typer->heap;
	struct hw_error *error = NULL;

	for (uint32_t i = 0; i < heap->chunks.count && !error; i++) {
		if (hw_chunk_is_live(heap, i))
			error = look_at_chunk(pass, i);
		if (options->progress && !(i % PROGRESS_STEP))
			options->progress(i, heap->chunks.count, options->argument);
	}
	return error;
}

static struct hw_error *finish(struct pass *pass)
{
	struct hw_error *error = NULL;

	for (size_t i = 0; i < pass->count && !error; i++) {
		if (pass->looks[i]->finish)
			error = pass->looks[i]->finish(pass->typer, pass->states[i]);
	}
	return error;
}

struct hw_error *hw_typer_look(struct hw_typer *typer, const struct hw_look *const *looks, size_t count)
{
	struct pass pass = { .typer = typer };
	struct hw_error *error = begin(&pass, looks, count);

	if (!error) {
		hw_window_init_ahead(&pass.window, typer->heap->snapshot->image);
		error = look_at_all(&pass);
		hw_window_deinit(&pass.window);
	}
	if (!error)
		error = finish(&pass);
	for (size_t i = 0; i < pass.count; i++) {
		if (pass.looks[i]->destroy)
			pass.looks[i]->destroy(pass.states[i]);
	}
	return error;
}
