/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where paths start: global variables, thread-local ones, and those of the threads' functions. */
#include <elf.h>

#include "heapwalk/graph/threads.h"
#include "heapwalk/types/path.h"

#define MOST_BYTES ((uint64_t)1 << 20) /* of one variable */

/* The variable is a source only if something comes of it. */
static struct hw_error *add_source(
	struct hw_typing *typing, const char *name, uint64_t address, uint32_t type, uint32_t thread)
{
	struct hw_type_source *slot =
		hw_array_next(typing->sources, typing->source_count, typing->source_capacity);
	char *copy = slot ? strdup(name) : NULL;

	if (!copy)
		return hw_error_no_memory();
	*slot = (struct hw_type_source){ .name = copy, .address = address, .type = type, .thread = thread };
	typing->source_count++;
	return NULL;
}

/* What the pointers in a variable say. Of a local one that cannot be what it should be: nothing. */
static struct hw_error *look_at(struct hw_paths *paths, const struct hw_variable *variable, const char *name,
	const uint8_t *bytes, uint64_t size, uint32_t thread, bool may_be_stale)
{
	struct hw_checker *checker = &paths->program->checker;
	struct hw_typing *typing = paths->typer->typing;
	uint32_t type = hw_type_strip(paths->program->types, variable->type);
	enum hw_check_result result;
	struct hw_error *error;

	checker->pointee_count = 0;
	checker->collects = true;
	result = hw_check_object(checker, type, bytes, size, 0);
	checker->collects = false;
	if (!checker->pointee_count || (may_be_stale && result == HW_CHECK_REFUSED) ||
		typing->source_count >= HW_TYPE_FROM_ROOT)
		return checker->failed ? hw_error_no_memory() : NULL;
	error = add_source(typing, name, variable->address, variable->type, thread);
	if (error)
		return error;
	return hw_paths_claim(paths, HW_TYPE_FROM_ROOT | (typing->source_count - 1)) ? NULL
										     : hw_error_no_memory();
}

static uint64_t size_of(const struct hw_paths *paths, const struct hw_variable *variable)
{
	return hw_min(paths->program->types->types[variable->type].size, MOST_BYTES);
}

static struct hw_error *look_in_memory(struct hw_paths *paths, const struct hw_variable *variable,
	const char *name, uint64_t address, uint32_t thread, bool may_be_stale)
{
	uint64_t size = size_of(paths, variable);
	const uint8_t *bytes = size ? hw_window_view(&paths->program->window, address, size, NULL) : NULL;
	struct hw_variable here = *variable;

	here.address = address;
	return bytes ? look_at(paths, &here, name, bytes, size, thread, may_be_stale) : NULL;
}

/* ------------------------------------------------------------------------------------- thread-local storage
 */

/* Which of the dynamic thread vector's blocks are a module's: ld.so wrote the number into its GOT. */
struct block_number {
	const struct hw_snapshot *snapshot;
	uint64_t number; /* 0: not found */
};

static bool note_number(const struct hw_relocation *relocation, void *argument)
{
	struct block_number *found = argument;
	unsigned machine = found->snapshot->machine;
	bool is_number = (machine == EM_X86_64 && relocation->type == R_X86_64_DTPMOD64) ||
			 (machine == EM_386 && relocation->type == R_386_TLS_DTPMOD32) ||
			 (machine == EM_AARCH64 && relocation->type == R_AARCH64_TLS_DTPMOD);

	if (!is_number || *relocation->name)
		return true;
	hw_error_destroy(hw_image_read_word(found->snapshot->image, relocation->slot, &found->number));
	return false;
}

/* The executable has the first block if it has any. */
static uint64_t block_number(const struct hw_snapshot *snapshot, const struct hw_module *module)
{
	struct block_number found = { .snapshot = snapshot };

	if (module->is_executable)
		return 1;
	hw_module_each_relocation(snapshot, module, note_number, &found);
	return found.number;
}

/* Where a thread has the block; 0: it has none (yet). */
static uint64_t find_block(
	const struct hw_snapshot *snapshot, const struct hw_thread_block *thread, uint64_t number)
{
	unsigned word_size = snapshot->word_size;
	uint64_t vector = 0, block = 0, count = 0;

	hw_error_destroy(hw_image_read_word(snapshot->image, thread->dtv, &vector));
	if (!vector)
		return 0;
	hw_error_destroy(hw_image_read_word(snapshot->image, vector - 2 * word_size, &count));
	if (!number || number > count)
		return 0;
	hw_error_destroy(hw_image_read_word(snapshot->image, vector + number * 2 * word_size, &block));
	return block + 1 ? block : 0; /* -1: not allocated */
}

static struct hw_error *look_in_thread(struct hw_paths *paths, uint32_t thread,
	const struct hw_variable *variables, size_t count, uint64_t number)
{
	const struct hw_snapshot *snapshot = paths->typer->heap->snapshot;
	struct hw_thread_block block;
	uint64_t start;
	struct hw_error *error = NULL;

	if (!hw_thread_block_read(snapshot, snapshot->threads[thread].thread_pointer, &block))
		return NULL;
	start = find_block(snapshot, &block, number);
	for (size_t i = 0; start && !error && i < count; i++)
		error = look_in_memory(
			paths, &variables[i], variables[i].name, start + variables[i].address, thread, false);
	return error;
}

