/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The strings in chunks. What texts look like in each encoding comes from iconv(3). */
#include <check.h>
#include <iconv.h>

#include "tests/unit/heapwalk/fake_heap.h"

#define RW   (HW_MAP_READ | HW_MAP_WRITE)
#define HEAP UINT64_C(0x555500000000)

static const struct hw_selection all;

/* A 64-bit target with a heap; chunks are to be added. */
static void begin(struct fake_heap *fake)
{
	fake_init(fake, 8, false);
	fake_map(fake, HEAP, HEAP + 0x10000000, RW, "[heap]");
	fake_region(fake, HW_REGION_BRK, 0, HEAP);
}

static uint64_t add(struct fake_heap *fake, const void *bytes, size_t size)
{
	uint64_t chunk = hw_max(hw_round_up(size + 8, 16), UINT64_C(32));

	return fake_chunk(fake, HW_CHUNK_LIVE, HW_CONTENT_DATA, chunk, bytes, size);
}

/* Ends the heap and collects what is in it. */
static struct hw_string_table *collect(struct fake_heap *fake, const struct hw_string_options *options)
{
	struct hw_string_table *table;

	/* The last chunk's last word needs a chunk behind it. */
	fake_chunk(fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x1000, NULL, 0);
	fake_finish(fake);
	ck_assert_ptr_null(hw_strings_collect(fake->heap, &all, options, &table));
	return table;
}

static void end(struct fake_heap *fake, struct hw_string_table *table)
{
	hw_strings_destroy(table);
	fake_deinit(fake);
}

static const char *const texts[] = {
	"hello",
	"A longer text, with marks: 42!",
	"Gr\303\266\303\237e 42",
	"na\303\257ve",
	"\320\237\321\200\320\270\320\262\320\265\321\202, \320\274\320\270\321\200",           /* Russian */
	"\346\227\245\346\234\254\350\252\236\343\203\206\343\202\255\343\202\271\343\203\210", /* Japanese */
	"\355\225\234\352\265\255\354\226\264 \354\235\264\353\246\204",                        /* Korean */
	"\316\225\316\273\316\273\316\267\316\275\316\271\316\272\316\254",                     /* Greek */
	"smile \360\237\230\200 face",
	"2026-01-31 12:00:00",
};

static const struct encoding {
	const char *name; /* iconv's */
	enum hw_encoding encoding;
	size_t unit;
} encodings[] = {
	{ "UTF-8", HW_ENCODING_UTF8, 1 },
	{ "UTF-16LE", HW_ENCODING_UTF16LE, 2 },
	{ "UTF-16BE", HW_ENCODING_UTF16BE, 2 },
	{ "UTF-32LE", HW_ENCODING_UTF32LE, 4 },
	{ "UTF-32BE", HW_ENCODING_UTF32BE, 4 },
};

static size_t encode(const char *encoding, const char *text, char *out, size_t room)
{
	size_t left = strlen(text), had = room;
	char *in = (char *)(uintptr_t)text;
	iconv_t converter = iconv_open(encoding, "UTF-8");

	ck_assert_msg(converter != (iconv_t)-1, "iconv does not know %s", encoding);
	ck_assert_uint_eq(iconv(converter, &in, &left, &out, &room), 0);
	iconv_close(converter);
	return had - room;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++) {
		if (*text & 0x80)
			return false;
	}
	return true;
}

