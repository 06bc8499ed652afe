/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who serves malloc() in this process? libc calls malloc through its own GOT, so that a replacement is used
 * inside libc too; after relocation the slot holds the definition that won.
 */
#include "heapwalk/glibc/walk.h"

/* What a module's file name tells. */
struct known {
	const char *part;
	enum hw_allocator allocator;
};

static const struct known replacements[] = {
	{ "jemalloc", HW_ALLOCATOR_JEMALLOC },
	{ "tcmalloc", HW_ALLOCATOR_TCMALLOC },
	{ "mimalloc", HW_ALLOCATOR_MIMALLOC },
	/* glibc's own malloc with checks: arenas as everywhere, in this module. */
	{ "libc_malloc_debug", HW_ALLOCATOR_GLIBC },
};

/* The GOT slot of one symbol. */
struct slot {
	const struct hw_walk *walk;
	uint64_t target; /* 0: no relocation, or not resolved */
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool note_malloc(const struct hw_relocation *relocation, void *argument)
{
	struct slot *slot = argument;

	if (strcmp(relocation->name, "malloc"))
		return true;
	return !hw_walk_word(slot->walk, relocation->slot, &slot->target);
}

static bool say(struct hw_heap *heap, enum hw_allocator allocator, const char *what, const char *path)
{
	heap->allocator = allocator;
	if (asprintf(&heap->allocator_evidence, "%s%s", what, path) >= 0)
		return true;
	heap->allocator_evidence = NULL;
	return false;
}

static bool was_used(const struct hw_walk *walk)
{
	for (uint32_t i = 0; i < walk->heap->arena_count; i++) {
		if (walk->heap->arenas[i].system_mem)
			return true;
	}
	for (uint32_t i = 0; i < walk->heap->libc_count; i++) {
		if (walk->glibcs[i].n_mmaps)
			return true;
	}
	return false;
}

static enum hw_allocator replacement(const char *path)
{
	for (size_t i = 0; i < hw_array_size(replacements); i++) {
		if (strstr(base_name(path), replacements[i].part))
			return replacements[i].allocator;
	}
	return HW_ALLOCATOR_UNKNOWN;
}

static const struct hw_module *find_module(const struct hw_snapshot *snapshot, const char *part)
{
	for (size_t i = 0; i < snapshot->module_count; i++) {
		if (strstr(base_name(snapshot->modules[i].path), part))
			return &snapshot->modules[i];
	}
	return NULL;
}

/* No glibc in sight: what else is there? */
static bool recognise_foreign(const struct hw_walk *walk)
{
	const struct hw_snapshot *snapshot = walk->snapshot;
	const struct hw_module *musl = find_module(snapshot, "ld-musl-");

	if (musl)
		return say(walk->heap, HW_ALLOCATOR_MUSL, "the dynamic loader is ", musl->path);
	/* Go's runtime asks for its first arena here (runtime/malloc.go, arenaHints on 64-bit machines). */
	if (walk->image->word_size == 8 && hw_snapshot_map_at(snapshot, UINT64_C(0xc000000000)))
		return say(walk->heap, HW_ALLOCATOR_GO, "no glibc, and a mapping at Go's arena hint ",
			"0xc000000000");
	return say(walk->heap, HW_ALLOCATOR_UNKNOWN, "no module has a glibc's main_arena", "");
}

struct hw_error *hw_allocator_recognise(struct hw_walk *walk)
{
	struct hw_heap *heap = walk->heap;
	const struct hw_module *owner = NULL, *libc;
	struct slot slot = { .walk = walk };
	bool said;

	if (!heap->libc_count)
		return recognise_foreign(walk) ? NULL : hw_error_no_memory();
	libc = walk->glibcs[0].module;
	for (uint32_t i = 0; i < heap->libc_count && !slot.target; i++)
		hw_module_each_relocation(walk->snapshot, walk->glibcs[i].module, note_malloc, &slot);
	if (slot.target)
		owner = hw_snapshot_module_at(walk->snapshot, slot.target);
	if (owner && owner != libc && strcmp(owner->path, libc->path))
		said = say(heap, replacement(owner->path), "malloc resolves to ", owner->path);
	else if (!was_used(walk))
		said = say(heap, HW_ALLOCATOR_UNUSED, "nothing was ever allocated in ", libc->path);
	else
		said = say(heap, HW_ALLOCATOR_GLIBC, owner ? "malloc resolves to " : "main_arena in ",
			libc->path);
	return said ? NULL : hw_error_no_memory();
}
