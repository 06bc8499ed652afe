/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which function's frame a word on a stack lies in, and which of its variables it is. A stack is unwound at
 * the first question about its thread, and a frame's variables are read at the first question about it.
 */
#ifndef HW_CLI_LOCALS_H
#define HW_CLI_LOCALS_H

#include "heapwalk/heap.h"

struct hw_stack_locals;

/* Both are borrowed and must live as long. */
struct hw_error *hw_stack_locals_create(const struct hw_snapshot *snapshot, struct hw_unwinder *unwinder,
	struct hw_stack_locals **locals) hw_must_check;
void hw_stack_locals_destroy(struct hw_stack_locals *locals);

/* False when not even the function is known. Reads the image. */
bool hw_stack_locals_find(
	struct hw_stack_locals *locals, uint32_t thread, uint64_t address, struct hw_named_local *found);

#endif
