/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opens a core and prints what it holds as one JSON object, for the tests of inspector/.
 *
 *	cores [-e EXECUTABLE] [-s SYSROOT] CORE [ADDRESS LENGTH]...
 *
 * Each ADDRESS LENGTH pair (decimal) is read from the image and printed in hexadecimal digits, as far as it
 * can be read.
 */
#include "tests/tools/snapshot_json.h"

static void print_threads(const struct hw_snapshot *snapshot)
{
	printf(",\"threads\":[");
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		const struct hw_thread *thread = &snapshot->threads[i];

		printf("%s{\"tid\":%d,\"registers\":%d,\"pc\":%" PRIu64 ",\"sp\":%" PRIu64 ",\"tp\":%" PRIu64
		       ",\"general\":%zu,\"vector\":%zu}",
			i ? "," : "", (int)thread->tid, thread->has_registers, thread->pc, thread->sp,
			thread->thread_pointer, thread->general.size, thread->vector.size);
	}
	printf("]");
}

static void print_maps(const struct hw_snapshot *snapshot)
{
	printf(",\"maps\":[");
	for (size_t i = 0; i < snapshot->map_count; i++) {
		const struct hw_map *map = &snapshot->maps[i];

		printf("%s{\"start\":%" PRIu64 ",\"end\":%" PRIu64 ",\"prot\":%u,\"offset\":%" PRIu64
		       ",\"deleted\":%d",
			i ? "," : "", map->start, map->end, map->prot, map->offset, map->deleted);
		print_member(",\"path\":", map->path);
		printf("}");
	}
	printf("]");
}

static bool count_symbol(const struct hw_dynamic_symbol *symbol, void *argument)
{
	*(size_t *)argument += symbol->defined;
	return true;
}

static void print_modules(const struct hw_snapshot *snapshot)
{
	printf(",\"modules\":[");
	for (size_t i = 0; i < snapshot->module_count; i++) {
		const struct hw_module *module = &snapshot->modules[i];
		size_t symbols = 0;

		hw_module_each_symbol(snapshot, module, count_symbol, &symbols);
		printf("%s{\"start\":%" PRIu64 ",\"bias\":%" PRIu64
		       ",\"executable\":%d,\"headers\":%d,\"symbols\":%zu,\"build_id\":\"",
			i ? "," : "", module->start, module->bias, module->is_executable, module->has_headers,
			symbols);
		for (size_t j = 0; j < module->build_id_size; j++)
			printf("%02x", module->build_id[j]);
		printf("\"");
		print_member(",\"path\":", module->path);
		printf("}");
	}
	printf("]");
}

static void print_warnings(const struct hw_snapshot *snapshot)
{
	printf(",\"warnings\":[");
	for (size_t i = 0; i < snapshot->warning_count; i++) {
		printf("%s{", i ? "," : "");
		print_member("\"text\":", snapshot->warnings[i].text);
		printf("}");
	}
	printf("]");
}

static void print_snapshot(const struct hw_snapshot *snapshot, char **pairs, int count)
{
	printf("{\"pid\":%d,\"uid\":%u,\"signal\":%d,\"machine\":%u", (int)snapshot->process.pid,
		(unsigned)snapshot->process.uid, snapshot->terminating_signal, snapshot->machine);
	print_member(",\"executable\":", snapshot->process.executable);
	print_member(",\"command_line\":", snapshot->process.command_line);
	print_threads(snapshot);
	print_maps(snapshot);
	print_modules(snapshot);
	print_warnings(snapshot);
	print_pairs(snapshot, pairs, count, 10);
}

int main(int argc, char **argv)
{
	struct hw_core_options options = { 0 };
	struct hw_snapshot *snapshot;
	struct hw_error *error;
	int option;

	while ((option = getopt(argc, argv, "e:s:")) != -1) {
		if (option == 'e')
			options.executable = optarg;
		else if (option == 's')
			options.sysroot = optarg;
		else
			return 2;
	}
	if (optind == argc) {
		fprintf(stderr, "usage: cores [-e EXECUTABLE] [-s SYSROOT] CORE [ADDRESS LENGTH]...\n");
		return 2;
	}
	error = hw_snapshot_open_core(argv[optind], &options, &snapshot);
	if (error)
		return print_error(error);
	print_snapshot(snapshot, argv + optind + 1, argc - optind - 1);
	hw_snapshot_destroy(snapshot);
	return 0;
}
