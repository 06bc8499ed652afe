/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The attributes of one DIE in one pass: asking libdw for each by name would decode the DIE each time. */
#include "unwind/type_reader.h"

bool hw_die_constant(Dwarf_Attribute *attribute, Dwarf_Word *value)
{
	Dwarf_Op *operations;
	size_t count;

	if (dwarf_formudata(attribute, value) == 0)
		return true;
	if (dwarf_getlocation(attribute, &operations, &count) != 0 || count != 1 ||
		operations[0].atom != DW_OP_plus_uconst)
		return false;
	*value = operations[0].number;
	return true;
}

static bool flag_of(Dwarf_Attribute *attribute)
{
	bool value;

	return dwarf_formflag(attribute, &value) == 0 && value;
}

/* The attributes whose value is kept as it stands, to be looked at later. */
static bool keep_attribute(Dwarf_Attribute *attribute, struct hw_die_facts *facts)
{
	switch (attribute->code) {
	case DW_AT_type:
		facts->type = *attribute;
		return facts->has_type = true;
	case DW_AT_location:
		facts->location = *attribute;
		return facts->has_location = true;
	case DW_AT_data_member_location:
		facts->member_location = *attribute;
		return facts->has_member_location = true;
	case DW_AT_specification:
		facts->specification = *attribute;
		return facts->has_specification = true;
	case DW_AT_signature:
		facts->signature = *attribute;
		return facts->has_signature = true;
	case DW_AT_abstract_origin:
		facts->origin = *attribute;
		return facts->has_origin = true;
	case DW_AT_upper_bound:
		facts->upper_bound = *attribute;
		return facts->has_upper_bound = true;
	case DW_AT_count:
		facts->count = *attribute;
		return facts->has_count = true;
	default:
		return false;
	}
}

static int on_attribute(Dwarf_Attribute *attribute, void *argument)
{
	struct hw_die_facts *facts = argument;

	if (keep_attribute(attribute, facts))
		return DWARF_CB_OK;
	switch (attribute->code) {
	case DW_AT_name:
		facts->name = dwarf_formstring(attribute);
		break;
	case DW_AT_linkage_name:
	case DW_AT_MIPS_linkage_name:
		facts->linkage_name = dwarf_formstring(attribute);
		break;
	case DW_AT_byte_size:
		facts->has_size = dwarf_formudata(attribute, &facts->size) == 0;
		break;
	case DW_AT_bit_size:
		if (dwarf_formudata(attribute, &facts->bit_size) != 0)
			facts->bit_size = 0;
		break;
	case DW_AT_bit_offset:
		facts->has_bit_offset = dwarf_formudata(attribute, &facts->bit_offset) == 0;
		break;
	case DW_AT_data_bit_offset:
		facts->has_data_bit_offset = dwarf_formudata(attribute, &facts->data_bit_offset) == 0;
		break;
	case DW_AT_encoding:
		if (dwarf_formudata(attribute, &facts->encoding) != 0)
			facts->encoding = 0;
		break;
	case DW_AT_decl_line:
		if (dwarf_formudata(attribute, &facts->line) != 0)
			facts->line = 0;
		break;
	case DW_AT_declaration:
		facts->is_declaration = flag_of(attribute);
		break;
	case DW_AT_external:
		facts->is_external = flag_of(attribute);
		break;
	case DW_AT_virtuality:
		facts->is_virtual = true;
		break;
	}
	return DWARF_CB_OK;
}

void hw_die_facts_read(Dwarf_Die *die, struct hw_die_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	dwarf_getattrs(die, on_attribute, facts, 0);
}

/* The DIE that this one completes (a definition its declaration, a copy its original). */
static bool follow(struct hw_die_facts *facts, Dwarf_Die *die)
{
	if (facts->has_specification)
		return dwarf_formref_die(&facts->specification, die);
	return facts->has_origin && dwarf_formref_die(&facts->origin, die);
}

void hw_die_facts_complete(struct hw_die_facts *facts)
{
	struct hw_die_facts more = *facts;
	Dwarf_Die die;

	for (int i = 0; i < 4 && follow(&more, &die); i++) {
		hw_die_facts_read(&die, &more);
		if (!facts->name)
			facts->name = more.name;
		if (!facts->linkage_name)
			facts->linkage_name = more.linkage_name;
		if (!facts->has_type && more.has_type) {
			facts->type = more.type;
			facts->has_type = true;
		}
	}
}
