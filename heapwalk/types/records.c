/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pools of records among large chunks and among the program's own mappings. Two passes over what nobody could
 * name: one for where pointers lead to, one for what repeats. Of very much memory only a part of the segments
 * is looked at, and counts are scaled.
 */
#include "heapwalk/types/records.h"

#include "heapwalk/chunk_table.h"
#include "heapwalk/types/pools.h"
#include "heapwalk/types/pools_pymalloc.h"

#define LEAST_BLOCK     3072
#define LEAST_MAPPING   65536
#define BUDGET          ((uint64_t)192 << 20) /* bytes that are looked at */
#define TARGETS         64                    /* of a segment that are kept */
#define SEARCHES        1500 /* for an unknown stride; after that only strides that were found before are tried */
#define KNOWN_MOST      16
#define GUESS_PERCENT   60
#define DOUBTED_PERCENT 50
#define GUESS_QUALITY   0.75
#define GUESS_WORDS     3 /* two alternate too easily */
#define NEARLY_AS_GOOD  0.8

/* A chunk or a mapping. */
struct block {
	uint64_t start;
	uint64_t size;
	uint32_t chunk;   /* UINT32_MAX: a mapping */
	uint32_t segment; /* number of its first */
};

struct finder {
	struct hw_typer *typer;
	const struct hw_heap *heap;
	const struct hw_image *image;
	struct hw_places *places;
	struct block *blocks; /* by address, disjoint */
	size_t block_count;
	size_t block_capacity;
	uint64_t segments;
	uint64_t step;                /* each so many'th segment is looked at */
	uint32_t (*targets)[TARGETS]; /* by segment looked at: word offset + 1, hashed; 0: none */
	uint64_t searches;
	uint32_t known[KNOWN_MOST]; /* strides found so far, in words */
	size_t known_count;
	struct hw_record_words words;
	struct hw_pool_tally tally;
};

/* --------------------------------------------------------------------------------------------------- the
 * blocks
 */

static bool add_block(struct finder *finder, uint64_t start, uint64_t size, uint32_t chunk)
{
	struct block *block = hw_array_next(finder->blocks, finder->block_count, finder->block_capacity);

	if (!block)
		return false;
	*block = (struct block){ .start = start, .size = size, .chunk = chunk };
	finder->block_count++;
	return true;
}

/* What a surer answer speaks of needs no guess; an array of objects with vtables is a pool that is counted.
 */
static bool is_open(const struct finder *finder, uint32_t chunk)
{
	const struct hw_chunk_type *answer = &finder->typer->typing->chunks[chunk];
	enum hw_content content = hw_chunk_content(finder->heap, chunk);

	if (!hw_chunk_is_live(finder->heap, chunk) || hw_chunk_usable(finder->heap, chunk) < LEAST_BLOCK ||
		content == HW_CONTENT_STRING || content == HW_CONTENT_WIDE)
		return false;
	return answer->level < HW_LEVEL_STRONG || answer->evidence == HW_EVIDENCE_RECORDS ||
	       (answer->evidence == HW_EVIDENCE_VTABLE && answer->fit != HW_FIT_EXACT);
}

static bool is_pymalloc(const struct finder *finder, uint64_t start, uint64_t end)
{
	const struct hw_pymalloc_arenas *arenas = finder->typer->arenas;

	for (size_t i = 0; arenas && i < arenas->arena_count; i++) {
		if (arenas->arenas[i].start < end && arenas->arenas[i].end > start)
			return true;
	}
	return false;
}

static struct hw_error *list_mappings(struct finder *finder)
{
	struct hw_accounting *accounting = NULL;
	struct hw_error *error = hw_accounting_build(finder->heap, &accounting);

	for (size_t i = 0; !error && i < accounting->span_count; i++) {
		const struct hw_use_span *span = &accounting->spans[i];
		const struct hw_map *map = &finder->heap->snapshot->maps[span->map];

		if (span->use != HW_USE_ANONYMOUS || span->end - span->start < LEAST_MAPPING ||
			!(map->prot & HW_MAP_WRITE) || map->prot & HW_MAP_EXEC ||
			is_pymalloc(finder, span->start, span->end))
			continue;
		if (!add_block(finder, span->start, span->end - span->start, UINT32_MAX))
			error = hw_error_no_memory();
	}
	hw_accounting_destroy(accounting);
	return error;
}

