/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Characters and their encodings. */
#include <endian.h>

#include "heapwalk/encoding.h"

bool hw_character_is_text(uint32_t character)
{
	if (character < 0x7f)
		return character >= 0x20 || character == '\t' || character == '\n' || character == '\r';
	if (character < 0xa0)
		return false; /* DEL and the C1 controls */
	if (character < 0xd800)
		return true;
	if (character < 0xf900)
		return false; /* surrogates and private use */
	if (character < 0x10000)
		return !(character >= 0xfdd0 && character < 0xfdf0) && character <= 0xfffd;
	/* Unicode's planes 1 to 3 hold scripts and emoji; of plane 14 only variation selectors occur in text.
	 */
	if ((character & 0xfffe) == 0xfffe)
		return false;
	return character < 0x32400 || (character >= 0xe0100 && character < 0xe01f0);
}

/* The Unicode Standard, table 3-7: the bytes that may follow each first byte. */
static size_t utf8_decode(const uint8_t *bytes, size_t size, uint32_t *character)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = bytes[0];
	size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t value;

	if (length < 2) {
		*character = first;
		return length;
	}
	if (first > 0xf4 || size < length)
		return 0;
	value = first & (0x7f >> length);
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	*character = value;
	return length;
}

static uint16_t unit16(const uint8_t *bytes, bool big_endian)
{
	uint16_t raw;

	memcpy(&raw, bytes, sizeof(raw));
	return big_endian ? be16toh(raw) : le16toh(raw);
}

static size_t utf16_decode(const uint8_t *bytes, size_t size, bool big_endian, uint32_t *character)
{
	uint16_t high, low;

	if (size < 2)
		return 0;
	high = unit16(bytes, big_endian);
	if (high < 0xd800 || high >= 0xe000) {
		*character = high;
		return 2;
	}
	if (high >= 0xdc00 || size < 4)
		return 0;
	low = unit16(bytes + 2, big_endian);
	if (low < 0xdc00 || low >= 0xe000)
		return 0;
	*character = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (low - 0xdc00);
	return 4;
}

static size_t utf32_decode(const uint8_t *bytes, size_t size, bool big_endian, uint32_t *character)
{
	uint32_t raw;

	if (size < 4)
		return 0;
	memcpy(&raw, bytes, sizeof(raw));
	raw = big_endian ? be32toh(raw) : le32toh(raw);
	if (raw > 0x10ffff || (raw >= 0xd800 && raw < 0xe000))
		return 0;
	*character = raw;
	return 4;
}

size_t hw_encoding_decode(enum hw_encoding encoding, const uint8_t *bytes, size_t size, uint32_t *character)
{
	if (!size)
		return 0;
	switch (encoding) {
	case HW_ENCODING_ASCII:
		*character = bytes[0];
		return bytes[0] < 0x80;
	case HW_ENCODING_UTF8:
		return utf8_decode(bytes, size, character);
	case HW_ENCODING_UTF16LE:
	case HW_ENCODING_UTF16BE:
		return utf16_decode(bytes, size, encoding == HW_ENCODING_UTF16BE, character);
	case HW_ENCODING_UTF32LE:
	case HW_ENCODING_UTF32BE:
		return utf32_decode(bytes, size, encoding == HW_ENCODING_UTF32BE, character);
	}
	return 0;
}

