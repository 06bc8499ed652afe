/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One table per machine: where the kernel's register block (user_regs_struct, what NT_PRSTATUS carries as
 * pr_reg) keeps each register, by DWARF's number. Private to unwind/.
 */
#ifndef HW_UNWIND_REGISTERS_H
#define HW_UNWIND_REGISTERS_H

#include "inspector/inspector.h"

/* More than any machine here numbers. */
#define HW_REGISTER_MAX 33

struct hw_machine {
	unsigned elf_machine; /* EM_* */
	unsigned word_size;
	const uint8_t *slots; /* by DWARF number: index of the word in the register block */
	unsigned count;       /* of slots; DWARF numbers 0 to count - 1 */
	unsigned pc;          /* DWARF number, or count when DWARF has none for it */
	unsigned pc_slot;     /* word index of the program counter in the block */
	unsigned sp;          /* DWARF number of the stack pointer */
	unsigned fp;          /* DWARF number of the frame pointer: zero in the outermost frame by the ABI */
	uint64_t preserved;   /* bit per DWARF number: a call leaves it as it was */
	unsigned link;    /* DWARF number of the register that a call puts its return address in; unless... */
	bool call_pushes; /* ...it pushes it, so that no caller has its callee's sp */
};

/* NULL for a machine that we cannot unwind. */
const struct hw_machine *hw_machine_find(unsigned elf_machine);

/* The general registers of one thread by DWARF number, and its program counter. */
struct hw_registers {
	uint64_t values[HW_REGISTER_MAX];
	uint64_t pc;
	uint64_t sp;
};

/* False when the thread has no (or too short a) register block. */
bool hw_registers_load(const struct hw_machine *machine, const struct hw_image *image,
	const struct hw_thread *thread, struct hw_registers *registers);

#endif
