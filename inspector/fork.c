/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The remote fork. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "inspector/fork.h"
#include "inspector/freeze.h"
#include "inspector/procfs.h"
#include "inspector/registers.h"
#include "inspector/remote.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2 /* linux/close_range.h, Linux 5.9 */
#endif

/* For the kernel's out-of-memory killer: this one first. */
#define OOM_SCORE_FIRST "1000"

/* How long one thread is waited for when the children's exit statuses are collected. */
#define COLLECT_PATIENCE_US 20000

void hw_fork_init(struct hw_fork *fork)
{
	*fork = (struct hw_fork){ .mem = -1 };
}

struct hw_error *hw_fork_prepare(struct hw_fork *fork, const struct hw_snapshot *before)
{
	hw_autofree char *status = NULL;
	struct hw_error *error;

	fork->pid = before->process.pid;
	fork->start_time = before->process.start_time;
	error = hw_proc_read(fork->pid, "status", &status, NULL);
	if (error)
		return error;
	fork->suspend_seccomp = hw_proc_number(status, "Seccomp", 10, 0) != 0;
	return hw_remote_find_gadget(before, &fork->gadget);
}

static long thread_options(const struct hw_fork *fork)
{
	return PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
	       (fork->suspend_seccomp ? PTRACE_O_SUSPEND_SECCOMP : 0);
}

static long child_options(const struct hw_fork *fork)
{
	return thread_options(fork) | PTRACE_O_EXITKILL;
}

/* The thread to borrow: one that computes, rather than one whose system call must then be restarted. */
static const struct hw_thread *choose_thread(const struct hw_snapshot *stopped, int mem)
{
	const struct hw_thread *waiting = NULL;

	for (size_t i = 0; i < stopped->thread_count; i++) {
		const struct hw_thread *thread = &stopped->threads[i];

		if (!thread->has_registers || (waiting && thread->in_system_call) ||
			!hw_remote_is_fit(thread->tid, mem))
			continue;
		if (!thread->in_system_call)
			return thread;
		waiting = thread;
	}
	return waiting;
}

static bool gadget_is_there(const struct hw_fork *fork, int mem)
{
	uint8_t bytes[2];

	return pread(mem, bytes, 2, (off_t)fork->gadget) == 2 && bytes[0] == 0x0f && bytes[1] == 0x05;
}

/* clone(2) with these flags, no exit signal, and the caller's stack, on which the child will never run. */
static struct hw_error *make_child(struct hw_remote *remote, uint64_t flags, struct hw_fork_child *child)
{
	const uint64_t arguments[6] = { flags };
	struct hw_error *error = hw_remote_call(remote, SYS_clone, arguments, &child->inside);

	child->pid = remote->child;
	if (error)
		return error;
	if (child->inside < 0)
		return hw_error_os((int)-child->inside, "it may not start a process");
	if (!child->pid)
		return hw_error_create(HW_ERROR_UNSUPPORTED, "its new child was not ours");
	return NULL;
}

static void kill_child(struct hw_fork_child *child)
{
	int status;

	if (!child->pid)
		return;
	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, &status, __WALL) == child->pid && WIFSTOPPED(status))
		;
	child->pid = 0;
}

/*
 * Collects the exit statuses of dead children, by a thread that stands. __WCLONE: only of children that end
 * without SIGCHLD, so never of one that the program itself has made in the usual ways.
 */
static void collect(struct hw_remote *remote, struct hw_fork *fork)
{
	struct hw_fork_child *const children[] = { &fork->copy, &fork->middle };
	long result;

	for (size_t i = 0; i < hw_array_size(children); i++) {
		const uint64_t arguments[6] = { (uint64_t)children[i]->inside, 0, __WCLONE | WNOHANG };

		if (children[i]->inside <= 0)
			continue;
		hw_error_destroy(hw_remote_call(remote, SYS_wait4, arguments, &result));
		children[i]->inside = 0;
	}
}

/* Kills both and collects them by `tid`, a thread that stands. */
static void abandon(struct hw_fork *fork, pid_t tid)
{
	struct hw_remote remote;
	struct hw_error *error;

	kill_child(&fork->copy);
	kill_child(&fork->middle);
	error = hw_remote_begin(&remote, tid, fork->gadget, thread_options(fork));
	if (!error) {
		collect(&remote, fork);
		hw_remote_end(&remote);
	}
	hw_error_destroy(error);
}

/* What happens to the copy when memory is short must happen to it and not to the target. */
static struct hw_error *offer_to_oom_killer(pid_t pid)
{
	hw_autoclose int fd = -1;
	struct hw_error *error = hw_proc_open(pid, "oom_score_adj", O_WRONLY, &fd);

	if (!error && write(fd, OOM_SCORE_FIRST, strlen(OOM_SCORE_FIRST)) < 0)
		error = hw_error_os(errno, "/proc/%d/oom_score_adj", (int)pid);
	return error;
}

