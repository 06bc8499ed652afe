/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Says where its memory is and what it holds, then waits for a byte, or ends by a signal.
 *
 *	witness wait|abort|segv
 *
 * One JSON object a line: {"what":..., "address":..., "bytes":...} for memory, with "stored":0 where no core
 *can have it; {"tid":..., "tp":...} for threads; {"ready":PID} last.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREADS 3
#define SHOWN   48

static const char constant[SHOWN] = "a constant of the program";
static char data[SHOWN] = "initialised data";
static char zeroed[SHOWN];
static pthread_barrier_t barrier;

static void say(const char *what, const void *address, int stored)
{
	const unsigned char *bytes = address;

	printf("{\"what\":\"%s\",\"address\":%llu,\"stored\":%d,\"bytes\":\"", what,
		(unsigned long long)(uintptr_t)address, stored);
	for (int i = 0; i < SHOWN; i++)
		printf("%02x", bytes[i]);
	printf("\"}\n");
}

static void say_thread(void)
{
	/* On x86 a pthread_t is the thread pointer. */
	printf("{\"tid\":%ld,\"tp\":%llu}\n", syscall(SYS_gettid),
		(unsigned long long)(uintptr_t)pthread_self());
}

static void *thread_main(void *argument)
{
	char local[SHOWN];

	snprintf(local, sizeof(local), "on the stack of thread %d", (int)(intptr_t)argument);
	flockfile(stdout);
	say_thread();
	say("stack", local, 1);
	funlockfile(stdout);
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return NULL;
}

static char *filled(size_t size, const char *text)
{
	char *block = malloc(size);

	memset(block, 'x', size);
	strcpy(block, text);
	return block;
}

static void *anonymous(void)
{
	return mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void say_memory(void)
{
	void *malloc_code = dlsym(RTLD_DEFAULT, "malloc");
	char *secret = anonymous();

	strcpy(zeroed, "no longer zero");
	say("constant", constant, 1);
	say("data", data, 1);
	say("zeroed", zeroed, 1);
	say("code", (const void *)(uintptr_t)say_thread, 1);
	if (malloc_code)
		say("malloc code", malloc_code, 1);
	say("small block", filled(100, "a small block"), 1);
	say("large block", filled(1 << 20, "a large block"), 1);
	strcpy(secret, "not to be dumped");
	madvise(secret, 1 << 16, MADV_DONTDUMP);
	say("secret", secret, 0);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "wait";
	char local[SHOWN] = "on the first stack";

	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, thread_main, (void *)(intptr_t)i);
	}
	pthread_barrier_wait(&barrier);
	say_thread();
	say_memory();
	say("first stack", local, 1);
	printf("{\"ready\":%d}\n", (int)getpid());
	fflush(stdout);
	if (!strcmp(way, "abort"))
		abort();
	if (!strcmp(way, "segv"))
		raise(SIGSEGV);
	getchar();
	return 0;
}