/* Each text in each encoding at offsets that are multiples of its unit, among zeros or small numbers. */
START_TEST (every_encoding) {
	static const size_t offsets[] = { 0, 4, 8, 20, 36 };
	const char *text = texts[_i];

	for (size_t e = 0; e < hw_array_size(encodings); e++) {
		for (size_t o = 0; o < 2 * hw_array_size(offsets); o++) {
			const struct encoding *encoding = &encodings[e];
			size_t offset = offsets[o / 2], size;
			char bytes[256] = { 0 };
			struct hw_string_table *table;
			struct fake_heap fake;
			uint64_t user;

			for (size_t i = 0; o % 2 && i + 8 <= sizeof(bytes); i += 4)
				bytes[i] = i + 4 == offset ? 0 : 3;
			size = encode(encoding->name, text, bytes + offset, sizeof(bytes) - 8 - offset);
			memset(bytes + offset + size, 0, encoding->unit);
			begin(&fake);
			user = add(&fake, bytes, sizeof(bytes));
			table = collect(&fake, NULL);
			ck_assert_msg(table->count == 1, "\"%s\" as %s at %zu: %zu strings, \"%s\", \"%s\"",
				text, encoding->name, offset, table->count,
				table->count ? table->strings[0].text : "",
				table->count > 1 ? table->strings[1].text : "");
			ck_assert_msg(!strcmp(table->strings[0].text, text), "\"%s\" as %s at %zu: \"%s\"",
				text, encoding->name, offset, table->strings[0].text);
			ck_assert_uint_eq(table->strings[0].length, strlen(text));
			ck_assert_int_eq(table->strings[0].encoding,
				e == 0 && is_ascii(text) ? HW_ENCODING_ASCII : encoding->encoding);
			ck_assert_uint_eq(table->strings[0].offset, offset);
			ck_assert_uint_eq(table->strings[0].example, user + offset);
			ck_assert(!table->strings[0].truncated);
			end(&fake, table);
		}
	}
}
END_TEST

#define BYTES(literal) literal, sizeof(literal) - 1

/* One chunk's bytes and what is to be found in it, in the order of the text; NULL ends the list. */
static const struct find_row {
	const char *what;
	const char *bytes;
	size_t size;
	const char *expected[4];
} find_rows[] = {
	{ "nothing", BYTES("\0\0\0\0"), { NULL } },
	{ "two texts", BYTES("first\0second\0"), { "first", "second" } },
	{ "three letters", BYTES("abc\0"), { NULL } },
	{ "at an odd offset", BYTES("\1\0\0hello\0"), { "hello" } },
	{ "with line ends and tabs", BYTES("one\ttwo\nthree\r\n\0"), { "one\ttwo\nthree\r\n" } },
	{ "a terminal's escape ends it", BYTES("red\x1b[31malarm text\0"), { "[31malarm text" } },
	{ "text that fills its chunk to the end", BYTES("0123456789abcdefghijklmn"),
		{ "0123456789abcdefghijklmn" } },
	{ "a number that is four letters", BYTES("4b3i\0\0\0\0"), { NULL } },
	{ "a word of four letters", BYTES("user\0\0\0\0"), { "user" } },
	{ "a name with a digit", BYTES("utf8\0\0\0\0"), { "utf8" } },
	{ "offsets in a database page", BYTES("\nz\nj\nZ\nJ\n:\n*\n\0"), { NULL } },
	{ "no end and short", BYTES("\1\2abcdef\1\2"), { NULL } },
	{ "no end but long", BYTES("\1\2abcdefgh\1\2"), { "abcdefgh" } },
	{ "Latin-1 is no UTF-8", BYTES("caf\351s bleus et blancs\0"), { "s bleus et blancs" } },
	{ "UTF-8 that is cut off", BYTES("complete text \342\202"), { "complete text " } },
	{ "UTF-16 behind ASCII", BYTES("name: value\0\0\0\0\0h\0e\0l\0l\0o\0\0\0"),
		{ "name: value", "hello" } },
	{ "16-bit numbers",
		BYTES("\x20\x4e\x30\x75\x10\x27\x01\x00\x02\x00\x20\x4e\x30\x75\x10\x27\x20\x4e\xff\xff"),
		{ NULL } },
	{ "32-bit numbers", BYTES("\x64\0\0\0\x50\0\0\0\x30\0\0\0\x40\0\0\0\0\0\0\0"), { NULL } },
};

