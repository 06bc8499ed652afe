/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Heaps in order. */
#include "factory.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void scenario_empty(void)
{
}

static void scenario_plain(void)
{
	churn(1, 40000);
}

static void scenario_sizes(void)
{
	for (size_t size = 0; size < 3000; size++)
		take(size);
	for (size_t size = 3000; size < 1 << 20; size += size / 7)
		take(size);
}

static void scenario_frees_most(void)
{
	static struct entry *held[100000];
	uint32_t state = 7;

	for (unsigned i = 0; i < 100000; i++)
		held[i] = take(next_random(&state) % 200);
	for (unsigned i = 0; i < 100000; i++)
		if (next_random(&state) % 20 != 0)
			drop(held[i]);
}

static void scenario_aligned(void)
{
	uint32_t state = 11;

	for (unsigned i = 0; i < 1500; i++) {
		struct entry *entry =
			take_aligned((size_t)16 << (next_random(&state) % 17), random_size(&state));

		if (next_random(&state) % 3 == 0)
			drop(entry);
	}
}

/* Mmapped blocks whose headers memalign() moved, then realloc(), by mremap(): the offset stays, the base
 * moves. */
static void scenario_moved(void)
{
	uint32_t state = 73;

	for (unsigned i = 0; i < 150; i++) {
		size_t alignment = (size_t)4096 << (next_random(&state) % 10);
		struct entry *entry = take_aligned(alignment, (200 << 10) + next_random(&state) % (1 << 20));

		if (i % 3 == 0)
			entry_resize(entry, (140 << 10) + next_random(&state) % (4 << 20));
		if (i % 7 == 0)
			drop(entry);
	}
}

static void scenario_huge(void)
{
	struct entry *held[200];
	uint32_t state = 13;

	for (unsigned i = 0; i < 200; i++)
		held[i] = take((128 << 10) + next_random(&state) % (1 << 20));
	for (unsigned i = 0; i < 200; i += 3)
		drop(held[i]);
	/* realloc() of an mmapped chunk moves it by mremap(). */
	for (unsigned i = 1; i < 200; i += 3)
		entry_resize(held[i], (256 << 10) + next_random(&state) % (2 << 20));
	for (unsigned i = 0; i < 20; i++)
		take_aligned(1 << (12 + i % 9), (1 << 20) + i * 1000);
}

static void work_churn(unsigned number)
{
	churn(100 + number, 6000);
}

/* More than one heap_info heap: 64 MiB each where words are 8 bytes, 1 MiB where they are 4. */
static void work_many_heaps(unsigned number)
{
	size_t block = sizeof(void *) == 8 ? 100000 : 20000;

	for (unsigned i = 0; i < 900; i++) {
		struct entry *entry = take(block + number);

		if (i % 5 == 0)
			drop(entry);
	}
}

static void scenario_threads(void)
{
	mallopt(M_ARENA_MAX, THREADS_MAX);
	for (unsigned i = 0; i < THREADS_MAX; i++)
		thread_start(work_churn, 1);
	threads_wait_ready();
}

static void scenario_shared_arenas(void)
{
	mallopt(M_ARENA_MAX, 3);
	for (unsigned i = 0; i < 12; i++)
		thread_start(work_churn, 1);
	threads_wait_ready();
}

static void scenario_heaps(void)
{
	thread_start(work_many_heaps, 1);
	thread_start(work_churn, 1);
	threads_wait_ready();
}

/* Threads that leave blocks behind, and others that take over their arenas. */
static void scenario_thread_exit(void)
{
	for (unsigned i = 0; i < 8; i++)
		thread_start(work_churn, 0);
	threads_join();
	/* New ones get the cached stacks of those, and with them their dtv: two notes of one block. */
	for (unsigned i = 0; i < 4; i++)
		thread_start(work_churn, 1);
	threads_wait_ready();
}

static void work_fill_tcache(unsigned number)
{
	void *held[20];

	(void)number;
	for (size_t size = 8; size <= 1200; size += 8) {
		for (unsigned i = 0; i < 20; i++)
			held[i] = malloc(size);
		take(size);
		for (unsigned i = 0; i < 20; i++)
			free(held[i]);
	}
}

static void scenario_tcache(void)
{
	work_fill_tcache(0);
	for (unsigned i = 0; i < 6; i++)
		thread_start(work_fill_tcache, 1);
	threads_wait_ready();
}

