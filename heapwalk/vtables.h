/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is this word a pointer to a C++ vtable? Told from the target's memory alone, without symbols, by the
 * Itanium C++ ABI's layout: before the functions stand the typeinfo's address and the offset to the object's
 * top. Each distinct pointer is verified once and remembered. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_VTABLES_H
#define HW_HEAPWALK_VTABLES_H

#include "heapwalk/addresses.h"

struct hw_vtables;

/* Borrows both. */
struct hw_error *hw_vtables_create(const struct hw_snapshot *snapshot, struct hw_addresses *addresses,
	struct hw_vtables **vtables) hw_must_check;
void hw_vtables_destroy(struct hw_vtables *vtables);

/* `pointer` must point to HW_ADDRESS_MODULE. */
bool hw_vtables_has(struct hw_vtables *vtables, uint64_t pointer);

#endif
