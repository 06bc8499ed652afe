/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that objects have besides themselves, by the fields that lead there. */
#include "heapwalk/types/cpython.h"
#include "heapwalk/types/pools_pymalloc.h"

/* What it is called, as indexes into hw_cpython.bodies. */
enum {
	LIST_ITEMS,
	DICT_KEYS,
	DICT_VALUES,
	STR_DATA,
	STR_UTF8,
	STR_WIDE,
	SET_TABLE,
	BYTEARRAY_BUFFER,
	DEQUE_BLOCK,
	ARRAY_ITEMS,
	BODIES,
};

static const char *const names[BODIES] = {
	[LIST_ITEMS] = "list items",
	[DICT_KEYS] = "dict keys",
	[DICT_VALUES] = "dict values",
	[STR_DATA] = "str data",
	[STR_UTF8] = "str as UTF-8",
	[STR_WIDE] = "str as wchar_t",
	[SET_TABLE] = "set table",
	[BYTEARRAY_BUFFER] = "bytearray buffer",
	[DEQUE_BLOCK] = "collections.deque block",
	[ARRAY_ITEMS] = "array.array items",
};

#define MANAGED_DICT  (1u << 4)
#define FARTHEST      48 /* bytes that stand before an object's values: a byte for each, and two */
#define DEQUE_WORDS   66 /* a block of a deque: link, 64 items, link (Modules/_collectionsmodule.c) */
#define DEQUE_LONGEST (1u << 20)

static uint32_t number_of(struct hw_cpython *cpython, unsigned body)
{
	struct hw_named_type named = {
		.name = names[body], .origin = HW_TYPE_ORIGIN_RUNTIME, .module = UINT32_MAX
	};
	struct hw_error *error;

	if (cpython->bodies[body])
		return cpython->bodies[body];
	error = hw_typer_intern(cpython->typer, &named, &cpython->bodies[body]);
	if (error) {
		hw_error_destroy(cpython->error);
		cpython->error = error;
	}
	return cpython->bodies[body];
}

/* A body that an object's field points to. */
struct body {
	unsigned what;
	uint64_t address; /* what the field holds */
	uint64_t size;    /* bytes of it that there must be */
	uint64_t before;  /* bytes that may stand before `address` in its block */
};

/* Under PYTHONMALLOC=debug each block has two or four words of its own first. */
static bool starts_near(const struct hw_cpython *cpython, const struct body *body, uint64_t start)
{
	uint64_t offset = body->address - start;

	return offset <= body->before || offset == 2 * cpython->word_size || offset == 4 * cpython->word_size;
}

static bool name_block(struct hw_cpython *cpython, const struct body *body)
{
	uint64_t start, size;
	uint32_t block, number;

	if (!cpython->arenas || !hw_pymalloc_block_at(cpython->arenas, body->address, &block, &start, &size))
		return false;
	number = number_of(cpython, body->what);
	if (starts_near(cpython, body, start) && size - (body->address - start) >= body->size &&
		!cpython->arenas->blocks[block] && number)
		cpython->arenas->blocks[block] = number | HW_PYMALLOC_STRONG;
	return true;
}

static void name_chunk(struct hw_cpython *cpython, const struct body *body)
{
	const struct hw_heap *heap = cpython->heap;
	uint64_t user, usable;
	uint32_t chunk;

	if (!hw_heap_find(heap, body->address, &chunk) || !hw_chunk_is_live(heap, chunk))
		return;
	user = hw_chunk_user(heap, chunk);
	usable = hw_chunk_usable(heap, chunk);
	if (body->address < user || !starts_near(cpython, body, user) || body->address - user > usable ||
		usable - (body->address - user) < body->size)
		return;
	hw_typer_offer(cpython->typer, chunk,
		&(struct hw_chunk_type){
			.type = number_of(cpython, body->what),
			.from = UINT32_MAX,
			.level = HW_LEVEL_STRONG,
			.evidence = HW_EVIDENCE_TAG,
			.fit = HW_FIT_ARRAY,
		});
}

static void name(struct hw_cpython *cpython, const struct body *body)
{
	if (!body->address || body->size > UINT32_MAX * UINT64_C(64))
		return;
	if (!name_block(cpython, body) && !cpython->error)
		name_chunk(cpython, body);
}

/* An object's words, for the functions below. */
struct fields {
	struct hw_cpython *cpython;
	const struct hw_cpython_block *block;
	uint64_t object;
};

static uint64_t field(const struct fields *fields, unsigned index)
{
	return hw_cpython_word(fields->cpython, fields->block,
		fields->object + (uint64_t)index * fields->cpython->word_size);
}

/* `count` items of `each` bytes where word `index` points. */
static void name_items(
	const struct fields *fields, unsigned index, unsigned what, uint64_t count, uint64_t each)
{
	struct body body = { .what = what, .address = field(fields, index) };

	if (__builtin_mul_overflow(count, each, &body.size))
		return;
	name(fields->cpython, &body);
}

static void name_dict(const struct fields *fields)
{
	bool is_array = fields->cpython->layout->values == HW_CPYTHON_VALUES_ARRAY;
	struct body values = { .what = DICT_VALUES, .address = field(fields, 5), .size = 1 };

	values.before = is_array ? 0 : FARTHEST;
	name_items(fields, 4, DICT_KEYS, 1, 4 * fields->cpython->word_size);
	name(fields->cpython, &values);
}

