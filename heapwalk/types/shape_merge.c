/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From patterns to shapes. Chunks of one type differ by chance: a pointer may be NULL, a number 0 or large,
 * the last of a list points nowhere. A rare pattern joins the commonest one of its size that differs from it
 * by no more than that. Common ones stay apart though they may be of one type: it is easier to give two
 * shapes one name than one shape two.
 */
#include "heapwalk/types/shape.h"
#include "heapwalk/types/word_look.h"

/* A pattern is compared with so many shapes of its size at most, the commonest. */
#define COMPARED 256

/* So many times rarer is rare. */
#define RARE 32

/* In how many words two patterns agree, 0 aside; 0: they have words that do not go together. */
static unsigned compare(const uint64_t a[2], const uint64_t b[2])
{
	unsigned same = 0;

	for (unsigned i = 0; i < HW_PATTERN_WORDS; i++) {
		enum hw_kind one = hw_pattern_kind(a, i), other = hw_pattern_kind(b, i);

		if (one == other)
			same += one != HW_KIND_ZERO && one != HW_KIND_NONE;
		else if (one != HW_KIND_ZERO && other != HW_KIND_ZERO &&
			 !(hw_kind_is_number(one) && hw_kind_is_number(other)) &&
			 !(hw_kind_is_heap(one) && hw_kind_is_heap(other)))
			return 0;
	}
	return same;
}

static unsigned count_words(const uint64_t kinds[2])
{
	unsigned count = 0;

	for (unsigned i = 0; i < HW_PATTERN_WORDS; i++)
		count += hw_pattern_kind(kinds, i) != HW_KIND_ZERO &&
			 hw_pattern_kind(kinds, i) != HW_KIND_NONE;
	return count;
}

/* Half of what the pattern has must be the same. */
static bool fits(const struct hw_pattern *pattern, const struct hw_shape *shape)
{
	unsigned same;

	if (pattern->chunks > shape->chunks / RARE)
		return false;
	if (shape->kinds[0] == HW_PATTERN_ANY || pattern->kinds[0] == HW_PATTERN_ANY)
		return shape->kinds[0] == pattern->kinds[0];
	same = compare(pattern->kinds, shape->kinds);
	return same && 2 * same >= count_words(pattern->kinds);
}

/* What is 0 in a shape's commonest pattern is told by the others. */
static void refine(struct hw_shape *shape, const uint64_t kinds[2])
{
	for (unsigned i = 0; i < HW_PATTERN_WORDS; i++) {
		enum hw_kind old = hw_pattern_kind(shape->kinds, i), new = hw_pattern_kind(kinds, i);

		if (old == HW_KIND_ZERO)
			hw_pattern_set(shape->kinds, i, new);
		if (new == HW_KIND_ZERO || old == HW_KIND_ZERO)
			shape->zeros |= 1u << i;
	}
}

static bool add_shape(struct hw_typing *typing, const struct hw_pattern *pattern)
{
	struct hw_shape *made = hw_array_next(typing->shapes, typing->shape_count, typing->shape_capacity);

	if (!made)
		return false;
	*made = (struct hw_shape){ .usable = pattern->usable,
		.kinds = { pattern->kinds[0], pattern->kinds[1] },
		.example = pattern->example };
	refine(made, pattern->kinds);
	typing->shape_count++;
	return true;
}

/* The shape among those from `first` on that the pattern joins; shape_count: none. */
static uint32_t find_shape(const struct hw_typing *typing, uint32_t first, const struct hw_pattern *pattern)
{
	uint32_t last = hw_min(typing->shape_count, first + COMPARED);

	for (uint32_t i = first; i < last; i++) {
		if (fits(pattern, &typing->shapes[i]))
			return i;
	}
	return typing->shape_count;
}

static void count(struct hw_shape *shape, const struct hw_pattern *pattern)
{
	shape->chunks += pattern->chunks;
	shape->bytes += pattern->chunks * pattern->usable;
}

