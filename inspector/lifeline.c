/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames as the kernel's arch/x86/kernel/signal_64.c and fpu/signal.c read them. */
#include "inspector/lifeline.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* System V ABI, AMD64: what a function may use below its stack pointer. */
#define RED_ZONE 128

/* struct ucontext's flags: asm/ucontext.h. */
#define UC_FP_XSTATE         1
#define UC_SIGCONTEXT_SS     2
#define UC_STRICT_RESTORE_SS 4

#define CODE_SEGMENT  0x33
#define STACK_SEGMENT 0x2b
#define PLAIN_FLAGS   0x202

/* The kernel's own: include/linux/errno.h. */
#define ERESTARTSYS           512
#define ERESTARTNOINTR        513
#define ERESTARTNOHAND        514
#define ERESTART_RESTARTBLOCK 516

#define SYSCALL_LENGTH 2

/* struct rt_sigframe and, in it, struct ucontext, as far as rt_sigreturn(2) reads them. */
struct frame {
	uint64_t back; /* popped by `ret` */
	uint64_t flags;
	uint64_t link;
	stack_t alternate;
	struct sigcontext context;
	uint64_t blocked;
};

/* The parts of an XSAVE area in the standard format: Intel SDM volume 1, chapter 13. */
#define XSAVE_HEADER     512
#define XSAVE_EXTENDED   576
#define XFEATURES_OFFSET 464 /* where ptrace puts the features that the kernel has switched on */
#define TILE_DATA        18  /* given to a thread only when it asks for it */

/* One that sigaltstack(2) refuses, so that the thread keeps its own. */
#define NO_STACK_FLAGS 0x7f

/* The registers with which the thread would come out of the stop, its own system call about to be made again.
 */
static void restart(struct sigcontext *context, long call)
{
	if (call < 0)
		return;
	switch (-(long)context->rax) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		context->rax = (uint64_t)call;
		context->rip -= SYSCALL_LENGTH;
	}
}

static void fill_frame(struct frame *frame, const struct user_regs_struct *registers, uint64_t blocked)
{
	frame->flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	frame->alternate.ss_flags = NO_STACK_FLAGS;
	frame->context = (struct sigcontext){
		.r8 = registers->r8,
		.r9 = registers->r9,
		.r10 = registers->r10,
		.r11 = registers->r11,
		.r12 = registers->r12,
		.r13 = registers->r13,
		.r14 = registers->r14,
		.r15 = registers->r15,
		.rdi = registers->rdi,
		.rsi = registers->rsi,
		.rbp = registers->rbp,
		.rbx = registers->rbx,
		.rdx = registers->rdx,
		.rax = registers->rax,
		.rcx = registers->rcx,
		.rsp = registers->rsp,
		.rip = registers->rip,
		.eflags = registers->eflags,
		.cs = (unsigned short)registers->cs,
		.__pad0 = (unsigned short)registers->ss, /* the kernel's member ss */
	};
	frame->blocked = blocked;
}

/* Bytes of an XSAVE area with these features. */
static size_t area_size(uint64_t features)
{
	size_t size = XSAVE_EXTENDED;

	for (unsigned i = 2; i < 63; i++) {
		unsigned length, offset, c, d;

		if (features >> i & 1 && __get_cpuid_count(0xd, i, &length, &offset, &c, &d))
			size = hw_max(size, (size_t)offset + length);
	}
	return size;
}

/*
 * Reads the thread's vector registers in the form that a signal's frame has them: with the marks that tell
 * the kernel how much there is. The size, 0: they cannot be had.
 */
static size_t read_vectors(pid_t tid, uint8_t area[HW_LIFELINE_ROOM])
{
	struct iovec io = { .iov_base = area, .iov_len = HW_LIFELINE_ROOM };
	const uint32_t end = FP_XSTATE_MAGIC2;
	struct _fpx_sw_bytes mark = { .magic1 = FP_XSTATE_MAGIC1 };
	uint64_t in_use;
	size_t size;

	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_X86_XSTATE, &io) != 0 || io.iov_len < XSAVE_EXTENDED)
		return 0;
	memcpy(&mark.xstate_bv, area + XFEATURES_OFFSET, sizeof(mark.xstate_bv));
	memcpy(&in_use, area + XSAVE_HEADER, sizeof(in_use));
	if (!(in_use >> TILE_DATA & 1))
		mark.xstate_bv &= ~(UINT64_C(1) << TILE_DATA);
	size = area_size(mark.xstate_bv);
	if (size > io.iov_len || size + sizeof(end) > HW_LIFELINE_ROOM)
		return 0;
	mark.xstate_size = (uint32_t)size;
	mark.extended_size = (uint32_t)(size + sizeof(end));
	memcpy(area + XFEATURES_OFFSET, &mark, sizeof(mark));
	memcpy(area + size, &end, sizeof(end));
	return size + sizeof(end);
}

