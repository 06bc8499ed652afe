/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CPython in the target: which memory is a Python object, and of which type. All is told from the target's
 * memory: every object begins with a count of references and a pointer to its type, which is an object too;
 * the type of types is the one that is its own type. Works on stripped programs. Private to heapwalk/types/.
 *
 * Facts are cited as CPython release and file; the layouts hold for 3.6 to 3.13 with the GIL.
 */
#ifndef HW_HEAPWALK_TYPES_CPYTHON_H
#define HW_HEAPWALK_TYPES_CPYTHON_H

#include "heapwalk/types/typer.h"

/* Where a dict keeps what its keys are (Objects/dictobject.c, Include/internal/pycore_dict.h). */
enum hw_cpython_keys {
	HW_CPYTHON_KEYS_SIZE, /* dk_size as a number: 3.6 to 3.10 */
	HW_CPYTHON_KEYS_LOG2, /* dk_log2_size in a byte: from 3.11 on */
};

/* How the values of a dict that shares its keys are kept. */
enum hw_cpython_values {
	HW_CPYTHON_VALUES_ARRAY,    /* ma_values is an array of its own: 3.6 to 3.10 */
	HW_CPYTHON_VALUES_PREFIXED, /* bytes stand before it; objects point there by a word: 3.11 */
	HW_CPYTHON_VALUES_TAGGED,   /* the same, in one word with the dict, its lowest bit set: 3.12 */
	HW_CPYTHON_VALUES_INLINE,   /* behind the object, or a block of its own with a head: 3.13 */
};

/* What differs between releases. Offsets in words of the target. */
struct hw_cpython_layout {
	const char *releases;
	uint16_t type_size; /* sizeof(PyHeapTypeObject) on 64-bit machines, up to its last release, bytes; */
	uint16_t type_size_2; /* and in an earlier one; 0: there is but one */
	uint8_t gc_head[2];   /* of PyGC_Head: on 32-bit, on 64-bit machines */
	uint8_t str_ascii;    /* sizeof(PyASCIIObject): where the text of ASCII strings begins */
	uint8_t str_wide;     /* PyASCIIObject.wstr; 0: gone */
	uint8_t str_utf8;     /* PyCompactUnicodeObject.utf8, behind its length */
	uint8_t str_data;  /* sizeof(PyCompactUnicodeObject): other strings' text, or PyUnicodeObject.data */
	uint8_t int_shift; /* an int's number of digits: its size word shifted right by so much */
	enum hw_cpython_keys keys;
	enum hw_cpython_values values;
};

extern const struct hw_cpython_layout hw_cpython_layouts[];
extern const size_t hw_cpython_layout_count;

/* What besides itself an object of a type has in memory. */
enum hw_cpython_body {
	HW_CPYTHON_PLAIN,
	HW_CPYTHON_LIST,
	HW_CPYTHON_DICT,
	HW_CPYTHON_STR,
	HW_CPYTHON_INT,
	HW_CPYTHON_SET,
	HW_CPYTHON_BYTEARRAY,
	HW_CPYTHON_DEQUE,
	HW_CPYTHON_ARRAY,
};

/* A type object that was checked. */
struct hw_cpython_type {
	uint64_t address; /* 0: an empty slot */
	bool is_type;     /* false: it was looked at and is none */
	uint32_t number;  /* in hw_typing.types */
	uint32_t basic_size;
	uint32_t item_size;
	uint32_t flags; /* tp_flags */
	uint32_t head;  /* bytes that stand before its objects: PyGC_Head, dict and weak references */
	enum hw_cpython_body body;
};

struct hw_pymalloc_arenas;

struct hw_cpython {
	struct hw_typer *typer;
	const struct hw_heap *heap;
	const struct hw_image *image;
	unsigned word_size;
	const struct hw_cpython_layout *layout;
	uint64_t type_type; /* PyType_Type */
	struct hw_addresses *addresses;
	struct hw_cpython_type *types; /* open addressing by address, at most half full */
	size_t type_count;
	size_t type_capacity;
	struct hw_pymalloc_arenas *arenas;
	uint32_t bodies[16];    /* numbers in hw_typing.types, 0: not made yet; see cpython_body.c */
	struct hw_error *error; /* memory was short somewhere below */
};

/* PyType_Type's address, or 0: there is no CPython. */
uint64_t hw_cpython_find(const struct hw_heap *heap);

/* The type object at `address`, or NULL when there is none. Valid until the next call. */
const struct hw_cpython_type *hw_cpython_type_at(struct hw_cpython *cpython, uint64_t address);

/* A block as malloc or pymalloc gave it out. */
struct hw_cpython_block {
	uint64_t address;
	uint64_t usable;
	const uint8_t *bytes; /* its first, */
	size_t available;     /* so many: HW_CPYTHON_GLANCE where the block has them */
	bool is_loose;        /* it may be far larger than what was asked for: mmapped */
};

#define HW_CPYTHON_GLANCE ((size_t)192)

/* An object in a block. */
struct hw_cpython_object {
	const struct hw_cpython_type *type; /* valid until the next hw_cpython_type_at() */
	uint64_t start;                     /* bytes from the block's start to the object's */
};

/* False: the block holds no object that one could be certain of. */
bool hw_cpython_object_in(
	struct hw_cpython *cpython, const struct hw_cpython_block *block, struct hw_cpython_object *object);

/* Names the memory besides itself that the object's fields lead to. */
void hw_cpython_bodies(struct hw_cpython *cpython, const struct hw_cpython_block *block,
	const struct hw_cpython_object *object);

/* Is this what a dict's keys look like in this layout? For proving a choice of layout. */
bool hw_cpython_has_keys(const struct hw_cpython *cpython, uint64_t dict);

/* Word `index` of a block's bytes; 0 past their end. */
static inline uint64_t hw_cpython_word(
	const struct hw_cpython *cpython, const struct hw_cpython_block *block, uint64_t offset)
{
	if (offset + cpython->word_size > block->available)
		return 0;
	return hw_image_word(cpython->image, block->bytes + offset);
}

#endif
