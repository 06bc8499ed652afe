/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints the types and global variables of a core or a running process, tab-separated:
 *
 *	types [-d DEBUGDIR] PID|CORE
 */
#include <inttypes.h>

#include "unwind/unwinder.h"

static void print_members(const struct hw_types *types, const struct hw_type *type)
{
	char name[512];

	for (uint32_t i = 0; i < type->member_count; i++) {
		const struct hw_type_member *member = &types->members[type->first_member + i];

		printf("member\t%s\t%" PRIu64 "\t%" PRIu64 "\t%s\t%s\n", member->name, member->offset,
			types->types[member->type].size,
			hw_type_name(types, member->type, name, sizeof(name)),
			member->is_virtual_base ? "virtual"
			: member->is_base       ? "base"
						: "");
	}
}

static void print_types(const struct hw_types *types)
{
	char name[512];

	for (uint32_t i = 1; i < types->type_count; i++) {
		const struct hw_type *type = &types->types[i];

		if (type->kind != HW_TYPE_STRUCT && type->kind != HW_TYPE_UNION)
			continue;
		printf("struct\t%" PRIu32 "\t%s\t%" PRIu64 "\t%s\n", i,
			hw_type_name(types, i, name, sizeof(name)), type->size,
			type->is_incomplete ? "incomplete" : "");
		print_members(types, type);
	}
	for (uint32_t i = 0; i < types->variable_count; i++) {
		const struct hw_variable *variable = &types->variables[i];

		printf("%s\t%s\t%#" PRIx64 "\t%" PRIu64 "\t%" PRIu32 "\t%s\n",
			variable->place == HW_VARIABLE_MEMORY ? "variable" : "thread-local", variable->name,
			variable->address, types->types[variable->type].size,
			hw_type_strip(types, variable->type),
			hw_type_name(types, variable->type, name, sizeof(name)));
	}
}

static struct hw_error *print_all(
	const struct hw_snapshot *snapshot, const struct hw_unwinder_options *options)
{
	const struct hw_types *types;
	struct hw_unwinder *unwinder;
	struct hw_error *error = hw_unwinder_create(snapshot, options, &unwinder);

	if (error)
		return error;
	error = hw_unwinder_types(unwinder, &types);
	if (!error)
		print_types(types);
	hw_unwinder_destroy(unwinder);
	return error;
}

int main(int argc, char **argv)
{
	bool has_directory = argc == 4 && !strcmp(argv[1], "-d");
	struct hw_unwinder_options options = { .debug_directory = has_directory ? argv[2] : NULL };
	const char *target = argc > 1 ? argv[argc - 1] : "";
	char *end;
	long pid = strtol(target, &end, 10);
	struct hw_snapshot *snapshot;
	struct hw_error *error;

	if (*end)
		error = hw_snapshot_open_core(target, NULL, &snapshot);
	else
		error = hw_snapshot_preview((pid_t)pid, &snapshot);
	if (!error) {
		error = print_all(snapshot, &options);
		hw_snapshot_destroy(snapshot);
	}
	if (!error)
		return 0;
	fprintf(stderr, "%s\n", error->message);
	hw_error_destroy(error);
	return 1;
}
