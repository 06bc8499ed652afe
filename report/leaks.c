/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is lost: families that look alike, a row each. */
#include "report/leaks.h"

#include "report/field.h"
#include "report/number.h"
#include "report/sheet.h"

static const struct hw_column columns[] = {
	{ "kind", HW_UNIT_WORD, HW_COLUMN_SHOWN, "definitely, probably (by a stale word) or possibly lost" },
	{ "families", HW_UNIT_COUNT, HW_COLUMN_SHOWN | HW_COLUMN_ADDS,
		"heads that nothing refers to, with what hangs on them" },
	{ "shape", HW_UNIT_WORD, HW_COLUMN_SHOWN,
		"a block, a list, a tree, a cycle that holds itself, a web" },
	{ "requests", HW_UNIT_WORD, HW_COLUMN_SHOWN, "the malloc() requests that the heads come from",
		"HEAD" },
	{ "request_low", HW_UNIT_SIZE, 0, "the smallest of these requests" },
	{ "request_high", HW_UNIT_SIZE, 0, "the largest of these requests" },
	{ "chunk_size", HW_UNIT_SIZE, 0, "bytes that a head takes, header included" },
	{ "type", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_WIDE,
		"of the heads; in tables else what they look like" },
	{ "content", HW_UNIT_WORD, 0, "what the heads look like" },
	{ "blocks", HW_UNIT_COUNT, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "heads and what hangs on them" },
	{ "bytes", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "what they take, headers included" },
	{ "head_bytes", HW_UNIT_BYTES, HW_COLUMN_ADDS, "what the heads alone take" },
	{ "example", HW_UNIT_ADDRESS, HW_COLUMN_SHOWN, "the head with the most on it" },
	{ "most", HW_UNIT_BYTES, 0, "bytes of that family" },
};

const struct hw_column_set hw_columns_leaks = { "leaks", columns, hw_array_size(columns) };

static const char *content_name(const struct hw_leak_group *group)
{
	return group->content == HW_CONTENT_NONE ? NULL : hw_content_name(group->content);
}

static const char *type_name(
	const struct hw_report *report, const struct hw_findings *findings, const struct hw_leak_group *group)
{
	if (findings->typing && group->type)
		return findings->typing->types[group->type].name;
	return hw_report_is_text(report) ? content_name(group) : NULL;
}

static void add_row(
	struct hw_sheet *sheet, const struct hw_findings *findings, const struct hw_leak_group *group)
{
	const struct hw_heap *heap = findings->heap;
	char requests[2 * HW_NUMBER_ROOM];
	struct hw_cell cells[] = {
		hw_cell_text(group->is_stale ? "probably lost" : hw_leak_kind_name(group->kind)),
		hw_cell_number(group->families),
		hw_cell_text(hw_lost_shape_name(group->shape)),
		hw_cell_text(requests),
		hw_cell_number(group->request_low),
		hw_cell_number(group->request_high),
		hw_cell_number(group->chunk_size),
		hw_cell_text(type_name(sheet->report, findings, group)),
		hw_cell_text(content_name(group)),
		hw_cell_number(group->blocks),
		hw_cell_number(group->bytes),
		hw_cell_number(group->head_bytes),
		hw_cell_number(hw_chunk_user(heap, group->example)),
		hw_cell_number(group->most),
	};

	snprintf(requests, sizeof(requests), "%llu-%llu", (unsigned long long)group->request_low,
		(unsigned long long)group->request_high);
	cells[3] = hw_cell_text(requests);
	hw_sheet_row(sheet, cells);
}

static void say_kind(
	struct hw_report *report, const struct hw_graph *graph, enum hw_leak_kind kind, const char *meaning)
{
	const struct hw_tally *tally = &graph->tallies[kind];
	char count[HW_NUMBER_ROOM], bytes[HW_NUMBER_ROOM];

	hw_report_print(report, "%-16s %10s in %s block%s%s\n", hw_leak_kind_name(kind),
		hw_number_bytes(tally->bytes, bytes), hw_number_count(tally->chunks, count),
		tally->chunks == 1 ? "" : "s", meaning);
}

