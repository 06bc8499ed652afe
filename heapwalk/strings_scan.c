/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scan's bit maps, and narrow texts: ASCII and UTF-8. */
#include <endian.h>

#include "heapwalk/strings_scan.h"

/*
 * How long a text must be to be no accident. In random bytes a byte is printable with a probability of 0.37,
 * so a run of 8 of them occurs once in some 4,500 places; with a zero behind it a run of 4 is about as rare.
 * Where there is more noise, a text must be longer: by one byte for each factor of 2.7.
 */
#define SHORTEST          8
#define SHORTEST_WITH_END 4
#define NOISE_UNIT        64

/* Beside so many bytes of noise a text without an end must be two bytes longer at least. */
#define SOME_NOISE 16

/* Below this a text must look like a word: numbers of four bytes, such as times, often are four letters. */
#define SHORTEST_FREE 6

/*
 * Texts of this length, or half of it with an end, are told before wide texts are looked for: no UTF-16 text
 * has so many printable bytes in a row by accident.
 */
#define LONG 16

/* So many bytes that go on a character of UTF-8, each in its place, are no accident either. */
#define SURE_UTF8 3

/* The highest bit of each byte from 9 (tab) to 13 (carriage return). */
static uint64_t space_bytes(uint64_t eight)
{
	const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	uint64_t low = eight & ~highs;

	return (low + (0x80 - 9) * ones) & ~(low + (0x80 - 14) * ones) & ~eight & highs;
}

static void map_eight(struct hw_text_scanner *scanner, size_t at, uint64_t eight)
{
	uint64_t *text = &scanner->text[at / 64], *zero = &scanner->zero[at / 64];
	uint64_t *high = &scanner->high[at / 64];

	*text |= (uint64_t)hw_byte_mask(hw_printable_bytes(eight) | space_bytes(eight)) << at % 64;
	*zero |= (uint64_t)hw_byte_mask(hw_zero_bytes(eight)) << at % 64;
	*high |= (uint64_t)hw_byte_mask(eight & 0x8080808080808080) << at % 64;
}

static void make_maps(struct hw_text_scanner *scanner)
{
	size_t words = scanner->size / 64 + 3, at = 0;
	uint64_t eight = 0;

	words = hw_min(words, (size_t)HW_SCAN_WORDS) * sizeof(uint64_t);
	memset(scanner->text, 0, words);
	memset(scanner->zero, 0, words);
	memset(scanner->high, 0, words);
	memset(scanner->claimed, 0, words);
	for (; at + sizeof(eight) <= scanner->size; at += sizeof(eight)) {
		memcpy(&eight, scanner->bytes + at, sizeof(eight));
		map_eight(scanner, at, le64toh(eight));
	}
	if (at < scanner->size) {
		eight = 0x0101010101010101; /* neither text nor zero lies behind the end */
		memcpy(&eight, scanner->bytes + at, scanner->size - at);
		map_eight(scanner, at, le64toh(eight));
	}
}

void hw_text_scanner_claim(struct hw_text_scanner *scanner, size_t start, size_t end)
{
	for (size_t at = start, next; at < end; at = next) {
		next = hw_min((at | 63) + 1, end);
		scanner->claimed[at / 64] |= (next - at == 64 ? UINT64_MAX : (UINT64_C(1) << (next - at)) - 1)
					     << at % 64;
	}
}

/* Bits of the bytes [at, at + size) as a number; size is 4 or 8 and at a multiple of it. */
static unsigned word_bits(const uint64_t *bits, size_t at, unsigned size)
{
	return (unsigned)(bits[at / 64] >> at % 64) & ((1u << size) - 1);
}

/*
 * Four letters may make an address of a 32-bit target: a word of letters between other words of letters is
 * text all the same.
 */
static bool stands_in_text(const struct hw_text_scanner *scanner, size_t at, unsigned size)
{
	unsigned all = (1u << size) - 1;

	if (word_bits(scanner->text, at, size) != all)
		return false;
	return (at && word_bits(scanner->text, at - size, size) == all) ||
	       word_bits(scanner->text, at + size, size) == all;
}

static void claim_pointers(struct hw_text_scanner *scanner)
{
	unsigned size = scanner->image->word_size;

	for (size_t at = 0; at + size <= scanner->size; at += size) {
		uint64_t word = hw_image_word(scanner->image, scanner->bytes + at);

		if (hw_addresses_kind(scanner->addresses, word) && !stands_in_text(scanner, at, size))
			scanner->claimed[at / 64] |= ((UINT64_C(1) << size) - 1) << at % 64;
	}
}

