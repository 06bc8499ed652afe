/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A core's program headers, and the memory that it stores. */
#include <errno.h>

#include "inspector/core.h"

/* More mappings than any kernel allows by far (vm.max_map_count is 65,530 unless raised). */
#define SEGMENTS_MAX ((uint64_t)1 << 22)

/* Program headers that are read at once. */
#define BATCH 512

size_t hw_core_read(const struct hw_core *core, uint64_t offset, void *buffer, size_t size)
{
	size_t done = 0;

	while (done < size && offset + done < core->size) {
		ssize_t got = pread(core->fd, (uint8_t *)buffer + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

/*
 * e_phnum, or where that is too narrow (PN_XNUM) sh_info of the only section header. 0 when the latter is not
 * in the file.
 */
static uint64_t segment_count(const struct hw_core *core)
{
	const struct hw_elf_layout layout = core->header.layout;
	size_t skip = layout.word_size == 8 ? offsetof(Elf64_Shdr, sh_info) : offsetof(Elf32_Shdr, sh_info);
	uint8_t bytes[4];
	struct hw_elf_cursor cursor = { .at = bytes, .layout = layout };

	if (core->header.program_header_count != PN_XNUM)
		return core->header.program_header_count;
	if (hw_core_read(core, core->header.section_headers + skip, bytes, 4) != 4)
		return 0;
	return hw_elf_take_u32(&cursor);
}

/* Keeps a program header that matters, its stored part cut to what the file has. */
static struct hw_error *take_segment(struct hw_core *core, struct hw_elf_segment *segment)
{
	struct hw_elf_segment *slot = NULL;
	uint64_t stored = segment->file_offset < core->size ? core->size - segment->file_offset : 0;

	if (segment->type != PT_LOAD && segment->type != PT_NOTE)
		return NULL;
	if (segment->type == PT_LOAD && segment->file_size > segment->size)
		segment->file_size = segment->size;
	if (segment->file_size > stored) {
		core->cut_off += hw_min(segment->file_size - stored, UINT64_MAX - core->cut_off);
		segment->file_size = stored;
	}
	if (segment->type == PT_LOAD) {
		slot = hw_array_next(core->loads, core->load_count, core->load_capacity);
		core->load_count += slot != NULL;
	} else {
		slot = hw_array_next(core->notes, core->note_count, core->note_capacity);
		core->note_count += slot != NULL;
	}
	if (!slot)
		return hw_error_no_memory();
	*slot = *segment;
	return NULL;
}

/* Reads up to BATCH program headers from number `first`; `*got` says how many there were. */
static struct hw_error *read_batch(struct hw_core *core, uint64_t first, uint64_t count, size_t *got)
{
	size_t each = hw_elf_program_header_size(core->header.layout);
	uint8_t bytes[BATCH * sizeof(Elf64_Phdr)];
	size_t wanted = hw_min(count - first, (uint64_t)BATCH) * each;
	size_t size = hw_core_read(core, core->header.program_headers + first * each, bytes, wanted);

	*got = size / each;
	for (size_t i = 0; i < *got; i++) {
		struct hw_elf_segment segment;
		struct hw_error *error;

		hw_elf_program_header_decode(core->header.layout, bytes + i * each, &segment);
		error = take_segment(core, &segment);
		if (error)
			return error;
	}
	return NULL;
}

static int compare_start(const void *one, const void *other)
{
	const struct hw_elf_segment *a = one, *b = other;

	return (a->address > b->address) - (a->address < b->address);
}

/* Sorts the PT_LOADs, drops empty ones and those that wrap, cuts what overlaps the one before. */
static void tidy_loads(struct hw_core *core)
{
	uint64_t limit = core->machine->word_size == 4 ? (uint64_t)1 << 32 : UINT64_MAX;
	uint64_t end = 0;
	size_t kept = 0;

	if (core->load_count)
		qsort(core->loads, core->load_count, sizeof(*core->loads), compare_start);
	for (size_t i = 0; i < core->load_count; i++) {
		struct hw_elf_segment load = core->loads[i];
		uint64_t overlap = load.address < end ? end - load.address : 0;

		if (load.address >= limit || load.size > limit - load.address || load.size <= overlap)
			continue;
		load.address += overlap;
		load.size -= overlap;
		load.file_offset += hw_min(overlap, load.file_size);
		load.file_size -= hw_min(overlap, load.file_size);
		end = load.address + load.size;
		core->loads[kept++] = load;
	}
	core->load_count = kept;
}

/*
 * Only what the file holds becomes part of the image. The rest of a PT_LOAD (p_filesz < p_memsz) was not
 * dumped; it is not zero. The file is read, not mapped: a core that shrinks under us then only lacks memory.
 */
static struct hw_error *add_stored(struct hw_core *core)
{
	for (size_t i = 0; i < core->load_count; i++) {
		const struct hw_elf_segment *load = &core->loads[i];
		struct hw_error *error;

		if (!load->file_size)
			continue;
		error = hw_image_add(core->snapshot->image, &(struct hw_segment){
								    .start = load->address,
								    .end = load->address + load->file_size,
								    .file_size = load->file_size,
								    .fd = core->fd,
								    .offset = load->file_offset,
								    .fill = HW_FILL_MISSING,
							    });
		if (error)
			return error;
	}
	return NULL;
}

struct hw_error *hw_core_read_segments(struct hw_core *core)
{
	uint64_t count = segment_count(core), done = 0;
	size_t got = BATCH;

	while (got == BATCH && done < hw_min(count, SEGMENTS_MAX)) {
		struct hw_error *error = read_batch(core, done, count, &got);

		if (error)
			return error;
		done += got;
	}
	if (done < count) {
		struct hw_error *error = hw_snapshot_warn(core->snapshot,
			"the core's table of %llu program headers is cut off after %llu",
			(unsigned long long)count, (unsigned long long)done);

		if (error)
			return error;
	}
	tidy_loads(core);
	if (core->load_count)
		return add_stored(core);
	return hw_error_remedy(hw_error_create(HW_ERROR_FORMAT, "%s: a core without memory", core->path),
		"it was cut off at its very beginning: look for a full disk or a limit on its size");
}
