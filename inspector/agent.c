/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process that cannot be cut short. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "inspector/agent.h"

#define STACK_SIZE ((size_t)1 << 20)
#define GUARD_SIZE ((size_t)1 << 16)

struct hw_agent {
	struct hw_agent_work work;
	pid_t pid;
	pid_t parent;
	uint8_t *stack;
	sigset_t signals; /* the mask that the agent starts with and its parent gets back */
	volatile bool cancelled;
	volatile bool ended; /* no longer needed */
};

bool hw_agent_is_cancelled(const struct hw_agent *agent)
{
	return agent->cancelled || getppid() != agent->parent;
}

/*
 * Stopping itself tells the waiting parent that the work is done, and neither call can fail and so write to
 * the parent's errno, which the agent must leave alone while the parent runs. SIGCONT wakes it: ours, or the
 * kernel's when the parent dies; a stranger's changes nothing.
 */
static void sleep_until_ended(struct hw_agent *agent)
{
	while (!agent->ended && getppid() == agent->parent)
		kill(getpid(), SIGSTOP);
}

static int agent_main(void *argument)
{
	struct hw_agent *agent = argument;
	/* Without a handler of the parent's, tracees' stops make SIGCHLD pending: what freezing waits for. */
	struct sigaction plain = { .sa_handler = SIG_DFL };

	sigaction(SIGCHLD, &plain, NULL);
	setsid();
	prctl(PR_SET_NAME, "hw-agent");
	prctl(PR_SET_PDEATHSIG, SIGCONT);
	if (agent->work.run(agent, agent->work.run_argument)) {
		sleep_until_ended(agent);
		agent->work.finish(agent->work.finish_argument);
	}
	return 0;
}

static void agent_free(struct hw_agent *agent)
{
	if (agent->stack)
		munmap(agent->stack, GUARD_SIZE + STACK_SIZE);
	free(agent);
}

static struct hw_agent *agent_create(const struct hw_agent_work *work)
{
	struct hw_agent *agent = calloc(1, sizeof(*agent));
	void *stack;

	if (!agent)
		return NULL;
	agent->work = *work;
	agent->parent = getpid();
	stack = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED || mprotect(stack, GUARD_SIZE, PROT_NONE) != 0) {
		agent_free(agent);
		return NULL;
	}
	agent->stack = stack;
	return agent;
}

/* The agent must be born with all signals blocked: a handler of ours would run in it otherwise. */
static int agent_spawn(struct hw_agent *agent)
{
	int flags =
		CLONE_VM | CLONE_FILES | CLONE_FS; /* and no signal at its end: nobody's wait(-1) sees it */
	sigset_t all, before;
	int errnum = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	agent->pid = clone(agent_main, agent->stack + GUARD_SIZE + STACK_SIZE, flags, agent);
	if (agent->pid < 0)
		errnum = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return errnum;
}

/* Waits until the agent sleeps (true) or has ended (false, with its wait status). */
static bool agent_wait(struct hw_agent *agent, int *status)
{
	for (;;) {
		pid_t got = waitpid(agent->pid, status, __WALL | WUNTRACED);

		if (got < 0 && errno == EINTR)
			agent->cancelled = true;
		else
			return got == agent->pid && WIFSTOPPED(*status);
	}
}

struct hw_error *hw_agent_start(const struct hw_agent_work *work, struct hw_agent **agent)
{
	struct hw_agent *made = agent_create(work);
	int status = 0, errnum;

	if (!made)
		return hw_error_no_memory();
	errnum = agent_spawn(made);
	if (errnum) {
		agent_free(made);
		return hw_error_os(errnum, "cannot start a helper process");
	}
	if (agent_wait(made, &status)) {
		*agent = made;
		return NULL;
	}
	agent_free(made);
	if (WIFSIGNALED(status))
		return hw_error_create(HW_ERROR_GONE, "the helper process was killed by signal %d (%s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	*agent = NULL;
	return NULL;
}

void hw_agent_end(struct hw_agent *agent)
{
	int status;

	if (!agent)
		return;
	agent->ended = true;
	kill(agent->pid, SIGCONT);
	while (waitpid(agent->pid, &status, __WALL) < 0 && errno == EINTR)
		;
	agent_free(agent);
}