/* Some of what can be reached is nearly lost. */
static void say_stale(struct hw_report *report, const struct hw_graph *graph)
{
	const struct hw_tally *tally = &graph->stale;
	char count[HW_NUMBER_ROOM], bytes[HW_NUMBER_ROOM];

	if (tally->chunks)
		hw_report_print(report,
			"%-16s %10s in %s of them, only a word that looks stale refers to them (--kind "
			"stale)\n",
			"  probably lost", hw_number_bytes(tally->bytes, bytes),
			hw_number_count(tally->chunks, count));
}

/*
 * Blocks of all sizes that are held at the offset of this habit, and of how many sizes; 0 when an earlier one
 * is of the same offset.
 */
static uint64_t count_habit(const struct hw_graph *graph, size_t index, uint64_t *sizes)
{
	uint64_t offset = graph->habits[index].offset, blocks = 0;

	*sizes = 0;
	for (size_t i = 0; i < graph->habit_count; i++) {
		if (graph->habits[i].offset != offset)
			continue;
		if (i < index)
			return 0;
		blocks += graph->habits[i].chunks;
		*sizes += graph->habits[i].chunk_size != 0;
	}
	return blocks;
}

/* What counts as reachable although only pointers into its middle lead to it: which, and why. */
static void say_heuristics(struct hw_report *report, const struct hw_graph *graph)
{
	char count[HW_NUMBER_ROOM], size[HW_NUMBER_ROOM];
	uint64_t sizes;
	const char *before = "  of these by pointers into their middle";

	for (int i = 0; i < HW_HEURISTIC_HABIT; i++) {
		if (!graph->heuristics[i].chunks)
			continue;
		hw_report_print(report, "%s %s (%s)", before,
			hw_number_count(graph->heuristics[i].chunks, count),
			hw_heuristic_name((enum hw_heuristic)i));
		before = ",";
	}
	for (size_t i = 0; i < graph->habit_count; i++) {
		uint64_t blocks = count_habit(graph, i, &sizes);

		if (!blocks)
			continue;
		hw_report_print(report, "%s %s (all of %s%s are held at +%llu)", before,
			hw_number_count(blocks, count),
			sizes > 1 ? hw_number_count(sizes, size)
				  : hw_number_bytes(graph->habits[i].chunk_size, size),
			sizes > 1 ? " sizes" : "", (unsigned long long)graph->habits[i].offset);
		before = ",";
	}
	if (*before == ',')
		hw_report_print(report, "\n");
}

/* The roots that are not there, "registers, stacks". */
static void name_missing(const struct hw_graph *graph, char *text, size_t size)
{
	*text = '\0';
	for (int kind = 0; kind < HW_ROOT_KINDS; kind++) {
		size_t length = strlen(text);

		if (graph->missing >> kind & 1)
			snprintf(text + length, size - length, "%s%s", length ? ", " : "",
				hw_root_kind_name((enum hw_root_kind)kind));
	}
}

void hw_leaks_say_missing(struct hw_report *report, const struct hw_graph *graph)
{
	char names[256], bytes[HW_NUMBER_ROOM];

	name_missing(graph, names, sizeof(names));
	if (*names)
		hw_field(report, HW_TINT_ALARM, "warning",
			"Not all roots are in this snapshot (%s): what is called definitely lost is possibly "
			"lost, as these may hold it.",
			names);
	if (graph->unread)
		hw_field(report, HW_TINT_ALARM, "warning",
			"%s of live blocks could not be read: what is called lost may be held by them.",
			hw_number_bytes(graph->unread, bytes));
}

