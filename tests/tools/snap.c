/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Takes a snapshot of a process and prints what it holds as one JSON object, for the tests of inspector/.
 *
 *	snap [-b TIMES] preview|auto|fork|hold PID [ADDRESS LENGTH]...
 *
 * With -b the first TIMES stops find the target busy, as if it were in the middle of malloc.
 * Each ADDRESS LENGTH pair (hexadecimal, decimal) is read from the image and printed in hexadecimal digits.
 */
#include "tests/tools/snapshot_json.h"

static void print_threads(const struct hw_snapshot *snapshot)
{
	printf(",\"threads\":[");
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		const struct hw_thread *thread = &snapshot->threads[i];

		printf("%s{\"tid\":%d,\"name\":", i ? "," : "", (int)thread->tid);
		print_text(thread->name);
		printf(",\"state\":\"%c\",\"registers\":%d,\"syscall\":%d,\"pc\":%" PRIu64 ",\"sp\":%" PRIu64
		       ",\"tp\":%" PRIu64 ",\"general\":%zu,\"vector\":%zu}",
			thread->state, thread->has_registers, thread->in_system_call, thread->pc, thread->sp,
			thread->thread_pointer, thread->general.size, thread->vector.size);
	}
	printf("]");
}

static void print_snapshot(const struct hw_snapshot *snapshot, char **pairs, int count)
{
	static const char *const methods[] = { "auto", "fork", "hold" };

	printf("{\"pid\":%d,\"executable\":", (int)snapshot->process.pid);
	print_text(snapshot->process.executable);
	printf(",\"command_line\":");
	print_text(snapshot->process.command_line);
	printf(",\"machine\":%u,\"word_size\":%u,\"sysroot\":", snapshot->machine, snapshot->word_size);
	print_text(snapshot->sysroot);
	printf(",\"method\":\"%s\",\"reason\":", methods[snapshot->freeze.method]);
	print_text(snapshot->freeze.reason ? snapshot->freeze.reason : "");
	printf(",\"pause_us\":%" PRIu64 ",\"total_pause_us\":%" PRIu64 ",\"attempts\":%u,\"still_busy\":%d",
		snapshot->freeze.pause_us, snapshot->freeze.total_pause_us, snapshot->freeze.attempts,
		snapshot->freeze.still_busy);
	printf(",\"maps\":%zu,\"modules\":%zu,\"segments\":%zu,\"warnings\":[", snapshot->map_count,
		snapshot->module_count, snapshot->image->segment_count);
	for (size_t i = 0; i < snapshot->warning_count; i++) {
		printf("%s", i ? "," : "");
		print_text(snapshot->warnings[i].text);
	}
	printf("]");
	print_threads(snapshot);
	print_pairs(snapshot, pairs, count, 16);
}

/* Also makes sure that a stopped process can be read as promised. */
static bool is_busy(const struct hw_snapshot *stopped, void *argument)
{
	unsigned *times = argument;
	uint8_t byte;

	for (size_t i = 0; i < stopped->thread_count; i++) {
		const struct hw_thread *thread = &stopped->threads[i];

		if (thread->has_registers && hw_image_read_some(stopped->image, thread->sp, &byte, 1) != 1)
			abort();
	}
	return *times > 0 && (*times)-- > 0;
}

int main(int argc, char **argv)
{
	unsigned busy = 0;
	struct hw_attach_options options = { .is_busy = is_busy, .argument = &busy, .want_usage = true };
	struct hw_snapshot *snapshot;
	struct hw_error *error;
	pid_t pid;

	if (argc > 2 && strcmp(argv[1], "-b") == 0) {
		busy = (unsigned)atoi(argv[2]);
		argv += 2;
		argc -= 2;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: snap [-b TIMES] preview|auto|fork|hold PID [ADDRESS LENGTH]...\n");
		return 2;
	}
	pid = atoi(argv[2]);
	if (strcmp(argv[1], "fork") == 0)
		options.method = HW_FREEZE_FORK;
	else if (strcmp(argv[1], "hold") == 0)
		options.method = HW_FREEZE_HOLD;
	if (strcmp(argv[1], "preview") == 0)
		error = hw_snapshot_preview(pid, &snapshot);
	else
		error = hw_snapshot_attach(pid, &options, &snapshot);
	if (error)
		return print_error(error);
	print_snapshot(snapshot, argv + 3, argc - 3);
	hw_snapshot_destroy(snapshot);
	return 0;
}
