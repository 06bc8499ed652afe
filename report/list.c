/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every chunk, a row each. */
#include "report/sheet.h"

/* The JSON lines that people's scripts read hold exactly the columns that are not EXTRA, in this order. */
static const struct hw_column columns[] = {
	{ "address", HW_UNIT_ADDRESS, HW_COLUMN_SHOWN, "what malloc() returned" },
	{ "size", HW_UNIT_SIZE, HW_COLUMN_SHOWN, "usable bytes" },
	{ "chunk_size", HW_UNIT_SIZE, HW_COLUMN_SHOWN, "bytes that it takes, header included" },
	{ "arena", HW_UNIT_NUMBER, HW_COLUMN_SHOWN, "the arena that it belongs to" },
	{ "state", HW_UNIT_WORD, HW_COLUMN_SHOWN, "live, mmapped, tcache, ..." },
	{ "kind", HW_UNIT_WORD, HW_COLUMN_GRAPH, "who refers to it: still reachable, definitely lost, ..." },
	{ "type", HW_UNIT_TEXT, HW_COLUMN_TYPED, "what it is" },
	{ "level", HW_UNIT_WORD, HW_COLUMN_TYPED, "how sure the type is: certain, strong, likely, guess" },
	{ "evidence", HW_UNIT_WORD, HW_COLUMN_EXTRA | HW_COLUMN_TYPED,
		"what tells the type: vtable, path, text, ..." },
	{ "fit", HW_UNIT_WORD, HW_COLUMN_EXTRA | HW_COLUMN_TYPED,
		"how they go together: exact, array, prefix, ..." },
	{ "stale", HW_UNIT_WORD, HW_COLUMN_EXTRA, "yes: only a word that looks stale refers to it" },
	{ "content", HW_UNIT_WORD, HW_COLUMN_SHOWN | HW_COLUMN_EXTRA, "what its bytes look like" },
};

const struct hw_column_set hw_columns_list = { "list", columns, hw_array_size(columns) };

/* NULL: not a live chunk, or nobody asked who refers to it. */
static const char *leak_kind(const struct hw_graph *graph, uint32_t index)
{
	enum hw_leak_kind kind = graph ? hw_chunk_leak_kind(graph, index) : HW_LEAK_NONE;

	return kind == HW_LEAK_NONE ? NULL : hw_leak_kind_name(kind);
}

/* NULL: not known, or nobody looked. */
static const struct hw_chunk_type *type_of(const struct hw_typing *typing, uint32_t index)
{
	const struct hw_chunk_type *answer = typing ? hw_chunk_type(typing, index) : NULL;

	return answer && answer->type ? answer : NULL;
}

static void add_row(
	struct hw_sheet *sheet, const struct hw_findings *findings, uint32_t index, uint32_t arena)
{
	const struct hw_heap *heap = findings->heap;
	const struct hw_chunk_type *answer = type_of(findings->typing, index);
	enum hw_content content = hw_chunk_content(heap, index);
	bool is_stale = findings->graph && hw_chunk_is_stale(findings->graph, index);
	struct hw_cell cells[] = {
		hw_cell_number(hw_chunk_user(heap, index)),
		hw_cell_number(hw_chunk_usable(heap, index)),
		hw_cell_number(hw_chunk_size(heap, index)),
		hw_cell_number(arena),
		hw_cell_text(hw_chunk_state_name(hw_chunk_state(heap, index))),
		hw_cell_text(leak_kind(findings->graph, index)),
		hw_cell_text(answer ? findings->typing->types[answer->type].name : NULL),
		hw_cell_text(answer ? hw_level_name(answer->level) : NULL),
		hw_cell_text(answer ? hw_evidence_name(answer->evidence) : NULL),
		hw_cell_text(answer ? hw_fit_name(answer->fit) : NULL),
		hw_cell_text(is_stale ? "yes" : NULL),
		hw_cell_text(content == HW_CONTENT_NONE ? NULL : hw_content_name(content)),
	};

	hw_sheet_row(sheet, cells);
}

void hw_report_list(struct hw_report *report, const struct hw_findings *findings)
{
	uint64_t limit = report->options.limit ? report->options.limit : UINT64_MAX;
	struct hw_chunk_iterator iterator;
	struct hw_sheet *sheet;
	uint64_t shown = 0;
	uint64_t more = 0;
	uint32_t index;
	uint32_t arena;

	hw_report_heading(report, NULL);
	sheet = hw_sheet_create(report, &hw_columns_list, HW_SHEET_STREAM, "chunk");
	hw_chunk_iterator_init(&iterator, findings->heap, findings->selection, findings->newest_first);
	while (sheet && !hw_report_failed(report) && hw_chunk_iterator_next(&iterator, &index, &arena)) {
		if (shown < limit) {
			add_row(sheet, findings, index, arena);
			shown++;
		} else {
			more++;
		}
	}
	hw_sheet_finish(sheet);
	hw_report_more(report, shown, more, "chunk");
}
