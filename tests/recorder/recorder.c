/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recorder.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* glibc's own names for what we stand before: exported by every version, so that no dlsym() is needed. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *pointer);

/* Not in glibc's header under every standard. */
void *reallocarray(void *pointer, size_t count, size_t size);

/* Words that a fork wipes in the child: there `table` reads NULL, and the calls pass straight through. */
struct private_page {
	struct recorder_table *table;
};

static struct private_page *page;
static uint32_t starting;

/* ---------------------------------------------------------------------------------------------- the table */

static struct recorder_table *table_map(void)
{
	int fd = (int)syscall(SYS_memfd_create, RECORDER_NAME, 1u /* MFD_CLOEXEC */);
	void *memory = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(struct recorder_table)) == 0)
		memory = mmap(NULL, sizeof(struct recorder_table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return memory == MAP_FAILED ? NULL : memory;
}

static struct private_page *page_map(void)
{
	long size = sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, (size_t)size, 18 /* MADV_WIPEONFORK */) != 0)
		return NULL;
	return memory;
}

static void complain_and_exit(void)
{
	static const char message[] = "recorder: no memory for the table\n";

	if (write(STDERR_FILENO, message, sizeof(message) - 1) >= 0)
		_exit(126);
	_exit(127);
}

/* The first call of the process comes from the dynamic linker, before any second thread. */
static struct recorder_table *table_start(void)
{
	struct private_page *fresh = page_map();
	struct recorder_table *table = table_map();

	if (!fresh || !table)
		complain_and_exit();
	/* Where the kernel lets only a parent look into a process. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	table->slots = RECORDER_SLOTS;
	table->frames = RECORDER_FRAMES;
	table->magic = RECORDER_MAGIC;
	fresh->table = table;
	page = fresh;
	return table;
}

static struct recorder_table *table_get(void)
{
	if (page)
		return page->table;
	if (__atomic_exchange_n(&starting, 1, __ATOMIC_SEQ_CST))
		return NULL;
	return table_start();
}

static void nap(void)
{
	struct timespec moment = { 0, 1000000 };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
}

/* Waits out a pause and counts the calling thread in. NULL: this process is not recorded. errno is kept. */
static struct recorder_table *enter(void)
{
	struct recorder_table *table = table_get();
	int saved = errno;

	if (!table)
		return NULL;
	for (;;) {
		__atomic_fetch_add(&table->inside, 1, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&table->pause, __ATOMIC_SEQ_CST))
			break;
		__atomic_fetch_sub(&table->inside, 1, __ATOMIC_SEQ_CST);
		nap();
	}
	__atomic_fetch_add(&table->calls, 1, __ATOMIC_RELAXED);
	errno = saved;
	return table;
}

static void leave(struct recorder_table *table)
{
	if (table)
		__atomic_fetch_sub(&table->inside, 1, __ATOMIC_SEQ_CST);
}

