/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The catalogue of types and variables of a whole process. */
#include "unwind/type_reader.h"

static void catalogue_destroy(struct hw_type_catalogue *catalogue)
{
	if (!catalogue)
		return;
	free(catalogue->types);
	free(catalogue->members);
	free(catalogue->variables);
	free(catalogue->modules);
	hw_pool_deinit(&catalogue->names);
	free(catalogue);
}

void hw_type_reader_destroy(struct hw_type_reader *reader)
{
	if (!reader)
		return;
	catalogue_destroy(reader->catalogue);
	hw_id_map_deinit(&reader->dies);
	hw_id_map_deinit(&reader->signatures);
	hw_id_map_deinit(&reader->definitions);
	hw_id_map_deinit(&reader->walked);
	hw_id_map_deinit(&reader->imported);
	hw_id_map_deinit(&reader->declared);
	free(reader->declared_names);
	free(reader->pending);
	free(reader->origins);
	free(reader->variables);
	free(reader->pointers);
	free(reader->variable_dies);
	free(reader->has_read);
	free(reader);
}

/* True if that added anything. */
static bool read_module(struct hw_type_reader *reader, uint32_t module)
{
	struct hw_object *object = &reader->unwinder->objects[module];
	Dwarf *dwarf;

	if (reader->has_read[module])
		return false;
	reader->has_read[module] = true;
	dwarf = object->dwfl ? dwfl_module_getdwarf(object->dwfl, &reader->bias) : NULL;
	if (!dwarf)
		return false;
	reader->module = module;
	reader->catalogue->modules[module].has_debug_info = true;
	hw_type_walk_module(reader, dwarf);
	hw_type_read_pending(reader);
	hw_type_read_variables(reader);
	hw_type_read_pointers(reader);
	hw_type_read_pending(reader);
	return true;
}

/* The definition of a declared struct, its own module's first; the declaration where none is certain. */
static uint32_t definition_of(const struct hw_type_reader *reader, uint32_t type)
{
	const struct hw_type *declared = &reader->catalogue->types[type];
	uint32_t definition = HW_DEFINITION_AMBIGUOUS;
	uint64_t name_hash;

	if (!declared->is_incomplete)
		return type;
	name_hash = hw_hash_string(HW_HASH_START, declared->name);
	if (!hw_id_map_get(&reader->definitions, hw_definition_key(name_hash, declared->module), &definition))
		hw_id_map_get(&reader->definitions, name_hash, &definition);
	return definition == HW_DEFINITION_AMBIGUOUS ? type : definition;
}

/* Arrays and typedefs of what was only declared when they were read have learnt no size yet. */
static uint64_t size_of(struct hw_type_catalogue *catalogue, uint32_t number, int depth)
{
	struct hw_type *type = &catalogue->types[number];
	uint64_t size;

	if (type->size || depth > 64 || (type->kind != HW_TYPE_ARRAY && type->kind != HW_TYPE_TYPEDEF))
		return type->size;
	size = size_of(catalogue, type->target, depth + 1);
	if (type->kind == HW_TYPE_ARRAY && __builtin_mul_overflow(size, type->length, &size))
		size = 0;
	return type->size = size;
}

/*
 * Whoever refers to a declaration shall refer to the definition that another unit or module has; the
 * declaration stays as a typedef of it. Pointers to the two remain two types with one target.
 */
static void join_declarations(struct hw_type_reader *reader)
{
	struct hw_type_catalogue *catalogue = reader->catalogue;

	for (size_t i = reader->joined_members; i < catalogue->member_count; i++)
		catalogue->members[i].type = definition_of(reader, catalogue->members[i].type);
	for (size_t i = reader->joined_variables; i < catalogue->variable_count; i++)
		catalogue->variables[i].type = definition_of(reader, catalogue->variables[i].type);
	for (size_t i = reader->joined_types; i < catalogue->type_count; i++)
		catalogue->types[i].target = definition_of(reader, catalogue->types[i].target);
	for (size_t i = reader->joined_types; i < catalogue->type_count; i++) {
		struct hw_type *type = &catalogue->types[i];
		uint32_t definition = definition_of(reader, (uint32_t)i);

		if (definition == i)
			continue;
		type->kind = HW_TYPE_TYPEDEF;
		type->target = definition;
		type->size = catalogue->types[definition].size;
		type->is_incomplete = false;
	}
	for (size_t i = reader->joined_types; i < catalogue->type_count; i++)
		size_of(catalogue, (uint32_t)i, 0);
	reader->joined_members = catalogue->member_count;
	reader->joined_variables = catalogue->variable_count;
	reader->joined_types = catalogue->type_count;
}

static int compare_variables(const void *left, const void *right)
{
	const struct hw_variable *a = left, *b = right;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->place == HW_VARIABLE_THREAD_LOCAL && a->module != b->module)
		return a->module < b->module ? -1 : 1;
	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* One variable may be described by several units (templates, inline variables). */
