/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A buffer before a file descriptor, and the temporary file that becomes the report. */
#include "report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)256 << 10)

/* The one unfinished file there is, for the signal handler. */
static char *volatile unfinished;

void hw_output_remove_unfinished(void)
{
	char *path = unfinished;

	if (path)
		unlink(path);
}

static struct hw_error *open_temporary(struct hw_output *output)
{
	if (asprintf(&output->temporary, "%s.XXXXXX", output->path) < 0) {
		output->temporary = NULL;
		return hw_error_no_memory();
	}
	output->fd = mkostemp(output->temporary, O_CLOEXEC);
	if (output->fd < 0) {
		int errnum = errno;

		free(hw_take(&output->temporary));
		return hw_error_os(errnum, "cannot make a file beside %s", output->path);
	}
	unfinished = output->temporary;
	return NULL;
}

static struct hw_error *open_special(struct hw_output *output, const struct stat *found)
{
	if (S_ISDIR(found->st_mode))
		return hw_error_os(EISDIR, "cannot write %s", output->path);
	if (found->st_uid != 0 && found->st_uid != geteuid())
		return hw_error_remedy(hw_error_create(HW_ERROR_PERMISSION,
					       "%s is no file and belongs to another user", output->path),
			"A report holds the target's memory. Write it to a file of your own.");
	output->fd = open(output->path, O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
	return output->fd < 0 ? hw_error_os(errno, "cannot write %s", output->path) : NULL;
}

static struct hw_error *open_path(struct hw_output *output, const char *path)
{
	struct stat found;

	output->path = strdup(path);
	if (!output->path)
		return hw_error_no_memory();
	if (lstat(path, &found) == 0 && !S_ISREG(found.st_mode) && !S_ISLNK(found.st_mode))
		return open_special(output, &found);
	return open_temporary(output);
}

static void output_deinit(struct hw_output *output)
{
	if (output->path && output->fd >= 0)
		close(output->fd);
	output->fd = -1;
	unfinished = NULL;
	free(hw_take(&output->temporary));
	free(hw_take(&output->path));
	free(hw_take(&output->buffer));
}

struct hw_error *hw_output_open(const char *path, struct hw_output *output)
{
	struct hw_error *error = NULL;

	memset(output, 0, sizeof(*output));
	output->fd = path ? -1 : STDOUT_FILENO;
	output->buffer = malloc(BUFFER_SIZE);
	output->capacity = BUFFER_SIZE;
	if (!output->buffer)
		error = hw_error_no_memory();
	else if (path)
		error = open_path(output, path);
	if (error)
		output_deinit(output);
	return error;
}

static void write_out(struct hw_output *output, const char *bytes, size_t size)
{
	while (size && !hw_output_failed(output)) {
		ssize_t written = write(output->fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			output->errnum = errno;
			return;
		}
		bytes += written;
		size -= (size_t)written;
	}
}

static void flush(struct hw_output *output)
{
	write_out(output, output->buffer, output->used);
	output->used = 0;
}

static bool grow(struct hw_output *output, size_t size)
{
	size_t bigger = hw_max(output->capacity * 2, output->used + size);
	char *moved = realloc(output->buffer, bigger);

	if (!moved)
		return false;
	output->buffer = moved;
	output->capacity = bigger;
	return true;
}

void hw_output_hold(struct hw_output *output, size_t bytes)
{
	output->held = bytes;
	if (!bytes)
		flush(output);
}

void hw_output_write(struct hw_output *output, const char *bytes, size_t size)
{
	if (hw_output_failed(output))
		return;
	if (size > output->capacity - output->used &&
		!(output->used + size <= output->held && grow(output, size)))
		flush(output);
	if (size > output->capacity) {
		write_out(output, bytes, size);
		return;
	}
	memcpy(output->buffer + output->used, bytes, size);
	output->used += size;
}

void hw_output_text(struct hw_output *output, const char *text)
{
	hw_output_write(output, text, strlen(text));
}

void hw_output_print(struct hw_output *output, const char *format, ...)
{
	hw_autofree char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text = NULL;
		output->no_memory = true;
		return;
	}
	hw_output_write(output, text, (size_t)length);
}

static struct hw_error *output_error(const struct hw_output *output)
{
	if (output->no_memory)
		return hw_error_no_memory();
	if (output->errnum)
		return hw_error_os(
			output->errnum, "cannot write %s", output->path ? output->path : "the report");
	return NULL;
}

/* Data must be on the disk before the name is: a full disk may show only now. */
static struct hw_error *put_in_place(struct hw_output *output)
{
	if (!output->temporary)
		return NULL;
	if (fsync(output->fd) < 0 && errno != EINVAL && errno != EROFS)
		return hw_error_os(errno, "cannot write %s", output->path);
	if (rename(output->temporary, output->path) < 0)
		return hw_error_os(errno, "cannot put the report in its place, %s", output->path);
	unfinished = NULL;
	free(hw_take(&output->temporary));
	return NULL;
}

struct hw_error *hw_output_close(struct hw_output *output)
{
	struct hw_error *error;

	flush(output);
	error = output_error(output);
	if (!error)
		error = put_in_place(output);
	if (error)
		hw_output_remove_unfinished();
	output_deinit(output);
	return error;
}

void hw_output_abandon(struct hw_output *output)
{
	hw_output_remove_unfinished();
	output_deinit(output);
}
