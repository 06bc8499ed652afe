/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads that wait at the end of known call chains and print them: stacks SCENARIO
 *
 *	chain      the main thread alone
 *	threads    eight threads, each with a chain of its own depth
 *	signal     the main thread waits inside a signal handler that interrupted a chain
 *	altstack   the same with the handler on a stack of its own
 *	library    a chain through the library whose path is the second argument, opened by dlopen()
 *	deep       a thousand frames of recursion
 *	spin       a thread that never enters the kernel: its pc is anywhere in a loop, or in the vdso
 *	bad-call   the main thread waits in the handler of the signal that a call of address 0 raised
 *	crash      the main thread calls address 0, and dies of it, when standard input ends
 *
 * Each thread prints "thread TID NAME...", innermost first, then the program prints "ready". It ends when its
 * standard input does.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Neither inlined nor cloned: its name stays its name. */
#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noipa))
#endif
#define MOST 1100

/* What each function adds before it goes on, and takes off when it is left. */
static __thread const char *volatile names[MOST];
static __thread volatile int depth;
static atomic_int waiting;
static atomic_int stop;

#define ENTER()       (names[depth++] = __func__)
#define LEAVE(result) (depth--, (result) + atomic_load(&stop))

static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

NOINLINE static void tell(void)
{
	pthread_mutex_lock(&output);
	printf("thread %ld", (long)syscall(SYS_gettid));
	for (int i = depth; i-- > 0;)
		printf(" %s", names[i]);
	printf("\n");
	fflush(stdout);
	pthread_mutex_unlock(&output);
	atomic_fetch_add(&waiting, 1);
}

NOINLINE int hold_still(void)
{
	ENTER();
	tell();
	while (!atomic_load(&stop))
		usleep(20000);
	return LEAVE(0);
}

NOINLINE int level_three(int value)
{
	volatile char room[100];
	int result;

	ENTER();
	room[value & 63] = 1;
	result = hold_still() + room[value & 63];
	return LEAVE(result);
}

NOINLINE static int level_two(int value)
{
	int result;

	ENTER();
	result = level_three(value + 1);
	return LEAVE(result);
}

NOINLINE int level_one(int value)
{
	volatile char *room = __builtin_alloca((size_t)value * 8 + 16);
	int result;

	ENTER();
	room[0] = 1;
	result = level_two(value) + room[0];
	return LEAVE(result);
}

NOINLINE int recurse(int count)
{
	int result;

	ENTER();
	result = count ? recurse(count - 1) + 1 : level_one(count);
	return LEAVE(result);
}

NOINLINE int spin(void)
{
	volatile unsigned counter = 0;

	ENTER();
	tell();
	while (!atomic_load(&stop)) {
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);
		counter += (unsigned)now.tv_nsec;
	}
	return LEAVE(0);
}

static void *thread_main(void *argument)
{
	int number = (int)(long)argument;

	ENTER();
	if (number < 0)
		spin();
	else
		recurse(number);
	depth--;
	return NULL;
}

static void handler(int signal_number)
{
	ENTER();
	level_one(signal_number);
	depth--;
	if (signal_number == SIGSEGV)
		_exit(0);
}

NOINLINE int interrupted(void)
{
	ENTER();
	raise(SIGUSR1);
	return LEAVE(0);
}

static void (*volatile nothing)(void);

NOINLINE int call_nothing(void)
{
	ENTER();
	tell();
	while (!atomic_load(&stop))
		usleep(20000);
	nothing();
	return LEAVE(0);
}

NOINLINE int call_nothing_handled(void)
{
	struct sigaction action = { .sa_handler = handler };

	sigaction(SIGSEGV, &action, NULL);
	ENTER();
	nothing();
	return LEAVE(0);
}

static char alternate[1 << 18];

static int run_signal(int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	return interrupted();
}

static int run_library(const char *path)
{
	void *library = dlopen(path, RTLD_NOW);
	int (*enter)(int (*)(int), int) =
		library ? (int (*)(int (*)(int), int))dlsym(library, "library_entry") : NULL;
	int result;

	if (!enter) {
		fprintf(stderr, "%s: %s\n", path, dlerror());
		return 1;
	}
	names[depth++] = "library_entry";
	names[depth++] = "library_inner";
	result = enter(level_one, 5);
	depth -= 2;
	return result;
}

static void *wait_for_end(void *argument)
{
	int expected = (int)(long)argument;
	char byte;

	while (atomic_load(&waiting) < expected)
		usleep(1000);
	pthread_mutex_lock(&output);
	printf("ready\n");
	fflush(stdout);
	pthread_mutex_unlock(&output);
	while (read(0, &byte, 1) > 0)
		;
	atomic_store(&stop, 1);
	return NULL;
}

static void start(void *(*function)(void *), long argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, (void *)argument))
		abort();
}

int main(int argc, char **argv)
{
	const char *scenario = argc > 1 ? argv[1] : "chain";

	ENTER();
	if (!strcmp(scenario, "threads")) {
		start(wait_for_end, 9);
		for (long i = 0; i < 8; i++)
			start(thread_main, i * 3);
	} else if (!strcmp(scenario, "spin")) {
		start(wait_for_end, 2);
		start(thread_main, -1);
	} else {
		start(wait_for_end, 1);
	}
	if (!strcmp(scenario, "signal") || !strcmp(scenario, "altstack"))
		run_signal(scenario[0] == 'a' ? SA_ONSTACK : 0);
	else if (!strcmp(scenario, "library"))
		run_library(argv[2]);
	else if (!strcmp(scenario, "bad-call"))
		call_nothing_handled();
	else if (!strcmp(scenario, "crash"))
		call_nothing();
	else if (!strcmp(scenario, "deep"))
		recurse(1000);
	else
		level_one(3);
	return LEAVE(0) == 0;
}