static int compare_blocks(const void *a, const void *b)
{
	const struct block *first = a, *second = b;

	return (first->start > second->start) - (first->start < second->start);
}

static uint64_t segments_of(const struct block *block)
{
	return (block->size + HW_RECORD_SEGMENT - 1) / HW_RECORD_SEGMENT;
}

static struct hw_error *list_blocks(struct finder *finder)
{
	const struct hw_heap *heap = finder->heap;
	struct hw_error *error = list_mappings(finder);

	for (uint32_t i = 0; !error && i < heap->chunks.count; i++) {
		if (is_open(finder, i) &&
			!add_block(finder, hw_chunk_user(heap, i), hw_chunk_usable(heap, i), i))
			error = hw_error_no_memory();
	}
	if (error || !finder->block_count)
		return error;
	qsort(finder->blocks, finder->block_count, sizeof(*finder->blocks), compare_blocks);
	for (size_t i = 0; i < finder->block_count; i++) {
		finder->blocks[i].segment = (uint32_t)finder->segments;
		finder->segments += segments_of(&finder->blocks[i]);
	}
	finder->step = finder->segments * HW_RECORD_SEGMENT / BUDGET + 1;
	if (finder->segments > UINT32_MAX)
		return hw_error_create(HW_ERROR_UNSUPPORTED, "too much memory to look for records in");
	finder->targets = calloc(finder->segments / finder->step + 1, sizeof(*finder->targets));
	return finder->targets ? NULL : hw_error_no_memory();
}

/* --------------------------------------------------------------------------------------------------- one
 * segment
 */

typedef struct hw_error *each_segment(struct finder *finder, const struct block *block, uint32_t segment);

/* Reads the words of the segment at `start`, of a block that goes on for `left` bytes. False: they are not
 * there. */
static bool load(struct finder *finder, struct hw_window *window, uint64_t start, uint64_t left)
{
	struct hw_record_words *words = &finder->words;
	size_t size = hw_min(left, HW_RECORD_SEGMENT + HW_RECORD_LONGEST * words->word_size);
	const uint8_t *bytes = hw_window_view(window, start, size, NULL);

	if (!bytes)
		return false;
	words->address = start;
	words->count = size / words->word_size;
	words->starts = hw_min(left, HW_RECORD_SEGMENT) / words->word_size;
	for (size_t i = 0; i < words->count; i++)
		words->words[i] = hw_image_word(finder->image, bytes + i * words->word_size);
	return true;
}

static struct hw_error *go_through_block(
	struct finder *finder, struct hw_window *window, const struct block *block, each_segment *each)
{
	struct hw_error *error = NULL;
	uint64_t number = block->segment;

	for (uint64_t at = 0; at < block->size && !error; at += HW_RECORD_SEGMENT, number++) {
		uint64_t left = block->size - at;

		if (number % finder->step || !load(finder, window, block->start + at, left))
			continue;
		finder->words.slack = block->chunk != UINT32_MAX && left <= HW_RECORD_SEGMENT;
		error = each(finder, block, (uint32_t)(number / finder->step));
	}
	return error;
}

static struct hw_error *go_through(struct finder *finder, each_segment *each)
{
	struct hw_error *error = NULL;
	struct hw_window window;

	hw_window_init(&window, finder->image, 0);
	for (size_t i = 0; i < finder->block_count && !error; i++)
		error = go_through_block(finder, &window, &finder->blocks[i], each);
	hw_window_deinit(&window);
	return error;
}

/* ------------------------------------------------------------------------------------------------------
 * targets
 */

