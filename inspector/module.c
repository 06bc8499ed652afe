/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ELF objects among a snapshot's mappings. A module starts where a mapping begins with an ELF header
 * whose program headers agree with the mappings around it: a library that some program maps as plain data
 * (debuggers do) does not. Paths decide nothing: dlmopen() maps one file several times.
 */
#include <fcntl.h>

#include "inspector/module.h"

/* A module beyond this is a lie: the largest known are some GiB. */
#define MODULE_SIZE_MAX ((uint64_t)1 << 40)

const struct hw_elf_segment *hw_module_segment(const struct hw_module *module, uint32_t type)
{
	for (size_t i = 0; i < module->segment_count; i++) {
		if (module->segments[i].type == type)
			return &module->segments[i];
	}
	return NULL;
}

/*
 * Reading device memory can have effects, so a header is never looked for there. Anonymous memory holds one
 * only where a program moved its own text to huge pages, or in a core that does not name mappings.
 */
static bool may_start_module(const struct hw_snapshot *snapshot, const struct hw_map *map)
{
	if (snapshot->source == HW_SOURCE_CORE && !map->path[0])
		return true;
	if (map->flags & HW_MAP_IO)
		return false;
	if (strncmp(map->path, "/dev/", 5) == 0 && strncmp(map->path, "/dev/shm/", 9) != 0)
		return false;
	return (map->path[0] && map->offset == 0) || map->prot & HW_MAP_EXEC;
}

/* True when a PT_LOAD of the module found last holds this: small files map their first page twice. */
static bool inside_last_module(const struct hw_snapshot *snapshot, uint64_t address)
{
	const struct hw_module *last =
		snapshot->module_count ? &snapshot->modules[snapshot->module_count - 1] : NULL;

	for (size_t i = 0; last && i < last->segment_count; i++) {
		const struct hw_elf_segment *segment = &last->segments[i];
		uint64_t start = hw_round_down(segment->address, snapshot->page_size);

		if (segment->type == PT_LOAD && address >= start &&
			address < segment->address + segment->size)
			return true;
	}
	return false;
}

/* A PT_LOAD of an object that is really loaded has executable memory where the file wants it. */
static bool mapped_as_loaded(const struct hw_snapshot *snapshot, const struct hw_elf_segment *segment)
{
	const struct hw_map *map = hw_snapshot_map_at(snapshot, segment->address);

	return !map || !map->prot || !(segment->prot & HW_MAP_EXEC) || map->prot & HW_MAP_EXEC;
}

/* Adds the bias to every segment; false when the PT_LOADs are not ascending, sane and mapped as such. */
static bool place_segments(const struct hw_snapshot *snapshot, struct hw_module *module)
{
	uint64_t end = 0;

	for (size_t i = 0; i < module->segment_count; i++) {
		struct hw_elf_segment *segment = &module->segments[i];

		segment->address += module->bias;
		if (segment->type != PT_LOAD)
			continue;
		if (segment->address < end || segment->size > MODULE_SIZE_MAX ||
			segment->file_size > segment->size ||
			segment->address - module->start + segment->size > MODULE_SIZE_MAX)
			return false;
		if (segment->size && !mapped_as_loaded(snapshot, segment))
			return false;
		end = segment->address + segment->size;
	}
	module->end = end;
	return end > module->start;
}

static void take_tls(struct hw_module *module)
{
	const struct hw_elf_segment *tls = hw_module_segment(module, PT_TLS);

	if (!tls)
		return;
	module->tls_image_size = tls->size;
	module->tls_alignment = tls->alignment;
}

static bool same_kind(const struct hw_snapshot *snapshot, const struct hw_elf_header *header)
{
	return (header->type == ET_EXEC || header->type == ET_DYN) &&
	       header->layout.word_size == snapshot->image->word_size &&
	       header->layout.big_endian == snapshot->image->big_endian &&
	       (!snapshot->machine || header->machine == snapshot->machine);
}

/* Fills `module` (path and start are set) from the headers; false when they are no loaded object's. */
static bool fill_module(const struct hw_snapshot *snapshot, struct hw_elf *elf, struct hw_module *module)
{
	if (!same_kind(snapshot, &elf->header) ||
		!hw_elf_bias(elf, module->start, snapshot->page_size, &module->bias))
		return false;
	if (elf->header.type == ET_EXEC && module->bias)
		return false;
	module->segments = hw_take(&elf->segments);
	module->segment_count = elf->segment_count;
	module->machine = elf->header.machine;
	module->has_headers = true;
	module->build_id_size = elf->build_id_size;
	memcpy(module->build_id, elf->build_id, sizeof(module->build_id));
	if (!place_segments(snapshot, module))
		return false;
	take_tls(module);
	hw_module_read_dynamic(snapshot, module);
	return true;
}

static struct hw_error *append_module(struct hw_snapshot *snapshot, const struct hw_module *module)
{
	struct hw_module *slot;
	char *path = strdup(module->path);

	slot = path ? hw_snapshot_add_module(snapshot) : NULL;
	if (!slot) {
		free(path);
		return hw_error_no_memory();
	}
	*slot = *module;
	slot->path = path;
	return NULL;
}

