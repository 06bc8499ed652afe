/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stacks that are not the usual ones. */
#include "leak.h"

#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

static NOINLINE void wait_in_handler(int signal)
{
	(void)signal;
	leak_wait();
}

static NOINLINE void signal_stack(void *memory, size_t size)
{
	stack_t stack = { .ss_sp = memory, .ss_size = size };
	struct sigaction action = { .sa_handler = wait_in_handler, .sa_flags = SA_ONSTACK };
	void *volatile local = make_list(10, "reachable", "reachable");

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	root = local;
}

NOINLINE void scenario_on_signal_stack_malloc(void)
{
	void *memory = malloc(1 << 18);

	root = memory;
	signal_stack(memory, 1 << 18);
}

NOINLINE void scenario_on_signal_stack_mapped(void)
{
	signal_stack(
		mmap(NULL, 1 << 18, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1 << 18);
}

static ucontext_t outside, inside;

static void coroutine(void)
{
	void *volatile local = make_list(10, "reachable", "reachable");

	leak_wait();
	root = local;
}

static NOINLINE void run_coroutine(void *memory, size_t size)
{
	void *volatile local = make_list(10, "reachable", "reachable");

	getcontext(&inside);
	inside.uc_stack.ss_sp = memory;
	inside.uc_stack.ss_size = size;
	inside.uc_link = &outside;
	makecontext(&inside, coroutine, 0);
	swapcontext(&outside, &inside);
	root = local;
}

NOINLINE void scenario_in_coroutine_malloc(void)
{
	void *memory = malloc(1 << 18);

	roots[0] = memory;
	run_coroutine(memory, 1 << 18);
}

NOINLINE void scenario_in_coroutine_mapped(void)
{
	run_coroutine(
		mmap(NULL, 1 << 18, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1 << 18);
}

/* A coroutine that has yielded: what it holds lies on its own, sleeping stack. */
static void sleeping_coroutine(void)
{
	void *volatile local = make_list(10, "reachable", "reachable");

	swapcontext(&inside, &outside);
	root = local;
}

NOINLINE void scenario_sleeping_coroutine_mapped(void)
{
	getcontext(&inside);
	inside.uc_stack.ss_size = 1 << 18;
	inside.uc_stack.ss_sp =
		mmap(NULL, 1 << 18, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	makecontext(&inside, sleeping_coroutine, 0);
	swapcontext(&outside, &inside);
}

static void *own_stack_thread(void *argument)
{
	hold_on_thread_stack();
	return argument;
}

/* Stacks that the program brings along. */
NOINLINE void scenario_own_thread_stacks(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	void *memory;

	expect_threads(2);
	pthread_attr_init(&attributes);
	if (posix_memalign(&memory, 4096, 1 << 18))
		leak_fail("posix_memalign");
	roots[1] = memory;
	pthread_attr_setstack(&attributes, memory, 1 << 18);
	pthread_create(&thread, &attributes, own_stack_thread, NULL);
	memory = mmap(NULL, 1 << 18, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_setstack(&attributes, memory, 1 << 18);
	pthread_create(&thread, &attributes, own_stack_thread, NULL);
	wait_for_threads();
}
