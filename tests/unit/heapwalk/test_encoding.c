/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Characters and encodings. The bytes come from Python's str.encode(). */
#include <check.h>

#include "heapwalk/encoding.h"

#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

static const struct decode_row {
	enum hw_encoding encoding;
	const uint8_t *bytes;
	size_t size;
	size_t length; /* expected; 0: not valid */
	uint32_t character;
} decode_rows[] = {
	{ HW_ENCODING_ASCII, BYTES("A"), 1, 'A' },
	{ HW_ENCODING_ASCII, BYTES("\x80"), 0, 0 },
	{ HW_ENCODING_UTF8, BYTES("A"), 1, 'A' },
	{ HW_ENCODING_UTF8, BYTES("\xc3\xa9"), 2, 0xe9 },
	{ HW_ENCODING_UTF8, BYTES("\xe2\x82\xac"), 3, 0x20ac },
	{ HW_ENCODING_UTF8, BYTES("\xf0\x9f\x98\x80"), 4, 0x1f600 },
	{ HW_ENCODING_UTF8, BYTES("\xf4\x8f\xbf\xbf"), 4, 0x10ffff },
	{ HW_ENCODING_UTF8, BYTES("\xf4\x90\x80\x80"), 0, 0 }, /* beyond Unicode */
	{ HW_ENCODING_UTF8, BYTES("\xc0\x80"), 0, 0 },         /* overlong */
	{ HW_ENCODING_UTF8, BYTES("\xe0\x80\x80"), 0, 0 },
	{ HW_ENCODING_UTF8, BYTES("\xf0\x80\x80\x80"), 0, 0 },
	{ HW_ENCODING_UTF8, BYTES("\xed\xa0\x80"), 0, 0 }, /* a surrogate */
	{ HW_ENCODING_UTF8, BYTES("\xe2\x82"), 0, 0 },     /* cut off */
	{ HW_ENCODING_UTF8, BYTES("\xe2\x82\x41"), 0, 0 },
	{ HW_ENCODING_UTF8, BYTES("\x80"), 0, 0 },
	{ HW_ENCODING_UTF8, BYTES("\xff"), 0, 0 },
	{ HW_ENCODING_UTF16LE, BYTES("\x41\x00"), 2, 'A' },
	{ HW_ENCODING_UTF16LE, BYTES("\x3d\xd8\x00\xde"), 4, 0x1f600 },
	{ HW_ENCODING_UTF16LE, BYTES("\x3d\xd8"), 0, 0 },
	{ HW_ENCODING_UTF16LE, BYTES("\x3d\xd8\x41\x00"), 0, 0 },
	{ HW_ENCODING_UTF16LE, BYTES("\x00\xde"), 0, 0 },
	{ HW_ENCODING_UTF16LE, BYTES("\x41"), 0, 0 },
	{ HW_ENCODING_UTF16BE, BYTES("\x04\x16"), 2, 0x416 },
	{ HW_ENCODING_UTF16BE, BYTES("\xd8\x3d\xde\x00"), 4, 0x1f600 },
	{ HW_ENCODING_UTF32LE, BYTES("\x00\xf6\x01\x00"), 4, 0x1f600 },
	{ HW_ENCODING_UTF32LE, BYTES("\x00\x00\x11\x00"), 0, 0 },
	{ HW_ENCODING_UTF32LE, BYTES("\x00\xd8\x00\x00"), 0, 0 },
	{ HW_ENCODING_UTF32LE, BYTES("\x41\x00\x00"), 0, 0 },
	{ HW_ENCODING_UTF32BE, BYTES("\x00\x01\xf6\x00"), 4, 0x1f600 },
};

START_TEST (decode) {
	const struct decode_row *row = &decode_rows[_i];
	uint32_t character = 0;

	ck_assert_uint_eq(hw_encoding_decode(row->encoding, row->bytes, row->size, &character), row->length);
	if (row->length)
		ck_assert_uint_eq(character, row->character);
}
END_TEST

START_TEST (encode_undoes_decode) {
	static const uint32_t characters[] = { 'A', 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff };

	for (size_t i = 0; i < hw_array_size(characters); i++) {
		char out[4];
		size_t length = hw_utf8_encode(characters[i], out);
		uint32_t back;

		ck_assert_uint_eq(
			hw_encoding_decode(HW_ENCODING_UTF8, (uint8_t *)out, length, &back), length);
		ck_assert_uint_eq(back, characters[i]);
	}
}
END_TEST

static const struct run_row {
	const uint8_t *bytes;
	size_t size;
	size_t run;
} utf8_rows[] = {
	{ BYTES(""), 0 }, { BYTES("\0abc"), 0 }, { BYTES("hello"), 5 },
	{ BYTES("hello, wide world of text"), 25 }, { BYTES("hello\0world"), 5 },
	{ BYTES("12345678\x01"), 8 }, { BYTES("1234567\x7f"), 7 }, { BYTES("a\tb\r\nc"), 6 },
	{ BYTES("a\x1b[31m"), 1 }, { BYTES("caf\xc3\xa9 au lait, twice\x02"), 20 }, { BYTES("caf\xc3"), 3 },
	{ BYTES("na\xc2\x85"), 2 },              /* U+0085 is a control */
	{ BYTES("priv\xee\x80\x80"), 4 },        /* private use */
	{ BYTES("\xf0\x9f\x98\x80 smile"), 10 }, /* an emoji */
};

