/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values in words: what a type makes of bytes. Types come from debug information, which may be damaged. */
#include "heapwalk/types/value.h"

#include <inttypes.h>

#include "heapwalk/encoding.h"

/* Bytes of an object that are looked at. Larger ones have arrays in them that would be cut anyway. */
#define OBJECT_LIMIT ((size_t)64 << 10)

/* What types may lead through before it must be a circle. */
#define DEEPEST 64

static void write_value(struct hw_value *value, uint32_t type, uint64_t offset, unsigned depth);

void hw_value_print(struct hw_value *value, const char *format, ...)
{
	va_list arguments;
	int length;

	if (!value->left)
		return;
	va_start(arguments, format);
	length = vfprintf(value->out, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length < value->left) {
		value->left -= length < 0 ? 0 : (size_t)length;
		return;
	}
	value->left = 0;
	fputs(" ...", value->out);
}

bool hw_value_has(const struct hw_value *value, uint64_t offset, uint64_t size)
{
	return offset <= value->size && size <= value->size - offset;
}

/* `size` bytes, 8 at most, as a number in the target's byte order. They must be there. */
uint64_t hw_value_number(const struct hw_value *value, uint64_t offset, uint64_t size)
{
	bool big_endian = value->explainer->heap->snapshot->image->big_endian;
	uint64_t number = 0;

	for (uint64_t i = 0; i < size; i++)
		number |= (uint64_t)value->bytes[offset + i] << 8 * (big_endian ? size - 1 - i : i);
	return number;
}

static int64_t sign_extend(uint64_t number, unsigned bits)
{
	return bits >= 64 ? (int64_t)number : (int64_t)(number << (64 - bits)) >> (64 - bits);
}

static void write_character(struct hw_value *value, uint64_t number)
{
	if (number >= ' ' && number < 0x7f && number != '\\' && number != '\'')
		hw_value_print(value, "'%c'", (int)number);
	else
		hw_value_print(value, "%" PRIu64, number);
}

static void write_integer(struct hw_value *value, const struct hw_type *type, uint64_t number, unsigned bits)
{
	switch (type->encoding) {
	case HW_TYPE_BOOLEAN:
		hw_value_print(value,
			number > 1 ? "%" PRIu64 " (no boolean)"
			: number   ? "true"
				   : "false",
			number);
		break;
	case HW_TYPE_CHARACTER:
		write_character(value, number);
		break;
	case HW_TYPE_SIGNED:
		hw_value_print(value, "%" PRId64, sign_extend(number, bits));
		break;
	default:
		hw_value_print(value, "%" PRIu64, number);
	}
}

/* Only in the tool's own byte order are the target's floating-point numbers ours. */
static void write_float(struct hw_value *value, const struct hw_type *type, uint64_t offset)
{
	uint64_t raw = 0;
	uint32_t half = 0;
	double number;
	float single;

	if (type->size != sizeof(number) && type->size != sizeof(single)) {
		hw_value_print(value, "?");
		return;
	}
	raw = hw_value_number(value, offset, type->size);
	half = (uint32_t)raw;
	memcpy(&number, &raw, sizeof(number));
	memcpy(&single, &half, sizeof(single));
	hw_value_print(value, "%g", type->size == sizeof(single) ? (double)single : number);
}

static void write_base(struct hw_value *value, const struct hw_type *type, uint64_t offset)
{
	if (type->encoding == HW_TYPE_FLOAT)
		write_float(value, type, offset);
	else if (type->size > 0 && type->size <= 8)
		write_integer(
			value, type, hw_value_number(value, offset, type->size), (unsigned)type->size * 8);
	else
		hw_value_print(value, "?");
}

static void write_bits(struct hw_value *value, const struct hw_type_member *member, uint64_t offset)
{
	const struct hw_types *types = value->explainer->typing->catalogue;
	const struct hw_type *type = &types->types[hw_type_strip(types, member->type)];
	uint64_t bytes = ((uint64_t)member->bit_offset + member->bit_size + 7) / 8;
	uint64_t number;

	if (bytes > 8 || value->explainer->heap->snapshot->image->big_endian ||
		!hw_value_has(value, offset, bytes)) {
		hw_value_print(value, "?");
		return;
	}
	number = hw_value_number(value, offset, bytes) >> member->bit_offset;
	if (member->bit_size < 64)
		number &= (UINT64_C(1) << member->bit_size) - 1;
	write_integer(value, type, number, member->bit_size);
}

static void write_member(
	struct hw_value *value, const struct hw_type_member *member, uint64_t offset, unsigned depth)
{
	const struct hw_types *types = value->explainer->typing->catalogue;
	char name[256];

