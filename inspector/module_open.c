/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a target's files: through its own root, never blocking, and only the very file that was mapped. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "inspector/module.h"

/* What lies under a path is the target's choice: a FIFO must not block us, a terminal not become ours. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static struct hw_error *open_failed(int errnum, const char *path)
{
	if (errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP || errnum == ESRCH)
		return hw_error_create(HW_ERROR_NOT_FOUND, "%s is not there", path);
	if (errnum == EACCES || errnum == EPERM)
		return hw_error_create(HW_ERROR_PERMISSION, "%s may not be opened", path);
	return hw_error_os(errnum, "cannot open %s", path);
}

/* Symbolic links inside the root lead to places inside it. Kernels before 5.6 know no such thing: then by
 * name. */
static int open_below(const char *root, const char *path)
{
	struct open_how how = { .flags = OPEN_FLAGS, .resolve = RESOLVE_IN_ROOT };
	hw_autoclose int directory = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	hw_autofree char *joined = NULL;
	long fd;

	if (directory < 0)
		return -1;
	fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EAGAIN))
		return (int)fd;
	if (asprintf(&joined, "%s/%s", root, path) < 0) {
		joined = NULL;
		errno = ENOMEM;
		return -1;
	}
	return open(joined, OPEN_FLAGS);
}

/* Hands the descriptor on if it is a regular file, else closes it. */
static struct hw_error *accept_regular(int opened, const char *path, int *fd)
{
	struct stat status;

	if (opened < 0)
		return open_failed(errno, path);
	if (fstat(opened, &status) || !S_ISREG(status.st_mode)) {
		close(opened);
		return hw_error_create(HW_ERROR_FORMAT, "%s is not a regular file", path);
	}
	*fd = opened;
	return NULL;
}

struct hw_error *hw_snapshot_open_file(const struct hw_snapshot *snapshot, const char *path, int *fd)
{
	int opened = snapshot->sysroot[0] ? open_below(snapshot->sysroot, path) : open(path, OPEN_FLAGS);

	return accept_regular(opened, path, fd);
}

/* Hands the descriptor on if the file is the one that the module was loaded from, else closes it. */
static struct hw_error *accept_same(const struct hw_module *module, int opened, int *fd)
{
	struct hw_elf object = { .segments = module->segments, .segment_count = module->segment_count };
	struct hw_elf file;
	struct hw_error *error = hw_elf_read_file(opened, &file);
	bool same = false;

	object.build_id_size = module->build_id_size;
	memcpy(object.build_id, module->build_id, sizeof(object.build_id));
	if (!error) {
		same = hw_elf_is_file_of(&file, &object, module->bias);
		hw_elf_deinit(&file);
	}
	if (!error && same) {
		*fd = opened;
		return NULL;
	}
	close(opened);
	if (error)
		return hw_error_context(error, "%s", module->path);
	return hw_error_remedy(
		hw_error_create(HW_ERROR_NOT_FOUND, "%s is not the file that was mapped: %s", module->path,
			module->build_id_size ? "its build id differs" : "its segments differ"),
		"give the directory with the right files by --sysroot");
}

static struct hw_error *not_there(const struct hw_module *module)
{
	return hw_error_create(HW_ERROR_NOT_FOUND, "%s is not there", module->path);
}

/* The mapping itself, also of a deleted or replaced file. The kernel wants a capability for it. */
static struct hw_error *open_mapping(
	const struct hw_snapshot *snapshot, const struct hw_module *module, int *fd)
{
	const struct hw_map *map = hw_snapshot_map_at(snapshot, module->start);
	char path[96];

	if (snapshot->source != HW_SOURCE_PROCESS || !map)
		return not_there(module);
	(void)snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", (int)snapshot->process.pid,
		(unsigned long long)map->start, (unsigned long long)map->end);
	return accept_regular(open(path, OPEN_FLAGS), path, fd);
}

/* What was executed, also if deleted since, or what the user says was. */
static struct hw_error *open_executable(
	const struct hw_snapshot *snapshot, const struct hw_module *module, int *fd)
{
	const char *given = snapshot->holding->executable_file;
	char path[64];

	if (!module->is_executable)
		return not_there(module);
	if (given)
		return accept_regular(open(given, OPEN_FLAGS), given, fd);
	if (snapshot->source != HW_SOURCE_PROCESS)
		return not_there(module);
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)snapshot->process.pid);
	return accept_regular(open(path, OPEN_FLAGS), path, fd);
}

static struct hw_error *open_by_path(
	const struct hw_snapshot *snapshot, const struct hw_module *module, int *fd)
{
	return hw_snapshot_open_file(snapshot, module->path, fd);
}

/* Where a module's file may be, the most trustworthy first. */
static struct hw_error *(*const places[])(
	const struct hw_snapshot *snapshot, const struct hw_module *module, int *fd) = {
	open_mapping,
	open_executable,
	open_by_path,
};

struct hw_error *hw_module_open(const struct hw_snapshot *snapshot, const struct hw_module *module, int *fd)
{
	struct hw_error *error = NULL;

	if (!module->path[0] || module->path[0] == '[' || !module->has_headers)
		return hw_error_create(HW_ERROR_NOT_FOUND, "%s has no file",
			module->path[0] ? module->path : "a module without a name");
	for (size_t i = 0; i < hw_array_size(places); i++) {
		int opened = -1;

		hw_error_destroy(error);
		error = places[i](snapshot, module, &opened);
		if (!error)
			error = accept_same(module, opened, fd);
		if (!error)
			break;
	}
	return error;
}