static void add_heuristics(struct hw_json *json, const struct hw_graph *graph)
{
	hw_json_open_object(json, "heuristics");
	for (int i = 0; i < HW_HEURISTICS; i++)
		hw_json_number(json, hw_heuristic_name((enum hw_heuristic)i), graph->heuristics[i].chunks);
	hw_json_close(json);
	hw_json_open_array(json, "habits");
	for (size_t i = 0; i < graph->habit_count; i++) {
		hw_json_open_object(json, NULL);
		hw_json_number(json, "chunk_size", graph->habits[i].chunk_size);
		hw_json_number(json, "offset", graph->habits[i].offset);
		hw_json_number(json, "blocks", graph->habits[i].chunks);
		hw_json_close(json);
	}
	hw_json_close(json);
}

static void add_totals(struct hw_report *report, const struct hw_graph *graph)
{
	if (!hw_report_is_json(report))
		return;
	hw_json_open_object(&report->json, "leak_kinds");
	for (int kind = HW_LEAK_REACHABLE; kind < HW_LEAK_KINDS; kind++) {
		hw_json_open_object(&report->json, hw_leak_kind_name((enum hw_leak_kind)kind));
		hw_json_number(&report->json, "blocks", graph->tallies[kind].chunks);
		hw_json_number(&report->json, "bytes", graph->tallies[kind].bytes);
		hw_json_close(&report->json);
	}
	hw_json_close(&report->json);
	hw_json_open_object(&report->json, "stale");
	hw_json_number(&report->json, "blocks", graph->stale.chunks);
	hw_json_number(&report->json, "bytes", graph->stale.bytes);
	hw_json_close(&report->json);
	add_heuristics(&report->json, graph);
	hw_json_open_array(&report->json, "missing_roots");
	for (int kind = 0; kind < HW_ROOT_KINDS; kind++) {
		if (graph->missing >> kind & 1)
			hw_json_text(&report->json, NULL, hw_root_kind_name((enum hw_root_kind)kind));
	}
	hw_json_close(&report->json);
	hw_json_number(&report->json, "unread", graph->unread);
}

/* More than half of what can be reached: then it is how the program keeps its objects. */
static bool is_usual(const struct hw_graph *graph)
{
	return graph->tallies[HW_LEAK_POSSIBLE].bytes > graph->tallies[HW_LEAK_REACHABLE].bytes;
}

/* What to make of it, and the commands to go on with. */
static void say_more(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_leaks *leaks = findings->leaks;
	const struct hw_leak_group *first = leaks->groups;

	if (!leaks->count)
		return;
	hw_report_print(report, "\n");
	if (is_usual(findings->graph))
		hw_field(report, HW_TINT_PLAIN, "meaning", "%s",
			"Most blocks are referred to in their middle only. That is usual where objects have "
			"a "
			"header in front of them, as in CPython and SQLite, and no sign of a leak.");
	hw_field(report, HW_TINT_HEADING, "next", "heapwalk --explain %#llx",
		(unsigned long long)hw_chunk_user(findings->heap, first->example));
	if (first->kind == HW_LEAK_DEFINITE)
		hw_field(report, HW_TINT_HEADING, "", "heapwalk --size %llu --kind lost --dump-strings",
			(unsigned long long)first->request_high);
}

void hw_report_leaks(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_graph *graph = findings->graph;
	const struct hw_leaks *leaks = findings->leaks;
	struct hw_sheet *sheet;

	add_totals(report, graph);
	hw_report_heading(report, NULL);
	hw_leaks_say_missing(report, graph);
	say_kind(report, graph, HW_LEAK_DEFINITE, ", nothing refers to them");
	say_kind(report, graph, HW_LEAK_INDIRECT, ", only lost ones refer to them");
	say_kind(report, graph, HW_LEAK_POSSIBLE, ", only pointers into their middle");
	say_kind(report, graph, HW_LEAK_REACHABLE, "");
	say_heuristics(report, graph);
	say_stale(report, graph);
	if (leaks->count)
		hw_report_print(report, "\n");
	sheet = hw_sheet_create(report, &hw_columns_leaks, HW_SHEET_TOTAL, "group");
	for (size_t i = 0; i < leaks->count; i++)
		add_row(sheet, findings, &leaks->groups[i]);
	hw_sheet_finish(sheet);
	say_more(report, findings);
}
