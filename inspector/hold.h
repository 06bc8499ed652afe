/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copying a process's memory while it stands: the pages that are its own. What it never touched is known to
 * be zeros, and what it only maps comes from the files. Private to inspector/.
 *
 * In three steps, since only the middle one costs the target time: hw_hold_prepare() finds files and memory,
 * hw_hold_copy() copies, hw_hold_to_image() sorts what was copied.
 */
#ifndef HW_INSPECTOR_HOLD_H
#define HW_INSPECTOR_HOLD_H

#include "inspector/agent.h"
#include "inspector/files.h"
#include "inspector/pagemap.h"

struct hw_hold {
	struct hw_file_table files;
	struct hw_hold_block {
		uint8_t *memory;
		size_t size;
		size_t used;
	} * blocks; /* the last one is being filled */
	size_t block_count;
	size_t block_capacity;
	struct hw_hold_piece {
		uint64_t start;
		uint64_t end;
		const uint8_t *bytes;
	} * pieces; /* ascending */
	size_t piece_count;
	size_t piece_capacity;
	uint64_t budget; /* bytes that may still be taken for copies */
	struct hw_pagemap pagemap;
	int mem; /* /proc/PID/mem, borrowed during a copy */
	pid_t pid;
	const struct hw_agent *agent; /* asked whether to go on; NULL: always */
};

/* Mappings to copy: all, or those that a forked child does not have as they are. */
enum hw_hold_choice { HW_HOLD_ALL, HW_HOLD_UNFORKABLE };

void hw_hold_init(struct hw_hold *hold);
void hw_hold_deinit(struct hw_hold *hold);

/* Bytes that would have to be copied, by the usage that `before`, read from smaps, tells. */
uint64_t hw_hold_estimate(const struct hw_snapshot *before, enum hw_hold_choice choice);

/*
 * Opens files and takes memory for hw_hold_estimate() bytes, all of it touched: a copy into fresh memory
 * takes several times as long. Refuses with HW_ERROR_NO_MEMORY what the machine could not bear.
 */
struct hw_error *hw_hold_prepare(struct hw_hold *hold, const struct hw_snapshot *before, pid_t living,
	enum hw_hold_choice choice) hw_must_check;

/*
 * Copies out of the standing process whose mappings are stopped->maps, through `mem`, its open /proc/PID/mem.
 * HW_ERROR_INTERRUPTED: the agent was cancelled. HW_ERROR_NO_MEMORY: past the budget.
 */
struct hw_error *hw_hold_copy(struct hw_hold *hold, const struct hw_snapshot *stopped, pid_t living, int mem,
	const struct hw_agent *agent, enum hw_hold_choice choice) hw_must_check;

/*
 * Fills the image of the snapshot whose maps were copied, and hands memory and files over to its holding.
 * Mappings outside `choice` are read at their own addresses in `fd`.
 */
struct hw_error *hw_hold_to_image(
	struct hw_hold *hold, struct hw_snapshot *snapshot, enum hw_hold_choice choice, int fd) hw_must_check;

#endif
