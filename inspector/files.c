/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mapped files. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "inspector/files.h"

static struct hw_mapped_file *find(const struct hw_file_table *table, const struct hw_map *map)
{
	for (size_t i = 0; i < table->count; i++) {
		struct hw_mapped_file *file = &table->files[i];

		if (file->inode == map->inode && file->device_major == map->device_major &&
			file->device_minor == map->device_minor)
			return file;
	}
	return NULL;
}

const struct hw_mapped_file *hw_files_find(const struct hw_file_table *table, const struct hw_map *map)
{
	const struct hw_mapped_file *file = hw_map_has_file(map) ? find(table, map) : NULL;

	return file && file->fd >= 0 ? file : NULL;
}

/*
 * Through /proc/PID/map_files it is the very file, also a deleted one; the kernel wants a capability for
 * that. stat() first: opening a device could do something.
 */
static int open_by_mapping(pid_t living, const struct hw_map *map, struct stat *status)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)living,
		(unsigned long long)map->start, (unsigned long long)map->end);
	if (stat(path, status) != 0 || !S_ISREG(status->st_mode))
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* By name it is what was mapped if device and inode are. */
static int open_by_name(const struct hw_snapshot *snapshot, const struct hw_map *map, struct stat *status)
{
	hw_autoclose int fd = -1;
	struct hw_error *error = map->deleted ? NULL : hw_snapshot_open_file(snapshot, map->path, &fd);
	int opened;

	hw_error_destroy(error);
	if (fd < 0 || fstat(fd, status) != 0 || status->st_ino != map->inode ||
		major(status->st_dev) != map->device_major || minor(status->st_dev) != map->device_minor)
		return -1;
	opened = fd;
	fd = -1;
	return opened;
}

static struct hw_error *open_one(struct hw_file_table *table, const struct hw_snapshot *snapshot,
	pid_t living, const struct hw_map *map)
{
	struct hw_mapped_file *file = hw_array_next(table->files, table->count, table->capacity);
	struct stat status = { 0 };

	if (!file)
		return hw_error_no_memory();
	*file = (struct hw_mapped_file){
		.device_major = map->device_major, .device_minor = map->device_minor, .inode = map->inode
	};
	file->fd = open_by_mapping(living, map, &status);
	if (file->fd < 0)
		file->fd = open_by_name(snapshot, map, &status);
	file->size = (uint64_t)status.st_size;
	table->count++;
	return NULL;
}

struct hw_error *hw_files_open(struct hw_file_table *table, const struct hw_snapshot *snapshot, pid_t living)
{
	struct rlimit limit;
	struct hw_error *error = NULL;
	size_t most = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur / 2 : 128;

	for (size_t i = 0; i < snapshot->map_count && table->count < most && !error; i++) {
		const struct hw_map *map = &snapshot->maps[i];

		if (hw_map_is_readable(map) && hw_map_has_file(map) && !find(table, map))
			error = open_one(table, snapshot, living, map);
	}
	return error;
}

void hw_files_deinit(struct hw_file_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->files[i].fd >= 0)
			close(table->files[i].fd);
	}
	free(table->files);
	*table = (struct hw_file_table){ 0 };
}

struct hw_error *hw_files_hand_over(struct hw_file_table *table, struct hw_holding *holding)
{
	struct hw_error *error = NULL;

	for (size_t i = 0; i < table->count && !error; i++) {
		if (table->files[i].fd >= 0)
			error = hw_holding_add_fd(holding, table->files[i].fd);
		table->files[i].fd = -1;
	}
	return error;
}
