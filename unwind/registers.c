/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DWARF register numbers to the kernel's register blocks. */
#include <elf.h>

#include "unwind/registers.h"

/*
 * arch/x86/include/asm/user_64.h: r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp
 * ss fs_base gs_base ds es fs gs. Numbers: System V ABI for AMD64, figure 3.36: rax rdx rcx rbx rsi rdi rbp
 * rsp r8 to r15, return address.
 */
static const uint8_t x86_64_slots[] = { 10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16 };

/*
 * arch/x86/include/asm/user_32.h: bx cx dx si di bp ax ds es fs gs orig_ax ip cs flags sp ss. Numbers: System
 * V ABI for i386, table 2.14: eax ecx edx ebx esp ebp esi edi, return address.
 */
static const uint8_t i386_slots[] = { 6, 1, 2, 0, 15, 5, 3, 4, 12 };

/* arch/arm64/include/uapi/asm/ptrace.h: x0 to x30, sp, pc, pstate. Numbers: DWARF for the Arm 64-bit
 * Architecture, 4.1: x0 to x30, sp. */
static const uint8_t aarch64_slots[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

/* rbx, rbp, rsp, r12 to r15, rip. */
#define X86_64_PRESERVED (1u << 3 | 1u << 6 | 1u << 7 | 0xfu << 12 | 1u << 16)
/* ebx, esp, ebp, esi, edi, eip. */
#define I386_PRESERVED (0x3fu << 3)
/* x19 to x29, sp. */
#define AARCH64_PRESERVED (0x7ffu << 19 | 1u << 31)

static const struct hw_machine machines[] = {
	{ .elf_machine = EM_X86_64,
		.word_size = 8,
		.slots = x86_64_slots,
		.count = hw_array_size(x86_64_slots),
		.pc = 16,
		.pc_slot = 16,
		.sp = 7,
		.fp = 6,
		.preserved = X86_64_PRESERVED,
		.call_pushes = true },
	{ .elf_machine = EM_386,
		.word_size = 4,
		.slots = i386_slots,
		.count = hw_array_size(i386_slots),
		.pc = 8,
		.pc_slot = 12,
		.sp = 4,
		.fp = 5,
		.preserved = I386_PRESERVED,
		.call_pushes = true },
	{ .elf_machine = EM_AARCH64,
		.word_size = 8,
		.slots = aarch64_slots,
		.count = hw_array_size(aarch64_slots),
		.pc = hw_array_size(aarch64_slots),
		.pc_slot = 32,
		.sp = 31,
		.fp = 29,
		.preserved = AARCH64_PRESERVED,
		.link = 30 },
};

const struct hw_machine *hw_machine_find(unsigned elf_machine)
{
	for (size_t i = 0; i < hw_array_size(machines); i++) {
		if (machines[i].elf_machine == elf_machine)
			return &machines[i];
	}
	return NULL;
}

static bool load_slot(const struct hw_machine *machine, const struct hw_image *image,
	const struct hw_register_set *set, unsigned slot, uint64_t *value)
{
	size_t offset = (size_t)slot * machine->word_size;

	if (offset + machine->word_size > set->size || image->word_size != machine->word_size)
		return false;
	*value = hw_image_word(image, set->bytes + offset);
	return true;
}

bool hw_registers_load(const struct hw_machine *machine, const struct hw_image *image,
	const struct hw_thread *thread, struct hw_registers *registers)
{
	const struct hw_register_set *set = &thread->general;

	memset(registers, 0, sizeof(*registers));
	if (!thread->has_registers || !set->bytes)
		return false;
	for (unsigned i = 0; i < machine->count; i++) {
		if (!load_slot(machine, image, set, machine->slots[i], &registers->values[i]))
			return false;
	}
	if (!load_slot(machine, image, set, machine->pc_slot, &registers->pc))
		return false;
	registers->sp = registers->values[machine->sp];
	return true;
}
