/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ledger, the wait point, and main() for all. */
#include "leak.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

struct note {
	uintptr_t inverted;
	size_t size;
	const char *kind;
};

#define NOTES_MAX 100000
static struct note *notes;
static unsigned note_count;
static int waited;
static const char *leak_name;

NOINLINE void leak_fail(const char *what)
{
	fprintf(stderr, "leak: %s\n", what);
	_exit(2);
}

static void notes_open(void)
{
	void *memory = mmap(NULL, NOTES_MAX * sizeof(*notes), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		leak_fail("mmap");
	notes = (struct note *)memory;
}

NOINLINE void note(void *pointer, size_t size, const char *kind)
{
	struct note *next = &notes[__atomic_fetch_add(&note_count, 1, __ATOMIC_RELAXED)];

	if (note_count >= NOTES_MAX || !pointer)
		leak_fail("out of room");
	next->inverted = ~(uintptr_t)pointer;
	next->size = size;
	next->kind = kind;
}

NOINLINE void *take(size_t size, const char *kind)
{
	void *pointer = calloc(1, size);

	note(pointer, size, kind);
	return pointer;
}

NOINLINE void unnote(void *pointer)
{
	for (unsigned i = 0; i < note_count; i++) {
		if (notes[i].inverted == ~(uintptr_t)pointer)
			notes[i].inverted = 0;
	}
}

static NOINLINE void print_notes(const char *name)
{
	static char line[256];

	for (unsigned i = 0; i < note_count; i++) {
		int length =
			snprintf(line, sizeof(line), "{\"address\":\"0x%lx\",\"size\":%zu,\"kind\":\"%s\"}\n",
				(unsigned long)~notes[i].inverted, notes[i].size, notes[i].kind);

		if (notes[i].inverted && write(1, line, (size_t)length) != length)
			_exit(2);
	}
	memset(line, 0, sizeof(line));
	dprintf(1, "{\"ready\":\"%s\",\"pid\":%d}\n", name, (int)getpid());
}

static int keep_dead;

void keep_dead_frames(void)
{
	keep_dead = 1;
}

NOINLINE void scrub(void)
{
	volatile char bytes[1 << 16];

	if (keep_dead)
		return;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0;
#if defined(__x86_64__)
	__asm__ volatile(
		"xor %%eax, %%eax\n xor %%ecx, %%ecx\n xor %%edx, %%edx\n xor %%esi, %%esi\n"
		"xor %%edi, %%edi\n xor %%r8d, %%r8d\n xor %%r9d, %%r9d\n xor %%r10d, %%r10d\n"
		"xor %%r11d, %%r11d\n pxor %%xmm0, %%xmm0\n pxor %%xmm1, %%xmm1\n"
		"pxor %%xmm2, %%xmm2\n pxor %%xmm3, %%xmm3\n pxor %%xmm4, %%xmm4\n pxor %%xmm5, %%xmm5\n"
		"pxor %%xmm6, %%xmm6\n pxor %%xmm7, %%xmm7\n" ::
			: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2",
		"xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "cc");
#endif
}

NOINLINE void leak_wait(void)
{
	char byte;

	waited = 1;
	print_notes(leak_name);
	scrub();
#ifdef VALGRIND_MONITOR_COMMAND
	if (RUNNING_ON_VALGRIND) {
		(void)VALGRIND_MONITOR_COMMAND("leak_check full any");
		(void)VALGRIND_MONITOR_COMMAND("block_list 1..100000 unlimited");
	}
#endif
	if (__lsan_do_recoverable_leak_check)
		__lsan_do_recoverable_leak_check();
	if (read(0, &byte, 1) < 0)
		_exit(2);
}

int leak_main(const struct scenario *scenarios, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!name)
			printf("%s\n", scenarios[i].name);
		if (!name || strcmp(name, scenarios[i].name))
			continue;
		notes_open();
		leak_name = scenarios[i].name;
		scenarios[i].run();
		scrub();
		if (!waited)
			leak_wait();
		/* Not exit(): what is done there is not what we are about. */
		_exit(0);
	}
	if (name)
		leak_fail("no such scenario");
	return 0;
}
