/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The remote fork. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "inspector/fork.h"
#include "inspector/procfs.h"
#include "inspector/tracee.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2 /* linux/close_range.h, Linux 5.9 */
#endif

/* For the kernel's out-of-memory killer: this one first. */
#define OOM_SCORE_FIRST "1000"

/* How long it is tried to have the children's exit statuses collected. */
#define COLLECT_LIMIT_US 3000000

/* How long a thread that was let go may take to come to its next system call, on a busy machine. */
#define RECOVERY_PAUSE_US 100000

void hw_fork_init(struct hw_fork *fork)
{
	*fork = (struct hw_fork){ .mem = -1 };
}

struct hw_error *hw_fork_prepare(struct hw_fork *fork, const struct hw_snapshot *before)
{
	fork->pid = before->process.pid;
	fork->start_time = before->process.start_time;
	return hw_remote_find_code(before, &fork->code);
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

/* A lifeline returns to where nobody called from, which a shadow stack forbids (arch/x86/shstk.rst). */
static bool has_shadow_stack(const char *status)
{
	const char *features = hw_proc_field(status, "x86_Thread_features");

	return features && memmem(features, strcspn(features, "\n"), "shstk", 5);
}

/* Filters are a thread's own. Where we may not suspend one, beginning a call there fails, and does no harm.
 */
static int begin_in_thread(struct hw_fork *fork, struct hw_remote *remote, pid_t tid, uint64_t floor)
{
	char status[4096];
	int errnum = hw_proc_read_small(tid, "status", status, sizeof(status));

	if (errnum)
		return errnum;
	if (!floor || has_shadow_stack(status))
		return ENOTSUP;
	fork->suspend_seccomp = hw_proc_number(status, "Seccomp", 10, 0) != 0;
	return hw_remote_begin(remote, tid, &fork->code, floor, thread_options(fork));
}

/* Where the mapping of a thread's stack begins, if it may be written to, else 0. */
static uint64_t stack_floor(const struct hw_snapshot *stopped, const struct hw_thread *thread)
{
	const struct hw_map *map = hw_snapshot_map_at(stopped, thread->sp);
	unsigned both = HW_MAP_READ | HW_MAP_WRITE;

	return map && (map->prot & (both | HW_MAP_SHARED)) == both ? map->start : 0;
}

/* The thread to borrow: one that computes, rather than one whose system call must then be restarted. */
static const struct hw_thread *choose_thread(const struct hw_snapshot *stopped, int mem)
{
	const struct hw_thread *waiting = NULL;

	for (size_t i = 0; i < stopped->thread_count; i++) {
		const struct hw_thread *thread = &stopped->threads[i];

		if (!thread->has_registers || (waiting && thread->in_system_call) ||
			!stack_floor(stopped, thread) || !hw_remote_is_fit(thread->tid, mem))
			continue;
		if (!thread->in_system_call)
			return thread;
		waiting = thread;
	}
	return waiting;
}

/* clone(2) with these flags and no exit signal. The child is never to run. */
static struct hw_error *make_child(struct hw_remote *remote, uint64_t flags, struct hw_fork_child *child)
{
	const uint64_t arguments[6] = { flags, hw_remote_child_stack(remote) };
	int errnum;

