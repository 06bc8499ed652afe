/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compilation units by address. Private to unwind/. */
#ifndef HW_UNWIND_UNITS_H
#define HW_UNWIND_UNITS_H

#include <dwarf.h>

#include "unwind/session.h"

/*
 * The unit whose code `address` is, and what to subtract from run-time addresses to get the debug
 * information's. False without debug information for it.
 */
bool hw_unit_at(struct hw_object *object, uint64_t address, Dwarf_Die *unit, Dwarf_Addr *bias);

#endif
