/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Collecting the frames of one stack, whichever library finds them. Private to unwind/. */
#ifndef HW_UNWIND_STACK_H
#define HW_UNWIND_STACK_H

#include "unwind/session.h"

/* A stack in the making: frames come innermost first. */
struct hw_stack_builder {
	struct hw_unwinder *unwinder;
	struct hw_registers registers; /* where unwinding begins */
	size_t limit;
	size_t capacity;
	size_t register_capacity;
	size_t guesses_from; /* index of the first frame that was guessed; SIZE_MAX: none */
	bool is_guess;       /* how the next frame was found: without an unwind table for its callee */
	bool no_memory;
	bool is_full;       /* one more came than the limit allows */
	bool is_looping;    /* sp did not advance */
	bool is_after_call; /* the next frame called the one before, which no library knows of */
	bool is_restarting; /* `registers` are those of a frame that no library can go on from */
	bool is_astray;     /* a return address that is not in executable memory */
	struct hw_stack *stack;
};

/* Words that stack->registers holds for each frame: which are known, then their values. */
static inline size_t hw_stack_stride(const struct hw_unwinder *unwinder)
{
	return unwinder->machine->count + 1;
}

/* What a library knows of one frame. */
struct hw_found_frame {
	uint64_t pc;
	uint64_t sp;
	uint64_t registers[HW_REGISTER_MAX]; /* by DWARF number */
	uint64_t known;                      /* bit per register: its value in this frame is known */
	bool is_exact;                       /* pc is the very instruction, not a return address */
	bool may_switch_stack; /* the frame was reached through a signal frame: sp may be anywhere */
};

/* False: stop, for one of the reasons that the builder now tells. */
bool hw_stack_add(struct hw_stack_builder *builder, const struct hw_found_frame *frame);

/* Whether an unwind table says how to go on from `pc` (as looked up, inside the call). Opens the module's
 * file. */
bool hw_stack_has_table(struct hw_unwinder *unwinder, uint64_t pc);

/* Each fills the builder's stack with frames. *reason (may stay NULL) is why it could not go on. */
struct hw_error *hw_stack_by_libunwind(struct hw_stack_builder *builder, const char **reason) hw_must_check;
struct hw_error *hw_stack_by_libdw(struct hw_stack_builder *builder, const char **reason) hw_must_check;

/* NULL is fine. hw_libdw_destroy() only after dwfl_end(). */
void hw_libunwind_destroy(struct hw_libunwind *libunwind);
void hw_libdw_destroy(struct hw_libdw *libdw);

#endif