	remote->child = &child->pid;
	errnum = hw_remote_call(remote, SYS_clone, arguments, &child->inside);
	if (!errnum && child->inside < 0)
		errnum = (int)-child->inside;
	if (errnum == ESRCH)
		return hw_error_create(HW_ERROR_GONE, "thread %d died", (int)remote->tid);
	if (errnum)
		return hw_error_os(errnum, "it may not start a process");
	if (!child->pid)
		return hw_error_create(HW_ERROR_UNSUPPORTED, "its new child was not ours");
	return NULL;
}

/* The last of "NSpid:"'s numbers: the id in the innermost PID namespace, which is the target's. */
static long innermost_id(const char *status)
{
	const char *field = hw_proc_field(status, "NSpid");
	long id = 0;

	for (char *end; field && *field != '\n' && (id = strtol(field, &end, 10), end != field);)
		field = end;
	return id;
}

static void end_tracee(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		;
}

static void kill_child(struct hw_fork_child *child)
{
	if (child->pid)
		end_tracee(child->pid);
	child->pid = 0;
}

/*
 * Has a thread that stands collect the exit statuses of our dead children. __WCLONE: only of children that
 * end without SIGCHLD, so never of one that the program itself has made in the usual ways.
 */
static bool collect(struct hw_fork *fork, pid_t tid, uint64_t floor)
{
	struct hw_fork_child *const children[] = { &fork->copy, &fork->middle };
	struct hw_remote remote;
	long result;

	if (begin_in_thread(fork, &remote, tid, floor) != 0)
		return false;
	for (size_t i = 0; i < hw_array_size(children); i++) {
		const uint64_t arguments[6] = { (uint64_t)children[i]->inside, 0, __WCLONE | WNOHANG };

		if (children[i]->inside > 0 && hw_remote_call(&remote, SYS_wait4, arguments, &result) == 0)
			children[i]->inside = 0;
	}
	hw_remote_end(&remote);
	return true;
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
	struct hw_error *error = NULL;
	int errnum = hw_remote_begin(&remote, fork->middle.pid, &fork->code, 0, child_options(fork));

	if (errnum)
		return hw_error_os(errnum, "its first child");
	error = make_child(&remote, CLONE_FILES | CLONE_PARENT, &fork->copy);
	if (!error)
		error = offer_to_oom_killer(fork->copy.pid);
	if (!error)
		error = hw_proc_open(fork->copy.pid, "mem", O_RDONLY, &fork->mem);
	if (!error || error->code != HW_ERROR_GONE)
		return error;
	hw_error_destroy(error);
	return hw_error_create(HW_ERROR_UNSUPPORTED, "its new child was killed");
}

/*
 * A child of the borrowed thread that was born while all threads stood, and tells nobody of its end, is ours.
 * Its tracer is gone: it dies, or has died. Returns false while it has not.
 */
static bool recognise(struct hw_fork *fork, pid_t pid)
{
	struct hw_fork_child *child = fork->copy.inside > 0 ? &fork->middle : &fork->copy;
	struct hw_proc_stat stat;
	char text[4096];

	if (hw_proc_read_small(pid, "stat", text, sizeof(text)) != 0 || !hw_proc_stat_parse(text, &stat) ||
		stat.exit_signal != 0 || stat.start_time < fork->began)
		return true;
	if (stat.state != 'Z') {
		end_tracee(pid);
		return false;
	}
	if (hw_proc_read_small(pid, "status", text, sizeof(text)) == 0)
		child->inside = innermost_id(text);
	return true;
}

/* False while one of ours still lives. */
static bool find_children(struct hw_fork *fork)
{
	char text[4096], name[64], *end;

	fork->copy = fork->middle = (struct hw_fork_child){ 0 };
	snprintf(name, sizeof(name), "task/%d/children", (int)fork->borrowed);
	if (hw_proc_read_small(fork->pid, name, text, sizeof(text)) != 0)
		return true;
	for (const char *at = text; *at; at = end) {
		pid_t pid = (pid_t)strtol(at, &end, 10);

		if (end == at)
			return true;
		if (!recognise(fork, pid))
			return false;
	}
	return true;
}

/* Ends all our children, those too that nobody told us of. */
static void end_children(struct hw_fork *fork)
{
	kill_child(&fork->copy);
	kill_child(&fork->middle);
	for (int tries = 0; tries < 100 && !find_children(fork); tries++)
		hw_tracee_doze(1000);
}

static uint64_t ticks_since_boot(void)
{
	struct timespec now;
	uint64_t second = (uint64_t)sysconf(_SC_CLK_TCK);

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * second + (uint64_t)now.tv_nsec * second / 1000000000;
}

struct hw_error *hw_fork_take(struct hw_fork *fork, const struct hw_snapshot *stopped, int mem)
{
	const struct hw_thread *thread = choose_thread(stopped, mem);
	struct hw_remote remote;
	struct hw_error *error;
	uint64_t floor;
	int errnum;

