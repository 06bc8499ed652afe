/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Python objects among chunks and in pymalloc's blocks. */
#include "heapwalk/types/cpython.h"

#include "heapwalk/types/pools.h"
#include "heapwalk/types/pools_pymalloc.h"

/* Chunks and pools that a layout is proven on, spread over all of them. */
#define PROOF_CHUNKS 5000
#define PROOF_POOLS  100

/* Blocks that are looked into when only the cheap evidence is wanted. */
#define CHEAP_BLOCKS (1u << 21)

/* ------------------------------------------------------------------------------------- going through memory
 */

/* Something to do with each block. */
typedef void each_block(struct hw_cpython *cpython, const struct hw_cpython_block *block, uint32_t index,
	bool in_pool, void *argument);

static void each_chunk(struct hw_cpython *cpython, uint32_t step, each_block *each, void *argument)
{
	const struct hw_heap *heap = cpython->heap;
	struct hw_window window;

	hw_window_init(&window, cpython->image, 0);
	for (uint64_t i = 0; i < heap->chunks.count && !cpython->error; i += step) {
		struct hw_cpython_block block = { .address = hw_chunk_user(heap, (uint32_t)i) };

		if (!hw_chunk_is_live(heap, (uint32_t)i))
			continue;
		block.usable = hw_chunk_usable(heap, (uint32_t)i);
		block.available = (size_t)hw_min(block.usable, HW_CPYTHON_GLANCE);
		block.bytes = hw_window_view(&window, block.address, block.available, NULL);
		block.is_loose = hw_chunk_state(heap, (uint32_t)i) == HW_CHUNK_MMAPPED;
		if (block.bytes)
			each(cpython, &block, (uint32_t)i, false, argument);
	}
	hw_window_deinit(&window);
}

static void each_in_pool(struct hw_cpython *cpython, const struct hw_pymalloc_pool *pool,
	const uint8_t *bytes, each_block *each, void *argument)
{
	const struct hw_pymalloc_arenas *arenas = cpython->arenas;

	for (uint32_t i = 0; i < pool->count; i++) {
		uint64_t offset = arenas->head + (uint64_t)i * pool->size;
		struct hw_cpython_block block = {
			.address = pool->address + offset,
			.usable = pool->size,
			.bytes = bytes + offset,
			.available = hw_min((size_t)pool->size, HW_CPYTHON_GLANCE),
		};

		if (arenas->blocks[pool->first + i] != HW_PYMALLOC_FREE)
			each(cpython, &block, pool->first + i, true, argument);
	}
}

/* The used blocks of each so many'th pool; tells the free ones apart on the way. */
static void each_pool_block(struct hw_cpython *cpython, size_t step, each_block *each, void *argument)
{
	struct hw_pymalloc_arenas *arenas = cpython->arenas;
	struct hw_window window;

	hw_window_init_ahead(&window, cpython->image);
	for (size_t i = 0; i < arenas->pool_count && !cpython->error; i += step) {
		const struct hw_pymalloc_pool *pool = &arenas->pools[i];
		size_t size = (size_t)1 << arenas->geometry.pool_shift;
		const uint8_t *bytes = hw_window_view(&window, pool->address, size, NULL);

		if (!bytes)
			continue;
		hw_pymalloc_mark_free(arenas, pool, bytes);
		each_in_pool(cpython, pool, bytes, each, argument);
	}
	hw_window_deinit(&window);
}

/* --------------------------------------------------------------------------------------- choosing the layout
 */

struct proof {
	uint64_t objects; /* found, */
	uint64_t dicts;   /* of them dicts, */
	uint64_t keys;    /* and of these the ones whose keys look right */
};

static void prove_block(struct hw_cpython *cpython, const struct hw_cpython_block *block,
	uint32_t index hw_unused, bool in_pool hw_unused, void *argument)
{
	struct hw_cpython_object object;
	struct proof *proof = argument;

	if (!hw_cpython_object_in(cpython, block, &object))
		return;
	proof->objects++;
	if (object.type->body == HW_CPYTHON_DICT) {
		proof->dicts++;
		proof->keys += hw_cpython_has_keys(cpython, block->address + object.start);
	}
}

