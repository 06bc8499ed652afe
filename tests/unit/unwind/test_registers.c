/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DWARF register numbers against the kernel's blocks; the truth is <sys/user.h> and the ABIs' tables. */
#include <check.h>
#include <elf.h>
#include <sys/user.h>

#include "unwind/registers.h"

#define SLOT64(member) (offsetof(struct user_regs_struct, member) / 8)

/* System V ABI for AMD64, figure 3.36. */
static const size_t amd64[] = { SLOT64(rax), SLOT64(rdx), SLOT64(rcx), SLOT64(rbx), SLOT64(rsi), SLOT64(rdi),
	SLOT64(rbp), SLOT64(rsp), SLOT64(r8), SLOT64(r9), SLOT64(r10), SLOT64(r11), SLOT64(r12), SLOT64(r13),
	SLOT64(r14), SLOT64(r15), SLOT64(rip) };

/* The 32-bit block as <sys/user.h> declares it for i386. */
enum i386_slot {
	EBX,
	ECX,
	EDX,
	ESI,
	EDI,
	EBP,
	EAX,
	XDS,
	XES,
	XFS,
	XGS,
	ORIG_EAX,
	EIP,
	XCS,
	EFLAGS,
	ESP,
	XSS
};
static const size_t i386[] = { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, EIP };

/* struct user_regs_struct of aarch64: regs[31], sp, pc, pstate. */
static const size_t aarch64[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
	21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

static const struct {
	unsigned machine;
	unsigned word_size;
	const size_t *slots;
	size_t count;
	size_t words; /* in the block */
	size_t pc;    /* slot */
	size_t sp;
} truths[] = {
	{ EM_X86_64, 8, amd64, hw_array_size(amd64), 27, SLOT64(rip), SLOT64(rsp) },
	{ EM_386, 4, i386, hw_array_size(i386), 17, EIP, ESP },
	{ EM_AARCH64, 8, aarch64, hw_array_size(aarch64), 34, 32, 31 },
};

static uint64_t slot_value(size_t slot)
{
	return 0x1000 + slot;
}

START_TEST (test_machine) {
	const struct hw_machine *machine = hw_machine_find(truths[_i].machine);
	struct hw_image image = { .word_size = truths[_i].word_size };
	uint8_t block[34 * 8];
	struct hw_thread thread = { .has_registers = true, .general = { .bytes = block } };
	struct hw_registers registers;

	for (size_t i = 0; i < truths[_i].words; i++) {
		uint64_t wide = slot_value(i);
		uint32_t narrow = (uint32_t)wide;

		if (truths[_i].word_size == 8)
			memcpy(block + i * 8, &wide, 8);
		else
			memcpy(block + i * 4, &narrow, 4);
	}
	thread.general.size = truths[_i].words * truths[_i].word_size;
	ck_assert_ptr_nonnull(machine);
	ck_assert_uint_eq(machine->count, truths[_i].count);
	ck_assert_uint_le(machine->count, HW_REGISTER_MAX);
	ck_assert(hw_registers_load(machine, &image, &thread, &registers));
	for (size_t i = 0; i < truths[_i].count; i++)
		ck_assert_uint_eq(registers.values[i], slot_value(truths[_i].slots[i]));
	ck_assert_uint_eq(registers.pc, slot_value(truths[_i].pc));
	ck_assert_uint_eq(registers.sp, slot_value(truths[_i].sp));
	thread.general.size = truths[_i].sp * truths[_i].word_size;
	ck_assert_msg(!hw_registers_load(machine, &image, &thread, &registers), "a block cut short");
	thread.has_registers = false;
	ck_assert(!hw_registers_load(machine, &image, &thread, &registers));
}
END_TEST

START_TEST (test_unknown) {
	ck_assert_ptr_null(hw_machine_find(EM_NONE));
	ck_assert_ptr_null(hw_machine_find(EM_PPC64));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registers");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_loop_test(tests, test_machine, 0, hw_array_size(truths));
	tcase_add_test(tests, test_unknown);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
