/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What debug information says about the program, made ready for looking at chunks; shared by all evidence
 * that rests on it. Private to heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_PROGRAM_H
#define HW_HEAPWALK_TYPES_PROGRAM_H

#include "heapwalk/types/check.h"
#include "heapwalk/types/enclosing.h"
#include "heapwalk/types/typer.h"

/* What was seen of chunks that pointers to a type lead to. */
struct hw_target_facts {
	uint64_t odd_sizes[2]; /* usable bytes that neither one nor several of the type explain */
	uint32_t exact;        /* chunks of its very size, */
	uint32_t odd;          /* and of odd ones, */
	uint32_t disputed;     /* chunks about which another path said something else */
	uint8_t odd_count;     /* of odd_sizes */
	bool is_base; /* chunks only start with it: several odd sizes, or it is there to be started with */
};

/* Whether chunks only start with the type, by all that was seen. */
static inline bool hw_target_is_base(const struct hw_target_facts *facts)
{
	return facts->is_base && (facts->odd >= facts->exact / 16 || !facts->odd_count);
}

struct hw_program {
	struct hw_typer *typer;
	const struct hw_types *types;
	struct hw_templates *templates;
	struct hw_field_table fields;
	struct hw_enclosing enclosing;
	struct hw_checker checker;
	struct hw_target_facts *facts; /* by catalogue type */
	uint32_t *interned;            /* by catalogue type: number in typing->types; 0: not yet */
	uint32_t *of_chunk;            /* catalogue type, by chunk; 0: none yet */
	struct hw_window window;
};

/* Borrows the typer; the catalogue must not grow any more. hw_program_destroy() afterwards. */
struct hw_error *hw_program_create(
	struct hw_typer *typer, const struct hw_types *types, struct hw_program **program) hw_must_check;

/* A type's number in typing->types, made at the first question. */
struct hw_error *hw_program_intern(struct hw_program *program, uint32_t type, uint32_t *number) hw_must_check;

/* The bytes of a live chunk, 1 MiB at most; *size says how many. NULL: they cannot be read. */
const uint8_t *hw_program_view(struct hw_program *program, uint32_t chunk, uint64_t *size);

/*
 * Whether objects of `whole` start as those of `part` do: it is a base class or a first member, or the first
 * members are the same by a common macro.
 */
bool hw_starts_like(struct hw_program *program, uint32_t whole, uint32_t part);

/* Whether a chunk of `usable` bytes is what malloc(size) returned, with *slack saying that it got 16 more. */
bool hw_program_fits(
	const struct hw_program *program, uint32_t chunk, uint64_t usable, uint64_t size, bool *slack);

#endif
