/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Type objects: PyTypeObject has not changed in the words that matter here since 3.0 (Include/object.h, from
 * 3.8 Include/cpython/object.h).
 */
#include "heapwalk/types/cpython.h"

/* Words of a PyTypeObject. */
enum {
	OB_REFCNT,
	OB_TYPE,
	OB_SIZE,
	TP_NAME,
	TP_BASICSIZE,
	TP_ITEMSIZE,
	TP_FLAGS = 21,
	TP_BASE = 32,
	TYPE_WORDS,
};

/* tp_flags (Include/object.h). */
#define MANAGED_WEAKREF (1u << 3) /* from 3.12 on */
#define MANAGED_DICT    (1u << 4) /* from 3.11 on; nobody's before */
#define HEAPTYPE        (1u << 9)
#define READY           (1u << 12)
#define HAVE_GC         (1u << 14)
#define LONG_SUBCLASS   (1u << 24)
#define LIST_SUBCLASS   (1u << 25)
#define STR_SUBCLASS    (1u << 28)
#define DICT_SUBCLASS   (1u << 29)
#define TYPE_SUBCLASS   (1u << 31)

#define NAME_LIMIT  256
#define LARGEST     (1u << 20) /* of a type's objects, without items */
#define DEEPEST     64         /* chain of metaclasses or bases */
#define NOTED_MOST  (1u << 20) /* addresses that are remembered as no type's */
#define SCAN_LIMIT  ((uint64_t)256 << 20)
#define FIRST_SLOTS 1024

static bool read_words(const struct hw_image *image, uint64_t address, uint64_t words[TYPE_WORDS])
{
	uint8_t bytes[TYPE_WORDS * 8];
	size_t size = TYPE_WORDS * image->word_size;

	if (address % image->word_size || hw_image_read_some(image, address, bytes, size) != size)
		return false;
	for (size_t i = 0; i < TYPE_WORDS; i++)
		words[i] = hw_image_word(image, bytes + i * image->word_size);
	return true;
}

/* UTF-8 without control characters, of one byte at least. */
static bool read_name(const struct hw_image *image, uint64_t address, char name[NAME_LIMIT])
{
	size_t size = hw_image_read_some(image, address, name, NAME_LIMIT);
	size_t length = strnlen(name, size);

	if (!length || length == size)
		return false;
	for (size_t i = 0; i < length; i++) {
		if ((uint8_t)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------------------------------ the type of
 * types
 */

static bool is_type_type(const struct hw_image *image, uint64_t address)
{
	uint64_t words[TYPE_WORDS];
	char name[NAME_LIMIT];

	return read_words(image, address, words) && words[OB_TYPE] == address && words[OB_REFCNT] &&
	       words[OB_REFCNT] < UINT32_MAX + UINT64_C(1) && words[TP_FLAGS] & READY &&
	       words[TP_FLAGS] & TYPE_SUBCLASS &&
	       words[TP_BASICSIZE] >= (TYPE_WORDS + 1) * image->word_size && words[TP_BASICSIZE] <= LARGEST &&
	       read_name(image, words[TP_NAME], name) && !strcmp(name, "type");
}

/* An object that is its own type, among the words of [at, end). */
static uint64_t find_in(struct hw_window *window, uint64_t at, uint64_t end)
{
	const struct hw_image *image = window->image;
	unsigned size = image->word_size;
	size_t available;

	at = hw_round_up(at, size);
	while (at < end && end - at >= size) {
		const uint8_t *bytes = hw_window_view(window, at, size, &available);

		if (!bytes) {
			at = hw_round_up(hw_image_next(image, at, end), size);
			continue;
		}
		available = hw_min(available, end - at) / size * size;
		for (size_t i = 0; i < available; i += size) {
			uint64_t word = hw_image_word(image, bytes + i);

			if (word == at + i - size && is_type_type(image, word))
				return word;
		}
		at += available;
	}
	return 0;
}

uint64_t hw_cpython_find(const struct hw_heap *heap)
{
	const struct hw_snapshot *snapshot = heap->snapshot;
	uint64_t found = 0, budget = SCAN_LIMIT;
	struct hw_window window;

	hw_window_init(&window, snapshot->image, 0);
	for (size_t i = 0; i < snapshot->module_count && !found; i++) {
		const struct hw_module *module = &snapshot->modules[i];

		for (size_t j = 0; j < module->segment_count && !found; j++) {
			const struct hw_elf_segment *segment = &module->segments[j];
			uint64_t size = hw_min(segment->size, budget);

			if (segment->type != 1 /* PT_LOAD */ || !(segment->prot & HW_MAP_WRITE))
				continue;
			budget -= size;
			found = find_in(&window, segment->address, segment->address + size);
		}
	}
	hw_window_deinit(&window);
	return found;
}

/* --------------------------------------------------------------------------------------------- all the
 * others
 */

static struct hw_cpython_type *slot_of(const struct hw_cpython *cpython, uint64_t address)
{
	size_t mask = cpython->type_capacity - 1;
	size_t at = (size_t)((address >> 3) * 0x9e3779b97f4a7c15 >> 24) & mask;

	while (cpython->types[at].address && cpython->types[at].address != address)
		at = (at + 1) & mask;
	return &cpython->types[at];
}

static bool make_room(struct hw_cpython *cpython)
{
	struct hw_cpython_type *old = cpython->types;
	size_t old_capacity = cpython->type_capacity;

	if (2 * (cpython->type_count + 1) <= old_capacity)
		return true;
	cpython->type_capacity = old_capacity ? 2 * old_capacity : FIRST_SLOTS;
	cpython->types = calloc(cpython->type_capacity, sizeof(*cpython->types));
	if (!cpython->types) {
		cpython->types = old;
		cpython->type_capacity = old_capacity;
		return false;
	}
	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i].address)
			*slot_of(cpython, old[i].address) = old[i];
	}
	free(old);
	return true;
}

