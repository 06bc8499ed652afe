/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walking debug information: which structs there are, and which of them are the same. */
#include "unwind/type_reader.h"

/* Namespaces in classes in blocks: deeper than this only damage goes. */
#define DEEPEST_SCOPE 128

/* How far one walk goes. */
struct walk {
	struct hw_type_reader *reader;
	bool is_c;    /* no namespaces, and equal names need not mean equal structs */
	bool is_deep; /* also into structs that were seen before: their inner types are to be numbered */
	int depth;
};

static void walk_children(struct walk *walk, Dwarf_Die *parent, const struct hw_scope *scope);

const char *hw_type_scoped(struct hw_type_reader *reader, const struct hw_scope *scope, const char *name)
{
	for (; scope; scope = scope->outer) {
		const char *joined = hw_pool_join(&reader->catalogue->names, scope->name, "::", name);

		if (!joined) {
			reader->no_memory = true;
			return name;
		}
		name = joined;
	}
	return name;
}

static bool is_member(int tag)
{
	return tag == DW_TAG_member || tag == DW_TAG_inheritance || tag == DW_TAG_enumerator;
}

/* Names and places of the members: what tells two C structs of one name apart. */
static uint64_t hash_layout(Dwarf_Die *die, uint64_t hash)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child) != 0)
		return hash;
	do {
		struct hw_die_facts facts;
		Dwarf_Word offset = 0;

		if (!is_member(dwarf_tag(&child)))
			continue;
		hw_die_facts_read(&child, &facts);
		if (facts.has_member_location && !hw_die_constant(&facts.member_location, &offset))
			offset = 0;
		hash = hw_hash_string(hash, facts.name ? facts.name : "");
		hash = hw_hash_number(hash, offset << 16 ^ facts.data_bit_offset << 8 ^ facts.bit_size);
	} while (dwarf_siblingof(&child, &child) == 0);
	return hash;
}

static enum hw_type_kind kind_of(int tag)
{
	switch (tag) {
	case DW_TAG_union_type:
		return HW_TYPE_UNION;
	case DW_TAG_enumeration_type:
		return HW_TYPE_ENUM;
	default:
		return HW_TYPE_STRUCT;
	}
}

#define UNNAMED_NAMESPACE "(anonymous namespace)"

/* What has this in its name belongs to one file; another file's namesake is another type. */
static bool is_of_one_file(const char *name)
{
	return strstr(name, UNNAMED_NAMESPACE) != NULL;
}

static uint32_t note_die(struct hw_type_reader *reader, Dwarf_Die *die, uint32_t type)
{
	if (!hw_id_map_set(&reader->dies, (uintptr_t)die->addr, type))
		reader->no_memory = true;
	return type;
}

/* A struct that is only declared: one number for all declarations in the module, defined later or never. */
static uint32_t number_declaration(struct hw_type_reader *reader, Dwarf_Die *die, const struct hw_type *type)
{
	uint64_t signature = hw_hash_string(hw_hash_number(HW_HASH_START, 'd'), type->name);

	signature = hw_hash_number(signature, reader->module);
	return note_die(reader, die, hw_type_add(reader, signature, type));
}

static void define_under(struct hw_type_reader *reader, uint64_t key, uint32_t number)
{
	uint32_t known;

	if (hw_id_map_get(&reader->definitions, key, &known)) {
		if (known == number)
			return;
		number = HW_DEFINITION_AMBIGUOUS;
	}
	if (!hw_id_map_set(&reader->definitions, key, number))
		reader->no_memory = true;
}

/* A stand-in that knows which type unit has the definition; 0: that unit is not there. */
static uint32_t number_stand_in(struct hw_type_reader *reader, Dwarf_Die *die, struct hw_die_facts *facts)
{
	uint32_t number = facts->has_size ? 0 : hw_type_of_attribute(reader, &facts->signature);

	return number ? note_die(reader, die, number) : 0;
}

/* Members are to be read, and questions about the source may come. */
static void note_new(struct hw_type_reader *reader, Dwarf_Die *die, uint32_t number, bool has_members)
{
	struct hw_pending_type entry = { .die = *die, .type = number };
	struct hw_pending_type *origin =
		hw_array_next(reader->origins, reader->origin_count, reader->origin_capacity);
	struct hw_pending_type *pending =
		hw_array_next(reader->pending, reader->pending_count, reader->pending_capacity);

	if (!origin || !pending) {
		reader->no_memory = true;
		return;
	}
	*origin = *pending = entry;
	reader->origin_count++;
	reader->pending_count += has_members;
}

const char *hw_type_declared_name(struct hw_type_reader *reader, struct hw_die_facts *facts)
{
	Dwarf_Die declaration;
	uint32_t number;

	if (!facts->has_specification || !dwarf_formref_die(&facts->specification, &declaration))
		return NULL;
	if (hw_id_map_get(&reader->declared, (uintptr_t)declaration.addr, &number))
		return reader->declared_names[number];
	if (!hw_id_map_get(&reader->dies, (uintptr_t)declaration.addr, &number)) {
		hw_type_walk_unit_of(reader, &declaration);
		if (!hw_id_map_get(&reader->dies, (uintptr_t)declaration.addr, &number))
			return NULL;
	}
	return reader->catalogue->types[number].name;
}

