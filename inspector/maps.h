/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mappings of a running process, from /proc/PID/maps (cheap, also while the target stands) or
 * /proc/PID/smaps (with usage and flags; costs a walk of the page tables). Private to inspector/.
 *
 *	7f1c40a26000-7f1c40b7b000 r-xp 00026000 fe:01 1310798    /usr/lib/x86_64-linux-gnu/libc.so.6
 *	Rss:                1364 kB
 *	VmFlags: rd ex mr mw me
 */
#ifndef HW_INSPECTOR_MAPS_H
#define HW_INSPECTOR_MAPS_H

#include "inspector/holding.h"

/*
 * Appends the mappings that `text`, the content of a maps or smaps file, describes. Lines that make no sense,
 * overlap or go backwards (the file is not one moment's when the target runs) are left out.
 */
struct hw_error *hw_maps_parse(struct hw_snapshot *snapshot, const char *text) hw_must_check;

/*
 * Reads the mappings of process or thread `pid` into snapshot->maps, in place of what is there. Where smaps
 * is asked for but cannot be read, it is maps, and usage stays unknown.
 */
struct hw_error *hw_maps_read(struct hw_snapshot *snapshot, pid_t pid, bool smaps) hw_must_check;

/* Forgets all mappings. */
void hw_maps_clear(struct hw_snapshot *snapshot);

/* Copies flags and usage to those mappings of `to` that lie in a mapping of `from`. */
void hw_maps_inherit(struct hw_snapshot *to, const struct hw_snapshot *from);

/* Whether the target's memory can be read there: readable, and neither device memory nor the kernel's. */
bool hw_map_is_readable(const struct hw_map *map);

/* Whether it is backed by a file (by inode; not the names in brackets). */
bool hw_map_has_file(const struct hw_map *map);

/* Adds all readable mappings to the image: their bytes are at their own addresses in `fd`, a /proc/PID/mem.
 */
struct hw_error *hw_maps_to_image(const struct hw_snapshot *snapshot, int fd) hw_must_check;

#endif
