/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copying a process's memory while it stands. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "inspector/hold.h"
#include "inspector/procfs.h"
#include "inspector/room.h"

/* Between two looks at whether somebody still wants the copy. */
#define COPY_STEP ((uint64_t)64 << 20)

/* A block that is needed in the middle of a copy, because the process has grown past the estimate. */
#define EXTRA_BLOCK ((uint64_t)64 << 20)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

/* How a mapping's bytes come into the snapshot. */
enum source {
	SOURCE_NONE,        /* cannot be read */
	SOURCE_OWN_OR_ZERO, /* copy its own pages; what it never touched is zeros */
	SOURCE_OWN_OR_FILE, /* copy its own pages; the rest is the file's */
	SOURCE_FILE,        /* shared: the file's */
	SOURCE_PRESENT,     /* shared memory without a file at hand: copy what is there */
	SOURCE_EVERYTHING,  /* copy all that can be read */
};

/* "[heap]", "[stack]", "[anon:name]" are plain anonymous memory; "[vdso]" is not. */
static bool is_plain_anonymous(const struct hw_map *map)
{
	return map->path[0] == '\0' || strcmp(map->path, "[heap]") == 0 ||
	       strncmp(map->path, "[stack", 6) == 0 || strncmp(map->path, "[anon", 5) == 0;
}

static enum source source_of(const struct hw_hold *hold, const struct hw_map *map)
{
	bool has_file = hw_files_find(&hold->files, map);

	if (!hw_map_is_readable(map))
		return SOURCE_NONE;
	if (map->prot & HW_MAP_SHARED)
		return has_file ? SOURCE_FILE : SOURCE_PRESENT;
	/* Private huge pages have a file in name only. */
	if (is_plain_anonymous(map) || (map->flags & HW_MAP_HUGETLB))
		return SOURCE_OWN_OR_ZERO;
	return has_file ? SOURCE_OWN_OR_FILE : SOURCE_EVERYTHING;
}

static bool is_chosen(const struct hw_map *map, enum hw_hold_choice choice)
{
	return choice == HW_HOLD_ALL || (map->flags & (HW_MAP_DONTFORK | HW_MAP_WIPEONFORK));
}

void hw_hold_init(struct hw_hold *hold)
{
	*hold = (struct hw_hold){ .mem = -1, .pagemap = { .fd = -1 } };
}

static void drop_pieces(struct hw_hold *hold)
{
	free(hold->blocks);
	free(hold->pieces);
	hold->blocks = NULL;
	hold->pieces = NULL;
	hold->block_count = hold->block_capacity = hold->piece_count = hold->piece_capacity = 0;
}

void hw_hold_deinit(struct hw_hold *hold)
{
	for (size_t i = 0; i < hold->block_count; i++)
		munmap(hold->blocks[i].memory, hold->blocks[i].size);
	drop_pieces(hold);
	hw_files_deinit(&hold->files);
	hw_pagemap_deinit(&hold->pagemap);
	hw_hold_init(hold);
}

uint64_t hw_hold_estimate(const struct hw_snapshot *before, enum hw_hold_choice choice)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < before->map_count; i++) {
		const struct hw_map *map = &before->maps[i];

		if (!is_chosen(map, choice) || !hw_map_is_readable(map))
			continue;
		if (!(map->prot & HW_MAP_SHARED))
			bytes += map->usage.anonymous + map->usage.swap;
		else if (choice == HW_HOLD_UNFORKABLE)
			bytes += map->usage.rss;
	}
	return bytes;
}

static struct hw_error *add_block(struct hw_hold *hold, uint64_t size, bool touch)
{
	struct hw_hold_block *block = hw_array_next(hold->blocks, hold->block_count, hold->block_capacity);
	void *memory;

	if (!block)
		return hw_error_no_memory();
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return hw_error_no_memory();
	madvise(memory, size, MADV_HUGEPAGE);
	if (touch)
		madvise(memory, size, MADV_POPULATE_WRITE); /* merely slower where the kernel cannot */
	*block = (struct hw_hold_block){ .memory = memory, .size = size };
	hold->block_count++;
	return NULL;
}

static struct hw_error *refuse(uint64_t needed, uint64_t room)
{
	return hw_error_remedy(hw_error_create(HW_ERROR_NO_MEMORY,
				       "copying its memory takes %.1f MiB, but only %.1f MiB are available",
				       (double)needed / (1 << 20), (double)room / (1 << 20)),
		"use --freeze fork, which copies nothing, or free some memory");
}