/* Writes into the target, and keeps what was there; not where the program itself could not write. */
static int replace(
	struct hw_lifeline_piece *piece, pid_t tid, uint64_t address, const void *bytes, size_t size)
{
	struct iovec there = { .iov_base = (void *)(uintptr_t)address, .iov_len = size };
	struct iovec kept = { .iov_base = piece->bytes, .iov_len = size };
	struct iovec fresh = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };

	if (process_vm_readv(tid, &kept, 1, &there, 1, 0) != (ssize_t)size)
		return EFAULT;
	piece->address = address;
	piece->size = size;
	return process_vm_writev(tid, &fresh, 1, &there, 1, 0) == (ssize_t)size ? 0 : EFAULT;
}

static void put_back(struct hw_lifeline_piece *piece, pid_t tid)
{
	struct iovec there = { .iov_base = (void *)(uintptr_t)piece->address, .iov_len = piece->size };
	struct iovec kept = { .iov_base = piece->bytes, .iov_len = piece->size };

	if (piece->size)
		process_vm_writev(tid, &kept, 1, &there, 1, 0); /* fails only for one that died */
	piece->size = 0;
}

void hw_lifeline_lift(struct hw_lifeline *lifeline)
{
	for (size_t i = 0; i < hw_array_size(lifeline->pieces); i++)
		put_back(&lifeline->pieces[i], lifeline->tid);
}

static int lay_for_thread(struct hw_lifeline *lifeline, const struct hw_lifeline_code *code, uint64_t floor,
	const struct user_regs_struct *registers, uint64_t blocked)
{
	struct {
		struct frame frame;
		_Alignas(64) uint8_t area[HW_LIFELINE_ROOM];
	} laid = { .frame.back = code->back };
	size_t size = read_vectors(lifeline->tid, laid.area), gap = offsetof(typeof(laid), area);
	uint64_t address = (registers->rsp - RED_ZONE - size) & ~UINT64_C(63);

	if (!size)
		return ENOTSUP;
	if (address > registers->rsp || address < floor + gap || gap + size > HW_LIFELINE_ROOM)
		return ENOMEM;
	fill_frame(&laid.frame, registers, blocked);
	restart(&laid.frame.context, (long)registers->orig_rax);
	laid.frame.flags |= UC_FP_XSTATE;
	laid.frame.context.fpstate = (struct _fpstate *)(uintptr_t)address;
	lifeline->stack = address - gap;
	return replace(&lifeline->pieces[0], lifeline->tid, lifeline->stack, &laid, gap + size);
}

/*
 * As far below the thread's own frame as there is room, because the thread, back at its work, must not write
 * over it before the child has ended.
 */
static int lay_for_child(struct hw_lifeline *lifeline, const struct hw_lifeline_code *code, uint64_t floor)
{
	static const unsigned distances[] = { 32768, 8192, 512 };
	struct frame frame = { .back = code->back };
	struct user_regs_struct registers = { .rip = code->call,
		.rax = SYS_exit,
		.cs = CODE_SEGMENT,
		.ss = STACK_SEGMENT,
		.eflags = PLAIN_FLAGS };
	int errnum = ENOMEM;

	for (size_t i = 0; i < hw_array_size(distances) && errnum; i++) {
		uint64_t address = (lifeline->stack - distances[i] - sizeof(frame)) & ~UINT64_C(15);

		if (lifeline->stack < distances[i] + sizeof(frame) || address < floor)
			continue;
		registers.rsp = address;
		fill_frame(&frame, &registers, UINT64_MAX);
		lifeline->child_stack = address;
		errnum = replace(&lifeline->pieces[1], lifeline->tid, address, &frame, sizeof(frame));
	}
	return errnum;
}

int hw_lifeline_lay(struct hw_lifeline *lifeline, pid_t tid, const struct hw_lifeline_code *code,
	uint64_t floor, const struct user_regs_struct *registers, uint64_t blocked)
{
	int errnum;

	lifeline->tid = tid;
	for (size_t i = 0; i < hw_array_size(lifeline->pieces); i++)
		lifeline->pieces[i].size = 0;
	errnum = lay_for_thread(lifeline, code, floor, registers, blocked);
	if (!errnum)
		errnum = lay_for_child(lifeline, code, floor);
	if (errnum)
		hw_lifeline_lift(lifeline);
	return errnum;
}

#endif
