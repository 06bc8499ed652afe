/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ELF headers and notes as bytes: decoded for either word size and byte order, from a file or from a target's
 * memory, every offset checked. Nothing here trusts what it reads. Private to inspector/.
 */
#ifndef HW_INSPECTOR_ELF_H
#define HW_INSPECTOR_ELF_H

#include <elf.h>

#include "inspector/holding.h"

/* A file's or a module's own word size and byte order. */
struct hw_elf_layout {
	unsigned word_size; /* 4 or 8 */
	bool big_endian;
};

/* A position in bytes of some layout; the loads step over what they read. The caller checks the room. */
struct hw_elf_cursor {
	const uint8_t *at;
	struct hw_elf_layout layout;
};

uint16_t hw_elf_take_u16(struct hw_elf_cursor *cursor);
uint32_t hw_elf_take_u32(struct hw_elf_cursor *cursor);
uint64_t hw_elf_take_u64(struct hw_elf_cursor *cursor);
uint64_t hw_elf_take_word(struct hw_elf_cursor *cursor);

/* The largest ELF file header (ELFCLASS64). */
#define HW_ELF_HEADER_SIZE 64

struct hw_elf_header {
	struct hw_elf_layout layout;
	unsigned type;    /* ET_* */
	unsigned machine; /* EM_* */
	uint64_t program_headers;
	uint64_t section_headers;
	unsigned program_header_count; /* PN_XNUM is not resolved here */
	unsigned section_header_size;
};

/* False when `size` bytes are not the beginning of an ELF file whose tables have the usual entry sizes. */
bool hw_elf_header_decode(const uint8_t *bytes, size_t size, struct hw_elf_header *header);

/* Bytes of one program header. */
size_t hw_elf_program_header_size(struct hw_elf_layout layout);

/* One program header; `address` is as the file has it, without any bias. */
void hw_elf_program_header_decode(
	struct hw_elf_layout layout, const uint8_t *bytes, struct hw_elf_segment *segment);

/* One note. Name and data point into the bytes that were given. */
struct hw_elf_note {
	uint32_t type;
	const char *name; /* name_size bytes, usually with the NUL among them */
	size_t name_size;
	const uint8_t *data;
	size_t size;
};

/*
 * The note at `*offset` of `size` bytes; steps `*offset` past it. False at the end or when the next note does
 * not fit (`*offset` then stays below `size` if bytes are left over). `alignment` is the segment's: 8 means
 * 8, all else 4.
 */
bool hw_elf_note_next(struct hw_elf_layout layout, const uint8_t *bytes, size_t size, uint64_t alignment,
	size_t *offset, struct hw_elf_note *note);

/* True when the note's owner is `name` and its type `type`. */
bool hw_elf_note_is(const struct hw_elf_note *note, const char *name, uint32_t type);

#define HW_ELF_BUILD_ID_MAX 32

/* An executable or library: its headers and build id. */
struct hw_elf {
	struct hw_elf_header header;
	struct hw_elf_segment *segments; /* as hw_elf_program_header_decode() gives them */
	size_t segment_count;
	uint8_t build_id[HW_ELF_BUILD_ID_MAX];
	size_t build_id_size; /* 0: none */
};

/* HW_ERROR_FORMAT when the file is not a sound ELF file with program headers. */
struct hw_error *hw_elf_read_file(int fd, struct hw_elf *elf) hw_must_check;

/* The same from memory, the file header being at `base`. HW_ERROR_FORMAT or HW_ERROR_FAULT. */
struct hw_error *hw_elf_read_image(
	const struct hw_image *image, uint64_t base, struct hw_elf *elf) hw_must_check;

void hw_elf_deinit(struct hw_elf *elf);

/*
 * Run-time address minus ELF virtual address of an object whose file header is mapped at `base`. False when
 * no PT_LOAD holds the file's beginning.
 */
bool hw_elf_bias(const struct hw_elf *elf, uint64_t base, uint64_t page_size, uint64_t *bias);

/* The auxiliary vector as /proc/PID/auxv and NT_AUXV have it; entries that are not there stay 0. */
void hw_elf_auxv_decode(struct hw_elf_layout layout, const uint8_t *bytes, size_t size, struct hw_auxv *auxv);

/*
 * Whether a file is the one that an object in memory was loaded from: by build id if either has one, else by
 * its PT_LOADs. `bias` was added to the object's segments' addresses.
 */
bool hw_elf_is_file_of(const struct hw_elf *file, const struct hw_elf *object, uint64_t bias);

#endif