START_TEST (finds) {
	const struct find_row *row = &find_rows[_i];
	struct hw_string_table *table;
	struct fake_heap fake;
	size_t i = 0;

	begin(&fake);
	add(&fake, row->bytes, row->size);
	table = collect(&fake, NULL);
	for (; row->expected[i] && i < table->count; i++)
		ck_assert_msg(!strcmp(table->strings[i].text, row->expected[i]), "%s: \"%s\"", row->what,
			table->strings[i].text);
	ck_assert_msg(!row->expected[i], "%s: \"%s\" is missing", row->what, row->expected[i]);
	ck_assert_msg(i == table->count, "%s: \"%s\" too", row->what, table->strings[i].text);
	ck_assert_uint_eq(table->chunks, 1);
	ck_assert_uint_eq(table->chunks_with, table->count > 0);
	end(&fake, table);
}
END_TEST

/* A chunk ends where it ends, though what lies behind it reads as text. */
START_TEST (next_chunk) {
	const struct hw_selection first = { .size_low = 12, .size_high = 12 };
	struct hw_string_table *table;
	struct fake_heap fake;

	for (size_t e = 0; e < hw_array_size(encodings); e++) {
		char bytes[160] = { 0 };

		encode(encodings[e].name, texts[_i], bytes, sizeof(bytes));
		fake_init(&fake, 4, false);
		fake_region(&fake, HW_REGION_BRK, 0, 0x56000008);
		for (int i = 0; i < 4; i++) {
			/* Up to the end: zeros, a number, a beginning of a text. */
			fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_DATA, 16, "\0\0\0\0\0\0\0\0\1\0ab",
				4 * (size_t)i);
			fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_STRING, 176, bytes, sizeof(bytes));
		}
		fake_chunk(&fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 4096, NULL, 0);
		fake_finish(&fake);
		ck_assert_ptr_null(hw_strings_collect(fake.heap, &first, NULL, &table));
		ck_assert_uint_eq(table->chunks, 4);
		ck_assert_msg(table->count == 0, "%s", table->count ? table->strings[0].text : "");
		end(&fake, table);
	}
}
END_TEST

/* A pointer's bytes are no text, and text that would run into one ends before it. */
START_TEST (pointers_are_no_text) {
	uint64_t words[] = { 0x5555000a6c6c65, HEAP + 0x6f6c6c, 0, HEAP + 0x616161 };
	struct hw_string_table *table;
	struct fake_heap fake;

	memcpy(&words[0], "aaaabbbb", 8);
	memcpy(&words[2], "ccccdddd", 8);
	begin(&fake);
	add(&fake, words, sizeof(words));
	table = collect(&fake, NULL);
	/* Without the rule this were "aaaabbbbll" + "o" and so on. */
	ck_assert_uint_eq(table->count, 2);
	ck_assert_str_eq(table->strings[0].text, "aaaabbbb");
	ck_assert_str_eq(table->strings[1].text, "ccccdddd");
	end(&fake, table);
}
END_TEST

/* On 32-bit targets four letters may make an address; within a text they are text. */
START_TEST (text_like_addresses) {
	struct hw_string_table *table;
	struct fake_heap fake;

	fake_init(&fake, 4, false);
	fake_map(&fake, 0x56000000, 0x57000000, RW, "[heap]"); /* 0x56 is 'V' */
	fake_region(&fake, HW_REGION_BRK, 0, 0x56000008);
	fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_DATA, 48, "the TV of aliVe ones", 21);
	fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_DATA, 16, "\1\0\0\0abcV\1\0\0\0", 12);
	table = collect(&fake, NULL);
	ck_assert_uint_eq(table->count, 1);
	ck_assert_str_eq(table->strings[0].text, "the TV of aliVe ones");
	end(&fake, table);
}
END_TEST

START_TEST (counts) {
	static const char bytes[64] = "\0\0often\0often";
	struct hw_string_table *table;
	struct fake_heap fake;
	uint64_t user;

	begin(&fake);
	add(&fake, BYTES("once here\0"));
	user = add(&fake, bytes, sizeof(bytes));
	add(&fake, BYTES("often\0"));
	add(&fake, BYTES("\0\0\0"));
	table = collect(&fake, NULL);
	ck_assert_uint_eq(table->count, 2);
	ck_assert_str_eq(table->strings[0].text, "often");
	ck_assert_uint_eq(table->strings[0].count, 3);
	ck_assert_uint_eq(table->strings[0].chunks, 2);
	ck_assert_uint_eq(table->strings[0].example, user + 2);
	ck_assert_uint_eq(table->strings[0].offset, 2);
	ck_assert_uint_eq(table->strings[1].count, 1);
	ck_assert_uint_eq(table->chunks, 4);
	ck_assert_uint_eq(table->chunks_with, 3);
	ck_assert_uint_eq(table->dropped, 0);
	end(&fake, table);
}
END_TEST