	if (member->is_base)
		hw_value_print(value, "<%s> = ", hw_type_name(types, member->type, name, sizeof(name)));
	else if (*member->name)
		hw_value_print(value, "%s = ", member->name);
	if (member->is_virtual_base)
		hw_value_print(value, "?");
	else if (member->bit_size)
		write_bits(value, member, offset + member->offset);
	else
		write_value(value, member->type, offset + member->offset, depth);
}

static void write_members(struct hw_value *value, const struct hw_type *type, uint64_t offset, unsigned depth)
{
	const struct hw_types *types = value->explainer->typing->catalogue;
	uint32_t shown = hw_min(type->member_count, value->limits.members);

	if (depth >= value->limits.depth) {
		hw_value_print(value, "{...}");
		return;
	}
	hw_value_print(value, "{ ");
	for (uint32_t i = 0; i < shown && value->left; i++) {
		if (i)
			hw_value_print(value, ", ");
		write_member(value, &types->members[type->first_member + i], offset, depth + 1);
	}
	if (shown < type->member_count)
		hw_value_print(value, ", ...%u more", (unsigned)(type->member_count - shown));
	hw_value_print(value, " }");
}

static bool is_character(const struct hw_type *type)
{
	return type->kind == HW_TYPE_BASE && type->encoding == HW_TYPE_CHARACTER && type->size == 1;
}

/* An array of characters that holds text, all or up to a zero, is written as such; others as numbers. */
static bool write_text_array(struct hw_value *value, uint64_t offset, uint64_t length)
{
	const uint8_t *text = value->bytes + offset;
	size_t run = strnlen((const char *)text, length);

	if (!run || hw_utf8_run(text, run) < run)
		return false;
	hw_value_quote(value, (const char *)text, run);
	return true;
}

static void write_elements(
	struct hw_value *value, uint32_t element, uint64_t offset, uint64_t length, unsigned depth)
{
	const struct hw_types *types = value->explainer->typing->catalogue;
	uint64_t size = types->types[hw_type_strip(types, element)].size;
	uint64_t shown = hw_min(length, value->limits.elements);

	hw_value_print(value, "{ ");
	for (uint64_t i = 0; i < shown && value->left; i++) {
		hw_value_print(value, i ? ", " : "");
		write_value(value, element, offset + i * size, depth + 1);
	}
	if (shown < length)
		hw_value_print(value, ", ...%" PRIu64 " more", length - shown);
	hw_value_print(value, " }");
}

static void write_array(struct hw_value *value, const struct hw_type *type, uint64_t offset, unsigned depth)
{
	const struct hw_types *types = value->explainer->typing->catalogue;
	const struct hw_type *element = &types->types[hw_type_strip(types, type->target)];
	uint64_t room = offset < value->size ? value->size - offset : 0;
	uint64_t length = type->length;

	if (!element->size || depth >= value->limits.depth) {
		hw_value_print(value, "{...}");
		return;
	}
	if (length > room / element->size)
		length = room / element->size;
	if (!is_character(element) || !write_text_array(value, offset, length))
		write_elements(value, type->target, offset, length, depth);
}

static void write_value(struct hw_value *value, uint32_t number, uint64_t offset, unsigned depth)
{
	const struct hw_types *types = value->explainer->typing->catalogue;
	const struct hw_type *type = &types->types[hw_type_strip(types, number)];
	unsigned word_size = value->explainer->heap->word_size;

	if (depth > DEEPEST || (type->kind != HW_TYPE_ARRAY && !hw_value_has(value, offset, type->size))) {
		hw_value_print(value, "?");
		return;
	}
	switch (type->kind) {
	case HW_TYPE_BASE:
		write_base(value, type, offset);
		break;
	case HW_TYPE_ENUM:
		hw_value_print(value, "%" PRIu64, hw_value_number(value, offset, hw_min(type->size, 8)));
		break;
	case HW_TYPE_POINTER:
		if (hw_value_has(value, offset, word_size))
			hw_value_pointer(value, type->target, hw_value_number(value, offset, word_size));
		break;
	case HW_TYPE_ARRAY:
		write_array(value, type, offset, depth);
		break;
	case HW_TYPE_STRUCT:
		if (!hw_value_string_object(value, type, offset))
			write_members(value, type, offset, depth);
		break;
	case HW_TYPE_UNION:
		write_members(value, type, offset, depth);
		break;
	default:
		hw_value_print(value, "?");
	}
}

static struct hw_value_limits with_defaults(const struct hw_value_limits *limits)
{
	struct hw_value_limits all = limits ? *limits : (struct hw_value_limits){ 0 };