/* Whose objects have more memory than their own. Their subclasses' have it too. */
static enum hw_cpython_body body_of(uint32_t flags, const char *name)
{
	static const struct {
		const char *name;
		enum hw_cpython_body body;
		bool is_static; /* a class statement may give the name to anything, but makes a heap type */
	} named[] = {
		{ "set", HW_CPYTHON_SET, true },
		{ "frozenset", HW_CPYTHON_SET, true },
		{ "bytearray", HW_CPYTHON_BYTEARRAY, true },
		{ "collections.deque", HW_CPYTHON_DEQUE, false },
		{ "array.array", HW_CPYTHON_ARRAY, false },
	};

	for (size_t i = 0; i < hw_array_size(named); i++) {
		if (!strcmp(name, named[i].name) && !(named[i].is_static && flags & HEAPTYPE))
			return named[i].body;
	}
	return flags & LIST_SUBCLASS   ? HW_CPYTHON_LIST
	       : flags & DICT_SUBCLASS ? HW_CPYTHON_DICT
	       : flags & STR_SUBCLASS  ? HW_CPYTHON_STR
	       : flags & LONG_SUBCLASS ? HW_CPYTHON_INT
				       : HW_CPYTHON_PLAIN;
}

static uint32_t head_of(const struct hw_cpython *cpython, uint32_t flags)
{
	uint32_t words = flags & HAVE_GC ? cpython->layout->gc_head[cpython->word_size == 8] : 0;

	if (cpython->layout->keys == HW_CPYTHON_KEYS_LOG2 && flags & (MANAGED_DICT | MANAGED_WEAKREF))
		words += 2; /* _PyType_PreHeaderSize(), pycore_object.h */
	return words * cpython->word_size;
}

static bool intern(struct hw_cpython *cpython, struct hw_cpython_type *type, const char *name)
{
	const struct hw_snapshot *snapshot = cpython->heap->snapshot;
	const struct hw_module *module = hw_snapshot_module_at(snapshot, type->address);
	struct hw_named_type named = {
		.name = name,
		.origin = HW_TYPE_ORIGIN_RUNTIME,
		.module = module ? (uint32_t)(module - snapshot->modules) : UINT32_MAX,
		.size = type->basic_size,
	};
	struct hw_error *error = hw_typer_intern(cpython->typer, &named, &type->number);

	if (!error)
		return true;
	hw_error_destroy(cpython->error);
	cpython->error = error;
	return false;
}

