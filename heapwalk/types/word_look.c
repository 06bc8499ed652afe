/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words, decoded and resolved. Looking up the chunk that a pointer leads to misses the caches twice, so
 * chunks are taken in batches: their words are decoded as they come, then all pointers are looked up with the
 * memory for later ones already asked for, then whoever takes part sees the batch.
 */
#include "heapwalk/types/word_look.h"
#include "heapwalk/chunk_table.h"

#define BATCH 64 /* chunks: what is kept of them fits the first-level cache */
#define AHEAD 16 /* pointers between two steps: about a memory access */

static const struct hw_word_look *const parts[] = {
	&hw_word_look_shapes,
};

#define PARTS hw_array_size(parts)

/* A word that lies between the first chunk and the last. */
struct candidate {
	uint16_t chunk; /* in the batch */
	uint16_t word;
};

struct pass {
	const struct hw_heap *heap;
	struct hw_places *places;
	uint64_t low; /* every chunk lies in [low, low + span) */
	uint64_t span;
	void *states[PARTS];
	bool begun[PARTS];
	unsigned count;
	unsigned candidate_count;
	struct hw_word_chunk chunks[BATCH];
	uint64_t words[BATCH][HW_WORD_LOOK_WORDS];
	uint8_t kinds[BATCH][HW_WORD_LOOK_WORDS];
	uint32_t targets[BATCH][HW_WORD_LOOK_WORDS];
	struct candidate candidates[BATCH * HW_WORD_LOOK_WORDS];
};

/* Found two words lower, as in graph/scan.c: a pointer right behind a chunk is that chunk's end pointer. */
static uint64_t looked_up(const struct pass *pass, const struct candidate *candidate)
{
	return pass->words[candidate->chunk][candidate->word] - 2 * pass->heap->word_size;
}

static void locate(struct pass *pass, const struct candidate *candidate)
{
	uint8_t *kind = &pass->kinds[candidate->chunk][candidate->word];
	uint32_t *target = &pass->targets[candidate->chunk][candidate->word];
	bool exact;

	if (!hw_heap_locate(pass->heap, looked_up(pass, candidate), target, &exact)) {
		*kind = (uint8_t)hw_places_kind(pass->places, pass->words[candidate->chunk][candidate->word]);
		return;
	}
	__builtin_prefetch(&pass->heap->chunks.words[*target]);
	*kind = exact ? HW_KIND_START : HW_KIND_INSIDE;
}

/* What kind of chunk it is that a word leads to. */
static void resolve(struct pass *pass, const struct candidate *candidate)
{
	uint8_t *kind = &pass->kinds[candidate->chunk][candidate->word];
	uint32_t target = pass->targets[candidate->chunk][candidate->word];
	enum hw_content content;

	if (!hw_kind_is_heap((enum hw_kind) * kind))
		return;
	content = hw_chunk_content(pass->heap, target);
	if (target == pass->chunks[candidate->chunk].index)
		*kind = HW_KIND_SELF;
	else if (!hw_chunk_is_live(pass->heap, target))
		*kind = HW_KIND_FREED;
	else if (content == HW_CONTENT_STRING || content == HW_CONTENT_WIDE)
		*kind = HW_KIND_TEXT;
}

static void flush(struct pass *pass)
{
	const struct candidate *candidates = pass->candidates;
	unsigned count = pass->candidate_count;

	for (unsigned i = 0; i < count + 2 * AHEAD; i++) {
		if (i < count)
			hw_heap_prefetch(pass->heap, looked_up(pass, &candidates[i]));
		if (i >= AHEAD && i - AHEAD < count)
			locate(pass, &candidates[i - AHEAD]);
		if (i >= 2 * AHEAD)
			resolve(pass, &candidates[i - 2 * AHEAD]);
	}
	for (size_t i = 0; i < PARTS; i++) {
		if (pass->begun[i])
			parts[i]->look(pass->states[i], pass->chunks, pass->count);
	}
	pass->count = pass->candidate_count = 0;
}

static inline __attribute__((always_inline)) void decode_words(
	struct pass *pass, unsigned count, const uint8_t *bytes, const struct hw_image *image)
{
	uint64_t *words = pass->words[pass->count];
	uint8_t *kinds = pass->kinds[pass->count];