static size_t count_noise(const struct hw_text_scanner *scanner)
{
	size_t quiet = 0;

	for (size_t i = 0; i <= scanner->size / 64; i++)
		quiet += (size_t)__builtin_popcountll(
			scanner->text[i] | scanner->zero[i] | scanner->claimed[i]);
	return scanner->size > quiet ? scanner->size - quiet : 0;
}

void hw_text_scanner_begin(
	struct hw_text_scanner *scanner, const uint8_t *bytes, size_t size, bool is_first, bool is_last)
{
	size_t told = 0;

	if (!is_first && scanner->end + HW_SCAN_AHEAD > scanner->size)
		told = scanner->end + HW_SCAN_AHEAD - scanner->size;
	scanner->goes_on = told == HW_SCAN_AHEAD;
	scanner->told = told;
	scanner->bytes = bytes;
	scanner->size = size;
	scanner->is_last = is_last;
	scanner->end = 0;
	scanner->candidate_count = 0;
	make_maps(scanner);
	claim_pointers(scanner);
	scanner->noise = count_noise(scanner);
	hw_text_scanner_claim(scanner, 0, hw_min(told, size));
}

void hw_text_scanner_deinit(struct hw_text_scanner *scanner)
{
	free(scanner->candidates);
	scanner->candidates = NULL;
}

void hw_text_scanner_tell(struct hw_text_scanner *scanner, const struct hw_text *text)
{
	size_t end = text->start + text->size;

	hw_text_scanner_claim(scanner, text->start, end);
	if (!scanner->is_last && text->start + HW_SCAN_AHEAD >= scanner->size)
		return;
	scanner->end = hw_max(scanner->end, end);
	/* The rest of what was told in the block before, which was longer than anybody wants to see. */
	if (scanner->goes_on && text->start == scanner->told)
		return;
	if (!scanner->stopped && !scanner->found(text, scanner->argument))
		scanner->stopped = true;
}

/* Bytes that may be of a narrow text, 64 at a time. */
static uint64_t narrow_bits(const struct hw_text_scanner *scanner, size_t word)
{
	return (scanner->text[word] | scanner->high[word]) & ~scanner->claimed[word];
}

/* The next place at or after `at` whose narrow bit is `set`; the block's size at the end. */
static size_t find_narrow_bit(const struct hw_text_scanner *scanner, size_t at, bool set)
{
	while (at < scanner->size) {
		uint64_t bits = narrow_bits(scanner, at / 64);

		bits = (set ? bits : ~bits) >> at % 64;
		if (bits)
			return hw_min(at + (size_t)__builtin_ctzll(bits), scanner->size);
		at = (at | 63) + 1;
	}
	return scanner->size;
}

static size_t count_characters(const uint8_t *bytes, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += (bytes[i] & 0xc0) != 0x80;
	return count;
}

static bool add_candidate(struct hw_text_scanner *scanner, size_t start, size_t size)
{
	struct hw_text *text =
		hw_array_next(scanner->candidates, scanner->candidate_count, scanner->candidate_capacity);
	bool high = hw_text_any(scanner->high, start, start + size);

	if (!text)
		return false;
	if (high) {
		size_t characters = count_characters(scanner->bytes + start, size);

		scanner->noise -= hw_min(scanner->noise, size - characters + 1);
		if (characters < scanner->minimum)
			return true;
	}
	*text = (struct hw_text){ start, size, high ? HW_ENCODING_UTF8 : HW_ENCODING_ASCII };
	scanner->candidate_count++;
	return true;
}

/* The first byte in [start, end) that may begin a character: ASCII, or a lead byte with a second one. */
static size_t skip_stray(const uint8_t *bytes, size_t start, size_t end)
{
	while (start < end && bytes[start] >= 0x80 &&
		(bytes[start] < 0xc2 || start + 1 == end || (bytes[start + 1] & 0xc0) != 0x80))
		start++;
	return start;
}

/* Splits bytes that are all text or high into what is really UTF-8. */
static bool split_run(struct hw_text_scanner *scanner, size_t start, size_t end)
{
	while (start = skip_stray(scanner->bytes, start, end), end - start >= scanner->minimum) {
		size_t run = hw_utf8_run(scanner->bytes + start, end - start);

		if (run >= scanner->minimum && !add_candidate(scanner, start, run))
			return false;
		start += run ? run : 1;
	}
	return true;
}

static bool find_candidates(struct hw_text_scanner *scanner)
{
	size_t start = 0, end;

	while ((start = find_narrow_bit(scanner, start, true)) < scanner->size) {
		end = find_narrow_bit(scanner, start, false);
		if (!split_run(scanner, start, end))
			return false;
		start = end;
	}
	return true;
}