size_t hw_utf8_encode(uint32_t character, char *out)
{
	if (character < 0x80) {
		out[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		out[0] = (char)(0xc0 | character >> 6);
		out[1] = (char)(0x80 | (character & 0x3f));
		return 2;
	}
	if (character < 0x10000) {
		out[0] = (char)(0xe0 | character >> 12);
		out[1] = (char)(0x80 | (character >> 6 & 0x3f));
		out[2] = (char)(0x80 | (character & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | character >> 18);
	out[1] = (char)(0x80 | (character >> 12 & 0x3f));
	out[2] = (char)(0x80 | (character >> 6 & 0x3f));
	out[3] = (char)(0x80 | (character & 0x3f));
	return 4;
}

/* Bytes of printable ASCII at the beginning, eight at a time. */
static size_t printable_run(const uint8_t *bytes, size_t size)
{
	size_t done = 0;

	for (; size - done >= 8; done += 8) {
		uint64_t eight, bad;

		memcpy(&eight, bytes + done, sizeof(eight));
		bad = hw_printable_bytes(le64toh(eight)) ^ 0x8080808080808080;
		if (bad)
			return done + (size_t)__builtin_ctzll(bad) / 8;
	}
	while (done < size && bytes[done] >= 0x20 && bytes[done] < 0x7f)
		done++;
	return done;
}

size_t hw_utf8_run(const uint8_t *bytes, size_t size)
{
	size_t done = printable_run(bytes, size);

	while (done < size && bytes[done]) {
		uint32_t character;
		size_t length = utf8_decode(bytes + done, size - done, &character);

		if (!length || !hw_character_is_text(character))
			break;
		done += length;
		done += printable_run(bytes + done, size - done);
	}
	return done;
}

/* Which characters go together in one text. */
enum script {
	SCRIPT_NONE,   /* no text, or so rare that it is more likely no text */
	SCRIPT_COMMON, /* ASCII, and marks and punctuation that all share */
	SCRIPT_LATIN,
	SCRIPT_GREEK,
	SCRIPT_CYRILLIC,
	SCRIPT_HEBREW_ARABIC,
	SCRIPT_INDIC,
	SCRIPT_HAN_KANA,
	SCRIPT_HANGUL,
};

/* By the 256 characters that a block of the basic plane has; a few blocks are shared by two scripts. */
static const uint8_t block_scripts[256] = {
	[0x00] = SCRIPT_COMMON, /* its upper quarter is told apart below */
	[0x01] = SCRIPT_LATIN,
	[0x03] = SCRIPT_GREEK,
	[0x04] = SCRIPT_CYRILLIC,
	[0x05 ... 0x06] = SCRIPT_HEBREW_ARABIC,
	[0x09 ... 0x0e] = SCRIPT_INDIC,
	[0x1e] = SCRIPT_LATIN,
	[0x20 ... 0x27] = SCRIPT_COMMON, /* punctuation, signs, arrows, boxes, symbols */
	[0x30] = SCRIPT_HAN_KANA,
	[0x4e ... 0x9f] = SCRIPT_HAN_KANA,
	[0xac ... 0xd7] = SCRIPT_HANGUL,
	[0xff] = SCRIPT_COMMON,
};

static enum script script_of(uint32_t character)
{
	if (character >= 0x10000)
		return character >= 0x1f300 && character < 0x1fb00 ? SCRIPT_COMMON : SCRIPT_NONE;
	if (character >= 0xc0 && character < 0x100)
		return SCRIPT_LATIN;
	if (character >= 0x300 && character < 0x370)
		return SCRIPT_NONE; /* combining marks: whoever stores UTF-16 composes them */
	if ((character >= 0x3000 && character < 0x3040) || character == 0xfeff)
		return SCRIPT_COMMON;
	return (enum script)block_scripts[character >> 8];
}

const uint8_t hw_ascii_classes[128] = {
	['a' ... 'z'] = HW_CLASS_LOWER,
	['A' ... 'Z'] = HW_CLASS_UPPER,
	['0' ... '9'] = HW_CLASS_DIGIT,
	[' '] = HW_CLASS_MARK,
	['-' ... '/'] = HW_CLASS_MARK,
	[':'] = HW_CLASS_MARK,
	['_'] = HW_CLASS_MARK,
};

/* A run of characters in one wide encoding, as far as it has been read. */
struct wide_run {
	enum script script;
	size_t characters;
	size_t letters;       /* or spaces */
	size_t ascii_letters; /* or spaces: of them */
	size_t kana;
	size_t dense;           /* characters in the upper three quarters of their blocks */
	size_t changes;         /* from one class to another */
	uint32_t first, second; /* two different characters of it */
	uint32_t last;
	bool varied; /* it has a third one */
};

/* False when the character cannot be of the same text. ASCII goes with every script. */
static bool wide_run_add(struct wide_run *run, enum script script, uint32_t character)
{
	bool ascii_letter = character == ' ' || ((character | 0x20) - 'a') < 26;

	if (script > SCRIPT_COMMON && run->script > SCRIPT_COMMON && script != run->script)
		return false;
	if (script > run->script)
		run->script = script;
	if (!run->characters)
		run->first = run->second = run->last = character;
	run->varied |= run->second != run->first && character != run->first && character != run->second;
	if (run->second == run->first)
		run->second = character;
	run->changes += hw_character_class(character) != hw_character_class(run->last);
	run->last = character;
	run->characters++;
	run->letters += script > SCRIPT_COMMON || ascii_letter;
	run->ascii_letters += ascii_letter;
	run->kana += character >= 0x3040 && character < 0x3100;
	run->dense += (character & 0xff) >= 0x40;
	return true;
}

/*
 * Numbers may be characters by accident, byte code with its pairs of small numbers most of all.
 *
 * A few small ones in a row ({ 100, 80, 48, 64 }) are no text: a short one must be made of letters and look
 * like words. Numbers of 256 to 383 are Latin letters with marks, but texts have more without. Four numbers
 * out of a third of all are Han or Hangul, as a hash of eight bytes may well be; and these two use all their
 * blocks evenly.
 */
static bool wide_run_is_plausible(const struct wide_run *run)
{
	bool uses_thousands = run->script >= SCRIPT_HAN_KANA && run->kana < 2;

	if (!run->varied)
		return false;
	if (run->script == SCRIPT_LATIN && run->ascii_letters * 2 < run->characters)
		return false;
	if (uses_thousands && (run->characters < 5 || run->dense * 2 < run->characters))
		return false;
	if (run->characters < 8)
		return run->letters * 4 >= run->characters * 3 && run->changes <= 2;
	return run->script <= SCRIPT_COMMON || run->letters * 2 >= run->characters;
}

size_t hw_wide_run(enum hw_encoding encoding, const uint8_t *bytes, size_t size, size_t *characters)
{
	struct wide_run run = { .script = SCRIPT_COMMON };
	uint32_t character;
	size_t done = 0;

	while (done < size) {
		size_t length = hw_encoding_decode(encoding, bytes + done, size - done, &character);
		enum script script;

		if (!length || !hw_character_is_text(character))
			break;
		script = script_of(character);
		if (script == SCRIPT_NONE)
			break;
		if (!wide_run_add(&run, script, character))
			break;
		done += length;
	}
	*characters = wide_run_is_plausible(&run) ? run.characters : 0;
	return done;
}

unsigned hw_wide_glance(enum hw_encoding encoding, const uint8_t *bytes, size_t size)
{
	unsigned unit = hw_encoding_unit(encoding), count = 0;

	for (; count < 4 && (count + 1) * unit <= size; count++) {
		const uint8_t *at = bytes + count * unit;
		uint32_t value;

		if (unit == 2) {
			value = unit16(at, encoding == HW_ENCODING_UTF16BE);
		} else {
			memcpy(&value, at, sizeof(value));
			value = encoding == HW_ENCODING_UTF32BE ? be32toh(value) : le32toh(value);
		}
		if (!value || value >= 0x20000)
			break;
		if (value < 0x10000 && !block_scripts[value >> 8] && !(unit == 2 && value >> 11 == 0x1b))
			break;
	}
	return count;
}
