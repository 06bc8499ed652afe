/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands behind struct hw_unwinder: one libdwfl session and one object per module. Private to unwind/.
 */
#ifndef HW_UNWIND_SESSION_H
#define HW_UNWIND_SESSION_H

#include <elfutils/libdwfl.h>

#include "unwind/memory.h"
#include "unwind/registers.h"
#include "unwind/symbols.h"
#include "unwind/unwinder.h"

/* A section that is in memory at run time. */
struct hw_section {
	uint64_t start;
	uint64_t end;
	const char *name; /* borrowed from the ELF file */
	bool is_code;
};

/* A module as libdwfl and we know it. Nothing of it is opened before it is asked for. */
struct hw_object {
	struct hw_unwinder *unwinder;
	const struct hw_module *module;
	const char *name;  /* file name without directories, borrowed from the module */
	Dwfl_Module *dwfl; /* NULL: the module has no headers */
	void *elf_memory;  /* the ELF file put together from the image, where there is no file */
	size_t elf_memory_size;
	struct hw_section *sections;
	size_t section_count;
	struct hw_symbol_table symbols;
	struct hw_symbol_table thread_locals; /* by offset in the module's TLS block */
	Dwarf_Die last_unit;                  /* found by hw_unit_at(); no address: none yet */
	bool is_loaded;                       /* sections and symbols were read, as far as there are any */
};

struct hw_libunwind;   /* stack_libunwind.c */
struct hw_libdw;       /* stack_libdw.c */
struct hw_type_reader; /* types.c */

struct hw_unwinder {
	const struct hw_snapshot *snapshot;
	const struct hw_machine *machine; /* NULL: stacks of this machine cannot be unwound */
	enum hw_unwind_method method;
	Dwfl *dwfl;
	Dwfl_Callbacks callbacks;
	char *debug_path;          /* where debug information is looked for, libdwfl's syntax */
	struct hw_object *objects; /* one per snapshot->modules, same order */
	struct hw_memory memory;
	struct hw_libunwind *libunwind; /* NULL until the first stack by this method */
	struct hw_libdw *libdw;         /* likewise */
	struct hw_type_reader *types;   /* NULL until asked for */
};

/* The object whose PT_LOAD segments hold `address`, or NULL. */
struct hw_object *hw_object_at(struct hw_unwinder *unwinder, uint64_t address);

/* Reads sections and symbols at the first call. Whatever cannot be read is left out. */
void hw_object_load(struct hw_object *object);

/* Releases all that hw_object_load() and libdwfl's callbacks put there; only after dwfl_end(). */
void hw_object_deinit(struct hw_object *object);

/* The section that holds `address`, or NULL. After hw_object_load(). */
const struct hw_section *hw_object_section_at(const struct hw_object *object, uint64_t address);

/*
 * An ELF file made of what the image holds of a module's segments, for where no file is to be had (the vdso,
 * a core without its libraries). *memory is from mmap(). False when the image holds nothing usable.
 */
bool hw_elf_from_image(
	const struct hw_snapshot *snapshot, const struct hw_module *module, void **memory, size_t *size);

#endif
