/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The glance at every chunk: vtable, text, wide text, then what its words are. */
#include "heapwalk/block.h"
#include "heapwalk/content.h"
#include "heapwalk/vtables.h"

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

/* Bytes beyond printable ASCII that a text may go on with. */
static const bool goes_on[256] = { ['\t'] = true, ['\n'] = true, ['\r'] = true, [0xc2 ... 0xf4] = true };

/* hw_utf8_run(), for which a first look at all bytes of a block is mostly enough. */
static size_t text_run(const uint8_t *bytes, size_t size, size_t readable)
{
	uint64_t others;
	size_t run;

	if (readable < HW_BLOCK)
		return hw_utf8_run(bytes, size);
	others = ~hw_printable_mask(bytes);
	run = others ? (size_t)__builtin_ctzll(others) : HW_BLOCK;
	if (run >= size)
		return size;
	if (others && !goes_on[bytes[run]])
		return run;
	return run + hw_utf8_run(bytes + run, size - run);
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
	if (tail >= size || !has_pointer(classifier, bytes + tail, hw_min(size - tail, HW_BLOCK)))
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

/* The words, block by block until something tells. */
static enum hw_content glance_at_words(
	struct hw_classifier *classifier, const uint8_t *bytes, size_t size, size_t readable)
{
	bool number = false, other = false;

	for (size_t at = 0; at < size; at += HW_BLOCK) {
		size_t here = hw_min(size - at, HW_BLOCK);
		struct hw_block block = hw_block_sort(
			classifier->addresses, classifier->image, bytes + at, here, readable - at);

		if (block.other && hw_block_has_text(bytes + at, here, readable - at, block.pointers))
			return HW_CONTENT_TEXT_PART;
		if (block.pointers)
			return HW_CONTENT_POINTERS;
		number |= block.number;
		other |= block.other;
		if (other && at + HW_BLOCK >= OTHER_LIMIT)
			break;
	}
	return other ? HW_CONTENT_DATA : number ? HW_CONTENT_NUMBERS : HW_CONTENT_ZERO;
}

enum hw_content hw_classifier_classify(
	struct hw_classifier *classifier, const uint8_t *bytes, size_t readable, size_t usable)
{
	size_t size = hw_round_down(hw_min(readable, usable), classifier->image->word_size), zeros = 0;
	enum hw_address_kind kind;
	enum hw_content content;
	uint64_t first;

	if (!size)
		return HW_CONTENT_NONE;
	first = hw_image_word(classifier->image, bytes);
	kind = hw_addresses_kind(classifier->addresses, first);
	if (kind == HW_ADDRESS_MODULE && hw_vtables_has(classifier->vtables, first))
		return HW_CONTENT_CXX;
	if (first && kind == HW_ADDRESS_NONE) {
		size_t run = text_run(bytes, hw_min(size, LIMIT), readable);

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
		zeros = hw_block_zero_run(bytes, hw_min(size, ZERO_LIMIT));
	return glance_at_words(classifier, bytes + zeros, hw_min(size - zeros, LIMIT), readable - zeros);
}
