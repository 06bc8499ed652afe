/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compilation units by address, and source lines. */
#include "unwind/units.h"

/* In split DWARF the unit in the main file is a skeleton, and the substance stands elsewhere. */
static void follow_skeleton(Dwarf_Die *unit)
{
	Dwarf_Die split;
	uint8_t type;

	if (dwarf_cu_info(unit->cu, NULL, &type, NULL, &split, NULL, NULL, NULL) == 0 &&
		type == DW_UT_skeleton && split.addr)
		*unit = split;
}

/*
 * libdwfl looks in .debug_aranges, which clang does not write: then every unit is asked. The last answer is
 * kept, since neighbouring frames often come from one unit.
 */
static bool search_units(struct hw_object *object, uint64_t address, Dwarf_Die *unit, Dwarf_Addr *bias)
{
	Dwarf *dwarf = dwfl_module_getdwarf(object->dwfl, bias);
	Dwarf_CU *cursor = NULL;
	Dwarf_Die die;

	if (!dwarf)
		return false;
	if (object->last_unit.addr && dwarf_haspc(&object->last_unit, address - *bias) > 0) {
		*unit = object->last_unit;
		return true;
	}
	while (dwarf_get_units(dwarf, cursor, &cursor, NULL, NULL, &die, NULL) == 0) {
		if (dwarf_haspc(&die, address - *bias) > 0) {
			*unit = object->last_unit = die;
			return true;
		}
	}
	return false;
}

static bool find_skeleton(struct hw_object *object, uint64_t address, Dwarf_Die *unit, Dwarf_Addr *bias)
{
	Dwarf_Die *found = object->dwfl ? dwfl_module_addrdie(object->dwfl, address, bias) : NULL;

	/* libdwfl joins what .debug_aranges lists one after the other, whatever lies in between. */
	if (found && dwarf_haspc(found, address - *bias) > 0) {
		*unit = *found;
		return true;
	}
	return object->dwfl && search_units(object, address, unit, bias);
}

bool hw_unit_at(struct hw_object *object, uint64_t address, Dwarf_Die *unit, Dwarf_Addr *bias)
{
	if (!find_skeleton(object, address, unit, bias))
		return false;
	follow_skeleton(unit);
	return true;
}

bool hw_unwinder_line(struct hw_unwinder *unwinder, uint64_t address, struct hw_source_line *line)
{
	struct hw_object *object = hw_object_at(unwinder, address);
	Dwarf_Line *found;
	Dwarf_Addr bias;
	Dwarf_Die unit;
	const char *file;
	int number;

	if (!object || !find_skeleton(object, address, &unit, &bias))
		return false;
	found = dwarf_getsrc_die(&unit, address - bias);
	if (!found || dwarf_lineno(found, &number) != 0)
		return false;
	file = dwarf_linesrc(found, NULL, NULL);
	if (!file)
		return false;
	*line = (struct hw_source_line){ .file = file, .line = number };
	return true;
}
