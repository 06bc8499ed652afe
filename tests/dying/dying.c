/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into a tool: its agent dies at a chosen moment of its work in the target.
 *
 * HW_DIE_AT=N	SIGKILL at the Nth ptrace(2) of the agent, counted from the first PTRACE_SETOPTIONS on, with
 *which it begins to make a thread of the target run system calls; before that call for an odd N, after it for
 *an even one, so that 2 * N covers them all HW_DIE_ALL=1	the tool that started it dies too
 */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned moment;

static void pass_moment(void)
{
	const char *chosen = getenv("HW_DIE_AT");

	if (!chosen || ++moment != (unsigned)atoi(chosen))
		return;
	if (getenv("HW_DIE_ALL"))
		kill(getppid(), SIGKILL);
	kill(getpid(), SIGKILL);
}

long ptrace(enum __ptrace_request request, ...)
{
	long arguments[3], result;
	va_list list;

	va_start(list, request);
	for (int i = 0; i < 3; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (moment || request == PTRACE_SETOPTIONS)
		pass_moment();
	result = syscall(SYS_ptrace, (long)request, arguments[0], arguments[1], arguments[2]);
	if (moment)
		pass_moment();
	return result;
}
