/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formats of binary data: magic numbers, and what must hold behind them. */
#include "heapwalk/types/format.h"

#include "heapwalk/types/typer.h"

/* What many a format begins with. */
struct magic {
	const char *name;
	size_t offset;
	size_t size;
	const char *bytes;
};

/* Four bytes and more each: signatures as their specifications give them. */
static const struct magic magics[] = {
	{ "PNG image", 0, 16, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" },
	{ "GIF image", 0, 6, "GIF87a" },
	{ "GIF image", 0, 6, "GIF89a" },
	{ "JPEG image", 3, 7, "\xe0\0\x10JFIF" },
	{ "JPEG image", 6, 4, "Exif" },
	{ "WebP image", 8, 8, "WEBPVP8 " },
	{ "WebP image", 8, 8, "WEBPVP8L" },
	{ "WebP image", 8, 8, "WEBPVP8X" },
	{ "WAVE audio", 8, 8, "WAVEfmt " },
	{ "Ogg data", 0, 6, "OggS\0\x02" },
	{ "SQLite database", 0, 16, "SQLite format 3" },
	{ "zstd data", 0, 4, "\x28\xb5\x2f\xfd" },
	{ "LZ4 data", 0, 4, "\x04\x22\x4d\x18" },
	{ "xz data", 0, 6,
		"\xfd"
		"7zXZ" },
	{ "bzip2 data", 4, 6, "1AY&SY" },
	{ "ZIP archive", 0, 4, "PK\x03\x04" },
	{ "7-Zip archive", 0, 6, "7z\xbc\xaf\x27\x1c" },
	{ "PDF document", 0, 7, "%PDF-1." },
	{ "Java class", 0, 6, "\xca\xfe\xba\xbe\0\0" },
	{ "WebAssembly module", 0, 8, "\0asm\x01\0\0" },
	{ "TrueType font", 0, 5, "\0\x01\0\0\0" },
	{ "OpenType font", 0, 5, "OTTO\0" },
	{ "WOFF font", 0, 4, "wOFF" },
	{ "WOFF2 font", 0, 4, "wOF2" },
	{ "GNU message catalogue", 0, 8, "\xde\x12\x04\x95\0\0\0" },
};

/* What stands before a signature that is not at the start; and where four bytes are all, what follows them.
 */
static bool is_plausible(const struct magic *magic, const uint8_t *bytes, size_t size)
{
	switch (magic->name[0]) {
	case 'J':
		return magic->offset == 0 || (bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff);
	case 'W':
		return magic->offset == 0 || !memcmp(bytes, "RIFF", 4);
	case 'b':
		return !memcmp(bytes, "BZh", 3) && bytes[3] >= '1' && bytes[3] <= '9';
	case 'T': /* number of tables, search range: powers of two that belong together */
		return size >= 12 && bytes[5] > 3 && bytes[5] < 64 && !(bytes[7] & 15) && bytes[7];
	default:
		return true;
	}
}

static const char *magic_of(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < hw_array_size(magics); i++) {
		const struct magic *magic = &magics[i];

		if (size >= magic->offset + magic->size && bytes[magic->offset] == (uint8_t)magic->bytes[0] &&
			!memcmp(bytes + magic->offset, magic->bytes, magic->size) &&
			is_plausible(magic, bytes, size))
			return magic->name;
	}
	return NULL;
}

/* ELF: class, byte order and version have two values and one. */
static bool is_elf(const uint8_t *bytes, size_t size)
{
	return size >= 20 &&
	       !memcmp(bytes,
		       "\x7f"
		       "ELF",
		       4) &&
	       (bytes[4] == 1 || bytes[4] == 2) && (bytes[5] == 1 || bytes[5] == 2) && bytes[6] == 1;
}

/* RFC 1952: method, flags, time, extra flags, system. */
static bool is_gzip(const uint8_t *bytes, size_t size)
{
	return size >= 18 && bytes[0] == 0x1f && bytes[1] == 0x8b && bytes[2] == 8 && !(bytes[3] & 0xe0) &&
	       (bytes[8] == 0 || bytes[8] == 2 || bytes[8] == 4) && (bytes[9] <= 13 || bytes[9] == 255);
}

