/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Thread-local storage, by module. */
#include <elf.h>

#include "heapwalk/graph/graph.h"
#include "heapwalk/graph/thread_locals.h"

/* A DTV with more modules than this is none. */
#define MODULE_LIMIT 65536

/* The executable is the first to get a TLS module id, in every release (elf/dl-tls.c). */
#define EXECUTABLE_ID 1

/* Relocations against itself that a module is asked for its id by; they all say the same. */
#define TRIES 64

struct finder {
	const struct hw_snapshot *snapshot;
	const struct hw_module *module; /* whose id is looked for */
	uint64_t thread_pointer;        /* of a thread that has a DTV */
	uint64_t dtv;
	uint64_t ids; /* its greatest */
	uint64_t id;  /* found; 0: not yet */
	unsigned tries;
};

static bool read_word(const struct hw_snapshot *snapshot, uint64_t address, uint64_t *word)
{
	unsigned size = snapshot->image->word_size;
	uint8_t bytes[8];

	if (hw_image_read_some(snapshot->image, address, bytes, size) != size)
		return false;
	*word = hw_image_word(snapshot->image, bytes);
	return true;
}

/* dtv[-1] holds how many ids there is room for; dtv[id] is the block's address and what to free. */
static bool read_dtv(struct finder *finder, const struct hw_thread_block *block)
{
	unsigned word = finder->snapshot->image->word_size;

	return block->thread_pointer && read_word(finder->snapshot, block->dtv, &finder->dtv) &&
	       read_word(finder->snapshot, finder->dtv - 2 * word, &finder->ids) &&
	       finder->ids < MODULE_LIMIT;
}

/* Blocks that a thread has not used yet are marked by an odd address (TLS_DTV_UNALLOCATED). */
static bool read_block(const struct finder *finder, uint64_t id, uint64_t *start)
{
	unsigned word = finder->snapshot->image->word_size;

	return read_word(finder->snapshot, finder->dtv + id * 2 * word, start) && *start && !(*start & 1);
}

/* Relocations against the module itself: the word is its own id, or one of its variables' offset. */
struct own_relocation {
	uint16_t machine;
	uint32_t module_id;
	uint32_t offset;
};

static const struct own_relocation relocations[] = {
	{ EM_X86_64, R_X86_64_DTPMOD64, R_X86_64_TPOFF64 },
	{ EM_386, R_386_TLS_DTPMOD32, R_386_TLS_TPOFF },
	{ EM_AARCH64, R_AARCH64_TLS_DTPMOD, R_AARCH64_TLS_TPREL },
};

static const struct own_relocation *relocations_of(unsigned machine)
{
	for (size_t i = 0; i < hw_array_size(relocations); i++) {
		if (relocations[i].machine == machine)
			return &relocations[i];
	}
	return NULL;
}

/* The id of the block that lies `offset` from the thread pointer. */
static uint64_t id_at(const struct finder *finder, uint64_t offset)
{
	uint64_t address, start;

	if (finder->snapshot->image->word_size == 4)
		offset = (uint64_t)(int64_t)(int32_t)offset;
	address = finder->thread_pointer + offset;
	for (uint64_t id = EXECUTABLE_ID; id <= finder->ids; id++) {
		if (read_block(finder, id, &start) && address - start < finder->module->tls_image_size)
			return id;
	}
	return 0;
}

/* A relocation that names a symbol may be about another module's variable. */
static bool note_relocation(const struct hw_relocation *relocation, void *argument)
{
	struct finder *finder = argument;
	const struct own_relocation *own = relocations_of(finder->snapshot->machine);
	uint64_t word;

	if (*relocation->name || (relocation->type != own->module_id && relocation->type != own->offset) ||
		!read_word(finder->snapshot, relocation->slot, &word))
		return true;
	finder->id = relocation->type == own->module_id ? word : id_at(finder, word);
	return !finder->id && ++finder->tries < TRIES;
}

static uint64_t find_id(struct finder *finder, const struct hw_module *module)
{
	if (module->is_executable)
		return EXECUTABLE_ID;
	finder->module = module;
	finder->id = finder->tries = 0;
	if (relocations_of(finder->snapshot->machine))
		hw_module_each_relocation(finder->snapshot, module, note_relocation, finder);
	return finder->id;
}

/* The block of one module in every thread. */
static bool add_blocks(struct finder *finder, const struct hw_graph *graph, uint32_t module, uint64_t id,
	struct hw_thread_locals *locals)
{
	uint64_t size = finder->snapshot->modules[module].tls_image_size, start;

	for (size_t i = 0; i < finder->snapshot->thread_count; i++) {
		struct hw_tls_block *block;

		if (!read_dtv(finder, &graph->parts->roots.blocks[i]) || id > finder->ids ||
			!read_block(finder, id, &start))
			continue;
		block = hw_array_next(locals->blocks, locals->count, locals->capacity);
		if (!block)
			return false;
		*block = (struct hw_tls_block){ .start = start, .end = start + size, .module = module };
		locals->count++;
	}
	return true;
}

/* Any thread will do to look ids up: static blocks lie alike in all. */
static bool choose_thread(struct finder *finder, const struct hw_graph *graph)
{
	for (size_t i = 0; i < finder->snapshot->thread_count; i++) {
		const struct hw_thread_block *block = &graph->parts->roots.blocks[i];

		finder->thread_pointer = block->thread_pointer;
		if (read_dtv(finder, block))
			return true;
	}
	return false;
}

static int compare(const void *left, const void *right)
{
	const struct hw_tls_block *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

struct hw_error *hw_thread_locals_find(const struct hw_graph *graph, struct hw_thread_locals *locals)
{
	const struct hw_snapshot *snapshot = graph->heap->snapshot;
	struct finder finder = { .snapshot = snapshot };

	*locals = (struct hw_thread_locals){ 0 };
	for (uint32_t i = 0; i < snapshot->module_count; i++) {
		uint64_t id;

		if (!snapshot->modules[i].tls_image_size || !choose_thread(&finder, graph))
			continue;
		id = find_id(&finder, &snapshot->modules[i]);
		if (id && !add_blocks(&finder, graph, i, id, locals)) {
			hw_thread_locals_deinit(locals);
			return hw_error_no_memory();
		}
	}
	if (locals->count)
		qsort(locals->blocks, locals->count, sizeof(*locals->blocks), compare);
	return NULL;
}

void hw_thread_locals_deinit(struct hw_thread_locals *locals)
{
	free(locals->blocks);
	*locals = (struct hw_thread_locals){ 0 };
}

const struct hw_tls_block *hw_thread_locals_at(const struct hw_thread_locals *locals, uint64_t address)
{
	size_t low = 0, high = locals->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (locals->blocks[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < locals->blocks[low - 1].end ? &locals->blocks[low - 1] : NULL;
}
