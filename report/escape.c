/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one gate through which a target's text reaches the user. */
#include "report/escape.h"

#include "report/report.h"

struct code_range {
	uint32_t first;
	uint32_t last;
};

/*
 * Characters that a terminal obeys instead of showing, that reorder or hide their neighbours, or that nobody
 * can see. Unicode 15: general categories Cc, Cf, Zl, Zp and noncharacters, plus blank fillers that imitate
 * spaces.
 */
static const struct code_range hidden[] = {
	{ 0x0000, 0x001f },
	{ 0x007f, 0x009f },
	{ 0x00ad, 0x00ad },
	{ 0x034f, 0x034f },
	{ 0x0600, 0x0605 },
	{ 0x061c, 0x061c },
	{ 0x06dd, 0x06dd },
	{ 0x070f, 0x070f },
	{ 0x0890, 0x0891 },
	{ 0x08e2, 0x08e2 },
	{ 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f },
	{ 0x200b, 0x200f },
	{ 0x2028, 0x202e },
	{ 0x2060, 0x206f },
	{ 0x3164, 0x3164 },
	{ 0xd800, 0xf8ff },
	{ 0xfdd0, 0xfdef },
	{ 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },
	{ 0xfffe, 0xffff },
	{ 0x110bd, 0x110bd },
	{ 0x110cd, 0x110cd },
	{ 0x13430, 0x1343f },
	{ 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a },
	{ 0x1fffe, 0x1ffff },
	{ 0x2fffe, 0x2ffff },
	{ 0x3fffe, 0x10ffff },
};

static bool is_hidden(uint32_t code)
{
	size_t low = 0;
	size_t high = hw_array_size(hidden);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (code > hidden[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < hw_array_size(hidden) && code >= hidden[low].first;
}

/* Length of the well-formed UTF-8 sequence at `bytes` (Unicode 15, table 3-7), 0: it is none. */
static size_t utf8_length(const uint8_t *bytes, size_t left, uint32_t *code)
{
	size_t length = bytes[0] < 0x80   ? 1
			: bytes[0] < 0xc2 ? 0
			: bytes[0] < 0xe0 ? 2
			: bytes[0] < 0xf0 ? 3
					  : 4;
	uint32_t value = length == 1 ? bytes[0] : bytes[0] & (0xffU >> (length + 1));

	if (!length || bytes[0] > 0xf4 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	if ((length == 3 && value < 0x800) || (length == 4 && (value < 0x10000 || value > 0x10ffff)) ||
		(value >= 0xd800 && value < 0xe000))
		return 0;
	*code = value;
	return length;
}

static const char *short_escape(uint32_t code)
{
	switch (code) {
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\t':
		return "\\t";
	case '\r':
		return "\\r";
	case 0x1b:
		return "\\e";
	default:
		return NULL;
	}
}

static int escape_code(uint32_t code, char piece[HW_ESCAPE_PIECE])
{
	if (code < 0x80)
		return snprintf(piece, HW_ESCAPE_PIECE, "\\x%02x", code);
	if (code < 0x10000)
		return snprintf(piece, HW_ESCAPE_PIECE, "\\u%04x", code);
	return snprintf(piece, HW_ESCAPE_PIECE, "\\U%08x", code);
}

size_t hw_escape_next(
	const char *text, size_t length, bool ascii, char piece[HW_ESCAPE_PIECE], size_t *written)
{
	uint32_t code;
	size_t taken = utf8_length((const uint8_t *)text, length, &code);
	const char *brief;

	if (!taken) {
		*written = (size_t)snprintf(piece, HW_ESCAPE_PIECE, "\\x%02x", (unsigned char)text[0]);
		return 1;
	}
	brief = short_escape(code);
	if (brief) {
		*written = 2;
		memcpy(piece, brief, 2);
	} else if (is_hidden(code) || (ascii && code >= 0x80)) {
		*written = (size_t)escape_code(code, piece);
	} else {
		memcpy(piece, text, taken);
		*written = taken;
	}
	return taken;
}

/* Room for one piece more; NULL when memory is short, and what there was is freed. */
static char *make_room(char *escaped, size_t used, size_t *room)
{
	char *moved;

	if (*room - used >= HW_ESCAPE_PIECE)
		return escaped;
	*room *= 2;
	moved = realloc(escaped, *room);
	if (!moved)
		free(escaped);
	return moved;
}

char *hw_report_escape(const char *text, size_t length, bool ascii)
{
	size_t room = length + HW_ESCAPE_PIECE;
	char *escaped = malloc(room);
	size_t used = 0;

	if (!escaped)
		return NULL;
	for (size_t at = 0; at < length;) {
		size_t written;

		escaped = make_room(escaped, used, &room);
		if (!escaped)
			return NULL;
		at += hw_escape_next(text + at, length - at, ascii, escaped + used, &written);
		used += written;
	}
	escaped[used] = '\0';
	return escaped;
}
