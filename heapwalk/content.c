/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The glance at every chunk: vtable, text, wide text, then what its words are. */
#include <endian.h>

#include "heapwalk/content.h"
#include "heapwalk/encoding.h"
#include "heapwalk/vtables.h"

#define BLOCK         64   /* one glance: a cache line, and one bit of a word for each byte */
#define LIMIT         1024 /* the most that is looked at while nothing tells */
#define ZERO_LIMIT    4096 /* the most that is looked at while all is zero */
#define SHORTEST      4    /* bytes of text worth the name */
#define SHORTEST_SURE 8    /* so many bytes are hardly a number by chance */

/*
 * What malloc adds to a request at most, without a word of its own: it rounds up to its alignment, and a
 * remainder too small for a chunk stays (glibc: MALLOC_ALIGNMENT - 1 + MINSIZE - 1, less for the size word).
 */
#define SLACK 31

struct hw_classifier {
	const struct hw_image *image;
	struct hw_addresses *addresses;
	struct hw_vtables *vtables;
};

struct hw_error *hw_classifier_create(const struct hw_snapshot *snapshot, struct hw_classifier **classifier)
{
	struct hw_classifier *made = calloc(1, sizeof(*made));
	struct hw_error *error;

	if (!made)
		return hw_error_no_memory();
	made->image = snapshot->image;
	error = hw_addresses_create(snapshot, &made->addresses);
	if (!error)
		error = hw_vtables_create(snapshot, made->addresses, &made->vtables);
	if (error) {
		hw_classifier_destroy(made);
		return error;
	}
	*classifier = made;
	return NULL;
}

void hw_classifier_destroy(struct hw_classifier *classifier)
{
	if (!classifier)
		return;
	hw_vtables_destroy(classifier->vtables);
	hw_addresses_destroy(classifier->addresses);
	free(classifier);
}

static bool has_pointer(struct hw_classifier *classifier, const uint8_t *bytes, size_t size)
{
	unsigned step = classifier->image->word_size;

	for (size_t at = 0; at + step <= size; at += step) {
		if (hw_addresses_kind(classifier->addresses, hw_image_word(classifier->image, bytes + at)))
			return true;
	}
	return false;
}

/*
 * STRING, TEXT_PART, or NONE: the chunk does not begin with text. `size` bytes are at hand, the first `run`
 * of them are text.
 */
static enum hw_content glance_at_text(
	struct hw_classifier *classifier, const uint8_t *bytes, size_t run, size_t size, size_t usable)
{
	size_t tail;
	bool to_the_end, terminated;

	if (run < SHORTEST)
		return HW_CONTENT_NONE;
	to_the_end = size - run < 4 && size < usable; /* a character of 4 bytes may be cut off */
	terminated = run == size || !bytes[run];
	/* Not every language ends its strings with a zero; such a text at least fills its chunk. */
	if (!to_the_end && !terminated && (run < SHORTEST_SURE || run + SLACK < usable))
		return HW_CONTENT_NONE;
	if (to_the_end || run == size)
		return HW_CONTENT_STRING;
	tail = hw_round_up(run, classifier->image->word_size);
	if (run >= SHORTEST_SURE && usable - run <= SLACK + 1)
		return HW_CONTENT_STRING;
	if (tail >= size || !has_pointer(classifier, bytes + tail, hw_min(size - tail, BLOCK)))
		return HW_CONTENT_STRING;
	return run >= SHORTEST_SURE ? HW_CONTENT_TEXT_PART : HW_CONTENT_NONE;
}

static bool begins_with_wide_text(const uint8_t *bytes, size_t size)
{
	static const enum hw_encoding encodings[] = { HW_ENCODING_UTF16LE, HW_ENCODING_UTF16BE,
		HW_ENCODING_UTF32LE, HW_ENCODING_UTF32BE };
	static const uint8_t zeros[4];

	for (size_t i = 0; i < hw_array_size(encodings); i++) {
		unsigned unit = hw_encoding_unit(encodings[i]);
		size_t characters, run;

		if (!memcmp(bytes, zeros, unit))
			continue;
		run = hw_wide_run(encodings[i], bytes, size, &characters);
		if (run && characters >= SHORTEST && (size - run < 4 || !memcmp(bytes + run, zeros, unit)))
			return true;
	}
	return false;
}

