/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Remote system calls: ptrace(2), "Syscall-stops" and "PTRACE_EVENT stops". */
#include "inspector/remote.h"

#include "inspector/tracee.h"

#if defined(__x86_64__)

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define CODE_SEGMENT_64 0x33

/* The kernel's own: include/linux/errno.h. */
#define ERESTARTNOINTR 513
#define RESTART_LIMIT  100

/* A stop is told by SIGCHLD; a leader's death is not. */
#define WAIT_STEP_US 20000

#define SYSCALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

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

static bool has_ended(pid_t tid)
{
	struct hw_tracee tracee = { .tid = tid };

	hw_tracee_look(&tracee);
	return tracee.state == HW_TRACEE_ZOMBIE || tracee.state == HW_TRACEE_GONE;
}

/*
 * The next stop of a thread that is sure to come to one, or to die; false: it died. A leader's death is
 * reported only when we have waited for all the other threads of its process, which stand: its state tells.
 */
static bool wait_for_stop(pid_t tid, int *status)
{
	pid_t got;

	while ((got = waitpid(tid, status, __WALL | WNOHANG)) == 0) {
		if (has_ended(tid))
			return false;
		hw_tracee_doze(WAIT_STEP_US);
	}
	return got == tid && WIFSTOPPED(*status);
}

/* As "START-END PERMS ..." of /proc/PID/maps has it. */
static bool is_stack(const char *line, uint64_t sp, uint64_t *floor)
{
	char *end;
	uint64_t start = strtoull(line, &end, 16), limit = *end == '-' ? strtoull(end + 1, &end, 16) : 0;

	if (sp < start || sp >= limit || strncmp(end, " rw", 3) != 0 || end[4] != 'p')
		return false;
	*floor = start;
	return true;
}

/* Reads maps in pieces, and drops the rest of a line that is longer than the buffer: only its beginning
 * counts. */
static uint64_t find_stack(int maps, uint64_t sp)
{
	char buffer[4096];
	uint64_t floor = 0;
	size_t kept = 0;
	ssize_t got;

	while (!floor && (got = read(maps, buffer + kept, sizeof(buffer) - 1 - kept)) > 0) {
		char *line = buffer, *end;

		buffer[kept + (size_t)got] = '\0';
		for (; !floor && (end = strchr(line, '\n')); line = end + 1)
			is_stack(line, sp, &floor);
		kept = strlen(line);
		if (kept == sizeof(buffer) - 1)
			kept = 0;
		memmove(buffer, line, kept);
	}
	return floor;
}

uint64_t hw_remote_floor(pid_t tid)
{
	struct user_regs_struct registers;
	hw_autoclose int maps = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)tid);
	maps = open(path, O_RDONLY | O_CLOEXEC);
	if (maps < 0 || ptrace(PTRACE_GETREGS, tid, NULL, &registers) != 0)
		return 0;
	return find_stack(maps, registers.rsp);
}

/* From here on the thread would find back if it ran; so its signals are blocked only then. */
static int step_aside(struct hw_remote *remote, uint64_t floor)
{
	struct user_regs_struct registers = remote->saved;
	int errnum = hw_lifeline_lay(
		&remote->lifeline, remote->tid, &remote->code, floor, &remote->saved, remote->saved_signals);

	if (errnum)
		return errnum;
	registers.rip = remote->code.back;
	registers.rsp = remote->lifeline.stack + sizeof(uint64_t);
	registers.orig_rax = (unsigned long)-1; /* else the kernel would restart the thread's own call */
	remote->has_lifeline = true;
	if (ptrace(PTRACE_SETREGS, remote->tid, NULL, &registers) == 0)
		return 0;
	errnum = errno;
	hw_lifeline_lift(&remote->lifeline);
	return errnum;
}

int hw_remote_begin(struct hw_remote *remote, pid_t tid, const struct hw_lifeline_code *code, uint64_t floor,
	long options)
{
	uint64_t all = UINT64_MAX;
	int errnum = 0;

	*remote = (struct hw_remote){ .tid = tid, .code = *code, .options = options };
	if (ptrace(PTRACE_GETREGS, tid, NULL, &remote->saved) != 0 ||
		ptrace(PTRACE_GETSIGMASK, tid, sizeof(remote->saved_signals), &remote->saved_signals) != 0 ||
		ptrace(PTRACE_SETOPTIONS, tid, NULL, options) != 0)
		return errno;
	if (floor)
		errnum = step_aside(remote, floor);
	if (errnum)
		ptrace(PTRACE_SETOPTIONS, tid, NULL, 0L);
	else if (ptrace(PTRACE_SETSIGMASK, tid, sizeof(all), &all) != 0)
		errnum = errno; /* it is dead */
	return errnum;
}

uint64_t hw_remote_child_stack(const struct hw_remote *remote)
{
	return remote->has_lifeline ? remote->lifeline.child_stack : 0;
}

/* A new child is auto-attached; from here on it dies with us, as the thread that made it must not. */
static void adopt_child(struct hw_remote *remote)
{
	unsigned long message;
	int status;

	if (!remote->child || ptrace(PTRACE_GETEVENTMSG, remote->tid, NULL, &message) != 0)
		return;
	*remote->child = (pid_t)message;
	if (wait_for_stop((pid_t)message,
		    &status)) /* else somebody has killed it: the next thing done to it fails */
		ptrace(PTRACE_SETOPTIONS, *remote->child, NULL, remote->options | PTRACE_O_EXITKILL);
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

	registers.rip = remote->code.call;
	if (remote->has_lifeline)
		registers.rsp = remote->lifeline.stack;
	registers.rax = (unsigned long)number;
	registers.orig_rax = (unsigned long)-1;
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
	ptrace(PTRACE_SETSIGMASK, remote->tid, sizeof(remote->saved_signals), &remote->saved_signals);
	ptrace(PTRACE_SETREGS, remote->tid, NULL, &remote->saved);
	if (remote->has_lifeline)
		hw_lifeline_lift(&remote->lifeline);
	ptrace(PTRACE_SETOPTIONS, remote->tid, NULL, 0L);
}

#else

#include <errno.h>

bool hw_remote_is_fit(pid_t tid, int mem)
{
	(void)tid, (void)mem;
	return false;
}

uint64_t hw_remote_floor(pid_t tid)
{
	(void)tid;
	return 0;
}

int hw_remote_begin(struct hw_remote *remote, pid_t tid, const struct hw_lifeline_code *code, uint64_t floor,
	long options)
{
	(void)remote, (void)tid, (void)code, (void)floor, (void)options;
	return ENOSYS;
}

uint64_t hw_remote_child_stack(const struct hw_remote *remote)
{
	(void)remote;
	return 0;
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
