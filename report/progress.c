/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The progress line. A thread waits a second, then draws five times a second until it is stopped. It touches
 * nothing but its own state and standard error, and takes no signals: those are the main thread's.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "report/report.h"

#define PATIENCE_MS 1000
#define REDRAW_MS   200

static struct {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool running;
	bool stop;
	bool drawn; /* the line is on the screen */
	const char *stage;
	_Atomic uint64_t done;
	_Atomic uint64_t total;
} progress = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static struct timespec later(unsigned milliseconds)
{
	struct timespec when;

	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	when.tv_sec += milliseconds / 1000 + when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

/* In one write(), so that it does not mix with other output. */
static void draw(void)
{
	uint64_t done = progress.done;
	uint64_t total = progress.total;
	char line[160];
	int length;

	if (!progress.stage)
		return;
	if (total)
		length = snprintf(line, sizeof(line), "\r\033[Kheapwalk: %s, %u%%", progress.stage,
			(unsigned)hw_min(100.0, (double)done * 100 / (double)total));
	else
		length = snprintf(line, sizeof(line), "\r\033[Kheapwalk: %s", progress.stage);
	progress.drawn = write(STDERR_FILENO, line, (size_t)length) == length;
}

static void erase(void)
{
	if (progress.drawn)
		progress.drawn = write(STDERR_FILENO, "\r\033[K", 4) != 4;
}

static void *run(void *unused hw_unused)
{
	struct timespec when = later(PATIENCE_MS);

	pthread_mutex_lock(&progress.mutex);
	while (!progress.stop) {
		if (pthread_cond_timedwait(&progress.wake, &progress.mutex, &when) == 0)
			continue;
		draw();
		when = later(REDRAW_MS);
	}
	erase();
	pthread_mutex_unlock(&progress.mutex);
	return NULL;
}

/* A wall clock that is set meanwhile must not freeze the line. */
static bool init_wake(void)
{
	pthread_condattr_t attributes;
	bool done;

	if (pthread_condattr_init(&attributes) != 0)
		return false;
	done = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
	       pthread_cond_init(&progress.wake, &attributes) == 0;
	pthread_condattr_destroy(&attributes);
	return done;
}

void hw_progress_start(void)
{
	sigset_t all;
	sigset_t before;

	if (progress.running || !isatty(STDERR_FILENO) || !init_wake())
		return;
	progress.stop = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	progress.running = pthread_create(&progress.thread, NULL, run, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void hw_progress_stage(const char *what)
{
	pthread_mutex_lock(&progress.mutex);
	progress.stage = what;
	if (!what)
		erase();
	progress.done = 0;
	progress.total = 0;
	pthread_mutex_unlock(&progress.mutex);
}

void hw_progress_update(uint64_t done, uint64_t total, void *unused hw_unused)
{
	progress.done = done;
	progress.total = total;
}

void hw_progress_stop(void)
{
	if (!progress.running)
		return;
	pthread_mutex_lock(&progress.mutex);
	progress.stop = true;
	pthread_cond_signal(&progress.wake);
	pthread_mutex_unlock(&progress.mutex);
	pthread_join(progress.thread, NULL);
	pthread_cond_destroy(&progress.wake);
	progress.running = false;
}