START_TEST (options) {
	static const struct hw_string_options six = { .minimum = 6 }, two = { .minimum = 2 };
	static const struct hw_string_options cut = { .limit = 5 };
	static const char bytes[64] = "to\0five5\0sixsix\0caf\303\251s";
	struct hw_string_table *table;
	struct fake_heap fake;

	begin(&fake);
	add(&fake, bytes, sizeof(bytes));
	table = collect(&fake, &six);
	ck_assert_uint_eq(table->count, 1);
	ck_assert_str_eq(table->strings[0].text, "sixsix");
	hw_strings_destroy(table);
	ck_assert_ptr_null(hw_strings_collect(fake.heap, &all, &two, &table));
	ck_assert_uint_eq(table->count, 4);
	hw_strings_destroy(table);
	/* Never through the middle of a character. */
	ck_assert_ptr_null(hw_strings_collect(fake.heap, &all, &cut, &table));
	ck_assert_uint_eq(table->count, 3);
	ck_assert_str_eq(table->strings[0].text, "caf\303\251");
	ck_assert(table->strings[0].truncated);
	ck_assert_str_eq(table->strings[1].text, "five5");
	ck_assert(!table->strings[1].truncated);
	ck_assert_str_eq(table->strings[2].text, "sixsi");
	ck_assert(table->strings[2].truncated);
	end(&fake, table);
}
END_TEST

/* malloc(41) to malloc(56) and, with a remainder, malloc(25) end in this chunk. */
static const struct left_over_row {
	const char *what;
	const char *bytes;
	size_t size;
	bool left_over;
} left_over_rows[] = {
	{ "behind a text", BYTES("twenty-nine bytes of live text\0the rest"), true },
	{ "with a cut character", BYTES("twenty-nine bytes of live text\0\215the rest"), true },
	{ "behind more than an end", BYTES("twenty-nine bytes of live text\0\0the rest"), false },
	{ "behind a number", BYTES("\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\0the rest"),
		false },
	{ "in bytes that were asked for", BYTES("twenty bytes of text\0the rest"), false },
};

START_TEST (left_over) {
	const struct left_over_row *row = &left_over_rows[_i];
	struct hw_string_table *table;
	struct fake_heap fake;
	bool found = false;

	begin(&fake);
	fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_STRING, 64, row->bytes, row->size);
	table = collect(&fake, NULL);
	for (size_t i = 0; i < table->count; i++) {
		bool is_rest = !strcmp(table->strings[i].text, "the rest");

		found |= is_rest;
		ck_assert_msg(table->strings[i].left_over == (is_rest && row->left_over), "%s: \"%s\"",
			row->what, table->strings[i].text);
	}
	ck_assert_msg(found, "%s: is missing", row->what);
	end(&fake, table);
}
END_TEST

/* Beyond `most` distinct ones new strings are counted, and the known ones go on. */
START_TEST (bounded) {
	static const struct hw_string_options few = { .most = 100 };
	struct hw_string_table *table;
	uint64_t known = 0;
	struct fake_heap fake;

	begin(&fake);
	for (int i = 0; i < 3000; i++) {
		char text[32] = { 0 };

		snprintf(text, sizeof(text), "number-%d", i % 1500);
		add(&fake, text, 24);
	}
	table = collect(&fake, &few);
	ck_assert_uint_eq(table->count, 100);
	for (size_t i = 0; i < table->count; i++)
		known += table->strings[i].count;
	ck_assert_uint_eq(known, 200);
	ck_assert_uint_eq(table->dropped, 2800);
	hw_strings_destroy(table);
	ck_assert_ptr_null(hw_strings_collect(fake.heap, &all, NULL, &table));
	ck_assert_uint_eq(table->count, 1500);
	for (size_t i = 0; i < table->count; i++)
		ck_assert_uint_eq(table->strings[i].count, 2);
	end(&fake, table);
}
END_TEST

