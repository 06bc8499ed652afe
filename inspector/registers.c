/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Register blocks, read through ptrace. */
#include <elf.h>
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "inspector/registers.h"

/* The largest block that we take: x86's XSAVE area with AMX tiles has about 11 KiB. */
#define BLOCK_LIMIT ((size_t)1 << 16)

/* Reads a register block whole. An errno value; EINVAL or ENODEV: this machine has no such block. */
static int read_block(pid_t tid, int type, struct hw_register_set *set)
{
	uint8_t buffer[BLOCK_LIMIT];
	struct iovec io = { .iov_base = buffer, .iov_len = sizeof(buffer) };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)type, &io) != 0)
		return errno;
	set->bytes = malloc(io.iov_len);
	if (!set->bytes)
		return ENOMEM;
	memcpy(set->bytes, buffer, io.iov_len);
	set->size = io.iov_len;
	return 0;
}

bool hw_registers_parse_syscall(struct hw_thread *thread, const char *text)
{
	unsigned long long sp, pc;
	long call;

	/* In user mode only "-1 sp pc"; in a system call the number and six arguments come before sp. */
	if (sscanf(text, "%ld %llx %llx", &call, &sp, &pc) != 3)
		return false;
	if (call >= 0 && sscanf(text, "%*d %*x %*x %*x %*x %*x %*x %llx %llx", &sp, &pc) != 2)
		return false;
	thread->sp = sp;
	thread->pc = pc;
	thread->in_system_call = call >= 0;
	return true;
}

#if defined(__x86_64__)

/* The block of a 32-bit thread: arch/x86/include/asm/user_32.h, which a 64-bit compiler does not offer. */
struct registers_i386 {
	uint32_t ebx, ecx, edx, esi, edi, ebp, eax, ds, es, fs, gs, orig_eax, eip, cs, eflags, esp, ss;
};

/* struct user_desc of asm/ldt.h, the part that is asked for. */
struct descriptor_i386 {
	uint32_t entry;
	uint32_t base;
	uint32_t limit;
	uint32_t flags;
};

/* glibc keeps the thread pointer in a GDT entry that gs selects (set_thread_area(2)). */
static uint64_t thread_area_base(pid_t tid, uint32_t selector)
{
	struct descriptor_i386 descriptor = { 0 };

	if (ptrace(PTRACE_GET_THREAD_AREA, tid, (void *)(uintptr_t)(selector >> 3), &descriptor) != 0)
		return 0;
	return descriptor.base;
}

static void read_i386(struct hw_thread *thread)
{
	struct registers_i386 registers;

	memcpy(&registers, thread->general.bytes, sizeof(registers));
	thread->pc = registers.eip;
	thread->sp = registers.esp;
	thread->in_system_call = (int32_t)registers.orig_eax >= 0;
	thread->thread_pointer = thread_area_base(thread->tid, registers.gs);
}

static void read_x86_64(struct hw_thread *thread)
{
	struct user_regs_struct registers;

	memcpy(&registers, thread->general.bytes, sizeof(registers));
	thread->pc = registers.rip;
	thread->sp = registers.rsp;
	thread->in_system_call = (long)registers.orig_rax >= 0;
	thread->thread_pointer = registers.fs_base;
}

static bool interpret(struct hw_thread *thread)
{
	if (thread->general.size == sizeof(struct registers_i386))
		read_i386(thread);
	else if (thread->general.size == sizeof(struct user_regs_struct))
		read_x86_64(thread);
	else
		return false;
	return true;
}

static int read_vector(struct hw_thread *thread)
{
	int errnum = read_block(thread->tid, NT_X86_XSTATE, &thread->vector);

	return errnum == ENODEV || errnum == EINVAL ? read_block(thread->tid, NT_PRFPREG, &thread->vector)
						    : errnum;
}

#elif defined(__aarch64__)

static bool interpret(struct hw_thread *thread)
{
	struct user_regs_struct registers;
	uint64_t pointer = 0;
	int call = -1;
	struct iovec tls = { .iov_base = &pointer, .iov_len = sizeof(pointer) };
	struct iovec number = { .iov_base = &call, .iov_len = sizeof(call) };

	if (thread->general.size != sizeof(registers))
		return false;
	memcpy(&registers, thread->general.bytes, sizeof(registers));
	thread->pc = registers.pc;
	thread->sp = registers.sp;
	if (ptrace(PTRACE_GETREGSET, thread->tid, (void *)NT_ARM_TLS, &tls) == 0)
		thread->thread_pointer = pointer;
	if (ptrace(PTRACE_GETREGSET, thread->tid, (void *)NT_ARM_SYSTEM_CALL, &number) == 0)
		thread->in_system_call = call >= 0;
	return true;
}

static int read_vector(struct hw_thread *thread)
{
	return read_block(thread->tid, NT_PRFPREG, &thread->vector);
}

#else

static bool interpret(struct hw_thread *thread)
{
	(void)thread;
	return false;
}

static int read_vector(struct hw_thread *thread)
{
	(void)thread;
	return ENODEV;
}

#endif

struct hw_error *hw_registers_read(struct hw_thread *thread)
{
	int errnum = read_block(thread->tid, NT_PRSTATUS, &thread->general);

	if (errnum == ESRCH)
		return NULL; /* killed while it stood: it has no registers any more */
	if (errnum)
		return hw_error_os(errnum, "registers of thread %d", (int)thread->tid);
	if (!interpret(thread))
		return hw_error_create(HW_ERROR_UNSUPPORTED,
			"thread %d has a register block of %zu bytes, of a machine that is not known",
			(int)thread->tid, thread->general.size);
	thread->has_registers = true;
	errnum = read_vector(thread);
	if (errnum == ENOMEM)
		return hw_error_no_memory();
	return NULL;
}
