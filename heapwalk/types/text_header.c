/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Headers of texts, by what must hold between their numbers. */
#include "heapwalk/types/text_header.h"

#include <endian.h>

#include "heapwalk/encoding.h"
#include "heapwalk/types/typer.h"

#define SHORTEST 4 /* bytes of text behind a plain length */
#define SHORT    3 /* and behind the one byte of the smallest sds */

/* Shared by fewer than this, for a count of references to be one. */
#define MOST_REFERENCES 1000000

struct text {
	const struct hw_heap *heap;
	const uint8_t *bytes;
	size_t size;
	uint64_t usable;
	size_t extent; /* of what was found */
	bool is_big_endian;
};

static uint64_t number_at(const struct text *text, size_t offset, unsigned width)
{
	uint64_t raw = 0;

	memcpy(&raw, text->bytes + offset, width);
	raw = le64toh(raw);
	return text->is_big_endian ? __builtin_bswap64(raw) >> (64 - 8 * width) : raw;
}

/* Asked before anything that costs more: nearly all chunks are told here. */
static bool may_be_text(const struct text *text, size_t start)
{
	return start < text->size && text->bytes[start] >= ' ' && text->bytes[start] != 0x7f;
}

/* From `start` on there are `length` bytes of text and a zero behind them, as far as can be seen. */
static bool holds(struct text *text, size_t start, uint64_t length)
{
	size_t seen = hw_min(length, text->size - start);
	size_t run = hw_utf8_run(text->bytes + start, seen);

	/* A character may be cut off where we see no further. */
	if (!seen || run + (seen < length ? 3 : 0) < seen)
		return false;
	if (start + length < text->size && text->bytes[start + length])
		return false;
	text->extent = start + seen;
	return true;
}

static bool fits(const struct text *text, uint64_t taken)
{
	return hw_typer_fits(text->heap, taken, text->usable);
}

/* Redis, sds.h: the flags' low three bits say how wide the numbers are; the smallest keeps its length there.
 */
static bool is_small_sds(struct text *text)
{
	uint64_t length = text->bytes[0] >> 3;

	return !(text->bytes[0] & 7) && length >= SHORT && may_be_text(text, 1) &&
	       fits(text, 1 + length + 1) && holds(text, 1, length);
}

static bool is_sds(struct text *text)
{
	if (is_small_sds(text))
		return true;
	for (unsigned kind = 1; kind <= 4; kind++) {
		unsigned width = 1u << (kind - 1), header = 2 * width + 1;
		uint64_t length, room;

		if (!may_be_text(text, header) || text->bytes[header - 1] != kind)
			continue;
		length = number_at(text, 0, width);
		room = number_at(text, width, width);
		if (length && length <= room && room < text->usable && fits(text, header + room + 1) &&
			holds(text, header, length))
			return true;
	}
	return false;
}

/* libstdc++, _Rep_base of cow_string.h: a reference count of 0 means one owner, -1 that it leaks. */
static bool is_cow(struct text *text)
{
	unsigned word = text->heap->word_size, header = 3 * word;
	uint64_t length, room;
	int32_t references;

	if (!may_be_text(text, header))
		return false;
	length = number_at(text, 0, word);
	room = number_at(text, word, word);
	references = (int32_t)number_at(text, 2 * word, 4);
	return length && length <= room && room < text->usable && references >= -1 &&
	       references < MOST_REFERENCES && header + room + 1 <= text->usable &&
	       holds(text, header, length);
}

static bool is_behind_length(struct text *text, unsigned width)
{
	uint64_t length;

	if (width + SHORTEST > text->size || !may_be_text(text, width))
		return false;
	length = number_at(text, 0, width);
	return length >= SHORTEST && length < text->usable &&
	       (fits(text, width + length) || fits(text, width + length + 1)) && holds(text, width, length);
}

static enum hw_text_header header_of(struct text *text)
{
	if (is_sds(text))
		return HW_TEXT_HEADER_SDS;
	if (is_cow(text))
		return HW_TEXT_HEADER_COW;
	if (is_behind_length(text, 4) || is_behind_length(text, 8))
		return HW_TEXT_HEADER_LENGTH;
	return HW_TEXT_HEADER_NONE;
}

enum hw_text_header hw_text_header_of(
	const struct hw_heap *heap, const uint8_t *bytes, size_t size, uint64_t usable, size_t *extent)
{
	struct text text = { heap, bytes, size, usable, 0, heap->snapshot->image->big_endian };
	enum hw_text_header header =
		size < 2 * (size_t)heap->word_size ? HW_TEXT_HEADER_NONE : header_of(&text);

	*extent = text.extent;
	return header;
}

const char *hw_text_header_name(enum hw_text_header header)
{
	static const char *const names[] = {
		[HW_TEXT_HEADER_NONE] = "text",
		[HW_TEXT_HEADER_SDS] = "sds text",
		[HW_TEXT_HEADER_COW] = "std::string text",
		[HW_TEXT_HEADER_LENGTH] = "text behind its length",
	};

	return names[header];
}
