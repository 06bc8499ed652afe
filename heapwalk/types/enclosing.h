/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a part to the whole: container_of, and base classes to what derives from them. Private to
 * heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_ENCLOSING_H
#define HW_HEAPWALK_TYPES_ENCLOSING_H

#include "heapwalk/heap.h"

struct hw_enclosing {
	const struct hw_types *types;
	uint32_t *rows; /* by type: where its places start; type_count + 1 */
	struct hw_part {
		uint32_t whole;
		uint32_t offset;
	} * parts; /* the structs and unions that have a member of the type, and where */
};

struct hw_error *hw_enclosing_init(
	struct hw_enclosing *enclosing, const struct hw_types *types) hw_must_check;
void hw_enclosing_deinit(struct hw_enclosing *enclosing);

/*
 * Calls `each` for every struct and union that has a `type` `offset` bytes from its start, be it in a member
 * of a member, until it returns false. `type` itself is not among them; some may come twice.
 */
void hw_enclosing_each(const struct hw_enclosing *enclosing, uint32_t type, uint64_t offset,
	bool (*each)(uint32_t whole, void *argument), void *argument);

#endif
