/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Following typed pointers from variables through the heap. Private to heapwalk/types/. */
#ifndef HW_HEAPWALK_TYPES_PATH_H
#define HW_HEAPWALK_TYPES_PATH_H

#include "heapwalk/types/judge.h"

struct hw_paths {
	struct hw_typer *typer;
	struct hw_program *program;
	struct hw_claims clear;   /* looked at first, */
	struct hw_claims unclear; /* and these when nothing else is left */
	uint8_t most;             /* enum hw_level: no answer is surer than this, */
	uint8_t percent;          /* and this one so probable, if it is a guess */
};

/* Follows on from chunks that were typed together with others and are so sure; what is found is no surer. */
struct hw_error *hw_paths_go_on(struct hw_typer *typer, enum hw_level level) hw_must_check;

/* Passes on what the pointers that program->checker collected say. False: memory is short. */
bool hw_paths_claim(struct hw_paths *paths, uint32_t from) hw_must_check;

/* Looks at chunks until no claims are left. */
struct hw_error *hw_paths_follow(struct hw_paths *paths) hw_must_check;

/* A local variable or parameter that was in scope somewhere. */
struct hw_local {
	struct hw_variable variable;
	char *function;
	uint32_t thread;
};

struct hw_locals {
	struct hw_local *locals;
	size_t count;
	size_t capacity;
};

/* Those of all frames of all threads. May let the catalogue grow. */
struct hw_error *hw_locals_collect(struct hw_typer *typer, struct hw_locals *locals) hw_must_check;
void hw_locals_deinit(struct hw_locals *locals);

/* Names the chunks that the user said something about, where they can be that. Before anything is followed.
 */
struct hw_error *hw_paths_apply_hints(struct hw_paths *paths) hw_must_check;

/* What global and thread-local variables point to. */
struct hw_error *hw_paths_start_globals(struct hw_paths *paths) hw_must_check;

/* What local variables point to. */
struct hw_error *hw_paths_start_locals(struct hw_paths *paths, const struct hw_locals *locals) hw_must_check;

#endif
