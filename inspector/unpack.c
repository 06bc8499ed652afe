/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compressed files, unpacked into unlinked temporary ones. */
#include <errno.h>
#include <fcntl.h>

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "inspector/unpack.h"

#define BUFFER_SIZE ((size_t)1 << 18)

/* The file system's block: runs of zeros shorter than this are not worth a hole. */
#define HOLE_SIZE 4096

/* Where the unpacked bytes go. */
struct sink {
	int fd;
	uint64_t size;
	const char *directory;
};

/* What a decoder said after a piece of input. */
enum outcome {
	OUTCOME_MORE, /* wants more input or has more output */
	OUTCOME_END,  /* a frame is complete */
	OUTCOME_DAMAGED,
	OUTCOME_TOO_LARGE, /* zstd: a window beyond what we allow ourselves */
	OUTCOME_NO_MEMORY,
};

/* One compression. `step` turns input (advancing it) into output and says how many bytes it made. */
struct format {
	const char *name;
	uint8_t magic[4];
	size_t magic_size;
	void *(*open)(void);
	enum outcome (*step)(
		void *decoder, const uint8_t **input, size_t *input_size, void *output, size_t *output_size);
	void (*close)(void *decoder);
};

static void *zstd_open(void)
{
	return ZSTD_createDCtx();
}

static enum outcome zstd_step(
	void *decoder, const uint8_t **input, size_t *input_size, void *output, size_t *output_size)
{
	ZSTD_inBuffer in = { .src = *input, .size = *input_size };
	ZSTD_outBuffer out = { .dst = output, .size = *output_size };
	size_t result = ZSTD_decompressStream(decoder, &out, &in);

	*input += in.pos;
	*input_size -= in.pos;
	*output_size = out.pos;
	if (!ZSTD_isError(result))
		return result ? OUTCOME_MORE : OUTCOME_END;
	switch (ZSTD_getErrorCode(result)) {
	case ZSTD_error_memory_allocation:
		return OUTCOME_NO_MEMORY;
	case ZSTD_error_frameParameter_windowTooLarge:
		return OUTCOME_TOO_LARGE;
	default:
		return OUTCOME_DAMAGED;
	}
}

static void zstd_close(void *decoder)
{
	ZSTD_freeDCtx(decoder);
}

static void *gzip_open(void)
{
	z_stream *stream = calloc(1, sizeof(*stream));

	if (stream && inflateInit2(stream, 16 + MAX_WBITS) != Z_OK) { /* 16: a gzip header */
		free(stream);
		return NULL;
	}
	return stream;
}

static enum outcome gzip_step(
	void *decoder, const uint8_t **input, size_t *input_size, void *output, size_t *output_size)
{
	z_stream *stream = decoder;
	int result;

	stream->next_in = (Bytef *)(uintptr_t)*input;
	stream->avail_in = (uInt)*input_size;
	stream->next_out = output;
	stream->avail_out = (uInt)*output_size;
	result = inflate(stream, Z_NO_FLUSH);
	*input += *input_size - stream->avail_in;
	*input_size = stream->avail_in;
	*output_size -= stream->avail_out;
	if (result == Z_STREAM_END)
		return inflateReset(stream) == Z_OK ? OUTCOME_END : OUTCOME_DAMAGED;
	if (result == Z_MEM_ERROR)
		return OUTCOME_NO_MEMORY;
	return result == Z_OK || result == Z_BUF_ERROR ? OUTCOME_MORE : OUTCOME_DAMAGED;
}

static void gzip_close(void *decoder)
{
	inflateEnd(decoder);
	free(decoder);
}

static void *lz4_open(void)
{
	LZ4F_dctx *decoder;

	return LZ4F_isError(LZ4F_createDecompressionContext(&decoder, LZ4F_VERSION)) ? NULL : decoder;
}

static enum outcome lz4_step(
	void *decoder, const uint8_t **input, size_t *input_size, void *output, size_t *output_size)
{
	size_t consumed = *input_size;
	size_t result = LZ4F_decompress(decoder, output, output_size, *input, &consumed, NULL);

	if (LZ4F_isError(result)) {
		*output_size = 0;
		return OUTCOME_DAMAGED;
	}
	*input += consumed;
	*input_size -= consumed;
	return result ? OUTCOME_MORE : OUTCOME_END;
}

