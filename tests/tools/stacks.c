/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints every thread's stack as JSON, by the method asked for:
 *
 *	stacks [-m auto|libunwind|libdw] [-l LIMIT] [-s SYSROOT] [-e EXE] PID|CORE
 */
#include <getopt.h>

#include "unwind/unwinder.h"

struct arguments {
	struct hw_unwinder_options unwind;
	struct hw_core_options core;
	size_t limit;
	const char *target;
};

static int fail(struct hw_error *error)
{
	fprintf(stderr, "%s%s%s\n", error->message, error->remedy ? "; " : "",
		error->remedy ? error->remedy : "");
	hw_error_destroy(error);
	return 1;
}

static void print_string(const char *name, const char *value)
{
	printf(",\"%s\":", name);
	if (!value) {
		printf("null");
		return;
	}
	putchar('"');
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putchar('\\');
		if ((unsigned char)*value >= ' ')
			putchar(*value);
	}
	putchar('"');
}

static void print_frame(struct hw_unwinder *unwinder, const struct hw_frame *frame)
{
	uint64_t address = hw_frame_lookup(frame);
	struct hw_symbol symbol = { 0 };
	struct hw_source_line line = { 0 };

	hw_unwinder_symbol(unwinder, address, &symbol);
	hw_unwinder_line(unwinder, address, &line);
	printf("{\"pc\":%llu,\"sp\":%llu,\"call\":%s,\"offset\":%llu,\"line\":%d",
		(unsigned long long)frame->pc, (unsigned long long)frame->sp,
		frame->is_call_site ? "true" : "false", (unsigned long long)symbol.offset, line.line);
	print_string("function", symbol.name);
	print_string("module", symbol.module);
	print_string("section", symbol.section);
	print_string("file", line.file);
	printf("}");
}

static void print_stack(
	struct hw_unwinder *unwinder, const struct hw_thread *thread, const struct hw_stack *stack)
{
	static const char *const ends[] = { "complete", "cut", "broken", "unknown" };

	printf("{\"tid\":%d,\"end\":\"%s\"", (int)thread->tid, ends[stack->end]);
	print_string("reason", stack->reason);
	printf(",\"frames\":[");
	for (size_t i = 0; i < stack->frame_count; i++) {
		printf("%s", i ? ",\n" : "\n");
		print_frame(unwinder, &stack->frames[i]);
	}
	printf("]}");
}

static struct hw_error *print_all(const struct hw_snapshot *snapshot, const struct arguments *arguments)
{
	struct hw_unwinder *unwinder;
	struct hw_error *error = hw_unwinder_create(snapshot, &arguments->unwind, &unwinder);

	if (error)
		return error;
	printf("[");
	for (size_t i = 0; !error && i < snapshot->thread_count; i++) {
		struct hw_stack stack;

		error = hw_unwinder_stack(unwinder, i, arguments->limit, &stack);
		if (error)
			break;
		printf("%s", i ? ",\n" : "");
		print_stack(unwinder, &snapshot->threads[i], &stack);
		hw_stack_deinit(&stack);
	}
	printf("]\n");
	hw_unwinder_destroy(unwinder);
	return error;
}

static bool parse(int argc, char **argv, struct arguments *arguments)
{
	static const char *const methods[] = { "auto", "libunwind", "libdw" };
	int option;

	while ((option = getopt(argc, argv, "m:l:s:e:d:")) != -1) {
		switch (option) {
		case 'm':
			for (unsigned i = 0; i < hw_array_size(methods); i++) {
				if (!strcmp(optarg, methods[i]))
					arguments->unwind.method = (enum hw_unwind_method)i;
			}
			break;
		case 'l':
			arguments->limit = strtoul(optarg, NULL, 10);
			break;
		case 's':
			arguments->core.sysroot = optarg;
			break;
		case 'e':
			arguments->core.executable = optarg;
			break;
		case 'd':
			arguments->unwind.debug_directory = optarg;
			break;
		default:
			return false;
		}
	}
	arguments->target = argv[optind];
	return optind + 1 == argc;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct hw_snapshot *snapshot;
	struct hw_error *error;
	char *end;
	long pid;

	if (!parse(argc, argv, &arguments)) {
		fprintf(stderr,
			"usage: %s [-m METHOD] [-l LIMIT] [-d DEBUGDIR] [-s SYSROOT] [-e EXE] PID|CORE\n",
			argv[0]);
		return 2;
	}
	pid = strtol(arguments.target, &end, 10);
	if (*end)
		error = hw_snapshot_open_core(arguments.target, &arguments.core, &snapshot);
	else
		error = hw_snapshot_attach((pid_t)pid, NULL, &snapshot);
	if (error)
		return fail(error);
	error = print_all(snapshot, &arguments);
	hw_snapshot_destroy(snapshot);
	return error ? fail(error) : 0;
}
