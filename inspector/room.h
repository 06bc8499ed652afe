/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much memory may still be used, by the machine and by a process's control groups. Private to inspector/.
 */
#ifndef HW_INSPECTOR_ROOM_H
#define HW_INSPECTOR_ROOM_H

#include "inspector/inspector.h"

/* Nothing limits it, or nobody can tell. */
#define HW_ROOM_UNLIMITED UINT64_MAX

/* What the machine can give without swapping (MemAvailable). */
uint64_t hw_room_of_machine(void);

/*
 * What the tightest of the memory control groups of process `pid` (version 1 or 2, and those above it)
 * leaves, counting page cache that can be dropped as free.
 */
uint64_t hw_room_of_cgroup(pid_t pid);

/* Whether the kernel grants only memory that is there (vm.overcommit_memory=2). */
bool hw_room_is_strict(void);

/*
 * The directory of a process's memory control group, and of the mount that it lies in, out of the texts of
 * /proc/PID/cgroup and /proc/self/mountinfo. Both the caller's to free; false: it has none that we see.
 */
bool hw_room_find_cgroup(const char *cgroup, const char *mountinfo, char **directory, char **mount);

#endif
