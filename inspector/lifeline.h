/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What leads a borrowed thread back to its own work when nobody is left to give it its registers back.
 *
 * While a thread of the target runs a system call of ours it has foreign registers. Should its tracer die
 * just then (the out-of-memory killer takes the agent together with heapwalk, whose memory it shares), the
 * thread would go on with those and crash the target. So the frame of a signal is laid below its stack, as if
 * a signal handler had been called there, with its registers, its signal mask and its floating-point state in
 * it; the system call is made by a `syscall` instruction that a `ret` follows, and `ret` leads to the C
 * library's rt_sigreturn(2). Then the kernel itself restores all, and the thread makes its own system call
 * again, if it was in one. A timed wait then starts anew. Nothing of this ever runs while the tracer lives.
 *
 * A second frame serves a child that the call makes: it leads to exit(2).
 *
 * The bytes below the stack are put back as they were. x86-64 only. Private to inspector/.
 */
#ifndef HW_INSPECTOR_LIFELINE_H
#define HW_INSPECTOR_LIFELINE_H

#include "inspector/inspector.h"

#if defined(__x86_64__)

#include <sys/user.h>

/* Where the target's own code has what is needed. */
struct hw_lifeline_code {
	uint64_t call; /* syscall; ret */
	uint64_t back; /* mov $15,%rax; syscall: rt_sigreturn(2) */
};

/* A frame, and a thread's vector registers, AMX tiles included. */
#define HW_LIFELINE_ROOM 16384

struct hw_lifeline {
	pid_t tid;
	uint64_t stack;       /* stack pointer from which `ret` leads back */
	uint64_t child_stack; /* and of a child, whose `ret` leads to its end */
	struct hw_lifeline_piece {
		uint64_t address;
		size_t size;
		uint8_t bytes[HW_LIFELINE_ROOM]; /* what was there */
	} pieces[2];
};

/*
 * Lays both frames for a standing thread with these registers and signals blocked. `floor` is where the
 * mapping of its stack begins, which must be private and writable. An errno value, 0: fine; else nothing has
 * changed.
 */
int hw_lifeline_lay(struct hw_lifeline *lifeline, pid_t tid, const struct hw_lifeline_code *code,
	uint64_t floor, const struct user_regs_struct *registers, uint64_t blocked) hw_must_check;

/* Puts the bytes back. */
void hw_lifeline_lift(struct hw_lifeline *lifeline);

#endif

#endif
