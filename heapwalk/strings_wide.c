/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wide texts: UTF-16 and UTF-32 in both byte orders. */
#include "heapwalk/strings_scan.h"

#define SHORTEST        4 /* characters */
#define SHORTEST_NO_END 6 /* of a Latin text that no zero ends: its own zeros tell it well enough */

/* The bits of `size` places further, for the word `at`. */
static uint64_t shifted(uint64_t word, uint64_t next, unsigned by)
{
	return by ? word >> by | next << (64 - by) : word;
}

/* Where a code unit with a Latin letter, digit or mark may stand: a byte of text among zeros. */
static uint64_t latin_units(const struct hw_text_scanner *scanner, size_t word, enum hw_encoding encoding)
{
	bool big_endian = encoding == HW_ENCODING_UTF16BE || encoding == HW_ENCODING_UTF32BE;
	unsigned unit = hw_encoding_unit(encoding), letter = big_endian ? unit - 1 : 0;
	uint64_t units = UINT64_MAX;

	if (word + 1 >= HW_SCAN_WORDS)
		return 0;
	for (unsigned i = 0; i < unit; i++) {
		const uint64_t *bits = i == letter ? scanner->text : scanner->zero;

		units &= shifted(bits[word], bits[word + 1], i);
	}
	return units;
}

static bool is_claimed(const struct hw_text_scanner *scanner, size_t start, size_t size)
{
	return hw_text_any(scanner->claimed, start, start + size);
}

/* Read as UTF-16, ASCII gives Han. A text that is mostly such is none. */
static bool is_narrow_in_truth(const struct hw_text_scanner *scanner, size_t start, size_t size)
{
	size_t letters = 0;

	for (size_t at = start; at < start + size; at++)
		letters += hw_text_bit(scanner->text, at);
	return letters * 4 > size * 3;
}

static bool is_latin(enum hw_encoding encoding, const uint8_t *bytes)
{
	uint32_t character;

	return hw_encoding_decode(encoding, bytes, hw_encoding_unit(encoding), &character) &&
	       character < 0x80;
}

/* What may be a text at `start`; its size is how far it goes, also when it is none. */
static struct hw_text measure(
	const struct hw_text_scanner *scanner, enum hw_encoding encoding, size_t start, bool *is_text)
{
	static const uint8_t zeros[4];
	struct hw_text text = { .start = start, .encoding = encoding };
	const uint8_t *bytes = scanner->bytes + start;
	unsigned unit = hw_encoding_unit(encoding);
	size_t left = scanner->size - start, characters;
	bool has_end;

	text.size = hw_wide_run(encoding, bytes, left, &characters);
	/* One that goes on in the next block counts by its beginning. */
	has_end = left - text.size < unit || !memcmp(bytes + text.size, zeros, unit);
	*is_text = characters >= hw_max(scanner->minimum, (size_t)SHORTEST) &&
		   (has_end ||
			   (characters >= SHORTEST_NO_END && is_latin(encoding, bytes + text.size - unit))) &&
		   !is_claimed(scanner, start, text.size) && !is_narrow_in_truth(scanner, start, text.size);
	return text;
}

/* The beginning, not before `floor`, of the text that `start` lies in. */
static size_t begin_of(
	const struct hw_text_scanner *scanner, enum hw_encoding encoding, size_t start, size_t floor)
{
	unsigned unit = hw_encoding_unit(encoding);
	uint32_t character;

	while (start >= floor + unit && !is_claimed(scanner, start - unit, unit) &&
		hw_encoding_decode(encoding, scanner->bytes + start - unit, unit, &character) &&
		hw_wide_glance(encoding, scanner->bytes + start - unit, unit) &&
		!is_narrow_in_truth(scanner, start - unit, unit))
		start -= unit;
	return start;
}

/* Tells the text around `start`, if it is one. Returns how far it goes: nobody need look there again. */
static size_t try_at(struct hw_text_scanner *scanner, enum hw_encoding encoding, size_t start, size_t floor)
{
	size_t begin = begin_of(scanner, encoding, start, floor);
	bool is_text;
	struct hw_text text = measure(scanner, encoding, begin, &is_text);

	if (!is_text && begin != start)
		text = measure(scanner, encoding, start, &is_text);
	if (is_text)
		hw_text_scanner_tell(scanner, &text);
	return hw_max(text.start + text.size, start + hw_encoding_unit(encoding));
}

/* Four units in a row that may be Latin, at a multiple of the unit or at other places. */
static void find_latin(struct hw_text_scanner *scanner, enum hw_encoding encoding, bool aligned)
{
	unsigned unit = hw_encoding_unit(encoding);
	uint64_t places = unit == 2 ? 0x5555555555555555 : 0x1111111111111111;
	uint64_t here = latin_units(scanner, 0, encoding);
	size_t done = 0;

	for (size_t word = 0; word * 64 < scanner->size; word++) {
		uint64_t next = latin_units(scanner, word + 1, encoding);
		uint64_t starts = here & (aligned ? places : ~places);

		for (unsigned i = 1; starts && i < SHORTEST; i++)
			starts &= shifted(here, next, i * unit);
		for (; starts; starts &= starts - 1) {
			size_t start = word * 64 + (size_t)__builtin_ctzll(starts);

			if (start >= done && !hw_text_bit(scanner->claimed, start))
				done = try_at(scanner, encoding, start, done);
		}
		here = next;
	}
}

void hw_text_find_wide_latin(struct hw_text_scanner *scanner)
{
	for (int aligned = 1; aligned >= 0; aligned--) {
		for (enum hw_encoding i = HW_ENCODING_UTF16LE; i <= HW_ENCODING_UTF32BE; i++)
			find_latin(scanner, i, aligned);
	}
}

/* Goes through [start, end) in steps of a unit; returns where to go on, at `end` or behind it. */
static size_t find_other(struct hw_text_scanner *scanner, enum hw_encoding encoding, size_t start, size_t end)
{
	unsigned unit = hw_encoding_unit(encoding);
	size_t floor = start;

	while (start < end) {
		unsigned good = hw_wide_glance(encoding, scanner->bytes + start, scanner->size - start);

		if (good < SHORTEST)
			start += (good + 1) * unit;
		else if (hw_text_bit(scanner->claimed, start))
			start += unit;
		else
			floor = start = try_at(scanner, encoding, start, floor);
	}
	return start;
}

/* Only where there are bytes that are neither ASCII nor zero. */
void hw_text_find_wide_other(struct hw_text_scanner *scanner)
{
	for (enum hw_encoding i = HW_ENCODING_UTF16LE; i <= HW_ENCODING_UTF32BE; i++) {
		size_t done = 0;

		for (size_t word = 0; word * 64 < scanner->size; word++) {
			uint64_t noise =
				~(scanner->text[word] | scanner->zero[word] | scanner->claimed[word]);
			size_t start = hw_max(word * 64, done);
			size_t end = hw_min(word * 64 + 64, scanner->size);

			if (noise && start < end)
				done = find_other(scanner, i, start, end);
		}
	}
}