/* Compressed data has hardly a byte more often than others. */
static bool is_dense(const uint8_t *bytes, size_t size)
{
	uint8_t seen[256] = { 0 };
	size_t looked = hw_min(size, 256), distinct = 0;

	for (size_t i = 0; i < looked; i++)
		distinct += !seen[bytes[i]]++;
	return looked >= 64 && distinct >= looked * 5 / 12;
}

/*
 * RFC 1950 has two bytes only, of which the second checks the first; RFC 1951, 3.2.3: the first block is
 * fixed or has at most 286 and 30 codes.
 */
static bool is_zlib(const uint8_t *bytes, size_t size)
{
	unsigned type;

	if (size < 64 || bytes[0] != 0x78 || (bytes[0] << 8 | bytes[1]) % 31 || bytes[1] & 0x20)
		return false;
	type = bytes[2] >> 1 & 3;
	if (type == 2 && ((bytes[2] >> 3) > 29 || (bytes[3] & 31) > 29))
		return false;
	return (type == 1 || type == 2) && is_dense(bytes + 2, size - 2);
}

/* X.690: a sequence whose length ends where the chunk does, and begins with what certificates and keys do. */
static bool is_der(const struct hw_heap *heap, const uint8_t *bytes, size_t size, uint64_t usable)
{
	uint64_t length;

	if (size < 32 || bytes[0] != 0x30 || bytes[1] != 0x82)
		return false;
	length = (uint64_t)bytes[2] << 8 | bytes[3];
	return length >= 128 && hw_typer_fits(heap, length + 4, usable) &&
	       (bytes[4] == 0x30 || (bytes[4] == 0x02 && bytes[5] && bytes[5] < 0x82));
}

static unsigned big16(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

/*
 * SQLite's file format, 1.6: a page's kind, free blocks, number of cells, where cells begin, fragments; then
 * the cells' places, all behind that beginning. In memory a little more than a page is allocated for one.
 */
static bool is_sqlite_page(const uint8_t *bytes, size_t size, uint64_t usable)
{
	unsigned header = bytes[0] & 8 ? 8 : 12, cells, begin;
	uint64_t page = 512;

	if (size < 512 || (bytes[0] != 2 && bytes[0] != 5 && bytes[0] != 10 && bytes[0] != 13))
		return false;
	while (2 * page <= usable && page < 65536)
		page *= 2;
	cells = big16(bytes + 3);
	begin = big16(bytes + 5);
	if (cells < 4 || bytes[7] > 60 || header + 2 * (uint64_t)cells > begin || begin >= page ||
		header + 2 * (size_t)cells > size)
		return false;
	for (unsigned i = 0; i < cells; i++) {
		unsigned place = big16(bytes + header + 2 * i);

		if (place < begin || place >= page)
			return false;
	}
	return true;
}

/* Nearly all chunks are told by their first byte. */
static bool may_begin(uint8_t first)
{
	static const uint8_t others[] = { 0x00, 0x02, 0x04, 0x05, 0x0a, 0x0d, 0x1f, 0x28, 0x30, 0x78, 0x7f,
		0x89, 0xca, 0xde, 0xfd, 0xff, '%', '7', 'B', 'G', 'O', 'P', 'R', 'S', 'w' };

	return memchr(others, first, sizeof(others));
}

struct hw_format_found hw_format_of(
	const struct hw_heap *heap, const uint8_t *bytes, size_t size, uint64_t usable)
{
	struct hw_format_found found = { .level = HW_LEVEL_STRONG, .fit = HW_FIT_PREFIX };

	if (size < 16 || !may_begin(bytes[0]))
		return found;
	found.name = is_elf(bytes, size)    ? "ELF file"
		     : is_gzip(bytes, size) ? "gzip data"
					    : magic_of(bytes, size);
	if (found.name)
		return found;
	if (is_sqlite_page(bytes, size, usable))
		found.name = "SQLite page";
	found.level = HW_LEVEL_LIKELY;
	if (is_der(heap, bytes, size, usable))
		found.name = "DER data";
	else if (!found.name && is_zlib(bytes, size))
		found.name = "zlib data";
	return found;
}
