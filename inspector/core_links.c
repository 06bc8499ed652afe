/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A core without NT_FILE (qemu's user mode, kernels before 3.7, more names than the kernel writes): which
 * files were mapped where is then taken from ld.so's own list, as far as the files can be opened. Whether
 * they are the right ones is asked later, as for names from NT_FILE.
 */
#include <errno.h>
#include <fcntl.h>

#include "inspector/core.h"

/* More loaded objects than any process has; also ends a list that bites its tail. */
#define LINKS_MAX 8192

#define PATH_LIMIT 4096

/* Adds what the file's PT_LOADs say is mapped, `path` becoming the core's. */
static struct hw_error *add_mappings(
	struct hw_core *core, const struct hw_elf *elf, uint64_t bias, const char *path)
{
	uint64_t page = core->snapshot->page_size;

	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct hw_elf_segment *segment = &elf->segments[i];
		struct hw_core_file *file;

		if (segment->type != PT_LOAD || !segment->file_size || segment->file_size > UINT32_MAX)
			continue;
		file = hw_array_next(core->files, core->file_count, core->file_capacity);
		if (!file)
			return hw_error_no_memory();
		file->start = hw_round_down(segment->address + bias, page);
		file->end = hw_round_up(segment->address + bias + segment->file_size, page);
		file->offset = hw_round_down(segment->file_offset, page);
		file->path = path;
		core->file_count += file->end > file->start;
	}
	return NULL;
}

/* Opens and reads an ELF file. False, and nothing to undo, when it cannot be. */
static bool read_object(const struct hw_core *core, const char *path, bool ours, struct hw_elf *elf)
{
	hw_autoclose int fd = -1;
	struct hw_error *error = NULL;

	if (ours)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	else
		error = hw_snapshot_open_file(core->snapshot, path, &fd);
	if (!error && fd >= 0)
		error = hw_elf_read_file(fd, elf);
	if (error || fd < 0) {
		hw_error_destroy(error);
		return false;
	}
	return true;
}

/* Run-time address minus ELF address of the executable, known from where its program headers are. */
static bool executable_bias(const struct hw_core *core, const struct hw_elf *elf, uint64_t *bias)
{
	uint64_t headers = core->snapshot->holding->auxv.program_headers;

	for (size_t i = 0; i < elf->segment_count && headers; i++) {
		const struct hw_elf_segment *segment = &elf->segments[i];
		uint64_t skip = elf->header.program_headers - segment->file_offset;

		if (segment->type != PT_LOAD || skip >= segment->file_size)
			continue;
		*bias = headers - skip - segment->address;
		return true;
	}
	return false;
}

/* The word at `address` of the image, 0 if it is not there. */
static uint64_t word_at(const struct hw_core *core, uint64_t address)
{
	uint64_t word = 0;

	hw_error_destroy(hw_image_read_word(core->snapshot->image, address, &word));
	return word;
}

/* The head of ld.so's list: the executable's DT_DEBUG points to struct r_debug, whose second word it is. */
static uint64_t first_link(const struct hw_core *core, const struct hw_elf *executable, uint64_t bias)
{
	unsigned word = core->header.layout.word_size;
	uint64_t address = 0, end = 0;

	for (size_t i = 0; i < executable->segment_count; i++) {
		if (executable->segments[i].type == PT_DYNAMIC) {
			address = executable->segments[i].address + bias;
			end = address + hw_min(executable->segments[i].size, (uint64_t)1 << 16);
		}
	}
	for (; address < end; address += 2 * word) {
		if (word_at(core, address) == DT_DEBUG)
			return word_at(core, word_at(core, address + word) + word);
	}
	return 0;
}

/* One struct link_map: bias, name, dynamic section, next. */
static struct hw_error *add_link(struct hw_core *core, uint64_t link)
{
	unsigned word = core->header.layout.word_size;
	uint64_t bias = word_at(core, link);
	hw_autofree char *path = NULL;
	struct hw_elf elf = { 0 };
	struct hw_error *error =
		hw_image_read_string(core->snapshot->image, word_at(core, link + word), PATH_LIMIT, &path);

	/* The executable's name is empty, the vdso's is no path. */
	if (error || path[0] != '/' || !read_object(core, path, false, &elf)) {
		hw_error_destroy(error);
		return NULL;
	}
	error = add_mappings(core, &elf, bias, path);
	hw_elf_deinit(&elf);
	if (error)
		return error;
	return hw_core_keep(core, (uint8_t *)hw_take(&path));
}

static struct hw_error *add_links(struct hw_core *core, uint64_t link)
{
	unsigned word = core->header.layout.word_size;

	for (size_t i = 0; link && i < LINKS_MAX; i++, link = word_at(core, link + 3 * word)) {
		struct hw_error *error = add_link(core, link);

		if (error)
			return error;
	}
	return NULL;
}

/* The executable's path: what the user says, else what was executed (AT_EXECFN). */
static char *executable_path(const struct hw_core *core, bool *ours)
{
	const struct hw_holding *holding = core->snapshot->holding;
	char *path = NULL;

	*ours = holding->executable_file != NULL;
	if (*ours)
		return strdup(holding->executable_file);
	hw_error_destroy(
		hw_image_read_string(core->snapshot->image, holding->auxv.file_name, PATH_LIMIT, &path));
	return path;
}

struct hw_error *hw_core_read_links(struct hw_core *core)
{
	bool ours;
	hw_autofree char *path = executable_path(core, &ours);
	struct hw_elf elf = { 0 };
	struct hw_error *error = NULL;
	uint64_t bias;

	if (core->has_file_note || !path || !read_object(core, path, ours, &elf))
		return NULL;
	if (executable_bias(core, &elf, &bias)) {
		error = add_mappings(core, &elf, bias, path);
		if (!error)
			error = add_links(core, first_link(core, &elf, bias));
		if (!error)
			error = hw_core_keep(core, (uint8_t *)hw_take(&path));
	}
	hw_elf_deinit(&elf);
	return error;
}
