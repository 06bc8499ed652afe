/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A typing that is being made. Each kind of evidence is a provider: a file of its own with one function, a
 * row in typing.c. Providers go through chunks in order of address where they can, since a live snapshot is
 * read through windows. Private to heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_TYPER_H
#define HW_HEAPWALK_TYPES_TYPER_H

#include "heapwalk/heap.h"

struct hw_typer {
	const struct hw_heap *heap;
	const struct hw_graph *graph; /* NULL: nobody looked */
	const struct hw_typing_options *options;
	struct hw_typing *typing;
};

/* The number of the type with this name, origin, module and catalogue number; made if it is new. */
struct hw_error *hw_typer_intern(
	struct hw_typer *typer, const struct hw_named_type *type, uint32_t *number) hw_must_check;

/* Gives a chunk this answer unless it has an equally sure one. True: it was taken. Keeps the shape. */
bool hw_typer_offer(struct hw_typer *typer, uint32_t chunk, const struct hw_chunk_type *answer);

/* ------------------------------------------------------------------------------------------- the providers
 */

struct hw_error *hw_typer_texts(struct hw_typer *typer) hw_must_check;

#endif
