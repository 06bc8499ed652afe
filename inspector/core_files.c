/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a core leaves out because files hold it: code and constants. A file is believed only if it is the one
 * that was mapped, and only where nobody can have written: a writable segment that is missing in the core may
 * have been changed in memory (and a relocated one has been), whatever the file says.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "inspector/core.h"
#include "inspector/core_tally.h"

/* More dynamic entries than any known object has. */
#define DYNAMIC_ENTRIES_MAX 4096

/* All mappings of one path, by address. */
struct group {
	struct hw_core *core;
	struct hw_map **maps;
	size_t count;
	const char *path;
};

/* A group's ELF object, as the core's memory or the file shows it, at the place where one copy is loaded. */
struct placement {
	const struct hw_elf *elf;
	uint64_t bias;
	uint64_t end; /* of the last PT_LOAD; 0: not placed yet */
};

static size_t first_segment_past(const struct hw_image *image, uint64_t address)
{
	size_t low = 0, high = image->segment_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (image->segments[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Bytes of the mapping that the image does not have. */
static uint64_t missing_bytes(const struct hw_image *image, const struct hw_map *map)
{
	uint64_t missing = map->end - map->start;

	for (size_t i = first_segment_past(image, map->start); i < image->segment_count; i++) {
		const struct hw_segment *segment = &image->segments[i];

		if (segment->start >= map->end)
			break;
		missing -= hw_min(segment->end, map->end) - hw_max(segment->start, map->start);
	}
	return missing;
}

static uint64_t group_missing(const struct group *group)
{
	uint64_t missing = 0;

	for (size_t i = 0; i < group->count; i++)
		missing += missing_bytes(group->core->snapshot->image, group->maps[i]);
	return missing;
}

/* Moves on to the next copy of the object where `map` is the first mapping of one. */
static void place(const struct group *group, const struct hw_map *map, struct placement *placement)
{
	const struct hw_elf *elf = placement->elf;

	if (map->offset || map->start < placement->end)
		return;
	if (!hw_elf_bias(elf, map->start, group->core->snapshot->page_size, &placement->bias))
		return;
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct hw_elf_segment *segment = &elf->segments[i];

		if (segment->type == PT_LOAD)
			placement->end = segment->address + placement->bias + segment->size;
	}
}

/* The PT_LOAD that the mapping was made for, or NULL. */
static const struct hw_elf_segment *load_of_map(
	const struct group *group, const struct hw_map *map, const struct placement *placement)
{
	uint64_t page = group->core->snapshot->page_size;
	const struct hw_elf_segment *found = NULL;

	for (size_t i = 0; placement->end && i < placement->elf->segment_count; i++) {
		const struct hw_elf_segment *segment = &placement->elf->segments[i];
		uint64_t start = segment->address + placement->bias;
		uint64_t offset = map->start - hw_round_down(start, page);

		if (segment->type != PT_LOAD || map->start < hw_round_down(start, page) ||
			map->start >= start + segment->size)
			continue;
		if (map->offset == hw_round_down(segment->file_offset, page) + offset)
			found = segment;
	}
	return found;
}

/* True when every mapping of the group is where the file's program headers would have it. */
static bool layout_agrees(const struct group *group, const struct hw_elf *file)
{
	struct placement placement = { .elf = file };

	for (size_t i = 0; i < group->count; i++) {
		place(group, group->maps[i], &placement);
		if (!load_of_map(group, group->maps[i], &placement))
			return false;
	}
	return true;
}

/*
 * Where neither header nor build id was dumped, the dynamic section usually was (it is written to): sizes and
 * addresses of all tables of the object. ld.so adds the bias to some values and fills in DT_DEBUG.
 */
static bool dynamic_agrees(const struct group *group, const struct hw_elf *elf, int fd)
{
	const struct hw_elf_layout layout = elf->header.layout;
	const size_t each = 2 * layout.word_size;
	struct placement placement = { .elf = elf };
	const struct hw_elf_segment *dynamic = NULL;

	place(group, group->maps[0], &placement);
	for (size_t i = 0; i < elf->segment_count && !dynamic; i++) {
		if (elf->segments[i].type == PT_DYNAMIC)
			dynamic = &elf->segments[i];
	}
	for (size_t i = 0; dynamic && i < hw_min(dynamic->file_size / each, DYNAMIC_ENTRIES_MAX); i++) {
		uint8_t in_file[16], in_core[16];
		struct hw_elf_cursor file = { in_file, layout }, core = { in_core, layout };
		uint64_t address = dynamic->address + placement.bias + i * each, tag, value, core_value;

		if (pread(fd, in_file, each, (off_t)(dynamic->file_offset + i * each)) != (ssize_t)each ||
			hw_image_read_some(group->core->snapshot->image, address, in_core, each) != each)
			return false;
		tag = hw_elf_take_word(&file);
		if (tag != hw_elf_take_word(&core))
			return false;
		if (tag == DT_NULL)
			return i > 0;
		value = hw_elf_take_word(&file);
		core_value = hw_elf_take_word(&core);
		if (tag != DT_DEBUG && core_value != value && core_value != value + placement.bias)
			return false;
	}
	return false;
}

/* Puts into the image what the group's read-only segments miss; maps that only NT_FILE knows get their prot.
 */
static struct hw_error *fill_group(const struct group *group, const struct hw_elf *elf, int fd, uint64_t size)
{
	struct placement placement = { .elf = elf };

	for (size_t i = 0; i < group->count; i++) {
		struct hw_map *map = group->maps[i];
		const struct hw_elf_segment *load;
		struct hw_error *error;

		place(group, map, &placement);
		load = load_of_map(group, map, &placement);
		if (load && !map->prot)
			map->prot = load->prot;
		if (fd < 0 || !load || (load->prot | map->prot) & HW_MAP_WRITE || map->offset >= size)
			continue;
		error = hw_image_add(group->core->snapshot->image,
			&(struct hw_segment){
				.start = map->start,
				.end = map->start + hw_min(map->end - map->start, size - map->offset),
				.file_size = size - map->offset,
				.fd = fd,
				.offset = map->offset,
				.fill = HW_FILL_MISSING,
			});
		if (error)
			return error;
	}
	return NULL;
}

static bool is_executable(const struct group *group)
{
	uint64_t headers = group->core->snapshot->holding->auxv.program_headers;

	for (size_t i = 0; i < group->count; i++) {
		if (headers >= group->maps[i]->start && headers < group->maps[i]->end)
			return true;
	}
	return !headers && !strcmp(group->path, group->core->snapshot->process.executable);
}

static struct hw_error *open_group_file(const struct group *group, int *fd)
{
	const char *given = group->core->snapshot->holding->executable_file;

	if (!given || !is_executable(group))
		return hw_snapshot_open_file(group->core->snapshot, group->path, fd);
	*fd = open(given, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? hw_error_os(errno, "cannot open %s", given) : NULL;
}

/* Whether the open file is what was mapped. `object` is what the core shows of it, NULL: nothing. */
static enum hw_core_verdict judge_file(
	const struct group *group, const struct hw_elf *object, const struct hw_elf *file, int fd)
{
	if (object)
		return hw_elf_is_file_of(file, object, 0) ? HW_CORE_FILE_SAME : HW_CORE_FILE_OTHER;
	if (!layout_agrees(group, file))
		return HW_CORE_FILE_OTHER;
	if (group->core->snapshot->holding->executable_file && is_executable(group))
		return HW_CORE_FILE_SAME; /* the user says so */
	return dynamic_agrees(group, file, fd) ? HW_CORE_FILE_SAME : HW_CORE_FILE_UNPROVEN;
}

/* Takes the file's bytes if it is the right one; `fd` is then the holding's. */
static struct hw_error *use_file(
	const struct group *group, const struct hw_elf *object, int fd, enum hw_core_verdict *verdict)
{
	struct hw_holding *holding = group->core->snapshot->holding;
	struct stat status;
	struct hw_elf file;
	struct hw_error *error = hw_elf_read_file(fd, &file);

	if (error || fstat(fd, &status)) {
		*verdict = object ? HW_CORE_FILE_OTHER : HW_CORE_FILE_DATA;
		hw_error_destroy(error);
		close(fd);
		return NULL;
	}
	*verdict = judge_file(group, object, &file, fd);
	if (*verdict == HW_CORE_FILE_SAME) {
		error = hw_holding_add_fd(holding, fd);
		if (!error)
			error = fill_group(group, &file, fd, (uint64_t)status.st_size);
	} else {
		close(fd);
	}
	hw_elf_deinit(&file);
	return error;
}

/* A file whose content the core shows nothing of: an object if it was mapped in pieces as ld.so does it. */
static bool looks_like_object(const struct group *group)
{
	bool executable = false;

	for (size_t i = 0; i < group->count; i++)
		executable = executable || !group->maps[i]->prot || group->maps[i]->prot & HW_MAP_EXEC;
	return executable && group->count > 1;
}

/* What is missing of this group, from the file if it can be. */
static struct hw_error *complete_group(const struct group *group, struct hw_core_tally *tally)
{
	const struct hw_image *image = group->core->snapshot->image;
	enum hw_core_verdict verdict = HW_CORE_FILE_DATA;
	struct hw_elf object = { 0 };
	bool known, foreign;
	struct hw_error *error;
	int fd;

	error = hw_elf_read_image(image, group->maps[0]->start, &object);
	known = !error;
	foreign = hw_error_catch(&error, HW_ERROR_FORMAT) && !group->maps[0]->offset;
	if (!hw_error_catch(&error, HW_ERROR_FAULT) && error)
		return error;
	if (known || (!foreign && looks_like_object(group)))
		verdict = HW_CORE_FILE_ABSENT;
	if (known)
		error = fill_group(group, &object, -1, 0);
	if (!error && verdict == HW_CORE_FILE_ABSENT) {
		error = open_group_file(group, &fd);
		if (!error)
			error = use_file(group, known ? &object : NULL, fd, &verdict);
		else if (error->code != HW_ERROR_NO_MEMORY)
			hw_error_destroy(hw_take(&error));
	}
	hw_elf_deinit(&object);
	if (!error && verdict != HW_CORE_FILE_SAME)
		error = hw_core_tally_add(tally, verdict, group->path, group_missing(group));
	return error;
}

static int compare_maps(const void *one, const void *other)
{
	const struct hw_map *a = *(struct hw_map *const *)one, *b = *(struct hw_map *const *)other;
	int order = strcmp(a->path, b->path);

	return order ? order : (a->start > b->start) - (a->start < b->start);
}

/* Pointers to all mappings of files, sorted so that those of one path stand together. */
static struct hw_map **sorted_maps(struct hw_snapshot *snapshot, size_t *count)
{
	struct hw_map **maps = calloc(snapshot->map_count + 1, sizeof(struct hw_map *));

	*count = 0;
	for (size_t i = 0; maps && i < snapshot->map_count; i++) {
		if (snapshot->maps[i].path[0] && snapshot->maps[i].path[0] != '[')
			maps[(*count)++] = &snapshot->maps[i];
	}
	if (*count)
		qsort(maps, *count, sizeof(struct hw_map *), compare_maps);
	return maps;
}

struct hw_error *hw_core_add_files(struct hw_core *core)
{
	size_t count;
	hw_autofree struct hw_map **maps = sorted_maps(core->snapshot, &count);
	struct hw_core_tally tally = { 0 };
	struct hw_error *error = NULL;

	if (!maps)
		return hw_error_no_memory();
	for (size_t i = 0, next; i < count && !error; i = next) {
		struct group group = { .core = core, .maps = &maps[i], .path = maps[i]->path };

		for (next = i; next < count && !strcmp(maps[next]->path, group.path); next++)
			group.count++;
		if (group_missing(&group))
			error = complete_group(&group, &tally);
	}
	if (!error)
		error = hw_core_tally_warn(&tally, core->snapshot);
	hw_core_tally_deinit(&tally);
	return error;
}
