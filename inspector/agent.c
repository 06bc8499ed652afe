/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process that cannot be cut short. */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "inspector/agent.h"

#define STACK_SIZE ((size_t)1 << 20)
#define GUARD_SIZE ((size_t)1 << 16)

/* The kernel itself writes ENDED, and wakes who waits for it, whatever the agent died of
 * (CLONE_CHILD_CLEARTID). */
enum phase { PHASE_ENDED, PHASE_WORKS, PHASE_SLEEPS };

struct hw_agent {
	struct hw_agent_work work;
	pid_t pid;
	pid_t parent;
	uint8_t *stack;
	int wake; /* a signalfd for SIGTERM */
	_Atomic pid_t phase;
	atomic_bool cancelled;
	atomic_bool ended; /* no longer needed */
};

bool hw_agent_is_cancelled(const struct hw_agent *agent)
{
	return agent->cancelled || getppid() != agent->parent;
}

/*
 * SIGTERM wakes the agent: ours, or the kernel's when the parent dies; a stranger's changes nothing. It is
 * blocked, so that one that came before we wait is not lost. And it is read from a descriptor because that
 * never fails: errno is the parent's, which runs meanwhile.
 */
static void sleep_until_ended(struct hw_agent *agent)
{
	struct signalfd_siginfo info;

	while (!agent->ended && getppid() == agent->parent && read(agent->wake, &info, sizeof(info)) > 0)
		;
}

static void enter_phase(struct hw_agent *agent, enum phase phase)
{
	agent->phase = (pid_t)phase;
	syscall(SYS_futex, &agent->phase, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int agent_main(void *argument)
{
	struct hw_agent *agent = argument;
	/* Without a handler of the parent's, tracees' stops make SIGCHLD pending: what freezing waits for. */
	struct sigaction plain = { .sa_handler = SIG_DFL };

	sigaction(SIGCHLD, &plain, NULL);
	setsid();
	prctl(PR_SET_NAME, "hw-agent");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == agent->parent && agent->work.run(agent, agent->work.run_argument)) {
		enter_phase(agent, PHASE_SLEEPS);
		sleep_until_ended(agent);
		agent->work.finish(agent->work.finish_argument);
	}
	return 0;
}

static void agent_free(struct hw_agent *agent)
{
	if (agent->stack)
		munmap(agent->stack, GUARD_SIZE + STACK_SIZE);
	if (agent->wake >= 0)
		close(agent->wake);
	free(agent);
}

static bool agent_take_stack(struct hw_agent *agent)
{
	void *stack = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (stack == MAP_FAILED)
		return false;
	agent->stack = stack;
	return mprotect(stack, GUARD_SIZE, PROT_NONE) == 0;
}

static struct hw_agent *agent_create(const struct hw_agent_work *work)
{
	struct hw_agent *agent = calloc(1, sizeof(*agent));
	sigset_t wake;

	if (!agent)
		return NULL;
	sigemptyset(&wake);
	sigaddset(&wake, SIGTERM);
	agent->work = *work;
	agent->parent = getpid();
	agent->phase = PHASE_WORKS;
	agent->wake = signalfd(-1, &wake, SFD_CLOEXEC);
	if (agent->wake < 0 || !agent_take_stack(agent)) {
		agent_free(agent);
		return NULL;
	}
	return agent;
}

/* The agent must be born with all signals blocked: a handler of ours would run in it otherwise. */
static int agent_spawn(struct hw_agent *agent)
{
	/* No signal at its end: nobody's wait(-1) sees it. */
	int flags = CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_CHILD_CLEARTID;
	uint8_t *top = agent->stack + GUARD_SIZE + STACK_SIZE;
	sigset_t all, before;
	int errnum = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	agent->pid = clone(agent_main, top, flags, agent, NULL, NULL, &agent->phase);
	if (agent->pid < 0)
		errnum = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return errnum;
}

/* Waits until the agent sleeps (true) or has ended (false). */
static bool agent_wait(struct hw_agent *agent)
{
	while (agent->phase == PHASE_WORKS) {
		if (syscall(SYS_futex, &agent->phase, FUTEX_WAIT, PHASE_WORKS, NULL, NULL, 0) < 0 &&
			errno == EINTR)
			agent->cancelled = true;
	}
	return agent->phase == PHASE_SLEEPS;
}

/* Waits for the agent's death; its wait status. */
static int agent_reap(struct hw_agent *agent)
{
	int status = 0;

	while (waitpid(agent->pid, &status, __WALL) < 0 && errno == EINTR)
		;
	return status;
}

struct hw_error *hw_agent_start(const struct hw_agent_work *work, struct hw_agent **agent)
{
	struct hw_agent *made = agent_create(work);
	int status, errnum;

	if (!made)
		return hw_error_no_memory();
	errnum = agent_spawn(made);
	if (errnum) {
		agent_free(made);
		return hw_error_os(errnum, "cannot start a helper process");
	}
	if (agent_wait(made)) {
		*agent = made;
		return NULL;
	}
	status = agent_reap(made);
	agent_free(made);
	if (WIFSIGNALED(status))
		return hw_error_create(HW_ERROR_GONE, "the helper process was killed by signal %d (%s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	*agent = NULL;
	return NULL;
}

void hw_agent_end(struct hw_agent *agent)
{
	if (!agent)
		return;
	agent->ended = true;
	kill(agent->pid, SIGTERM);
	agent_reap(agent);
	agent_free(agent);
}
