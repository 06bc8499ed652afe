/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A snapshot of a running process: all that can be done while it runs is done before and after the stop. */
#include <fcntl.h>

#include "inspector/agent.h"
#include "inspector/fork.h"
#include "inspector/freeze.h"
#include "inspector/hold.h"
#include "inspector/kernel_words.h"
#include "inspector/maps.h"
#include "inspector/method.h"
#include "inspector/permission.h"
#include "inspector/process.h"
#include "inspector/procfs.h"
#include "inspector/registers.h"

#define DEFAULT_ATTEMPTS 5

struct attachment {
	const struct hw_attach_options *options;
	struct hw_snapshot *snapshot;
	struct hw_snapshot
		*before; /* the same process before the stop, with usage and flags of its mappings */
	pid_t living;
	enum hw_freeze_method method;
	struct hw_freezer freezer;
	struct hw_hold hold;
	struct hw_fork *fork; /* belongs to the snapshot's holding; NULL: hold */
	int mem;              /* the target's memory while it stands */
	struct hw_error *error;
};

static void forget_threads(struct hw_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		free(snapshot->threads[i].general.bytes);
		free(snapshot->threads[i].vector.bytes);
	}
	free(snapshot->threads);
	snapshot->threads = NULL;
	snapshot->thread_count = 0;
}

/* A thread that could not be stopped still tells where it sleeps. */
static void look_at_stuck(struct hw_thread *thread)
{
	hw_autofree char *text = NULL;
	struct hw_error *error = hw_proc_read(thread->tid, "syscall", &text, NULL);

	if (!error)
		hw_registers_parse_syscall(thread, text);
	hw_error_destroy(error);
}

static struct hw_error *capture_thread(struct hw_snapshot *snapshot, const struct hw_tracee *tracee)
{
	struct hw_thread *thread = hw_snapshot_add_thread(snapshot);

	if (!thread)
		return hw_error_no_memory();
	thread->tid = tracee->tid;
	thread->state = tracee->state == HW_TRACEE_ZOMBIE ? 'Z' : tracee->found;
	memcpy(thread->name, tracee->name, sizeof(thread->name));
	if (tracee->state == HW_TRACEE_RUNNING)
		look_at_stuck(thread);
	if (tracee->state != HW_TRACEE_STOPPED)
		return NULL;
	return hw_registers_read(thread);
}

/* The leader first, then the others as they are: by tid. */
static struct hw_error *capture_threads(struct hw_snapshot *snapshot, const struct hw_freezer *freezer)
{
	struct hw_error *error = NULL;

	forget_threads(snapshot);
	for (int leader = 1; leader >= 0; leader--) {
		for (size_t i = 0; i < freezer->count && !error; i++) {
			if ((freezer->tracees[i].tid == freezer->pid) == leader)
				error = capture_thread(snapshot, &freezer->tracees[i]);
		}
	}
	return error;
}

/*
 * A thread through which /proc shows the memory: any that stands, or, where all sleep in the kernel (a frozen
 * control group), one of those.
 */
static struct hw_error *find_living(struct attachment *attachment)
{
	const struct hw_tracee *found = NULL;

	for (size_t i = 0; i < attachment->freezer.count; i++) {
		const struct hw_tracee *tracee = &attachment->freezer.tracees[i];

		if (tracee->state == HW_TRACEE_STOPPED || (tracee->state == HW_TRACEE_RUNNING && !found))
			found = tracee;
		if (tracee->state == HW_TRACEE_STOPPED)
			break;
	}
	if (!found)
		return hw_error_create(HW_ERROR_GONE, "process %d has ended", (int)attachment->freezer.pid);
	attachment->living = found->tid;
	return NULL;
}

/* Everything but the memory itself; the image reads the standing process. */
static struct hw_error *capture(struct attachment *attachment)
{
	struct hw_snapshot *snapshot = attachment->snapshot;
	struct hw_error *error = find_living(attachment);

