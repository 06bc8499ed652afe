/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a target's text may do to the user: nothing. Expected values by Unicode's tables and ECMA-48. */
#include "tests/unit/report/report_test.h"

static const struct {
	const char *text;
	size_t length;
	const char *escaped;
	const char *ascii; /* NULL: as escaped */
} rows[] = {
	{ "plain text", 10, "plain text" },
	{ "", 0, "" },
	{ "back\\slash", 10, "back\\\\slash" },
	{ "\n\t\r", 3, "\\n\\t\\r" },
	{ "\033[31mred\033[0m", 12, "\\e[31mred\\e[0m" },
	{ "\033]0;title\007", 10, "\\e]0;title\\x07" },
	{ "a\0b", 3, "a\\x00b" },
	{ "\x7f", 1, "\\x7f" },
	{ "caf\xc3\xa9", 5, "caf\xc3\xa9", "caf\\u00e9" },
	{ "\xe6\x97\xa5", 3, "\xe6\x97\xa5", "\\u65e5" },
	{ "\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80", "\\U0001f600" },
	{ "\xc2\x9b"
	  "31m",
		5, "\\u009b31m" }, /* CSI as one C1 character */
	{ "\x9b", 1, "\\x9b" },    /* and as a raw byte */
	{ "\xe2\x80\xae"
	  "evil",
		7, "\\u202eevil" },                          /* RIGHT-TO-LEFT OVERRIDE */
	{ "\xe2\x81\xa6\xe2\x81\xa9", 6, "\\u2066\\u2069" }, /* isolates */
	{ "\xd8\x9c", 2, "\\u061c" },                        /* ARABIC LETTER MARK */
	{ "\xe2\x80\x8b", 3, "\\u200b" },                    /* ZERO WIDTH SPACE */
	{ "\xe2\x80\xa8", 3, "\\u2028" },                    /* LINE SEPARATOR */
	{ "\xef\xbb\xbf", 3, "\\ufeff" },
	{ "\xf3\xa0\x81\x81", 4, "\\U000e0041" }, /* a tag character */
	{ "\xff\xfe", 2, "\\xff\\xfe" },
	{ "\xc0\x80", 2, "\\xc0\\x80" },                   /* overlong NUL */
	{ "\xe0\x80\xaf", 3, "\\xe0\\x80\\xaf" },          /* overlong slash */
	{ "\xed\xa0\x80", 3, "\\xed\\xa0\\x80" },          /* a surrogate */
	{ "\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80" }, /* beyond U+10FFFF */
	{ "\xe6\x97", 2, "\\xe6\\x97" },                   /* cut short */
	{ "\xe6\x97z", 3, "\\xe6\\x97z" },
};

START_TEST (row_is_escaped) {
	char *escaped = hw_report_escape(rows[_i].text, rows[_i].length, false);
	char *ascii = hw_report_escape(rows[_i].text, rows[_i].length, true);

	ck_assert_str_eq(escaped, rows[_i].escaped);
	ck_assert_str_eq(ascii, rows[_i].ascii ? rows[_i].ascii : rows[_i].escaped);
	free(escaped);
	free(ascii);
}
END_TEST

/* Every byte value at every place of a few bytes: what comes out is printable and nothing is read past the
 * end. */
START_TEST (any_bytes_are_printable) {
	for (unsigned seed = 0; seed < 65536; seed++) {
		char *text = malloc(4);
		char *escaped;

		memcpy(text, (char[]){ (char)(seed >> 8), (char)seed, (char)(seed * 7), (char)(seed >> 3) },
			4);
		escaped = hw_report_escape(text, 4, true);
		for (const char *c = escaped; *c; c++)
			ck_assert(*c >= 0x20 && *c < 0x7f);
		free(escaped);
		free(text);
	}
}
END_TEST

START_TEST (long_text_is_whole) {
	size_t length = 100000;
	char *text = malloc(length);
	char *escaped;

	memset(text, '\001', length);
	escaped = hw_report_escape(text, length, false);
	ck_assert_uint_eq(strlen(escaped), 4 * length);
	free(escaped);
	free(text);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_loop_test(cases, row_is_escaped, 0, hw_array_size(rows));
	tcase_add_test(cases, any_bytes_are_printable);
	tcase_add_test(cases, long_text_is_whole);
}

int main(void)
{
	return run_cases("escape", add);
}