static uint32_t number_definition(struct hw_type_reader *reader, Dwarf_Die *die,
	const struct hw_die_facts *facts, const struct hw_type *type, bool is_c)
{
	size_t before = reader->catalogue->type_count;
	uint64_t name_hash =
		*type->name ? hw_hash_string(HW_HASH_START, type->name) : (uint64_t)(uintptr_t)die->addr;
	uint64_t signature = hw_hash_number(name_hash, type->kind ^ facts->line << 8 ^ facts->size << 32);
	uint32_t number;

	if (is_c || is_of_one_file(type->name))
		signature = hash_layout(die, signature);
	number = hw_type_add(reader, signature, type);
	if (reader->catalogue->type_count > before)
		note_new(reader, die, number, type->kind != HW_TYPE_ENUM);
	if (*type->name) {
		define_under(reader, name_hash, number);
		define_under(reader, hw_definition_key(name_hash, reader->module), number);
	}
	return number;
}

uint32_t hw_type_number(struct hw_type_reader *reader, Dwarf_Die *die, const struct hw_scope *scope,
	const char *name, bool is_c)
{
	struct hw_die_facts facts;
	struct hw_type type = { .kind = (uint8_t)kind_of(dwarf_tag(die)), .module = reader->module };
	size_t before;
	bool is_joined;
	uint32_t number;

	hw_die_facts_read(die, &facts);
	if (facts.has_signature && (number = number_stand_in(reader, die, &facts)))
		return number;
	if (!name)
		name = facts.name ? facts.name : "";
	type.name = hw_type_declared_name(reader, &facts);
	before = reader->catalogue->type_count;
	is_joined = !type.name && *name && scope;
	if (!type.name)
		type.name = *name ? hw_type_scoped(reader, scope, name) : "";
	type.size = facts.size;
	type.is_incomplete = facts.is_declaration;
	if (facts.is_declaration)
		return number_declaration(reader, die, &type);
	number = number_definition(reader, die, &facts, &type, is_c);
	if (is_joined && reader->catalogue->type_count == before && !reader->no_memory)
		hw_pool_drop(&reader->catalogue->names, type.name);
	return note_die(reader, die, number);
}

/* A struct and what is declared inside it. `name` as for hw_type_number(). */
static void walk_struct(struct walk *walk, Dwarf_Die *die, const struct hw_scope *scope, const char *name)
{
	struct hw_type_reader *reader = walk->reader;
	size_t before = reader->catalogue->type_count;
	uint32_t number = hw_type_number(reader, die, scope, name, walk->is_c);
	const struct hw_type *type = &reader->catalogue->types[number];
	struct hw_scope inside = { .name = type->name };
	bool is_new = reader->catalogue->type_count > before;

	if (walk->is_c || type->kind == HW_TYPE_ENUM || (!is_new && !walk->is_deep))
		return;
	walk_children(walk, die, *type->name ? &inside : scope);
}

/* typedef struct { ... } name: the struct has no name but this. */
static void walk_typedef(struct walk *walk, Dwarf_Die *die, const struct hw_scope *scope)
{
	struct hw_die_facts facts, target_facts;
	Dwarf_Die target;

	hw_die_facts_read(die, &facts);
	if (!facts.name || !facts.has_type || !dwarf_formref_die(&facts.type, &target))
		return;
	switch (dwarf_tag(&target)) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		hw_die_facts_read(&target, &target_facts);
		if (!target_facts.name)
			walk_struct(walk, &target, scope, facts.name);
	}
}

/* Whether a variable has one address for good, its own or in each thread; a look that costs little. */
static bool is_static(Dwarf_Die *die)
{
	Dwarf_Attribute location;
	Dwarf_Block block;

	if (!dwarf_attr(die, DW_AT_location, &location) || dwarf_formblock(&location, &block) != 0 ||
		!block.length)
		return false;
	switch (block.data[0]) {
	case DW_OP_addr:
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
	case DW_OP_GNU_const_index:
	case DW_OP_constx:
	case DW_OP_const4u:
	case DW_OP_const8u:
		return true;
	default:
		return false;
	}
}

/* A variable of a namespace; its definition stands outside of it and refers to this. */
static void note_declaration(struct hw_type_reader *reader, Dwarf_Die *die, const struct hw_scope *scope)
{
	const char *name = dwarf_diename(die);
	const char **slot;

	if (!scope || !name)
		return;
	slot = hw_array_next(reader->declared_names, reader->declared_count, reader->declared_capacity);
	if (!slot ||
		!hw_id_map_set(&reader->declared, (uintptr_t)die->addr, (uint32_t)reader->declared_count)) {
		reader->no_memory = true;
		return;
	}
	*slot = hw_type_scoped(reader, scope, name);
	reader->declared_count++;
}

