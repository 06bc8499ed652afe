/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wide texts: UTF-16 and UTF-32 in both byte orders. */
#include "heapwalk/strings_scan.h"

#define SHORTEST        4 /* characters */
#define SHORTEST_NO_END 6 /* of a Latin text that no zero ends: its own zeros tell it well enough */

/* What is being looked for. */
struct search {
	struct hw_text_scanner *scanner;
	enum hw_encoding encoding;
	unsigned unit; /* bytes of a code unit */
	bool latin;    /* texts with a Latin part, which need no end */
};

/* The bits `by` places further on. */
static uint64_t shifted(uint64_t word, uint64_t next, unsigned by)
{
	return by ? word >> by | next << (64 - by) : word;
}

/* Where a code unit with a Latin letter, digit or mark may stand: a byte of text among zeros. */
static uint64_t latin_units(const struct search *search, size_t word)
{
	const struct hw_text_scanner *scanner = search->scanner;
	enum hw_encoding encoding = search->encoding;
	bool big_endian = encoding == HW_ENCODING_UTF16BE || encoding == HW_ENCODING_UTF32BE;
	unsigned letter = big_endian ? search->unit - 1 : 0;
	uint64_t units = UINT64_MAX;

	if (word + 1 >= HW_SCAN_WORDS)
		return 0;
	for (unsigned i = 0; i < search->unit; i++) {
		const uint64_t *bits = i == letter ? scanner->text : scanner->zero;

		units &= shifted(bits[word], bits[word + 1], i);
	}
	return units;
}

/*
 * Read as UTF-16, ASCII gives Han. Real Han has printable bytes too, but seldom four in a row; where half of
 * the bytes stand in such rows it is ASCII.
 */
static bool is_narrow_in_truth(const struct hw_text_scanner *scanner, size_t start, size_t size)
{
	size_t in_rows = 0, row = 0;

	for (size_t at = start; at < start + size; at++) {
		row = hw_text_bit(scanner->text, at) ? row + 1 : 0;
		in_rows += row == 4 ? 4 : row > 4;
	}
	return in_rows * 2 >= size;
}

/*
 * The wrong byte order gives characters too, only of many more blocks: the high bytes of a text vary less
 * than the low ones.
 */
static bool is_right_order(const struct search *search, size_t start, size_t size)
{
	uint64_t seen[2][4] = { { 0 } };
	int first = 0, second = 0; /* different values of each unit's bytes */

	if (search->unit != 2)
		return true;
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = search->scanner->bytes[start + i];

		seen[i % 2][byte / 64] |= UINT64_C(1) << byte % 64;
	}
	for (int i = 0; i < 4; i++) {
		first += __builtin_popcountll(seen[0][i]);
		second += __builtin_popcountll(seen[1][i]);
	}
	return search->encoding == HW_ENCODING_UTF16LE ? second <= first : first <= second;
}

static bool has_end(const struct search *search, const struct hw_text *text)
{
	static const uint8_t zeros[4];
	const struct hw_text_scanner *scanner = search->scanner;
	size_t end = text->start + text->size;

	/* One that goes on in the next block counts by its beginning. */
	if (scanner->size - end < search->unit)
		return !scanner->is_last;
	return !memcmp(scanner->bytes + end, zeros, search->unit);
}

/* What may be a text at `start`; its size is how far it goes, also when it is none. */
static struct hw_text measure(const struct search *search, size_t start, bool *is_text)
{
	const struct hw_text_scanner *scanner = search->scanner;
	struct hw_text text = { .start = start, .encoding = search->encoding };
	size_t characters;

	text.size = hw_wide_run(search->encoding, scanner->bytes + start, scanner->size - start, &characters);
	*is_text = characters >= hw_max(scanner->minimum, (size_t)SHORTEST) &&
		   (has_end(search, &text) || (search->latin && characters >= SHORTEST_NO_END)) &&
		   !hw_text_any(scanner->claimed, start, start + text.size);
	if (*is_text && !search->latin)
		*is_text = !is_narrow_in_truth(scanner, start, text.size) &&
			   is_right_order(search, start, text.size);
	return text;
}

/* Whether the unit before `start` may be a character of the same text. */
static bool goes_back(const struct search *search, size_t start)
{
	const struct hw_text_scanner *scanner = search->scanner;
	size_t before = start - search->unit;
	uint32_t character;

	if (hw_text_any(scanner->claimed, before, start) ||
		!hw_wide_glance(search->encoding, scanner->bytes + before, search->unit) ||
		!hw_encoding_decode(search->encoding, scanner->bytes + before, search->unit, &character))
		return false;
	return start < 4 || !is_narrow_in_truth(scanner, start - 4, 4);
}

/*
 * Tells the text around `start`, if it is one; its beginning is not before `floor`. Returns how far it goes:
 * nobody need look there again.
 */
static size_t try_at(const struct search *search, size_t start, size_t floor)
{
	size_t begin = start;
	struct hw_text text;
	bool is_text;

	while (begin >= floor + search->unit && goes_back(search, begin))
		begin -= search->unit;
	text = measure(search, begin, &is_text);
	if (!is_text && begin != start)
		text = measure(search, start, &is_text);
	if (is_text)
		hw_text_scanner_tell(search->scanner, &text);
	return hw_max(text.start + text.size, start + search->unit);
}

