/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * System calls made by a standing thread of the target, on our behalf. x86-64 only; elsewhere every call
 *gives HW_ERROR_UNSUPPORTED. Private to inspector/.
 *
 *	errnum = hw_remote_begin(&remote, tid, gadget, options);
 *	if (!errnum) {
 *		errnum = hw_remote_call(&remote, SYS_wait4, arguments, &result);
 *		hw_remote_end(&remote);
 *	}
 *
 * Between begin and end the thread has other registers than its own and blocks all signals: if the tracer
 * died there, the thread would be lost, and with it the process. So only the agent may do this, and nothing
 * long may happen in between.
 */
#ifndef HW_INSPECTOR_REMOTE_H
#define HW_INSPECTOR_REMOTE_H

#include "inspector/inspector.h"

#if defined(__x86_64__)
#include <sys/user.h>
#endif

struct hw_remote {
	pid_t tid;
	uint64_t gadget; /* the address of a system call instruction */
	long options;    /* PTRACE_O_* of the thread meanwhile */
	pid_t child;     /* the process that the last call made, as we see it; 0: none */
	uint64_t saved_signals;
#if defined(__x86_64__)
	struct user_regs_struct saved;
#endif
};

/* Finds a system call instruction in the code of a process. HW_ERROR_UNSUPPORTED: there is none. */
struct hw_error *hw_remote_find_gadget(const struct hw_snapshot *snapshot, uint64_t *gadget) hw_must_check;

/*
 * The functions below return an errno value, 0: fine, ESRCH: the thread died. They allocate nothing, because
 * the agent also cleans up when heapwalk was killed while its heap was in disorder.
 */

/*
 * Whether a call may be made by this thread, which stands: it runs 64-bit code, and is not inside a
 * restartable sequence, which a detour would tear (rseq(2)). `mem` is its open /proc/PID/mem.
 */
bool hw_remote_is_fit(pid_t tid, int mem);

/* Saves registers and signal mask of a thread in an event stop. On an error nothing has changed. */
int hw_remote_begin(struct hw_remote *remote, pid_t tid, uint64_t gadget, long options) hw_must_check;

/*
 * Makes the call: the result is the kernel's, negative errno values included. A child that it makes is
 * ours, stands, and dies with us (PTRACE_O_EXITKILL).
 */
int hw_remote_call(
	struct hw_remote *remote, long number, const uint64_t arguments[6], long *result) hw_must_check;

/* Gives the thread its own registers and signals back, in an event stop, where the kernel restarts its call.
 */
void hw_remote_end(struct hw_remote *remote);

#endif
