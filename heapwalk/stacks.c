/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stacks by their thread descriptors. glibc puts struct pthread at the end of the block that it allocates for
 * a thread's stack, and in it, one after the other, the block's address, its size and its guard's size
 * (nptl/descr.h: stackblock, stackblock_size, guardsize). Where in struct pthread they stand differs between
 * releases, but a block that ends just past its own descriptor proves itself.
 */
#include <elf.h>

#include "heapwalk/stacks.h"

#define SMALLEST_STACK 16384 /* PTHREAD_STACK_MIN; the smallest that glibc accepts */

/* Static thread-local storage may lie between descriptor and end (aarch64); more than this is no stack. */
#define LONGEST_TAIL ((uint64_t)1 << 20)

struct finder {
	const struct hw_snapshot *snapshot;
	struct hw_stacks *stacks;
	uint8_t *words; /* two pages around a descriptor */
};

static const struct hw_thread_stack *first_ending_past(const struct hw_stacks *stacks, uint64_t address)
{
	size_t low = 0, high = stacks->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (stacks->stacks[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return &stacks->stacks[low];
}

const struct hw_thread_stack *hw_stacks_at(const struct hw_stacks *stacks, uint64_t address)
{
	const struct hw_thread_stack *stack = first_ending_past(stacks, address);

	return stack < stacks->stacks + stacks->count && stack->start <= address ? stack : NULL;
}

void hw_stacks_deinit(struct hw_stacks *stacks)
{
	free(stacks->stacks);
	*stacks = (struct hw_stacks){ .stacks = NULL };
}

/* Adds a stack at its place; one that overlaps another is left out: the first word counts. */
static struct hw_error *add(struct hw_stacks *stacks, const struct hw_thread_stack *stack)
{
	size_t at;

	if (!hw_array_reserve(&stacks->stacks, stacks->count, &stacks->capacity, sizeof(*stacks->stacks)))
		return hw_error_no_memory();
	at = (size_t)(first_ending_past(stacks, stack->start) - stacks->stacks);
	if (at < stacks->count && stacks->stacks[at].start < stack->end)
		return NULL;
	memmove(&stacks->stacks[at + 1], &stacks->stacks[at], (stacks->count - at) * sizeof(*stack));
	stacks->stacks[at] = *stack;
	stacks->count++;
	return NULL;
}

static bool is_anonymous_rw(const struct hw_map *map)
{
	const unsigned rw = HW_MAP_READ | HW_MAP_WRITE;

	return (map->prot & (rw | HW_MAP_SHARED)) == rw && !map->inode && map->path[0] != '/';
}

/* Three words { block, size, guard } that make a block around `descriptor`. */
static bool is_block(const struct finder *finder, const uint64_t *words, uint64_t descriptor)
{
	uint64_t page = finder->snapshot->page_size, block = words[0], size = words[1], guard = words[2], end;
	const struct hw_map *map;

	if ((block | size | guard) % page || size < SMALLEST_STACK || guard >= size || block >= descriptor ||
		__builtin_add_overflow(block, size, &end) || end <= descriptor ||
		end - descriptor > LONGEST_TAIL)
		return false;
	map = hw_snapshot_map_at(finder->snapshot, end - 1);
	return map && is_anonymous_rw(map) && hw_snapshot_map_at(finder->snapshot, block + guard);
}

/* Looks for the block in the words of [start, end), at most two pages. */
static bool find_block(const struct finder *finder, uint64_t start, uint64_t end, uint64_t descriptor,
	struct hw_thread_stack *stack)
{
	const struct hw_image *image = finder->snapshot->image;
	unsigned step = image->word_size;
	size_t size = hw_image_read_some(image, start, finder->words, end - start);

	for (size_t at = 0; at + 3 * step <= size; at += step) {
		uint64_t words[3];

		for (size_t i = 0; i < 3; i++)
			words[i] = hw_image_word(image, finder->words + at + i * step);
		if (!is_block(finder, words, descriptor))
			continue;
		stack->start = words[0];
		stack->guard = words[2];
		stack->end = words[0] + words[1];
		return true;
	}
	return false;
}

/* The thread pointer points to struct pthread (x86: TLS_TCB_AT_TP) or just past it (TLS_DTV_AT_TP). */
static bool find_by_thread_pointer(
	const struct finder *finder, uint64_t pointer, struct hw_thread_stack *stack)
{
	uint64_t page = finder->snapshot->page_size;
	unsigned machine = finder->snapshot->machine;

	if (!pointer || pointer % finder->snapshot->word_size)
		return false;
	if (machine == EM_X86_64 || machine == EM_386)
		return find_block(finder, pointer, hw_round_down(pointer, page) + 2 * page, pointer, stack);
	return pointer > page && find_block(finder, pointer - page, pointer, pointer, stack);
}

/* Without a descriptor: what only a stack has, its name or a guard mapping right below it. */
static bool find_by_mapping(const struct finder *finder, uint64_t sp, struct hw_thread_stack *stack)
{
	const struct hw_map *map = hw_snapshot_map_at(finder->snapshot, sp);
	const struct hw_map *below;

	if (!map || !is_anonymous_rw(map))
		return false;
	stack->start = map->start;
	stack->end = map->end;
	if (!strncmp(map->path, "[stack", 6) || (map->flags & HW_MAP_GROWSDOWN))
		return true;
	if (map == finder->snapshot->maps || map->path[0])
		return false;
	below = map - 1;
	if (below->end != map->start || below->prot || below->inode)
		return false;
	stack->guard = below->end - below->start;
	stack->start = below->start;
	return true;
}

static struct hw_error *find_live(const struct finder *finder)
{
	const struct hw_snapshot *snapshot = finder->snapshot;
	struct hw_error *error = NULL;

	for (uint32_t i = 0; !error && i < snapshot->thread_count; i++) {
		const struct hw_thread *thread = &snapshot->threads[i];
		struct hw_thread_stack stack = { .thread = i };

		if (find_by_thread_pointer(finder, thread->thread_pointer, &stack) ||
			(thread->has_registers && find_by_mapping(finder, thread->sp, &stack)))
			error = add(finder->stacks, &stack);
	}
	return error;
}

/* The first thread's stack has a name; it may be running on another one just now. */
static struct hw_error *find_first(const struct finder *finder)
{
	const struct hw_snapshot *snapshot = finder->snapshot;

	for (size_t i = 0; snapshot->thread_count && i < snapshot->map_count; i++) {
		const struct hw_map *map = &snapshot->maps[i];
		struct hw_thread_stack stack = { .start = map->start, .end = map->end };

		if (!strcmp(map->path, "[stack]"))
			return add(finder->stacks, &stack);
	}
	return NULL;
}

/*
 * A descriptor in the page before `end` that names a block with this end: it points to itself in its first
 * and third word (sysdeps/x86_64/nptl/tls.h and i386: tcbhead_t's tcb and self).
 */
static bool find_ended(const struct finder *finder, uint64_t end, struct hw_thread_stack *stack)
{
	const struct hw_image *image = finder->snapshot->image;
	uint64_t page = finder->snapshot->page_size, start = end - page;
	unsigned step = image->word_size;

	if (hw_image_read_some(image, start, finder->words, page) != page)
		return false;
	for (uint64_t at = 0; at + 3 * step <= page; at += 16) {
		uint64_t self = start + at;

		if (hw_image_word(image, finder->words + at) == self &&
			hw_image_word(image, finder->words + at + 2 * step) == self)
			return find_block(finder, self, end, self, stack) && stack->end == end;
	}
	return false;
}

/* Goes down from `end` as long as one kept stack follows another. */
static struct hw_error *find_ended_below(const struct finder *finder, uint64_t end)
{
	struct hw_thread_stack stack = { .thread = HW_NO_THREAD };
	struct hw_error *error = NULL;

	while (!error && end > finder->snapshot->page_size && !hw_stacks_at(finder->stacks, end - 1) &&
		find_ended(finder, end, &stack)) {
		error = add(finder->stacks, &stack);
		end = stack.start;
	}
	return error;
}

/* Kept stacks lie at a mapping's end, below another stack, or above one of the same size. */
static struct hw_error *find_all_ended(const struct finder *finder)
{
	const struct hw_snapshot *snapshot = finder->snapshot;
	struct hw_error *error = NULL;

	for (size_t i = 0; !error && i < snapshot->map_count; i++) {
		const struct hw_map *map = &snapshot->maps[i];

		if (is_anonymous_rw(map) && !map->path[0] && map->end - map->start >= SMALLEST_STACK)
			error = find_ended_below(finder, map->end);
	}
	for (size_t i = 0; !error && i < finder->stacks->count; i++) {
		struct hw_thread_stack stack = finder->stacks->stacks[i];

		error = find_ended_below(finder, stack.end + (stack.end - stack.start));
		if (!error)
			error = find_ended_below(finder, stack.start);
		/* What was found lower down has shifted this one: go on behind it. */
		while (i < finder->stacks->count && finder->stacks->stacks[i].end < stack.end)
			i++;
	}
	return error;
}

struct hw_error *hw_stacks_find(const struct hw_snapshot *snapshot, struct hw_stacks *stacks)
{
	struct finder finder = { .snapshot = snapshot, .stacks = stacks };
	struct hw_error *error;

	finder.words = malloc(2 * snapshot->page_size);
	if (!finder.words)
		return hw_error_no_memory();
	error = find_live(&finder);
	if (!error)
		error = find_first(&finder);
	if (!error && (snapshot->machine == EM_X86_64 || snapshot->machine == EM_386))
		error = find_all_ended(&finder);
	free(finder.words);
	return error;
}
