/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding the roots: what is mapped and writable, and over it what is known better. */
#include <elf.h>

#include "heapwalk/glibc/layout.h"
#include "heapwalk/graph/layers.h"
#include "heapwalk/graph/roots.h"

/* What counts over what. */
enum layer {
	LAYER_MAPPED,  /* all that can be written */
	LAYER_MODULE,  /* data of modules */
	LAYER_DEAD,    /* stacks below the stack pointer */
	LAYER_MALLOC,  /* malloc's own */
	LAYER_LIVE,    /* what threads use, even if it lies in a malloc'ed block */
	LAYER_CONTROL, /* parts of what threads use */
};

#define NO_ROOT HW_ROOT_KINDS

struct finder {
	const struct hw_heap *heap;
	const struct hw_snapshot *snapshot;
	struct hw_roots *roots;
	struct hw_layers layers;
	unsigned ignore;
	bool out_of_memory;
};

static void lay(
	struct finder *finder, enum layer layer, unsigned kind, uint32_t owner, uint64_t start, uint64_t end)
{
	struct hw_layer_range range = {
		.start = start, .end = end, .layer = layer, .kind = kind, .owner = owner
	};

	if (!hw_layers_add(&finder->layers, &range))
		finder->out_of_memory = true;
}

static bool is_loader(const struct hw_module *module)
{
	const char *name = hw_file_name(module->path);

	return !strncmp(name, "ld-", 3) || !strncmp(name, "ld.so", 5) || !strncmp(name, "ld64.so", 7);
}

static enum hw_root_kind module_kind(const struct hw_module *module)
{
	return is_loader(module) ? HW_ROOT_LOADER : HW_ROOT_GLOBAL;
}

/* Can there be pointers into the heap? In what the program can write, or could before it made it read-only.
 */
static bool can_hold_pointers(const struct hw_map *map)
{
	bool anonymous = !map->path[0] || map->path[0] == '[';

	if (!(map->prot & HW_MAP_READ) || map->flags & HW_MAP_IO)
		return false;
	if (!strncmp(map->path, "[v", 2)) /* [vdso], [vvar], [vvar_vclock], [vsyscall] */
		return false;
	if (map->usage.known && !map->usage.rss && !map->usage.swap && !(map->prot & HW_MAP_SHARED))
		return false;
	return map->prot & HW_MAP_WRITE || anonymous;
}

static void lay_maps(struct finder *finder)
{
	const struct hw_snapshot *snapshot = finder->snapshot;

	for (size_t i = 0; i < snapshot->map_count; i++) {
		const struct hw_map *map = &snapshot->maps[i];

		if (can_hold_pointers(map))
			lay(finder, LAYER_MAPPED, HW_ROOT_MAPPED, (uint32_t)i, map->start, map->end);
	}
}

static void lay_modules(struct finder *finder)
{
	const struct hw_snapshot *snapshot = finder->snapshot;

	for (size_t i = 0; i < snapshot->module_count; i++) {
		const struct hw_module *module = &snapshot->modules[i];

		for (size_t k = 0; k < module->segment_count; k++) {
			const struct hw_elf_segment *segment = &module->segments[k];

			if (segment->type == PT_LOAD && segment->prot & HW_MAP_WRITE)
				lay(finder, LAYER_MODULE, module_kind(module), (uint32_t)i, segment->address,
					segment->address + segment->size);
		}
	}
}

/* Bytes that the walk could not make sense of, or that are neither used nor free: they may hold anything. */
static bool is_doubtful(enum hw_chunk_state state)
{
	return state == HW_CHUNK_SKIPPED || state == HW_CHUNK_UNBINNED;
}

static void lay_doubtful(struct finder *finder, const struct hw_region *region)
{
	const struct hw_heap *heap = finder->heap;

	for (uint32_t i = region->first; i < region->first + region->count; i++) {
		if (is_doubtful(hw_chunk_state(heap, i)))
			lay(finder, LAYER_LIVE, HW_ROOT_MAPPED, UINT32_MAX, hw_chunk_user(heap, i),
				hw_chunk_address(heap, i) + hw_chunk_size(heap, i));
	}
}

