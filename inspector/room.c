/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory limits: /proc/meminfo, cgroups(7). */
#include <fcntl.h>

#include "inspector/procfs.h"
#include "inspector/room.h"

#define KIB 1024

/* The first bytes of a small file, NUL-terminated; false: not readable. */
static bool read_small(const char *path, char *text, size_t size)
{
	hw_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, text, size - 1) : -1;

	if (got < 0)
		return false;
	text[got] = '\0';
	return true;
}

uint64_t hw_room_of_machine(void)
{
	char text[4096];
	uint64_t kib;

	if (!read_small("/proc/meminfo", text, sizeof(text)))
		return HW_ROOM_UNLIMITED;
	kib = hw_proc_number(text, "MemAvailable", 10, HW_ROOM_UNLIMITED);
	return kib == HW_ROOM_UNLIMITED ? kib : kib * KIB;
}

bool hw_room_is_strict(void)
{
	char text[16];

	return read_small("/proc/sys/vm/overcommit_memory", text, sizeof(text)) && atoi(text) == 2;
}

/* "9:memory,cpu:/path" of version 1, else "0::/path" of version 2. NULL: neither. Ends at the line's end. */
static const char *find_cgroup_path(const char *cgroup, bool *version1)
{
	const char *found = NULL;

	for (const char *line = cgroup; line && *line; line = strchr(line, '\n')) {
		const char *names, *path;
		size_t length;

		line += *line == '\n';
		names = strchr(line, ':');
		path = names ? strchr(names + 1, ':') : NULL;
		if (!path)
			continue;
		length = (size_t)(path - names - 1);
		if (length == 0 && !found) {
			found = path + 1;
			*version1 = false;
		} else if (memmem(names + 1, length, "memory", 6)) {
			*version1 = true;
			return path + 1;
		}
	}
	return found;
}

/* "36 35 98:0 /root /mount/point options - type source superoptions": whether it is where groups are shown.
 */
static bool parse_mount(const char *line, size_t length, bool version1, char root[256], char point[256])
{
	hw_autofree char *copy = strndup(line, length);
	char type[16], *after = copy ? strstr(copy, " - ") : NULL;

	if (!after || sscanf(copy, "%*d %*d %*s %255s %255s", root, point) != 2 ||
		sscanf(after, " - %15s", type) != 1)
		return false;
	if (!version1)
		return strcmp(type, "cgroup2") == 0;
	return strcmp(type, "cgroup") == 0 && strstr(after, "memory");
}

bool hw_room_find_cgroup(const char *cgroup, const char *mountinfo, char **directory, char **mount)
{
	bool version1 = false;
	const char *path = find_cgroup_path(cgroup, &version1);
	char root[256], point[256];

	for (const char *line = mountinfo; path && *line; line += *line == '\n') {
		size_t length = strcspn(line, "\n"), skip;
		bool right = parse_mount(line, length, version1, root, point);

		line += length;
		if (!right)
			continue;
		/* What a container sees may be mounted from below the hierarchy's root. */
		skip = strcmp(root, "/") == 0 ? 0 : strlen(root);
		if (strncmp(path, root, skip) != 0)
			continue;
		if (asprintf(directory, "%s%.*s", point, (int)strcspn(path + skip, "\n"), path + skip) < 0)
			return false;
		*mount = strdup(point);
		if (*mount)
			return true;
		free(*directory);
		return false;
	}
	return false;
}

static bool read_number(const char *directory, const char *name, uint64_t *value)
{
	char path[1024], text[64], *end;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (!read_small(path, text, sizeof(text)))
		return false;
	*value = strtoull(text, &end, 10);
	return end != text; /* "max" is no number */
}

/* Page cache that would be dropped first; it counts as used but is no hindrance. */
static uint64_t read_droppable(const char *directory)
{
	char path[1024], text[8192];
	const char *field;

	snprintf(path, sizeof(path), "%s/memory.stat", directory);
	if (!read_small(path, text, sizeof(text)))
		return 0;
	field = strstr(text, "\ninactive_file ");
	return field ? strtoull(field + strlen("\ninactive_file "), NULL, 10) : 0;
}

static uint64_t room_in(const char *directory)
{
	uint64_t limit, used, free_bytes;

	if (!(read_number(directory, "memory.max", &limit) &&
		    read_number(directory, "memory.current", &used)) &&
		!(read_number(directory, "memory.limit_in_bytes", &limit) &&
			read_number(directory, "memory.usage_in_bytes", &used)))
		return HW_ROOM_UNLIMITED;
	free_bytes = limit > used ? limit - used : 0;
	return hw_min(limit, free_bytes + read_droppable(directory));
}

uint64_t hw_room_of_cgroup(pid_t pid)
{
	hw_autofree char *cgroup = NULL, *mountinfo = NULL, *directory = NULL, *mount = NULL;
	struct hw_error *error = hw_proc_read(pid, "cgroup", &cgroup, NULL);
	uint64_t room = HW_ROOM_UNLIMITED;

	if (!error)
		error = hw_proc_read(getpid(), "mountinfo", &mountinfo, NULL);
	if (error) {
		hw_error_destroy(error);
		return room;
	}
	if (!hw_room_find_cgroup(cgroup, mountinfo, &directory, &mount) || strstr(directory, "/.."))
		return room;
	while (strlen(directory) >= strlen(mount)) {
		char *slash = strrchr(directory, '/');
		uint64_t here = room_in(directory);

		room = hw_min(room, here);
		if (!slash)
			break;
		*slash = '\0';
	}
	return room;
}
