/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * epoll_event.data from /proc/PID/fdinfo, "tfd: 5 events: 1d data: 55d0c3a002a0 ..." (ep_show_fdinfo() in
 * fs/eventpoll.c, since Linux 3.8), and sigev_value from /proc/PID/timers, "signal: 60/00007fff86e452a8"
 * (show_timer() in fs/proc/base.c, since 3.10, with CONFIG_CHECKPOINT_RESTORE).
 */
#include <dirent.h>
#include <unistd.h>

#include "inspector/kernel_words.h"
#include "inspector/procfs.h"

#define EPOLL "anon_inode:[eventpoll]"

/* Registrations of one process that are kept. */
#define WORDS_MOST ((size_t)1 << 24)

static struct hw_error *add(struct hw_snapshot *snapshot, int descriptor, uint64_t value)
{
	struct hw_kernel_word *word;

	if (snapshot->kernel_word_count >= WORDS_MOST)
		return NULL;
	word = hw_array_next(
		snapshot->kernel_words, snapshot->kernel_word_count, snapshot->kernel_word_capacity);
	if (!word)
		return hw_error_no_memory();
	*word = (struct hw_kernel_word){ .value = value, .descriptor = descriptor };
	snapshot->kernel_word_count++;
	return NULL;
}

struct hw_error *hw_kernel_words_parse_epoll(struct hw_snapshot *snapshot, int descriptor, const char *text)
{
	static const char before[] = " data:";
	struct hw_error *error = NULL;

	for (const char *at = strstr(text, before); at && !error; at = strstr(at, before)) {
		unsigned long long value;

		at += sizeof(before) - 1;
		if (sscanf(at, "%llx", &value) == 1)
			error = add(snapshot, descriptor, value);
	}
	return error;
}

struct hw_error *hw_kernel_words_parse_timers(struct hw_snapshot *snapshot, const char *text)
{
	static const char before[] = "signal:";
	struct hw_error *error = NULL;

	for (const char *at = strstr(text, before); at && !error; at = strstr(at, before)) {
		unsigned long long value;

		at += sizeof(before) - 1;
		if (sscanf(at, " %*d/%llx", &value) == 1)
			error = add(snapshot, -1, value);
	}
	return error;
}

static bool is_epoll(int directory, const char *name)
{
	char target[sizeof(EPOLL)];
	ssize_t length = readlinkat(directory, name, target, sizeof(target));

	return length == sizeof(EPOLL) - 1 && !memcmp(target, EPOLL, sizeof(EPOLL) - 1);
}

static struct hw_error *read_epoll(struct hw_snapshot *snapshot, pid_t living, const char *name)
{
	hw_autofree char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "fdinfo/%.16s", name);
	hw_error_destroy(hw_proc_read(living, path, &text, NULL));
	return text ? hw_kernel_words_parse_epoll(snapshot, atoi(name), text) : NULL;
}

static struct hw_error *read_timers(struct hw_snapshot *snapshot, pid_t living)
{
	hw_autofree char *text = NULL;

	hw_error_destroy(hw_proc_read(living, "timers", &text, NULL));
	return text ? hw_kernel_words_parse_timers(snapshot, text) : NULL;
}

struct hw_error *hw_kernel_words_read(struct hw_snapshot *snapshot, pid_t living)
{
	struct hw_error *error = read_timers(snapshot, living);
	const struct dirent *entry;
	char path[64];
	DIR *directory;

	if (error)
		return error;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)living);
	directory = opendir(path);
	while (directory && !error && (entry = readdir(directory))) {
		if (is_epoll(dirfd(directory), entry->d_name))
			error = read_epoll(snapshot, living, entry->d_name);
	}
	if (directory)
		closedir(directory);
	return error;
}