/*
 * malloc's own words would be pointers to chunk headers, which are the last words of the blocks before them:
 * main_arena's bins, top and a stale last_remainder would make lost blocks look referenced.
 */
static void lay_malloc(struct finder *finder)
{
	const struct hw_heap *heap = finder->heap;
	bool doubtful = heap->tallies[HW_CHUNK_SKIPPED].chunks || heap->tallies[HW_CHUNK_UNBINNED].chunks;

	for (uint32_t i = 0; i < heap->region_count; i++) {
		const struct hw_region *region = &heap->regions[i];

		lay(finder, LAYER_MALLOC, NO_ROOT, 0, region->start, region->end);
		if (doubtful)
			lay_doubtful(finder, region);
	}
	for (uint32_t i = 0; i < heap->libc_count; i++) {
		const struct hw_libc *libc = &heap->libcs[i];

		/* Other arenas lie in their heaps. */
		lay(finder, LAYER_MALLOC, NO_ROOT, 0, libc->main_arena,
			libc->main_arena + libc->layout->arena->size);
		if (libc->malloc_par)
			lay(finder, LAYER_MALLOC, NO_ROOT, 0, libc->malloc_par,
				libc->malloc_par + libc->layout->par->size);
	}
}

/*
 * The main thread's stack. A core does not name it: it is then the highest memory that can be written, since
 * the kernel maps everything else below it.
 */
static const struct hw_map *main_stack(const struct hw_snapshot *snapshot)
{
	const struct hw_map *highest = NULL;

	for (size_t i = 0; i < snapshot->map_count; i++) {
		const struct hw_map *map = &snapshot->maps[i];

		if (!strcmp(map->path, "[stack]"))
			return map;
		if (map->prot & HW_MAP_WRITE && !map->path[0])
			highest = map;
	}
	return highest;
}

/*
 * A stack [start, end): what lies below its own thread's stack pointer is dead. A stack pointer elsewhere
 * (signal stack, coroutine) says nothing about this stack: it is then live as a whole.
 */
static void lay_stack(struct finder *finder, uint32_t index, uint64_t start, uint64_t end)
{
	const struct hw_thread *thread = &finder->snapshot->threads[index];
	uint64_t live = start;

	if (thread->has_registers && thread->sp >= start && thread->sp < end)
		live = thread->sp - hw_min(thread->sp - start, hw_red_zone(finder->snapshot));
	lay(finder, LAYER_DEAD, NO_ROOT, 0, start, live);
	lay(finder, LAYER_LIVE, HW_ROOT_STACK, index, live, end);
}

/* A signal stack or coroutine in a malloc'ed block: from the stack pointer on it is in use. */
static void lay_borrowed_stack(struct finder *finder, uint32_t index)
{
	const struct hw_thread *thread = &finder->snapshot->threads[index];
	const struct hw_heap *heap = finder->heap;
	uint32_t chunk;

	if (!thread->has_registers || !hw_heap_find(heap, thread->sp, &chunk) ||
		!hw_chunk_is_live(heap, chunk))
		return;
	lay(finder, LAYER_LIVE, HW_ROOT_STACK, index, thread->sp - hw_red_zone(finder->snapshot),
		hw_chunk_address(heap, chunk) + hw_chunk_size(heap, chunk));
}

static void lay_block(struct finder *finder, uint32_t index, const struct hw_thread_block *block)
{
	if (block->stack)
		lay_stack(finder, index, block->stack, block->stack_end);
	lay(finder, LAYER_CONTROL, HW_ROOT_TLS, index, block->tls, block->tls_end);
	lay(finder, LAYER_CONTROL, HW_ROOT_DESCRIPTOR, index, block->control, block->slots);
	lay(finder, LAYER_CONTROL, block->has_slots ? HW_ROOT_SPECIFIC : HW_ROOT_DESCRIPTOR, index,
		block->slots, block->slots_end);
	lay(finder, LAYER_CONTROL, HW_ROOT_DESCRIPTOR, index, block->slots_end, block->control_end);
}

/* The leader has no block of glibc's: its stack is the kernel's. */
static void lay_main_stack(struct finder *finder)
{
	const struct hw_map *map = main_stack(finder->snapshot);

	if (map)
		lay_stack(finder, 0, map->start, map->end);
}

