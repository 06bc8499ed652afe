/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The registers of a stopped thread, as the machine names them. Here and in remote.c stands all that depends
 * on the machine that heapwalk runs on. Private to inspector/.
 */
#ifndef HW_INSPECTOR_REGISTERS_H
#define HW_INSPECTOR_REGISTERS_H

#include "inspector/inspector.h"

/*
 * Fills general, vector, pc, sp, thread_pointer, in_system_call and has_registers of a thread that stands
 * (thread->tid; in an event stop of ours). What the kernel does not give stays empty.
 */
struct hw_error *hw_registers_read(struct hw_thread *thread) hw_must_check;

/*
 * The stack pointer and program counter of a thread that we cannot stop, out of /proc/TID/syscall's text
 * ("202 0x7f... 0x80 ... 0x7ffd40 0x7f12"): false when it is running or the text makes no sense.
 */
bool hw_registers_parse_syscall(struct hw_thread *thread, const char *text);

/*
 * A stop makes some system calls return EINTR although no signal came, which no program expects
 * (signal(7), "Interruption of system calls and library functions by stop signals"). Where the thread just
 * returns from one of them, its result is made ERESTARTNOHAND: the kernel then calls it anew with the same
 * arguments (a time-out starts again), or makes it EINTR after all if a signal handler comes first. It is one
 * register of the target that changes, and the kernel acts on it only on the way out of this very stop. The
 * thread must be in an event stop. Allocates nothing.
 */
void hw_registers_repair_eintr(pid_t tid);

/* Whether that is so for a system call: by the call's number and, for i386's ipc(2), its first argument. */
bool hw_registers_is_eintr_call(bool i386, long call, unsigned long first_argument);

#endif