/* "user", "Name", "HTTP", "utf8", "/tmp", but not "4b3i" or "Qx#7". */
static bool looks_like_word(const uint8_t *bytes, size_t size)
{
	enum hw_character_class last = hw_character_class(bytes[0]);
	unsigned changes = 0;

	for (size_t i = 0; i < size; i++) {
		/* A byte of a longer character passes for a letter. */
		enum hw_character_class class = hw_character_class(bytes[i]);

		if (class == HW_CLASS_OTHER)
			return false;
		changes += class != last;
		last = class;
	}
	return changes <= 1;
}

/* 7/10 of the logarithm to base 2: so many bytes more make an accident as rare again. */
static size_t more_for_noise(size_t noise)
{
	size_t units = noise / NOISE_UNIT + 1;

	return (size_t)(63 - __builtin_clzll(units)) * 7 / 10;
}

/*
 * A zero follows. The chunk's end is none: what is cut off by it is mostly left of a text that lay here
 * before and was longer than what malloc gave out now.
 */
static bool has_end(const struct hw_text_scanner *scanner, const struct hw_text *text)
{
	size_t end = text->start + text->size;

	return end < scanner->size && !scanner->bytes[end];
}

/* In noise that happens to be UTF-8 the scripts change with every character: what goes together counts. */
static size_t weigh(const struct hw_text_scanner *scanner, const struct hw_text *text)
{
	const uint8_t *bytes = scanner->bytes + text->start;
	size_t characters;

	if (text->encoding == HW_ENCODING_ASCII)
		return text->size;
	return count_characters(bytes, hw_wide_run(HW_ENCODING_UTF8, bytes, text->size, &characters));
}

/* Tabs and line ends at every second place: numbers of 16 bits (offsets in a database page, for one). */
static bool is_mostly_control(const uint8_t *bytes, size_t size)
{
	size_t controls = 0;

	for (size_t i = 0; i < size; i++)
		controls += bytes[i] < ' ';
	return controls * 3 > size;
}

static bool is_no_accident(const struct hw_text_scanner *scanner, const struct hw_text *text)
{
	const uint8_t *bytes = scanner->bytes + text->start;
	size_t shortest = SHORTEST + (scanner->noise < SOME_NOISE ? 0 : 2);

	if (has_end(scanner, text))
		shortest = hw_min(scanner->minimum, (size_t)SHORTEST_WITH_END);
	if (weigh(scanner, text) < shortest + more_for_noise(scanner->noise))
		return false;
	if (is_mostly_control(bytes, text->size))
		return false;
	return text->size >= SHORTEST_FREE || looks_like_word(bytes, text->size);
}

/* Characters of more than a byte that go together: UTF-8 for sure, though maybe only a scrap of a text. */
static bool is_surely_utf8(const struct hw_text_scanner *scanner, const struct hw_text *text)
{
	const uint8_t *bytes = scanner->bytes + text->start;
	size_t characters, size;

	if (text->encoding != HW_ENCODING_UTF8)
		return false;
	size = hw_wide_run(HW_ENCODING_UTF8, bytes, text->size, &characters);
	return size - count_characters(bytes, size) >= SURE_UTF8;
}

/* Tells the candidates that are as good as certain: no wide text will be looked for there. */
static void tell_certain(struct hw_text_scanner *scanner)
{
	for (size_t i = 0; i < scanner->candidate_count; i++) {
		const struct hw_text *text = &scanner->candidates[i];
		bool is_long = text->size >= (has_end(scanner, text) ? LONG / 2 : LONG);
		bool is_utf8 = is_surely_utf8(scanner, text);

		if ((is_long || is_utf8) && is_no_accident(scanner, text))
			hw_text_scanner_tell(scanner, text);
		else if (is_utf8)
			hw_text_scanner_claim(scanner, text->start, text->start + text->size);
	}
}

/* Those that nobody else has claimed meanwhile. */
static void tell_rest(struct hw_text_scanner *scanner)
{
	for (size_t i = 0; i < scanner->candidate_count; i++) {
		const struct hw_text *text = &scanner->candidates[i];

		if (!hw_text_any(scanner->claimed, text->start, text->start + text->size) &&
			is_no_accident(scanner, text))
			hw_text_scanner_tell(scanner, text);
	}
}

bool hw_text_scanner_find(struct hw_text_scanner *scanner)
{
	if (!find_candidates(scanner))
		return false;
	tell_certain(scanner);
	hw_text_find_wide_latin(scanner);
	hw_text_find_wide_other(scanner);
	tell_rest(scanner);
	return !scanner->stopped;
}