/* One size and, of objects, one class; then the commonest. */
static int by_group(const void *a, const void *b, void *items)
{
	const struct hw_pattern *one = (const struct hw_pattern *)items + *(const uint32_t *)a;
	const struct hw_pattern *other = (const struct hw_pattern *)items + *(const uint32_t *)b;

	if (one->usable != other->usable)
		return one->usable < other->usable ? -1 : 1;
	if (one->vtable != other->vtable)
		return one->vtable < other->vtable ? -1 : 1;
	if (one->chunks != other->chunks)
		return one->chunks > other->chunks ? -1 : 1;
	return one->example < other->example ? -1 : one->example > other->example;
}

static int by_bytes(const void *a, const void *b, void *shapes)
{
	const struct hw_shape *one = (const struct hw_shape *)shapes + *(const uint32_t *)a;
	const struct hw_shape *other = (const struct hw_shape *)shapes + *(const uint32_t *)b;

	if (one->bytes != other->bytes)
		return one->bytes > other->bytes ? -1 : 1;
	return one->example < other->example ? -1 : one->example > other->example;
}

static bool make_shapes(const struct hw_patterns *patterns, const uint32_t *order, struct hw_typing *typing,
	uint32_t *shape_of)
{
	const struct hw_pattern *before = &patterns->items[0];
	uint32_t first = typing->shape_count, shape;

	for (uint32_t i = 0; i + 1 < patterns->count; i++) {
		const struct hw_pattern *pattern = &patterns->items[order[i]];

		if (pattern->usable != before->usable || pattern->vtable != before->vtable)
			first = typing->shape_count;
		before = pattern;
		shape = find_shape(typing, first, pattern);
		if (shape == typing->shape_count && !add_shape(typing, pattern))
			return false;
		refine(&typing->shapes[shape], pattern->kinds);
		count(&typing->shapes[shape], pattern);
		shape_of[order[i]] = shape;
	}
	return true;
}

/* The largest first, so that people read the lowest numbers. */
static struct hw_error *sort_shapes(struct hw_typing *typing, uint32_t *shape_of, uint32_t pattern_count)
{
	hw_autofree uint32_t *order = malloc(typing->shape_count * sizeof(*order));
	hw_autofree uint32_t *place = malloc(typing->shape_count * sizeof(*place));
	hw_autofree struct hw_shape *sorted = malloc(typing->shape_count * sizeof(*sorted));

	if (!order || !place || !sorted)
		return hw_error_no_memory();
	for (uint32_t i = 0; i < typing->shape_count; i++)
		order[i] = i;
	qsort_r(order + 1, typing->shape_count - 1, sizeof(*order), by_bytes, typing->shapes);
	for (uint32_t i = 0; i < typing->shape_count; i++) {
		place[order[i]] = i;
		sorted[i] = typing->shapes[order[i]];
	}
	for (uint32_t i = 1; i < pattern_count; i++)
		shape_of[i] = place[shape_of[i]];
	memcpy(typing->shapes, sorted, typing->shape_count * sizeof(*sorted));
	return NULL;
}

static struct hw_error *write_texts(struct hw_typing *typing, unsigned word_size)
{
	for (uint32_t i = 1; i < typing->shape_count; i++) {
		typing->shapes[i].text = hw_shape_text(&typing->shapes[i], word_size);
		if (!typing->shapes[i].text)
			return hw_error_no_memory();
	}
	return NULL;
}

struct hw_error *hw_patterns_merge(
	const struct hw_patterns *patterns, struct hw_typing *typing, uint32_t *shape_of)
{
	static const struct hw_pattern none = { .kinds = { HW_PATTERN_ANY, HW_PATTERN_ANY } };
	hw_autofree uint32_t *order = malloc(patterns->count * sizeof(*order));
	struct hw_error *error;

	if (!order || !add_shape(typing, &none))
		return hw_error_no_memory();
	for (uint32_t i = 0; i + 1 < patterns->count; i++)
		order[i] = i + 1;
	qsort_r(order, patterns->count - 1, sizeof(*order), by_group, patterns->items);
	if (!make_shapes(patterns, order, typing, shape_of))
		return hw_error_no_memory();
	error = sort_shapes(typing, shape_of, patterns->count);
	return error ? error : write_texts(typing, typing->heap->word_size);
}