static void lock(struct recorder_table *table)
{
	while (__atomic_exchange_n(&table->lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void unlock(struct recorder_table *table)
{
	__atomic_store_n(&table->lock, 0, __ATOMIC_RELEASE);
}

/* Fibonacci hashing; blocks are at least 8 bytes apart. */
static uint32_t home_of(uint64_t address)
{
	return (uint32_t)((address >> 3) * 0x9e3779b97f4a7c15u >> (64 - RECORDER_BITS)) % RECORDER_SLOTS;
}

/* The slot of an address, or the free one where it would go. */
static uint32_t slot_of(const struct recorder_table *table, uint64_t address)
{
	uint32_t slot = home_of(address);

	while (table->records[slot].address && table->records[slot].address != address)
		slot = (slot + 1) % RECORDER_SLOTS;
	return slot;
}

/* Closes the gap at `slot`, so that no search ends too early. */
static void slot_clear(struct recorder_table *table, uint32_t slot)
{
	uint32_t next = slot;

	for (;;) {
		next = (next + 1) % RECORDER_SLOTS;
		if (!table->records[next].address)
			break;
		/* How far each is from its home: the one at `next` may move up if that is not past it. */
		if ((next - home_of(table->records[next].address)) % RECORDER_SLOTS <
			(next - slot) % RECORDER_SLOTS)
			continue;
		table->records[slot] = table->records[next];
		slot = next;
	}
	memset(&table->records[slot], 0, sizeof(table->records[slot]));
}

/*
 * Return addresses from `frame` (a frame pointer of ours) outwards. A library without frame pointers may have
 * anything in that register: so what it points to is read in a way that may fail.
 */
static void note_callers(struct record *record, const void *frame)
{
	for (unsigned i = 0; i < RECORDER_FRAMES; i++) {
		uint64_t words[2]; /* the caller's frame pointer, the return address */
		struct iovec here = { words, sizeof(words) };
		struct iovec there = { (void *)frame, sizeof(words) };

		if (syscall(SYS_process_vm_readv, getpid(), &here, 1ul, &there, 1ul, 0ul) != sizeof(words))
			return;
		record->frames[i] = words[1];
		if (words[0] <= (uintptr_t)frame || words[0] % sizeof(void *) != 0)
			return;
		frame = (const void *)(uintptr_t)words[0];
	}
}

static void remember(struct recorder_table *table, void *pointer, uint64_t size, const void *frame)
{
	uint32_t slot;
	int saved = errno;

	if (!table || !pointer)
		return;
	lock(table);
	if (table->count >= RECORDER_SLOTS - RECORDER_SLOTS / 8) {
		table->full = 1;
		unlock(table);
		return;
	}
	slot = slot_of(table, (uintptr_t)pointer);
	table->count += table->records[slot].address == 0;
	table->records[slot] = (struct record){
		.address = (uintptr_t)pointer, .size = size, .usable = malloc_usable_size(pointer)
	};
	note_callers(&table->records[slot], frame);
	unlock(table);
	errno = saved;
}

/* True, and the old record, if the block was in the table. Before the block goes back: then others may get
 * it. */
static int forget(struct recorder_table *table, void *pointer, struct record *old)
{
	uint32_t slot;
	int found;

	if (!table || !pointer)
		return 0;
	lock(table);
	slot = slot_of(table, (uintptr_t)pointer);
	found = table->records[slot].address != 0;
	*old = table->records[slot];
	if (found) {
		slot_clear(table, slot);
		table->count--;
	} else {
		table->unknown++;
	}
	unlock(table);
	return found;
}

/* ------------------------------------------------------------------------------------- malloc and its kin */

static void *memalign_recorded(size_t alignment, size_t size)
{
	struct recorder_table *table = enter();
	void *pointer = __libc_memalign(alignment, size);

	remember(table, pointer, size, __builtin_frame_address(0));
	leave(table);
	return pointer;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void *malloc(size_t size)
{
	struct recorder_table *table = enter();
	void *pointer = __libc_malloc(size);

	remember(table, pointer, size, __builtin_frame_address(0));
	leave(table);
	return pointer;
}

void *calloc(size_t count, size_t size)
{
	struct recorder_table *table = enter();
	void *pointer = __libc_calloc(count, size);

	remember(table, pointer, count * size, __builtin_frame_address(0));
	leave(table);
	return pointer;
}

void *realloc(void *pointer, size_t size)
{
	struct recorder_table *table = enter();
	struct record old = { 0, 0, 0 };
	int known = forget(table, pointer, &old);
	void *moved = __libc_realloc(pointer, size);

	/* realloc(p, 0) frees; any other NULL leaves the block as it was. */
	if (!moved && known && size > 0)
		remember(table, pointer, old.size, __builtin_frame_address(0));
	remember(table, moved, size, __builtin_frame_address(0));
	leave(table);
	return moved;
}

void *reallocarray(void *pointer, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(pointer, bytes);
}

void free(void *pointer)
{
	struct recorder_table *table = pointer ? enter() : NULL;
	struct record old;

	forget(table, pointer, &old);
	__libc_free(pointer);
	leave(table);
}

void *memalign(size_t alignment, size_t size)
{
	return memalign_recorded(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign_recorded(alignment, size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size)
{
	int saved = errno;
	void *block;

	if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0)
		return EINVAL;
	block = memalign_recorded(alignment, size);
	errno = saved;
	if (!block)
		return ENOMEM;
	*pointer = block;
	return 0;
}

void *valloc(size_t size)
{
	return memalign_recorded(page_size(), size);
}

void *pvalloc(size_t size)
{
	size_t page_bytes = page_size();

	return memalign_recorded(page_bytes, (size + page_bytes - 1) & ~(page_bytes - 1));
}

/* ------------------------------------------------------------------------------------------- operator new */

/*
 * libstdc++ calls malloc for these, without a frame pointer: their caller would be lost. By their names in
 * the Itanium C++ ABI for 64-bit targets.
 */
#if RECORDER_FRAMES
static void *new_recorded(size_t size, const void *frame)
{
	struct recorder_table *table = enter();
	void *pointer = __libc_malloc(size ? size : 1);

	if (!pointer)
		complain_and_exit();
	remember(table, pointer, size, frame);
	leave(table);
	return pointer;
}

void *_Znwm(size_t size);
void *_Znwm(size_t size)
{
	return new_recorded(size, __builtin_frame_address(0));
}

void *_Znam(size_t size);
void *_Znam(size_t size)
{
	return new_recorded(size, __builtin_frame_address(0));
}

void *_ZnwmRKSt9nothrow_t(size_t size, const void *nothrow);
void *_ZnwmRKSt9nothrow_t(size_t size, const void *nothrow)
{
	(void)nothrow;
	return new_recorded(size, __builtin_frame_address(0));
}

void *_ZnamRKSt9nothrow_t(size_t size, const void *nothrow);
void *_ZnamRKSt9nothrow_t(size_t size, const void *nothrow)
{
	(void)nothrow;
	return new_recorded(size, __builtin_frame_address(0));
}
#endif

_Static_assert(sizeof(struct record) == 24 + 8 * RECORDER_FRAMES, "tests/live/recorder.py unpacks it");
_Static_assert(offsetof(struct recorder_table, pause) == 12, "tests/live/recorder.py writes it");
_Static_assert(offsetof(struct recorder_table, records) == 64, "tests/live/recorder.py starts there");
