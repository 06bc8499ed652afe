/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory map, and what each piece of it is used for. */
#include "report/sheet.h"

static const struct hw_column columns[] = {
	{ "start", HW_UNIT_ADDRESS, HW_COLUMN_SHOWN, "its first address" },
	{ "end", HW_UNIT_ADDRESS, 0, "past its last address" },
	{ "size", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "bytes of address space" },
	{ "rss", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "resident bytes of its mapping" },
	{ "pss", HW_UNIT_BYTES, HW_COLUMN_ADDS, "resident bytes, shared ones in proportion" },
	{ "swap", HW_UNIT_BYTES, HW_COLUMN_ADDS, "bytes of its mapping in swap" },
	{ "perms", HW_UNIT_WORD, HW_COLUMN_SHOWN, "read, write, execute, shared or private" },
	{ "use", HW_UNIT_WORD, 0, "what it is used for" },
	{ "owner", HW_UNIT_TEXT, 0, "the arena, thread or module that uses it" },
	{ "used_for", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_EXTRA, "use and owner together", "USE" },
	{ "path", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_TAIL, "the file behind it" },
};

const struct hw_column_set hw_columns_maps = { "maps", columns, hw_array_size(columns) };

static const char *permissions(unsigned prot, char text[5])
{
	text[0] = prot & HW_MAP_READ ? 'r' : '-';
	text[1] = prot & HW_MAP_WRITE ? 'w' : '-';
	text[2] = prot & HW_MAP_EXEC ? 'x' : '-';
	text[3] = prot & HW_MAP_SHARED ? 's' : 'p';
	text[4] = '\0';
	return text;
}

static const char *owner_text(
	const struct hw_snapshot *snapshot, const struct hw_use_span *span, char text[static 40])
{
	text[0] = '\0';
	if (span->owner == UINT32_MAX)
		return text;
	if (span->use == HW_USE_STACK && span->owner < snapshot->thread_count)
		snprintf(text, 40, "thread %d", (int)snapshot->threads[span->owner].tid);
	else if (span->use == HW_USE_HEAP)
		snprintf(text, 40, "arena %u", span->owner);
	else if (span->use == HW_USE_DATA && span->owner < snapshot->module_count)
		return hw_file_name(snapshot->modules[span->owner].path);
	return text;
}

/* A file's own data needs no owner: its path stands beside it. */
static const char *used_for_text(
	const struct hw_map *map, enum hw_use use, const char *owner, char text[static 80])
{
	bool told = use == HW_USE_DATA && map->path[0];

	snprintf(text, 80, "%s%s%s", hw_use_name(use), *owner && !told ? ", " : "", told ? "" : owner);
	return text;
}

/* A span's part of what smaps says about its mapping. */
static struct hw_cell part_of(const struct hw_map *map, const struct hw_use_span *span, uint64_t bytes)
{
	if (!map->usage.known)
		return hw_cell_none();
	if (span->start == map->start && span->end == map->end)
		return hw_cell_number(bytes);
	return hw_cell_number((uint64_t)((double)bytes * (double)(span->end - span->start) /
					 (double)(map->end - map->start)));
}

static void add_row(
	struct hw_sheet *sheet, const struct hw_snapshot *snapshot, const struct hw_use_span *span)
{
	const struct hw_map *map = &snapshot->maps[span->map];
	char prot[5];
	char room[40];
	char used_for[80];
	const char *owner = owner_text(snapshot, span, room);
	struct hw_cell cells[] = {
		hw_cell_number(span->start),
		hw_cell_number(span->end),
		hw_cell_number(span->end - span->start),
		part_of(map, span, map->usage.rss),
		part_of(map, span, map->usage.pss),
		part_of(map, span, map->usage.swap),
		hw_cell_text(permissions(map->prot, prot)),
		hw_cell_text(hw_use_name(span->use)),
		hw_cell_text(owner),
		hw_cell_text(used_for_text(map, span->use, owner, used_for)),
		hw_cell_text(map->path),
	};

	hw_sheet_row(sheet, cells);
}

void hw_report_maps(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_accounting *accounting = findings->accounting;
	struct hw_sheet *sheet;

	hw_report_heading(report, NULL);
	sheet = hw_sheet_create(report, &hw_columns_maps, HW_SHEET_TOTAL | HW_SHEET_SHORT, "mapping");
	for (size_t i = 0; i < accounting->span_count; i++)
		add_row(sheet, findings->snapshot, &accounting->spans[i]);
	hw_sheet_finish(sheet);
}