/* The long part: the middle child makes the copy. */
static struct hw_error *make_copy(struct hw_fork *fork)
{
	struct hw_remote remote;
	struct hw_error *error =
		hw_remote_begin(&remote, fork->middle.pid, fork->gadget, child_options(fork));

	if (!error)
		error = make_child(&remote, CLONE_FILES | CLONE_PARENT, &fork->copy);
	if (!error)
		error = offer_to_oom_killer(fork->copy.pid);
	if (!error)
		error = hw_proc_open(fork->copy.pid, "mem", O_RDONLY, &fork->mem);
	if (!error)
		kill_child(&fork->middle);
	return error;
}

struct hw_error *hw_fork_take(struct hw_fork *fork, const struct hw_snapshot *stopped, int mem)
{
	const struct hw_thread *thread = choose_thread(stopped, mem);
	struct hw_remote remote;
	struct hw_error *error;

	if (!thread)
		return hw_error_create(HW_ERROR_UNSUPPORTED, "none of its threads can start a process");
	if (!gadget_is_there(fork, mem))
		return hw_error_create(HW_ERROR_UNSUPPORTED, "its code has changed");
	error = hw_remote_begin(&remote, thread->tid, fork->gadget, thread_options(fork));
	if (error)
		return error;
	error = make_child(&remote, CLONE_VM | CLONE_FILES, &fork->middle);
	hw_remote_end(&remote);
	if (!error)
		error = make_copy(fork);
	if (error && fork->middle.inside > 0)
		abandon(fork, thread->tid);
	return error;
}

void hw_fork_settle(struct hw_fork *fork)
{
	const uint64_t everything[6] = { 0, UINT32_MAX, CLOSE_RANGE_UNSHARE };
	struct hw_remote remote;
	struct hw_error *error;
	long result;

	error = hw_remote_begin(&remote, fork->copy.pid, fork->gadget, child_options(fork));
	if (!error)
		error = hw_remote_call(&remote, SYS_close_range, everything, &result);
	hw_error_destroy(error); /* an older kernel: they are shared until the copy ends */
}

static bool is_same_process(const struct hw_fork *fork)
{
	struct hw_proc_stat stat;
	struct hw_error *error = hw_proc_stat(fork->pid, &stat);
	bool same = !error && stat.start_time == fork->start_time;

	hw_error_destroy(error);
	return same;
}

static bool stop_thread(struct hw_tracee *tracee)
{
	uint64_t until = hw_freezer_clock() + COLLECT_PATIENCE_US;

	if (hw_tracee_seize(tracee) != 0 || tracee->state != HW_TRACEE_RUNNING)
		return false;
	hw_tracee_interrupt(tracee);
	while (!hw_tracee_poll(tracee)) {
		if (hw_freezer_clock() >= until)
			return false; /* it is let go when the agent ends, which is soon */
		hw_tracee_doze(1000);
	}
	return tracee->state == HW_TRACEE_STOPPED;
}

/* Stops one thread and has it collect; false: another must be tried. */
static bool collect_by(struct hw_fork *fork, pid_t tid, int mem)
{
	struct hw_tracee tracee = { .tid = tid };
	struct hw_thread thread = { .tid = tid };
	struct hw_remote remote;
	struct hw_error *error = NULL;
	bool fit = stop_thread(&tracee);

	if (fit)
		error = hw_registers_read(&thread);
	if (fit && !error)
		hw_registers_repair_eintr(&thread);
	fit = fit && !error && hw_remote_is_fit(tid, mem);
	if (fit)
		error = hw_remote_begin(&remote, tid, fork->gadget, thread_options(fork));
	if (fit && !error) {
		collect(&remote, fork);
		hw_remote_end(&remote);
	}
	free(thread.general.bytes);
	free(thread.vector.bytes);
	hw_tracee_release(&tracee);
	fit = fit && !error;
	hw_error_destroy(error);
	return fit;
}

static void collect_by_any(struct hw_fork *fork)
{
	hw_autofree pid_t *tids = NULL;
	hw_autoclose int mem = -1;
	bool done = false;
	size_t count = 0;
	struct hw_error *error = hw_proc_threads(fork->pid, &tids, &count);

	for (size_t i = 0; i < count && !error && !done; i++) {
		if (mem < 0)
			hw_error_destroy(hw_proc_open(tids[i], "mem", O_RDONLY, &mem));
		done = mem >= 0 && collect_by(fork, tids[i], mem);
	}
	hw_error_destroy(error);
}

void hw_fork_end(struct hw_fork *fork)
{
	if (fork->mem >= 0)
		close(fork->mem);
	fork->mem = -1;
	kill_child(&fork->copy);
	kill_child(&fork->middle);
	if (is_same_process(fork))
		collect_by_any(fork);
}