	for (unsigned i = 0; i < count; i++) {
		words[i] = hw_image_word(image, bytes + i * image->word_size);
		if (words[i] - pass->low < pass->span)
			pass->candidates[pass->candidate_count++] =
				(struct candidate){ (uint16_t)pass->count, (uint16_t)i };
		else
			kinds[i] = words[i] ? (uint8_t)hw_places_kind(pass->places, words[i]) : HW_KIND_ZERO;
	}
}

/* Inlined for the common machine, so that the word size is a constant there. */
static void decode(struct pass *pass, unsigned count, const uint8_t *bytes)
{
	static const struct hw_image common = { .word_size = 8 };
	const struct hw_image *image = pass->heap->snapshot->image;

	if (image->word_size == 8 && !image->big_endian)
		decode_words(pass, count, bytes, &common);
	else
		decode_words(pass, count, bytes, image);
}

/* Text has no pointers: what looks like one is chance or left over. */
static void decode_text(struct pass *pass, unsigned count, const uint8_t *bytes)
{
	const struct hw_image *image = pass->heap->snapshot->image;

	for (unsigned i = 0; i < count; i++)
		pass->words[pass->count][i] = hw_image_word(image, bytes + i * image->word_size);
	memset(pass->kinds[pass->count], HW_KIND_LETTERS, count);
}

static struct hw_error *words_look(
	struct hw_typer *typer hw_unused, void *state, const struct hw_look_chunk *seen)
{
	struct pass *pass = state;
	struct hw_word_chunk *chunk = &pass->chunks[pass->count];

	chunk->index = seen->index;
	chunk->user = hw_chunk_user(pass->heap, seen->index);
	chunk->usable = seen->usable;
	chunk->content = hw_chunk_content(pass->heap, seen->index);
	chunk->count = (unsigned)hw_min(seen->size / pass->heap->word_size, (size_t)HW_WORD_LOOK_WORDS);
	memset(pass->kinds[pass->count], HW_KIND_NONE, sizeof(pass->kinds[0]));
	if (chunk->content == HW_CONTENT_STRING || chunk->content == HW_CONTENT_WIDE)
		decode_text(pass, chunk->count, seen->bytes);
	else
		decode(pass, chunk->count, seen->bytes);
	if (++pass->count == BATCH)
		flush(pass);
	return NULL;
}

static void words_destroy(void *state)
{
	struct pass *pass = state;

	for (size_t i = 0; i < PARTS; i++) {
		if (pass->begun[i])
			parts[i]->destroy(pass->states[i]);
	}
	hw_places_destroy(pass->places);
	free(pass);
}

static void point_at_arrays(struct pass *pass)
{
	for (unsigned i = 0; i < BATCH; i++) {
		pass->chunks[i].words = pass->words[i];
		pass->chunks[i].kinds = pass->kinds[i];
		pass->chunks[i].targets = pass->targets[i];
	}
}

static struct hw_error *words_begin(struct hw_typer *typer, void **state)
{
	const struct hw_heap *heap = typer->heap;
	struct pass *pass = calloc(1, sizeof(*pass));
	struct hw_error *error;

	if (!pass)
		return hw_error_no_memory();
	pass->heap = heap;
	point_at_arrays(pass);
	if (heap->region_count) {
		pass->low = heap->regions[0].start;
		pass->span = heap->regions[heap->region_count - 1].end - pass->low;
	}
	error = hw_places_create(heap, &pass->places);
	for (size_t i = 0; !error && i < PARTS; i++) {
		if (typer->options->without & 1u << parts[i]->evidence)
			continue;
		error = parts[i]->begin(typer, &pass->states[i]);
		pass->begun[i] = !error;
	}
	if (error)
		words_destroy(pass);
	else
		*state = pass;
	return error;
}

static struct hw_error *words_finish(struct hw_typer *typer, void *state)
{
	struct pass *pass = state;
	struct hw_error *error = NULL;

	flush(pass);
	for (size_t i = 0; !error && i < PARTS; i++) {
		if (pass->begun[i])
			error = parts[i]->finish(typer, pass->states[i]);
	}
	return error;
}

const struct hw_look hw_look_words = {
	.begin = words_begin,
	.look = words_look,
	.finish = words_finish,
	.destroy = words_destroy,
};