static void forget_types(struct hw_cpython *cpython)
{
	free(cpython->types);
	cpython->types = NULL;
	cpython->type_count = cpython->type_capacity = 0;
}

static uint64_t prove(struct hw_cpython *cpython, const struct hw_cpython_layout *layout, uint64_t type_size)
{
	struct proof proof = { 0 };

	cpython->layout = layout;
	forget_types(cpython);
	each_chunk(cpython, cpython->heap->chunks.count / PROOF_CHUNKS + 1, prove_block, &proof);
	each_pool_block(cpython, cpython->arenas->pool_count / PROOF_POOLS + 1, prove_block, &proof);
	if (!proof.objects || proof.keys < proof.dicts - proof.dicts / 4)
		return 0;
	/* Rows that explain the objects equally well are told apart by the size of a type object. */
	return 2 * proof.objects + (type_size == layout->type_size || type_size == layout->type_size_2);
}

/* The row that explains most of the objects; NULL: none explains any. */
static const struct hw_cpython_layout *choose(struct hw_cpython *cpython)
{
	const struct hw_cpython_layout *best = NULL;
	uint64_t most = 0, type_size = 0;
	struct hw_error *error = hw_image_read_word(
		cpython->image, cpython->type_type + 4 * cpython->word_size, &type_size); /* tp_basicsize */

	hw_error_destroy(error);
	for (size_t i = 0; i < hw_cpython_layout_count && !cpython->error; i++) {
		uint64_t score = prove(cpython, &hw_cpython_layouts[i], type_size);

		if (score > most) {
			most = score;
			best = &hw_cpython_layouts[i];
		}
	}
	return best;
}

/* ---------------------------------------------------------------------------------------------------- naming
 */

static void name_object(struct hw_cpython *cpython, const struct hw_cpython_block *block, uint32_t index,
	bool in_pool, void *argument hw_unused)
{
	struct hw_cpython_object object;
	struct hw_chunk_type answer = { .from = UINT32_MAX,
		.level = HW_LEVEL_CERTAIN,
		.evidence = HW_EVIDENCE_TAG,
		.fit = HW_FIT_EXACT };

	if (!hw_cpython_object_in(cpython, block, &object))
		return;
	answer.type = object.type->number;
	if (object.type->item_size)
		answer.fit = HW_FIT_TAIL;
	if (in_pool)
		cpython->arenas->blocks[index] = answer.type;
	else
		hw_typer_offer(cpython->typer, index, &answer);
	hw_cpython_bodies(cpython, block, &object);
}

static struct hw_error *look(struct hw_typer *typer, void *state, const struct hw_look_chunk *chunk)
{
	struct hw_cpython *cpython = state;
	struct hw_cpython_block block = {
		.address = hw_chunk_user(typer->heap, chunk->index),
		.usable = chunk->usable,
		.bytes = chunk->bytes,
		.available = chunk->size,
		.is_loose = hw_chunk_state(typer->heap, chunk->index) == HW_CHUNK_MMAPPED,
	};

	if (!cpython || !cpython->layout)
		return NULL;
	name_object(cpython, &block, chunk->index, false, NULL);
	return hw_take(&cpython->error);
}

/* ------------------------------------------------------------------------------------------------- counting
 */

/* The row that a block counts in. */
static struct hw_pool_row *row_of(const struct hw_cpython *cpython, struct hw_pool_tally *tally,
	const struct hw_pymalloc_pool *pool, uint32_t what)
{
	bool is_free = what == HW_PYMALLOC_FREE;

	return hw_pool_tally_row(
		tally, &(struct hw_pool_row){
			       .kind = HW_POOL_PYMALLOC,
			       .type = is_free ? 0 : what & ~HW_PYMALLOC_STRONG,
			       .record_size = pool->size,
			       .block_size = UINT64_C(1) << cpython->arenas->geometry.pool_shift,
			       .level = !what                                   ? HW_LEVEL_UNKNOWN
					: !is_free && what & HW_PYMALLOC_STRONG ? HW_LEVEL_STRONG
										: HW_LEVEL_CERTAIN,
		       });
}