static void lay_threads(struct finder *finder)
{
	const struct hw_snapshot *snapshot = finder->snapshot;
	struct hw_roots *roots = finder->roots;

	for (uint32_t i = 0; i < snapshot->thread_count; i++) {
		const struct hw_thread *thread = &snapshot->threads[i];

		if (hw_thread_block_read(snapshot, thread->thread_pointer, &roots->blocks[i]))
			lay_block(finder, i, &roots->blocks[i]);
		else if (thread->thread_pointer && finder->heap->libc_count)
			roots->missing |= 1u << HW_ROOT_TLS | 1u << HW_ROOT_STACK | 1u << HW_ROOT_SPECIFIC;
		if (!thread->has_registers && thread->state != 'Z' && thread->state != 'X')
			roots->missing |= 1u << HW_ROOT_REGISTER;
		lay_borrowed_stack(finder, i);
	}
	if (snapshot->thread_count && !roots->blocks[0].stack)
		lay_main_stack(finder);
	if (!snapshot->thread_count)
		roots->missing |= 1u << HW_ROOT_REGISTER;
}

static bool add_root(struct finder *finder, const struct hw_root *root)
{
	struct hw_roots *roots = finder->roots;
	struct hw_root *slot;

	if (root->end <= root->start || finder->ignore >> root->kind & 1)
		return true;
	slot = hw_array_next(roots->roots, roots->count, roots->capacity);
	if (!slot)
		return false;
	*slot = *root;
	roots->count++;
	return true;
}

static bool add_piece(const struct hw_layer_range *piece, void *argument)
{
	struct hw_root root = { .owner = piece->owner, .start = piece->start, .end = piece->end };

	if (piece->kind == NO_ROOT)
		return true;
	root.kind = (enum hw_root_kind)piece->kind;
	return add_root(argument, &root);
}

static bool add_registers(struct finder *finder)
{
	for (uint32_t i = 0; i < finder->snapshot->thread_count; i++) {
		const struct hw_thread *thread = &finder->snapshot->threads[i];
		struct hw_root root = {
			.kind = HW_ROOT_REGISTER,
			.owner = i,
			.end = thread->general.size + thread->vector.size,
		};

		if (!add_root(finder, &root))
			return false;
	}
	return true;
}

/* One root for each descriptor, and one for timers. */
static bool add_kernel(struct finder *finder)
{
	const struct hw_snapshot *snapshot = finder->snapshot;

	for (size_t i = 0, next; i < snapshot->kernel_word_count; i = next) {
		int descriptor = snapshot->kernel_words[i].descriptor;
		struct hw_root root = { .kind = HW_ROOT_KERNEL, .owner = (uint32_t)descriptor, .start = i };

		for (next = i; next < snapshot->kernel_word_count; next++) {
			if (snapshot->kernel_words[next].descriptor != descriptor)
				break;
		}
		root.end = next;
		if (!add_root(finder, &root))
			return false;
	}
	return true;
}

struct hw_error *hw_roots_find(const struct hw_heap *heap, unsigned ignore, struct hw_roots *roots)
{
	struct finder finder = { .heap = heap, .snapshot = heap->snapshot, .roots = roots, .ignore = ignore };

	*roots = (struct hw_roots){ 0 };
	roots->blocks = calloc(heap->snapshot->thread_count + 1, sizeof(*roots->blocks));
	if (!roots->blocks)
		return hw_error_no_memory();
	lay_maps(&finder);
	lay_modules(&finder);
	lay_malloc(&finder);
	lay_threads(&finder);
	if (finder.out_of_memory || !hw_layers_flatten(&finder.layers, add_piece, &finder) ||
		!add_registers(&finder) || !add_kernel(&finder)) {
		hw_layers_deinit(&finder.layers);
		hw_roots_deinit(roots);
		return hw_error_no_memory();
	}
	hw_layers_deinit(&finder.layers);
	return NULL;
}

void hw_roots_deinit(struct hw_roots *roots)
{
	free(roots->roots);
	free(roots->blocks);
	*roots = (struct hw_roots){ 0 };
}
