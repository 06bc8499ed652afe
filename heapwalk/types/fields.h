/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Structs laid flat: where in an object pointers stand and where none can, so that an object's bytes are
 * looked through in one go, without climbing about in members of members. Made when first asked for. Private
 * to heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_FIELDS_H
#define HW_HEAPWALK_TYPES_FIELDS_H

#include "heapwalk/types/templates.h"

enum hw_field_kind {
	HW_FIELD_POINTER, /* to `target`; typedefs are taken off it */
	HW_FIELD_CODE,    /* to a function */
	HW_FIELD_VTABLE,  /* a C++ object's, to its class's vtable */
	HW_FIELD_NUMBER,  /* a word that numbers fill: no pointer belongs there */
	HW_FIELD_BOOLEAN, /* a byte */
	HW_FIELD_ARRAY,   /* `length` of `target`, one behind the other */
};

struct hw_field {
	uint64_t offset;
	uint64_t length;
	uint32_t target;
	uint8_t kind;        /* enum hw_field_kind */
	bool is_alternative; /* a member of a union: it may be something else */
	bool is_only;        /* of the members of that union no other is a pointer */
};

struct hw_fields {
	uint64_t size;
	uint64_t tail;      /* offset of the flexible array behind it; UINT64_MAX: it has none */
	uint32_t tail_type; /* of that array's elements */
	uint32_t count;
	bool is_linked;           /* it has a pointer to its own type, as the nodes of lists and trees have */
	struct hw_field fields[]; /* by offset, but for alternatives */
};

struct hw_field_table {
	const struct hw_types *types;
	struct hw_templates *templates;
	unsigned word_size;
	struct hw_fields **by_type;
};

/* Borrows both. */
struct hw_error *hw_field_table_init(struct hw_field_table *table, const struct hw_types *types,
	struct hw_templates *templates, unsigned word_size) hw_must_check;
void hw_field_table_deinit(struct hw_field_table *table);

/* The fields of any type, also of a number or a pointer. NULL: memory is short. */
const struct hw_fields *hw_fields_of(struct hw_field_table *table, uint32_t type);

#endif
