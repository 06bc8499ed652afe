/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A shared object of three pages in memory and in a file alike: text with the tables that ld.so reads, then
 *data with the dynamic section.
 *
 *	page 0 (r-x)  headers, build id, symbols, strings, hash table, relocations
 *	page 1 (r-x)  text
 *	page 2 (rw-)  dynamic section
 */
#ifndef HW_TESTS_INSPECTOR_FAKE_OBJECT_H
#define HW_TESTS_INSPECTOR_FAKE_OBJECT_H

#include "tests/unit/inspector/elf_bytes.h"

#define PAGE 4096

enum {
	OBJECT_SIZE = 3 * PAGE,
	OBJECT_HEADERS = 5,
	OBJECT_NOTE = 0x200,
	OBJECT_SYMBOLS = 0x280,
	OBJECT_STRINGS = 0x380,
	OBJECT_HASH = 0x400,
	OBJECT_RELOCATIONS = 0x500,
	OBJECT_DYNAMIC = 2 * PAGE,
	OBJECT_BSS_END = 3 * PAGE + 0x800,
	OBJECT_SYMBOL_COUNT = 5,
	OBJECT_RELOCATION_COUNT = 2,
};

static const char object_strings[] = "\0alpha\0beta\0gamma\0delta"; /* at 1, 7, 12, 18 */

struct object_shape {
	unsigned word;
	bool big_endian;
	unsigned machine;
	unsigned type;     /* ET_DYN or ET_EXEC */
	uint64_t base;     /* where it is linked to: added to every address in the file */
	bool gnu_hash;     /* DT_GNU_HASH, else DT_HASH */
	bool addends;      /* DT_RELA, else DT_REL */
	uint64_t adjusted; /* what ld.so has added to the addresses in the dynamic section */
};

static inline void put_symbol(
	struct bytes *bytes, unsigned name, uint64_t value, uint64_t size, unsigned type, unsigned section)
{
	put32(bytes, name);
	if (bytes->word == 4) {
		put32(bytes, value);
		put32(bytes, size);
	}
	put8(bytes, STB_GLOBAL << 4 | type);
	put8(bytes, 0);
	put16(bytes, section);
	if (bytes->word == 8) {
		put_word(bytes, value);
		put_word(bytes, size);
	}
}

static inline void put_symbols(struct bytes *bytes, uint64_t base)
{
	put_until(bytes, OBJECT_SYMBOLS, 0);
	put_symbol(bytes, 0, 0, 0, STT_NOTYPE, SHN_UNDEF);
	put_symbol(bytes, 7, 0, 0, STT_FUNC, SHN_UNDEF);
	put_symbol(bytes, 1, base + PAGE + 0x10, 24, STT_FUNC, 1);
	put_symbol(bytes, 12, 0x10, 8, STT_TLS, 2);
	put_symbol(bytes, 18, 0x1234, 4, STT_OBJECT, SHN_ABS);
	put_until(bytes, OBJECT_STRINGS, 0);
	put_bytes(bytes, object_strings, sizeof(object_strings));
}

/* One bucket; symbols 2 to 4 are hashed, so the chain has three entries, the last one marked. */
static inline void put_gnu_hash(struct bytes *bytes)
{
	put32(bytes, 1); /* buckets */
	put32(bytes, 2); /* first hashed symbol */
	put32(bytes, 1); /* bloom words */
	put32(bytes, 6); /* bloom shift */
	put_word(bytes, ~0ULL);
	put32(bytes, 2); /* the bucket: its first symbol */
	put32(bytes, 0x1000);
	put32(bytes, 0x2000);
	put32(bytes, 0x3001);
}

/* One bucket and as many chain entries as symbols. */
static inline void put_hash(struct bytes *bytes)
{
	put32(bytes, 1);
	put32(bytes, OBJECT_SYMBOL_COUNT);
	put32(bytes, 2);
	for (unsigned i = 0; i < OBJECT_SYMBOL_COUNT; i++)
		put32(bytes, 0);
}

