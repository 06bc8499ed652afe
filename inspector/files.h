/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files behind a process's mappings, opened once each: what a mapping holds that the process has not
 * written itself need not be copied out of it. Private to inspector/.
 */
#ifndef HW_INSPECTOR_FILES_H
#define HW_INSPECTOR_FILES_H

#include "inspector/maps.h"

struct hw_mapped_file {
	uint32_t device_major;
	uint32_t device_minor;
	uint64_t inode;
	int fd; /* -1: could not be opened, or is not certainly the file */
	uint64_t size;
};

struct hw_file_table {
	struct hw_mapped_file *files;
	size_t count;
	size_t capacity;
};

/*
 * Opens the files behind snapshot->maps. One that cannot be opened, or is no longer what was mapped, is left
 * out, and so are all past half of the descriptors that we may have.
 */
struct hw_error *hw_files_open(
	struct hw_file_table *table, const struct hw_snapshot *snapshot, pid_t living) hw_must_check;
void hw_files_deinit(struct hw_file_table *table);

/* The opened file behind a mapping, or NULL. Borrowed. */
const struct hw_mapped_file *hw_files_find(const struct hw_file_table *table, const struct hw_map *map);

/* Hands all descriptors over to the snapshot's holding. */
struct hw_error *hw_files_hand_over(struct hw_file_table *table, struct hw_holding *holding) hw_must_check;

#endif