/* The thread-local variables of one module, in all threads. */
static struct hw_error *look_in_threads(
	struct hw_paths *paths, const struct hw_variable *variables, size_t count)
{
	const struct hw_snapshot *snapshot = paths->typer->heap->snapshot;
	uint64_t number = block_number(snapshot, &snapshot->modules[variables->module]);
	struct hw_error *error = NULL;

	for (uint32_t i = 0; number && !error && i < snapshot->thread_count; i++)
		error = look_in_thread(paths, i, variables, count, number);
	return error;
}

/* malloc's own variables point to chunk headers, and to what is free. */
static bool is_of_malloc(const struct hw_heap *heap, uint64_t address)
{
	for (uint32_t i = 0; i < heap->libc_count; i++) {
		if (address == heap->libcs[i].main_arena || address == heap->libcs[i].malloc_par)
			return true;
	}
	return false;
}

/* Constants point to no chunk. */
static bool may_lead_somewhere(const struct hw_heap *heap, uint64_t address)
{
	const struct hw_map *map = hw_snapshot_map_at(heap->snapshot, address);

	return !is_of_malloc(heap, address) && map && (!map->prot || map->prot & HW_MAP_WRITE);
}

struct hw_error *hw_paths_start_globals(struct hw_paths *paths)
{
	const struct hw_types *types = paths->program->types;
	struct hw_error *error = NULL;
	uint32_t i = 0;

	for (; !error && i < types->variable_count && types->variables[i].place == HW_VARIABLE_MEMORY; i++) {
		const struct hw_variable *variable = &types->variables[i];

		if (may_lead_somewhere(paths->typer->heap, variable->address))
			error = look_in_memory(
				paths, variable, variable->name, variable->address, UINT32_MAX, false);
	}
	while (!error && i < types->variable_count) {
		uint32_t first = i;

		while (i < types->variable_count &&
			types->variables[i].module == types->variables[first].module)
			i++;
		error = look_in_threads(paths, &types->variables[first], i - first);
	}
	return error;
}

/* ----------------------------------------------------------------------------------------- local variables
 */

struct collection {
	struct hw_locals *locals;
	uint32_t thread;
	bool failed;
};

static bool collect_local(const struct hw_variable *variable, const char *function, void *argument)
{
	struct collection *collection = argument;
	struct hw_locals *locals = collection->locals;
	struct hw_local *slot;

	if (variable->place != HW_VARIABLE_MEMORY && variable->place != HW_VARIABLE_VALUE)
		return true;
	slot = hw_array_next(locals->locals, locals->count, locals->capacity);
	if (slot)
		*slot = (struct hw_local){ .variable = *variable,
			.function = strdup(function ? function : "?"),
			.thread = collection->thread };
	if (!slot || !slot->function) {
		collection->failed = true;
		return false;
	}
	locals->count++;
	return true;
}

struct hw_error *hw_locals_collect(struct hw_typer *typer, struct hw_locals *locals)
{
	const struct hw_debug_types *debug = typer->options->debug;
	struct collection collection = { .locals = locals };

	for (uint32_t i = 0; debug->each_local && i < typer->heap->snapshot->thread_count; i++) {
		collection.thread = i;
		/* A thread whose stack cannot be followed has no locals. */
		hw_error_destroy(debug->each_local(debug->argument, i, collect_local, &collection));
		if (collection.failed)
			return hw_error_no_memory();
	}
	return NULL;
}

void hw_locals_deinit(struct hw_locals *locals)
{
	for (size_t i = 0; i < locals->count; i++)
		free(locals->locals[i].function);
	free(locals->locals);
	*locals = (struct hw_locals){ 0 };
}

/* A register holds it: as it would lie in memory. */
static struct hw_error *look_in_register(
	struct hw_paths *paths, const struct hw_local *local, const char *name)
{
	const struct hw_image *image = paths->typer->heap->snapshot->image;
	uint64_t size = size_of(paths, &local->variable);
	struct hw_variable here = local->variable;
	uint8_t bytes[8];

	if (!size || size > image->word_size)
		return NULL;
	for (unsigned i = 0; i < size; i++)
		bytes[i] = (uint8_t)(here.value >> 8 * (image->big_endian ? size - 1 - i : i));
	here.address = 0;
	return look_at(paths, &here, name, bytes, size, local->thread, true);
}

struct hw_error *hw_paths_start_locals(struct hw_paths *paths, const struct hw_locals *locals)
{
	struct hw_error *error = NULL;

	for (size_t i = 0; !error && i < locals->count; i++) {
		const struct hw_local *local = &locals->locals[i];
		hw_autofree char *name = NULL;

		if (asprintf(&name, "%s: local `%s`", local->function, local->variable.name) < 0)
			return hw_error_no_memory();
		if (local->variable.place == HW_VARIABLE_VALUE)
			error = look_in_register(paths, local, name);
		else
			error = look_in_memory(
				paths, &local->variable, name, local->variable.address, local->thread, true);
	}
	return error;
}
