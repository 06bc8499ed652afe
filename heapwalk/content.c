/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The glance at every chunk: vtable, text, wide text, then what its words are. */
#include <endian.h>

#include "heapwalk/content.h"
#include "heapwalk/encoding.h"
#include "heapwalk/vtables.h"

#define BLOCK         64   /* one glance: a cache line, and one bit of a word for each byte */
#define LIMIT         1024 /* the most that is looked at while nothing tells, */
#define OTHER_LIMIT   128  /* and after something that tells nothing */
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

static bool begins_with_text_of(enum hw_encoding encoding, const uint8_t *bytes, size_t size)
{
	static const uint8_t zeros[4];
	unsigned unit = hw_encoding_unit(encoding);
	size_t characters, run;

	if (hw_wide_glance(encoding, bytes, size) < SHORTEST)
		return false;
	run = hw_wide_run(encoding, bytes, size, &characters);
	return characters >= SHORTEST && (size - run < 4 || !memcmp(bytes + run, zeros, unit));
}

/*
 * In the target's own byte order; the other is rare, and looking for it would cost as much again. By the
 * zeros in the first eight bytes nearly all chunks of numbers are told.
 */
static bool begins_with_wide_text(const struct hw_image *image, const uint8_t *bytes, size_t size)
{
	uint64_t first;

	if (size < sizeof(first))
		return false;
	memcpy(&first, bytes, sizeof(first));
	if (!((first - 0x0001000100010001) & ~first & 0x8000800080008000))
		return begins_with_text_of(
			image->big_endian ? HW_ENCODING_UTF16BE : HW_ENCODING_UTF16LE, bytes, size);
	return first >> 32 && (uint32_t)first &&
	       begins_with_text_of(
		       image->big_endian ? HW_ENCODING_UTF32BE : HW_ENCODING_UTF32LE, bytes, size);
}

/* A counter, length, flag word or small negative, or two 32-bit ones side by side. */
static bool is_number(uint64_t word, unsigned word_size)
{
	const uint32_t limit = 1 << 24;
	uint32_t low = (uint32_t)word, high = (uint32_t)(word >> 32);

	if (word_size == 8 && high + 1 < 2)
		return true;
	return low + limit < 2 * limit && high + limit < 2 * limit;
}

/* What the words of a block are; bit i of `pointers` speaks of word i. */
struct block {
	unsigned pointers;
	bool number;
	bool other;
};

/* Inlined for the common machine, so that the word size is a constant there. */
static inline __attribute__((always_inline)) struct block sort_words(struct hw_classifier *classifier,
	const struct hw_image *image, const uint8_t *bytes, size_t words, unsigned word_size)
{
	struct block block = { .pointers = 0 };

	for (size_t i = 0; i < words; i++) {
		uint64_t word = hw_image_word(image, bytes + i * word_size);

		if (!word)
			continue;
		if (hw_addresses_kind(classifier->addresses, word))
			block.pointers |= 1u << i;
		else if (is_number(word, word_size))
			block.number = true;
		else
			block.other = true;
	}
	return block;
}

/* Tells by one OR over all bytes that there is nothing but small positive numbers below every address. */
static bool all_small(const struct hw_classifier *classifier, const uint8_t *bytes, size_t words, bool *any)
{
	uint64_t all = 0, word;

	for (size_t i = 0; i < words; i++) {
		memcpy(&word, bytes + i * sizeof(word), sizeof(word));
		all |= word;
	}
	*any = all;
	return all < classifier->addresses->low && !(all & 0xff000000ff000000);
}

static struct block glance_at_block(struct hw_classifier *classifier, const uint8_t *bytes, size_t words)
{
	static const struct hw_image common = { .word_size = 8 };
	const struct hw_image *image = classifier->image;
	struct block block = { .pointers = 0 };

	if (image->word_size != 8 || image->big_endian)
		return sort_words(classifier, image, bytes, words, image->word_size);
	if (all_small(classifier, bytes, words, &block.number))
		return block;
	return sort_words(classifier, &common, bytes, words, 8);
}

/* A word's bytes in their order in memory, the first in the lowest bits. */
static inline uint64_t load_bytes(const uint8_t *bytes, unsigned word_size)
{
	uint64_t eight;
	uint32_t four;

	if (word_size == 8) {
		memcpy(&eight, bytes, sizeof(eight));
		return le64toh(eight);
	}
	memcpy(&four, bytes, sizeof(four));
	return le32toh(four);
}

/*
 * Eight printable bytes in a row, or five with a zero behind them: chance makes neither often. Bytes of
 * pointers do not count.
 */
static inline __attribute__((always_inline)) bool has_text_in(
	const uint8_t *bytes, size_t words, unsigned word_size, unsigned pointers)
{
	uint64_t printable = 0, zero = 0, four, five;

	for (size_t i = 0; i < words; i++) {
		uint64_t raw = pointers >> i & 1 ? 0 : load_bytes(bytes + i * word_size, word_size);

		printable |= (uint64_t)hw_byte_mask(hw_printable_bytes(raw)) << i * word_size;
	}
	four = printable & printable >> 1;
	four &= four >> 2;
	five = four & printable >> 4;
	if (!five || (four & four >> 4))
		return five;
	for (size_t i = 0; i < words; i++) {
		unsigned bytes_zero =
			hw_byte_mask(hw_zero_bytes(load_bytes(bytes + i * word_size, word_size)));

		zero |= (uint64_t)(bytes_zero & ((1u << word_size) - 1)) << i * word_size;
	}
	return five & zero >> 5;
}

static bool has_text(const uint8_t *bytes, size_t words, unsigned word_size, unsigned pointers)
{
	return word_size == 8 ? has_text_in(bytes, words, 8, pointers)
			      : has_text_in(bytes, words, 4, pointers);
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
	unsigned word_size = classifier->image->word_size;
	bool number = false, other = false;

	for (size_t at = 0; at + word_size <= size; at += BLOCK) {
		size_t words = hw_min(size - at, BLOCK) / word_size;
		struct block block = glance_at_block(classifier, bytes + at, words);

		if (block.other && has_text(bytes + at, words, word_size, block.pointers))
			return HW_CONTENT_TEXT_PART;
		if (block.pointers)
			return HW_CONTENT_POINTERS;
		number |= block.number;
		other |= block.other;
		if (other && at + BLOCK >= OTHER_LIMIT)
			break;
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
		if (run < SHORTEST_SURE &&
			begins_with_wide_text(classifier->image, bytes, hw_min(size, LIMIT)))
			return HW_CONTENT_WIDE;
	}
	if (!first)
		zeros = zero_run(bytes, hw_min(size, ZERO_LIMIT));
	return glance_at_words(classifier, bytes + zeros, hw_min(size - zeros, LIMIT));
}
