/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is a stopped process in the middle of a malloc operation? An arena's lock tells where there are several
 * threads; a process with one thread takes no lock (2.27 and newer, SINGLE_THREAD_P), and thread caches never
 * do, so program counters and, where a thread stands in a function that malloc calls (memset, brk, mmap), a
 * few words of its stack are looked at as well. A wrong yes costs another stop, a wrong no is noticed by the
 * walk.
 */
#include "heapwalk/glibc/walk.h"

/*
 * malloc.c's static functions (_int_malloc, sysmalloc, ...) lie before its first exported one, by up to
 * 0x4600 bytes in distributed libraries (2.31 to 2.44).
 */
#define STATIC_BYTES 0x5000

/* Stack words to look at: enough for the frames of what malloc calls. */
#define STACK_WORDS 48

#define RING_LIMIT 4096

/* Half-open. */
struct range {
	uint64_t start;
	uint64_t end;
};

/* One libc's malloc. */
struct settle_libc {
	const struct hw_layout *layout;
	uint64_t main_arena;
	struct range module;
	struct range code;      /* malloc's functions; empty: no symbols */
	struct range calls[10]; /* system call wrappers that malloc uses */
	size_t call_count;
};

struct hw_settle {
	unsigned word_size;
	struct settle_libc *libcs;
	size_t libc_count;
};

static bool is_in(const struct range *range, uint64_t address)
{
	return address >= range->start && address < range->end;
}

/* ----------------------------------------------------------------------------------------- the preview */

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names))
		names++;
	return *names;
}

static bool note_symbol(const struct hw_dynamic_symbol *symbol, void *argument)
{
	static const char *const mallocs[] = { "malloc", "free", "calloc", "realloc", "memalign",
		"aligned_alloc", "valloc", "pvalloc", "posix_memalign", "malloc_trim", "malloc_usable_size",
		NULL };
	static const char *const calls[] = { "brk", "sbrk", "mmap", "mmap64", "munmap", "mprotect", "madvise",
		"mremap", "prctl", NULL };
	struct settle_libc *libc = argument;
	struct range range = { symbol->address, symbol->address + symbol->size };

	if (!symbol->defined || range.end <= range.start)
		return true;
	if (is_one_of(symbol->name, mallocs)) {
		if (!libc->code.end || range.start - STATIC_BYTES < libc->code.start)
			libc->code.start = range.start - STATIC_BYTES;
		libc->code.end = hw_max(libc->code.end, range.end);
	} else if (is_one_of(symbol->name, calls) && libc->call_count < hw_array_size(libc->calls)) {
		libc->calls[libc->call_count++] = range;
	}
	return true;
}

/* Keeps what the walk's first stages found. */
static struct hw_error *remember(struct hw_settle *settle, const struct hw_walk *walk)
{
	settle->libcs = calloc((size_t)walk->heap->libc_count + 1, sizeof(*settle->libcs));
	if (!settle->libcs)
		return hw_error_no_memory();
	for (uint32_t i = 0; i < walk->heap->libc_count; i++) {
		const struct hw_glibc *glibc = &walk->glibcs[i];
		struct settle_libc *libc = &settle->libcs[settle->libc_count++];

		*libc = (struct settle_libc){
			.layout = glibc->layout,
			.main_arena = glibc->main_arena,
			.module = { glibc->module->start, glibc->module->end },
		};
		hw_module_each_symbol(walk->snapshot, glibc->module, note_symbol, libc);
	}
	return NULL;
}

struct hw_error *hw_settle_create(const struct hw_snapshot *preview, struct hw_settle **settle)
{
	struct hw_settle *made = calloc(1, sizeof(*made));
	struct hw_heap *heap = calloc(1, sizeof(*heap));
	struct hw_walk walk = { .snapshot = preview, .image = preview->image, .heap = heap };
	struct hw_error *error = made && heap ? hw_glibcs_locate(&walk) : hw_error_no_memory();

	if (!error)
		error = remember(made, &walk);
	free(walk.glibcs);
	hw_heap_destroy(heap);
	if (error) {
		hw_settle_destroy(made);
		return error;
	}
	made->word_size = preview->word_size;
	*settle = made;
	return NULL;
}

void hw_settle_destroy(struct hw_settle *settle)
{
	if (!settle)
		return;
	free(settle->libcs);
	free(settle);
}

/* ---------------------------------------------------------------------------------------- the stopped one */

static bool read_lock(const struct hw_image *image, uint64_t arena, uint32_t *lock)
{
	return hw_image_read_some(image, arena, lock, sizeof(*lock)) == sizeof(*lock);
}

static bool read_word(const struct hw_image *image, uint64_t address, uint64_t *word)
{
	uint8_t bytes[8];

	if (hw_image_read_some(image, address, bytes, image->word_size) != image->word_size)
		return false;
	*word = hw_image_word(image, bytes);
	return true;
}

static bool is_locked(const struct hw_image *image, const struct settle_libc *libc)
{
	uint64_t arena = libc->main_arena;
	uint32_t lock;

	for (unsigned i = 0; i < RING_LIMIT; i++) {
		if (!read_lock(image, arena, &lock))
			return false;
		if (lock)
			return true;
		if (!read_word(image, arena + libc->layout->arena->next, &arena) || arena == libc->main_arena)
			return false;
	}
	return false;
}

/* Does a return address into malloc lie near the top of the stack? */
static bool returns_to_malloc(const struct hw_image *image, const struct settle_libc *libc, uint64_t sp)
{
	uint8_t bytes[STACK_WORDS * 8];
	size_t size = hw_image_read_some(image, sp, bytes, STACK_WORDS * image->word_size);

	for (size_t i = 0; i + image->word_size <= size; i += image->word_size) {
		if (is_in(&libc->code, hw_image_word(image, bytes + i)))
			return true;
	}
	return false;
}

static bool is_in_malloc(
	const struct hw_image *image, const struct settle_libc *libc, const struct hw_thread *thread)
{
	bool calls = false;

	if (is_in(&libc->code, thread->pc))
		return true;
	if (!is_in(&libc->module, thread->pc))
		return false;
	for (size_t i = 0; i < libc->call_count; i++)
		calls |= is_in(&libc->calls[i], thread->pc);
	/* Waiting in another system call, as most threads do: old return addresses on its stack say nothing.
	 */
	if (thread->in_system_call && !calls)
		return false;
	return returns_to_malloc(image, libc, thread->sp);
}

bool hw_settle_is_busy(const struct hw_snapshot *stopped, void *argument)
{
	const struct hw_settle *settle = argument;

	for (size_t i = 0; i < settle->libc_count; i++) {
		const struct settle_libc *libc = &settle->libcs[i];

		if (is_locked(stopped->image, libc))
			return true;
		for (size_t j = 0; libc->code.end && j < stopped->thread_count; j++) {
			if (stopped->threads[j].has_registers &&
				is_in_malloc(stopped->image, libc, &stopped->threads[j]))
				return true;
		}
	}
	return false;
}
