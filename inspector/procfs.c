/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of /proc/PID, read and cut up. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "inspector/procfs.h"

/* No file that is read whole is longer; smaps of a process with 65,530 mappings has about 45 MB. */
#define TEXT_LIMIT ((size_t)1 << 30)

/* The kernel's PF_KTHREAD (include/linux/sched.h), as the flags field of stat shows it. */
#define KERNEL_THREAD_FLAG 0x00200000

#define PROC_PATH_MAX 128

/* What a failed system call on a file of /proc/PID means. */
static struct hw_error *proc_error(pid_t pid, const char *name, int errnum)
{
	if (errnum == ESRCH || errnum == ENOENT)
		return hw_error_create(HW_ERROR_GONE, "process %d is gone", (int)pid);
	if (errnum == EACCES || errnum == EPERM)
		return hw_error_create(
			HW_ERROR_PERMISSION, "not permitted to read /proc/%d/%s", (int)pid, name);
	return hw_error_os(errnum, "/proc/%d/%s", (int)pid, name);
}

static void proc_path(char *path, pid_t pid, const char *name)
{
	snprintf(path, PROC_PATH_MAX, "/proc/%d/%s", (int)pid, name);
}

struct hw_error *hw_proc_open(pid_t pid, const char *name, int flags, int *fd)
{
	char path[PROC_PATH_MAX];
	int opened;

	proc_path(path, pid, name);
	opened = open(path, flags | O_CLOEXEC);
	if (opened < 0)
		return proc_error(pid, name, errno);
	*fd = opened;
	return NULL;
}

/* Reads `fd` to its end into a buffer that doubles. An errno value, 0: fine. */
static int read_all(int fd, char **text, size_t *size)
{
	size_t capacity = 4096, length = 0;
	hw_autofree char *buffer = malloc(capacity);

	while (buffer) {
		ssize_t got = read(fd, buffer + length, capacity - length - 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (got == 0) {
			buffer[length] = '\0';
			*text = hw_take(&buffer);
			*size = length;
			return 0;
		}
		length += (size_t)got;
		if (capacity - length > 1)
			continue;
		if (capacity >= TEXT_LIMIT)
			return EFBIG;
		char *bigger = realloc(buffer, capacity *= 2);

		if (!bigger)
			return ENOMEM;
		buffer = bigger;
	}
	return ENOMEM;
}

struct hw_error *hw_proc_read(pid_t pid, const char *name, char **text, size_t *size)
{
	hw_autoclose int fd = -1;
	struct hw_error *error = hw_proc_open(pid, name, O_RDONLY, &fd);
	size_t length = 0;
	int errnum;

	if (error)
		return error;
	errnum = read_all(fd, text, &length);
	if (errnum)
		return proc_error(pid, name, errnum);
	if (size)
		*size = length;
	return NULL;
}

int hw_proc_read_small(pid_t pid, const char *name, char *buffer, size_t size)
{
	char path[PROC_PATH_MAX];
	ssize_t got;
	int fd;

	proc_path(path, pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	got = read(fd, buffer, size - 1);
	close(fd);
	if (got < 0)
		return ESRCH; /* read(2) of a file of a process that has just ended */
	buffer[got] = '\0';
	return 0;
}

struct hw_error *hw_proc_link(pid_t pid, const char *name, char **target)
{
	char path[PROC_PATH_MAX], buffer[4097];
	ssize_t length;

	proc_path(path, pid, name);
	length = readlink(path, buffer, sizeof(buffer) - 1);
	if (length < 0)
		return proc_error(pid, name, errno);
	buffer[length] = '\0';
	*target = strdup(buffer);
	return *target ? NULL : hw_error_no_memory();
}

bool hw_proc_stat_parse(const char *text, struct hw_proc_stat *stat)
{
	const char *open = strchr(text, '(');
	const char *close = strrchr(text, ')'); /* the name may hold parentheses itself */
	unsigned long flags;
	unsigned long long start_time;
	struct hw_proc_stat parsed = { .exit_signal = -1 };
	int parent;

	if (!open || !close || close < open)
		return false;
	/* Fields 3 (state) to 22 (start time) and 38 (exit signal) of proc_pid_stat(5). */
	if (sscanf(close + 1,
		    " %c %d %*d %*d %*d %*d %lu %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu %*u %*d "
		    "%*u "
		    "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %d",
		    &parsed.state, &parent, &flags, &start_time, &parsed.exit_signal) < 4)
		return false;
	memcpy(parsed.name, open + 1, hw_min((size_t)(close - open - 1), sizeof(parsed.name) - 1));
	parsed.parent = parent;
	parsed.kernel_thread = flags & KERNEL_THREAD_FLAG;
	parsed.start_time = start_time;
	*stat = parsed;
	return true;
}

struct hw_error *hw_proc_stat(pid_t pid, struct hw_proc_stat *stat)
{
	char text[1024];
	int errnum = hw_proc_read_small(pid, "stat", text, sizeof(text));

	if (errnum)
		return proc_error(pid, "stat", errnum);
	if (!hw_proc_stat_parse(text, stat))
		return hw_error_create(HW_ERROR_FORMAT, "/proc/%d/stat makes no sense", (int)pid);
	return NULL;
}

const char *hw_proc_field(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0 && line[length] == ':') {
			line += length + 1;
			return line + strspn(line, " \t");
		}
	}
	return NULL;
}

uint64_t hw_proc_number(const char *text, const char *name, int base, uint64_t otherwise)
{
	const char *field = hw_proc_field(text, name);

	return field && isxdigit((unsigned char)*field) ? strtoull(field, NULL, base) : otherwise;
}

static int compare_ids(const void *left, const void *right)
{
	pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;

	return (a > b) - (a < b);
}

static void cleanup_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

struct hw_error *hw_proc_threads(pid_t pid, pid_t **tids, size_t *count)
{
	__attribute__((cleanup(cleanup_directory))) DIR *directory = NULL;
	hw_autofree pid_t *list = NULL;
	size_t listed = 0, capacity = 0;
	char path[PROC_PATH_MAX];
	struct dirent *entry;

	proc_path(path, pid, "task");
	directory = opendir(path);
	if (!directory)
		return proc_error(pid, "task", errno);
	while ((entry = readdir(directory))) {
		pid_t *slot;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		slot = hw_array_next(list, listed, capacity);
		if (!slot)
			return hw_error_no_memory();
		*slot = atoi(entry->d_name);
		listed++;
	}
	if (!listed)
		return proc_error(pid, "task", ESRCH);
	qsort(list, listed, sizeof(*list), compare_ids);
	*tids = hw_take(&list);
	*count = listed;
	return NULL;
}
