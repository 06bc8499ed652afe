/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words, decoded and resolved. Looking up the chunk that a pointer leads to misses the caches twice, so
 * chunks are taken in batches: their words are decoded as they come, then all pointers are looked up with the
 * memory for later ones already asked for, then whoever takes part sees the batch.
 */
#include "heapwalk/types/word_look.h"
#include "heapwalk/chunk_table.h"

#define BATCH      32                   /* pieces: what is kept of them fits the first-level cache */
#define ROOT_LIMIT ((uint64_t)64 << 20) /* larger mappings are no variables */

#define AHEAD 16 /* pointers between two steps: about a memory access */

static const struct hw_word_look *const parts[] = {
	&hw_word_look_containers,
	&hw_word_look_shapes,
};

#define PARTS hw_array_size(parts)

/* A word that lies between the first chunk and the last. */
struct candidate {
	uint16_t piece; /* in the batch */
	uint16_t word;
	uint32_t region; /* UINT32_MAX: in none */
};

/*
 * What is asked of a chunk that a word leads to, two bits each: so the answers for millions of chunks stay in
 * the caches, where the chunk table does not.
 */
enum { IS_TEXT = 1, IS_FREE = 2 };

#define MARKS 32 /* chunks in a word of them */

struct pass {
	const struct hw_heap *heap;
	uint64_t *marks;
	struct hw_places *places;
	struct hw_window window; /* for what the pass over the chunks does not show */
	uint64_t low;            /* every chunk lies in [low, low + span) */
	uint64_t span;
	void *states[PARTS];
	bool begun[PARTS];
	uint32_t region; /* that the last word led to */
	unsigned granule_shift;
	unsigned count;
	unsigned candidate_count;
	struct hw_word_piece pieces[BATCH];
	uint64_t words[BATCH][HW_WORD_LOOK_WORDS];
	uint8_t kinds[BATCH][HW_WORD_LOOK_WORDS];
	uint32_t targets[BATCH][HW_WORD_LOOK_WORDS];
	struct candidate candidates[BATCH * HW_WORD_LOOK_WORDS];
};

/* Found two words lower, as in graph/scan.c: a pointer right behind a chunk is that chunk's end pointer. */
static uint64_t looked_up(const struct pass *pass, const struct candidate *candidate)
{
	return pass->words[candidate->piece][candidate->word] - 2 * pass->heap->word_size;
}

/* Most words of a heap lead to the region that the one before led to. */
static void find_region(struct pass *pass, struct candidate *candidate)
{
	uint64_t address = looked_up(pass, candidate);
	const struct hw_region *region = &pass->heap->regions[pass->region];

	if (address < region->start || address >= region->end) {
		candidate->region = UINT32_MAX;
		if (!hw_heap_find_region(pass->heap, address, &pass->region))
			return;
		region = &pass->heap->regions[pass->region];
	}
	candidate->region = pass->region;
	hw_region_prefetch(region, address - region->start, pass->granule_shift);
}

static void locate(struct pass *pass, const struct candidate *candidate)
{
	uint8_t *kind = &pass->kinds[candidate->piece][candidate->word];
	uint32_t *target = &pass->targets[candidate->piece][candidate->word];
	bool exact;

	if (candidate->region == UINT32_MAX ||
		!hw_region_locate(&pass->heap->regions[candidate->region], looked_up(pass, candidate),
			pass->granule_shift, target, &exact)) {
		*kind = (uint8_t)hw_places_kind(pass->places, pass->words[candidate->piece][candidate->word]);
		return;
	}
	__builtin_prefetch(&pass->marks[*target / MARKS]);
	*kind = exact ? HW_KIND_START : HW_KIND_INSIDE;
}

