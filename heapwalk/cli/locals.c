/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words on stacks, by function and variable. */
#include "heapwalk/cli/locals.h"

/* The variables of one frame that lie in memory. */
struct frame {
	bool has_read;
	struct hw_variable *variables;
	size_t count;
	size_t capacity;
};

struct thread {
	bool has_stack; /* somebody asked */
	struct hw_stack stack;
	struct frame *frames; /* stack.frame_count of them; NULL: none */
};

struct hw_stack_locals {
	const struct hw_snapshot *snapshot;
	struct hw_unwinder *unwinder;
	struct thread *threads;
};

struct hw_error *hw_stack_locals_create(
	const struct hw_snapshot *snapshot, struct hw_unwinder *unwinder, struct hw_stack_locals **locals)
{
	struct hw_stack_locals *made = calloc(1, sizeof(*made));

	if (!made)
		return hw_error_no_memory();
	made->snapshot = snapshot;
	made->unwinder = unwinder;
	made->threads = calloc(hw_max(snapshot->thread_count, 1u), sizeof(*made->threads));
	if (!made->threads) {
		free(made);
		return hw_error_no_memory();
	}
	*locals = made;
	return NULL;
}

static void thread_deinit(struct thread *thread)
{
	for (size_t i = 0; thread->frames && i < thread->stack.frame_count; i++)
		free(thread->frames[i].variables);
	free(thread->frames);
	hw_stack_deinit(&thread->stack);
}

void hw_stack_locals_destroy(struct hw_stack_locals *locals)
{
	if (!locals)
		return;
	for (size_t i = 0; i < locals->snapshot->thread_count; i++)
		thread_deinit(&locals->threads[i]);
	free(locals->threads);
	free(locals);
}

/* A stack that cannot be unwound names nothing: that is no error here. */
static struct thread *thread_at(struct hw_stack_locals *locals, uint32_t index)
{
	struct thread *thread = &locals->threads[index];
	struct hw_error *error;

	if (thread->has_stack)
		return thread;
	thread->has_stack = true;
	error = hw_unwinder_stack(locals->unwinder, index, 0, &thread->stack);
	if (error) {
		hw_error_destroy(error);
		thread->stack = (struct hw_stack){ 0 };
		return thread;
	}
	thread->frames = calloc(hw_max(thread->stack.frame_count, 1u), sizeof(*thread->frames));
	return thread;
}

static bool keep_variable(const struct hw_variable *variable, void *argument)
{
	struct frame *frame = argument;
	struct hw_variable *slot;

	if (variable->place != HW_VARIABLE_MEMORY)
		return true;
	slot = hw_array_next(frame->variables, frame->count, frame->capacity);
	if (!slot)
		return false;
	*slot = *variable;
	frame->count++;
	return true;
}

/* The innermost scope's variables come first: they hide others of the same place. */
static const struct hw_variable *variable_at(
	struct hw_stack_locals *locals, struct thread *thread, size_t index, uint64_t address)
{
	struct frame *frame = &thread->frames[index];
	const struct hw_types *types = NULL;

	if (!frame->has_read) {
		frame->has_read = true;
		hw_error_destroy(hw_unwinder_each_local(
			locals->unwinder, &thread->stack, index, keep_variable, frame));
	}
	if (frame->count)
		hw_error_destroy(hw_unwinder_types(locals->unwinder, &types));
	for (size_t i = 0; types && i < frame->count; i++) {
		const struct hw_variable *variable = &frame->variables[i];

		if (address >= variable->address &&
			address - variable->address < types->types[variable->type].size)
			return variable;
	}
	return NULL;
}

bool hw_stack_locals_find(
	struct hw_stack_locals *locals, uint32_t index, uint64_t address, struct hw_named_local *found)
{
	const struct hw_variable *variable;
	struct hw_symbol symbol;
	struct thread *thread;
	ptrdiff_t frame;

	if (index >= locals->snapshot->thread_count)
		return false;
	thread = thread_at(locals, index);
	frame = thread->frames ? hw_stack_frame_at(&thread->stack, address) : -1;
	if (frame < 0 ||
		!hw_unwinder_symbol(
			locals->unwinder, hw_frame_lookup(&thread->stack.frames[frame]), &symbol) ||
		!symbol.name)
		return false;
	variable = variable_at(locals, thread, (size_t)frame, address);
	*found = (struct hw_named_local){ .function = symbol.name };
	if (variable) {
		found->name = variable->name;
		found->start = variable->address;
		found->type = variable->type;
	}
	return true;
}