static void lz4_close(void *decoder)
{
	LZ4F_freeDecompressionContext(decoder);
}

static const struct format formats[] = {
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, zstd_open, zstd_step, zstd_close },
	{ "gzip", { 0x1f, 0x8b }, 2, gzip_open, gzip_step, gzip_close },
	{ "lz4", { 0x04, 0x22, 0x4d, 0x18 }, 4, lz4_open, lz4_step, lz4_close },
};

/* Recognised so that the message can name the program that unpacks them. */
static const struct {
	const char *name;
	uint8_t magic[4];
	size_t magic_size;
} foreign_formats[] = {
	{ "xz", { 0xfd, '7', 'z', 'X' }, 4 },
	{ "bzip2", { 'B', 'Z', 'h' }, 3 },
};

static struct hw_error *find_format(
	const uint8_t *magic, size_t size, const char *path, const struct format **format)
{
	*format = NULL;
	for (size_t i = 0; i < hw_array_size(formats); i++) {
		if (size >= formats[i].magic_size && !memcmp(magic, formats[i].magic, formats[i].magic_size))
			*format = &formats[i];
	}
	for (size_t i = 0; i < hw_array_size(foreign_formats); i++) {
		size_t length = foreign_formats[i].magic_size;

		if (size >= length && !memcmp(magic, foreign_formats[i].magic, length))
			return hw_error_remedy(
				hw_error_create(HW_ERROR_UNSUPPORTED, "%s is compressed with %s", path,
					foreign_formats[i].name),
				"unpack it with \"%s -dk\" first", foreign_formats[i].name);
	}
	return NULL;
}

/* An unnamed file where large things may lie: /tmp is often memory, /var/tmp is not. */
static struct hw_error *sink_open(struct sink *sink)
{
	const char *wanted = getenv("TMPDIR");
	const char *directories[] = { wanted && wanted[0] ? wanted : "/var/tmp", "/tmp" };
	hw_autofree char *name = NULL;

	for (size_t i = 0; i < hw_array_size(directories); i++) {
		sink->directory = directories[i];
		sink->fd = open(sink->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (sink->fd >= 0)
			return NULL;
		if (errno == EOPNOTSUPP || errno == EISDIR) /* the file system or kernel lacks O_TMPFILE */
			break;
		if (wanted && wanted[0])
			break;
	}
	if (asprintf(&name, "%s/heapwalk.XXXXXX", sink->directory) < 0) {
		name = NULL;
		return hw_error_no_memory();
	}
	sink->fd = mkostemp(name, O_CLOEXEC);
	if (sink->fd < 0)
		return hw_error_remedy(
			hw_error_os(errno, "cannot make a temporary file in %s", sink->directory),
			"set TMPDIR to a directory that can be written to");
	unlink(name);
	return NULL;
}

static struct hw_error *write_failed(const struct sink *sink)
{
	return hw_error_remedy(hw_error_os(errno, "cannot unpack into %s after %llu MiB", sink->directory,
				       (unsigned long long)(sink->size >> 20)),
		"set TMPDIR to a directory with more free space, or unpack the core there yourself");
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
	return bytes[0] == 0 && !memcmp(bytes, bytes + 1, size - 1);
}

/* Appends; whole blocks of zeros only move the position. */
static struct hw_error *sink_write(struct sink *sink, const uint8_t *bytes, size_t size)
{
	while (size) {
		size_t step = hw_min(size, HOLE_SIZE - sink->size % HOLE_SIZE);
		ssize_t wrote = (ssize_t)step;

		if (step < HOLE_SIZE || !all_zero(bytes, step)) {
			/* As much as does not begin a hole in one go. */
			while (step + HOLE_SIZE <= size && !all_zero(bytes + step, HOLE_SIZE))
				step += HOLE_SIZE;
			wrote = pwrite(sink->fd, bytes, step, (off_t)sink->size);
		}
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return write_failed(sink);
		bytes += wrote;
		size -= (size_t)wrote;
		sink->size += (uint64_t)wrote;
	}
	return NULL;
}

/* Reads the next piece of the packed file; `*size` is 0 at its end. */
static struct hw_error *read_piece(int fd, const char *path, uint8_t *piece, size_t *size)
{
	ssize_t got;

