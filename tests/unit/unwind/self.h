/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A snapshot of the test program itself, with one thread whose registers come from getcontext(). */
#ifndef HW_TESTS_UNWIND_SELF_H
#define HW_TESTS_UNWIND_SELF_H

#include <check.h>
#include <sys/user.h>
#include <ucontext.h>

#include "unwind/unwinder.h"

static struct hw_snapshot *self_snapshot;

static inline void self_fail_on(struct hw_error *error)
{
	if (error)
		ck_abort_msg("%s", error->message);
}

static inline void self_setup(void)
{
	self_fail_on(hw_snapshot_preview(getpid(), &self_snapshot));
}

static inline void self_teardown(void)
{
	hw_snapshot_destroy(self_snapshot);
}

/* The one thread of the snapshot gets these registers. */
static inline void self_set_thread(const ucontext_t *context)
{
	static const int order[] = { REG_R15, REG_R14, REG_R13, REG_R12, REG_RBP, REG_RBX, REG_R11, REG_R10,
		REG_R9, REG_R8, REG_RAX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, -1, REG_RIP, -1, -1, REG_RSP };
	uint64_t *words = calloc(1, sizeof(struct user_regs_struct));
	struct hw_thread *thread = calloc(1, sizeof(*thread));

	ck_assert(words && thread);
	for (size_t i = 0; i < hw_array_size(order); i++) {
		if (order[i] >= 0)
			words[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
	}
	thread->has_registers = true;
	thread->general = (struct hw_register_set){ (uint8_t *)words, sizeof(struct user_regs_struct) };
	self_snapshot->threads = thread;
	self_snapshot->thread_count = 1;
}

#endif