struct hw_error *hw_hold_prepare(
	struct hw_hold *hold, const struct hw_snapshot *before, pid_t living, enum hw_hold_choice choice)
{
	uint64_t needed = hw_hold_estimate(before, choice);
	uint64_t room = hw_min(hw_room_of_machine(), hw_room_of_cgroup(getpid()));
	struct hw_error *error = NULL;

	/* A tenth stays free: the machine's other processes go on. */
	hold->budget = room == HW_ROOM_UNLIMITED ? room : room - room / 10;
	if (needed > hold->budget)
		return refuse(needed, room);
	if (choice == HW_HOLD_ALL)
		error = hw_files_open(&hold->files, before, living);
	/* The process may grow a little until it stands. */
	if (!error && needed)
		error = add_block(hold, hw_round_up(needed + needed / 32 + (1 << 20), 1 << 21), true);
	return error;
}

/* Room in the last block; takes another block when that is full. */
static struct hw_error *have_room(struct hw_hold *hold, struct hw_hold_block **block)
{
	struct hw_error *error = NULL;

	*block = hold->block_count ? &hold->blocks[hold->block_count - 1] : NULL;
	if (*block && (*block)->used < (*block)->size)
		return NULL;
	if (hold->budget < EXTRA_BLOCK)
		return refuse(EXTRA_BLOCK, hold->budget);
	error = add_block(hold, EXTRA_BLOCK, false);
	if (!error)
		*block = &hold->blocks[hold->block_count - 1];
	return error;
}

static struct hw_error *add_piece(struct hw_hold *hold, uint64_t start, uint64_t end, const uint8_t *bytes)
{
	struct hw_hold_piece *last = hold->piece_count ? &hold->pieces[hold->piece_count - 1] : NULL;

	if (last && last->end == start && last->bytes + (last->end - last->start) == bytes) {
		last->end = end;
		return NULL;
	}
	last = hw_array_next(hold->pieces, hold->piece_count, hold->piece_capacity);
	if (!last)
		return hw_error_no_memory();
	*last = (struct hw_hold_piece){ start, end, bytes };
	hold->piece_count++;
	return NULL;
}

/*
 * process_vm_readv() is twice as fast as /proc/PID/mem but pins what it reads, for which the kernel takes
 * apart pages that the target shares with a process it forked (FOLL_PIN in mm/gup.c, Linux 5.19): the target
 * would grow. So only where nothing is shared.
 */
static size_t read_target(
	const struct hw_hold *hold, bool fast, uint64_t address, uint8_t *buffer, size_t size)
{
	struct iovec local = { .iov_base = buffer, .iov_len = size };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)address, .iov_len = size };
	ssize_t got = fast ? process_vm_readv(hold->pid, &local, 1, &remote, 1, 0) : -1;

	if (got <= 0)
		got = pread(hold->mem, buffer, size, (off_t)address);
	return got > 0 ? (size_t)got : 0;
}

/* Copies what can be read of [start, end), going around single pages that cannot (guard pages). */
static struct hw_error *copy_run(struct hw_hold *hold, uint64_t start, uint64_t end, bool fast)
{
	uint64_t page = hold->pagemap.page_size;

	while (start < end) {
		struct hw_hold_block *block;
		struct hw_error *error = have_room(hold, &block);
		size_t size, got;

		if (error)
			return error;
		if (hold->agent && hw_agent_is_cancelled(hold->agent))
			return hw_error_create(HW_ERROR_INTERRUPTED, "interrupted");
		size = hw_min(hw_min(end - start, COPY_STEP), block->size - block->used);
		got = read_target(hold, fast, start, block->memory + block->used, size);
		if (got) {
			hold->budget -= hw_min(hold->budget, got);
			error = add_piece(hold, start, start + got, block->memory + block->used);
			block->used += got;
		}
		if (error)
			return error;
		start = got == size ? start + got : hw_round_down(start + got, page) + page;
	}
	return NULL;
}

static struct hw_error *copy_map(struct hw_hold *hold, const struct hw_map *map)
{
	enum source source = source_of(hold, map);
	/* No page shared with a child: proportional and resident size agree. */
	bool fast = map->usage.known && map->usage.pss >= map->usage.rss;
	struct hw_error *error = NULL;
	struct hw_page_run run;

	if (source == SOURCE_NONE || source == SOURCE_FILE)
		return NULL;
	if (source == SOURCE_EVERYTHING)
		return copy_run(hold, map->start, map->end, false);
	hw_pagemap_seek(&hold->pagemap, map->start, map->end, source != SOURCE_PRESENT);
	while (!error && hw_pagemap_next(&hold->pagemap, &run))
		error = copy_run(hold, run.start, run.end, fast);
	return error;
}

