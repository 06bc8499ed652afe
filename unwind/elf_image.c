/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An ELF file put together from the memory image. */
#include <elf.h>
#include <sys/mman.h>

#include "unwind/session.h"

/* More than any sensible library maps; a damaged program header may say anything. */
#define LARGEST_FILE (UINT64_C(2) << 30)

static bool is_load(const struct hw_elf_segment *segment)
{
	return segment->type == PT_LOAD && segment->file_size && segment->file_size < LARGEST_FILE &&
	       segment->file_offset < LARGEST_FILE;
}

/* The bytes of a segment that come from the file, to whole pages: past the vdso's segment lie its section
 * headers. */
static uint64_t mapped_end(const struct hw_elf_segment *segment, uint64_t page)
{
	return hw_round_up(segment->address + segment->file_size, page) - segment->address;
}

static uint64_t file_size(const struct hw_module *module, uint64_t page)
{
	uint64_t size = 0;

	for (size_t i = 0; i < module->segment_count; i++) {
		const struct hw_elf_segment *segment = &module->segments[i];

		if (is_load(segment))
			size = hw_max(size, segment->file_offset + mapped_end(segment, page));
	}
	return hw_min(size, LARGEST_FILE);
}

/* Copies what can be read, going around the pages that cannot. */
static void copy_segment(
	const struct hw_image *image, const struct hw_elf_segment *segment, uint8_t *file, uint64_t size)
{
	uint64_t length = hw_min(mapped_end(segment, HW_MEMORY_PAGE), size - segment->file_offset);
	uint64_t done = 0;

	while (done < length) {
		uint64_t here = segment->address + done;

		done += hw_image_read_some(image, here, file + segment->file_offset + done, length - done);
		if (done < length)
			done = hw_round_down(segment->address + done, HW_MEMORY_PAGE) + HW_MEMORY_PAGE -
			       segment->address;
	}
}

static bool is_elf(const uint8_t *file, uint64_t size)
{
	return size >= sizeof(Elf64_Ehdr) && memcmp(file, ELFMAG, SELFMAG) == 0 &&
	       (file[EI_CLASS] == ELFCLASS64 || file[EI_CLASS] == ELFCLASS32);
}

static bool sections_fit(const uint8_t *file, uint64_t size)
{
	uint64_t offset, length;

	if (file[EI_CLASS] == ELFCLASS64) {
		const Elf64_Ehdr *header = (const Elf64_Ehdr *)file;

		offset = header->e_shoff;
		length = (uint64_t)header->e_shnum * header->e_shentsize;
	} else {
		const Elf32_Ehdr *header = (const Elf32_Ehdr *)file;

		offset = header->e_shoff;
		length = (uint64_t)header->e_shnum * header->e_shentsize;
	}
	return offset <= size && length <= size - offset;
}

static void forget_sections(uint8_t *file)
{
	if (file[EI_CLASS] == ELFCLASS64) {
		Elf64_Ehdr *header = (Elf64_Ehdr *)file;

		header->e_shoff = header->e_shnum = header->e_shstrndx = 0;
	} else {
		Elf32_Ehdr *header = (Elf32_Ehdr *)file;

		header->e_shoff = header->e_shnum = header->e_shstrndx = 0;
	}
}

static size_t load_count(const struct hw_module *module)
{
	size_t count = 0;

	for (size_t i = 0; i < module->segment_count; i++)
		count += module->segments[i].type == PT_LOAD;
	return count;
}

bool hw_elf_from_image(
	const struct hw_snapshot *snapshot, const struct hw_module *module, void **memory, size_t *size)
{
	uint64_t length = file_size(module, HW_MEMORY_PAGE);
	uint8_t *file;

	if (!length)
		return false;
	file = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (file == MAP_FAILED)
		return false;
	for (size_t i = 0; i < module->segment_count; i++) {
		if (is_load(&module->segments[i]) && module->segments[i].file_offset < length)
			copy_segment(snapshot->image, &module->segments[i], file, length);
	}
	if (!is_elf(file, length)) {
		munmap(file, length);
		return false;
	}
	/* Section headers lie outside the segments, except in the vdso, which is one segment, mapped whole.
	 */
	if (load_count(module) > 1 || !sections_fit(file, length))
		forget_sections(file);
	*memory = file;
	*size = length;
	return true;
}
