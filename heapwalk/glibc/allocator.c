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

bool hw_glibc_was_used(const struct hw_walk *walk, const struct hw_glibc *glibc)
{
	for (uint32_t i = 0; i < walk->heap->arena_count; i++) {
		if (walk->heap->arenas[i].libc == glibc->index && walk->heap->arenas[i].system_mem)
			return true;
	}
	return glibc->par && glibc->n_mmaps;
}

static bool was_used(const struct hw_walk *walk)
{
	for (uint32_t i = 0; i < walk->heap->libc_count; i++) {
		if (hw_glibc_was_used(walk, &walk->glibcs[i]))
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

/* What the sanitizers' allocators call where a program defines it: sanitizer/allocator_interface.h. */
static bool note_hook(const struct hw_dynamic_symbol *symbol, void *argument)
{
	bool *found = argument;

	*found = !strcmp(symbol->name, "__sanitizer_malloc_hook");
	return !*found;
}

/* A library, or the program itself where it was linked in. It looks up glibc's functions but uses its own. */
static bool is_sanitizer(const struct hw_walk *walk, const struct hw_module *module)
{
	bool found = false;

	hw_module_each_symbol(walk->snapshot, module, note_hook, &found);
	return found;
}

static enum hw_allocator replacement(const struct hw_walk *walk, const struct hw_module *module)
{
	for (size_t i = 0; i < hw_array_size(replacements); i++) {
		if (strstr(hw_file_name(module->path), replacements[i].part))
			return replacements[i].allocator;
	}
	if (is_sanitizer(walk, module))
		return HW_ALLOCATOR_SANITIZER;
	return is_wrapper(walk, module) ? HW_ALLOCATOR_WRAPPED : HW_ALLOCATOR_UNKNOWN;
}

/* musl is one file, loader and libc: "ld-musl-x86_64.so.1", or what that links to:
 * "x86_64-linux-musl/libc.so". */
static const struct hw_module *find_musl(const struct hw_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->module_count; i++) {
		const char *path = snapshot->modules[i].path;

		if (strstr(path, "musl") && (!strncmp(hw_file_name(path), "ld-musl-", 8) ||
						    !strcmp(hw_file_name(path), "libc.so")))
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

		if (module != libc && strncmp(hw_file_name(module->path), "ld-", 3) != 0 &&
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

/* "libc.so.6", "libc-2.31.so": what only glibc calls itself. */
static bool is_glibc_by_name(const struct hw_module *module)
{
	const char *name = hw_file_name(module->path);

	return !strcmp(name, "libc.so.6") || !strncmp(name, "libc-2.", 7);
}

/* Debuggers map a libc's file to read it: that one runs nothing and has no heap. */
static bool is_running(const struct hw_walk *walk, const struct hw_module *module)
{
	for (size_t i = 0; i < walk->snapshot->map_count; i++) {
		const struct hw_map *map = &walk->snapshot->maps[i];

		if (map->start >= module->start && map->start < module->end && map->prot & HW_MAP_EXEC)
			return true;
	}
	return false;
}

/* A glibc whose main_arena was looked for in vain. */
static bool is_unlocated_glibc(const struct hw_walk *walk, const struct hw_module *module)
{
	for (uint32_t i = 0; i < walk->heap->libc_count; i++) {
		if (walk->glibcs[i].module == module)
			return false;
	}
	return is_glibc_by_name(module) && is_running(walk, module);
}

static bool note_readable(uint64_t start, uint64_t end, void *argument)
{
	const struct hw_walk **walk = argument;
	uint8_t bytes[4096];

	while (start < end) {
		size_t need = hw_min(end - start, sizeof(bytes));

		if (hw_image_read_some((*walk)->image, start, bytes, need) < need) {
			*walk = NULL;
			return false;
		}
		start += need;
	}
	return true;
}

/* Is all of the module's initialised data in the image? What is not there may be main_arena. */
static bool has_data(const struct hw_walk *walk, const struct hw_module *module)
{
	const struct hw_walk *left = walk;

	hw_module_each_writable(walk, module, note_readable, &left);
	return left;
}

/* The glibc, or the program that may be one, in which no main_arena was found, if that proves nothing. */
static const struct hw_module *find_unseen(const struct hw_walk *walk)
{
	const struct hw_snapshot *snapshot = walk->snapshot;
	const struct hw_module *program = NULL;

	for (size_t i = 0; i < snapshot->module_count; i++) {
		const struct hw_module *module = &snapshot->modules[i];

		if (is_unlocated_glibc(walk, module))
			return module;
		if (module->is_executable && !has_data(walk, module))
			program = module;
	}
	return program;
}

static bool say_unseen(struct hw_walk *walk, const struct hw_module *module)
{
	return say(walk->heap, HW_ALLOCATOR_UNSEEN,
		has_data(walk, module) ? "no main_arena of a known layout is in "
				       : "not in the core: the data of ",
		*module->path ? module->path : "a file without a name");
}

/* Go's runtime asks for its first arena here (runtime/malloc.go, arenaHints on 64-bit machines). */
#define GO_HINT "0xc000000000"

/* A mapping that begins there: a sanitizer's shadow memory only spans it. */
static bool is_go(const struct hw_walk *walk)
{
	uint64_t hint = strtoull(GO_HINT, NULL, 16);
	const struct hw_map *map = hw_snapshot_map_at(walk->snapshot, hint);

	return walk->image->word_size == 8 && map && map->start == hint;
}

/* Beside glibc's malloc, a heap of objects that malloc knows nothing of. */
static bool note_runtime(struct hw_walk *walk)
{
	const struct hw_snapshot *snapshot = walk->snapshot;
	char **runtime = &walk->heap->runtime;
	int length = 0;

	for (size_t i = 0; i < snapshot->module_count && !*runtime; i++) {
		if (!strcmp(hw_file_name(snapshot->modules[i].path), "libjvm.so"))
			length = asprintf(runtime, "Java (%s)", snapshot->modules[i].path);
	}
	if (!*runtime && is_go(walk))
		length = asprintf(runtime, "Go (a mapping at its arena hint %s)", GO_HINT);
	if (length < 0)
		*runtime = NULL;
	return length >= 0;
}

/* Without it, as in a core that was cut off early, nothing can be said of its libraries either. */
static bool knows_program(const struct hw_snapshot *snapshot)
{
	if (snapshot->source != HW_SOURCE_CORE)
		return snapshot->module_count;
	for (size_t i = 0; i < snapshot->module_count; i++) {
		if (snapshot->modules[i].is_executable)
			return true;
	}
	return false;
}

/* No glibc in sight: what else is there? */
static bool recognise_foreign(struct hw_walk *walk)
{
	const struct hw_snapshot *snapshot = walk->snapshot;
	const struct hw_module *musl = find_musl(snapshot);
	const struct hw_module *unseen = musl ? NULL : find_unseen(walk);

	if (musl)
		return say(walk->heap, HW_ALLOCATOR_MUSL, "libc is ", musl->path);
	if (unseen)
		return say_unseen(walk, unseen);
	if (!knows_program(snapshot))
		return say(
			walk->heap, HW_ALLOCATOR_UNSEEN, "the program and its libraries are not known", "");
	if (is_go(walk))
		return say(
			walk->heap, HW_ALLOCATOR_GO, "no glibc, and a mapping at Go's arena hint ", GO_HINT);
	return say(walk->heap, HW_ALLOCATOR_UNKNOWN, "no module has a glibc's main_arena", "");
}

/* A second libc's heap that cannot be found must not go unnoticed beside the first one's. */
static void note_unlocated(struct hw_walk *walk)
{
	for (size_t i = 0; i < walk->snapshot->module_count; i++) {
		const struct hw_module *module = &walk->snapshot->modules[i];

		if (is_unlocated_glibc(walk, module))
			hw_walk_note(walk, HW_ANOMALY_UNREADABLE, UINT32_MAX, module->start, 0, 0,
				"no main_arena was found in %s: a heap of its own is missing", module->path);
	}
}

struct hw_error *hw_allocator_recognise(struct hw_walk *walk)
{
	struct hw_heap *heap = walk->heap;
	const struct hw_module *owner, *libc;
	bool said;

	if (!heap->libc_count)
		return recognise_foreign(walk) ? NULL : hw_error_no_memory();
	note_unlocated(walk);
	if (!note_runtime(walk))
		return hw_error_no_memory();
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