struct hw_error *hw_hold_copy(struct hw_hold *hold, const struct hw_snapshot *stopped, pid_t living, int mem,
	const struct hw_agent *agent, enum hw_hold_choice choice)
{
	struct hw_error *error;
	int fd;

	error = hw_proc_open(living, "pagemap", O_RDONLY, &fd);
	if (error)
		return error;
	hw_pagemap_init(&hold->pagemap, fd, stopped->page_size);
	hold->mem = mem;
	hold->pid = living;
	hold->agent = agent;
	for (size_t i = 0; i < stopped->map_count && !error; i++) {
		if (is_chosen(&stopped->maps[i], choice))
			error = copy_map(hold, &stopped->maps[i]);
	}
	return error;
}

/* The part [start, end) of a file mapping. Zeros follow the file's end to the end of that page, then nothing.
 */
static struct hw_error *add_file_part(const struct hw_mapped_file *file, const struct hw_map *map,
	struct hw_snapshot *snapshot, uint64_t start, uint64_t end)
{
	uint64_t offset = map->offset + (start - map->start);
	uint64_t left = file->size > offset ? file->size - offset : 0;
	struct hw_segment segment = { .start = start,
		.end = hw_min(end, start + hw_round_up(left, snapshot->page_size)),
		.fd = file->fd,
		.offset = offset,
		.fill = HW_FILL_ZERO };

	if (segment.end <= start)
		return NULL;
	segment.file_size = hw_min(left, segment.end - start);
	return hw_image_add(snapshot->image, &segment);
}

/* What was not copied of a mapping. */
static struct hw_error *add_gap(const struct hw_hold *hold, const struct hw_map *map,
	struct hw_snapshot *snapshot, uint64_t start, uint64_t end)
{
	enum source source = source_of(hold, map);
	struct hw_segment zeros = { .start = start, .end = end, .fd = -1, .fill = HW_FILL_ZERO };

	if (start >= end)
		return NULL;
	if (source == SOURCE_OWN_OR_FILE || source == SOURCE_FILE)
		return add_file_part(hw_files_find(&hold->files, map), map, snapshot, start, end);
	return source == SOURCE_OWN_OR_ZERO ? hw_image_add(snapshot->image, &zeros) : NULL;
}

/* Pieces and gaps in ascending order: each segment is appended, none inserted. `*next` is the first piece. */
static struct hw_error *add_map(
	const struct hw_hold *hold, const struct hw_map *map, struct hw_snapshot *snapshot, size_t *next)
{
	uint64_t at = map->start;
	struct hw_error *error = NULL;

	for (; *next < hold->piece_count && hold->pieces[*next].start < map->end && !error; ++*next) {
		const struct hw_hold_piece *piece = &hold->pieces[*next];
		struct hw_segment segment = { .start = piece->start,
			.end = piece->end,
			.file_size = piece->end - piece->start,
			.bytes = piece->bytes,
			.fd = -1 };

		error = add_gap(hold, map, snapshot, at, piece->start);
		if (!error)
			error = hw_image_add(snapshot->image, &segment);
		at = piece->end;
	}
	return error ? error : add_gap(hold, map, snapshot, at, map->end);
}

static struct hw_error *hand_over(struct hw_hold *hold, struct hw_holding *holding)
{
	struct hw_error *error = hw_files_hand_over(&hold->files, holding);

	for (size_t i = 0; i < hold->block_count; i++) {
		struct hw_hold_block *block = &hold->blocks[i];

		if (!error)
			error = hw_holding_add_mapping(holding, block->memory, block->size);
		else
			munmap(block->memory, block->size);
	}
	drop_pieces(hold);
	return error;
}

struct hw_error *hw_hold_to_image(
	struct hw_hold *hold, struct hw_snapshot *snapshot, enum hw_hold_choice choice, int fd)
{
	struct hw_error *error = NULL;
	size_t next = 0;

	for (size_t i = 0; i < snapshot->map_count && !error; i++) {
		const struct hw_map *map = &snapshot->maps[i];
		struct hw_segment elsewhere = { .start = map->start,
			.end = map->end,
			.file_size = map->end - map->start,
			.fd = fd,
			.offset = map->start };

		if (is_chosen(map, choice))
			error = add_map(hold, map, snapshot, &next);
		else if (hw_map_is_readable(map))
			error = hw_image_add(snapshot->image, &elsewhere);
	}
	return error ? error : hand_over(hold, snapshot->holding);
}
