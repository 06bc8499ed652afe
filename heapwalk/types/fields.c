/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From members of members to one list of fields. */
#include "heapwalk/types/fields.h"

#define DEEPEST      32   /* structs in structs: more only damage shows */
#define MOST_FIELDS  4096 /* of one type; what lies behind is not looked at */
#define INLINE_ARRAY 8    /* elements; a longer array is one field */

/* A list that is being made. */
struct builder {
	struct hw_field_table *table;
	struct hw_field *fields;
	size_t count;
	size_t capacity;
	uint64_t run; /* numbers lie one behind the other from here */
	uint64_t run_end;
	bool failed;
};

/* Where a type stands on the way down. */
struct place {
	uint64_t offset;
	uint32_t node; /* pointers to the base of nodes mean this type; 0: are what they are */
	bool is_alternative;
	bool is_only;
	int depth;
};

struct hw_error *hw_field_table_init(struct hw_field_table *table, const struct hw_types *types,
	struct hw_templates *templates, unsigned word_size)
{
	*table = (struct hw_field_table){ .types = types, .templates = templates, .word_size = word_size };
	table->by_type = calloc(types->type_count, sizeof(*table->by_type));
	return table->by_type ? NULL : hw_error_no_memory();
}

void hw_field_table_deinit(struct hw_field_table *table)
{
	for (uint32_t i = 0; table->by_type && i < table->types->type_count; i++)
		free(table->by_type[i]);
	free(table->by_type);
	table->by_type = NULL;
}

static void append(struct builder *builder, const struct hw_field *field)
{
	struct hw_field *slot;

	if (builder->count >= MOST_FIELDS)
		return;
	slot = hw_array_next(builder->fields, builder->count, builder->capacity);
	if (!slot) {
		builder->failed = true;
		return;
	}
	*slot = *field;
	builder->count++;
}

/* Words that the numbers so far fill from end to end. */
static void end_run(struct builder *builder)
{
	unsigned word = builder->table->word_size;
	uint64_t at = hw_round_up(builder->run, word), end = builder->run_end;

	builder->run = builder->run_end = 0;
	for (; at + word <= end && builder->count < MOST_FIELDS; at += word)
		append(builder, &(struct hw_field){ .offset = at, .kind = HW_FIELD_NUMBER });
}

static void add_number(struct builder *builder, const struct place *place, uint64_t size)
{
	if (place->is_alternative)
		return;
	if (builder->run_end != builder->run && place->offset >= builder->run &&
		place->offset <= builder->run_end) {
		builder->run_end = hw_max(builder->run_end, place->offset + size);
		return;
	}
	end_run(builder);
	builder->run = place->offset;
	builder->run_end = place->offset + size;
}

static void add_field(struct builder *builder, const struct place *place, enum hw_field_kind kind,
	uint32_t target, uint64_t length)
{
	append(builder, &(struct hw_field){ .offset = place->offset,
				.length = length,
				.target = target,
				.kind = (uint8_t)kind,
				.is_alternative = place->is_alternative,
				.is_only = place->is_only });
}

static bool is_vtable_pointer(const struct hw_types *types, const struct hw_type *target)
{
	return target->kind == HW_TYPE_POINTER &&
	       types->types[hw_type_strip(types, target->target)].kind == HW_TYPE_FUNCTION;
}

static void add_pointer(
	struct builder *builder, const struct place *place, const struct hw_type *type, bool is_vptr)
{
	const struct hw_types *types = builder->table->types;
	uint32_t target = hw_type_strip(types, type->target);

	if (type->size != builder->table->word_size)
		return;
	if (place->node && hw_templates_is_node_base(types, target))
		target = place->node;
	if (types->types[target].kind == HW_TYPE_FUNCTION)
		add_field(builder, place, HW_FIELD_CODE, 0, 0);
	else if (is_vptr && is_vtable_pointer(types, &types->types[target]))
		add_field(builder, place, HW_FIELD_VTABLE, 0, 0);
	else
		add_field(builder, place, HW_FIELD_POINTER, target, 0);
}

static void add_type(struct builder *builder, const struct place *place, uint32_t type);

static void add_array(struct builder *builder, const struct place *place, const struct hw_type *array)
{
	const struct hw_types *types = builder->table->types;
	uint32_t target = hw_type_strip(types, array->target);
	const struct hw_type *element = &types->types[target];

	if (!array->length || !element->size || array->length > array->size)
		return;
	/* What the unused rest of a buffer holds says nothing. */
	if (element->kind == HW_TYPE_BASE && element->size == 1)
		return;
	if (element->kind == HW_TYPE_BASE || element->kind == HW_TYPE_ENUM) {
		if (array->length <= INLINE_ARRAY)
			add_number(builder, place, array->size);
		return;
	}
	if (array->length > INLINE_ARRAY) {
		end_run(builder);
		add_field(builder, place, HW_FIELD_ARRAY, target, array->length);
		return;
	}
	for (uint64_t i = 0; i < array->length; i++) {
		struct place inside = *place;

		inside.offset += i * element->size;
		inside.depth++;
		add_type(builder, &inside, target);
	}
}

