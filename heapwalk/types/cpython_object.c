/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is there a Python object in this block? Its type says how many bytes stand before it, so there is one place
 * only where it can begin; count of references, garbage collector's head and size must fit as well. Blocks
 * that were objects once fail by the count: it was zero when they died.
 */
#include "heapwalk/types/cpython.h"

#define HAVE_GC       (1u << 14)
#define INLINE_VALUES (1u << 2) /* from 3.13 on */

/* Behind an object with inline values: at most 30 of them, a byte for each, and a word (pycore_dict.h). */
#define INLINE_ROOM 304

/* A count that could be an address is one only if it is small: the lowest mappings begin at 64 KiB. */
#define SMALL_COUNT   65536
#define LARGEST_COUNT (UINT64_C(1) << 33)

/*
 * Under PYTHONMALLOC=debug a size in big-endian order, the domain's letter and forbidden bytes come first
 * (Objects/obmalloc.c, _PyMem_DebugRawAlloc(); 0xfb before 3.8).
 */
static bool has_debug_head(const struct hw_cpython *cpython, const uint8_t *bytes)
{
	bytes += cpython->word_size;
	if (bytes[0] != 'o' && bytes[0] != 'm' && bytes[0] != 'r')
		return false;
	for (unsigned i = 1; i < cpython->word_size; i++) {
		if (bytes[i] != 0xfd && bytes[i] != 0xfb)
			return false;
	}
	return true;
}

/* Large objects pass two such allocators: pymalloc's and the raw one's. */
static uint64_t debug_head(const struct hw_cpython *cpython, const struct hw_cpython_block *block)
{
	size_t head = 2 * (size_t)cpython->word_size, size = 0;

	while (size < 2 * head && block->available >= size + 2 * head &&
		has_debug_head(cpython, block->bytes + size))
		size += head;
	return size;
}

static bool is_count(const struct hw_cpython *cpython, uint64_t word)
{
	if (!word || word >= LARGEST_COUNT)
		return false;
	return word < SMALL_COUNT || word >= UINT32_MAX - 16 ||
	       hw_addresses_kind(cpython->addresses, word) == HW_ADDRESS_NONE;
}

/* Links into a list of tracked objects, or nil; from 3.8 on the lowest bits of the second are flags. */
static bool is_link(const struct hw_cpython *cpython, uint64_t word)
{
	word &= ~UINT64_C(3);
	return !word || (word % cpython->word_size == 0 &&
				hw_addresses_kind(cpython->addresses, word) != HW_ADDRESS_NONE);
}

/* The third word of 3.6 and 3.7, but for its lowest bit: not tracked, and its links were never written
 * (_PyGC_REFS_UNTRACKED, Include/objimpl.h). */
static bool is_untracked(const struct hw_cpython *cpython, uint64_t word)
{
	return (word | 1) == (UINT64_MAX >> (64 - 8 * cpython->word_size)) - 2;
}

static bool has_gc_head(
	const struct hw_cpython *cpython, const struct hw_cpython_block *block, uint64_t object)
{
	unsigned word = cpython->word_size, words = cpython->layout->gc_head[word == 8];
	uint64_t head = object - (uint64_t)words * word;

	if (words > 2 && is_untracked(cpython, hw_cpython_word(cpython, block, head + 2 * word)))
		return true;
	return is_link(cpython, hw_cpython_word(cpython, block, head)) &&
	       is_link(cpython, hw_cpython_word(cpython, block, head + word));
}

/* Items of an object with items: a count, whose sign or lowest bits may mean something else. */
static uint64_t item_count(
	const struct hw_cpython *cpython, const struct hw_cpython_type *type, uint64_t word)
{
	uint64_t sign = UINT64_C(1) << (8 * cpython->word_size - 1);

	if (type->body == HW_CPYTHON_INT && cpython->layout->int_shift)
		return word >> cpython->layout->int_shift;
	if (word & sign)
		word = (~word + 1) & (sign - 1 + sign);
	return word;
}

/* Bytes of a str, by the state bits of PyASCIIObject: interned:2, kind:3, compact:1, ascii:1. */
static uint64_t str_size(
	const struct hw_cpython *cpython, const struct hw_cpython_block *block, uint64_t object)
{
	unsigned word = cpython->word_size;
	uint64_t length = hw_cpython_word(cpython, block, object + 2 * word);
	uint64_t state = hw_cpython_word(cpython, block, object + 4 * word);
	uint64_t kind = state >> 2 & 7;

	if (length > block->usable)
		return UINT64_MAX;
	if (!(state >> 5 & 1))
		return (cpython->layout->str_data + UINT64_C(1)) * word;
	if (state >> 6 & 1)
		return (uint64_t)cpython->layout->str_ascii * word + length + 1;
	return (uint64_t)cpython->layout->str_data * word + (length + 1) * (kind ? kind : 1);
}

/* What the object says of its own size, without what stands before it; UINT64_MAX: it cannot be. */
static uint64_t object_size(const struct hw_cpython *cpython, const struct hw_cpython_block *block,
	const struct hw_cpython_type *type, uint64_t object)
{
	uint64_t items;

	if (type->body == HW_CPYTHON_STR)
		return hw_max(str_size(cpython, block, object), UINT64_C(1));
	if (!type->item_size)
		return type->basic_size;
	items = item_count(cpython, type, hw_cpython_word(cpython, block, object + 2 * cpython->word_size));
	if (items > block->usable / type->item_size)
		return UINT64_MAX;
	return type->basic_size + items * type->item_size;
}

/*
 * A block is as large as was asked for, or a little larger: by what sizes are rounded up to, an item more as
 * a sentinel, or the quarter that a realloc() need not give back (obmalloc.c, pymalloc_realloc()).
 */
static bool fits(const struct hw_cpython_block *block, const struct hw_cpython_type *type, uint64_t head,
	uint64_t size)
{
	uint64_t needed, most;

	if (size > block->usable || head > block->usable - size)
		return false;
	needed = head + size;
	most = needed + needed / 3 + 64 + type->item_size + (type->flags & INLINE_VALUES ? INLINE_ROOM : 0);
	return block->is_loose || block->usable <= most;
}

static bool is_object(struct hw_cpython *cpython, const struct hw_cpython_block *block, uint64_t skip,
	uint64_t head, const struct hw_cpython_type **found)
{
	uint64_t object = skip + head;
	const struct hw_cpython_type *type;

	if (object + 2 * cpython->word_size > block->available ||
		!is_count(cpython, hw_cpython_word(cpython, block, object)))
		return false;
	type = hw_cpython_type_at(cpython, hw_cpython_word(cpython, block, object + cpython->word_size));
	if (!type || type->head != head)
		return false;
	if (type->flags & HAVE_GC && !has_gc_head(cpython, block, object))
		return false;
	*found = type;
	return fits(block, type, object, object_size(cpython, block, type, object));
}

bool hw_cpython_object_in(
	struct hw_cpython *cpython, const struct hw_cpython_block *block, struct hw_cpython_object *object)
{
	uint64_t gc = (uint64_t)cpython->layout->gc_head[cpython->word_size == 8] * cpython->word_size;
	uint64_t more = 2 * cpython->word_size;
	const uint64_t heads[] = { 0, gc, gc + more, more };
	uint64_t skip = debug_head(cpython, block);

	for (size_t i = 0; i < hw_array_size(heads); i++) {
		if (is_object(cpython, block, skip, heads[i], &object->type)) {
			object->start = skip + heads[i];
			return true;
		}
	}
	return false;
}
