/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The machines whose cores are read, as rows. The offsets follow from include/linux/elfcore.h and
 * elfcore-compat.h with each machine's elf_gregset_t (arch/x86/include/asm/user_64.h, user_32.h;
 * arch/arm64/include/uapi/asm/ptrace.h): longs are the target's, and i386 has 16-bit user ids.
 */
#include "inspector/core.h"

static const struct hw_core_machine machines[] = {
	{
		.machine = EM_X86_64,
		.word_size = 8,
		.name = "x86-64",
		.status_signal = 12,
		.status_pid = 32,
		.registers = 112,
		.registers_size = 27 * 8,
		.pc = 16 * 8,
		.sp = 19 * 8,
		.system_call = 15 * 8,
		.thread_pointer = 21 * 8,
		.thread_segment = HW_CORE_NO_REGISTER,
		.info_uid = 16,
		.info_uid_size = 4,
		.info_pid = 24,
		.info_name = 40,
		.info_arguments = 56,
	},
	{
		.machine = EM_386,
		.word_size = 4,
		.name = "i386",
		.status_signal = 12,
		.status_pid = 24,
		.registers = 72,
		.registers_size = 17 * 4,
		.pc = 12 * 4,
		.sp = 15 * 4,
		.system_call = 11 * 4,
		.thread_pointer = HW_CORE_NO_REGISTER,
		.thread_segment = 10 * 4,
		.info_uid = 8,
		.info_uid_size = 2,
		.info_pid = 12,
		.info_name = 28,
		.info_arguments = 44,
	},
	{
		.machine = EM_AARCH64,
		.word_size = 8,
		.name = "aarch64",
		.status_signal = 12,
		.status_pid = 32,
		.registers = 112,
		.registers_size = 34 * 8,
		.pc = 32 * 8,
		.sp = 31 * 8,
		.system_call = HW_CORE_NO_REGISTER,    /* a note of its own: NT_ARM_SYSTEM_CALL */
		.thread_pointer = HW_CORE_NO_REGISTER, /* NT_ARM_TLS */
		.thread_segment = HW_CORE_NO_REGISTER,
		.info_uid = 16,
		.info_uid_size = 4,
		.info_pid = 24,
		.info_name = 40,
		.info_arguments = 56,
	},
};

const struct hw_core_machine *hw_core_machine_find(unsigned machine, unsigned word_size)
{
	for (size_t i = 0; i < hw_array_size(machines); i++) {
		if (machines[i].machine == machine && machines[i].word_size == word_size)
			return &machines[i];
	}
	return NULL;
}
