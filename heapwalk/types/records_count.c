/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of a known stride, counted: which are in use, which are free, what most of them look like. */
#include "heapwalk/types/records.h"

#define LIKE_THE_OTHERS 0.4 /* share of the columns in which a record must look like most */

/* What the columns of a segment mostly are. */
struct columns {
	uint8_t symbol[HW_RECORD_LONGEST];
	uint8_t kind[HW_RECORD_LONGEST];
	bool is_firm[HW_RECORD_LONGEST]; /* more than half of the records have it */
	uint32_t firm;
	bool begins_otherwise; /* the first word is something that no free record would begin with */
};

static bool is_zero(const struct hw_record_words *words, size_t at, uint32_t stride)
{
	for (uint32_t i = 0; i < stride; i++) {
		if (words->words[at + i])
			return false;
	}
	return true;
}

/* The commonest of the records' bytes in one column. Those that are all zero do not count. */
static uint8_t commonest(const struct hw_record_words *words, const uint8_t *bytes, size_t first,
	uint32_t column, uint32_t stride, double *share)
{
	uint32_t seen[256] = { 0 }, all = 0;
	uint8_t most = 0;

	for (size_t at = first; at + stride <= words->count; at += stride) {
		if (is_zero(words, at, stride))
			continue;
		seen[bytes[at + column]]++;
		all++;
	}
	for (unsigned i = 1; i < 256; i++) {
		if (seen[i] > seen[most])
			most = (uint8_t)i;
	}
	*share = all ? (double)seen[most] / all : 0;
	return most;
}

static void find_columns(
	const struct hw_record_words *words, size_t first, uint32_t stride, struct columns *columns)
{
	double share;

	*columns = (struct columns){ 0 };
	for (uint32_t i = 0; i < stride; i++) {
		columns->kind[i] = commonest(words, words->kinds, first, i, stride, &share);
		columns->symbol[i] = commonest(words, words->symbols, first, i, stride, &share);
		columns->is_firm[i] = share > 0.5;
		columns->firm += columns->is_firm[i];
	}
	columns->begins_otherwise =
		columns->symbol[0] >= HW_RECORD_CONSTANT || hw_kind_is_number((enum hw_kind)columns->kind[0]);
}

static bool is_like(
	const struct hw_record_words *words, size_t at, uint32_t stride, const struct columns *columns)
{
	uint32_t equal = 0;

	for (uint32_t i = 0; i < stride; i++)
		equal += columns->is_firm[i] && words->symbols[at + i] == columns->symbol[i];
	return equal >= LIKE_THE_OTHERS * columns->firm;
}

/* A link to another free one, or the end of the list. */
static bool begins_with_link(const struct hw_record_words *words, size_t at)
{
	enum hw_kind kind = (enum hw_kind)words->kinds[at];

	return kind == HW_KIND_ZERO || hw_kind_is_heap(kind) || kind == HW_KIND_MAPPED;
}

static bool is_used(
	const struct hw_record_words *words, size_t at, uint32_t stride, const struct columns *columns)
{
	if (is_zero(words, at, stride))
		return false;
	return !(columns->begins_otherwise && begins_with_link(words, at));
}

static bool is_foreign(
	const struct hw_record_words *words, size_t at, uint32_t stride, const struct columns *columns)
{
	return is_used(words, at, stride, columns) && !is_like(words, at, stride, columns);
}

/*
 * Heads and tails of a pool's page are no records: [*first, *last) without them. Zeros at the beginning are
 * the rest of a head, and none fits at the end if it takes what malloc rounded up by.
 */
static void trim(const struct hw_record_words *words, uint32_t stride, const struct columns *columns,
	size_t *first, size_t *last)
{
	while (*first < *last &&
		(is_zero(words, *first, stride) || is_foreign(words, *first, stride, columns)))
		*first += stride;
	if (*last > *first && *last > words->count - words->slack && is_zero(words, *last - stride, stride))
		*last -= stride;
	while (*last > *first && is_foreign(words, *last - stride, stride, columns))
		*last -= stride;
}

/* Past the last record that starts in the segment and is there as a whole. */
static size_t end_of(const struct hw_record_words *words, uint32_t phase, uint32_t stride)
{
	size_t whole = words->count > phase ? (words->count - phase) / stride : 0;
	size_t starting = words->starts > phase ? (words->starts - phase + stride - 1) / stride : 0;

	return phase + hw_min(whole, starting) * stride;
}

struct hw_record_count hw_records_count(
	const struct hw_record_words *words, const struct hw_record_stride *stride)
{
	struct hw_record_count count = { 0 };
	size_t first = stride->phase, last = end_of(words, stride->phase, stride->words);
	struct columns columns;

	find_columns(words, first, stride->words, &columns);
	trim(words, stride->words, &columns, &first, &last);
	for (size_t at = first; at < last; at += stride->words) {
		bool used = is_used(words, at, stride->words, &columns);

		count.used += used;
		count.free += !used;
		if (used && !count.example) {
			count.example = words->address + at * words->word_size;
			count.constant = words->words[at];
		}
	}
	memcpy(count.kinds, columns.kind, sizeof(count.kinds));
	return count;
}

static bool is_alike(uint8_t a, uint8_t b)
{
	bool numbers =
		(a == HW_KIND_ZERO || a == HW_KIND_NUMBER) && (b == HW_KIND_ZERO || b == HW_KIND_NUMBER);
	bool inside = hw_kind_is_heap((enum hw_kind)a) && hw_kind_is_heap((enum hw_kind)b);

	return a == b || numbers || inside;
}

/* Do all parts of `part` words agree but for one word of each, the same in all? */
static bool has_parts(const uint8_t *kinds, uint32_t words, uint32_t part)
{
	uint32_t odd = UINT32_MAX;

	for (uint32_t i = part; i < words; i++) {
		if (is_alike(kinds[i], kinds[i % part]))
			continue;
		if (odd != UINT32_MAX && odd != i % part)
			return false;
		odd = i % part;
	}
	return true;
}

bool hw_records_may_be_shorter(const struct hw_record_count *count, const struct hw_record_stride *stride)
{
	for (uint32_t part = 2; part <= stride->words / 2 && !stride->by_constant; part++) {
		if (stride->words % part == 0 && has_parts(count->kinds, stride->words, part))
			return true;
	}
	return false;
}

#define TEXT_WORDS 16 /* of a record that its text names */

char *hw_records_text(const uint8_t *kinds, uint32_t words)
{
	uint32_t shown = hw_min(words, (uint32_t)TEXT_WORDS), times;
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	for (uint32_t i = 0; i < shown; i += times) {
		for (times = 1; i + times < shown && kinds[i + times] == kinds[i];)
			times++;
		fprintf(stream, "%s%s", i ? ", " : "{", hw_kind_name((enum hw_kind)kinds[i]));
		if (times > 1)
			fprintf(stream, " x%u", (unsigned)times);
	}
	fputs(words > shown ? ", ...}" : "}", stream);
	if (fclose(stream)) {
		free(text);
		return NULL;
	}
	return text;
}
