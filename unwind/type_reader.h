/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From DWARF to the catalogue of types, module by module. Private to unwind/.
 *
 * The same header is compiled into every unit of a program, so most of the debug information says the same
 * again. Walking comes first: every struct, union and enum gets a number by what stands in its own entry
 * (name, size, line; in C, where two files may mean different things by one name, its members' layout too),
 * and only the first of equals is kept. Reading comes second: the members of those few, and through them, on
 * demand, the pointers, arrays and typedefs that they need.
 */
#ifndef HW_UNWIND_TYPE_READER_H
#define HW_UNWIND_TYPE_READER_H

#include <dwarf.h>

#include "unwind/pool.h"
#include "unwind/session.h"

/* What stands behind struct hw_types. */
struct hw_type_catalogue {
	struct hw_types view;
	struct hw_type *types;
	size_t type_count;
	size_t type_capacity;
	struct hw_type_member *members;
	size_t member_count;
	size_t member_capacity;
	struct hw_variable *variables;
	size_t variable_count;
	size_t variable_capacity;
	struct hw_module_types *modules;
	struct hw_pool names; /* those that had to be put together; the rest lies in the debug information */
};

/* A type and where it stands in the debug information. */
struct hw_pending_type {
	Dwarf_Die die;
	uint32_t type;
};

/* A global variable whose type and place are still to be read. */
struct hw_pending_variable {
	Dwarf_Die die;
	const char *name; /* with its scope */
	bool is_c;
};

/* What a name stands in: a chain on the walker's own stack, NULL for the outermost. */
struct hw_scope {
	const struct hw_scope *outer;
	const char *name;
};

struct hw_type_reader {
	struct hw_unwinder *unwinder;
	struct hw_type_catalogue *catalogue;
	struct hw_id_map dies;       /* address of a DIE in the debug information → type */
	struct hw_id_map signatures; /* hash of what makes a type itself → type */
	struct hw_id_map
		definitions;       /* hash of a struct's full name, also with its module → the definition */
	struct hw_id_map walked;   /* address of a unit's DIE: all of it was walked */
	struct hw_id_map imported; /* address of a unit's DIE: walked for the module under way */
	struct hw_id_map declared; /* address of a variable's declaration → index into declared_names */
	const char **declared_names;
	size_t declared_count;
	size_t declared_capacity;
	struct hw_pending_type *pending; /* whose members are still to be read */
	size_t pending_count;
	size_t pending_capacity;
	struct hw_pending_type *origins; /* every struct, union and enum, by number */
	size_t origin_count;
	size_t origin_capacity;
	struct hw_pending_variable *variables;
	size_t variable_count;
	size_t variable_capacity;
	Dwarf_Die *pointers; /* types that nothing else may lead to */
	size_t pointer_count;
	size_t pointer_capacity;
	Dwarf_Die *variable_dies; /* by hw_variable.origin */
	size_t variable_die_count;
	size_t variable_die_capacity;
	bool *has_read;      /* by module */
	size_t joined_types; /* how many have been through hw_type_reader_flush() */
	size_t joined_members;
	size_t joined_variables;
	uint32_t module; /* the one under way */
	Dwarf_Addr bias;
	bool no_memory; /* sticky: everything else then only winds up */
};

/* The attributes of one DIE that types and variables are made of, collected in one pass. */
struct hw_die_facts {
	const char *name;
	const char *linkage_name;
	Dwarf_Attribute type;
	Dwarf_Attribute location;
	Dwarf_Attribute member_location;
	Dwarf_Attribute specification;
	Dwarf_Attribute signature; /* of the type unit that defines a declared type */
	Dwarf_Attribute origin;    /* of an inlined or out-of-line copy */
	Dwarf_Attribute upper_bound;
	Dwarf_Attribute count;
	bool has_type;
	bool has_location;
	bool has_member_location;
	bool has_specification;
	bool has_signature;
	bool has_origin;
	bool has_upper_bound;
	bool has_count;
	bool has_size;
	bool has_bit_offset;
	bool has_data_bit_offset;
	bool is_declaration;
	bool is_external;
	bool is_virtual;
	Dwarf_Word size;
	Dwarf_Word bit_size;
	Dwarf_Word bit_offset;
	Dwarf_Word data_bit_offset;
	Dwarf_Word encoding;
	Dwarf_Word line;
};

void hw_die_facts_read(Dwarf_Die *die, struct hw_die_facts *facts);

/* The constant in an attribute, or the one operand of DW_OP_plus_uconst. False: it is computed at run time.
 */
bool hw_die_constant(Dwarf_Attribute *attribute, Dwarf_Word *value);

/* Walks all units of a module's debug information: numbers its structs, collects its variables. */
void hw_type_walk_module(struct hw_type_reader *reader, Dwarf *dwarf);

/* Walks, if not done yet, the whole unit that `die` belongs to, so that what lies inside gets its full name.
 */
void hw_type_walk_unit_of(struct hw_type_reader *reader, Dwarf_Die *die);

/* Numbers a struct, union or enum; `name` NULL: its own. 0: memory is short. */
uint32_t hw_type_number(struct hw_type_reader *reader, Dwarf_Die *die, const struct hw_scope *scope,
	const char *name, bool is_c);

/* Reads the members of all pending structs, and of those that turn up on the way. */
void hw_type_read_pending(struct hw_type_reader *reader);

/* Reads the collected pointer types of the module. */
void hw_type_read_pointers(struct hw_type_reader *reader);

/* The type that an attribute (DW_AT_type) refers to; 0 (void) where it leads nowhere. */
uint32_t hw_type_of_attribute(struct hw_type_reader *reader, Dwarf_Attribute *attribute);

/* `type` itself, or the one that was added before with the same signature. 0: memory is short. */
uint32_t hw_type_add(struct hw_type_reader *reader, uint64_t signature, const struct hw_type *type);

/* What definitions of a struct's name are kept under: in one module, and in all. */
static inline uint64_t hw_definition_key(uint64_t name_hash, uint32_t module)
{
	return hw_hash_number(name_hash, UINT64_C(1) << 32 | module);
}

/* In reader->definitions: the name is defined in several ways, so that a declaration may mean any of them. */
#define HW_DEFINITION_AMBIGUOUS UINT32_MAX

/* The name, with its scope, that a definition has by the declaration that it completes; NULL: none is known.
 */
const char *hw_type_declared_name(struct hw_type_reader *reader, struct hw_die_facts *facts);

/* "ns::name", put together only where there is a scope. Never NULL. */
const char *hw_type_scoped(struct hw_type_reader *reader, const struct hw_scope *scope, const char *name);

/* Adds the collected variables of the module to the catalogue. */
void hw_type_read_variables(struct hw_type_reader *reader);

/* Name and type stand at the declaration or the original where a definition or a copy leaves them out. */
void hw_die_facts_complete(struct hw_die_facts *facts);

/* The unwinder's reader, after it has read this module's debug information; UINT32_MAX: that of all modules.
 */
struct hw_error *hw_type_reader_open(
	struct hw_unwinder *unwinder, uint32_t module, struct hw_type_reader **reader) hw_must_check;

/* Finishes what was added since the last time: members, declarations, the public view. */
struct hw_error *hw_type_reader_flush(struct hw_type_reader *reader) hw_must_check;

/* NULL is fine. */
void hw_type_reader_destroy(struct hw_type_reader *reader);

#endif