static struct hw_cpython_type look_up(struct hw_cpython *cpython, uint64_t address, unsigned depth);

/* Its own type must be a type whose objects are types: so on to the type of types. */
static bool has_metaclass(struct hw_cpython *cpython, uint64_t address, uint64_t metaclass, unsigned depth)
{
	struct hw_cpython_type found;

	if (metaclass == cpython->type_type)
		return true;
	if (metaclass == address || !metaclass)
		return false;
	found = look_up(cpython, metaclass, depth);
	return found.is_type && found.flags & TYPE_SUBCLASS;
}

/* A subclass's objects begin as its base's do. */
static void inherit_body(
	struct hw_cpython *cpython, struct hw_cpython_type *type, uint64_t base, unsigned depth)
{
	struct hw_cpython_type found;

	if (type->body != HW_CPYTHON_PLAIN || !base || base == type->address)
		return;
	found = look_up(cpython, base, depth);
	if (found.is_type)
		type->body = found.body;
}

static struct hw_cpython_type check(struct hw_cpython *cpython, uint64_t address, unsigned depth)
{
	struct hw_cpython_type type = { .address = address };
	uint64_t words[TYPE_WORDS];
	char name[NAME_LIMIT];

	if (!depth || !read_words(cpython->image, address, words) || !words[OB_REFCNT] ||
		!(words[TP_FLAGS] & READY) || words[TP_BASICSIZE] < 2 * cpython->word_size ||
		words[TP_BASICSIZE] > LARGEST || words[TP_ITEMSIZE] > LARGEST ||
		!has_metaclass(cpython, address, words[OB_TYPE], depth - 1) ||
		!read_name(cpython->image, words[TP_NAME], name))
		return type;
	type.basic_size = (uint32_t)words[TP_BASICSIZE];
	type.item_size = (uint32_t)words[TP_ITEMSIZE];
	type.flags = (uint32_t)words[TP_FLAGS];
	type.head = head_of(cpython, type.flags);
	type.body = body_of(type.flags, name);
	inherit_body(cpython, &type, words[TP_BASE], depth - 1);
	type.is_type = intern(cpython, &type, name);
	return type;
}

static struct hw_cpython_type look_up(struct hw_cpython *cpython, uint64_t address, unsigned depth)
{
	struct hw_cpython_type type = { .address = address };

	if (cpython->type_capacity) {
		const struct hw_cpython_type *slot = slot_of(cpython, address);

		if (slot->address)
			return *slot;
	}
	type = check(cpython, address, depth);
	/* A chain that was cut off says nothing of the types on it. */
	if (!depth || (!type.is_type && cpython->type_count > NOTED_MOST))
		return type;
	if (!make_room(cpython)) {
		if (!cpython->error)
			cpython->error = hw_error_no_memory();
		return type;
	}
	cpython->type_count += !slot_of(cpython, address)->address;
	*slot_of(cpython, address) = type;
	return type;
}

/* A static type lies in a module, any other in malloc's memory: it is larger than pymalloc's blocks. */
static bool may_be_type(const struct hw_cpython *cpython, uint64_t address)
{
	enum hw_address_kind kind = hw_addresses_kind(cpython->addresses, address);
	uint32_t chunk;

	if (!address || address % cpython->word_size)
		return false;
	if (kind == HW_ADDRESS_MODULE)
		return true;
	return kind == HW_ADDRESS_DATA && hw_heap_find(cpython->heap, address, &chunk) &&
	       hw_chunk_is_live(cpython->heap, chunk) &&
	       hw_chunk_usable(cpython->heap, chunk) >= TYPE_WORDS * cpython->word_size;
}

const struct hw_cpython_type *hw_cpython_type_at(struct hw_cpython *cpython, uint64_t address)
{
	struct hw_cpython_type *slot;

	if (!may_be_type(cpython, address))
		return NULL;
	if (!look_up(cpython, address, DEEPEST).is_type || !cpython->type_capacity)
		return NULL;
	slot = slot_of(cpython, address);
	return slot->address ? slot : NULL;
}
