/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file that remembers the last target. */
#include "heapwalk/cli/last.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define LINE_LIMIT 32 /* of a state file that somebody damaged */

/* Every directory that leads to the file. That one cannot be made shows when the file is. */
static void make_directories(char *path)
{
	for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
}

/* False: there is no home to keep it in. */
static bool state_path(char path[PATH_MAX], bool make)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	int length;

	/* The XDG base directory specification: relative paths are to be ignored. */
	if (state && *state == '/')
		length = snprintf(path, PATH_MAX, "%s/heapwalk/last", state);
	else if (home && *home == '/')
		length = snprintf(path, PATH_MAX, "%s/.local/state/heapwalk/last", home);
	else
		return false;
	if (length >= PATH_MAX)
		return false;
	if (make)
		make_directories(path);
	return true;
}

/* ----------------------------------------------------------------------------------------------- loading */

void hw_last_deinit(struct hw_last *last)
{
	free(last->core);
	free(last->executable);
	free(last->sysroot);
	free(last->debug_directory);
	memset(last, 0, sizeof(*last));
}

static bool keep_text(char **member, const char *value)
{
	free(*member);
	*member = strdup(value);
	return *member;
}

/* Unknown keys are from a newer version: let them be. */
static bool take_line(struct hw_last *last, const char *key, const char *value)
{
	if (strcmp(key, "pid") == 0)
		last->pid = (pid_t)strtol(value, NULL, 10);
	else if (strcmp(key, "start") == 0)
		last->start_time = strtoull(value, NULL, 10);
	else if (strcmp(key, "boot") == 0)
		snprintf(last->boot, sizeof(last->boot), "%s", value);
	else if (strcmp(key, "core") == 0)
		return keep_text(&last->core, value);
	else if (strcmp(key, "exe") == 0)
		return keep_text(&last->executable, value);
	else if (strcmp(key, "sysroot") == 0)
		return keep_text(&last->sysroot, value);
	else if (strcmp(key, "debug-dir") == 0)
		return keep_text(&last->debug_directory, value);
	return true;
}

static struct hw_error *no_target(void)
{
	return hw_error_remedy(hw_error_create(HW_ERROR_USAGE, "no target is named, and none was before"),
		"For a running process: heapwalk --attach PID\nFor a core file:       heapwalk --core FILE");
}

/* False when memory is short. */
static bool read_lines(struct hw_last *last, FILE *file)
{
	hw_autofree char *line = NULL;
	size_t capacity = 0;

	for (unsigned i = 0; i < LINE_LIMIT && getline(&line, &capacity, file) > 0; i++) {
		char *value = strchr(line, ' ');

		if (!value)
			continue;
		*value++ = '\0';
		value[strcspn(value, "\n")] = '\0';
		if (!take_line(last, line, value))
			return false;
	}
	return true;
}

struct hw_error *hw_last_load(struct hw_last *last)
{
	char path[PATH_MAX];
	hw_autofclose FILE *file = NULL;

	memset(last, 0, sizeof(*last));
	if (state_path(path, false))
		file = fopen(path, "re");
	if (!file)
		return no_target();
	if (!read_lines(last, file)) {
		hw_last_deinit(last);
		return hw_error_no_memory();
	}
	if (last->pid > 0 || last->core)
		return NULL;
	hw_last_deinit(last);
	return no_target();
}

void hw_last_apply(const struct hw_last *last, struct hw_options *options)
{
	if (!options->debug_directory)
		options->debug_directory = last->debug_directory;
	if (!last->core) {
		options->pid = last->pid;
		return;
	}
	options->core = last->core;
	if (!options->executable)
		options->executable = last->executable;
	if (!options->sysroot)
		options->sysroot = last->sysroot;
}

struct hw_error *hw_last_check(const struct hw_last *last, const struct hw_snapshot *snapshot)
{
	char boot[40] = "";

	hw_boot_id(boot);
	if (snapshot->process.start_time == last->start_time && strcmp(boot, last->boot) == 0)
		return NULL;
	return hw_error_remedy(
		hw_error_create(HW_ERROR_GONE,
			"the last target, process %d, has ended; %d is another process now (%s)",
			(int)last->pid, (int)last->pid, snapshot->process.name),
		"If that is the one you mean: heapwalk --attach %d", (int)last->pid);
}

struct hw_error *hw_last_ended(const struct hw_last *last)
{
	return hw_error_remedy(
		hw_error_create(HW_ERROR_GONE, "the last target, process %d, has ended", (int)last->pid),
		"For another one: heapwalk --attach PID");
}

/* ------------------------------------------------------------------------------------------------ saving */

/* A path that would break the lines is not remembered. */
static void write_path(FILE *file, const char *key, const char *path)
{
	char absolute[PATH_MAX];

	if (path && realpath(path, absolute) && !strchr(absolute, '\n'))
		fprintf(file, "%s %s\n", key, absolute);
}

static void write_last(FILE *file, const struct hw_options *options, const struct hw_snapshot *snapshot)
{
	char boot[40] = "";

	if (options->core) {
		write_path(file, "core", options->core);
		write_path(file, "exe", options->executable);
		write_path(file, "sysroot", options->sysroot);
	} else {
		hw_boot_id(boot);
		fprintf(file, "pid %d\nstart %llu\nboot %s\n", (int)snapshot->process.pid,
			(unsigned long long)snapshot->process.start_time, boot);
	}
	write_path(file, "debug-dir", options->debug_directory);
}

void hw_last_save(const struct hw_options *options, const struct hw_snapshot *snapshot)
{
	char path[PATH_MAX];
	char temporary[PATH_MAX + 8];
	FILE *file;
	int fd;

	if (!state_path(path, true))
		return;
	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return;
	file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		unlink(temporary);
		return;
	}
	write_last(file, options, snapshot);
	if (fclose(file) != 0 || rename(temporary, path) < 0)
		unlink(temporary);
}
