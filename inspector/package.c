/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which package a module's file came in, as the distribution's own tools tell: dpkg-query(1) and rpm(8). They
 * are asked once for all files, from a process of their own that reads nothing of the target's.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "inspector/inspector.h"

#define ARGUMENT_LIMIT 128
#define ANSWER_LIMIT   ((size_t)64 << 10)

/* A command line that is being put together. Its words are owned. */
struct command {
	char *words[ARGUMENT_LIMIT + 1];
	size_t count;
};

static bool add_word(struct command *command, const char *format, ...) hw_printf(2, 3);
static bool add_word(struct command *command, const char *format, ...)
{
	va_list arguments;
	int length;

	if (command->count == ARGUMENT_LIMIT)
		return false;
	va_start(arguments, format);
	length = vasprintf(&command->words[command->count], format, arguments);
	va_end(arguments);
	if (length < 0) {
		command->words[command->count] = NULL;
		return false;
	}
	command->count++;
	return true;
}

static void command_deinit(struct command *command)
{
	for (size_t i = 0; i < command->count; i++)
		free(command->words[i]);
}

/* What the program says, cut to the limit, with a zero behind it; "" when it cannot be run. */
static void read_answer(int fd, char *answer)
{
	size_t length = 0;
	ssize_t got;

	while (length < ANSWER_LIMIT && (got = read(fd, answer + length, ANSWER_LIMIT - length)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		length += got > 0 ? (size_t)got : 0;
	}
	answer[length] = '\0';
}

static void run(struct command *command, char *answer)
{
	posix_spawn_file_actions_t actions;
	int ends[2];
	pid_t pid;

	*answer = '\0';
	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, command->words[0], &actions, NULL, command->words, environ) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (pid > 0) {
		read_answer(ends[0], answer);
		close(ends[0]);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return;
	}
	close(ends[0]);
}

/* Paths that dpkg-query would take for patterns, or that are no paths. */
static bool is_plain(const char *path)
{
	return *path == '/' && !strpbrk(path, "*?[\\\n:");
}

/*
 * The files of /lib may be listed under /usr/lib and the other way about: Debian moved them without telling
 * every package.
 */
static const char *without_usr(const char *path)
{
	return strncmp(path, "/usr/", 5) == 0 ? path + 4 : path;
}

/* "libc6:amd64: /lib/x86_64-linux-gnu/libc.so.6" about `path`: the package; NULL: about another. */
static char *package_in_line(const char *line, size_t length, const char *path)
{
	size_t name = strcspn(line, ":,");
	const char *named = memmem(line, length, ": /", 3);
	const char *wanted = without_usr(path);
	size_t rest;

	if (!named || name >= length)
		return NULL;
	named += 2;
	rest = length - (size_t)(named - line);
	if (rest > 5 && strncmp(named, "/usr/", 5) == 0) {
		named += 4;
		rest -= 4;
	}
	return rest == strlen(wanted) && !strncmp(named, wanted, rest) ? strndup(line, name) : NULL;
}

static char *find_in_answer(const char *answer, const char *path)
{
	while (*answer) {
		size_t length = strcspn(answer, "\n");
		char *package = package_in_line(answer, length, path);

		if (package)
			return package;
		answer += length;
		answer += *answer == '\n';
	}
	return NULL;
}

static void ask_dpkg(const char *root, const struct hw_snapshot *snapshot, const size_t *modules,
	size_t count, char *answer, char **packages)
{
	struct command command = { .count = 0 };
	bool all = add_word(&command, "dpkg-query") &&
		   add_word(&command, "--admindir=%s/var/lib/dpkg", root) && add_word(&command, "-S");

	for (size_t i = 0; all && i < count; i++) {
		const char *path = snapshot->modules[modules[i]].path;

		if (is_plain(path))
			all = add_word(&command, "%s", without_usr(path)) &&
			      add_word(&command, "/usr%s", without_usr(path));
	}
	run(&command, answer);
	for (size_t i = 0; i < count; i++)
		packages[i] = find_in_answer(answer, snapshot->modules[modules[i]].path);
	command_deinit(&command);
}

/* rpm says a line for each path: the name, or a sentence about it. */
static void ask_rpm(const char *root, const struct hw_snapshot *snapshot, const size_t *modules, size_t count,
	char *answer, char **packages)
{
	for (size_t i = 0; i < count; i++) {
		struct command command = { .count = 0 };
		const char *path = snapshot->modules[modules[i]].path;

		if (is_plain(path) && add_word(&command, "rpm") &&
			add_word(&command, "--root=%s", *root ? root : "/") && add_word(&command, "-qf") &&
			add_word(&command, "--qf=%%{NAME}") && add_word(&command, "%s", path)) {
			run(&command, answer);
			packages[i] = *answer && !strchr(answer, ' ') ? strdup(answer) : NULL;
		}
		command_deinit(&command);
	}
}

static bool exists_under(const char *root, const char *path)
{
	hw_autofree char *whole = NULL;

	return asprintf(&whole, "%s%s", root, path) >= 0 && access(whole, R_OK) == 0;
}

/* A database of another root is another's data: only one that the user named is looked into. */
static const char *root_of(const struct hw_snapshot *snapshot)
{
	if (snapshot->source == HW_SOURCE_PROCESS)
		return snapshot->process.other_namespace ? NULL : "";
	return snapshot->sysroot ? snapshot->sysroot : "";
}

enum hw_package_system hw_snapshot_packages(
	const struct hw_snapshot *snapshot, const size_t *modules, size_t count, char **packages)
{
	const char *root = root_of(snapshot);
	hw_autofree char *answer = malloc(ANSWER_LIMIT + 1);

	memset(packages, 0, count * sizeof(*packages));
	if (!root || !answer || !count || count > HW_PACKAGE_QUESTIONS)
		return HW_PACKAGE_NONE;
	if (exists_under(root, "/var/lib/dpkg/status")) {
		ask_dpkg(root, snapshot, modules, count, answer, packages);
		return HW_PACKAGE_DPKG;
	}
	if (exists_under(root, "/var/lib/rpm") || exists_under(root, "/usr/lib/sysimage/rpm")) {
		ask_rpm(root, snapshot, modules, count, answer, packages);
		return HW_PACKAGE_RPM;
	}
	return HW_PACKAGE_NONE;
}