	if (!error)
		error = capture_threads(snapshot, &attachment->freezer);
	if (!error)
		error = hw_process_check_same(snapshot, attachment->living);
	if (!error)
		error = hw_maps_read(snapshot, attachment->living, false);
	if (error)
		return error;
	hw_maps_inherit(snapshot, attachment->before);
	if (attachment->mem >= 0)
		close(attachment->mem);
	attachment->mem = -1;
	error = hw_proc_open(attachment->living, "mem", O_RDONLY, &attachment->mem);
	snapshot->image->segment_count = 0;
	return error ? error : hw_maps_to_image(snapshot, attachment->mem);
}

static bool is_busy(struct attachment *attachment)
{
	const struct hw_attach_options *options = attachment->options;

	return options->is_busy && options->is_busy(attachment->snapshot, options->argument);
}

static void set_reason(struct attachment *attachment, char *reason)
{
	free(attachment->snapshot->freeze.reason);
	attachment->snapshot->freeze.reason = reason;
}

/* Where a fork is not possible the next stop is a hold, unless a fork was asked for. Takes over `error`. */
static struct hw_error *hold_instead(struct attachment *attachment, struct hw_error *error)
{
	char *reason;

	if (error->code == HW_ERROR_GONE || attachment->options->method == HW_FREEZE_FORK)
		return hw_error_remedy(error, "use --freeze hold, or auto");
	if (asprintf(&reason, "a fork was not possible: %s", error->message) < 0)
		reason = NULL;
	hw_error_destroy(error);
	set_reason(attachment, reason);
	attachment->method = HW_FREEZE_HOLD;
	return NULL;
}

/* The memory of the standing target, one way or the other. */
static struct hw_error *take_memory(struct hw_agent *agent, struct attachment *attachment, bool *again)
{
	enum hw_hold_choice choice = attachment->method == HW_FREEZE_FORK ? HW_HOLD_UNFORKABLE : HW_HOLD_ALL;
	struct hw_error *error = NULL;

	if (attachment->method == HW_FREEZE_FORK && attachment->freezer.stuck)
		error = hw_error_create(HW_ERROR_UNSUPPORTED, "a thread sleeps in the kernel");
	else if (attachment->method == HW_FREEZE_FORK)
		error = hw_fork_take(attachment->fork, attachment->snapshot, attachment->mem);
	if (error) {
		error = hold_instead(attachment, error);
		*again = !error;
		return error;
	}
	return hw_hold_copy(
		&attachment->hold, attachment->snapshot, attachment->living, attachment->mem, agent, choice);
}

/* One stop. `*again`: the moment was a bad one, and another is to be tried. */
static struct hw_error *stop_once(struct hw_agent *agent, struct attachment *attachment, bool *again)
{
	struct hw_freeze *freeze = &attachment->snapshot->freeze;
	unsigned limit = attachment->options->attempts ? attachment->options->attempts : DEFAULT_ATTEMPTS;
	struct hw_error *error = hw_freezer_prepare(&attachment->freezer);

	if (!error)
		error = hw_freezer_stop(&attachment->freezer);
	if (error)
		return error;
	freeze->attempts++;
	error = capture(attachment);
	if (!error)
		freeze->still_busy = is_busy(attachment);
	*again = !error && (freeze->still_busy || attachment->freezer.stuck) && freeze->attempts < limit;
	if (!error && !*again)
		error = take_memory(agent, attachment, again);
	if (!error)
		error = hw_freezer_check(&attachment->freezer);
	hw_freezer_release(&attachment->freezer);
	return error;
}

/* Between two stops the target runs for a moment, and what the next one needs is made ready. */
static struct hw_error *pause_between(struct attachment *attachment, enum hw_freeze_method planned)
{
	if (planned != attachment->method)
		return hw_hold_prepare(
			&attachment->hold, attachment->before, attachment->living, HW_HOLD_ALL);
	hw_tracee_doze(1000u << hw_min(attachment->snapshot->freeze.attempts, 2u));
	return NULL;
}