/* The state's bits: compact strings have their text behind the head; `data` is the others' only. */
static void name_str(const struct fields *fields)
{
	const struct hw_cpython_layout *layout = fields->cpython->layout;
	uint64_t state = field(fields, 4), length = field(fields, 2), kind = state >> 2 & 7;
	bool compact = state >> 5 & 1, ascii = state >> 6 & 1;

	if (layout->str_wide && compact)
		name_items(fields, layout->str_wide, STR_WIDE, 1, 1);
	if (compact && ascii)
		return;
	if (!compact)
		name_items(fields, layout->str_data, STR_DATA, length, kind);
	if (compact || field(fields, layout->str_utf8) != field(fields, layout->str_data))
		name_items(fields, layout->str_utf8, STR_UTF8, field(fields, layout->str_utf8 - 1), 1);
}

/* The small table lies within the object: that is no block's start, so nothing is named then. */
static void name_set(const struct fields *fields)
{
	uint64_t mask = field(fields, 4);

	if (mask < UINT32_MAX * UINT64_C(16))
		name_items(fields, 5, SET_TABLE, mask + 1, 2 * fields->cpython->word_size);
}

/* From the leftmost block to the rightmost. */
static void name_deque(const struct fields *fields)
{
	const struct hw_cpython *cpython = fields->cpython;
	uint64_t right = field(fields, 4), most = field(fields, 2) / 64 + 2;
	struct body body = { .what = DEQUE_BLOCK,
		.address = field(fields, 3),
		.size = (uint64_t)DEQUE_WORDS * cpython->word_size };

	for (uint64_t i = 0; i < hw_min(most, DEQUE_LONGEST) && body.address; i++) {
		struct hw_error *error;

		name(fields->cpython, &body);
		if (body.address == right)
			return;
		error = hw_image_read_word(cpython->image,
			body.address + (uint64_t)(DEQUE_WORDS - 1) * cpython->word_size, &body.address);
		if (error) {
			hw_error_destroy(error);
			return;
		}
	}
}

/* The values of an object's attributes, and the dict that it has for them, before the object itself. */
static void name_attributes(const struct fields *fields, const struct hw_cpython_type *type)
{
	enum hw_cpython_values kind = fields->cpython->layout->values;
	unsigned word = fields->cpython->word_size;
	struct body body = { .what = DICT_VALUES, .size = 1, .before = FARTHEST };

	if (!(type->flags & MANAGED_DICT) || fields->object < 4 * word)
		return;
	if (kind == HW_CPYTHON_VALUES_PREFIXED)
		body.address = hw_cpython_word(fields->cpython, fields->block, fields->object - 4 * word);
	else if (kind == HW_CPYTHON_VALUES_TAGGED)
		body.address = hw_cpython_word(fields->cpython, fields->block, fields->object - 3 * word);
	if (kind == HW_CPYTHON_VALUES_TAGGED && !(body.address++ & 1))
		return;
	name(fields->cpython, &body);
}

void hw_cpython_bodies(struct hw_cpython *cpython, const struct hw_cpython_block *block,
	const struct hw_cpython_object *object)
{
	struct fields fields = { cpython, block, object->start };

	name_attributes(&fields, object->type);
	switch (object->type->body) {
	case HW_CPYTHON_LIST:
		name_items(&fields, 3, LIST_ITEMS, field(&fields, 4), cpython->word_size);
		break;
	case HW_CPYTHON_DICT:
		name_dict(&fields);
		break;
	case HW_CPYTHON_STR:
		name_str(&fields);
		break;
	case HW_CPYTHON_SET:
		name_set(&fields);
		break;
	case HW_CPYTHON_BYTEARRAY:
		name_items(&fields, 4, BYTEARRAY_BUFFER, field(&fields, 3), 1);
		break;
	case HW_CPYTHON_DEQUE:
		name_deque(&fields);
		break;
	case HW_CPYTHON_ARRAY:
		name_items(&fields, 3, ARRAY_ITEMS, field(&fields, 2), 1);
		break;
	case HW_CPYTHON_PLAIN:
	case HW_CPYTHON_INT:
		break;
	}
}

/* ------------------------------------------------------------------------------------------------ dict's
 * keys
 */

/* A head of a dict's keys: dk_refcnt, size, dk_usable, dk_nentries. False: it cannot be one. */
struct keys {
	uint64_t size;
	uint64_t usable;
	uint64_t entries;
};

static bool read_keys(const struct hw_cpython *cpython, uint64_t address, struct keys *keys)
{
	const struct hw_image *image = cpython->image;
	unsigned word = image->word_size;
	uint8_t bytes[40];
	bool log2 = cpython->layout->keys == HW_CPYTHON_KEYS_LOG2;
	size_t at = log2 ? word + 8 : 3 * (size_t)word;

	if (hw_image_read_some(image, address, bytes, sizeof(bytes)) != sizeof(bytes) ||
		!hw_image_word(image, bytes))
		return false;
	if (log2 && (bytes[word] > 40 || bytes[word + 1] < bytes[word] || bytes[word + 2] > 2))
		return false;
	keys->size = log2 ? UINT64_C(1) << bytes[word] : hw_image_word(image, bytes + word);
	keys->usable = hw_image_word(image, bytes + at);
	keys->entries = hw_image_word(image, bytes + at + word);
	return true;
}

bool hw_cpython_has_keys(const struct hw_cpython *cpython, uint64_t dict)
{
	struct keys keys = { 0 };
	struct hw_error *error;
	uint64_t address;

	error = hw_image_read_word(cpython->image, dict + 4 * cpython->word_size, &address);
	if (error) {
		hw_error_destroy(error);
		return false;
	}
	/* USABLE_FRACTION(): two thirds of a power of two; what deletion leaves unused makes it less. */
	return read_keys(cpython, address, &keys) && keys.size && !(keys.size & (keys.size - 1)) &&
	       keys.size < UINT64_C(1) << 40 && keys.usable <= keys.size && keys.entries <= keys.size &&
	       keys.usable + keys.entries <= 2 * keys.size / 3 + 1;
}
