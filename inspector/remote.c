/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Remote system calls: ptrace(2), "Syscall-stops" and "PTRACE_EVENT stops". */
#include "inspector/remote.h"

#if defined(__x86_64__)

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

static const uint8_t syscall_instruction[] = { 0x0f, 0x05 };

/* How much of a mapping's code is searched. */
#define SEARCH_LIMIT ((size_t)1 << 22)

#define CODE_SEGMENT_64 0x33

/* The kernel's own: include/linux/errno.h. */
#define ERESTARTNOINTR 513
#define RESTART_LIMIT  100

#define SYSCALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

static bool search_map(const struct hw_snapshot *snapshot, const struct hw_map *map, uint64_t *gadget)
{
	size_t size = (size_t)hw_min(map->end - map->start, SEARCH_LIMIT), got;
	hw_autofree uint8_t *code = malloc(size);
	const uint8_t *found;

	if (!code)
		return false;
	got = hw_image_read_some(snapshot->image, map->start, code, size);
	found = memmem(code, got, syscall_instruction, sizeof(syscall_instruction));
	if (found)
		*gadget = map->start + (uint64_t)(found - code);
	return found;
}

/* The vdso is never unmapped or replaced in practice, so it is asked first. */
struct hw_error *hw_remote_find_gadget(const struct hw_snapshot *snapshot, uint64_t *gadget)
{
	for (int vdso = 1; vdso >= 0; vdso--) {
		for (size_t i = 0; i < snapshot->map_count; i++) {
			const struct hw_map *map = &snapshot->maps[i];
			unsigned code = HW_MAP_READ | HW_MAP_EXEC;

			if ((map->prot & (code | HW_MAP_WRITE)) != code ||
				(strcmp(map->path, "[vdso]") == 0) != vdso)
				continue;
			if (search_map(snapshot, map, gadget))
				return NULL;
		}
	}
	return hw_error_create(HW_ERROR_UNSUPPORTED, "its code has no system call instruction");
}

#ifndef PTRACE_GET_RSEQ_CONFIGURATION
#define PTRACE_GET_RSEQ_CONFIGURATION 0x420f /* Linux 5.13 */
#endif

/* struct ptrace_rseq_configuration of linux/ptrace.h, for headers that do not have it. */
struct rseq_configuration {
	uint64_t address;
	uint32_t size;
	uint32_t signature;
	uint32_t flags;
	uint32_t pad;
};

#define RSEQ_CRITICAL_SECTION_OFFSET 8 /* struct rseq, member rseq_cs: linux/rseq.h */

static bool is_in_restartable_sequence(pid_t tid, int mem)
{
	struct rseq_configuration rseq = { 0 };
	uint64_t section;

	if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, tid, (void *)sizeof(rseq), &rseq) < 0 || !rseq.address)
		return false;
	return pread(mem, &section, sizeof(section), (off_t)(rseq.address + RSEQ_CRITICAL_SECTION_OFFSET)) !=
		       sizeof(section) ||
	       section;
}

bool hw_remote_is_fit(pid_t tid, int mem)
{
	struct user_regs_struct registers;

	return ptrace(PTRACE_GETREGS, tid, NULL, &registers) == 0 && registers.cs == CODE_SEGMENT_64 &&
	       !is_in_restartable_sequence(tid, mem);
}

/* The next stop of a thread that is sure to come to one, or to die. */
static bool wait_for_stop(pid_t tid, int *status)
{
	pid_t got;

	do
		got = waitpid(tid, status, __WALL);
	while (got < 0 && errno == EINTR);
	return got == tid && WIFSTOPPED(*status);
}

int hw_remote_begin(struct hw_remote *remote, pid_t tid, uint64_t gadget, long options)
{
	uint64_t all = UINT64_MAX;

	*remote = (struct hw_remote){ .tid = tid, .gadget = gadget, .options = options };
	if (ptrace(PTRACE_GETREGS, tid, NULL, &remote->saved) != 0 ||
		ptrace(PTRACE_GETSIGMASK, tid, sizeof(remote->saved_signals), &remote->saved_signals) != 0 ||
		ptrace(PTRACE_SETOPTIONS, tid, NULL, options) != 0)
		return errno;
	return ptrace(PTRACE_SETSIGMASK, tid, sizeof(all), &all) == 0 ? 0 : errno;
}

