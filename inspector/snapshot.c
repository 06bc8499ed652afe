/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The snapshot object: made, filled, asked, let go. How it is filled stands in attach.c and core.c. */
#include <sys/mman.h>

#include "inspector/agent.h"
#include "inspector/holding.h"

struct hw_error *hw_snapshot_create(enum hw_source source, struct hw_snapshot **snapshot)
{
	struct hw_snapshot *made = calloc(1, sizeof(*made));

	if (!made)
		return hw_error_no_memory();
	made->source = source;
	made->page_size = 4096;
	made->holding = calloc(1, sizeof(*made->holding));
	made->sysroot = strdup("");
	made->process.executable = strdup("");
	made->process.command_line = strdup("");
	if (!made->holding || !made->sysroot || !made->process.executable || !made->process.command_line) {
		hw_snapshot_destroy(made);
		return hw_error_no_memory();
	}
	*snapshot = made;
	return NULL;
}

static void holding_release(struct hw_holding *holding)
{
	hw_agent_end(holding->agent);
	holding->agent = NULL;
	holding->witness = 0;
	for (size_t i = 0; i < holding->fd_count; i++)
		close(holding->fds[i]);
	for (size_t i = 0; i < holding->memory_count; i++) {
		if (holding->memory[i].size)
			munmap(holding->memory[i].memory, holding->memory[i].size);
		else
			free(holding->memory[i].memory);
	}
	holding->fd_count = holding->memory_count = 0;
}

struct hw_error *hw_snapshot_check_memory(const struct hw_snapshot *snapshot)
{
	const struct hw_holding *holding = snapshot->holding;
	uint8_t byte;

	if (!holding->witness || pread(holding->copy, &byte, 1, (off_t)holding->witness) == 1)
		return NULL;
	return hw_error_remedy(hw_error_create(HW_ERROR_GONE, "the snapshot was killed while it was read"),
		"The process itself goes on. Is memory short? --freeze hold needs no snapshot process.");
}

void hw_snapshot_release_memory(struct hw_snapshot *snapshot)
{
	if (snapshot->image)
		snapshot->image->segment_count = 0;
	holding_release(snapshot->holding);
}

static void arrays_destroy(struct hw_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->map_count; i++)
		free(snapshot->maps[i].path);
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		free(snapshot->threads[i].general.bytes);
		free(snapshot->threads[i].vector.bytes);
	}
	for (size_t i = 0; i < snapshot->module_count; i++) {
		free(snapshot->modules[i].path);
		free(snapshot->modules[i].segments);
	}
	for (size_t i = 0; i < snapshot->warning_count; i++)
		free(snapshot->warnings[i].text);
	free(snapshot->maps);
	free(snapshot->kernel_words);
	free(snapshot->threads);
	free(snapshot->modules);
	free(snapshot->warnings);
}

void hw_snapshot_destroy(struct hw_snapshot *snapshot)
{
	if (!snapshot)
		return;
	if (snapshot->holding) {
		holding_release(snapshot->holding);
		free(snapshot->holding->fds);
		free(snapshot->holding->memory);
		free(snapshot->holding->executable_file);
		free(snapshot->holding);
	}
	hw_image_destroy(snapshot->image);
	arrays_destroy(snapshot);
	free(snapshot->freeze.reason);
	free(snapshot->process.executable);
	free(snapshot->process.command_line);
	free(snapshot->core_path);
	free(snapshot->sysroot);
	free(snapshot);
}

struct hw_error *hw_holding_add_fd(struct hw_holding *holding, int fd)
{
	int *slot = hw_array_next(holding->fds, holding->fd_count, holding->fd_capacity);

	if (!slot) {
		close(fd);
		return hw_error_no_memory();
	}
	*slot = fd;
	holding->fd_count++;
	return NULL;
}

static struct hw_error *add_memory(struct hw_holding *holding, void *memory, size_t size)
{
	struct hw_held_memory *slot =
		hw_array_next(holding->memory, holding->memory_count, holding->memory_capacity);

	if (!slot) {
		if (size)
			munmap(memory, size);
		else
			free(memory);
		return hw_error_no_memory();
	}
	*slot = (struct hw_held_memory){ .memory = memory, .size = size };
	holding->memory_count++;
	return NULL;
}

struct hw_error *hw_holding_add_mapping(struct hw_holding *holding, void *memory, size_t size)
{
	return add_memory(holding, memory, size);
}

struct hw_error *hw_holding_add_buffer(struct hw_holding *holding, void *memory)
{
	return add_memory(holding, memory, 0);
}

/* One element more in an array that doubles at powers of two, so that no capacity need be kept beside it. */
static void *append_zeroed(void *array, size_t *count, size_t size)
{
	size_t capacity = *count && (*count & (*count - 1)) == 0 ? *count : 0;
	void *base;

	memcpy(&base, array, sizeof(base));
	if (!*count || capacity) {
		void *moved = reallocarray(base, *count ? *count * 2 : 1, size);

		if (!moved)
			return NULL;
		base = moved;
		memcpy(array, &base, sizeof(base));
	}
	return memset((char *)base + (*count)++ * size, 0, size);
}

struct hw_error *hw_snapshot_warn(struct hw_snapshot *snapshot, const char *format, ...)
{
	struct hw_warning *warning;
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return hw_error_no_memory();
	warning = append_zeroed(&snapshot->warnings, &snapshot->warning_count, sizeof(*warning));
	if (!warning) {
		free(text);
		return hw_error_no_memory();
	}
	warning->text = text;
	return NULL;
}

struct hw_map *hw_snapshot_add_map(struct hw_snapshot *snapshot)
{
	return append_zeroed(&snapshot->maps, &snapshot->map_count, sizeof(*snapshot->maps));
}

struct hw_thread *hw_snapshot_add_thread(struct hw_snapshot *snapshot)
{
	return append_zeroed(&snapshot->threads, &snapshot->thread_count, sizeof(*snapshot->threads));
}

struct hw_module *hw_snapshot_add_module(struct hw_snapshot *snapshot)
{
	return append_zeroed(&snapshot->modules, &snapshot->module_count, sizeof(*snapshot->modules));
}

const struct hw_map *hw_snapshot_map_at(const struct hw_snapshot *snapshot, uint64_t address)
{
	size_t low = 0, high = snapshot->map_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (snapshot->maps[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == snapshot->map_count || snapshot->maps[low].start > address)
		return NULL;
	return &snapshot->maps[low];
}

static bool module_holds(const struct hw_module *module, uint64_t address)
{
	if (address < module->start || address >= module->end)
		return false;
	for (size_t i = 0; i < module->segment_count; i++) {
		const struct hw_elf_segment *segment = &module->segments[i];

		if (segment->type == 1 /* PT_LOAD */ && address - segment->address < segment->size)
			return true;
	}
	return !module->segment_count;
}

const struct hw_module *hw_snapshot_module_at(const struct hw_snapshot *snapshot, uint64_t address)
{
	for (size_t i = 0; i < snapshot->module_count; i++) {
		if (module_holds(&snapshot->modules[i], address))
			return &snapshot->modules[i];
	}
	return NULL;
}