/* What the words of a block are; bit i of the masks speaks of its byte i. */
struct block {
	bool pointer;
	bool number;
	bool other;
	uint64_t printable; /* pointers' bytes are left out: they are no text */
	uint64_t zero;
};

/* A counter, length, flag word or small negative, or two 32-bit ones side by side. */
static bool is_number(uint64_t word, unsigned word_size)
{
	const int32_t limit = 1 << 24;
	int32_t low = (int32_t)word, high = (int32_t)(word >> 32);

	if (word_size == 8 && (high == 0 || high == -1))
		return true;
	return low > -limit && low < limit && high > -limit && high < limit;
}

static struct block glance_at_block(struct hw_classifier *classifier, const uint8_t *bytes, size_t size)
{
	unsigned step = classifier->image->word_size;
	struct block block = { .pointer = false };

	for (size_t at = 0; at + step <= size; at += step) {
		uint64_t word = hw_image_word(classifier->image, bytes + at);

		if (!word) {
			block.zero |= (uint64_t)(step == 8 ? 0xff : 0x0f) << at;
		} else if (hw_addresses_kind(classifier->addresses, word)) {
			block.pointer = true;
		} else {
			uint64_t raw = 0;

			memcpy(&raw, bytes + at, step);
			raw = le64toh(raw);
			block.printable |= (uint64_t)hw_byte_mask(hw_printable_bytes(raw)) << at;
			block.zero |= (uint64_t)(hw_byte_mask(hw_zero_bytes(raw)) & (step == 8 ? 0xff : 0x0f))
				      << at;
			if (is_number(word, step))
				block.number = true;
			else
				block.other = true;
		}
	}
	return block;
}

/* Eight printable bytes in a row, or five with a zero behind them: chance makes neither often. */
static bool has_text(const struct block *block)
{
	uint64_t two = block->printable & block->printable >> 1;
	uint64_t four = two & two >> 2;
	uint64_t five = four & block->printable >> 4;

	return (four & four >> 4) || (five & block->zero >> 5);
}

/* Length of the zeros that `bytes` begin with, in whole blocks (the last may be shorter). */
static size_t zero_run(const uint8_t *bytes, size_t size)
{
	static const uint8_t zeros[BLOCK];
	size_t done = 0;

	while (done < size && !memcmp(bytes + done, zeros, hw_min(size - done, BLOCK)))
		done += hw_min(size - done, BLOCK);
	return done;
}

/* The words, block by block until something tells. */
static enum hw_content glance_at_words(struct hw_classifier *classifier, const uint8_t *bytes, size_t size)
{
	bool number = false, other = false;

	for (size_t at = 0; at < size; at += BLOCK) {
		struct block block = glance_at_block(classifier, bytes + at, hw_min(size - at, BLOCK));

		if (block.other && has_text(&block))
			return HW_CONTENT_TEXT_PART;
		if (block.pointer)
			return HW_CONTENT_POINTERS;
		number |= block.number;
		other |= block.other;
	}
	return other ? HW_CONTENT_DATA : number ? HW_CONTENT_NUMBERS : HW_CONTENT_ZERO;
}

enum hw_content hw_classifier_classify(
	struct hw_classifier *classifier, const uint8_t *bytes, size_t available, size_t usable)
{
	size_t size = hw_min(available, usable), zeros = 0;
	enum hw_address_kind kind;
	enum hw_content content;
	uint64_t first;

	if (size < classifier->image->word_size)
		return HW_CONTENT_NONE;
	first = hw_image_word(classifier->image, bytes);
	kind = hw_addresses_kind(classifier->addresses, first);
	if (kind == HW_ADDRESS_MODULE && hw_vtables_has(classifier->vtables, first))
		return HW_CONTENT_CXX;
	if (first && kind == HW_ADDRESS_NONE) {
		size_t run = hw_utf8_run(bytes, hw_min(size, LIMIT));

		content = glance_at_text(classifier, bytes, run, hw_min(size, LIMIT), usable);
		if (content != HW_CONTENT_NONE)
			return content;
		/* Two ASCII letters read as one of UTF-16 are mostly Han: what is long in ASCII is not wide.
		 */
		if (run < SHORTEST_SURE && begins_with_wide_text(bytes, hw_min(size, LIMIT)))
			return HW_CONTENT_WIDE;
	}
	if (!first)
		zeros = zero_run(bytes, hw_min(size, ZERO_LIMIT));
	return glance_at_words(classifier, bytes + zeros, hw_min(size - zeros, LIMIT));
}