/* Pools come in order of address: one whose example lies before the pool has not counted it yet. */
static bool tally_block(struct hw_cpython *cpython, struct hw_pool_tally *tally,
	const struct hw_pymalloc_pool *pool, uint32_t index)
{
	uint32_t what = cpython->arenas->blocks[pool->first + index];
	struct hw_pool_row *row = row_of(cpython, tally, pool, what);

	if (!row)
		return false;
	row->used += what != HW_PYMALLOC_FREE;
	row->free += what == HW_PYMALLOC_FREE;
	if (row->example < pool->address) {
		row->example = pool->address + cpython->arenas->head + (uint64_t)index * pool->size;
		row->blocks++;
	}
	return true;
}

/* What was never given out is free as well. */
static bool tally_rest(
	struct hw_cpython *cpython, struct hw_pool_tally *tally, const struct hw_pymalloc_pool *pool)
{
	struct hw_pool_row *row;

	if (pool->room == pool->count)
		return true;
	row = row_of(cpython, tally, pool, HW_PYMALLOC_FREE);
	if (!row)
		return false;
	row->free += (uint64_t)pool->room - pool->count;
	if (row->example < pool->address) {
		row->example = pool->address + cpython->arenas->head + (uint64_t)pool->count * pool->size;
		row->blocks++;
	}
	return true;
}

static struct hw_error *tally_pools(struct hw_cpython *cpython)
{
	struct hw_pool_tally tally = { 0 };
	bool fine = true;

	for (size_t i = 0; i < cpython->arenas->pool_count && fine; i++) {
		const struct hw_pymalloc_pool *pool = &cpython->arenas->pools[i];

		for (uint32_t j = 0; j < pool->count && fine; j++)
			fine = tally_block(cpython, &tally, pool, j);
		fine = fine && tally_rest(cpython, &tally, pool);
	}
	if (fine)
		return hw_pool_tally_finish(&tally, cpython->typer->typing);
	hw_pool_tally_deinit(&tally);
	return hw_error_no_memory();
}

/* ---------------------------------------------------------------------------------------------- begin and
 * end
 */

static void destroy(void *state)
{
	struct hw_cpython *cpython = state;

	if (!cpython)
		return;
	hw_error_destroy(cpython->error);
	if (cpython->typer->arenas != cpython->arenas)
		hw_pymalloc_destroy(cpython->arenas);
	free(cpython->types);
	free(cpython);
}

static struct hw_error *prepare(struct hw_cpython *cpython)
{
	struct hw_error *error = hw_pymalloc_find(cpython->heap, &cpython->arenas);

	if (error)
		return error;
	cpython->layout = choose(cpython);
	forget_types(cpython);
	return hw_take(&cpython->error);
}

/* No state: there is no CPython. */
static struct hw_error *begin(struct hw_typer *typer, void **state)
{
	uint64_t type_type = hw_cpython_find(typer->heap);
	struct hw_cpython *made = type_type ? calloc(1, sizeof(*made)) : NULL;
	struct hw_error *error;

	if (!type_type)
		return NULL;
	if (!made)
		return hw_error_no_memory();
	made->typer = typer;
	made->heap = typer->heap;
	made->image = typer->heap->snapshot->image;
	made->word_size = typer->heap->word_size;
	made->type_type = type_type;
	made->addresses = typer->addresses;
	error = prepare(made);
	if (error) {
		destroy(made);
		return error;
	}
	*state = made;
	return NULL;
}

static struct hw_error *finish(struct hw_typer *typer, void *state)
{
	struct hw_cpython *cpython = state;
	bool cheap = typer->options->without & 1u << HW_EVIDENCE_RECORDS;

	if (!cpython)
		return NULL;
	typer->typing->pymalloc = cpython->arenas->count;
	if (cheap && cpython->arenas->block_count > CHEAP_BLOCKS)
		return NULL;
	if (cpython->layout)
		each_pool_block(cpython, 1, name_object, NULL);
	if (cpython->error)
		return hw_take(&cpython->error);
	typer->arenas = cpython->arenas;
	return tally_pools(cpython);
}

const struct hw_look hw_look_cpython = { begin, look, finish, destroy };
