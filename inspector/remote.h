/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * System calls made by a standing thread of the target, on our behalf. x86-64 only; elsewhere every call
 *gives HW_ERROR_UNSUPPORTED. Private to inspector/.
 *
 *	errnum = hw_remote_begin(&remote, tid, &code, floor, options);
 *	if (!errnum) {
 *		errnum = hw_remote_call(&remote, SYS_wait4, arguments, &result);
 *		hw_remote_end(&remote);
 *	}
 *
 * Between begin and end the thread has other registers than its own and blocks all signals. So only the agent
 *may do this, and nothing long may happen in between. If the agent dies even so, the thread finds back by
 *itself (lifeline.h).
 */
#ifndef HW_INSPECTOR_REMOTE_H
#define HW_INSPECTOR_REMOTE_H

#include "inspector/inspector.h"
#include "inspector/lifeline.h"

#if !defined(__x86_64__)
struct hw_lifeline_code {
	uint64_t call;
};
#endif

struct hw_remote {
	pid_t tid;
	struct hw_lifeline_code code;
	long options; /* PTRACE_O_* of the thread meanwhile */
	pid_t *child; /* the process that the last call made, as we see it, is stored here; NULL: it may make
			 none */
	uint64_t saved_signals;
#if defined(__x86_64__)
	bool has_lifeline;
	struct hw_lifeline lifeline;
	struct user_regs_struct saved;
#endif
};

/* Finds the instructions that are needed in the code of a process. HW_ERROR_UNSUPPORTED: it has none. */
struct hw_error *hw_remote_find_code(
	const struct hw_snapshot *snapshot, struct hw_lifeline_code *code) hw_must_check;

/* Whether they are still there; `mem` is the open /proc/PID/mem. */
bool hw_remote_code_is_there(const struct hw_lifeline_code *code, int mem);

/*
 * The functions below return an errno value, 0: fine, ESRCH: the thread died. They allocate nothing, because
 * the agent also cleans up when heapwalk was killed while its heap was in disorder.
 */

/*
 * Whether a call may be made by this thread, which stands: it runs 64-bit code, and is not inside a
 * restartable sequence, which a detour would tear (rseq(2)). `mem` is its open /proc/PID/mem.
 */
bool hw_remote_is_fit(pid_t tid, int mem);

/* Where the mapping of the thread's stack begins, if it is private and writable, else 0. */
uint64_t hw_remote_floor(pid_t tid);

/*
 * Saves registers and signal mask of a thread in an event stop, and lays a lifeline within its stack, whose
 * mapping begins at `floor`; 0: none, because the thread dies with us anyway. On an error nothing has
 * changed.
 */
int hw_remote_begin(struct hw_remote *remote, pid_t tid, const struct hw_lifeline_code *code, uint64_t floor,
	long options) hw_must_check;

/*
 * Makes the call: the result is the kernel's, negative errno values included. A child that it makes is
 * ours, stands, and dies with us (PTRACE_O_EXITKILL). clone(2) is to give it the stack
 * hw_remote_child_stack().
 */
int hw_remote_call(
	struct hw_remote *remote, long number, const uint64_t arguments[6], long *result) hw_must_check;

/* The stack of a child that this thread makes, on which it ends by itself; 0: the thread's own. */
uint64_t hw_remote_child_stack(const struct hw_remote *remote);

/* Gives the thread its own registers and signals back, in an event stop, where the kernel restarts its call.
 */
void hw_remote_end(struct hw_remote *remote);

#endif
