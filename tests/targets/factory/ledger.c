/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the program holds, and saying so. */
#include "factory.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char output[1 << 16];
static size_t output_length;

void output_flush(void)
{
	for (size_t done = 0; done < output_length;) {
		ssize_t n = write(STDOUT_FILENO, output + done, output_length - done);

		if (n < 0 && errno != EINTR)
			_exit(4);
		done += n > 0 ? (size_t)n : 0;
	}
	output_length = 0;
}

void say(const char *format, ...)
{
	va_list arguments;

	if (sizeof(output) - output_length < 512)
		output_flush();
	va_start(arguments, format);
	/* vsnprintf allocates only for wide or huge conversions, of which there are none here. */
	output_length += vsnprintf(output + output_length, 512, format, arguments);
	va_end(arguments);
}

void fail(const char *what)
{
	output_flush();
	if (write(STDERR_FILENO, what, strlen(what)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
		_exit(5);
	_exit(2);
}

#define LEDGER_SIZE (1 << 20)

static struct entry *ledger;
unsigned ledger_count;
size_t (*usable_size)(void *pointer) = malloc_usable_size;

void ledger_open(void)
{
	ledger = mmap(NULL, LEDGER_SIZE * sizeof(*ledger), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ledger == MAP_FAILED)
		fail("no memory for the ledger");
}

static struct entry *ledger_add(void)
{
	unsigned index = __atomic_fetch_add(&ledger_count, 1, __ATOMIC_RELAXED);

	if (index >= LEDGER_SIZE)
		fail("the ledger is full");
	return &ledger[index];
}

/* The bytes of a block that are written and later checked: all of a small one, both ends of a large one. */
#define WHOLE 4096

static unsigned char pattern_of(const struct entry *entry)
{
	return (unsigned char)(0x20 + (entry - ledger) % 0x50);
}

static void entry_fill(const struct entry *entry)
{
	unsigned char pattern = pattern_of(entry);

	if (entry->size <= WHOLE) {
		memset(entry->pointer, pattern, entry->size);
		return;
	}
	memset(entry->pointer, pattern, ENTRY_ENDS);
	memset(entry->pointer + entry->size - ENTRY_ENDS, pattern, ENTRY_ENDS);
}

static int bytes_are(const unsigned char *bytes, size_t count, unsigned char pattern)
{
	while (count > 0 && bytes[count - 1] == pattern)
		count--;
	return count == 0;
}

static int entry_is_intact(const struct entry *entry)
{
	unsigned char pattern = pattern_of(entry);

	if (entry->size <= WHOLE)
		return bytes_are(entry->pointer, entry->size, pattern);
	return bytes_are(entry->pointer, ENTRY_ENDS, pattern) &&
	       bytes_are(entry->pointer + entry->size - ENTRY_ENDS, ENTRY_ENDS, pattern);
}

static struct entry *entry_set(struct entry *entry, void *pointer, size_t size)
{
	if (!pointer)
		fail("out of memory");
	entry->pointer = pointer;
	entry->size = size;
	entry->usable = usable_size(pointer);
	entry_fill(entry);
	return entry;
}

struct entry *take(size_t size)
{
	return entry_set(ledger_add(), malloc(size), size);
}

struct entry *take_zeroed(size_t size)
{
	return entry_set(ledger_add(), calloc(1, size), size);
}

struct entry *take_aligned(size_t alignment, size_t size)
{
	void *pointer = NULL;

	if (posix_memalign(&pointer, alignment, size) != 0)
		fail("out of aligned memory");
	return entry_set(ledger_add(), pointer, size);
}

struct entry *take_over(void *pointer, size_t size)
{
	return entry_set(ledger_add(), pointer, size);
}

void entry_resize(struct entry *entry, size_t size)
{
	entry_set(entry, realloc(entry->pointer, size), size);
}

void drop(struct entry *entry)
{
	free(entry->pointer);
	entry->pointer = NULL;
}

void note_libc(const char *what, void *pointer)
{
	struct entry *entry = ledger_add();

	entry->pointer = pointer;
	entry->libc = what;
}

void note_libc_range(const char *what, void *from, void *to)
{
	struct entry *entry = ledger_add();

	entry->pointer = from;
	entry->end = to;
	entry->libc = what;
}

void note_damage(const char *what, void *word)
{
	struct entry *entry = ledger_add();

	entry->pointer = word;
	entry->libc = what;
	entry->damaged = 1;
}

/*
 * The dynamic thread vector that pthread_create() allocated for the calling thread: libc calls calloc() in
 * the creator for it and keeps the second element's address in the thread descriptor (_dl_allocate_tls(),
 * INSTALL_DTV; glibc 2.17 to 2.44).
 */
void note_dtv(void)
{
	unsigned char *dtv;

#if defined(__x86_64__)
	__asm__("mov %%fs:8, %0" : "=r"(dtv));
#elif defined(__i386__)
	__asm__("mov %%gs:4, %0" : "=r"(dtv));
#else
#error "where is the dtv on this machine?"
#endif
	note_libc("dtv", dtv - 2 * sizeof(void *));
}

void ledger_print(void)
{
	for (unsigned i = 0; i < ledger_count; i++) {
		const struct entry *entry = &ledger[i];

		if (!entry->pointer)
			continue;
		if (entry->damaged)
			say("{\"damaged\":\"%p\",\"libc\":\"%s\"}\n", entry->pointer, entry->libc);
		else if (entry->end)
			say("{\"from\":\"%p\",\"to\":\"%p\",\"libc\":\"%s\"}\n", entry->pointer, entry->end,
				entry->libc);
		else if (entry->libc)
			say("{\"address\":\"%p\",\"libc\":\"%s\"}\n", entry->pointer, entry->libc);
		else
			say("{\"address\":\"%p\",\"size\":%zu,\"usable\":%zu}\n", entry->pointer, entry->size,
				entry->usable);
	}
}

int ledger_is_intact(void)
{
	for (unsigned i = 0; i < ledger_count; i++)
		if (ledger[i].pointer && !ledger[i].libc && !entry_is_intact(&ledger[i]))
			return 0;
	return 1;
}
