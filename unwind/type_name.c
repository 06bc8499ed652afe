/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Types and fields in words. Knows the catalogue only, no debug information. */
#include <inttypes.h>

#include "unwind/unwinder.h"

/* Structs in arrays in structs...: deeper than this goes in a circle. */
#define DEEPEST 100

#define DECLARATOR_SIZE 256

/* Puts `before` in front of and `after` behind the declarator; cut when it does not fit. */
static void wrap(char *declarator, const char *before, const char *after)
{
	char wrapped[DECLARATOR_SIZE * 2];

	(void)snprintf(wrapped, sizeof(wrapped), "%s%s%s", before, declarator, after);
	(void)snprintf(declarator, DECLARATOR_SIZE, "%.*s", DECLARATOR_SIZE - 1, wrapped);
}

static void wrap_array(char *declarator, uint64_t length)
{
	char bounds[32] = "[]";

	if (length)
		(void)snprintf(bounds, sizeof(bounds), "[%" PRIu64 "]", length);
	if (declarator[0] == '*')
		wrap(declarator, "(", ")");
	wrap(declarator, "", bounds);
}

static const char *own_name(const struct hw_type *type)
{
	if (*type->name)
		return type->name;
	switch (type->kind) {
	case HW_TYPE_STRUCT:
		return "struct {...}";
	case HW_TYPE_UNION:
		return "union {...}";
	case HW_TYPE_ENUM:
		return "enum {...}";
	case HW_TYPE_FUNCTION:
		return "function";
	default:
		return "?";
	}
}

const char *hw_type_name(const struct hw_types *types, uint32_t type, char *buffer, size_t size)
{
	char declarator[DECLARATOR_SIZE] = "";

	for (int i = 0; i < DEEPEST; i++) {
		const struct hw_type *here = &types->types[type];

		if (here->kind == HW_TYPE_POINTER)
			wrap(declarator, "*", "");
		else if (here->kind == HW_TYPE_ARRAY)
			wrap_array(declarator, here->length);
		else
			break;
		type = here->target;
	}
	(void)snprintf(
		buffer, size, "%s%s%s", own_name(&types->types[type]), *declarator ? " " : "", declarator);
	return buffer;
}

/* A place inside a type on the way down to a field. */
struct place {
	uint32_t type;
	uint64_t rest; /* bytes from the type's start */
	char *buffer;
	size_t size;
	size_t length;
};

static void append(struct place *place, const char *text)
{
	size_t room = place->size - place->length;
	size_t length = strlen(text);

	if (!place->length && *text == '.') {
		text++;
		length--;
	}
	length = room ? hw_min(length, room - 1) : 0;
	memcpy(place->buffer + place->length, text, length);
	place->length += length;
	if (room)
		place->buffer[place->length] = '\0';
}

static bool enter_array(const struct hw_types *types, struct place *place)
{
	const struct hw_type *array = &types->types[place->type];
	uint64_t element = types->types[array->target].size;
	char index[32];

	if (!element || (array->length && place->rest / element >= array->length))
		return false;
	(void)snprintf(index, sizeof(index), "[%" PRIu64 "]", place->rest / element);
	append(place, index);
	place->type = array->target;
	place->rest %= element;
	return true;
}

/* An array without a length at the end of a struct goes on behind it. */
static bool is_flexible(const struct hw_types *types, const struct hw_type_member *member)
{
	const struct hw_type *type = &types->types[hw_type_strip(types, member->type)];

	return type->kind == HW_TYPE_ARRAY && !type->length;
}

static bool covers(const struct hw_types *types, const struct hw_type_member *member, uint64_t offset)
{
	uint64_t size = types->types[member->type].size;

	if (member->is_virtual_base || offset < member->offset)
		return false;
	if (member->bit_size)
		size = (member->bit_offset + member->bit_size + 7) / 8;
	return offset - member->offset < size || is_flexible(types, member);
}

static bool enter_member(const struct hw_types *types, struct place *place)
{
	const struct hw_type *type = &types->types[place->type];

	for (uint32_t i = 0; i < type->member_count; i++) {
		const struct hw_type_member *member = &types->members[type->first_member + i];

		if (!covers(types, member, place->rest))
			continue;
		if (*member->name) {
			append(place, ".");
			append(place, member->name);
		}
		place->rest -= member->offset;
		place->type = member->type;
		return true;
	}
	return false;
}

static bool enter(const struct hw_types *types, struct place *place)
{
	place->type = hw_type_strip(types, place->type);
	switch (types->types[place->type].kind) {
	case HW_TYPE_ARRAY:
		return enter_array(types, place);
	case HW_TYPE_STRUCT:
	case HW_TYPE_UNION:
		return enter_member(types, place);
	default:
		return false;
	}
}

bool hw_type_field_at(const struct hw_types *types, uint32_t type, uint64_t offset, char *buffer, size_t size,
	uint32_t *field, uint64_t *rest)
{
	struct place place = { .type = type, .rest = offset, .buffer = buffer, .size = size };
	uint32_t last = type;
	uint64_t last_rest = offset;

	if (size)
		*buffer = '\0';
	for (int i = 0; i < DEEPEST && enter(types, &place); i++) {
		last = place.type;
		last_rest = place.rest;
	}
	if (last == type && last_rest == offset && offset >= types->types[hw_type_strip(types, type)].size)
		return false;
	if (field)
		*field = last;
	if (rest)
		*rest = last_rest;
	return true;
}
