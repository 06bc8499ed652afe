/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The catalogue of types, and the variables of all frames. */
#include "heapwalk/cli/debug_types.h"

/* One call of each_local(): whom to tell, and in which function we are. */
struct visit {
	bool (*each)(const struct hw_variable *variable, const char *function, void *argument);
	void *argument;
	const char *function;
	bool stopped;
};

static struct hw_error *catalogue(void *argument, const struct hw_types **types)
{
	return hw_unwinder_types(argument, types);
}

static bool pass_on(const struct hw_variable *variable, void *argument)
{
	struct visit *visit = argument;

	visit->stopped = !visit->each(variable, visit->function, visit->argument);
	return !visit->stopped;
}

static struct hw_error *visit_frames(
	struct hw_unwinder *unwinder, const struct hw_stack *stack, struct visit *visit)
{
	struct hw_error *error = NULL;

	for (size_t i = 0; i < stack->frame_count && !error && !visit->stopped; i++) {
		struct hw_symbol symbol;
		bool is_known = hw_unwinder_symbol(unwinder, hw_frame_lookup(&stack->frames[i]), &symbol);

		visit->function = is_known ? symbol.name : NULL;
		error = hw_unwinder_each_local(unwinder, stack, i, pass_on, visit);
	}
	return error;
}

static struct hw_error *each_local(void *argument, uint32_t thread,
	bool (*each)(const struct hw_variable *variable, const char *function, void *argument),
	void *each_argument)
{
	struct visit visit = { .each = each, .argument = each_argument };
	struct hw_stack stack;
	struct hw_error *error = hw_unwinder_stack(argument, thread, 0, &stack);

	if (error)
		return error;
	error = visit_frames(argument, &stack, &visit);
	hw_stack_deinit(&stack);
	return error;
}

static bool is_system(void *argument, uint32_t type)
{
	static const char *const places[] = { "/usr/include/", "/usr/lib/", "/usr/local/include/" };
	struct hw_source_line line;

	if (!hw_unwinder_type_line(argument, type, &line))
		return false;
	for (size_t i = 0; i < hw_array_size(places); i++) {
		if (!strncmp(line.file, places[i], strlen(places[i])))
			return true;
	}
	return false;
}

struct hw_debug_types hw_debug_types_from(struct hw_unwinder *unwinder)
{
	return (struct hw_debug_types){
		.argument = unwinder,
		.catalogue = catalogue,
		.each_local = each_local,
		.is_system = is_system,
	};
}