	all.depth = all.depth ? hw_min(all.depth, DEEPEST) : 4;
	all.elements = all.elements ? all.elements : 8;
	all.members = all.members ? all.members : 64;
	all.text = all.text ? all.text : 64;
	all.length = all.length ? all.length : 4096;
	return all;
}

/* Starts a value with the object's bytes read; what cannot be read ends it. */
static struct hw_error *begin(struct hw_value *value, uint64_t address, uint64_t size, char **text)
{
	static size_t ignored;

	value->bytes = malloc(hw_min(size, OBJECT_LIMIT) + 1);
	value->out = open_memstream(text, &ignored);
	if (!value->bytes || !value->out)
		return hw_error_no_memory();
	value->left = value->limits.length;
	value->size = hw_image_read_some(
		value->explainer->heap->snapshot->image, address, value->bytes, hw_min(size, OBJECT_LIMIT));
	return NULL;
}

static struct hw_error *end(struct hw_value *value, char **text, struct hw_error *error)
{
	if (value->out && fclose(value->out) && !error)
		error = hw_error_no_memory();
	free(value->bytes);
	if (error) {
		free(*text);
		*text = NULL;
	}
	return error;
}

struct hw_error *hw_value_text(const struct hw_explainer *explainer, uint32_t type, uint64_t address,
	uint64_t size, const struct hw_value_limits *limits, char **text)
{
	struct hw_value value = { .explainer = explainer, .limits = with_defaults(limits) };
	char *made = NULL;
	struct hw_error *error = begin(&value, address, size, &made);

	if (!error)
		write_value(&value, type, 0, 0);
	error = end(&value, &made, error);
	if (!error)
		*text = made;
	return error;
}

/* Several objects one behind the other: "Session[3] { ... }". */
static void write_chunk(struct hw_value *value, const struct hw_chunk_type *answer)
{
	const struct hw_named_type *named = &value->explainer->typing->types[answer->type];
	uint64_t count = named->size ? value->size / named->size : 0;

	if (answer->fit == HW_FIT_ARRAY && count > 1) {
		hw_value_print(value, "%s[%" PRIu64 "] ", named->name, count);
		write_elements(value, named->catalogue, 0, count, 0);
		return;
	}
	hw_value_print(value, "%s ", named->name);
	write_value(value, named->catalogue, 0, 0);
	if ((answer->fit == HW_FIT_TAIL || answer->fit == HW_FIT_PREFIX || answer->fit == HW_FIT_DERIVED) &&
		named->size < value->size)
		hw_value_print(value, " + %" PRIu64 " bytes", (uint64_t)(value->size - named->size));
}

/* gdb takes "struct" for C++ classes too; a typedef or a number has no such word. */
static int write_cast(const struct hw_explainer *explainer, const struct hw_named_type *named,
	uint64_t address, uint64_t count, char **cast)
{
	const struct hw_type *type = &explainer->typing->catalogue->types[named->catalogue];
	const char *keyword = type->kind == HW_TYPE_STRUCT  ? "struct "
			      : type->kind == HW_TYPE_UNION ? "union "
							    : "";

	if (count > 1)
		return asprintf(
			cast, "p *(%s%s *) %#" PRIx64 "@%" PRIu64, keyword, named->name, address, count);
	return asprintf(cast, "p *(%s%s *) %#" PRIx64, keyword, named->name, address);
}

struct hw_error *hw_value_of_chunk(const struct hw_explainer *explainer, uint32_t chunk,
	const struct hw_value_limits *limits, char **text, char **cast)
{
	const struct hw_chunk_type *answer = hw_chunk_type(explainer->typing, chunk);
	const struct hw_named_type *named = &explainer->typing->types[answer->type];
	struct hw_value value = { .explainer = explainer, .limits = with_defaults(limits) };
	uint64_t address = hw_chunk_user(explainer->heap, chunk);
	uint64_t usable = hw_chunk_usable(explainer->heap, chunk);
	uint64_t count = answer->fit == HW_FIT_ARRAY && named->size ? usable / named->size : 1;
	struct hw_error *error;
	char *made = NULL;

	*text = *cast = NULL;
	if (!explainer->typing->catalogue || !named->catalogue)
		return NULL;
	error = begin(&value, address, usable, &made);
	if (!error)
		write_chunk(&value, answer);
	error = end(&value, &made, error);
	if (!error && write_cast(explainer, named, address, count, cast) < 0) {
		free(made);
		*cast = NULL;
		return hw_error_no_memory();
	}
	*text = error ? NULL : made;
	return error;
}