/* What kind of chunk it is that a word leads to. */
static void resolve(struct pass *pass, const struct candidate *candidate)
{
	uint8_t *kind = &pass->kinds[candidate->piece][candidate->word];
	uint32_t target = pass->targets[candidate->piece][candidate->word];

	if (!hw_kind_is_heap((enum hw_kind) * kind))
		return;
	if (target == pass->pieces[candidate->piece].chunk)
		*kind = HW_KIND_SELF;
	else if (pass->marks[target / MARKS] >> 2 * (target % MARKS) & (IS_TEXT | IS_FREE))
		*kind = pass->marks[target / MARKS] >> 2 * (target % MARKS) & IS_FREE ? HW_KIND_FREED
										      : HW_KIND_TEXT;
}

static void flush(struct pass *pass)
{
	struct candidate *candidates = pass->candidates;
	unsigned count = pass->candidate_count;

	for (unsigned i = 0; i < count + 2 * AHEAD; i++) {
		if (i < count)
			find_region(pass, &candidates[i]);
		if (i >= AHEAD && i - AHEAD < count)
			locate(pass, &candidates[i - AHEAD]);
		if (i >= 2 * AHEAD)
			resolve(pass, &candidates[i - 2 * AHEAD]);
	}
	for (size_t i = 0; i < PARTS; i++) {
		if (pass->begun[i])
			parts[i]->look(pass->states[i], pass->pieces, pass->count);
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
				(struct candidate){ .piece = (uint16_t)pass->count, .word = (uint16_t)i };
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

/* The next piece, of `count` words at most; how far it is from there to the one behind it. */
static uint64_t add_piece(
	struct pass *pass, const struct hw_word_piece *like, const uint8_t *bytes, uint64_t words)
{
	struct hw_word_piece *piece = &pass->pieces[pass->count];
	unsigned count = (unsigned)hw_min(words, HW_WORD_LOOK_WORDS);

	piece->chunk = like->chunk;
	piece->count = count;
	piece->address = like->address;
	piece->offset = like->offset;
	piece->usable = like->usable;
	piece->content = like->content;
	piece->is_stack = like->is_stack;
	memset(pass->kinds[pass->count], HW_KIND_NONE, sizeof(pass->kinds[0]));
	if (like->content == HW_CONTENT_STRING || like->content == HW_CONTENT_WIDE)
		decode_text(pass, count, bytes);
	else
		decode(pass, count, bytes);
	if (++pass->count == BATCH)
		flush(pass);
	return count < words ? count - HW_WORD_LOOK_OVERLAP : count;
}

/* All words of some memory. */
static void add_pieces(struct pass *pass, struct hw_word_piece *like, const uint8_t *bytes, uint64_t size)
{
	uint64_t words = size / pass->heap->word_size, step;

	while (words) {
		step = add_piece(pass, like, bytes, words);
		words -= step;
		bytes += step * pass->heap->word_size;
		like->address += step * pass->heap->word_size;
		like->offset += step * pass->heap->word_size;
	}
}

/* Memory that the pass over the chunks does not show; what cannot be read is left out. */
static void add_memory(struct pass *pass, struct hw_word_piece *like, uint64_t end)
{
	uint64_t overlap = (uint64_t)HW_WORD_LOOK_OVERLAP * pass->heap->word_size;

	while (like->address + pass->heap->word_size <= end) {
		size_t available;
		const uint8_t *bytes =
			hw_window_view(&pass->window, like->address, pass->heap->word_size, &available);
		uint64_t start = like->address;

		if (bytes)
			add_pieces(pass, like, bytes, hw_min(available, end - start));
		if (like->address + pass->heap->word_size <= end && like->address - start > overlap) {
			like->address -= overlap;
			like->offset -= overlap;
		}
		if (like->address == start) {
			like->address = hw_image_next(pass->heap->snapshot->image, start, end);
			like->offset += like->address - start;
		}
	}
}

static struct hw_error *words_look(
	struct hw_typer *typer hw_unused, void *state, const struct hw_look_chunk *seen)
{
	struct pass *pass = state;
	struct hw_word_piece like = {
		.chunk = seen->index,
		.address = hw_chunk_user(pass->heap, seen->index),
		.usable = seen->usable,
		.content = hw_chunk_content(pass->heap, seen->index),
	};
	uint64_t end = like.address + hw_min(seen->usable, HW_WORD_LOOK_LIMIT);
	uint64_t overlap = (uint64_t)HW_WORD_LOOK_OVERLAP * pass->heap->word_size;

	if (like.content == HW_CONTENT_STRING || like.content == HW_CONTENT_WIDE) {
		add_piece(pass, &like, seen->bytes, seen->size / pass->heap->word_size);
		return NULL;
	}
	add_pieces(pass, &like, seen->bytes, seen->size);
	if (seen->usable > seen->size) {
		like.address -= overlap;
		like.offset -= overlap;
		add_memory(pass, &like, end);
	}
	return NULL;
}

static void words_destroy(void *state)
{
	struct pass *pass = state;

	for (size_t i = 0; i < PARTS; i++) {
		if (pass->begun[i])
			parts[i]->destroy(pass->states[i]);
	}
	hw_window_deinit(&pass->window);
	hw_places_destroy(pass->places);
	free(pass->marks);
	free(pass);
}

static struct hw_error *mark(struct pass *pass)
{
	const struct hw_heap *heap = pass->heap;

	pass->marks = calloc((size_t)heap->chunks.count / MARKS + 1, sizeof(*pass->marks));
	if (!pass->marks)
		return hw_error_no_memory();
	for (uint32_t i = 0; i < heap->chunks.count; i++) {
		enum hw_content content = hw_chunk_content(heap, i);
		uint64_t marks = !hw_chunk_is_live(heap, i)                                   ? IS_FREE
				 : content == HW_CONTENT_STRING || content == HW_CONTENT_WIDE ? IS_TEXT
											      : 0;

		pass->marks[i / MARKS] |= marks << 2 * (i % MARKS);
	}
	return NULL;
}

static void point_at_arrays(struct pass *pass)
{
	for (unsigned i = 0; i < BATCH; i++) {
		pass->pieces[i].words = pass->words[i];
		pass->pieces[i].kinds = pass->kinds[i];
		pass->pieces[i].targets = pass->targets[i];
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
	pass->granule_shift = hw_granule_shift(heap);
	hw_window_init(&pass->window, heap->snapshot->image, 0);
	point_at_arrays(pass);
	if (heap->region_count) {
		pass->low = heap->regions[0].start;
		pass->span = heap->regions[heap->region_count - 1].end - pass->low;
	}
	error = mark(pass);
	if (!error)
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

/* Of a stack only what is in use: what lies below may never have been touched. */
static uint64_t used_from(const struct hw_snapshot *snapshot, const struct hw_place_range *range)
{
	uint64_t from = range->end;

	for (size_t i = 0; i < snapshot->thread_count; i++) {
		uint64_t sp = snapshot->threads[i].sp;

		if (snapshot->threads[i].has_registers && sp >= range->start && sp < range->end)
			from = hw_min(from, hw_round_down(sp, snapshot->word_size));
	}
	return from;
}

/* Variables hold containers too. */
static void add_roots(struct pass *pass)
{
	for (size_t i = 0; i < pass->places->count; i++) {
		const struct hw_place_range *range = &pass->places->ranges[i];
		struct hw_word_piece like = { .chunk = HW_NO_CHUNK, .address = range->start };

		like.is_stack = range->kind == HW_KIND_STACK;
		if (like.is_stack)
			like.address = used_from(pass->heap->snapshot, range);
		if ((range->kind == HW_KIND_DATA || range->kind == HW_KIND_STACK) &&
			range->end - like.address <= ROOT_LIMIT)
			add_memory(pass, &like, range->end);
	}
}

static struct hw_error *words_finish(struct hw_typer *typer, void *state)
{
	struct pass *pass = state;
	struct hw_error *error = NULL;

	add_roots(pass);
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
