/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What threads hold, and what they leave behind. */
#include "leak.h"

#include <dirent.h>
#include <pthread.h>

static pthread_barrier_t ready;
static __thread void *volatile thread_local_root;
static pthread_key_t keys[100];

NOINLINE void sit(void)
{
	scrub();
	pthread_barrier_wait(&ready);
	for (;;)
		pause();
}

NOINLINE void expect_threads(unsigned count)
{
	pthread_barrier_init(&ready, NULL, count + 1);
}

NOINLINE void wait_for_threads(void)
{
	pthread_barrier_wait(&ready);
	usleep(20000);
	scrub();
	leak_wait();
}

NOINLINE void start_and_wait(void *(*run)(void *), unsigned count)
{
	pthread_t thread;

	expect_threads(count);
	for (unsigned i = 0; i < count; i++)
		pthread_create(&thread, NULL, run, (void *)(uintptr_t)i);
	wait_for_threads();
}

/* Until the kernel has forgotten all other threads. */
static void wait_until_alone(void)
{
	unsigned entries;

	do {
		DIR *tasks = opendir("/proc/self/task");

		for (entries = 0; readdir(tasks); entries++)
			;
		closedir(tasks);
	} while (entries > 3 && !usleep(1000));
}

static NOINLINE void fill_thread_local(void)
{
	thread_local_root = make_list(10, "reachable", "reachable");
}

static void *thread_local_thread(void *argument)
{
	fill_thread_local();
	sit();
	return argument;
}

NOINLINE void scenario_in_thread_local(void)
{
	fill_thread_local();
	start_and_wait(thread_local_thread, 3);
}

static NOINLINE void fill_specific(void)
{
	for (unsigned i = 0; i < 100; i += 9)
		pthread_setspecific(keys[i], make_list(3, "reachable", "reachable"));
}

static void *specific_thread(void *argument)
{
	fill_specific();
	sit();
	return argument;
}

NOINLINE void scenario_in_specific(void)
{
	for (unsigned i = 0; i < 100; i++)
		pthread_key_create(&keys[i], NULL);
	fill_specific();
	start_and_wait(specific_thread, 3);
}

NOINLINE void hold_on_thread_stack(void)
{
	void *volatile deep[100];

	for (unsigned i = 0; i < 100; i++)
		deep[i] = take(40, "reachable");
	sit();
	root = deep[4];
}

static void *stack_thread(void *argument)
{
	hold_on_thread_stack();
	return argument;
}

NOINLINE void scenario_on_thread_stacks(void)
{
	start_and_wait(stack_thread, 16);
}

static NOINLINE void leave_pointers(void)
{
	volatile uintptr_t frame[3000];

	for (unsigned i = 0; i < 3000; i += 10)
		frame[i] = (uintptr_t)take(48, "definite");
	(void)frame[0];
}

/* Between the dead frame and those of the wait point: nothing of it may come to life again. */
static NOINLINE void leave_deep(void)
{
	volatile char gap[32768];

	gap[0] = gap[sizeof(gap) - 1] = 0;
	leave_pointers();
}

NOINLINE void scenario_dead_frames(void)
{
	leave_deep();
	keep_dead_frames();
}

static void *ending_thread(void *argument)
{
	thread_local_root = take(100, "definite");
	leave_pointers();
	return argument;
}

NOINLINE void scenario_ended_threads(void)
{
	pthread_t threads[4];

	for (unsigned i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, ending_thread, NULL);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	memset(threads, 0, sizeof(threads));
	wait_until_alone();
}

static void *kept_result_thread(void *argument)
{
	(void)argument;
	return make_list(5, "reachable", "reachable");
}

static void *lost_result_thread(void *argument)
{
	(void)argument;
	return make_list(5, "definite", "indirect");
}

/* What a thread returned belongs to whoever joins it; of one that was joined it is whoever got it. */
NOINLINE void scenario_thread_results(void)
{
	pthread_t joined, waiting;
	void *result;

	pthread_create(&joined, NULL, lost_result_thread, NULL);
	pthread_join(joined, &result);
	memset(&result, 0, sizeof(result));
	pthread_create(&waiting, NULL, kept_result_thread, NULL);
	root = (void *)waiting;
	wait_until_alone();
}

static void *detached_thread(void *argument)
{
	leave_pointers();
	return argument;
}

NOINLINE void scenario_detached_threads(void)
{
	pthread_t thread;

	for (unsigned i = 0; i < 3; i++) {
		pthread_create(&thread, NULL, detached_thread, NULL);
		pthread_detach(thread);
	}
	wait_until_alone();
}

static void *busy_thread(void *argument)
{
	root = root;
	roots[(uintptr_t)argument] = make_table("reachable", "reachable");
	make_list(20, "definite", "indirect");
	scrub();
	hold_on_thread_stack();
	return argument;
}

NOINLINE void scenario_many_threads(void)
{
	start_and_wait(busy_thread, 64);
}