	do
		got = read(fd, piece, BUFFER_SIZE);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return hw_error_os(errno, "cannot read %s", path);
	*size = (size_t)got;
	return NULL;
}

/* Runs the decoder over one piece. `*outcome` is what it said last. */
static struct hw_error *unpack_piece(const struct format *format, void *decoder, const uint8_t *input,
	size_t left, struct sink *sink, uint8_t *output, enum outcome *outcome)
{
	size_t made = BUFFER_SIZE;

	/* A full output buffer may mean that more is waiting, though all input is taken. */
	while (left || made == BUFFER_SIZE) {
		size_t before = left;
		struct hw_error *error;

		made = BUFFER_SIZE;
		*outcome = format->step(decoder, &input, &left, output, &made);
		error = sink_write(sink, output, made);
		if (error)
			return error;
		if (*outcome > OUTCOME_END || (!made && left == before))
			break;
	}
	return NULL;
}

static struct hw_error *unpack_all(const struct format *format, void *decoder, int packed, const char *path,
	struct sink *sink, enum outcome *outcome)
{
	hw_autofree uint8_t *input = malloc(BUFFER_SIZE);
	hw_autofree uint8_t *output = malloc(BUFFER_SIZE);
	size_t size = BUFFER_SIZE;

	if (!input || !output)
		return hw_error_no_memory();
	while (size && *outcome <= OUTCOME_END) {
		struct hw_error *error = read_piece(packed, path, input, &size);

		if (!error && size)
			error = unpack_piece(format, decoder, input, size, sink, output, outcome);
		if (error)
			return error;
	}
	return NULL;
}

/* The end of the unpacking in words: `*damage`, or an error when nothing at all came out. */
static struct hw_error *judge(const struct format *format, enum outcome outcome, const struct sink *sink,
	const char *path, char **damage)
{
	const char *what;

	if (outcome == OUTCOME_NO_MEMORY)
		return hw_error_no_memory();
	if (outcome == OUTCOME_TOO_LARGE)
		return hw_error_remedy(hw_error_create(HW_ERROR_UNSUPPORTED,
					       "%s is compressed with a zstd window beyond 128 MiB", path),
			"unpack it with \"zstd -d --long=31\" first");
	if (ftruncate(sink->fd, (off_t)sink->size)) /* the last block may be a hole */
		return write_failed(sink);
	if (outcome == OUTCOME_END)
		return NULL;
	what = outcome == OUTCOME_DAMAGED ? "are damaged" : "end too early";
	if (!sink->size)
		return hw_error_create(HW_ERROR_FORMAT, "%s: the %s data %s", path, format->name, what);
	if (asprintf(damage, "the %s data %s after %llu MiB unpacked", format->name, what,
		    (unsigned long long)(sink->size >> 20)) < 0) {
		*damage = NULL;
		return hw_error_no_memory();
	}
	return NULL;
}

static struct hw_error *unpack_format(
	const struct format *format, int packed, const char *path, struct sink *sink, char **damage)
{
	void *decoder = format->open();
	enum outcome outcome = OUTCOME_MORE;
	struct hw_error *error;

	if (!decoder)
		return hw_error_no_memory();
	error = unpack_all(format, decoder, packed, path, sink, &outcome);
	format->close(decoder);
	return error ? error : judge(format, outcome, sink, path, damage);
}

struct hw_error *hw_unpack(int packed, const char *path, int *fd, char **damage)
{
	uint8_t magic[4];
	ssize_t got = pread(packed, magic, sizeof(magic), 0);
	struct sink sink = { .fd = -1 };
	const struct format *format;
	struct hw_error *error;

	if (got < 0)
		return hw_error_os(errno, "cannot read %s", path);
	error = find_format(magic, (size_t)got, path, &format);
	if (error)
		return error;
	*fd = -1;
	*damage = NULL;
	if (!format)
		return NULL;
	error = sink_open(&sink);
	if (!error)
		error = unpack_format(format, packed, path, &sink, damage);
	if (error) {
		if (sink.fd >= 0)
			close(sink.fd);
		return error;
	}
	*fd = sink.fd;
	return NULL;
}
