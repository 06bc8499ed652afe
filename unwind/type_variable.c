/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Global, static and thread-local variables. */
#include "unwind/unwinder.h"
#include "unwind/type_reader.h"

static bool is_tls(const Dwarf_Op *operation)
{
	return operation->atom == DW_OP_form_tls_address || operation->atom == DW_OP_GNU_push_tls_address;
}

/* The address that an operation pushes; in split DWARF it stands in a table of the main file. */
static bool address_of(Dwarf_Attribute *location, const Dwarf_Op *operation, Dwarf_Addr *address)
{
	Dwarf_Attribute indirect;

	switch (operation->atom) {
	case DW_OP_addr:
	case DW_OP_const4u:
	case DW_OP_const8u:
		*address = operation->number;
		return true;
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
	case DW_OP_GNU_const_index:
	case DW_OP_constx:
		return dwarf_getlocation_attr(location, operation, &indirect) == 0 &&
		       (dwarf_formaddr(&indirect, address) == 0 || dwarf_formudata(&indirect, address) == 0);
	default:
		return false;
	}
}

static bool place_variable(
	const struct hw_type_reader *reader, struct hw_die_facts *facts, struct hw_variable *variable)
{
	Dwarf_Op *operations;
	Dwarf_Addr address;
	size_t count;

	if (!facts->has_location || dwarf_getlocation(&facts->location, &operations, &count) != 0 || !count ||
		!address_of(&facts->location, &operations[0], &address))
		return false;
	if (count == 2 && is_tls(&operations[1])) {
		variable->place = HW_VARIABLE_THREAD_LOCAL;
		variable->address = address;
		return true;
	}
	/* Address 0: the linker threw its section away. */
	if (count != 1 || !address || operations[0].atom == DW_OP_const4u ||
		operations[0].atom == DW_OP_const8u)
		return false;
	variable->place = HW_VARIABLE_MEMORY;
	variable->address = address + reader->bias;
	return true;
}

/*
 * A definition may stand outside the class, namespace or function that it belongs to, with nothing that leads
 * there. Then its ELF symbol may know, being a mangled name.
 */
static const char *symbol_name(struct hw_type_reader *reader, const struct hw_variable *variable)
{
	struct hw_object *object = &reader->unwinder->objects[reader->module];
	const struct hw_symbol_entry *entry;

	if (variable->place != HW_VARIABLE_MEMORY)
		return NULL;
	hw_object_load(object);
	entry = hw_symbol_table_find(&object->symbols, variable->address);
	return entry && entry->start == variable->address && strstr(entry->name, "::") ? entry->name : NULL;
}

static const char *full_name(struct hw_type_reader *reader, const struct hw_pending_variable *pending,
	struct hw_die_facts *facts, const struct hw_variable *variable)
{
	hw_autofree char *demangled = facts->linkage_name ? hw_demangle(facts->linkage_name) : NULL;
	const char *name = NULL;

	if (demangled)
		name = hw_pool_join(&reader->catalogue->names, demangled, "", "");
	else if (!pending->is_c)
		name = symbol_name(reader, variable);
	if (!name)
		name = hw_type_declared_name(reader, facts);
	if (name && *name)
		return name;
	return *pending->name ? pending->name : facts->name ? facts->name : "";
}

static void read_variable(struct hw_type_reader *reader, struct hw_pending_variable *pending)
{
	struct hw_type_catalogue *catalogue = reader->catalogue;
	struct hw_variable variable = { .module = reader->module };
	struct hw_die_facts facts;
	struct hw_variable *slot;
	Dwarf_Die *die;

	hw_die_facts_read(&pending->die, &facts);
	if (!place_variable(reader, &facts, &variable))
		return;
	hw_die_facts_complete(&facts);
	variable.name = full_name(reader, pending, &facts, &variable);
	variable.type = facts.has_type ? hw_type_of_attribute(reader, &facts.type) : 0;
	slot = hw_array_next(catalogue->variables, catalogue->variable_count, catalogue->variable_capacity);
	die = hw_array_next(reader->variable_dies, reader->variable_die_count, reader->variable_die_capacity);
	if (!slot || !die || reader->variable_die_count == UINT32_MAX) {
		reader->no_memory = true;
		return;
	}
	*die = pending->die;
	variable.origin = (uint32_t)reader->variable_die_count++;
	*slot = variable;
	catalogue->variable_count++;
}

void hw_type_read_variables(struct hw_type_reader *reader)
{
	for (size_t i = 0; i < reader->variable_count && !reader->no_memory; i++)
		read_variable(reader, &reader->variables[i]);
	reader->variable_count = 0;
}

/* The declaration where the definition leaves the place out. */
static bool source_of(Dwarf_Die *die, struct hw_source_line *line)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number;
	const char *file = dwarf_decl_file(die);

	/* dwarf_decl_line() does not look at the declaration. */
	if (!file || !dwarf_attr_integrate(die, DW_AT_decl_line, &attribute) ||
		dwarf_formudata(&attribute, &number) != 0)
		return false;
	*line = (struct hw_source_line){ .file = file, .line = (int)number };
	return true;
}

bool hw_unwinder_variable_line(
	struct hw_unwinder *unwinder, const struct hw_variable *variable, struct hw_source_line *line)
{
	struct hw_type_reader *reader = unwinder->types;

	return reader && variable->origin < reader->variable_die_count &&
	       source_of(&reader->variable_dies[variable->origin], line);
}
