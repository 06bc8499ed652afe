/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Places where the only pointer may be. */
#include "leak.h"

#include <errno.h>
#include <pthread.h>

NOINLINE void scenario_mmapped_holder(void)
{
	void **big = take(400000, "reachable");

	for (unsigned i = 0; i < 400000 / sizeof(*big); i += 500)
		big[i] = take(30, "reachable");
	root = big;
}

NOINLINE void scenario_on_stack(void)
{
	void *volatile local = take(64, "reachable");
	void *volatile array[10];

	for (unsigned i = 0; i < 10; i++)
		array[i] = take(32, "reachable");
	leak_wait();
	root = local;
	root = array[3];
}

#if defined(__x86_64__)
/* A thread that waits in a system call, a pointer in a callee-saved register and nowhere else. */
static uintptr_t disguised;
static int wait_pipe[2];

static NOINLINE void *register_thread(void *argument)
{
	__asm__ volatile("mov %[from], %%r12\n"
			 "not %%r12\n"
			 "movq $0, %[from]\n"
			 "1: xor %%eax, %%eax\n"
			 "mov %[fd], %%edi\n"
			 "lea -8(%%rsp), %%rsi\n"
			 "mov $1, %%edx\n"
			 "syscall\n"
			 "cmp $-4, %%rax\n"
			 "je 1b\n"
			 "xor %%r12d, %%r12d\n"
			 : [from] "+m"(disguised)
			 : [fd] "m"(wait_pipe[0])
			 : "rax", "rcx", "rdx", "rdi", "rsi", "r11", "r12", "cc", "memory");
	return argument;
}

NOINLINE void scenario_in_register(void)
{
	pthread_t thread;

	if (pipe(wait_pipe))
		leak_fail("pipe");
	disguised = ~(uintptr_t)make_list(10, "reachable", "reachable");
	pthread_create(&thread, NULL, register_thread, NULL);
	while (__atomic_load_n(&disguised, __ATOMIC_RELAXED))
		usleep(1000);
	scrub();
	leak_wait();
}
#endif