/* A std::string of 64-bit libstdc++ at `words`. */
static void put_string(
	struct fake_heap *fake, uint64_t *words, uint64_t pointer, uint64_t length, uint64_t capacity)
{
	fake_put_word(fake, (uint8_t *)&words[0], pointer);
	fake_put_word(fake, (uint8_t *)&words[1], length);
	fake_put_word(fake, (uint8_t *)&words[2], capacity);
}

/* In the object itself: the text alone, also a short odd one, not what an earlier text left behind it. */
START_TEST (local_std_string) {
	uint64_t words[8] = { 7 };
	struct hw_string_table *table;
	struct fake_heap fake;
	uint64_t user = HEAP + 16;

	begin(&fake);
	put_string(&fake, &words[1], user + 24, 4, 0);
	memcpy(&words[3], "4b#i\0f an old text", 16);
	ck_assert_uint_eq(add(&fake, words, sizeof(words)), user);
	table = collect(&fake, NULL);
	ck_assert_uint_eq(table->count, 1);
	ck_assert_str_eq(table->strings[0].text, "4b#i");
	ck_assert_uint_eq(table->strings[0].offset, 24);
	ck_assert_uint_eq(table->strings[0].example, user + 24);
	end(&fake, table);
}
END_TEST

static const struct remote_row {
	const char *what;
	uint64_t length;
	uint64_t capacity;
	uint64_t offset; /* the pointer's, from the buffer's start */
	const char *text;
	bool is_found;
} remote_rows[] = {
	{ "exact", 26, 30, 0, "a text in a chunk of its o", true },
	{ "UTF-8", 21, 30, 0, "caf\303\251 cr\303\250me de Paris", true },
	{ "longer than the text", 27, 30, 0, "a text in a chunk of its o", false },
	{ "shorter than the text", 25, 30, 0, "a text in a chunk of its o", false },
	{ "capacity beyond the chunk", 26, 40, 0, "a text in a chunk of its o", false },
	{ "capacity below the length", 26, 25, 0, "a text in a chunk of its o", false },
	{ "pointer into the middle", 24, 28, 2, "a text in a chunk of its o", false },
	{ "no text", 26, 30, 0, "a text in a \1hunk of its o", false },
	{ "below the minimum", 3, 30, 0, "abc", false },
};

/* Only the object's chunk is selected: the text that it refers to is found through it. */
START_TEST (remote_std_string) {
	const struct remote_row *row = &remote_rows[_i];
	const struct hw_selection objects = { .size_low = 48, .size_high = 48 };
	struct hw_string_table *table;
	struct fake_heap fake;
	uint64_t words[6] = { 7 }, buffer;

	begin(&fake);
	buffer = fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_STRING, 48, row->text, strlen(row->text) + 1);
	put_string(&fake, &words[1], buffer + row->offset, row->length, row->capacity);
	fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_POINTERS, 64, words, sizeof(words));
	fake_chunk(&fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 4096, NULL, 0);
	fake_finish(&fake);
	ck_assert_ptr_null(hw_strings_collect(fake.heap, &objects, NULL, &table));
	ck_assert_msg(table->count == row->is_found, "%s: %zu", row->what, table->count);
	if (row->is_found) {
		ck_assert_str_eq(table->strings[0].text, row->text);
		ck_assert_uint_eq(table->strings[0].example, buffer);
		ck_assert_uint_eq(table->strings[0].chunks, 1);
	}
	ck_assert_uint_eq(table->chunks, 1);
	hw_strings_destroy(table);
	/* With both selected it is still one occurrence. */
	ck_assert_ptr_null(hw_strings_collect(fake.heap, &all, NULL, &table));
	for (size_t i = 0; i < table->count; i++)
		ck_assert_uint_eq(table->strings[i].count, 1);
	end(&fake, table);
}
END_TEST

