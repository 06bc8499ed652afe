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

/* Word indexes into the two register blocks (arch/x86/include/asm/user_32.h, user_64.h). */
enum { I386_WORDS = 17, I386_EBX = 0, I386_EAX = 6, I386_ORIG_EAX = 11 };

static void set_block(pid_t tid, void *block, size_t size)
{
	struct iovec io = { .iov_base = block, .iov_len = size };

	ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &io); /* fails only for a dead one */
}

static void repair_i386(const struct hw_thread *thread)
{
	uint32_t block[I386_WORDS];

	memcpy(block, thread->general.bytes, sizeof(block));
	if ((int32_t)block[I386_EAX] != -EINTR ||
		!hw_registers_is_eintr_call(true, (int32_t)block[I386_ORIG_EAX], block[I386_EBX]))
		return;
	block[I386_EAX] = (uint32_t)-ERESTARTNOHAND;
	set_block(thread->tid, block, sizeof(block));
}

static void repair_x86_64(const struct hw_thread *thread)
{
	struct user_regs_struct block;

	memcpy(&block, thread->general.bytes, sizeof(block));
	if ((long)block.rax != -EINTR || !hw_registers_is_eintr_call(false, (long)block.orig_rax, block.rdi))
		return;
	block.rax = (unsigned long)-ERESTARTNOHAND;
	set_block(thread->tid, &block, sizeof(block));
}

void hw_registers_repair_eintr(const struct hw_thread *thread)
{
	if (!thread->has_registers)
		return;
	if (thread->general.size == I386_WORDS * sizeof(uint32_t))
		repair_i386(thread);
	else if (thread->general.size == sizeof(struct user_regs_struct))
		repair_x86_64(thread);
}

#else

bool hw_registers_is_eintr_call(bool i386, long call, unsigned long first_argument)
{
	(void)i386, (void)call, (void)first_argument;
	return false;
}

void hw_registers_repair_eintr(const struct hw_thread *thread)
{
	(void)thread;
}

#endif