static void add_member(
	struct builder *builder, const struct place *place, const struct hw_type_member *member)
{
	const struct hw_types *types = builder->table->types;
	uint32_t type = hw_type_strip(types, member->type);
	struct place inside = *place;

	if (member->is_virtual_base || member->offset > UINT32_MAX)
		return;
	inside.offset += member->offset;
	inside.depth++;
	if (member->bit_size)
		add_number(builder, &inside, (member->bit_offset + member->bit_size + 7u) / 8);
	else if (types->types[type].kind == HW_TYPE_POINTER)
		add_pointer(builder, &inside, &types->types[type], !strncmp(member->name, "_vptr", 5));
	else
		add_type(builder, &inside, type);
}

/* Whether at most one member of a union is a pointer; one that has pointers inside does not count as one. */
static bool has_one_pointer(const struct hw_types *types, const struct hw_type *whole)
{
	unsigned pointers = 0;

	for (uint32_t i = 0; i < whole->member_count; i++) {
		const struct hw_type *member =
			&types->types[hw_type_strip(types, types->members[whole->first_member + i].type)];

		if (member->kind == HW_TYPE_STRUCT || member->kind == HW_TYPE_UNION ||
			member->kind == HW_TYPE_ARRAY)
			return false;
		pointers += member->kind == HW_TYPE_POINTER;
	}
	return pointers == 1;
}

static void add_struct(struct builder *builder, const struct place *place, uint32_t type)
{
	const struct hw_types *types = builder->table->types;
	const struct hw_type *whole = &types->types[type];
	uint32_t stored = hw_templates_stored(builder->table->templates, type);
	uint32_t node = hw_templates_node(builder->table->templates, type);
	struct place inside = *place;

	if (whole->kind == HW_TYPE_UNION && whole->member_count > 1) {
		inside.is_only = !inside.is_alternative && has_one_pointer(types, whole);
		inside.is_alternative = true;
	}
	if (node)
		inside.node = node;
	if (stored) {
		inside.depth++;
		inside.node = 0;
		add_type(builder, &inside, stored);
		return;
	}
	for (uint32_t i = 0; i < whole->member_count && builder->count < MOST_FIELDS; i++)
		add_member(builder, &inside, &types->members[whole->first_member + i]);
}

static void add_type(struct builder *builder, const struct place *place, uint32_t type)
{
	const struct hw_types *types = builder->table->types;
	const struct hw_type *here;

	type = hw_type_strip(types, type);
	here = &types->types[type];
	if (place->depth > DEEPEST || place->offset > UINT32_MAX || builder->failed)
		return;
	switch (here->kind) {
	case HW_TYPE_BASE:
		/* A long double leaves bytes of its own unused. */
		if (here->encoding == HW_TYPE_BOOLEAN && here->size == 1 && !place->is_alternative)
			add_field(builder, place, HW_FIELD_BOOLEAN, 0, 0);
		if (here->size <= 8 && here->encoding != HW_TYPE_CHARACTER)
			add_number(builder, place, here->size);
		break;
	case HW_TYPE_ENUM:
		add_number(builder, place, hw_min(here->size, UINT64_C(8)));
		break;
	case HW_TYPE_POINTER:
		add_pointer(builder, place, here, false);
		break;
	case HW_TYPE_ARRAY:
		add_array(builder, place, here);
		break;
	case HW_TYPE_STRUCT:
	case HW_TYPE_UNION:
		add_struct(builder, place, type);
		break;
	}
}

/* The member that ends a struct as an array of no, one or an unknown number of elements. */
static void find_tail(const struct hw_types *types, uint32_t type, struct hw_fields *fields)
{
	const struct hw_type *whole = &types->types[type];
	const struct hw_type_member *last;
	const struct hw_type *array, *element;
	uint32_t target;

	fields->tail = UINT64_MAX;
	if (whole->kind != HW_TYPE_STRUCT || !whole->member_count)
		return;
	last = &types->members[whole->first_member + whole->member_count - 1];
	array = &types->types[hw_type_strip(types, last->type)];
	if (array->kind != HW_TYPE_ARRAY || array->length > 1 || last->is_virtual_base)
		return;
	target = hw_type_strip(types, array->target);
	element = &types->types[target];
	if (!element->size || last->offset > whole->size || whole->size - last->offset >= array->size + 16)
		return;
	fields->tail = last->offset;
	fields->tail_type = target;
}

const struct hw_fields *hw_fields_of(struct hw_field_table *table, uint32_t type)
{
	struct builder builder = { .table = table };
	struct hw_fields *made;

	type = hw_type_strip(table->types, type);
	if (table->by_type[type])
		return table->by_type[type];
	add_type(&builder, &(struct place){ .offset = 0 }, type);
	end_run(&builder);
	made = builder.failed ? NULL : calloc(1, sizeof(*made) + builder.count * sizeof(made->fields[0]));
	if (made) {
		made->size = table->types->types[type].size;
		made->count = (uint32_t)builder.count;
		for (size_t i = 0; i < builder.count; i++) {
			made->fields[i] = builder.fields[i];
			made->is_linked |= builder.fields[i].kind == HW_FIELD_POINTER &&
					   builder.fields[i].target == type;
		}
		find_tail(table->types, type, made);
		table->by_type[type] = made;
	}
	free(builder.fields);
	return made;
}