static const struct block *block_at(const struct finder *finder, uint64_t address)
{
	size_t low = 0, high = finder->block_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (finder->blocks[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - finder->blocks[low - 1].start >= finder->blocks[low - 1].size)
		return NULL;
	return &finder->blocks[low - 1];
}

static void note_target(struct finder *finder, uint64_t address)
{
	const struct block *block = block_at(finder, address);
	uint64_t offset, segment;
	uint32_t word;

	if (!block)
		return;
	offset = address - block->start;
	segment = block->segment + offset / HW_RECORD_SEGMENT;
	if (segment % finder->step)
		return;
	word = (uint32_t)(offset % HW_RECORD_SEGMENT / finder->image->word_size);
	finder->targets[segment / finder->step][word * 2654435761u >> 26] = word + 1;
}

/* Pointers to a block's very start say nothing of what is in it: malloc returned them. */
static struct hw_error *note_targets(
	struct finder *finder, const struct block *block hw_unused, uint32_t segment hw_unused)
{
	const struct block *last = &finder->blocks[finder->block_count - 1];
	uint64_t low = finder->blocks[0].start, span = last->start + last->size - low;

	for (size_t i = 0; i < finder->words.count; i++) {
		uint64_t word = finder->words.words[i];

		if (word - low < span && word % finder->image->word_size == 0)
			note_target(finder, word);
	}
	return NULL;
}

static int compare_words(const void *a, const void *b)
{
	uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;

	return (first > second) - (first < second);
}

/* The targets of a segment, sorted; how many. */
static size_t targets_of(const struct finder *finder, uint32_t segment, uint32_t targets[TARGETS])
{
	size_t count = 0;

	for (size_t i = 0; i < TARGETS; i++) {
		if (finder->targets[segment][i] > 1)
			targets[count++] = finder->targets[segment][i] - 1;
	}
	qsort(targets, count, sizeof(*targets), compare_words);
	return count;
}

/* ------------------------------------------------------------------------------------------------------
 * symbols
 */

static enum hw_kind kind_of(struct finder *finder, uint64_t word)
{
	uint32_t chunk;
	bool exact;

	if (!word)
		return HW_KIND_ZERO;
	if (!hw_heap_locate(finder->heap, word - 2 * finder->heap->word_size, &chunk, &exact))
		return hw_places_kind(finder->places, word);
	if (!hw_chunk_is_live(finder->heap, chunk))
		return HW_KIND_FREED;
	return exact ? HW_KIND_START : HW_KIND_INSIDE;
}

static uint8_t symbol_of(enum hw_kind kind, uint64_t word)
{
	if (kind == HW_KIND_CONSTANT || kind == HW_KIND_DATA || kind == HW_KIND_CODE)
		return (uint8_t)(HW_RECORD_CONSTANT + (word * UINT64_C(0x9e3779b97f4a7c15) >> 40) % 200);
	if (hw_kind_is_heap(kind) && kind != HW_KIND_START)
		return HW_KIND_INSIDE;
	return (uint8_t)kind;
}

static void tell_apart(struct finder *finder)
{
	struct hw_record_words *words = &finder->words;

	for (size_t i = 0; i < words->count; i++) {
		enum hw_kind kind = kind_of(finder, words->words[i]);

		words->kinds[i] = (uint8_t)kind;
		words->symbols[i] = symbol_of(kind, words->words[i]);
	}
}

/* Where to look for a stride: behind the pool's own head, before the part that was never used. */
static void choose_sample(const struct hw_record_words *words, size_t *first, size_t *count)
{
	size_t end = words->count;

	while (end && !words->words[end - 1])
		end--;
	*count = hw_min(end, (size_t)HW_RECORD_SAMPLE);
	*first = hw_min((size_t)16, end - *count);
	if (*first + *count > end)
		*count = end - *first;
}

/* -------------------------------------------------------------------------------------------------------
 * strides
 */

static void remember(struct finder *finder, uint32_t stride)
{
	for (size_t i = 0; i < finder->known_count; i++) {
		if (finder->known[i] == stride)
			return;
	}
	if (finder->known_count < KNOWN_MOST)
		finder->known[finder->known_count++] = stride;
}

/* A segment's sample and where pointers lead to in it. */
struct sample {
	size_t first;
	size_t count;
	uint32_t targets[TARGETS];
	size_t target_count;
};

/* Of the strides found elsewhere the one that does best; below `most` words, and dividing `most` if that is
 * not 0. */
static struct hw_record_stride try_known(
	const struct finder *finder, const struct sample *sample, uint32_t most)
{
	struct hw_record_stride best = { 0 };

	for (size_t i = 0; i < finder->known_count; i++) {
		struct hw_record_stride stride;

		if (most && (finder->known[i] >= most || most % finder->known[i]))
			continue;
		stride = hw_records_try(&finder->words, sample->first, sample->count, finder->known[i],
			sample->targets, sample->target_count);
		if (stride.quality > best.quality)
			best = stride;
	}
	return best;
}

/*
 * Two neighbours may by chance look more alike every other time: what is a multiple of what siblings have,
 * and not much better, is that.
 */
static struct hw_record_stride find_stride(struct finder *finder, uint32_t segment)
{
	struct hw_record_stride stride, shorter;
	struct sample sample;

	sample.target_count = targets_of(finder, segment, sample.targets);
	choose_sample(&finder->words, &sample.first, &sample.count);
	if (finder->searches++ >= SEARCHES)
		return try_known(finder, &sample, 0);
	stride = hw_records_stride(
		&finder->words, sample.first, sample.count, sample.targets, sample.target_count);
	if (!stride.words)
		return stride;
	shorter = try_known(finder, &sample, stride.words);
	if (!stride.by_targets && shorter.quality >= NEARLY_AS_GOOD * stride.quality)
		return shorter;
	remember(finder, stride.words);
	return stride;
}

/* ----------------------------------------------------------------------------------------------------------
 * rows
 */

/* What the records are: the class that they begin with, or what their words are. */
static struct hw_error *name_records(struct finder *finder, const struct hw_record_stride *stride,
	const struct hw_record_count *count, struct hw_pool_row *row)
{
	hw_autofree char *text = NULL;
	struct hw_error *error = NULL;
	uint64_t size = 0;

	row->type = 0;
	if (stride->by_constant && count->used)
		error = hw_typer_class(finder->typer, count->constant, &row->type, &size);
	if (error)
		return error;
	if (row->type && size <= row->record_size) {
		row->level = size && row->record_size - size < finder->heap->alignment ? HW_LEVEL_STRONG
										       : HW_LEVEL_LIKELY;
		row->percent = 0;
		return NULL;
	}
	text = hw_records_text(count->kinds, stride->words);
	if (!text)
		return hw_error_no_memory();
	return hw_typer_intern(finder->typer,
		&(struct hw_named_type){ .name = text, .origin = HW_TYPE_ORIGIN_POOL, .module = UINT32_MAX },
		&row->type);
}

/* Agreement alone is a guess; pointers that lead to the starts make it likely. */
static bool judge(const struct hw_record_stride *stride, struct hw_pool_row *row)
{
	if (!stride->words)
		return false;
	row->level = stride->by_targets ? HW_LEVEL_LIKELY : HW_LEVEL_GUESS;
	row->percent = stride->by_targets ? 0 : GUESS_PERCENT;
	return stride->by_targets || stride->by_constant ||
	       (stride->quality >= GUESS_QUALITY && stride->words >= GUESS_WORDS);
}

/*
 * Packed data, as in a database's pages, repeats as well, but by the least common multiple of its rows' and
 * the words' length: only what has pointers is made of words for sure.
 */
static bool has_pointers(const struct hw_record_count *count, const struct hw_record_stride *stride)
{
	for (uint32_t i = 0; i < stride->words; i++) {
		if (hw_kind_is_pointer((enum hw_kind)count->kinds[i]))
			return true;
	}
	return false;
}

/* What could be shorter records is so by pointers that lead to each so many'th at best. */
static bool believe(
	const struct hw_record_count *count, const struct hw_record_stride *stride, struct hw_pool_row *row)
{
	if (!hw_records_may_be_shorter(count, stride))
		return true;
	row->level = HW_LEVEL_GUESS;
	row->percent = DOUBTED_PERCENT;
	return stride->by_targets;
}

static struct hw_error *offer(struct finder *finder, const struct block *block, const struct hw_pool_row *row)
{
	hw_autofree char *name = NULL;
	struct hw_chunk_type answer = { .from = UINT32_MAX,
		.level = row->level,
		.evidence = HW_EVIDENCE_RECORDS,
		.fit = HW_FIT_ARRAY,
		.percent = row->percent };
	struct hw_error *error;

	if (block->chunk == UINT32_MAX)
		return NULL;
	if (asprintf(&name, "pool of %s", finder->typer->typing->types[row->type].name) < 0) {
		name = NULL;
		return hw_error_no_memory();
	}
	error = hw_typer_intern(finder->typer,
		&(struct hw_named_type){ .name = name, .origin = HW_TYPE_ORIGIN_POOL, .module = UINT32_MAX },
		&answer.type);
	if (!error)
		hw_typer_offer(finder->typer, block->chunk, &answer);
	return error;
}

/* Blocks come in order of address: a row whose example lies before the block has not counted it yet. */
static struct hw_error *tally(struct finder *finder, const struct block *block, const struct hw_pool_row *key,
	const struct hw_record_count *count)
{
	struct hw_pool_row *row = hw_pool_tally_row(&finder->tally, key);

	if (!row)
		return hw_error_no_memory();
	row->used += count->used * finder->step;
	row->free += count->free * finder->step;
	if (row->example < block->start) {
		row->blocks += segments_of(block) == 1 ? finder->step : 1;
		row->example = count->example ? count->example : finder->words.address;
	}
	return NULL;
}

static struct hw_error *look_at_segment(struct finder *finder, const struct block *block, uint32_t segment)
{
	struct hw_pool_row row = { .kind = HW_POOL_RECORDS,
		.block_size = block->chunk == UINT32_MAX ? 0 : block->size };
	struct hw_record_stride stride;
	struct hw_record_count count;
	struct hw_error *error;

	tell_apart(finder);
	stride = find_stride(finder, segment);
	if (!judge(&stride, &row))
		return NULL;
	count = hw_records_count(&finder->words, &stride);
	if (count.used < HW_RECORD_LEAST || !has_pointers(&count, &stride) || !believe(&count, &stride, &row))
		return NULL;
	row.record_size = (uint64_t)stride.words * finder->image->word_size;
	error = name_records(finder, &stride, &count, &row);
	if (!error)
		error = offer(finder, block, &row);
	return error ? error : tally(finder, block, &row, &count);
}

/* -------------------------------------------------------------------------------------------------------
 * together
 */

static struct hw_error *prepare(struct finder *finder)
{
	struct hw_record_words *words = &finder->words;
	struct hw_error *error = hw_places_create(finder->heap, &finder->places);

	if (error)
		return error;
	words->word_size = finder->image->word_size;
	words->words = calloc(HW_RECORD_WORDS, sizeof(*words->words));
	words->kinds = calloc(HW_RECORD_WORDS, 1);
	words->symbols = calloc(HW_RECORD_WORDS, 1);
	if (!words->words || !words->kinds || !words->symbols)
		return hw_error_no_memory();
	return list_blocks(finder);
}

struct hw_error *hw_typer_records(struct hw_typer *typer)
{
	struct finder finder = { .typer = typer, .heap = typer->heap, .image = typer->heap->snapshot->image };
	struct hw_error *error = prepare(&finder);

	if (!error && finder.block_count)
		error = go_through(&finder, note_targets);
	if (!error && finder.block_count)
		error = go_through(&finder, look_at_segment);
	if (!error)
		error = hw_pool_tally_finish(&finder.tally, typer->typing);
	hw_pool_tally_deinit(&finder.tally);
	hw_places_destroy(finder.places);
	free(finder.blocks);
	free(finder.targets);
	free(finder.words.words);
	free(finder.words.kinds);
	free(finder.words.symbols);
	return error;
}