static void note_variable(struct walk *walk, Dwarf_Die *die, const struct hw_scope *scope)
{
	struct hw_type_reader *reader = walk->reader;
	const char *name = dwarf_diename(die);
	struct hw_pending_variable *slot;

	if (!is_static(die)) {
		if (dwarf_hasattr(die, DW_AT_declaration))
			note_declaration(reader, die, scope);
		return;
	}
	slot = hw_array_next(reader->variables, reader->variable_count, reader->variable_capacity);
	if (!slot) {
		reader->no_memory = true;
		return;
	}
	*slot = (struct hw_pending_variable){ .die = *die, .is_c = walk->is_c };
	slot->name = hw_type_scoped(reader, scope, name ? name : "");
	reader->variable_count++;
}

/* What C programs handle through pointers is what they allocate; no member need be such a pointer. */
static void note_pointer(struct hw_type_reader *reader, Dwarf_Die *die)
{
	Dwarf_Die *slot = hw_array_next(reader->pointers, reader->pointer_count, reader->pointer_capacity);

	if (!slot) {
		reader->no_memory = true;
		return;
	}
	*slot = *die;
	reader->pointer_count++;
}

static void walk_namespace(struct walk *walk, Dwarf_Die *die, const struct hw_scope *scope)
{
	const char *name = dwarf_diename(die);
	struct hw_scope inside = { .outer = scope, .name = name ? name : UNNAMED_NAMESPACE };

	walk_children(walk, die, &inside);
}

/* What a function has inside that outlives its calls: static variables, and types. */
static void walk_function(struct walk *walk, Dwarf_Die *die, const struct hw_scope *scope)
{
	struct hw_scope inside = { .outer = scope };

	if (!dwarf_haschildren(die))
		return;
	inside.name = dwarf_tag(die) == DW_TAG_subprogram ? dwarf_diename(die) : NULL;
	walk_children(walk, die, inside.name ? &inside : scope);
}

/*
 * dwz moves what several units or files have in common into units that these import; in a unit of another
 * file nothing else leads there.
 */
static void walk_import(struct walk *walk, Dwarf_Die *die)
{
	struct hw_id_map *imported = &walk->reader->imported;
	Dwarf_Attribute attribute;
	Dwarf_Die unit;
	uint32_t seen;

	if (walk->is_deep || !dwarf_attr(die, DW_AT_import, &attribute) ||
		!dwarf_formref_die(&attribute, &unit) || hw_id_map_get(imported, (uintptr_t)unit.addr, &seen))
		return;
	if (hw_id_map_set(imported, (uintptr_t)unit.addr, 1))
		walk_children(walk, &unit, NULL);
	else
		walk->reader->no_memory = true;
}

static void walk_one(struct walk *walk, Dwarf_Die *die, const struct hw_scope *scope)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		if (dwarf_hasattr(die, DW_AT_name) || dwarf_hasattr(die, DW_AT_specification))
			walk_struct(walk, die, scope, NULL);
		break;
	case DW_TAG_typedef:
		walk_typedef(walk, die, scope);
		break;
	case DW_TAG_variable:
		if (!walk->is_deep)
			note_variable(walk, die, scope);
		break;
	case DW_TAG_pointer_type:
		if (walk->is_c && !walk->is_deep)
			note_pointer(walk->reader, die);
		break;
	case DW_TAG_imported_unit:
		walk_import(walk, die);
		break;
	case DW_TAG_namespace:
	case DW_TAG_module:
		walk_namespace(walk, die, scope);
		break;
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
		walk_function(walk, die, scope);
		break;
	}
}

static void walk_children(struct walk *walk, Dwarf_Die *parent, const struct hw_scope *scope)
{
	Dwarf_Die child;

	if (walk->depth >= DEEPEST_SCOPE || walk->reader->no_memory || dwarf_child(parent, &child) != 0)
		return;
	walk->depth++;
	do
		walk_one(walk, &child, scope);
	while (!walk->reader->no_memory && dwarf_siblingof(&child, &child) == 0);
	walk->depth--;
}

static bool is_c_unit(Dwarf_Die *unit)
{
	switch (dwarf_srclang(unit)) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11:
		return true;
	default:
		return false;
	}
}

void hw_type_walk_module(struct hw_type_reader *reader, Dwarf *dwarf)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die, split;
	uint8_t type;

	hw_id_map_deinit(&reader->imported);
	while (!reader->no_memory && dwarf_get_units(dwarf, unit, &unit, NULL, &type, &die, &split) == 0) {
		struct walk walk = { .reader = reader };
		Dwarf_Die *root = type == DW_UT_skeleton && split.addr ? &split : &die;

		walk.is_c = is_c_unit(root);
		walk_children(&walk, root, NULL);
	}
}

void hw_type_walk_unit_of(struct hw_type_reader *reader, Dwarf_Die *die)
{
	struct walk walk = { .reader = reader, .is_deep = true };
	Dwarf_Die unit;
	uint32_t seen;

	if (!dwarf_diecu(die, &unit, NULL, NULL) ||
		hw_id_map_get(&reader->walked, (uintptr_t)unit.addr, &seen))
		return;
	if (!hw_id_map_set(&reader->walked, (uintptr_t)unit.addr, 1)) {
		reader->no_memory = true;
		return;
	}
	walk.is_c = is_c_unit(&unit);
	walk_children(&walk, &unit, NULL);
}