static void sort_variables(struct hw_type_catalogue *catalogue)
{
	struct hw_variable *variables = catalogue->variables;
	size_t kept = 0;

	if (!catalogue->variable_count)
		return;
	qsort(variables, catalogue->variable_count, sizeof(*variables), compare_variables);
	for (size_t i = 0; i < catalogue->variable_count; i++) {
		if (kept && compare_variables(&variables[kept - 1], &variables[i]) == 0)
			continue;
		variables[kept++] = variables[i];
	}
	catalogue->variable_count = kept;
}

static void publish(struct hw_type_catalogue *catalogue)
{
	catalogue->view = (struct hw_types){
		.types = catalogue->types,
		.type_count = (uint32_t)catalogue->type_count,
		.members = catalogue->members,
		.member_count = (uint32_t)catalogue->member_count,
		.variables = catalogue->variables,
		.variable_count = (uint32_t)catalogue->variable_count,
		.modules = catalogue->modules,
	};
}

struct hw_error *hw_type_reader_flush(struct hw_type_reader *reader)
{
	hw_type_read_pending(reader);
	if (!reader->no_memory)
		join_declarations(reader);
	publish(reader->catalogue);
	return reader->no_memory ? hw_error_no_memory() : NULL;
}

static struct hw_error *reader_create(struct hw_unwinder *unwinder, struct hw_type_reader **reader)
{
	struct hw_type nothing = { .kind = HW_TYPE_VOID, .name = "void" };
	size_t module_count = unwinder->snapshot->module_count;
	struct hw_type_reader *made = calloc(1, sizeof(*made));

	if (!made)
		return hw_error_no_memory();
	made->unwinder = unwinder;
	made->has_read = calloc(module_count + 1, sizeof(*made->has_read));
	made->catalogue = calloc(1, sizeof(*made->catalogue));
	if (made->catalogue) {
		hw_type_add(made, 1, &nothing);
		made->catalogue->modules = calloc(module_count + 1, sizeof(*made->catalogue->modules));
	}
	if (!made->has_read || !made->catalogue || !made->catalogue->modules || made->no_memory) {
		hw_type_reader_destroy(made);
		return hw_error_no_memory();
	}
	*reader = made;
	return NULL;
}

struct hw_error *hw_type_reader_open(
	struct hw_unwinder *unwinder, uint32_t module, struct hw_type_reader **reader)
{
	uint32_t count = (uint32_t)unwinder->snapshot->module_count;
	struct hw_type_reader *made = unwinder->types;
	struct hw_error *error = made ? NULL : reader_create(unwinder, &made);
	bool has_read = false;

	if (error || !made)
		return error;
	unwinder->types = made;
	for (uint32_t i = 0; i < count && !made->no_memory; i++) {
		if (module == UINT32_MAX || module == i)
			has_read |= read_module(made, i);
	}
	if (has_read) {
		/* What one module declares another may define: everything is looked at again. */
		made->joined_types = made->joined_members = made->joined_variables = 0;
		sort_variables(made->catalogue);
	}
	error = hw_type_reader_flush(made);
	if (!error)
		*reader = made;
	return error;
}

struct hw_error *hw_unwinder_types(struct hw_unwinder *unwinder, const struct hw_types **types)
{
	struct hw_type_reader *reader = NULL;
	struct hw_error *error = hw_type_reader_open(unwinder, UINT32_MAX, &reader);

	if (reader)
		*types = &reader->catalogue->view;
	return error;
}

bool hw_unwinder_variable_at(struct hw_unwinder *unwinder, uint64_t address, struct hw_variable *variable)
{
	const struct hw_object *object = hw_object_at(unwinder, address);
	const struct hw_variable *found = NULL;
	struct hw_type_reader *reader = NULL;

	if (!object)
		return false;
	hw_error_destroy(hw_type_reader_open(unwinder, (uint32_t)(object - unwinder->objects), &reader));
	if (reader)
		found = hw_types_variable_at(&reader->catalogue->view, address);
	if (found)
		*variable = *found;
	return found;
}

/* Numbers were given in the order in which origins were noted. */
static struct hw_pending_type *origin_of(struct hw_type_reader *reader, uint32_t type)
{
	size_t low = 0, high = reader->origin_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (reader->origins[middle].type < type)
			low = middle + 1;
		else
			high = middle;
	}
	return low < reader->origin_count && reader->origins[low].type == type ? &reader->origins[low] : NULL;
}

bool hw_unwinder_type_line(struct hw_unwinder *unwinder, uint32_t type, struct hw_source_line *line)
{
	struct hw_pending_type *origin = unwinder->types ? origin_of(unwinder->types, type) : NULL;
	const char *file = origin ? dwarf_decl_file(&origin->die) : NULL;
	int number;

	if (!file || dwarf_decl_line(&origin->die, &number) != 0)
		return false;
	*line = (struct hw_source_line){ .file = file, .line = number };
	return true;
}