static struct hw_error *stop_until_good(struct hw_agent *agent, struct attachment *attachment)
{
	struct hw_error *error = NULL;
	bool again = true;

	while (again && !error) {
		enum hw_freeze_method planned = attachment->method;

		again = false;
		error = stop_once(agent, attachment, &again);
		if (again)
			error = pause_between(attachment, planned);
		if (!error && hw_agent_is_cancelled(agent))
			error = hw_error_create(HW_ERROR_INTERRUPTED, "interrupted");
	}
	return error;
}

/* What the agent does. */
static bool run(struct hw_agent *agent, void *argument)
{
	struct attachment *attachment = argument;
	struct hw_freeze *freeze = &attachment->snapshot->freeze;
	struct hw_fork *fork = attachment->fork;

	attachment->error = stop_until_good(agent, attachment);
	freeze->pause_us = attachment->freezer.pause_us;
	freeze->total_pause_us = attachment->freezer.total_us;
	hw_freezer_deinit(&attachment->freezer);
	if (!fork || !fork->copy.pid)
		return false;
	if (!attachment->error)
		hw_fork_settle(fork);
	return true;
}

static void finish(void *argument)
{
	hw_fork_end(argument);
}

static bool run_recovery(struct hw_agent *agent, void *argument)
{
	(void)agent;
	hw_fork_recover(argument);
	return false;
}

/* The agent was killed: another one removes its traces from the target. */
static void recover(struct attachment *attachment)
{
	struct hw_agent_work work = { .run = run_recovery, .run_argument = attachment->fork };
	struct hw_agent *agent = NULL;

	if (attachment->fork)
		hw_error_destroy(hw_agent_start(&work, &agent));
}

/* What is known before the stop: facts, mappings with usage, and an image of the running process. */
static struct hw_error *look_before(struct hw_snapshot *before, pid_t pid, pid_t living)
{
	struct hw_error *error = hw_process_describe(before, pid, living);
	int mem;

	if (!error)
		error = hw_maps_read(before, living, true);
	if (!error)
		error = hw_proc_open(living, "mem", O_RDONLY, &mem);
	if (!error)
		error = hw_holding_add_fd(before->holding, mem);
	return error ? error : hw_maps_to_image(before, mem);
}

static struct hw_error *prepare_fork(struct attachment *attachment)
{
	attachment->fork = malloc(sizeof(*attachment->fork));
	if (!attachment->fork)
		return hw_error_no_memory();
	hw_fork_init(attachment->fork);
	struct hw_error *error = hw_holding_add_buffer(attachment->snapshot->holding, attachment->fork);

	return error ? error : hw_fork_prepare(attachment->fork, attachment->before);
}

static struct hw_error *choose_method(struct attachment *attachment, pid_t pid)
{
	struct hw_method_facts facts;
	struct hw_error *error;
	char *reason;

	hw_method_read(attachment->before, pid, attachment->living, &facts);
	error = hw_method_choose(&facts, attachment->options->method, &attachment->method, &reason);
	if (error)
		return error;
	set_reason(attachment, reason);
	if (attachment->method == HW_FREEZE_FORK)
		error = prepare_fork(attachment);
	if (error)
		error = hold_instead(attachment, error);
	if (error)
		return error;
	error = hw_hold_prepare(&attachment->hold, attachment->before, attachment->living,
		attachment->method == HW_FREEZE_FORK ? HW_HOLD_UNFORKABLE : HW_HOLD_ALL);
	if (error && error->code == HW_ERROR_NO_MEMORY && hw_method_forbids_fork(&facts))
		error = hw_error_remedy(error, "free some memory (a fork is not possible: %s)",
			hw_method_forbids_fork(&facts));
	return error;
}

