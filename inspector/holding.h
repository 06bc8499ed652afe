/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What stands behind a snapshot's image: descriptors, mappings and buffers of ours, and the snapshot process.
 * The snapshot owns it; whoever fills the image hands over here what the segments borrow. Private to
 * inspector/.
 */
#ifndef HW_INSPECTOR_HOLDING_H
#define HW_INSPECTOR_HOLDING_H

#include "inspector/inspector.h"

/* What the kernel told the program at its start (getauxval(3)); 0: unknown. */
struct hw_auxv {
	uint64_t program_headers; /* AT_PHDR: lies in the executable */
	uint64_t vdso;            /* AT_SYSINFO_EHDR */
	uint64_t page_size;       /* AT_PAGESZ */
	uint64_t file_name;       /* AT_EXECFN: address of the path that was executed */
};

struct hw_holding {
	int *fds;
	size_t fd_count;
	size_t fd_capacity;
	struct hw_held_memory {
		void *memory;
		size_t size; /* > 0: munmap() it, 0: free() it */
	} * memory;
	size_t memory_count;
	size_t memory_capacity;
	struct hw_auxv auxv;
	char *executable_file;  /* a path of ours that stands for the executable's (--exe), or NULL */
	struct hw_agent *agent; /* keeps the forked snapshot (agent.h); NULL: there is none */
	int copy;               /* its memory, borrowed; meaningful where `witness` is not 0 */
	uint64_t witness;       /* an address that can be read as long as the forked snapshot lives */
};

/* An empty snapshot with its holding; word_size, machine and image are for the caller to set. */
struct hw_error *hw_snapshot_create(enum hw_source source, struct hw_snapshot **snapshot) hw_must_check;

/* All three take over what they are given, also on failure (it is then released at once). */
struct hw_error *hw_holding_add_fd(struct hw_holding *holding, int fd) hw_must_check;
struct hw_error *hw_holding_add_mapping(struct hw_holding *holding, void *memory, size_t size) hw_must_check;
struct hw_error *hw_holding_add_buffer(struct hw_holding *holding, void *memory) hw_must_check;

/* Adds a sentence to snapshot->warnings. */
struct hw_error *hw_snapshot_warn(struct hw_snapshot *snapshot, const char *format, ...)
	hw_printf(2, 3) hw_must_check;

/* Appends a zeroed element to the array and returns it; NULL when memory is short. */
struct hw_map *hw_snapshot_add_map(struct hw_snapshot *snapshot);
struct hw_thread *hw_snapshot_add_thread(struct hw_snapshot *snapshot);
struct hw_module *hw_snapshot_add_module(struct hw_snapshot *snapshot);

/* Fills snapshot->modules from its maps, its image and, where those lack the headers, the files. Once, at the
 * end. */
struct hw_error *hw_snapshot_find_modules(struct hw_snapshot *snapshot) hw_must_check;

#endif
