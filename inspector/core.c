/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a core file: what it must be, and in which order its parts become a snapshot. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "inspector/core.h"
#include "inspector/core_tally.h"
#include "inspector/unpack.h"

void hw_core_deinit(struct hw_core *core)
{
	for (size_t i = 0; i < core->kept_count; i++)
		free(core->kept[i]);
	free(core->kept);
	free(core->loads);
	free(core->notes);
	free(core->files);
}

struct hw_error *hw_core_keep(struct hw_core *core, void *buffer)
{
	void **slot = hw_array_next(core->kept, core->kept_count, core->kept_capacity);

	if (!slot) {
		free(buffer);
		return hw_error_no_memory();
	}
	*slot = buffer;
	core->kept_count++;
	return NULL;
}

static struct hw_error *open_regular(const char *path, int *fd)
{
	int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct hw_error *error = NULL;
	struct stat status;

	if (opened < 0 && errno == ENOENT)
		return hw_error_remedy(hw_error_create(HW_ERROR_NOT_FOUND, "%s: there is no such file", path),
			"where cores go stands in /proc/sys/kernel/core_pattern; \"coredumpctl list\" lists "
			"those that systemd keeps");
	if (opened < 0 && errno == EACCES)
		return hw_error_create(HW_ERROR_PERMISSION, "%s may not be read by this user", path);
	if (opened < 0)
		return hw_error_os(errno, "cannot open %s", path);
	if (fstat(opened, &status))
		error = hw_error_os(errno, "cannot open %s", path);
	else if (!S_ISREG(status.st_mode))
		error = hw_error_create(HW_ERROR_FORMAT, "%s is not a regular file", path);
	else if (!status.st_size)
		error = hw_error_remedy(hw_error_create(HW_ERROR_FORMAT, "%s is empty", path),
			"look for a full disk, or a limit on the size of cores (ulimit -c)");
	if (error)
		close(opened);
	else
		*fd = opened;
	return error;
}

/* Opens the core, unpacked if need be; the snapshot's holding takes the descriptor. */
static struct hw_error *open_core(struct hw_core *core)
{
	hw_autofree char *damage = NULL;
	struct stat status;
	int fd = -1, unpacked = -1;
	struct hw_error *error = open_regular(core->path, &fd);

	if (error)
		return error;
	error = hw_unpack(fd, core->path, &unpacked, &damage);
	if (error || unpacked >= 0)
		close(fd);
	if (error)
		return error;
	core->fd = unpacked >= 0 ? unpacked : fd;
	error = hw_holding_add_fd(core->snapshot->holding, core->fd);
	if (!error && fstat(core->fd, &status))
		error = hw_error_os(errno, "cannot read %s", core->path);
	if (error)
		return error;
	core->size = (uint64_t)status.st_size;
	return damage ? hw_snapshot_warn(core->snapshot, "%s", damage) : NULL;
}

/* An ELF file, but not a core. */
static struct hw_error *wrong_type(const struct hw_core *core)
{
	if (core->header.type == ET_EXEC || core->header.type == ET_DYN)
		return hw_error_remedy(hw_error_create(HW_ERROR_FORMAT,
					       "%s is an executable or a library, not a core", core->path),
			"give the core by --core and the executable that made it by --exe");
	return hw_error_create(HW_ERROR_FORMAT, "%s is an ELF file, but not a core", core->path);
}

/* The ELF header: is it a core, and of a machine that we know? */
static struct hw_error *read_header(struct hw_core *core)
{
	uint8_t bytes[HW_ELF_HEADER_SIZE] = { 0 };
	size_t size = hw_core_read(core, 0, bytes, sizeof(bytes));
	const struct hw_elf_layout *layout = &core->header.layout;

	if (!hw_elf_header_decode(bytes, size, &core->header))
		return hw_error_remedy(hw_error_create(HW_ERROR_FORMAT, "%s is not an ELF core", core->path),
			"heapwalk reads cores of the kernel and of gcore, also compressed with zstd, gzip or "
			"lz4");
	if (core->header.type != ET_CORE)
		return wrong_type(core);
	core->machine = hw_core_machine_find(core->header.machine, layout->word_size);
	if (!core->machine)
		return hw_error_create(HW_ERROR_UNSUPPORTED,
			"%s is the core of a %u-bit machine that heapwalk does not know (ELF machine %u); it "
			"knows x86-64, i386 and aarch64",
			core->path, layout->word_size * 8, core->header.machine);
	core->snapshot->machine = core->header.machine;
	core->snapshot->word_size = layout->word_size;
	return hw_image_create(layout->word_size, layout->big_endian, &core->snapshot->image);
}

