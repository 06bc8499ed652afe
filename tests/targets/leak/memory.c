/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that is not malloc's. */
#include "leak.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

static void *map(int protection, int flags)
{
	void *memory = mmap(NULL, 1 << 16, protection, flags | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		leak_fail("mmap");
	return memory;
}

NOINLINE void scenario_in_mappings(void)
{
	void *volatile *private_memory = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	void *volatile *shared_memory = map(PROT_READ | PROT_WRITE, MAP_SHARED);
	void *volatile *constant = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);

	private_memory[100] = make_list(5, "reachable", "reachable");
	shared_memory[200] = make_list(5, "reachable", "reachable");
	constant[300] = make_list(5, "reachable", "reachable");
	mprotect((void *)constant, 1 << 16, PROT_READ);
}

NOINLINE void scenario_in_sbrk(void)
{
	void *volatile *own = sbrk(4096);

	own[17] = make_list(5, "reachable", "reachable");
	for (unsigned i = 0; i < 5000; i++)
		roots[i % 64] = take(100, i >= 5000 - 64 ? "reachable" : "definite");
}

#ifndef LEAK_STATIC
static void *library(void)
{
	const char *slash = strrchr(program_invocation_name, '/');
	int length = slash ? (int)(slash - program_invocation_name) : 0;
	char path[4096];
	void *handle;

	snprintf(path, sizeof(path), "%.*s/leak_library%s.so", length, program_invocation_name,
		sizeof(void *) == 8 ? "" : "-32");
	handle = dlopen(path, RTLD_NOW);
	if (!handle)
		leak_fail(dlerror());
	return handle;
}

static NOINLINE void keep_in_library(const char *function)
{
	void (*keep)(void *) = (void (*)(void *))dlsym(library(), function);

	keep(make_list(10, "reachable", "reachable"));
}

NOINLINE void scenario_in_library(void)
{
	keep_in_library("library_keep");
}

static void *library_thread(void *argument)
{
	keep_in_library("library_keep_by_thread");
	sit();
	return argument;
}

NOINLINE void scenario_in_library_thread_local(void)
{
	keep_in_library("library_keep_by_thread");
	start_and_wait(library_thread, 3);
}
#endif