/* Texts near the places where a large chunk is cut into blocks are found once and whole. */
START_TEST (large_chunk) {
	static const size_t places[] = { 0, 57300, 57330, 57344, 65500, 65518, 65536, 114680, 122870, 131070,
		199000 };
	static uint8_t bytes[200000];
	struct hw_string_table *table;
	struct fake_heap fake;

	memset(bytes, 0, sizeof(bytes));
	begin(&fake);
	for (size_t i = 0; i < hw_array_size(places); i++)
		memcpy(bytes + places[i], i % 2 ? "t\0h\0e\0r\0e\0" : "it is here", 11);
	add(&fake, bytes, sizeof(bytes));
	table = collect(&fake, NULL);
	ck_assert_uint_eq(table->count, 2);
	ck_assert_str_eq(table->strings[0].text, "it is here");
	ck_assert_uint_eq(table->strings[0].count, 6);
	ck_assert_str_eq(table->strings[1].text, "there");
	ck_assert_uint_eq(table->strings[1].count, 5);
	end(&fake, table);
}
END_TEST

/* A text longer than blocks is one text, cut off, in every encoding; what follows it is another. */
START_TEST (long_text) {
	static const struct hw_string_options short_ones = { .limit = 10 };
	static char bytes[400000];
	unsigned unit = 1u << _i;
	struct hw_string_table *table;
	struct fake_heap fake;

	memset(bytes, 0, sizeof(bytes));
	for (size_t i = 16; i < 300000; i += unit)
		bytes[i] = (char)('a' + i / unit % 26);
	memcpy(bytes + 350000, "the next one", 12);
	begin(&fake);
	add(&fake, bytes, sizeof(bytes));
	table = collect(&fake, &short_ones);
	ck_assert_uint_eq(table->count, 2);
	ck_assert(table->strings[0].truncated);
	ck_assert_uint_eq(table->strings[0].count, 1);
	ck_assert_str_eq(table->strings[1].text, "the next o");
	ck_assert_uint_eq(table->strings[1].offset, 350000);
	end(&fake, table);
}
END_TEST

/* In a megabyte of noise hardly anything is taken for text, and what is in it is found. */
START_TEST (noise) {
	static uint8_t bytes[1 << 20];
	uint64_t state = 88172645463325252;
	struct hw_string_table *table;
	struct fake_heap fake;
	bool found = false;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		state ^= state << 13; /* xorshift64 (Marsaglia, 2003) */
		state ^= state >> 7;
		state ^= state << 17;
		bytes[i] = (uint8_t)(state >> 32);
	}
	memcpy(bytes + 500000, "a sentence in the midst of noise", 33);
	begin(&fake);
	add(&fake, bytes, sizeof(bytes));
	table = collect(&fake, NULL);
	for (size_t i = 0; i < table->count; i++)
		found |= strstr(table->strings[i].text, "a sentence in the midst of noise") != NULL;
	ck_assert(found);
	ck_assert_msg(table->count < 10, "%zu strings in noise", table->count);
	end(&fake, table);
}
END_TEST

/* Bytes as heaps have them, in an order that chance makes: pieces of texts, zeros, numbers, pointers, noise.
 */
static size_t fill(uint8_t *bytes, size_t size, unsigned seed)
{
	size_t at = 0;

	srand(seed);
	while (at < size) {
		size_t drawn = (size_t)rand() % 40 + 1, length = hw_min(size - at, drawn);
		char encoded[160] = { 0 };
		uint64_t word = HEAP + (unsigned)rand() % 4096;

		switch (rand() % 5) {
		case 0:
			encode(encodings[rand() % 5].name, texts[rand() % 10], encoded, sizeof(encoded));
			memcpy(bytes + at, encoded, length);
			break;
		case 1:
			memset(bytes + at, 0, length);
			break;
		case 2:
			memset(bytes + at, rand() % 3 ? rand() % 16 : 'x', length);
			break;
		case 3:
			length = hw_min(length, sizeof(word));
			memcpy(bytes + at, &word, length);
			break;
		default:
			for (size_t i = 0; i < length; i++)
				bytes[at + i] = (uint8_t)(rand() >> 8);
		}
		at += length;
	}
	return size;
}

