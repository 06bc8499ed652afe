/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The catalogue made ready. */
#include "heapwalk/types/program.h"

#include "heapwalk/graph/scan.h"

#define VIEW_LIMIT ((uint64_t)1 << 20)

static struct hw_error *init_tables(struct hw_program *program)
{
	size_t types = (size_t)program->types->type_count + 1;

	program->facts = calloc(types, sizeof(*program->facts));
	program->interned = calloc(types, sizeof(*program->interned));
	program->of_chunk =
		calloc((size_t)program->typer->heap->chunks.count + 1, sizeof(*program->of_chunk));
	return program->facts && program->interned && program->of_chunk ? NULL : hw_error_no_memory();
}

struct hw_error *hw_program_create(
	struct hw_typer *typer, const struct hw_types *types, struct hw_program **program)
{
	struct hw_program *made = calloc(1, sizeof(*made));
	struct hw_error *error;

	if (!made)
		return hw_error_no_memory();
	made->typer = typer;
	made->types = types;
	hw_window_init(&made->window, typer->heap->snapshot->image, 0);
	error = init_tables(made);
	if (!error)
		error = hw_templates_create(types, &made->templates);
	if (!error)
		error = hw_field_table_init(&made->fields, types, made->templates, typer->heap->word_size);
	if (!error)
		error = hw_enclosing_init(&made->enclosing, types);
	if (error) {
		hw_program_destroy(made);
		return error;
	}
	hw_checker_init(&made->checker, typer->heap, typer->addresses, &made->fields);
	*program = made;
	return NULL;
}

void hw_program_destroy(struct hw_program *program)
{
	if (!program)
		return;
	hw_checker_deinit(&program->checker);
	hw_enclosing_deinit(&program->enclosing);
	if (program->fields.types)
		hw_field_table_deinit(&program->fields);
	hw_templates_destroy(program->templates);
	hw_window_deinit(&program->window);
	free(program->facts);
	free(program->interned);
	free(program->of_chunk);
	free(program);
}

struct hw_error *hw_program_intern(struct hw_program *program, uint32_t type, uint32_t *number)
{
	struct hw_error *error = NULL;

	if (!program->interned[type])
		error = hw_typer_intern_debug(program->typer, program->types, type, &program->interned[type]);
	*number = program->interned[type];
	return error;
}

const uint8_t *hw_program_view(struct hw_program *program, uint32_t chunk, uint64_t *size)
{
	const struct hw_heap *heap = program->typer->heap;

	*size = hw_min(hw_scan_usable(heap, chunk), VIEW_LIMIT);
	return *size ? hw_window_view(&program->window, hw_chunk_user(heap, chunk), *size, NULL) : NULL;
}

/*
 * A remainder too small for a chunk of its own stays with the chunk that is cut off: 16 bytes more (glibc,
 * malloc.c, "remainder_size >= MINSIZE"). A mapped chunk is whole pages.
 */
bool hw_program_fits(
	const struct hw_program *program, uint32_t chunk, uint64_t usable, uint64_t size, bool *slack)
{
	const struct hw_heap *heap = program->typer->heap;
	uint64_t least;

	*slack = false;
	if (!size || size > usable)
		return false;
	if (hw_chunk_state(heap, chunk) == HW_CHUNK_MMAPPED)
		return usable - size < heap->snapshot->page_size + 2 * heap->word_size;
	least = hw_usable_of(heap, size);
	*slack = usable == least + 2 * heap->word_size;
	return usable == least || *slack;
}