static struct hw_error *prepare(struct attachment *attachment, pid_t id)
{
	struct hw_error *error;
	pid_t pid;

	error = hw_process_find(id, &pid);
	if (!error && pid == getpid())
		error = hw_error_create(HW_ERROR_USAGE, "heapwalk cannot hold itself");
	if (!error)
		error = hw_process_living_thread(pid, &attachment->living);
	if (error)
		return error;
	hw_freezer_init(&attachment->freezer, pid);
	error = look_before(attachment->before, pid, attachment->living);
	if (!error)
		error = hw_process_describe(attachment->snapshot, pid, attachment->living);
	if (!error)
		error = hw_kernel_words_read(attachment->snapshot, attachment->living);
	if (!error)
		error = choose_method(attachment, pid);
	return error ? hw_permission_improve(error, pid) : NULL;
}

/* Sorts what the agent brought back. */
static struct hw_error *conclude(struct attachment *attachment)
{
	struct hw_snapshot *snapshot = attachment->snapshot;
	bool forked = attachment->method == HW_FREEZE_FORK;
	struct hw_error *error;

	snapshot->freeze.method = attachment->method;
	snapshot->image->segment_count = 0;
	if (forked) {
		snapshot->holding->copy = attachment->fork->mem;
		snapshot->holding->witness = attachment->fork->code.call;
	}
	error = hw_hold_to_image(&attachment->hold, snapshot, forked ? HW_HOLD_UNFORKABLE : HW_HOLD_ALL,
		forked ? attachment->fork->mem : -1);
	if (!error)
		error = hw_kernel_words_read(snapshot, attachment->living);
	return error ? error : hw_snapshot_find_modules(snapshot);
}

static struct hw_error *take(struct attachment *attachment)
{
	struct hw_agent_work work = {
		.run = run, .run_argument = attachment, .finish = finish, .finish_argument = attachment->fork
	};
	struct hw_error *error = hw_agent_start(&work, &attachment->snapshot->holding->agent);

	if (error) {
		recover(attachment);
		hw_error_destroy(attachment->error);
		return hw_error_remedy(error, "Process %d itself goes on. Is memory short?",
			(int)attachment->snapshot->process.pid);
	}
	if (attachment->error)
		return hw_permission_improve(attachment->error, attachment->snapshot->process.pid);
	return conclude(attachment);
}

/* Whatever failed at a process that has ended failed because of that. */
static struct hw_error *find_cause(struct hw_error *error, pid_t pid)
{
	struct hw_error *ended;
	pid_t living;

	if (!error || !pid)
		return error;
	ended = hw_process_living_thread(pid, &living);
	if (!ended)
		return error;
	hw_error_destroy(error);
	return ended;
}

static struct hw_error *attach(struct attachment *attachment, pid_t id)
{
	struct hw_error *error = hw_snapshot_create(HW_SOURCE_PROCESS, &attachment->snapshot);

	if (!error)
		error = hw_snapshot_create(HW_SOURCE_PROCESS, &attachment->before);
	if (error)
		return error;
	error = prepare(attachment, id);
	if (!error)
		error = take(attachment);
	return find_cause(error, attachment->before->process.pid);
}

struct hw_error *hw_snapshot_attach(
	pid_t pid, const struct hw_attach_options *options, struct hw_snapshot **snapshot)
{
	static const struct hw_attach_options defaults;
	struct attachment attachment = { .options = options ? options : &defaults, .mem = -1 };
	struct hw_error *error;

	hw_hold_init(&attachment.hold);
	error = attach(&attachment, pid);
	hw_hold_deinit(&attachment.hold);
	hw_snapshot_destroy(attachment.before);
	if (attachment.mem >= 0)
		close(attachment.mem);
	if (error) {
		hw_snapshot_destroy(attachment.snapshot);
		return error;
	}
	*snapshot = attachment.snapshot;
	return NULL;
}