/* Whatever lies in memory: each string stands there, by iconv's word, whole and inside its chunk. */
START_TEST (anything) {
	static const char *const names[] = { "ASCII", "UTF-8", "UTF-16LE", "UTF-16BE", "UTF-32LE",
		"UTF-32BE" };

	for (unsigned seed = 0; seed < 200; seed++) {
		struct hw_string_table *table;
		struct fake_heap fake;
		uint8_t bytes[2000];

		begin(&fake);
		for (unsigned i = 0; i < 20; i++) {
			size_t size = fill(bytes, i ? 1 + seed * i % 300 : 2000, 20 * seed + i);

			add(&fake, bytes, size);
		}
		table = collect(&fake, NULL);
		for (size_t i = 0; i < table->count; i++) {
			const struct hw_string *string = &table->strings[i];
			char encoded[8000], there[8000];
			size_t size = encode(names[string->encoding], string->text, encoded, sizeof(encoded));
			uint32_t chunk;

			ck_assert_ptr_null(hw_image_read(fake.snapshot.image, string->example, there, size));
			ck_assert_mem_eq(there, encoded, size);
			ck_assert(hw_heap_find(fake.heap, string->example - string->offset, &chunk));
			ck_assert_uint_eq(string->example - hw_chunk_user(fake.heap, chunk), string->offset);
			ck_assert_uint_le(string->offset + size, hw_chunk_usable(fake.heap, chunk));
		}
		end(&fake, table);
	}
}
END_TEST

/* What cannot be read is left out; the rest of the chunk counts. */
START_TEST (unreadable) {
	static char bytes[5 * 4096];
	struct hw_string_table *table;
	struct fake_heap fake;
	struct hw_segment *whole;

	memcpy(bytes + 1000, "before the hole", 16);
	memcpy(bytes + 9000, "in the hole itself", 18);
	memcpy(bytes + 4 * 4096 + 100, "behind the hole", 16);
	begin(&fake);
	add(&fake, bytes, sizeof(bytes));
	fake_chunk(&fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x1000, NULL, 0);
	fake_finish(&fake);
	whole = &fake.snapshot.image->segments[0];
	struct hw_segment behind = *whole;

	behind.start += 3 * 4096;
	behind.bytes += 3 * 4096;
	behind.file_size -= 3 * 4096;
	whole->end = whole->start + 2 * 4096;
	whole->file_size = 2 * 4096;
	ck_assert_ptr_null(hw_image_add(fake.snapshot.image, &behind));
	ck_assert_ptr_null(hw_strings_collect(fake.heap, &all, NULL, &table));
	ck_assert_uint_eq(table->count, 2);
	ck_assert_str_eq(table->strings[0].text, "before the hole");
	ck_assert_str_eq(table->strings[1].text, "behind the hole");
	ck_assert_uint_eq(table->strings[1].offset, 4 * 4096 + 100);
	end(&fake, table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("strings");
	TCase *tests = tcase_create("strings");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, every_encoding, 0, hw_array_size(texts));
	tcase_add_loop_test(tests, finds, 0, hw_array_size(find_rows));
	tcase_add_loop_test(tests, next_chunk, 0, hw_array_size(texts));
	tcase_add_test(tests, pointers_are_no_text);
	tcase_add_test(tests, text_like_addresses);
	tcase_add_test(tests, counts);
	tcase_add_test(tests, options);
	tcase_add_loop_test(tests, left_over, 0, hw_array_size(left_over_rows));
	tcase_add_test(tests, bounded);
	tcase_add_test(tests, local_std_string);
	tcase_add_loop_test(tests, remote_std_string, 0, hw_array_size(remote_rows));
	tcase_add_test(tests, large_chunk);
	tcase_add_loop_test(tests, long_text, 0, 3);
	tcase_add_test(tests, noise);
	tcase_add_test(tests, anything);
	tcase_add_test(tests, unreadable);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
