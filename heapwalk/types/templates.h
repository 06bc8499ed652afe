/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What libstdc++'s declarations hide and their names tell. A std::map declares pointers to
 * _Rb_tree_node_base and its nodes an array of bytes, but its full name says of what type the nodes and their
 * values are. Private to heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_TEMPLATES_H
#define HW_HEAPWALK_TYPES_TEMPLATES_H

#include "heapwalk/heap.h"

struct hw_templates;

/* Borrows the catalogue. */
struct hw_error *hw_templates_create(
	const struct hw_types *types, struct hw_templates **templates) hw_must_check;
void hw_templates_destroy(struct hw_templates *templates);

/* The struct, union or base type with this full name; 0: there is none. */
uint32_t hw_templates_find(struct hw_templates *templates, const char *name, size_t length);

/* The type that raw storage (__aligned_membuf<T>) is for; 0: `type` is no such storage, or T is not known. */
uint32_t hw_templates_stored(struct hw_templates *templates, uint32_t type);

/* The type of the nodes that a container, or a node, links; 0: it is none. */
uint32_t hw_templates_node(struct hw_templates *templates, uint32_t type);

/* Whether a pointer to `type` inside a container stands for one to its nodes. */
bool hw_templates_is_node_base(const struct hw_types *types, uint32_t type);

#endif
