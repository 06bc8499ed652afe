/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What programs keep in pools of their own, a row for each kind of record. */
#include "report/pools.h"

#include "report/field.h"
#include "report/number.h"
#include "report/sheet.h"

static const struct hw_column columns[] = {
	{ "pool", HW_UNIT_WORD, HW_COLUMN_SHOWN, "pymalloc (CPython's), obstack, apr, nginx, or records" },
	{ "blocks", HW_UNIT_COUNT, HW_COLUMN_SHOWN, "blocks of memory that hold such records" },
	{ "block_size", HW_UNIT_SIZE, HW_COLUMN_SHOWN, "usable bytes of each of these, if all have as many",
		"OF" },
	{ "record_size", HW_UNIT_SIZE, HW_COLUMN_SHOWN, "from one record to the next", "RECORD" },
	{ "used", HW_UNIT_COUNT, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "records in use" },
	{ "free", HW_UNIT_COUNT, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "records that the pool keeps for later" },
	{ "in_use", HW_UNIT_SHARE, HW_COLUMN_SHOWN, "the used ones' share of the bytes" },
	{ "bytes", HW_UNIT_BYTES, HW_COLUMN_SHOWN, "of used and free ones; pools may lie in each other" },
	{ "level", HW_UNIT_WORD, HW_COLUMN_SHOWN, "how sure that is: certain, strong, likely, guess" },
	{ "percent", HW_UNIT_NUMBER, 0, "of a guess: how probable" },
	{ "type", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_WIDE, "what the records are" },
	{ "example", HW_UNIT_ADDRESS, 0, "one of them" },
};

const struct hw_column_set hw_columns_pools = { "pools", columns, hw_array_size(columns) };

static struct hw_cell type_cell(const struct hw_typing *typing, const struct hw_pool_row *row)
{
	if (row->type)
		return hw_cell_text(typing->types[row->type].name);
	if (!row->record_size)
		return hw_cell_text("all sizes");
	return hw_cell_text(row->used ? "unknown" : "free");
}

static void add_row(struct hw_sheet *sheet, const struct hw_typing *typing, const struct hw_pool_row *row)
{
	uint64_t bytes = row->used_bytes + row->free_bytes;
	bool counted = row->record_size;
	struct hw_cell none = hw_cell_none();
	struct hw_cell cells[] = {
		hw_cell_text(hw_pool_kind_name(row->kind)),
		hw_cell_number(row->blocks),
		row->block_size ? hw_cell_number(row->block_size) : none,
		counted ? hw_cell_number(row->record_size) : none,
		counted ? hw_cell_number(row->used) : none,
		counted ? hw_cell_number(row->free) : none,
		bytes ? hw_cell_real((double)row->used_bytes / (double)bytes) : none,
		hw_cell_number(bytes),
		hw_cell_text(hw_level_name((enum hw_level)row->level)),
		row->percent ? hw_cell_number(row->percent) : none,
		type_cell(typing, row),
		hw_cell_number(row->example),
	};

	hw_sheet_row(sheet, cells);
}

/* ----------------------------------------------------------------------------------------------------
 * pymalloc
 */

static void say_pymalloc(struct hw_report *report, const struct hw_pymalloc *count)
{
	char arenas[HW_NUMBER_ROOM], bytes[HW_NUMBER_ROOM], used[HW_NUMBER_ROOM], used_bytes[HW_NUMBER_ROOM];
	char unused[HW_NUMBER_ROOM], unused_bytes[HW_NUMBER_ROOM];

	hw_field(report, HW_TINT_PLAIN, "pymalloc",
		"CPython has %s arena%s outside malloc (%s): %s blocks in use (%s), %s free (%s)",
		hw_number_count(count->arenas, arenas), count->arenas == 1 ? "" : "s",
		hw_number_bytes(count->arena_bytes, bytes), hw_number_count(count->used_blocks, used),
		hw_number_bytes(count->used_bytes, used_bytes), hw_number_count(count->free_blocks, unused),
		hw_number_bytes(count->free_bytes, unused_bytes));
}

static void add_pymalloc(struct hw_json *json, const struct hw_pymalloc *count)
{
	hw_json_open_object(json, "pymalloc");
	hw_json_number(json, "arenas", count->arenas);
	hw_json_number(json, "arena_bytes", count->arena_bytes);
	hw_json_number(json, "used_blocks", count->used_blocks);
	hw_json_number(json, "used_bytes", count->used_bytes);
	hw_json_number(json, "free_blocks", count->free_blocks);
	hw_json_number(json, "free_bytes", count->free_bytes);
	hw_json_number(json, "free_pool_bytes", count->free_pool_bytes);
	hw_json_number(json, "own_bytes", count->own_bytes);
	hw_json_close(json);
}

void hw_pools_say_pymalloc(struct hw_report *report, const struct hw_pymalloc *count)
{
	if (report->has_pymalloc || !count->arenas)
		return;
	report->has_pymalloc = true;
	if (hw_report_is_json(report))
		add_pymalloc(&report->json, count);
	else if (hw_report_is_text(report))
		say_pymalloc(report, count);
}

void hw_report_pools(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_typing *typing = findings->typing;
	struct hw_sheet *sheet;

	hw_report_heading(report, NULL);
	hw_pools_say_pymalloc(report, &typing->pymalloc);
	if (!typing->pool_count)
		hw_report_print(report, "No pool was recognised.\n");
	sheet = hw_sheet_create(report, &hw_columns_pools, HW_SHEET_TOTAL, "kind");
	for (uint32_t i = 0; i < typing->pool_count; i++)
		add_row(sheet, typing, &typing->pools[i]);
	hw_sheet_finish(sheet);
}
