/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ELF files written byte by byte, in either word size and byte order, after the System V gABI's tables: a
 * truth of its own beside the code under test. What is put grows the buffer; nothing can fail but the test.
 */
#ifndef HW_TESTS_INSPECTOR_ELF_BYTES_H
#define HW_TESTS_INSPECTOR_ELF_BYTES_H

#include <check.h>
#include <elf.h>

#include "inspector/inspector.h"

struct bytes {
	uint8_t *data;
	size_t size;
	unsigned word; /* 4 or 8 */
	bool big_endian;
};

static inline void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	bytes->data = NULL;
	bytes->size = 0;
}

static inline void put_bytes(struct bytes *bytes, const void *data, size_t size)
{
	bytes->data = realloc(bytes->data, bytes->size + size + 1);
	ck_assert_ptr_nonnull(bytes->data);
	if (size)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

/* An unsigned number of `size` bytes. */
static inline void put_number(struct bytes *bytes, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * (bytes->big_endian ? size - 1 - i : i));

		put_bytes(bytes, &byte, 1);
	}
}

static inline void put8(struct bytes *bytes, uint64_t value)
{
	put_number(bytes, value, 1);
}

static inline void put16(struct bytes *bytes, uint64_t value)
{
	put_number(bytes, value, 2);
}

static inline void put32(struct bytes *bytes, uint64_t value)
{
	put_number(bytes, value, 4);
}

static inline void put_word(struct bytes *bytes, uint64_t value)
{
	put_number(bytes, value, bytes->word);
}

/* Fills up to file offset `size` with `byte`. */
static inline void put_until(struct bytes *bytes, size_t size, uint8_t byte)
{
	ck_assert_uint_le(bytes->size, size);
	while (bytes->size < size)
		put8(bytes, byte);
}

/* Overwrites `size` bytes at `offset` by a number. */
static inline void set_number(struct bytes *bytes, size_t offset, uint64_t value, size_t size)
{
	struct bytes number = { .word = bytes->word, .big_endian = bytes->big_endian };

	ck_assert_uint_le(offset + size, bytes->size);
	put_number(&number, value, size);
	memcpy(bytes->data + offset, number.data, size);
	bytes_free(&number);
}

/* The file header; program headers follow it at once. */
static inline void put_elf_header(struct bytes *bytes, unsigned type, unsigned machine, unsigned headers)
{
	const uint8_t ident[EI_NIDENT] = { 0x7f, 'E', 'L', 'F', bytes->word == 8 ? 2 : 1,
		bytes->big_endian ? 2 : 1, 1 };

	put_bytes(bytes, ident, sizeof(ident));
	put16(bytes, type);
	put16(bytes, machine);
	put32(bytes, 1);                             /* e_version */
	put_word(bytes, 0);                          /* e_entry */
	put_word(bytes, bytes->word == 8 ? 64 : 52); /* e_phoff */
	put_word(bytes, 0);                          /* e_shoff */
	put32(bytes, 0);                             /* e_flags */
	put16(bytes, bytes->word == 8 ? 64 : 52);    /* e_ehsize */
	put16(bytes, bytes->word == 8 ? 56 : 32);    /* e_phentsize */
	put16(bytes, headers);                       /* e_phnum */
	put16(bytes, bytes->word == 8 ? 64 : 40);    /* e_shentsize */
	put16(bytes, 0);                             /* e_shnum */
	put16(bytes, 0);                             /* e_shstrndx */
}

/* Where the file header's fields stand. */
static inline size_t at_phoff(const struct bytes *bytes)
{
	return bytes->word == 8 ? 32 : 28;
}

static inline size_t at_phentsize(const struct bytes *bytes)
{
	return bytes->word == 8 ? 54 : 42;
}

static inline size_t at_phnum(const struct bytes *bytes)
{
	return bytes->word == 8 ? 56 : 44;
}

static inline size_t program_header_size(const struct bytes *bytes)
{
	return bytes->word == 8 ? 56 : 32;
}

/* The offset of field `field` (in the order of Elf64_Phdr) of program header `index`. */
enum program_header_field { P_TYPE, P_FLAGS, P_OFFSET, P_VADDR, P_PADDR, P_FILESZ, P_MEMSZ, P_ALIGN };

static inline size_t at_program_header(
	const struct bytes *bytes, size_t index, enum program_header_field field)
{
	static const size_t wide[] = { 0, 4, 8, 16, 24, 32, 40, 48 };
	static const size_t narrow[] = { 0, 24, 4, 8, 12, 16, 20, 28 };
	size_t start = bytes->word == 8 ? 64 : 52;

	return start + index * program_header_size(bytes) + (bytes->word == 8 ? wide[field] : narrow[field]);
}

static inline void set_program_header(
	struct bytes *bytes, size_t index, enum program_header_field field, uint64_t value)
{
	set_number(bytes, at_program_header(bytes, index, field), value,
		field == P_TYPE || field == P_FLAGS ? 4 : bytes->word);
}

static inline void put_program_header(struct bytes *bytes, uint32_t type, uint32_t flags, uint64_t offset,
	uint64_t address, uint64_t file_size, uint64_t size, uint64_t alignment)
{
	put32(bytes, type);
	if (bytes->word == 8)
		put32(bytes, flags);
	put_word(bytes, offset);
	put_word(bytes, address);
	put_word(bytes, 0);
	put_word(bytes, file_size);
	put_word(bytes, size);
	if (bytes->word == 4)
		put32(bytes, flags);
	put_word(bytes, alignment);
}

/* A note whose parts are padded to 4 bytes. */
static inline void put_note(
	struct bytes *bytes, const char *name, uint32_t type, const void *data, size_t size)
{
	put32(bytes, strlen(name) + 1);
	put32(bytes, size);
	put32(bytes, type);
	put_bytes(bytes, name, strlen(name) + 1);
	put_until(bytes, (bytes->size + 3) & ~(size_t)3, 0);
	put_bytes(bytes, data, size);
	put_until(bytes, (bytes->size + 3) & ~(size_t)3, 0);
}

/* xorshift64*: the same sequence on every machine. `state` starts non-zero. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

#endif
