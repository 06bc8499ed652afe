/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The catalogue made ready. */
#include "heapwalk/types/program.h"

#include "heapwalk/graph/scan.h"

#define VIEW_LIMIT ((uint64_t)1 << 20)
#define HEIRS      3 /* structs that begin with a type make it a header */

static struct hw_error *init_tables(struct hw_program *program)
{
	size_t types = (size_t)program->types->type_count + 1;

	program->facts = calloc(types, sizeof(*program->facts));
	program->interned = calloc(types, sizeof(*program->interned));
	program->of_chunk =
		calloc((size_t)program->typer->heap->chunks.count + 1, sizeof(*program->of_chunk));
	return program->facts && program->interned && program->of_chunk ? NULL : hw_error_no_memory();
}

/* How often each type is what others inherit from, or, in C, begin with. */
static void count_heirs(const struct hw_program *program, bool is_cxx, uint32_t *heirs)
{
	const struct hw_types *types = program->types;

	for (uint32_t i = 1; i < types->type_count; i++) {
		const struct hw_type *type = &types->types[i];
		const struct hw_type_member *first = &types->members[type->first_member];

		if (type->kind != HW_TYPE_STRUCT || !type->member_count || first->offset || first->bit_size ||
			(is_cxx && !first->is_base) || types->types[first->type].size >= type->size)
			continue;
		heirs[hw_type_strip(types, first->type)]++;
	}
}

/*
 * What several structs begin with is a header: pointers to it mean these. In C++ a first member is just a
 * member.
 */
static struct hw_error *find_headers(struct hw_program *program)
{
	const struct hw_types *types = program->types;
	hw_autofree uint32_t *heirs = calloc((size_t)types->type_count + 1, sizeof(*heirs));
	bool is_cxx = false;

	if (!heirs)
		return hw_error_no_memory();
	for (uint32_t i = 0; i < types->member_count && !is_cxx; i++)
		is_cxx = types->members[i].is_base;
	count_heirs(program, is_cxx, heirs);
	for (uint32_t i = 1; i < types->type_count; i++)
		program->facts[i].is_base = heirs[i] >= HEIRS && types->types[i].kind == HW_TYPE_STRUCT;
	return NULL;
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
		error = find_headers(made);
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

/* The aggregate that an aggregate begins with; 0: it begins with something else. */
static uint32_t first_part(const struct hw_types *types, uint32_t type)
{
	const struct hw_type *whole = &types->types[type];
	uint32_t part;

	if (whole->kind != HW_TYPE_STRUCT || !whole->member_count ||
		types->members[whole->first_member].offset || types->members[whole->first_member].bit_size)
		return 0;
	part = hw_type_strip(types, types->members[whole->first_member].type);
	if (types->types[part].kind == HW_TYPE_ARRAY)
		part = hw_type_strip(types, types->types[part].target);
	return types->types[part].kind == HW_TYPE_STRUCT ? part : 0;
}

/* Member by member, at the same places and of the same types and names. */
static bool has_same_start(const struct hw_types *types, uint32_t whole, uint32_t part)
{
	const struct hw_type *a = &types->types[whole], *b = &types->types[part];

	if (b->member_count < 2 || a->member_count < b->member_count || a->kind != b->kind)
		return false;
	for (uint32_t i = 0; i < b->member_count; i++) {
		const struct hw_type_member *left = &types->members[a->first_member + i];
		const struct hw_type_member *right = &types->members[b->first_member + i];

		if (left->offset != right->offset || left->bit_size != right->bit_size ||
			hw_type_strip(types, left->type) != hw_type_strip(types, right->type) ||
			strcmp(left->name, right->name) != 0)
			return false;
	}
	return true;
}

bool hw_starts_like(struct hw_program *program, uint32_t whole, uint32_t part)
{
	const struct hw_types *types = program->types;

	for (int depth = 0; whole && depth < 16; depth++) {
		if (whole == part || has_same_start(types, whole, part))
			return true;
		whole = first_part(types, whole);
	}
	return false;
}
