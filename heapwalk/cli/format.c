/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libmagic, asked about memory. */
#include "heapwalk/cli/format.h"

#ifdef HW_HAVE_MAGIC

#include <magic.h>

#define NAME_LIMIT 80

struct hw_formats {
	magic_t kinds; /* MIME types; NULL: not loaded */
	magic_t names;
	bool has_failed;
	char name[NAME_LIMIT];
};

/* Types whose magic is four bytes and more, or that libmagic looks at closely. */
static const char *const trusted[] = { "application/gzip", "application/java-archive", "application/ogg",
	"application/pdf", "application/vnd.debian.binary-package", "application/vnd.ms-cab-compressed",
	"application/vnd.rar", "application/vnd.sqlite3", "application/wasm", "application/x-7z-compressed",
	"application/x-archive", "application/x-bzip2", "application/x-hdf5", "application/x-java-applet",
	"application/x-lz4", "application/x-rar", "application/x-rpm", "application/x-sharedlib",
	"application/x-shockwave-flash", "application/x-sqlite3", "application/x-xz", "application/zip",
	"application/zstd", "audio/flac", "audio/midi", "audio/ogg", "audio/x-wav", "font/woff", "font/woff2",
	"image/avif", "image/gif", "image/heic", "image/heif", "image/jp2", "image/jpeg", "image/jxl",
	"image/png", "image/tiff", "image/vnd.adobe.photoshop", "image/webp", "image/x-xcf", "video/mp4",
	"video/ogg", "video/quicktime", "video/webm", "video/x-flv", "video/x-matroska", "video/x-msvideo" };

/* Signatures alone: no looking into archives, no guessing at text. */
#define FLAGS                                                                                                \
	(MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_APPTYPE | MAGIC_NO_CHECK_ELF |        \
		MAGIC_NO_CHECK_TEXT | MAGIC_NO_CHECK_CDF | MAGIC_NO_CHECK_TOKENS | MAGIC_NO_CHECK_ENCODING | \
		MAGIC_NO_CHECK_CSV | MAGIC_NO_CHECK_JSON)

struct hw_formats *hw_formats_create(void)
{
	return calloc(1, sizeof(struct hw_formats));
}

void hw_formats_destroy(struct hw_formats *formats)
{
	if (!formats)
		return;
	if (formats->kinds)
		magic_close(formats->kinds);
	if (formats->names)
		magic_close(formats->names);
	free(formats);
}

static bool load(struct hw_formats *formats)
{
	if (formats->names)
		return true;
	if (formats->has_failed)
		return false;
	formats->has_failed = true;
	formats->kinds = magic_open(FLAGS | MAGIC_MIME_TYPE);
	formats->names = magic_open(FLAGS);
	formats->has_failed = !formats->kinds || !formats->names || magic_load(formats->kinds, NULL) != 0 ||
			      magic_load(formats->names, NULL) != 0;
	return !formats->has_failed;
}

static bool is_trusted(const char *kind)
{
	for (size_t i = 0; i < hw_array_size(trusted); i++) {
		if (!strcmp(kind, trusted[i]))
			return true;
	}
	return false;
}

const char *hw_formats_ask(void *argument, const uint8_t *bytes, size_t size)
{
	struct hw_formats *formats = argument;
	const char *kind, *name, *end;
	size_t length;

	if (!formats || !load(formats))
		return NULL;
	kind = magic_buffer(formats->kinds, bytes, size);
	if (!kind || !is_trusted(kind))
		return NULL;
	name = magic_buffer(formats->names, bytes, size);
	if (!name || !*name)
		name = kind;
	/* "PNG image data, 32 x 32", "Standard MIDI data (format 1)": what comes first makes a type, the rest
	 * a single file. */
	end = strpbrk(name, ",(");
	length = end ? (size_t)(end - name) : strlen(name);
	snprintf(formats->name, sizeof(formats->name), "%.*s", (int)(length - (length && end && *end == '(')),
		name);
	return formats->name;
}

#else

struct hw_formats *hw_formats_create(void)
{
	return NULL;
}

void hw_formats_destroy(struct hw_formats *formats hw_unused)
{
}

const char *hw_formats_ask(void *formats hw_unused, const uint8_t *bytes hw_unused, size_t size hw_unused)
{
	return NULL;
}

#endif
