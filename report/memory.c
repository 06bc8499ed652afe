/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the memory is: the table whose parts add up to the whole. */
#include "report/memory.h"

#include "report/sheet.h"

static const struct hw_column columns[] = {
	{ "part", HW_UNIT_WORD, HW_COLUMN_SHOWN, "a part of the address space", "MEMORY" },
	{ "of", HW_UNIT_WORD, 0, "the part that it is a part of" },
	{ "chunks", HW_UNIT_COUNT, HW_COLUMN_SHOWN, "malloc's chunks in it" },
	{ "size", HW_UNIT_BYTES, HW_COLUMN_SHOWN, "bytes of address space" },
	{ "rss", HW_UNIT_BYTES, HW_COLUMN_SHOWN, "resident bytes" },
	{ "pss", HW_UNIT_BYTES, HW_COLUMN_SHOWN, "resident bytes, shared ones in proportion" },
	{ "swap", HW_UNIT_BYTES, HW_COLUMN_SHOWN, "bytes in swap" },
};

const struct hw_column_set hw_columns_memory = { "memory", columns, hw_array_size(columns) };

#define MALLOC "malloc"

struct memory_table {
	struct hw_sheet *sheet;
	const struct hw_heap *heap;
	const struct hw_accounting *accounting;
	bool is_text;
};

/* A part of malloc's memory, made of the chunks in one state. */
struct state_part {
	enum hw_chunk_state state;
	const char *name;
};

static const struct state_part state_parts[] = {
	{ HW_CHUNK_LIVE, "live chunks" },
	{ HW_CHUNK_MMAPPED, "live, mmapped" },
	{ HW_CHUNK_TCACHE, "free in tcaches" },
	{ HW_CHUNK_FASTBIN, "free in fastbins" },
	{ HW_CHUNK_UNSORTED, "free, unsorted" },
	{ HW_CHUNK_SMALLBIN, "free in small bins" },
	{ HW_CHUNK_LARGEBIN, "free in large bins" },
	{ HW_CHUNK_UNBINNED, "free in no bin" },
	{ HW_CHUNK_TOP, "free at the top" },
};

static struct hw_cell usage_cell(
	const struct memory_table *table, const struct hw_use_total *total, uint64_t bytes)
{
	return total && table->accounting->usage_known ? hw_cell_number(bytes) : hw_cell_none();
}

/* NULL total: only the size is known. Without chunks: UINT64_MAX. */
static void add_part(struct memory_table *table, const char *name, const char *of, uint64_t chunks,
	uint64_t size, const struct hw_use_total *total)
{
	char indented[64];
	struct hw_cell cells[] = {
		hw_cell_text(name),
		hw_cell_text(of),
		chunks == UINT64_MAX ? hw_cell_none() : hw_cell_number(chunks),
		hw_cell_number(size),
		usage_cell(table, total, total ? total->rss : 0),
		usage_cell(table, total, total ? total->pss : 0),
		usage_cell(table, total, total ? total->swap : 0),
	};

	if (table->is_text && of) {
		snprintf(indented, sizeof(indented), "  %s", name);
		cells[0] = hw_cell_text(indented);
	}
	hw_sheet_row(table->sheet, cells);
}

static uint64_t own_bytes(const struct hw_heap *heap)
{
	uint64_t bytes = heap->tallies[HW_CHUNK_BOOKKEEPING].bytes;

	for (uint32_t i = 0; i < heap->arena_count; i++)
		bytes += heap->arenas[i].overhead;
	return bytes;
}

/* What was skipped because of damage is part of what is not explained. Empty parts are left out of text
 * tables, but for the live chunks and what is not explained. */
static void add_malloc(struct memory_table *table)
{
	const struct hw_use_total *totals = table->accounting->totals;
	struct hw_use_total malloc_total = totals[HW_USE_HEAP];
	const struct hw_tally *tallies = table->heap->tallies;

	malloc_total.size += totals[HW_USE_MMAPPED].size;
	malloc_total.rss += totals[HW_USE_MMAPPED].rss;
	malloc_total.pss += totals[HW_USE_MMAPPED].pss;
	malloc_total.swap += totals[HW_USE_MMAPPED].swap;
	add_part(table, MALLOC, NULL, UINT64_MAX, malloc_total.size, &malloc_total);
	for (size_t i = 0; i < hw_array_size(state_parts); i++) {
		enum hw_chunk_state state = state_parts[i].state;

		if (tallies[state].chunks || state == HW_CHUNK_LIVE || !table->is_text)
			add_part(table, state_parts[i].name, MALLOC, tallies[state].chunks,
				tallies[state].bytes, NULL);
	}
	add_part(table, "malloc's own", MALLOC, UINT64_MAX, own_bytes(table->heap), NULL);
	add_part(table, "not explained", MALLOC, UINT64_MAX, table->accounting->unexplained_heap, NULL);
}

/* What CPython's objects take of the anonymous memory. */
static void add_pymalloc(struct memory_table *table, const struct hw_pymalloc *count)
{
	const char *anonymous = hw_use_name(HW_USE_ANONYMOUS);

	if (!count || !count->arenas)
		return;
	add_part(table, "pymalloc, in use", anonymous, UINT64_MAX, count->used_bytes, NULL);
	add_part(
		table, "pymalloc, free", anonymous, UINT64_MAX, count->arena_bytes - count->used_bytes, NULL);
}

void hw_memory_table(struct hw_report *report, const struct hw_findings *findings)
{
	struct memory_table table = {
		.heap = findings->heap,
		.accounting = findings->accounting,
		.is_text = hw_report_is_text(report),
	};

	hw_report_heading(report, NULL);
	table.sheet = hw_sheet_create(report, &hw_columns_memory, HW_SHEET_SHORT, "part");
	if (findings->heap->region_count || !table.is_text)
		add_malloc(&table);
	for (int use = 0; use < HW_USES; use++) {
		const struct hw_use_total *total = &table.accounting->totals[use];

		if (use != HW_USE_HEAP && use != HW_USE_MMAPPED && (total->size || !table.is_text))
			add_part(&table, hw_use_name((enum hw_use)use), NULL, UINT64_MAX, total->size, total);
		if (use == HW_USE_ANONYMOUS)
			add_pymalloc(&table, findings->pymalloc);
	}
	add_part(&table, "all", NULL, UINT64_MAX, table.accounting->all.size, &table.accounting->all);
	hw_sheet_finish(table.sheet);
}