/* Adds the module that starts with this mapping, if one does. */
static struct hw_error *try_module(struct hw_snapshot *snapshot, const struct hw_map *map)
{
	bool is_vdso = snapshot->holding->auxv.vdso && map->start == snapshot->holding->auxv.vdso;
	struct hw_module module = { .path = map->path, .start = map->start };
	struct hw_elf elf = { 0 };
	struct hw_error *error = hw_elf_read_image(snapshot->image, map->start, &elf);

	if (hw_error_catch(&error, HW_ERROR_FORMAT) || hw_error_catch(&error, HW_ERROR_FAULT))
		return NULL;
	if (error)
		return error;
	if (is_vdso && !map->path[0])
		module.path = (char *)"[vdso]";
	if (fill_module(snapshot, &elf, &module))
		error = append_module(snapshot, &module);
	else
		free(module.segments);
	hw_elf_deinit(&elf);
	return error;
}

/* True when `later` goes on with the file that `first` maps the beginning of. */
static bool same_file_further(const struct hw_map *first, const struct hw_map *later)
{
	return later->offset > 0 && later->inode == first->inode && !strcmp(later->path, first->path);
}

/*
 * A file that is mapped in several pieces, executable where that is known, whose headers nobody has (a core
 * without them and without the file): so that at least its name and place are known.
 */
static struct hw_error *try_headless(struct hw_snapshot *snapshot, size_t index)
{
	const struct hw_map *first = &snapshot->maps[index];
	struct hw_module module = { .path = first->path, .start = first->start, .end = first->end };
	bool executable = first->prot & HW_MAP_EXEC;
	size_t pieces = 1;
	uint8_t byte;

	if (first->path[0] != '/' || hw_image_read_some(snapshot->image, first->start, &byte, 1))
		return NULL;
	for (size_t i = index + 1; i < snapshot->map_count; i++, pieces++) {
		if (!same_file_further(first, &snapshot->maps[i]))
			break;
		module.end = snapshot->maps[i].end;
		executable = executable || snapshot->maps[i].prot & HW_MAP_EXEC || !snapshot->maps[i].prot;
	}
	if (!executable || pieces < 2)
		return NULL;
	return append_module(snapshot, &module);
}

static void read_process_auxv(struct hw_snapshot *snapshot)
{
	struct hw_elf_layout layout = { snapshot->image->word_size, snapshot->image->big_endian };
	hw_autoclose int fd = -1;
	char path[64];
	uint8_t bytes[4096]; /* some 25 entries of 16 bytes */
	ssize_t size;

	(void)snprintf(path, sizeof(path), "/proc/%d/auxv", (int)snapshot->process.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd >= 0 ? read(fd, bytes, sizeof(bytes)) : -1;
	if (size > 0)
		hw_elf_auxv_decode(layout, bytes, (size_t)size, &snapshot->holding->auxv);
}

/* DF_1_PIE, or a fixed address: an executable, not a library that can be run (as libc and ld.so are). */
static bool built_as_program(const struct hw_snapshot *snapshot, const struct hw_module *module)
{
	struct hw_dynamic_entry entry;

	for (size_t i = 0; hw_module_dynamic_entry(snapshot, module, i, &entry); i++) {
		if (entry.tag == DT_FLAGS_1)
			return entry.value & DF_1_PIE;
	}
	return module->has_headers && !module->bias;
}

static struct hw_module *module_holding(struct hw_snapshot *snapshot, uint64_t address)
{
	return (struct hw_module *)hw_snapshot_module_at(snapshot, address);
}

/*
 * The kernel's own word first. It started ld.so itself when a program is run as "ld.so ./program": then the
 * program is the object built as one that names an interpreter.
 */
static struct hw_module *find_executable(struct hw_snapshot *snapshot)
{
	uint64_t headers = snapshot->holding->auxv.program_headers;
	struct hw_module *started = headers ? module_holding(snapshot, headers) : NULL;

	if (started && (hw_module_segment(started, PT_INTERP) || built_as_program(snapshot, started)))
		return started;
	for (size_t i = 0; i < snapshot->module_count; i++) {
		struct hw_module *module = &snapshot->modules[i];

		if (started && hw_module_segment(module, PT_INTERP) && built_as_program(snapshot, module))
			return module;
		if (!started && !strcmp(module->path, snapshot->process.executable))
			return module;
	}
	return started;
}

struct hw_error *hw_snapshot_find_modules(struct hw_snapshot *snapshot)
{
	struct hw_module *executable;

	if (snapshot->source == HW_SOURCE_PROCESS && !snapshot->holding->auxv.program_headers)
		read_process_auxv(snapshot);
	for (size_t i = 0; i < snapshot->map_count; i++) {
		const struct hw_map *map = &snapshot->maps[i];
		size_t before = snapshot->module_count;
		struct hw_error *error;

		if (!may_start_module(snapshot, map) || inside_last_module(snapshot, map->start))
			continue;
		error = try_module(snapshot, map);
		if (!error && snapshot->module_count == before && map->offset == 0)
			error = try_headless(snapshot, i);
		if (error)
			return error;
	}
	executable = find_executable(snapshot);
	if (executable)
		executable->is_executable = true;
	return NULL;
}