START_TEST (utf8_run) {
	ck_assert_uint_eq(hw_utf8_run(utf8_rows[_i].bytes, utf8_rows[_i].size), utf8_rows[_i].run);
}
END_TEST

static const struct wide_row {
	const char *what;
	enum hw_encoding encoding;
	const uint8_t *bytes;
	size_t size;
	size_t run;
	size_t characters; /* 0: not plausible */
} wide_rows[] = {
	{ "Hello, 16", HW_ENCODING_UTF16LE, BYTES("H\0e\0l\0l\0o\0\0\0x\0"), 10, 5 },
	{ "the same, big-endian", HW_ENCODING_UTF16BE, BYTES("\0H\0e\0l\0l\0o\0\0\0x"), 10, 5 },
	{ "wchar_t", HW_ENCODING_UTF32LE, BYTES("H\0\0\0e\0\0\0l\0\0\0l\0\0\0o\0\0\0\0\0\0\0"), 20, 5 },
	/* 'Привет, bob' */
	{ "Cyrillic with Latin", HW_ENCODING_UTF16LE,
		BYTES("\x1f\x04\x40\x04\x38\x04\x32\x04\x35\x04\x42\x04,\0 \0b\0o\0b\0\0\0"), 22, 11 },
	/* '日本語テキスト' */
	{ "Japanese", HW_ENCODING_UTF16LE, BYTES("\xe5\x65\x2c\x67\x9e\x8a\xc6\x30\xad\x30\xb9\x30\xc8\x30"),
		14, 7 },
	{ "Han, then Cyrillic", HW_ENCODING_UTF16LE,
		BYTES("\xe5\x65\x2c\x67\x9e\x8a\x87\x65\x57\x5b\x1f\x04"), 10, 5 },
	{ "a hash that reads as Han", HW_ENCODING_UTF16LE, BYTES("\xe5\x65\x2c\x67\x9e\x8a\x87\x65\0\0"), 8,
		0 },
	/* CPython's (LOAD_CONST, RETURN_VALUE), (LOAD_FAST, ...): */
	{ "byte code", HW_ENCODING_UTF16LE, BYTES("d\0S\0d\0S\0"), 8, 0 },
	{ "byte code, big-endian", HW_ENCODING_UTF16BE, BYTES("\x7c\4\x7c\5\x64\4\x7a\15\x7c\1"), 10, 0 },
	{ "numbers 100 80 48 64", HW_ENCODING_UTF32LE, BYTES("\x64\0\0\0\x50\0\0\0\x30\0\0\0\x40\0\0\0"), 16,
		0 },
	{ "one value again and again", HW_ENCODING_UTF16LE, BYTES("d\0d\0d\0d\0d\0d\0d\0d\0"), 16, 0 },
	{ "a date is text if long", HW_ENCODING_UTF16LE,
		BYTES("2\0"
		      "0\0"
		      "2\0"
		      "6\0-\0"
		      "0\0"
		      "1\0-\0"),
		16, 8 },
	{ "a short number is not", HW_ENCODING_UTF16LE,
		BYTES("2\0"
		      "0\0"
		      "2\0"
		      "6\0\0\0"),
		8, 0 },
	{ "a character of no script", HW_ENCODING_UTF16LE, BYTES("a\0b\0c\0d\0\x01\xe0"), 8, 4 },
	{ "no text at all", HW_ENCODING_UTF16LE, BYTES("\1\0b\0"), 0, 0 },
};

START_TEST (wide_run) {
	const struct wide_row *row = &wide_rows[_i];
	size_t characters = 0;

	ck_assert_msg(
		hw_wide_run(row->encoding, row->bytes, row->size, &characters) == row->run, "%s", row->what);
	ck_assert_msg(characters == row->characters, "%s: %zu characters", row->what, characters);
}
END_TEST

/* The word-at-a-time masks against the plain definition, for every byte value in every place. */
START_TEST (masks) {
	for (unsigned value = 0; value < 256; value++) {
		for (unsigned place = 0; place < 8; place++) {
			uint64_t eight = 0xff0041007f208041 & ~((uint64_t)0xff << 8 * place);
			unsigned printable = 0, zero = 0;

			eight |= (uint64_t)value << 8 * place;
			for (unsigned i = 0; i < 8; i++) {
				uint8_t byte = (uint8_t)(eight >> 8 * i);

				printable |= (unsigned)(byte >= 0x20 && byte <= 0x7e) << i;
				zero |= (unsigned)(byte == 0) << i;
			}
			ck_assert_uint_eq(hw_byte_mask(hw_printable_bytes(eight)), printable);
			ck_assert_uint_eq(hw_byte_mask(hw_zero_bytes(eight)), zero);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encoding");
	TCase *tests = tcase_create("encoding");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, decode, 0, hw_array_size(decode_rows));
	tcase_add_test(tests, encode_undoes_decode);
	tcase_add_loop_test(tests, utf8_run, 0, hw_array_size(utf8_rows));
	tcase_add_loop_test(tests, wide_run, 0, hw_array_size(wide_rows));
	tcase_add_test(tests, masks);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
