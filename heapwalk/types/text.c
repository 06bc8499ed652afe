/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chunks that hold text. The walk saw those that begin with it; here they are held against what else they may
 * be, and texts behind a header that says how long they are come to them: such a header proves even a short
 * one, which alone could be a number.
 */
#include "heapwalk/encoding.h"
#include "heapwalk/types/format.h"
#include "heapwalk/types/text_header.h"
#include "heapwalk/types/typer.h"

/*
 * How often a chunk that begins with text and goes on with something else is a buffer, and no struct with an
 * array of characters at its start.
 */
#define PERCENT_OF_BEGUN 60

/* Longer than the names that structs begin with. */
#define LONG_TEXT 32

enum { NARROW, WIDE, FOREIGN, JSON, XML, HTML, PEM, HTTP, TEXTS };

static const char *const names[] = {
	[NARROW] = "text",
	[WIDE] = "wide text",
	[FOREIGN] = "wide text, other byte order",
	[JSON] = "JSON text",
	[XML] = "XML text",
	[HTML] = "HTML text",
	[PEM] = "PEM text",
	[HTTP] = "HTTP message",
};

struct texts {
	uint32_t types[TEXTS];
	uint32_t headed[HW_TEXT_HEADERS];
};

static struct hw_error *intern_text(struct hw_typer *typer, const char *name, uint32_t *number)
{
	struct hw_named_type type = { .name = name, .origin = HW_TYPE_ORIGIN_TEXT, .module = UINT32_MAX };

	return hw_typer_intern(typer, &type, number);
}

static struct hw_error *texts_begin(struct hw_typer *typer, void **state)
{
	struct texts *made = calloc(1, sizeof(*made));
	struct hw_error *error = NULL;

	if (!made)
		return hw_error_no_memory();
	for (int i = 0; i < TEXTS && !error; i++)
		error = intern_text(typer, names[i], &made->types[i]);
	for (int i = HW_TEXT_HEADER_NONE + 1; i < HW_TEXT_HEADERS && !error; i++)
		error = intern_text(typer, hw_text_header_name((enum hw_text_header)i), &made->headed[i]);
	if (error)
		free(made);
	else
		*state = made;
	return error;
}

/*
 * No text has the bytes of an address that is mapped: chance makes letters of one pointer in fifty. Where a
 * text ends within a word, that counts when zeros follow: else it was written over what a pointer has left
 * there.
 */
static bool holds_pointer(const struct hw_typer *typer, const struct hw_look_chunk *chunk, size_t run)
{
	const struct hw_image *image = typer->heap->snapshot->image;
	unsigned word = image->word_size;

	for (size_t at = 0; at < run && at + word <= chunk->size; at += word) {
		size_t rest = at + word;

		while (rest > run && !chunk->bytes[rest - 1])
			rest--;
		if (rest <= run &&
			hw_addresses_kind(typer->addresses, hw_image_word(image, chunk->bytes + at)))
			return true;
	}
	return false;
}

static bool is_quiet(uint8_t byte)
{
	return !byte || (byte >= ' ' && byte < 0x7f) || byte == '\n' || byte == '\t' || byte == '\r';
}

/* Behind the first text and its slack there is more text or nothing, as far as was looked. */
static bool is_text_throughout(const struct hw_typer *typer, const struct hw_look_chunk *chunk, size_t run)
{
	if (hw_typer_fits(typer->heap, run, chunk->usable) ||
		hw_typer_fits(typer->heap, run + 1, chunk->usable))
		return true;
	for (size_t at = run; at < chunk->size; at++) {
		if (!is_quiet(chunk->bytes[at]))
			return false;
	}
	return true;
}

static void offer(struct hw_typer *typer, const struct hw_look_chunk *chunk, uint32_t type, bool is_likely,
	enum hw_fit fit)
{
	hw_typer_offer(typer, chunk->index,
		&(struct hw_chunk_type){
			.type = type,
			.from = UINT32_MAX,
			.level = is_likely ? HW_LEVEL_LIKELY : HW_LEVEL_GUESS,
			.evidence = HW_EVIDENCE_TEXT,
			.fit = fit,
			.percent = is_likely ? 0 : PERCENT_OF_BEGUN,
		});
}

