/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shapes: chunks of one usable size whose words are of the same kinds. During the pass chunks are counted by
 * the exact kinds of their words (a pattern); afterwards patterns that differ only by chance become one shape
 * (shape_merge.c), and every chunk is told its own.
 */
#include <endian.h>

#include "heapwalk/types/shape.h"
#include "heapwalk/types/word_look.h"

/* Beyond so many patterns new ones lose their detail, beyond twice as many only the size is left. */
#define DETAILED ((uint32_t)1 << 16)

struct shapes {
	struct hw_typer *typer;
	struct hw_patterns patterns;
	uint32_t *slots; /* of a hash table: pattern numbers, 0: empty */
	uint32_t slot_count;
	bool failed;
};

static uint32_t hash(const struct hw_pattern *pattern)
{
	uint64_t sum = (pattern->kinds[0] ^ pattern->vtable * UINT64_C(0x9e3779b97f4a7c15)) *
		       UINT64_C(0xff51afd7ed558ccd);

	sum = (sum ^ sum >> 32 ^ pattern->usable ^ pattern->kinds[1]) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (uint32_t)(sum >> 32);
}

static uint32_t *find_slot(const struct shapes *shapes, const struct hw_pattern *pattern)
{
	uint32_t mask = shapes->slot_count - 1, at = hash(pattern) & mask;

	for (; shapes->slots[at]; at = (at + 1) & mask) {
		const struct hw_pattern *known = &shapes->patterns.items[shapes->slots[at]];

		if (!memcmp(known->kinds, pattern->kinds, sizeof(known->kinds)) &&
			known->usable == pattern->usable && known->vtable == pattern->vtable)
			break;
	}
	return &shapes->slots[at];
}

/* Keeps the table at most half full. */
static bool grow(struct shapes *shapes)
{
	uint32_t *old = shapes->slots, old_count = shapes->slot_count;

	if (shapes->patterns.count < old_count / 2)
		return true;
	shapes->slot_count = old_count ? old_count * 2 : 4096;
	shapes->slots = calloc(shapes->slot_count, sizeof(*shapes->slots));
	if (!shapes->slots) {
		shapes->slots = old;
		shapes->slot_count = old_count;
		return false;
	}
	free(old);
	for (uint32_t i = 1; i < shapes->patterns.count; i++)
		*find_slot(shapes, &shapes->patterns.items[i]) = i;
	return true;
}

static uint32_t add_pattern(struct shapes *shapes, const struct hw_pattern *pattern)
{
	struct hw_patterns *patterns = &shapes->patterns;
	struct hw_pattern *made = hw_array_next(patterns->items, patterns->count, patterns->capacity);

	if (!made || !grow(shapes)) {
		shapes->failed = true;
		return 0;
	}
	*made = *pattern;
	*find_slot(shapes, pattern) = patterns->count;
	return patterns->count++;
}

/* All kinds of numbers as one, all pointers to malloc's memory as one. */
static void lose_detail(uint64_t kinds[2])
{
	for (unsigned i = 0; i < HW_PATTERN_WORDS; i++) {
		enum hw_kind kind = hw_pattern_kind(kinds, i);

		if (hw_kind_is_number(kind) || kind == HW_KIND_ZERO)
			hw_pattern_set(kinds, i, HW_KIND_OTHER);
		else if (hw_kind_is_heap(kind))
			hw_pattern_set(kinds, i, HW_KIND_START);
	}
}

/* Where memory is full of random numbers, patterns must not become as many as chunks. */
static uint32_t find_pattern(struct shapes *shapes, struct hw_pattern *pattern)
{
	uint32_t found = *find_slot(shapes, pattern);

	if (!found && shapes->patterns.count > DETAILED) {
		lose_detail(pattern->kinds);
		pattern->vtable = 0;
		found = *find_slot(shapes, pattern);
	}
	if (!found && shapes->patterns.count > 2 * DETAILED) {
		pattern->kinds[0] = pattern->kinds[1] = HW_PATTERN_ANY;
		found = *find_slot(shapes, pattern);
	}
	return found ? found : add_pattern(shapes, pattern);
}

/* 16 kinds, 4 bits each, the first lowest: by pairs of bytes, then of these. */
static uint64_t pack(const uint8_t *kinds)
{
	uint64_t packed[2];

	memcpy(packed, kinds, sizeof(packed));
	for (unsigned i = 0; i < 2; i++) {
		uint64_t eight = le64toh(packed[i]);

		eight = (eight | eight >> 4) & 0x00ff00ff00ff00ff;
		eight = (eight | eight >> 8) & 0x0000ffff0000ffff;
		packed[i] = (eight | eight >> 16) & 0xffffffff;
	}
	return packed[0] | packed[1] << 32;
}

static void look(void *state, const struct hw_word_piece *batch, unsigned count)
{
	struct shapes *shapes = state;
	struct hw_chunk_type *chunks = shapes->typer->typing->chunks;

	for (unsigned i = 0; i < count && !shapes->failed; i++) {
		const struct hw_word_piece *piece = &batch[i];
		struct hw_pattern pattern = { .usable = piece->usable };
		uint32_t number;

		if (piece->offset || piece->chunk == HW_NO_CHUNK)
			continue;
		pattern.kinds[0] = pack(piece->kinds);
		pattern.kinds[1] = pack(piece->kinds + 16);
		/* Classes of one size and layout are told by their vtables. */
		if (piece->content == HW_CONTENT_CXX)
			pattern.vtable = piece->words[0];
		pattern.example = piece->chunk;
		number = find_pattern(shapes, &pattern);
		shapes->patterns.items[number].chunks++;
		chunks[piece->chunk].shape = number;
	}
}

static struct hw_error *finish(struct hw_typer *typer, void *state)
{
	struct shapes *shapes = state;
	struct hw_typing *typing = typer->typing;
	hw_autofree uint32_t *shape_of = NULL;
	struct hw_error *error;

	if (shapes->failed)
		return hw_error_no_memory();
	shape_of = calloc(shapes->patterns.count, sizeof(*shape_of));
	if (!shape_of)
		return hw_error_no_memory();
	error = hw_patterns_merge(&shapes->patterns, typing, shape_of);
	if (error)
		return error;
	for (uint32_t i = 0; i < typer->heap->chunks.count; i++)
		typing->chunks[i].shape = shape_of[typing->chunks[i].shape];
	return NULL;
}

static void destroy(void *state)
{
	struct shapes *shapes = state;

	free(shapes->patterns.items);
	free(shapes->slots);
	free(shapes);
}

static struct hw_error *begin(struct hw_typer *typer, void **state)
{
	static const struct hw_pattern none = { .usable = 0 };
	struct shapes *shapes = calloc(1, sizeof(*shapes));

	if (!shapes)
		return hw_error_no_memory();
	shapes->typer = typer;
	/* Number 0 is no pattern. */
	shapes->patterns.items =
		hw_array_next(shapes->patterns.items, shapes->patterns.count, shapes->patterns.capacity);
	if (!shapes->patterns.items || !grow(shapes)) {
		destroy(shapes);
		return hw_error_no_memory();
	}
	shapes->patterns.items[shapes->patterns.count++] = none;
	*state = shapes;
	return NULL;
}

const struct hw_word_look hw_word_look_shapes = { HW_EVIDENCE_NONE, begin, look, finish, destroy };