/* A new child is auto-attached; from here on it dies with us, as the thread that made it must not. */
static void adopt_child(struct hw_remote *remote)
{
	unsigned long message;
	int status;

	if (ptrace(PTRACE_GETEVENTMSG, remote->tid, NULL, &message) != 0)
		return;
	if (!wait_for_stop((pid_t)message, &status))
		return;
	remote->child = (pid_t)message;
	ptrace(PTRACE_SETOPTIONS, remote->child, NULL, remote->options | PTRACE_O_EXITKILL);
}

/*
 * Lets the thread run to its next system call stop. All signals are blocked; SIGSTOP, which cannot be, is let
 * through: it changes no register, and the thread goes on under ptrace although its process is stopped.
 */
static int run_to_syscall_stop(struct hw_remote *remote)
{
	long signal = 0;
	int status;

	for (;;) {
		ptrace(PTRACE_SYSCALL, remote->tid, NULL, signal);
		if (!wait_for_stop(remote->tid, &status))
			return ESRCH;
		if (WSTOPSIG(status) == SYSCALL_STOP)
			return 0;
		signal = status >> 16 ? 0 : WSTOPSIG(status);
		if (status >> 16 == PTRACE_EVENT_CLONE)
			adopt_child(remote);
	}
}

static int call_once(struct hw_remote *remote, long number, const uint64_t arguments[6], long *result)
{
	struct user_regs_struct registers = remote->saved;
	int errnum;

	registers.rip = remote->gadget;
	registers.rax = (unsigned long)number;
	registers.orig_rax = (unsigned long)-1; /* else the kernel would restart the thread's own call */
	registers.rdi = arguments[0];
	registers.rsi = arguments[1];
	registers.rdx = arguments[2];
	registers.r10 = arguments[3];
	registers.r8 = arguments[4];
	registers.r9 = arguments[5];
	if (ptrace(PTRACE_SETREGS, remote->tid, NULL, &registers) != 0)
		return errno;
	errnum = run_to_syscall_stop(remote);
	if (!errnum)
		errnum = run_to_syscall_stop(remote);
	if (!errnum && ptrace(PTRACE_GETREGS, remote->tid, NULL, &registers) != 0)
		errnum = errno;
	*result = (long)registers.rax;
	return errnum;
}

/* clone(2) does nothing when a signal waits, be it SIGSTOP, and wants to be called again after it. */
int hw_remote_call(struct hw_remote *remote, long number, const uint64_t arguments[6], long *result)
{
	long got = -ERESTARTNOINTR;
	int errnum = 0;

	remote->child = 0;
	for (int tries = 0; tries < RESTART_LIMIT && got == -ERESTARTNOINTR && !errnum; tries++)
		errnum = call_once(remote, number, arguments, &got);
	if (!errnum)
		*result = got;
	return errnum;
}

void hw_remote_end(struct hw_remote *remote)
{
	long signal = 0;
	int status;

	ptrace(PTRACE_INTERRUPT, remote->tid, NULL, NULL);
	do {
		ptrace(PTRACE_CONT, remote->tid, NULL, signal);
		if (!wait_for_stop(remote->tid, &status))
			return;
		signal = status >> 16 ? 0 : WSTOPSIG(status);
	} while (status >> 16 != PTRACE_EVENT_STOP);
	ptrace(PTRACE_SETREGS, remote->tid, NULL, &remote->saved);
	ptrace(PTRACE_SETSIGMASK, remote->tid, sizeof(remote->saved_signals), &remote->saved_signals);
	ptrace(PTRACE_SETOPTIONS, remote->tid, NULL, 0L);
}

#else

#include <errno.h>

struct hw_error *hw_remote_find_gadget(const struct hw_snapshot *snapshot, uint64_t *gadget)
{
	(void)snapshot, (void)gadget;
	return hw_error_create(HW_ERROR_UNSUPPORTED, "no remote system calls on this machine");
}

bool hw_remote_is_fit(pid_t tid, int mem)
{
	(void)tid, (void)mem;
	return false;
}

int hw_remote_begin(struct hw_remote *remote, pid_t tid, uint64_t gadget, long options)
{
	(void)remote, (void)tid, (void)gadget, (void)options;
	return ENOSYS;
}

int hw_remote_call(struct hw_remote *remote, long number, const uint64_t arguments[6], long *result)
{
	(void)remote, (void)number, (void)arguments, (void)result;
	return ENOSYS;
}

void hw_remote_end(struct hw_remote *remote)
{
	(void)remote;
}

#endif