/* Which of them a narrow text is, by how it begins. */
static unsigned kind_of(const uint8_t *bytes, size_t run)
{
	const char *format = hw_format_of_text(bytes, run);
	unsigned kind = format ? JSON : NARROW;

	while (format && kind < TEXTS && strcmp(names[kind], format) != 0)
		kind++;
	return kind == TEXTS ? NARROW : kind;
}

static void look_at_narrow(
	struct hw_typer *typer, const struct texts *texts, const struct hw_look_chunk *chunk)
{
	size_t run = hw_utf8_run(chunk->bytes, chunk->size);
	bool is_whole = is_text_throughout(typer, chunk, run);
	bool has_end = run == chunk->size || !chunk->bytes[run];
	size_t words = has_end ? run : hw_round_up(run, 8) + 8;

	if (!holds_pointer(typer, chunk, words))
		offer(typer, chunk, texts->types[kind_of(chunk->bytes, run)], is_whole || run >= LONG_TEXT,
			is_whole ? HW_FIT_ARRAY : HW_FIT_PREFIX);
}

static void look_at_wide(struct hw_typer *typer, const struct texts *texts, const struct hw_look_chunk *chunk)
{
	if (!holds_pointer(typer, chunk, chunk->size))
		offer(typer, chunk, texts->types[WIDE], true, HW_FIT_ARRAY);
}

/* In the byte order that is not the target's own: from files and from the net. Latin, and it fills its chunk.
 */
static bool is_foreign_text(const struct hw_heap *heap, const struct hw_look_chunk *chunk)
{
	const struct hw_image *image = heap->snapshot->image;
	enum hw_encoding encoding = image->big_endian ? HW_ENCODING_UTF16LE : HW_ENCODING_UTF16BE;
	size_t characters, run;

	if (chunk->size < 16 || chunk->bytes[image->big_endian] ||
		hw_wide_glance(encoding, chunk->bytes, chunk->size) < 4)
		return false;
	run = hw_wide_run(encoding, chunk->bytes, chunk->size, &characters);
	return characters >= 8 && (run == chunk->size || hw_typer_fits(heap, run + 2, chunk->usable) ||
					  hw_typer_fits(heap, run, chunk->usable));
}

/* True: a text stands behind a header. */
static bool look_at_header(
	struct hw_typer *typer, const struct texts *texts, const struct hw_look_chunk *chunk)
{
	size_t extent;
	enum hw_text_header header =
		hw_text_header_of(typer->heap, chunk->bytes, chunk->size, chunk->usable, &extent);

	if (header == HW_TEXT_HEADER_NONE || holds_pointer(typer, chunk, extent))
		return false;
	offer(typer, chunk, texts->headed[header], true, HW_FIT_TAIL);
	return true;
}

static void look_at_other(
	struct hw_typer *typer, const struct texts *texts, const struct hw_look_chunk *chunk)
{
	if (!look_at_header(typer, texts, chunk) && is_foreign_text(typer->heap, chunk) &&
		!holds_pointer(typer, chunk, chunk->size))
		offer(typer, chunk, texts->types[FOREIGN], true, HW_FIT_ARRAY);
}

static struct hw_error *texts_look(struct hw_typer *typer, void *state, const struct hw_look_chunk *chunk)
{
	const struct texts *texts = state;

	switch (hw_chunk_content(typer->heap, chunk->index)) {
	case HW_CONTENT_STRING:
		if (!look_at_header(typer, texts, chunk))
			look_at_narrow(typer, texts, chunk);
		break;
	case HW_CONTENT_WIDE:
		look_at_wide(typer, texts, chunk);
		break;
	case HW_CONTENT_NONE:
	case HW_CONTENT_ZERO:
	case HW_CONTENT_CXX:
		break;
	default:
		look_at_other(typer, texts, chunk);
		break;
	}
	return NULL;
}

const struct hw_look hw_look_texts = { .begin = texts_begin, .look = texts_look, .destroy = free };