/* A page mapped right behind the program break: the main arena goes on with mmap(). */
static void scenario_blocked_brk(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t end = ((uintptr_t)sbrk(0) + page - 1) & -page;

	if (mmap((void *)(end + 40 * page), page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		    0) == MAP_FAILED)
		fail("mmap behind the break");
	churn(17, 40000);
}

static void scenario_foreign_sbrk(void)
{
	static const int steps[] = { 10000, 16, 4096, 33, 200001, 8 };

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		churn(19 + i, 5000);
		if (sbrk(steps[i]) == (void *)-1)
			fail("sbrk");
	}
	churn(31, 5000);
}

/* The child goes its own way; it is the one to be inspected. The parent hands on its exit status. */
static void scenario_fork(void)
{
	pid_t child;
	int status;

	churn(37, 20000);
	thread_start(work_churn, 0);
	threads_join();
	child = fork();
	if (child < 0)
		fail("fork");
	if (child > 0) {
		if (waitpid(child, &status, 0) != child)
			fail("waitpid");
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 6);
	}
	churn(41, 20000);
}

/* Contents that look like chunk headers, at page boundaries and elsewhere. */
static void forge(unsigned char *block, size_t size)
{
	uintptr_t page = 4096;
	uintptr_t end = (uintptr_t)block + size - ENTRY_ENDS - page;

	for (uintptr_t at = ((uintptr_t)block + ENTRY_ENDS + page) & -page; at < end; at += page) {
		size_t *words = (size_t *)at;

		words[0] = 0;
		words[1] = (page * (1 + at / page % 3)) | (at / page % 2 ? 2 : 1);
	}
}

static void scenario_forged(void)
{
	for (unsigned i = 0; i < 40; i++) {
		struct entry *entry = take((i % 2 ? 60000 : 400000) + i * 16);

		forge(entry->pointer, entry->size);
	}
	churn(43, 10000);
}

static void scenario_stdio(void)
{
	static const char *const paths[] = { "/proc/self/maps", "/proc/self/status", "/etc/passwd" };

	for (unsigned i = 0; i < 3; i++) {
		FILE *file = fopen(paths[i], "r");

		if (!file || getc(file) == EOF)
			fail("fopen");
		note_libc("FILE", file);
		note_libc("stdio buffer", file->_IO_buf_base);
	}
	churn(47, 4000);
}

#ifndef FACTORY_STATIC
/* A second libc with a malloc of its own. */
static void scenario_dlmopen(void)
{
	/* Too large for what dlmopen() itself gives back: these two are cut from top. */
	struct entry *before = take(20000);
	void *libc = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
	void *(*second_malloc)(size_t) = libc ? (void *(*)(size_t))dlsym(libc, "malloc") : NULL;
	void (*second_free)(void *) = libc ? (void (*)(void *))dlsym(libc, "free") : NULL;
	void *dropped[100];

	if (!second_malloc || !second_free)
		fail("dlmopen");
	note_libc_range("dlmopen", before->pointer, take(20000)->pointer);
	usable_size = (size_t(*)(void *))dlsym(libc, "malloc_usable_size");
	for (size_t i = 0; i < 3000; i++)
		take_over(second_malloc(i % 700), i % 700);
	for (size_t i = 0; i < 100; i++)
		dropped[i] = second_malloc(i * 20);
	for (size_t i = 0; i < 100; i++)
		second_free(dropped[i]);
	for (size_t i = 0; i < 10; i++)
		take_over(second_malloc(300000 + i), 300000 + i);
	usable_size = malloc_usable_size;
	churn(53, 10000);
}
#endif

const struct scenario scenarios[] = {
	{ "empty", scenario_empty, 0 },
	{ "plain", scenario_plain, 0 },
	{ "sizes", scenario_sizes, 0 },
	{ "frees-most", scenario_frees_most, 0 },
	{ "aligned", scenario_aligned, 0 },
	{ "moved", scenario_moved, 0 },
	{ "huge", scenario_huge, 0 },
	{ "threads", scenario_threads, 0 },
	{ "shared-arenas", scenario_shared_arenas, 0 },
	{ "heaps", scenario_heaps, 0 },
	{ "thread-exit", scenario_thread_exit, 0 },
	{ "tcache", scenario_tcache, 0 },
	{ "blocked-brk", scenario_blocked_brk, 0 },
	{ "foreign-sbrk", scenario_foreign_sbrk, 0 },
	{ "fork", scenario_fork, 0 },
	{ "forged", scenario_forged, 0 },
	{ "stdio", scenario_stdio, 0 },
#ifndef FACTORY_STATIC
	{ "dlmopen", scenario_dlmopen, 0 },
#endif
	{ NULL, NULL, 0 },
};
