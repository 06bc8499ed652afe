/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All threads of a process made to stand. */
#include <errno.h>

#include "inspector/freeze.h"
#include "inspector/procfs.h"

/* How often a refused thread is tried again. */
#define REFUSED_LIMIT 20

/* A process whose threads start threads faster than we stop them: each pass stops all that it finds. */
#define PASS_LIMIT 1000

void hw_freezer_init(struct hw_freezer *freezer, pid_t pid)
{
	*freezer = (struct hw_freezer){ .pid = pid };
}

void hw_freezer_deinit(struct hw_freezer *freezer)
{
	hw_freezer_release(freezer);
	free(freezer->tracees);
	*freezer = (struct hw_freezer){ 0 };
}

static int compare_tracees(const void *left, const void *right)
{
	pid_t a = ((const struct hw_tracee *)left)->tid, b = ((const struct hw_tracee *)right)->tid;

	return (a > b) - (a < b);
}

static bool is_known(const struct hw_freezer *freezer, size_t known, pid_t tid)
{
	struct hw_tracee key = { .tid = tid };

	return known && bsearch(&key, freezer->tracees, known, sizeof(key), compare_tracees);
}

/* Adds the threads that /proc/PID/task lists and we do not know yet; `*added` says how many. */
static struct hw_error *add_new_threads(struct hw_freezer *freezer, size_t *added)
{
	hw_autofree pid_t *tids = NULL;
	size_t listed, known = freezer->count;
	struct hw_error *error = hw_proc_threads(freezer->pid, &tids, &listed);

	if (error)
		return error;
	for (size_t i = 0; i < listed; i++) {
		struct hw_tracee *tracee;

		if (is_known(freezer, known, tids[i]))
			continue;
		tracee = hw_array_next(freezer->tracees, freezer->count, freezer->capacity);
		if (!tracee)
			return hw_error_no_memory();
		*tracee = (struct hw_tracee){ .tid = tids[i], .found = '?' };
		hw_tracee_look(tracee);
		freezer->count++;
	}
	*added = freezer->count - known;
	if (freezer->count)
		qsort(freezer->tracees, freezer->count, sizeof(*freezer->tracees), compare_tracees);
	return NULL;
}

/* Makes all NEW threads ours. */
static struct hw_error *seize_new_threads(struct hw_freezer *freezer)
{
	for (size_t i = 0; i < freezer->count; i++) {
		struct hw_tracee *tracee = &freezer->tracees[i];
		int errnum = tracee->state == HW_TRACEE_NEW ? hw_tracee_seize(tracee) : 0;

		if (!errnum)
			continue;
		freezer->refused = errnum;
		return hw_error_os(errnum, "thread %d cannot be traced", (int)tracee->tid);
	}
	return NULL;
}

/* Only a leader's id stays taken after its end; another's may be given to a new thread at once. */
static void forget_the_gone(struct hw_freezer *freezer)
{
	size_t kept = 0;

	for (size_t i = 0; i < freezer->count; i++) {
		const struct hw_tracee *tracee = &freezer->tracees[i];
		bool ended_leader = tracee->state == HW_TRACEE_ZOMBIE && tracee->tid == freezer->pid;

		if ((tracee->state != HW_TRACEE_GONE && tracee->state != HW_TRACEE_ZOMBIE) || ended_leader)
			freezer->tracees[kept++] = *tracee;
	}
	freezer->count = kept;
}

static void interrupt_running(struct hw_freezer *freezer)
{
	for (size_t i = 0; i < freezer->count; i++) {
		if (freezer->tracees[i].state == HW_TRACEE_RUNNING)
			hw_tracee_interrupt(&freezer->tracees[i]);
	}
}

/* Waits for one thread after the other: by the time that the first has stopped most others have too. */
static void wait_for_stops(struct hw_freezer *freezer)
{
	freezer->stuck = 0;
	for (size_t i = 0; i < freezer->count; i++) {
		hw_tracee_await(&freezer->tracees[i], freezer->began_us);
		freezer->stuck += freezer->tracees[i].state == HW_TRACEE_RUNNING;
	}
}

/* A thread can be let go only from a stop. */
static void back_out(struct hw_freezer *freezer)
{
	freezer->began_us = hw_tracee_clock();
	interrupt_running(freezer);
	wait_for_stops(freezer);
	hw_freezer_release(freezer);
}

static struct hw_error *seize_all(struct hw_freezer *freezer)
{
	struct hw_error *error;
	size_t added;

	freezer->refused = 0;
	forget_the_gone(freezer);
	error = add_new_threads(freezer, &added);
	if (!error)
		error = seize_new_threads(freezer);
	if (error)
		back_out(freezer);
	return error;
}

/* One that is refused may be held by another heapwalk, for a moment; if both hold some, one must give way. */
struct hw_error *hw_freezer_prepare(struct hw_freezer *freezer)
{
	struct hw_error *error = seize_all(freezer);

	for (unsigned tries = 0; tries < REFUSED_LIMIT && error && freezer->refused == EPERM; tries++) {
		hw_error_destroy(error);
		hw_tracee_doze(5000 + (uint64_t)getpid() % 8 * 1000);
		error = seize_all(freezer);
	}
	return error;
}

struct hw_error *hw_freezer_stop(struct hw_freezer *freezer)
{
	size_t added = 1;
	struct hw_error *error = NULL;

	freezer->began_us = hw_tracee_clock();
	for (unsigned pass = 0; added && !error; pass++) {
		if (pass == PASS_LIMIT) {
			error = hw_error_create(
				HW_ERROR_UNSUPPORTED, "it starts threads faster than they can be stopped");
			break;
		}
		interrupt_running(freezer);
		wait_for_stops(freezer);
		forget_the_gone(freezer);
		error = add_new_threads(freezer, &added);
		if (!error)
			error = seize_new_threads(freezer);
	}
	if (error)
		hw_freezer_release(freezer);
	return error;
}

/* SIGKILL hits all threads at once: one tells for all. */
struct hw_error *hw_freezer_check(const struct hw_freezer *freezer)
{
	for (size_t i = 0; i < freezer->count; i++) {
		if (freezer->tracees[i].state != HW_TRACEE_STOPPED)
			continue;
		if (hw_tracee_stands(&freezer->tracees[i]))
			return NULL;
		return hw_error_create(HW_ERROR_GONE, "process %d was killed", (int)freezer->pid);
	}
	return NULL;
}

void hw_freezer_release(struct hw_freezer *freezer)
{
	for (size_t i = 0; i < freezer->count; i++)
		hw_tracee_release(&freezer->tracees[i]);
	if (!freezer->began_us)
		return;
	freezer->pause_us = hw_tracee_clock() - freezer->began_us;
	freezer->total_us += freezer->pause_us;
	freezer->began_us = 0;
}
