/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /proc/PID/maps and smaps, parsed. */
#include <ctype.h>

#include "inspector/maps.h"
#include "inspector/procfs.h"

/* Addresses from here on are the kernel's ([vsyscall]): no offset of a file can name them. */
#define USER_END ((uint64_t)1 << 63)

static unsigned parse_prot(const char perms[4])
{
	return (perms[0] == 'r' ? HW_MAP_READ : 0) | (perms[1] == 'w' ? HW_MAP_WRITE : 0) |
	       (perms[2] == 'x' ? HW_MAP_EXEC : 0) | (perms[3] == 's' ? HW_MAP_SHARED : 0);
}

/* The path of a maps line, which goes to the line's end. " (deleted)" is cut off and told in `deleted`. */
static char *parse_path(const char *path, size_t length, bool *deleted)
{
	static const char suffix[] = " (deleted)";
	size_t cut = sizeof(suffix) - 1;

	*deleted = length > cut && memcmp(path + length - cut, suffix, cut) == 0;
	return strndup(path, *deleted ? length - cut : length);
}

/*
 * The number at `*text`, which must be followed by `after`; both are stepped over. By hand, since a process
 * may have 65,530 mappings, and they are read while it stands: sscanf() would triple the time.
 */
static bool parse_number(const char **text, unsigned base, char after, uint64_t *value)
{
	const char *at = *text;
	uint64_t sum = 0;

	for (;; at++) {
		unsigned digit = 99;

		if (*at >= '0' && *at <= '9')
			digit = (unsigned)(*at - '0');
		else if (*at >= 'a' && *at <= 'f')
			digit = (unsigned)(*at - 'a') + 10;
		if (digit >= base)
			break;
		sum = sum * base + digit;
	}
	if (at == *text || *at != after)
		return false;
	*text = at + 1;
	*value = sum;
	return true;
}

/* "start-end perms offset major:minor inode path". False: not such a line, or one that cannot be true. */
static bool parse_map_line(const char *line, struct hw_map *map, const char **path)
{
	uint64_t major, minor;

	*map = (struct hw_map){ 0 };
	if (!parse_number(&line, 16, '-', &map->start) || !parse_number(&line, 16, ' ', &map->end) ||
		strcspn(line, " \n") != 4)
		return false;
	map->prot = parse_prot(line);
	line += 5;
	if (!parse_number(&line, 16, ' ', &map->offset) || !parse_number(&line, 16, ':', &major) ||
		!parse_number(&line, 16, ' ', &minor) || !parse_number(&line, 10, ' ', &map->inode))
		return false;
	map->device_major = (uint32_t)major;
	map->device_minor = (uint32_t)minor;
	*path = line + strspn(line, " ");
	return map->start < map->end;
}

static struct hw_error *add_map(struct hw_snapshot *snapshot, const char *line, size_t length)
{
	struct hw_map parsed, *map;
	const char *path;

	if (!parse_map_line(line, &parsed, &path))
		return NULL;
	if (snapshot->map_count && parsed.start < snapshot->maps[snapshot->map_count - 1].end)
		return NULL;
	parsed.path = parse_path(path, (size_t)(line + length - path), &parsed.deleted);
	map = parsed.path ? hw_snapshot_add_map(snapshot) : NULL;
	if (!map) {
		free(parsed.path);
		return hw_error_no_memory();
	}
	*map = parsed;
	return NULL;
}

/* "rd wr mr mw me ac dc": two letters each (Documentation/filesystems/proc.rst). */
static unsigned parse_flags(const char *line, size_t length)
{
	static const struct {
		char letters[3];
		unsigned flag;
	} known[] = {
		{ "dc", HW_MAP_DONTFORK },
		{ "wf", HW_MAP_WIPEONFORK },
		{ "gd", HW_MAP_GROWSDOWN },
		{ "ht", HW_MAP_HUGETLB },
		{ "dd", HW_MAP_DONTDUMP },
		{ "io", HW_MAP_IO },
		{ "pf", HW_MAP_IO },
		{ "um", HW_MAP_USERFAULT },
		{ "uw", HW_MAP_USERFAULT },
		{ "ui", HW_MAP_USERFAULT },
	};
	unsigned flags = 0;

	for (size_t at = 0; at + 1 < length; at += 3) {
		for (size_t i = 0; i < hw_array_size(known); i++)
			flags |= memcmp(line + at, known[i].letters, 2) == 0 ? known[i].flag : 0;
	}
	return flags;
}

