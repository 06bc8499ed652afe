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
	/* The sanitizers' allocators look up glibc's functions too, and do not use them. */
	{ "libasan", HW_ALLOCATOR_UNKNOWN },
	{ "liblsan", HW_ALLOCATOR_UNKNOWN },
	{ "libtsan", HW_ALLOCATOR_UNKNOWN },
	{ "libhwasan", HW_ALLOCATOR_UNKNOWN },
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

/* What a module needs to hand a call on: glibc's malloc by its own name, or by asking for the next one. */
static bool note_way_on(const struct hw_dynamic_symbol *symbol, void *argument)
{
	bool *found = argument;

	*found = !symbol->defined &&
		 (!strcmp(symbol->name, "__libc_malloc") || !strcmp(symbol->name, "dlsym"));
	return !*found;
}

/* A tracer or checker that calls glibc's malloc in its turn: a library, and glibc's heap is in use. */
static bool is_wrapper(const struct hw_walk *walk, const struct hw_module *module)
{
	bool found = false;

	if (strcmp(module->path, walk->snapshot->process.executable) != 0 && was_used(walk))
		hw_module_each_symbol(walk->snapshot, module, note_way_on, &found);
	return found;
}

static enum hw_allocator replacement(const struct hw_walk *walk, const struct hw_module *module)
{
	for (size_t i = 0; i < hw_array_size(replacements); i++) {
		if (strstr(base_name(module->path), replacements[i].part))
			return replacements[i].allocator;
	}
	return is_wrapper(walk, module) ? HW_ALLOCATOR_WRAPPED : HW_ALLOCATOR_UNKNOWN;
}

/* musl is one file, loader and libc: "ld-musl-x86_64.so.1", or what that links to:
 * "x86_64-linux-musl/libc.so". */
static const struct hw_module *find_musl(const struct hw_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->module_count; i++) {
		const char *path = snapshot->modules[i].path;

		if (strstr(path, "musl") &&
			(!strncmp(base_name(path), "ld-musl-", 8) || !strcmp(base_name(path), "libc.so")))
			return &snapshot->modules[i];
	}
	return NULL;
}

static bool defines_malloc(const struct hw_snapshot *snapshot, const struct hw_module *module)
{
	uint64_t address;
	struct hw_error *error = hw_module_symbol(snapshot, module, "malloc", &address);

	hw_error_destroy(error);
	return !error;
}

/*
 * In a program that is not position-independent and takes malloc's address, every GOT slot holds the address
 * of the program's own PLT entry, and the program's symbol is undefined (x86-64 psABI, "Function Addresses").
 * Then the one who defines malloc beside libc, if there is one, serves it; the dynamic linker's is not for
 * others.
 */
static const struct hw_module *find_definer(const struct hw_walk *walk, const struct hw_module *libc)
{
	const struct hw_snapshot *snapshot = walk->snapshot;

	for (size_t i = 0; i < snapshot->module_count; i++) {
		const struct hw_module *module = &snapshot->modules[i];

		if (module != libc && strncmp(base_name(module->path), "ld-", 3) != 0 &&
			strcmp(module->path, libc->path) != 0 && defines_malloc(snapshot, module))
			return module;
	}
	return NULL;
}

/* The module that serves malloc() where it is not `libc`, else NULL. */
static const struct hw_module *find_owner(const struct hw_walk *walk, const struct hw_module *libc)
{
	const struct hw_module *owner;
	struct slot slot = { .walk = walk };

	for (uint32_t i = 0; i < walk->heap->libc_count && !slot.target; i++)
		hw_module_each_relocation(walk->snapshot, walk->glibcs[i].module, note_malloc, &slot);
	owner = slot.target ? hw_snapshot_module_at(walk->snapshot, slot.target) : NULL;
	if (!owner || owner == libc || !strcmp(owner->path, libc->path))
		return NULL;
	return defines_malloc(walk->snapshot, owner) ? owner : find_definer(walk, libc);
}

/* No glibc in sight: what else is there? */
static bool recognise_foreign(const struct hw_walk *walk)
{
	const struct hw_snapshot *snapshot = walk->snapshot;
	const struct hw_module *musl = find_musl(snapshot);

	if (musl)
		return say(walk->heap, HW_ALLOCATOR_MUSL, "libc is ", musl->path);
	/* Go's runtime asks for its first arena here (runtime/malloc.go, arenaHints on 64-bit machines). */
	if (walk->image->word_size == 8 && hw_snapshot_map_at(snapshot, UINT64_C(0xc000000000)))
		return say(walk->heap, HW_ALLOCATOR_GO, "no glibc, and a mapping at Go's arena hint ",
			"0xc000000000");
	return say(walk->heap, HW_ALLOCATOR_UNKNOWN, "no module has a glibc's main_arena", "");
}

struct hw_error *hw_allocator_recognise(struct hw_walk *walk)
{
	struct hw_heap *heap = walk->heap;
	const struct hw_module *owner, *libc;
	bool said;

	if (!heap->libc_count)
		return recognise_foreign(walk) ? NULL : hw_error_no_memory();
	libc = walk->glibcs[0].module;
	owner = find_owner(walk, libc);
	if (owner)
		said = say(heap, replacement(walk, owner), "malloc resolves to ", owner->path);
	else if (!was_used(walk))
		said = say(heap, HW_ALLOCATOR_UNUSED, "nothing was ever allocated in ", libc->path);
	else
		said = say(heap, HW_ALLOCATOR_GLIBC, "malloc is that of ", libc->path);
	return said ? NULL : hw_error_no_memory();
}
