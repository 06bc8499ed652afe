/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The unwind layer's knowledge as the functions that heapwalk/naming.h asks for. */
#include "heapwalk/cli/names.h"

static bool symbol_at(void *argument, uint64_t address, const char **name, uint64_t *offset)
{
	struct hw_names_source *source = argument;
	struct hw_symbol symbol;

	if (!hw_unwinder_symbol(source->unwinder, address, &symbol) || !symbol.name)
		return false;
	*name = symbol.name;
	*offset = symbol.offset;
	return true;
}

static bool place_at(void *argument, uint64_t address, struct hw_named_place *place)
{
	struct hw_names_source *source = argument;
	struct hw_symbol symbol;

	if (!hw_unwinder_symbol(source->unwinder, address, &symbol) || (!symbol.name && !symbol.section))
		return false;
	*place = (struct hw_named_place){
		.name = symbol.name ? symbol.name : symbol.section,
		.is_section = !symbol.name,
		.start = address - symbol.offset,
		.size = symbol.size,
	};
	return true;
}

static bool thread_local_place(void *argument, uint32_t module, uint64_t offset, struct hw_named_place *place)
{
	struct hw_names_source *source = argument;
	struct hw_symbol symbol;

	if (!hw_unwinder_tls_symbol(source->unwinder, module, offset, &symbol))
		return false;
	*place = (struct hw_named_place){
		.name = symbol.name,
		.start = offset - symbol.offset,
		.size = symbol.size,
	};
	return true;
}

/* The one module's debug information will do: reading all takes much longer. */
static bool line_of(void *argument, uint64_t address, struct hw_named_line *found)
{
	struct hw_names_source *source = argument;
	struct hw_source_line line;
	struct hw_variable variable;

	if (!hw_unwinder_variable_at(source->unwinder, address, &variable) ||
		!hw_unwinder_variable_line(source->unwinder, &variable, &line))
		return false;
	*found = (struct hw_named_line){ .file = line.file, .line = (unsigned)line.line };
	return true;
}

static bool local_at(void *argument, uint32_t thread, uint64_t address, struct hw_named_local *local)
{
	struct hw_names_source *source = argument;

	return hw_stack_locals_find(source->locals, thread, address, local);
}

/* ----------------------------------------------------------------------------------------------------- types
 */

/* NULL: there are none, or memory is short. */
static const struct hw_types *types_of(struct hw_names_source *source)
{
	const struct hw_types *types = NULL;

	hw_error_destroy(hw_unwinder_types(source->unwinder, &types));
	return types;
}

static bool type_at(void *argument, uint64_t address, uint32_t *type, uint64_t *start)
{
	const struct hw_types *types = types_of(argument);
	const struct hw_variable *variable = types ? hw_types_variable_at(types, address) : NULL;

	if (!variable)
		return false;
	*type = variable->type;
	*start = variable->address;
	return true;
}

static bool thread_local_type(
	void *argument, uint32_t module, uint64_t offset, uint32_t *type, uint64_t *start)
{
	const struct hw_types *types = types_of(argument);

	for (uint32_t i = types ? types->variable_count : 0; i-- > 0;) {
		const struct hw_variable *variable = &types->variables[i];

		if (variable->place != HW_VARIABLE_THREAD_LOCAL)
			break;
		if (variable->module != module || offset < variable->address ||
			offset - variable->address >= types->types[variable->type].size)
			continue;
		*type = variable->type;
		*start = variable->address;
		return true;
	}
	return false;
}

/* An array of no length is where objects go on behind their type. */
static bool is_open_ended(const struct hw_types *types, const struct hw_type *type)
{
	const struct hw_type_member *last;
	const struct hw_type *tail;

	if (type->kind != HW_TYPE_STRUCT || !type->member_count)
		return false;
	last = &types->members[type->first_member + type->member_count - 1];
	tail = &types->types[hw_type_strip(types, last->type)];
	return tail->kind == HW_TYPE_ARRAY && !tail->length;
}

static bool is_number(const struct hw_type *type)
{
	return type->kind == HW_TYPE_ENUM ||
	       (type->kind == HW_TYPE_BASE && type->encoding != HW_TYPE_CHARACTER &&
		       type->encoding != HW_TYPE_NO_ENCODING);
}

static bool layout_of(void *argument, uint32_t number, struct hw_named_layout *layout)
{
	struct hw_names_source *source = argument;
	const struct hw_types *types = types_of(source);
	const struct hw_type *type;

	if (!types || number >= types->type_count)
		return false;
	type = &types->types[hw_type_strip(types, number)];
	*layout = (struct hw_named_layout){
		.name = hw_type_name(types, number, source->text, sizeof(source->text)),
		.size = type->size,
		.is_pointer = type->kind == HW_TYPE_POINTER,
		.is_number = is_number(type),
		.is_open_ended = is_open_ended(types, type),
	};
	return true;
}

static bool field_at(void *argument, uint32_t type, uint64_t offset, struct hw_named_field *field)
{
	struct hw_names_source *source = argument;
	const struct hw_types *types = types_of(source);
	const struct hw_type *found;
	uint32_t number;
	uint64_t rest;

	if (!types || type >= types->type_count ||
		!hw_type_field_at(types, type, offset, source->text, sizeof(source->text), &number, &rest))
		return false;
	found = &types->types[hw_type_strip(types, number)];
	*field = (struct hw_named_field){
		.name = source->text,
		.target = found->kind == HW_TYPE_POINTER && !rest ? found->target : 0,
	};
	return true;
}

struct hw_error *hw_names_source_init(
	struct hw_names_source *source, const struct hw_snapshot *snapshot, struct hw_unwinder *unwinder)
{
	*source = (struct hw_names_source){ .unwinder = unwinder };
	return hw_stack_locals_create(snapshot, unwinder, &source->locals);
}

void hw_names_source_deinit(struct hw_names_source *source)
{
	hw_stack_locals_destroy(source->locals);
	*source = (struct hw_names_source){ 0 };
}

struct hw_names hw_names_from(struct hw_names_source *source)
{
	return (struct hw_names){
		.argument = source,
		.symbol = symbol_at,
		.place = place_at,
		.thread_local_place = thread_local_place,
		.line = line_of,
		.local = local_at,
		.type_at = type_at,
		.thread_local_type = thread_local_type,
		.layout = layout_of,
		.field = field_at,
	};
}