static inline void put_relocation(struct bytes *bytes, const struct object_shape *shape, uint64_t slot,
	unsigned symbol, unsigned type, uint64_t addend)
{
	put_word(bytes, slot);
	put_word(bytes, bytes->word == 8 ? (uint64_t)symbol << 32 | type : symbol << 8 | type);
	if (shape->addends)
		put_word(bytes, addend);
}

static inline void put_dynamic_entry(struct bytes *bytes, uint64_t tag, uint64_t value)
{
	put_word(bytes, tag);
	put_word(bytes, value);
}

static inline void put_dynamic(struct bytes *bytes, const struct object_shape *shape)
{
	uint64_t add = shape->base + shape->adjusted;
	size_t each = bytes->word * (shape->addends ? 3 : 2);

	put_until(bytes, OBJECT_DYNAMIC, 0);
	put_dynamic_entry(bytes, shape->gnu_hash ? DT_GNU_HASH : DT_HASH, add + OBJECT_HASH);
	put_dynamic_entry(bytes, DT_SYMTAB, add + OBJECT_SYMBOLS);
	put_dynamic_entry(bytes, DT_STRTAB, add + OBJECT_STRINGS);
	put_dynamic_entry(bytes, DT_STRSZ, sizeof(object_strings));
	put_dynamic_entry(bytes, shape->addends ? DT_RELA : DT_REL, add + OBJECT_RELOCATIONS);
	put_dynamic_entry(bytes, shape->addends ? DT_RELASZ : DT_RELSZ, OBJECT_RELOCATION_COUNT * each);
	put_dynamic_entry(bytes, DT_DEBUG, 0);
	put_dynamic_entry(bytes, DT_NULL, 0);
}

/* The whole object. `build_id` of 8 bytes. */
static inline struct bytes make_object(const struct object_shape *shape, uint64_t build_id)
{
	struct bytes bytes = { .word = shape->word, .big_endian = shape->big_endian };
	uint64_t base = shape->base;
	uint8_t id[8];

	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = (uint8_t)(build_id >> 8 * i);
	put_elf_header(&bytes, shape->type, shape->machine, OBJECT_HEADERS);
	put_program_header(&bytes, PT_LOAD, PF_R | PF_X, 0, base, 2 * PAGE, 2 * PAGE, PAGE);
	put_program_header(&bytes, PT_LOAD, PF_R | PF_W, OBJECT_DYNAMIC, base + OBJECT_DYNAMIC, PAGE,
		OBJECT_BSS_END - OBJECT_DYNAMIC, PAGE);
	put_program_header(
		&bytes, PT_DYNAMIC, PF_R | PF_W, OBJECT_DYNAMIC, base + OBJECT_DYNAMIC, 0x100, 0x100, 8);
	put_program_header(&bytes, PT_NOTE, PF_R, OBJECT_NOTE, base + OBJECT_NOTE, 24, 24, 4);
	put_program_header(
		&bytes, PT_TLS, PF_R, OBJECT_DYNAMIC + 0x200, base + OBJECT_DYNAMIC + 0x200, 16, 40, 16);
	put_until(&bytes, OBJECT_NOTE, 0);
	put_note(&bytes, "GNU", NT_GNU_BUILD_ID, id, sizeof(id));
	put_symbols(&bytes, base);
	put_until(&bytes, OBJECT_HASH, 0);
	if (shape->gnu_hash)
		put_gnu_hash(&bytes);
	else
		put_hash(&bytes);
	put_until(&bytes, OBJECT_RELOCATIONS, 0);
	put_relocation(&bytes, shape, base + OBJECT_DYNAMIC + 0x300, 2, 1, 8);
	put_relocation(&bytes, shape, base + OBJECT_DYNAMIC + 0x308, 0, 7, (uint64_t)-4);
	put_until(&bytes, PAGE, 0);
	put_until(&bytes, 2 * PAGE, 0xcc);
	put_dynamic(&bytes, shape);
	put_until(&bytes, OBJECT_SIZE, 0);
	return bytes;
}

#endif
