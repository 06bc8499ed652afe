/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The unwinder object: modules reported to libdwfl by address only, files opened when it asks for them. */
#include <elf.h>

#include "unwind/session.h"
#include "unwind/stack.h"
#include "unwind/type_reader.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/*
 * Where libdwfl looks for separate debug information: beside the file, in its .debug folder, then by build id
 * or path under these folders.
 */
static struct hw_error *make_debug_path(
	const struct hw_snapshot *snapshot, const struct hw_unwinder_options *options, char **path)
{
	const char *own = options && options->debug_directory ? options->debug_directory : "";
	const char *root = snapshot->sysroot ? snapshot->sysroot : "";

	if (asprintf(path, "%s%s:.debug%s%s%s:/usr/lib/debug", own, *own ? ":" : "", *root ? ":" : "", root,
		    *root ? "/usr/lib/debug" : "") < 0)
		return hw_error_no_memory();
	return NULL;
}

/* libdwfl's callback: the very file behind the module, else what the image holds of it. */
static int find_elf(Dwfl_Module *dwfl hw_unused, void **userdata, const char *name hw_unused,
	Dwarf_Addr base hw_unused, char **file_name, Elf **elf)
{
	struct hw_object *object = *userdata;
	const struct hw_snapshot *snapshot = object->unwinder->snapshot;
	struct hw_error *error;
	int fd;

	error = hw_module_open(snapshot, object->module, &fd);
	if (!error) {
		if (asprintf(file_name, "%s%s", snapshot->sysroot ? snapshot->sysroot : "",
			    object->module->path) < 0)
			*file_name = NULL;
		return fd;
	}
	hw_error_destroy(error);
	if (hw_elf_from_image(snapshot, object->module, &object->elf_memory, &object->elf_memory_size))
		*elf = elf_memory(object->elf_memory, object->elf_memory_size);
	return -1;
}

/*
 * The lowest address as libdwfl reckons it: the first PT_LOAD's, rounded down to its alignment, which may be
 * coarser than a page.
 */
static uint64_t lowest_address(const struct hw_module *module)
{
	for (size_t i = 0; i < module->segment_count; i++) {
		const struct hw_elf_segment *segment = &module->segments[i];
		uint64_t alignment = segment->alignment ? segment->alignment : 1;

		if (segment->type == PT_LOAD && (alignment & (alignment - 1)) == 0)
			return hw_round_down(segment->address - module->bias, alignment) + module->bias;
	}
	return module->start;
}

static void report_module(struct hw_unwinder *unwinder, struct hw_object *object)
{
	const struct hw_module *module = object->module;
	void **userdata;

	if (!module->has_headers)
		return;
	object->dwfl = dwfl_report_module(unwinder->dwfl, module->path, lowest_address(module), module->end);
	if (object->dwfl && dwfl_module_info(object->dwfl, &userdata, NULL, NULL, NULL, NULL, NULL, NULL))
		*userdata = object;
}

static struct hw_error *start_dwfl(struct hw_unwinder *unwinder)
{
	unwinder->callbacks = (Dwfl_Callbacks){
		.find_elf = find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.debuginfo_path = &unwinder->debug_path,
	};
	elf_version(EV_CURRENT);
	unwinder->dwfl = dwfl_begin(&unwinder->callbacks);
	if (!unwinder->dwfl)
		return hw_error_no_memory();
	dwfl_report_begin(unwinder->dwfl);
	for (size_t i = 0; i < unwinder->snapshot->module_count; i++)
		report_module(unwinder, &unwinder->objects[i]);
	if (dwfl_report_end(unwinder->dwfl, NULL, NULL) != 0)
		return hw_error_create(
			HW_ERROR_FORMAT, "the modules' addresses make no sense: %s", dwfl_errmsg(-1));
	return NULL;
}

static struct hw_error *unwinder_init(struct hw_unwinder *unwinder, const struct hw_snapshot *snapshot,
	const struct hw_unwinder_options *options)
{
	struct hw_error *error;

	unwinder->snapshot = snapshot;
	unwinder->machine = hw_machine_find(snapshot->machine);
	unwinder->method = options ? options->method : HW_UNWIND_AUTO;
	hw_memory_init(&unwinder->memory, snapshot->image);
	unwinder->objects = calloc(snapshot->module_count + 1, sizeof(*unwinder->objects));
	if (!unwinder->objects)
		return hw_error_no_memory();
	for (size_t i = 0; i < snapshot->module_count; i++) {
		unwinder->objects[i].unwinder = unwinder;
		unwinder->objects[i].module = &snapshot->modules[i];
		unwinder->objects[i].name = base_name(snapshot->modules[i].path);
	}
	error = make_debug_path(snapshot, options, &unwinder->debug_path);
	return error ? error : start_dwfl(unwinder);
}

struct hw_error *hw_unwinder_create(const struct hw_snapshot *snapshot,
	const struct hw_unwinder_options *options, struct hw_unwinder **unwinder)
{
	struct hw_unwinder *made = calloc(1, sizeof(*made));
	struct hw_error *error = made ? unwinder_init(made, snapshot, options) : hw_error_no_memory();

	if (error) {
		hw_unwinder_destroy(made);
		return error;
	}
	*unwinder = made;
	return NULL;
}

void hw_unwinder_destroy(struct hw_unwinder *unwinder)
{
	if (!unwinder)
		return;
	hw_type_reader_destroy(unwinder->types);
	hw_libunwind_destroy(unwinder->libunwind);
	if (unwinder->dwfl)
		dwfl_end(unwinder->dwfl);
	hw_libdw_destroy(unwinder->libdw);
	for (size_t i = 0; unwinder->objects && i < unwinder->snapshot->module_count; i++)
		hw_object_deinit(&unwinder->objects[i]);
	free(unwinder->objects);
	hw_memory_deinit(&unwinder->memory);
	free(unwinder->debug_path);
	free(unwinder);
}

bool hw_unwinder_symbol(struct hw_unwinder *unwinder, uint64_t address, struct hw_symbol *symbol)
{
	struct hw_object *object = hw_object_at(unwinder, address);
	const struct hw_symbol_entry *entry;
	const struct hw_section *section;

	if (!object)
		return false;
	hw_object_load(object);
	section = hw_object_section_at(object, address);
	entry = hw_symbol_table_find(&object->symbols, address);
	*symbol = (struct hw_symbol){
		.name = entry ? entry->name : NULL,
		.offset = address - (entry ? entry->start : object->module->start),
		.size = entry && entry->has_size ? entry->end - entry->start : 0,
		.module = object->name,
		.section = section ? section->name : NULL,
		.section_offset = section ? address - section->start : 0,
		.is_function = entry && entry->is_function,
	};
	return true;
}

bool hw_unwinder_tls_symbol(
	struct hw_unwinder *unwinder, size_t module, uint64_t offset, struct hw_symbol *symbol)
{
	const struct hw_symbol_entry *entry;
	struct hw_object *object;

	if (module >= unwinder->snapshot->module_count)
		return false;
	object = &unwinder->objects[module];
	hw_object_load(object);
	entry = hw_symbol_table_find(&object->thread_locals, offset);
	if (!entry)
		return false;
	*symbol = (struct hw_symbol){
		.name = entry->name,
		.offset = offset - entry->start,
		.size = entry->end - entry->start,
		.module = object->name,
	};
	return true;
}
