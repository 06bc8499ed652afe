/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls that a stop would make fail with EINTR. */
#include <elf.h>
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "inspector/registers.h"

#if defined(__x86_64__)

/* The kernel's own: include/linux/errno.h. */
#define ERESTARTNOHAND 514

#define I386_IPC            117
#define I386_IPC_SEMOP      1
#define I386_IPC_SEMTIMEDOP 4

/*
 * Calls that return EINTR without having done anything: those that signal(7) names, io_uring_enter and
 * io_getevents, and what reads, writes, accepts or connects (a socket with SO_RCVTIMEO or SO_SNDTIMEO).
 * close(2), which has let go of its descriptor when it returns EINTR, must not be among them.
 */
static const short calls_x86_64[] = {
	0,   /* read */
	1,   /* write */
	19,  /* readv */
	20,  /* writev */
	42,  /* connect */
	43,  /* accept */
	44,  /* sendto */
	45,  /* recvfrom */
	46,  /* sendmsg */
	47,  /* recvmsg */
	65,  /* semop */
	128, /* rt_sigtimedwait */
	208, /* io_getevents */
	220, /* semtimedop */
	232, /* epoll_wait */
	281, /* epoll_pwait */
	288, /* accept4 */
	299, /* recvmmsg */
	307, /* sendmmsg */
	426, /* io_uring_enter */
	441, /* epoll_pwait2 */
};

static const short calls_i386[] = {
	3,   /* read */
	4,   /* write */
	102, /* socketcall */
	145, /* readv */
	146, /* writev */
	177, /* rt_sigtimedwait */
	247, /* io_getevents */
	256, /* epoll_wait */
	319, /* epoll_pwait */
	337, /* recvmmsg */
	345, /* sendmmsg */
	362, /* connect */
	364, /* accept4 */
	369, /* sendto */
	370, /* sendmsg */
	371, /* recvfrom */
	372, /* recvmsg */
	417, /* recvmmsg_time64 */
	420, /* semtimedop_time64 */
	421, /* rt_sigtimedwait_time64 */
	426, /* io_uring_enter */
	441, /* epoll_pwait2 */
};

static bool is_listed(const short *calls, size_t count, long call)
{
	for (size_t i = 0; i < count; i++) {
		if (calls[i] == call)
			return true;
	}
	return false;
}

bool hw_registers_is_eintr_call(bool i386, long call, unsigned long first_argument)
{
	if (!i386)
		return is_listed(calls_x86_64, hw_array_size(calls_x86_64), call);
	/* The high half of ipc's first argument is a version. */
	if (call == I386_IPC)
		return (first_argument & 0xffff) == I386_IPC_SEMOP ||
		       (first_argument & 0xffff) == I386_IPC_SEMTIMEDOP;
	return is_listed(calls_i386, hw_array_size(calls_i386), call);
}

/* The kernel gives the block of the mode that the thread is in: arch/x86/include/asm/user_32.h, user_64.h. */
union block {
	struct user_regs_struct wide;
	uint32_t narrow[17];
};

enum { NARROW_EBX = 0, NARROW_EAX = 6, NARROW_ORIG_EAX = 11 };

static bool repair_narrow(uint32_t *block)
{
	if ((int32_t)block[NARROW_EAX] != -EINTR ||
		!hw_registers_is_eintr_call(true, (int32_t)block[NARROW_ORIG_EAX], block[NARROW_EBX]))
		return false;
	block[NARROW_EAX] = (uint32_t)-ERESTARTNOHAND;
	return true;
}

static bool repair_wide(struct user_regs_struct *block)
{
	if ((long)block->rax != -EINTR ||
		!hw_registers_is_eintr_call(false, (long)block->orig_rax, block->rdi))
		return false;
	block->rax = (unsigned long)-ERESTARTNOHAND;
	return true;
}

void hw_registers_repair_eintr(pid_t tid)
{
	union block block;
	struct iovec io = { .iov_base = &block, .iov_len = sizeof(block) };
	bool changed = false;

	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &io) != 0)
		return;
	if (io.iov_len == sizeof(block.narrow))
		changed = repair_narrow(block.narrow);
	else if (io.iov_len == sizeof(block.wide))
		changed = repair_wide(&block.wide);
	if (changed)
		ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &io); /* fails only for a dead one */
}

#else

bool hw_registers_is_eintr_call(bool i386, long call, unsigned long first_argument)
{
	(void)i386, (void)call, (void)first_argument;
	return false;
}

void hw_registers_repair_eintr(pid_t tid)
{
	(void)tid;
}

#endif