	if (!thread)
		return hw_error_create(HW_ERROR_UNSUPPORTED, "none of its threads can start a process");
	if (!hw_remote_code_is_there(&fork->code, mem))
		return hw_error_create(HW_ERROR_UNSUPPORTED, "its code has changed");
	floor = stack_floor(stopped, thread);
	fork->borrowed = thread->tid;
	fork->began = ticks_since_boot();
	errnum = begin_in_thread(fork, &remote, thread->tid, floor);
	if (errnum)
		return hw_error_os(errnum, "thread %d cannot be borrowed", (int)thread->tid);
	error = make_child(&remote, CLONE_VM | CLONE_FILES, &fork->middle);
	hw_remote_end(&remote);
	if (!error)
		error = make_copy(fork);
	if (error && fork->middle.inside > 0) {
		end_children(fork);
		collect(fork, thread->tid, floor);
	}
	return error;
}

void hw_fork_settle(struct hw_fork *fork)
{
	const uint64_t everything[6] = { 0, UINT32_MAX, CLOSE_RANGE_UNSHARE };
	struct hw_remote remote;
	long result;

	kill_child(&fork->middle);
	/* An older kernel cannot: then they are shared until the copy ends. */
	if (hw_remote_begin(&remote, fork->copy.pid, &fork->code, 0, child_options(fork)) == 0 &&
		hw_remote_call(&remote, SYS_close_range, everything, &result) != 0)
		fork->copy.pid = 0;
}

static bool is_same_process(const struct hw_fork *fork)
{
	struct hw_proc_stat stat;
	char text[1024];

	return hw_proc_read_small(fork->pid, "stat", text, sizeof(text)) == 0 &&
	       hw_proc_stat_parse(text, &stat) && stat.start_time == fork->start_time;
}

static bool stop_thread(struct hw_tracee *tracee)
{
	if (hw_tracee_seize(tracee) != 0 || tracee->state != HW_TRACEE_RUNNING)
		return false;
	hw_tracee_interrupt(tracee);
	hw_tracee_await(tracee, hw_tracee_clock());
	return tracee->state == HW_TRACEE_STOPPED;
}

/* Stops one thread and has it collect; false: another must be tried. */
static bool collect_by(struct hw_fork *fork, pid_t tid)
{
	struct hw_tracee tracee = { .tid = tid };
	bool done = false;
	char path[64];
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (mem >= 0 && stop_thread(&tracee))
		done = hw_remote_is_fit(tid, mem) && collect(fork, tid, hw_remote_floor(tid));
	hw_tracee_release(&tracee);
	if (mem >= 0)
		close(mem);
	return done;
}

/* struct linux_dirent64 of getdents(2). readdir() would allocate. */
struct directory_entry {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

/* Tries the threads that /proc lists, in that order, until one has collected. */
static bool collect_by_any(struct hw_fork *fork)
{
	_Alignas(struct directory_entry) char buffer[4096];
	bool done = false;
	char path[64];
	int directory;
	long got;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)fork->pid);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return true; /* it has ended */
	while (!done && (got = syscall(SYS_getdents64, directory, buffer, sizeof(buffer))) > 0) {
		for (long at = 0; at < got && !done;) {
			const struct directory_entry *entry = (const void *)(buffer + at);
			pid_t tid = atoi(entry->name);

			done = tid > 0 && collect_by(fork, tid);
			at += entry->length;
		}
	}
	close(directory);
	return done;
}

/* Somebody else may trace it just now: another heapwalk, for a moment. */
static void collect_for_a_while(struct hw_fork *fork)
{
	uint64_t until = hw_tracee_clock() + COLLECT_LIMIT_US;

	while (is_same_process(fork) && !collect_by_any(fork) && hw_tracee_clock() < until)
		hw_tracee_doze(5000);
}

void hw_fork_recover(struct hw_fork *fork)
{
	uint64_t now = hw_tracee_clock(), pause = now + RECOVERY_PAUSE_US, until = now + COLLECT_LIMIT_US;

	if (!fork->borrowed)
		return;
	/* With none, the borrowed thread may be about to make one: it was let go only when the agent died. */
	while (now < until && (!find_children(fork) || (fork->copy.inside <= 0 && now < pause))) {
		hw_tracee_doze(2000);
		now = hw_tracee_clock();
	}
	if (fork->copy.inside > 0)
		collect_for_a_while(fork);
}

void hw_fork_end(struct hw_fork *fork)
{
	if (fork->mem >= 0)
		close(fork->mem);
	fork->mem = -1;
	kill_child(&fork->copy);
	kill_child(&fork->middle);
	collect_for_a_while(fork);
}
