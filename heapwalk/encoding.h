/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Characters: which code points count as text, and how they stand in memory in the encodings that enum
 * hw_encoding lists. Knows nothing about chunks. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_ENCODING_H
#define HW_HEAPWALK_ENCODING_H

#include "heapwalk/heap.h"

/*
 * True for what a person would call a character: no controls but tab, newline and carriage return, no
 * surrogates, private use, noncharacters or planes without any script.
 */
bool hw_character_is_text(uint32_t character);

/* What a character is in a word; a name seldom goes from one to another. */
enum hw_character_class {
	HW_CLASS_OTHER,
	HW_CLASS_LOWER, /* Latin letters with marks among them */
	HW_CLASS_UPPER,
	HW_CLASS_DIGIT,
	HW_CLASS_MARK,    /* space _ - . / : */
	HW_CLASS_FOREIGN, /* any character beyond Latin */
};

extern const uint8_t hw_ascii_classes[128];

static inline enum hw_character_class hw_character_class(uint32_t character)
{
	if (character < 0x80)
		return (enum hw_character_class)hw_ascii_classes[character];
	return character < 0x180 ? HW_CLASS_LOWER : HW_CLASS_FOREIGN;
}

/*
 * Decodes the character at `bytes` in the encoding; its length in bytes, 0 when there are no `size` bytes for
 * it or they are no valid form of it (overlong, lone surrogate, beyond U+10FFFF). ASCII takes bytes < 0x80.
 */
size_t hw_encoding_decode(enum hw_encoding encoding, const uint8_t *bytes, size_t size, uint32_t *character);

/* Writes the character as UTF-8, 1 to 4 bytes; returns how many. Must be a valid code point. */
size_t hw_utf8_encode(uint32_t character, char *out);

/* Bytes of one code unit: 1, 2 or 4. */
static inline unsigned hw_encoding_unit(enum hw_encoding encoding)
{
	return encoding >= HW_ENCODING_UTF32LE ? 4 : encoding >= HW_ENCODING_UTF16LE ? 2 : 1;
}

/* Length in bytes of the text in ASCII or UTF-8 that `bytes` begin with. */
size_t hw_utf8_run(const uint8_t *bytes, size_t size);

/*
 * Length in bytes of the text in a 16- or 32-bit encoding that `bytes` begin with, and how many characters it
 * has: 0 when they are not plausible as one text. Almost every pair of bytes is some character of UTF-16, so
 * a text ends where the script changes (but all scripts go with Latin and with marks), and one of a few
 * characters must be made of letters.
 */
size_t hw_wide_run(enum hw_encoding encoding, const uint8_t *bytes, size_t size, size_t *characters);

/*
 * A quick look before hw_wide_run(): how many of the first four code units may be characters (surrogates
 * count as such). No wide text of four characters begins where it says less than 4.
 */
unsigned hw_wide_glance(enum hw_encoding encoding, const uint8_t *bytes, size_t size);

/* The highest bit of each byte that is printable ASCII, of eight bytes loaded in little-endian order. */
static inline uint64_t hw_printable_bytes(uint64_t eight)
{
	const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	uint64_t low = eight & ~highs; /* so that no sum carries into the next byte */

	return (low + 0x60 * ones) & ~(low + ones) & ~eight & highs;
}

/* The highest bit of each byte that is zero. */
static inline uint64_t hw_zero_bytes(uint64_t eight)
{
	const uint64_t highs = 0x8080808080808080;

	return ~(((eight & ~highs) + ~highs) | eight) & highs;
}

/* Eight highest bits as eight adjacent ones, the first byte's lowest. */
static inline unsigned hw_byte_mask(uint64_t high_bits)
{
	return (unsigned)((high_bits >> 7) * 0x0102040810204080 >> 56);
}

#endif
