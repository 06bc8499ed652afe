/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A core's mappings. The kernel has a PT_LOAD for each, dumped or not; gcore leaves out PT_LOADs of clean
 * file mappings, which only NT_FILE then knows; other writers merge neighbours. So both lists are laid over
 * each other.
 */
#include "inspector/core.h"

/* What stands at one stretch of address space: either may be NULL, not both. */
struct stretch {
	uint64_t start;
	uint64_t end;
	const struct hw_elf_segment *load;
	const struct hw_core_file *file;
};

/* The next stretch from `position`, stepping `*load` and `*file` past what lies before it. False at the end.
 */
static bool next_stretch(
	const struct hw_core *core, uint64_t position, size_t *load, size_t *file, struct stretch *stretch)
{
	uint64_t load_start = UINT64_MAX, load_end = UINT64_MAX;
	uint64_t file_start = UINT64_MAX, file_end = UINT64_MAX;

	while (*load < core->load_count && core->loads[*load].address + core->loads[*load].size <= position)
		++*load;
	while (*file < core->file_count && core->files[*file].end <= position)
		++*file;
	if (*load < core->load_count) {
		load_start = hw_max(core->loads[*load].address, position);
		load_end = core->loads[*load].address + core->loads[*load].size;
	}
	if (*file < core->file_count) {
		file_start = hw_max(core->files[*file].start, position);
		file_end = core->files[*file].end;
	}
	*stretch = (struct stretch){ .start = hw_min(load_start, file_start) };
	if (stretch->start == UINT64_MAX)
		return false;
	stretch->load = load_start == stretch->start ? &core->loads[*load] : NULL;
	stretch->file = file_start == stretch->start ? &core->files[*file] : NULL;
	stretch->end = hw_min(stretch->load ? load_end : load_start, stretch->file ? file_end : file_start);
	return true;
}

/* The path of a mapping; NT_FILE has " (deleted)" as /proc/PID/maps has it. */
static char *map_path(const struct stretch *stretch, bool *deleted)
{
	static const char mark[] = " (deleted)";
	const char *path = stretch->file ? stretch->file->path : "";
	size_t length = strlen(path), mark_length = sizeof(mark) - 1;

	*deleted = length > mark_length && !strcmp(path + length - mark_length, mark);
	return strndup(path, *deleted ? length - mark_length : length);
}

static struct hw_error *add_map(struct hw_snapshot *snapshot, const struct stretch *stretch)
{
	bool deleted;
	char *path = map_path(stretch, &deleted);
	struct hw_map *map = path ? hw_snapshot_add_map(snapshot) : NULL;

	if (!map) {
		free(path);
		return hw_error_no_memory();
	}
	map->start = stretch->start;
	map->end = stretch->end;
	map->path = path;
	map->deleted = deleted;
	if (stretch->load)
		map->prot = stretch->load->prot;
	if (stretch->file)
		map->offset = stretch->file->offset + (stretch->start - stretch->file->start);
	return NULL;
}

/* Calls an unnamed mapping what /proc/PID/maps would call it. */
static struct hw_error *name_map(struct hw_snapshot *snapshot, uint64_t address, const char *name)
{
	struct hw_map *map = (struct hw_map *)hw_snapshot_map_at(snapshot, address);
	char *copy;

	if (!address || !map || map->path[0])
		return NULL;
	copy = strdup(name);
	if (!copy)
		return hw_error_no_memory();
	free(map->path);
	map->path = copy;
	return NULL;
}

/*
 * The program's own file name (AT_EXECFN) is stored at the very top of its first stack. The address of the
 * vsyscall page has always been the same.
 */
static struct hw_error *name_maps(struct hw_snapshot *snapshot)
{
	const uint64_t vsyscall = 0xffffffffff600000;
	struct hw_error *error = name_map(snapshot, snapshot->holding->auxv.vdso, "[vdso]");

	if (!error)
		error = name_map(snapshot, snapshot->holding->auxv.file_name, "[stack]");
	if (!error && snapshot->machine == EM_X86_64)
		error = name_map(snapshot, vsyscall, "[vsyscall]");
	return error;
}

static int compare_files(const void *one, const void *other)
{
	const struct hw_core_file *a = one, *b = other;

	return (a->start > b->start) - (a->start < b->start);
}

struct hw_error *hw_core_make_maps(struct hw_core *core)
{
	size_t load = 0, file = 0;
	uint64_t position = 0;
	struct stretch stretch;

	if (core->file_count)
		qsort(core->files, core->file_count, sizeof(*core->files), compare_files);
	while (next_stretch(core, position, &load, &file, &stretch)) {
		struct hw_error *error = add_map(core->snapshot, &stretch);

		if (error)
			return error;
		position = stretch.end;
	}
	return name_maps(core->snapshot);
}
