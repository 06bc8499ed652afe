/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One row for each arena, and what it holds. */
#include "report/sheet.h"

static const struct hw_column columns[] = {
	{ "arena", HW_UNIT_NUMBER, HW_COLUMN_SHOWN, "its number, as --arena takes it" },
	{ "kind", HW_UNIT_WORD, HW_COLUMN_SHOWN, "main (grows by brk), or thread (an mmapped heap)" },
	{ "address", HW_UNIT_ADDRESS, HW_COLUMN_SHOWN, "of its struct malloc_state" },
	{ "library", HW_UNIT_TEXT, HW_COLUMN_EXTRA, "the libc that it belongs to" },
	{ "threads", HW_UNIT_COUNT, HW_COLUMN_SHOWN, "threads attached to it" },
	{ "system", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "memory it has from the system" },
	{ "peak", HW_UNIT_BYTES, 0, "the most it ever had from the system" },
	{ "live_chunks", HW_UNIT_COUNT, HW_COLUMN_ADDS, "live chunks in it" },
	{ "live", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS,
		"bytes in live chunks, without mmapped ones" },
	{ "free_chunks", HW_UNIT_COUNT, HW_COLUMN_ADDS,
		"free chunks, tcache and fastbins included, top not" },
	{ "free", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "bytes in free chunks, without top" },
	{ "top", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "bytes in the top chunk" },
	{ "overhead", HW_UNIT_BYTES, HW_COLUMN_ADDS, "malloc's own: headers of heaps, tcache structs" },
	{ "regions", HW_UNIT_COUNT, 0, "pieces of address space" },
	{ "state", HW_UNIT_WORD, HW_COLUMN_SHOWN, "busy: caught in the middle of an operation", "" },
};

const struct hw_column_set hw_columns_arenas = { "arenas", columns, hw_array_size(columns) };

static struct hw_tally free_tally(const struct hw_arena *arena)
{
	struct hw_tally sum = { 0 };

	for (int state = HW_CHUNK_TCACHE; state <= HW_CHUNK_UNBINNED; state++) {
		sum.chunks += arena->tallies[state].chunks;
		sum.bytes += arena->tallies[state].bytes;
	}
	return sum;
}

static void add_row(struct hw_sheet *sheet, const struct hw_heap *heap, uint32_t index)
{
	const struct hw_arena *arena = &heap->arenas[index];
	struct hw_tally unused = free_tally(arena);
	struct hw_cell cells[] = {
		hw_cell_number(index),
		hw_cell_text(arena->is_main ? "main" : "thread"),
		hw_cell_number(arena->address),
		hw_cell_text(heap->libcs[arena->libc].module_path),
		hw_cell_number(arena->attached_threads),
		hw_cell_number(arena->system_mem),
		hw_cell_number(arena->max_system_mem),
		hw_cell_number(arena->tallies[HW_CHUNK_LIVE].chunks),
		hw_cell_number(arena->tallies[HW_CHUNK_LIVE].bytes),
		hw_cell_number(unused.chunks),
		hw_cell_number(unused.bytes),
		hw_cell_number(arena->tallies[HW_CHUNK_TOP].bytes),
		hw_cell_number(arena->overhead + arena->tallies[HW_CHUNK_BOOKKEEPING].bytes),
		hw_cell_number(arena->region_count),
		hw_cell_text(arena->busy ? "busy" : ""),
	};

	hw_sheet_row(sheet, cells);
}

void hw_report_arenas(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_heap *heap = findings->heap;
	struct hw_sheet *sheet;

	hw_report_heading(report, NULL);
	if (!heap->arena_count)
		hw_report_print(report, "No arena was found.\n");
	sheet = hw_sheet_create(report, &hw_columns_arenas, HW_SHEET_TOTAL, "arena");
	for (uint32_t i = 0; i < heap->arena_count; i++)
		add_row(sheet, heap, i);
	hw_sheet_finish(sheet);
}