static struct hw_error *warn_cut_off(const struct hw_core *core)
{
	char missing[32], size[32];

	if (!core->cut_off)
		return NULL;
	return hw_snapshot_warn(core->snapshot,
		"the core is cut off: it has %s, and %s more should follow; chunks there are missing",
		hw_core_size_text(core->size, size), hw_core_size_text(core->cut_off, missing));
}

/* Writable memory without a file that was not dumped. */
static struct hw_error *warn_not_dumped(const struct hw_core *core)
{
	uint64_t bytes = 0;
	size_t count = 0;
	char size[32];

	for (size_t i = 0; i < core->load_count; i++) {
		const struct hw_elf_segment *load = &core->loads[i];
		const struct hw_map *map = hw_snapshot_map_at(core->snapshot, load->address);

		if (load->file_size || !(load->prot & HW_MAP_WRITE) || (map && map->path[0] == '/') ||
			load->file_offset >= core->size)
			continue;
		bytes += load->size;
		count++;
	}
	if (!count)
		return NULL;
	return hw_snapshot_warn(core->snapshot,
		"%s of memory in %zu mappings were not dumped: never written to, or left out on purpose "
		"(coredump_filter, MADV_DONTDUMP)",
		hw_core_size_text(bytes, size), count);
}

/* A path of the user's that must be there: better now than as a hundred missing files. */
static struct hw_error *check_given(const char *path, bool directory)
{
	struct stat status;

	if (!path)
		return NULL;
	if (stat(path, &status))
		return errno == ENOENT ? hw_error_create(HW_ERROR_NOT_FOUND, "%s is not there", path)
				       : hw_error_os(errno, "cannot use %s", path);
	if (directory ? !S_ISDIR(status.st_mode) : !S_ISREG(status.st_mode))
		return hw_error_create(
			HW_ERROR_USAGE, "%s is not a %s", path, directory ? "directory" : "regular file");
	return NULL;
}

/* Replaces a text of the snapshot's by a copy. */
static struct hw_error *set_text(char **text, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return hw_error_no_memory();
	free(*text);
	*text = copy;
	return NULL;
}

static struct hw_error *apply_options(struct hw_core *core, const struct hw_core_options *options)
{
	struct hw_snapshot *snapshot = core->snapshot;
	const char *executable = options ? options->executable : NULL;
	const char *sysroot = options ? options->sysroot : NULL;
	struct hw_error *error = check_given(executable, false);

	if (!error)
		error = check_given(sysroot, true);
	if (!error)
		error = set_text(&snapshot->core_path, core->path);
	if (!error && sysroot)
		error = set_text(&snapshot->sysroot, sysroot);
	if (!error && executable)
		error = set_text(&snapshot->holding->executable_file, executable);
	return error;
}

/* The file that the program headers of the running program lie in; else what the user says. */
static struct hw_error *name_executable(struct hw_snapshot *snapshot)
{
	const struct hw_map *map = hw_snapshot_map_at(snapshot, snapshot->holding->auxv.program_headers);

	if (map && map->path[0] == '/')
		return set_text(&snapshot->process.executable, map->path);
	if (snapshot->holding->executable_file)
		return set_text(&snapshot->process.executable, snapshot->holding->executable_file);
	return NULL;
}

/* What is done to open a core, in this order. */
static struct hw_error *(*const steps[])(struct hw_core *core) = {
	open_core,
	read_header,
	hw_core_read_segments,
	hw_core_read_notes,
	hw_core_read_links,
	hw_core_make_maps,
	hw_core_drop_zero_stacks,
	hw_core_find_thread_pointers,
};

static struct hw_error *fill_snapshot(struct hw_core *core, const struct hw_core_options *options)
{
	struct hw_error *error = apply_options(core, options);

	for (size_t i = 0; i < hw_array_size(steps) && !error; i++)
		error = steps[i](core);
	if (!error)
		error = name_executable(core->snapshot);
	if (!error)
		error = hw_core_add_files(core);
	if (!error)
		error = hw_snapshot_find_modules(core->snapshot);
	if (!error)
		error = warn_cut_off(core);
	return error ? error : warn_not_dumped(core);
}

struct hw_error *hw_snapshot_open_core(
	const char *path, const struct hw_core_options *options, struct hw_snapshot **snapshot)
{
	struct hw_core core = { .path = path, .fd = -1 };
	struct hw_error *error = hw_snapshot_create(HW_SOURCE_CORE, &core.snapshot);

	if (error)
		return error;
	error = fill_snapshot(&core, options);
	hw_core_deinit(&core);
	if (error) {
		hw_snapshot_destroy(core.snapshot);
		return error;
	}
	*snapshot = core.snapshot;
	return NULL;
}