/* Places that are a multiple of the unit. */
static uint64_t aligned_places(const struct search *search)
{
	return search->unit == 2 ? 0x5555555555555555 : 0x1111111111111111;
}

/* Where four units in a row begin, of those in `here` and, in the next word, `next`. */
static uint64_t four_in_a_row(const struct search *search, uint64_t here, uint64_t next)
{
	uint64_t starts = here;

	for (unsigned i = 1; starts && i < SHORTEST; i++)
		starts &= shifted(here, next, i * search->unit);
	return starts;
}

/* Four units in a row that may be Latin, at a multiple of the unit or at other places. */
static void find_latin(const struct search *search, bool aligned)
{
	const struct hw_text_scanner *scanner = search->scanner;
	uint64_t places = aligned ? aligned_places(search) : ~aligned_places(search);
	uint64_t here = latin_units(search, 0);
	size_t done = 0;

	for (size_t word = 0; word * 64 < scanner->size; word++) {
		uint64_t next = latin_units(search, word + 1);
		uint64_t starts = four_in_a_row(search, here, next) & places;

		for (; starts; starts &= starts - 1) {
			size_t start = word * 64 + (size_t)__builtin_ctzll(starts);

			if (start >= done && !hw_text_bit(scanner->claimed, start))
				done = try_at(search, start, done);
		}
		here = next;
	}
}

/* Where a unit that is not zero stands; of UTF-32 one whose highest byte is. */
static uint64_t full_units(const struct search *search, size_t word)
{
	const struct hw_text_scanner *scanner = search->scanner;
	unsigned highest = search->encoding == HW_ENCODING_UTF32LE ? 3 : 0;
	uint64_t empty = UINT64_MAX;

	if (word + 1 >= HW_SCAN_WORDS)
		return 0;
	for (unsigned i = 0; i < search->unit; i++)
		empty &= shifted(scanner->zero[word], scanner->zero[word + 1], i);
	if (search->unit == 4)
		empty |= ~shifted(scanner->zero[word], scanner->zero[word + 1], highest);
	return ~empty & aligned_places(search);
}

/* Where something may begin: at the block's start, behind a zero unit, behind what is claimed. */
static uint64_t beginnings(const struct search *search, size_t word)
{
	const struct hw_text_scanner *scanner = search->scanner;
	uint64_t before = word ? scanner->zero[word - 1] : 0;
	uint64_t claimed_before = word ? scanner->claimed[word - 1] : 0;
	uint64_t empty = UINT64_MAX;

	for (unsigned i = 1; i <= search->unit; i++)
		empty &= scanner->zero[word] << i | before >> (64 - i);
	return empty | scanner->claimed[word] << 1 | claimed_before >> 63 | !word;
}

/* Texts without a Latin part: by their beginning, since in the midst of numbers anything may be a character.
 */
static void find_other(const struct search *search)
{
	struct hw_text_scanner *scanner = search->scanner;
	uint64_t here = full_units(search, 0);

	for (size_t word = 0; word * 64 < scanner->size; word++) {
		uint64_t next = full_units(search, word + 1);
		uint64_t starts = four_in_a_row(search, here, next);

		if (starts)
			starts &= beginnings(search, word) & ~scanner->claimed[word];
		for (; starts; starts &= starts - 1) {
			size_t start = word * 64 + (size_t)__builtin_ctzll(starts);
			struct hw_text text;
			bool is_text;

			if (start + SHORTEST * search->unit > scanner->size)
				return;
			if (hw_wide_glance(search->encoding, scanner->bytes + start, scanner->size - start) <
				SHORTEST)
				continue;
			text = measure(search, start, &is_text);
			if (is_text)
				hw_text_scanner_tell(scanner, &text);
		}
		here = next;
	}
}

static struct search search_for(struct hw_text_scanner *scanner, enum hw_encoding encoding, bool latin)
{
	return (struct search){ scanner, encoding, hw_encoding_unit(encoding), latin };
}

/* In a wide Latin text letters and zeros take turns; most chunks are done with this question. */
static bool may_have_latin(const struct hw_text_scanner *scanner)
{
	unsigned turns = 0;

	for (size_t word = 0; word * 64 < scanner->size && turns < SHORTEST - 1; word++) {
		uint64_t here =
			scanner->text[word] & shifted(scanner->zero[word], scanner->zero[word + 1], 1);

		for (; here && turns < SHORTEST - 1; here &= here - 1)
			turns++;
	}
	return turns >= SHORTEST - 1;
}

void hw_text_find_wide_latin(struct hw_text_scanner *scanner)
{
	if (!may_have_latin(scanner))
		return;
	for (int aligned = 1; aligned >= 0; aligned--) {
		for (enum hw_encoding i = HW_ENCODING_UTF16LE; i <= HW_ENCODING_UTF32BE; i++) {
			struct search search = search_for(scanner, i, true);

			find_latin(&search, aligned);
		}
	}
}

void hw_text_find_wide_other(struct hw_text_scanner *scanner)
{
	for (enum hw_encoding i = HW_ENCODING_UTF16LE; i <= HW_ENCODING_UTF32BE; i++) {
		struct search search = search_for(scanner, i, false);

		find_other(&search);
	}
}