/* A "Name: value" line of smaps about the mapping before it. */
static void add_detail(struct hw_map *map, const char *line, size_t length)
{
	static const struct {
		const char *name;
		size_t field;
	} known[] = {
		{ "Rss:", offsetof(struct hw_map_usage, rss) },
		{ "Pss:", offsetof(struct hw_map_usage, pss) },
		{ "Swap:", offsetof(struct hw_map_usage, swap) },
		{ "Private_Dirty:", offsetof(struct hw_map_usage, private_dirty) },
		{ "Anonymous:", offsetof(struct hw_map_usage, anonymous) },
	};
	static const char flags[] = "VmFlags: ";

	if (length >= sizeof(flags) && memcmp(line, flags, sizeof(flags) - 1) == 0)
		map->flags = parse_flags(line + sizeof(flags) - 1, length - (sizeof(flags) - 1));
	for (size_t i = 0; i < hw_array_size(known); i++) {
		size_t name = strlen(known[i].name);
		uint64_t bytes;

		if (length <= name || memcmp(line, known[i].name, name) != 0)
			continue;
		bytes = strtoull(line + name, NULL, 10) * 1024;
		memcpy((char *)&map->usage + known[i].field, &bytes, sizeof(bytes));
		map->usage.known = true;
	}
}

struct hw_error *hw_maps_parse(struct hw_snapshot *snapshot, const char *text)
{
	size_t described = SIZE_MAX; /* the mapping that detail lines are about; SIZE_MAX: one left out */
	struct hw_error *error = NULL;

	for (const char *line = text; *line && !error;) {
		size_t length = strcspn(line, "\n");

		if (isupper((unsigned char)*line)) {
			if (described < snapshot->map_count)
				add_detail(&snapshot->maps[described], line, length);
		} else {
			described = snapshot->map_count;
			error = add_map(snapshot, line, length);
		}
		line += length;
		line += *line == '\n';
	}
	return error;
}

void hw_maps_clear(struct hw_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->map_count; i++)
		free(snapshot->maps[i].path);
	free(snapshot->maps);
	snapshot->maps = NULL;
	snapshot->map_count = 0;
}

struct hw_error *hw_maps_read(struct hw_snapshot *snapshot, pid_t pid, bool smaps)
{
	hw_autofree char *text = NULL;
	struct hw_error *error = NULL;

	if (smaps) {
		error = hw_proc_read(pid, "smaps", &text, NULL);
		if (error && error->code == HW_ERROR_GONE)
			return error;
	}
	if (error || !smaps) {
		hw_error_destroy(error);
		error = hw_proc_read(pid, "maps", &text, NULL);
	}
	if (error)
		return error;
	hw_maps_clear(snapshot);
	return hw_maps_parse(snapshot, text);
}

void hw_maps_inherit(struct hw_snapshot *to, const struct hw_snapshot *from)
{
	for (size_t i = 0; i < to->map_count; i++) {
		struct hw_map *map = &to->maps[i];
		const struct hw_map *known = hw_snapshot_map_at(from, map->start);

		if (!known || known->inode != map->inode)
			continue;
		map->flags = known->flags;
		if (known->start == map->start)
			map->usage = known->usage;
	}
}

bool hw_map_is_readable(const struct hw_map *map)
{
	return (map->prot & HW_MAP_READ) && !(map->flags & HW_MAP_IO) && map->end <= USER_END &&
	       strncmp(map->path, "[vvar", 5) != 0;
}

bool hw_map_has_file(const struct hw_map *map)
{
	return map->inode != 0;
}

struct hw_error *hw_maps_to_image(const struct hw_snapshot *snapshot, int fd)
{
	struct hw_error *error = NULL;

	for (size_t i = 0; i < snapshot->map_count && !error; i++) {
		const struct hw_map *map = &snapshot->maps[i];
		struct hw_segment segment = { .start = map->start,
			.end = map->end,
			.file_size = map->end - map->start,
			.fd = fd,
			.offset = map->start };

		if (hw_map_is_readable(map))
			error = hw_image_add(snapshot->image, &segment);
	}
	return error;
}
