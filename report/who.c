/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who holds the selected chunks: a tree of the shortest ways to them. */
#include "report/holders.h"
#include "report/leaks.h"
#include "report/number.h"
#include "report/sheet.h"

#define INDENT 2

static const struct hw_column columns[] = {
	{ "place", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_WIDE,
		"a holder, and below it what it leads to" },
	{ "depth", HW_UNIT_NUMBER, 0, "0: a variable, stack, ...; below: chunks" },
	{ "kind", HW_UNIT_WORD, 0, "of a holder: global, thread-local, stack, ..." },
	{ "chunk_size", HW_UNIT_SIZE, 0, "bytes that the chunks of this place take" },
	{ "content", HW_UNIT_WORD, 0, "what the first of them looks like" },
	{ "offset", HW_UNIT_NUMBER, 0, "where in the one above the reference stands" },
	{ "run", HW_UNIT_COUNT, 0, "chunks of this place one behind the other" },
	{ "chunks", HW_UNIT_COUNT, 0, "that stand here on the way to selected ones" },
	{ "count", HW_UNIT_COUNT, HW_COLUMN_SHOWN, "selected chunks here and further on" },
	{ "bytes", HW_UNIT_BYTES, HW_COLUMN_SHOWN, "what they take" },
	{ "example", HW_UNIT_ADDRESS, HW_COLUMN_SHOWN, "a chunk of this place" },
};

const struct hw_column_set hw_columns_who = { "who", columns, hw_array_size(columns) };

/* "+0x18", "+0x10...": where a reference stands, of several the lowest. */
static void print_offset(FILE *stream, uint64_t offset, bool several)
{
	fprintf(stream, "+%#llx%s", (unsigned long long)offset, several ? "..." : "");
}

static void print_chunks(FILE *stream, const struct hw_who_place *place)
{
	char number[HW_NUMBER_ROOM];

	print_offset(stream, place->offset, place->several_offsets);
	fputs(" -> ", stream);
	if (place->chunks > 1)
		fprintf(stream, "%s x ", hw_number_count(place->chunks, number));
	fprintf(stream, "%s B", hw_number_count(place->chunk_size, number));
	if (place->content != HW_CONTENT_NONE)
		fprintf(stream, " %s", hw_content_name(place->content));
	if (place->into)
		fprintf(stream, " (into its middle, %#llx%s)", (unsigned long long)place->into,
			place->several_intos ? "..." : "");
	if (place->run > 1) {
		fprintf(stream, ", %s deep by ", hw_number_count(place->run, number));
		print_offset(stream, place->next, place->several_nexts);
	}
}

/* The place in words, indented by its depth. */
static char *place_text(const struct hw_findings *findings, const struct hw_who_place *place)
{
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	fprintf(stream, "%*s", (int)place->depth * INDENT, "");
	if (place->depth) {
		print_chunks(stream, place);
	} else {
		hw_autofree char *name =
			hw_holder_text(findings, &findings->who->holders.holders[place->holder]);

		fputs(name ? name : "?", stream);
	}
	if (fclose(stream) == 0)
		return text;
	free(text);
	return NULL;
}

static void add_row(
	struct hw_sheet *sheet, const struct hw_findings *findings, const struct hw_who_place *place)
{
	hw_autofree char *text = place_text(findings, place);
	bool is_holder = !place->depth;
	struct hw_cell none = hw_cell_none();
	enum hw_root_kind kind =
		is_holder ? findings->who->holders.holders[place->holder].kind : HW_ROOT_GLOBAL;
	struct hw_cell cells[] = {
		hw_cell_text(text),
		hw_cell_number(place->depth),
		is_holder ? hw_cell_text(hw_root_kind_name(kind)) : none,
		is_holder ? none : hw_cell_number(place->chunk_size),
		is_holder || place->content == HW_CONTENT_NONE
			? none
			: hw_cell_text(hw_content_name(place->content)),
		is_holder ? none : hw_cell_number(place->offset),
		is_holder ? none : hw_cell_number(place->run),
		is_holder ? none : hw_cell_number(place->chunks),
		hw_cell_number(place->below.chunks),
		hw_cell_number(place->below.bytes),
		is_holder ? none : hw_cell_number(hw_chunk_user(findings->heap, place->example)),
	};

	hw_sheet_row(sheet, cells);
}

static void say_unheld(struct hw_report *report, const struct hw_who *who)
{
	char count[HW_NUMBER_ROOM], bytes[HW_NUMBER_ROOM];

	if (hw_report_is_json(report)) {
		hw_json_number(&report->json, "selected", who->selected.chunks);
		hw_json_number(&report->json, "unheld", who->unheld.chunks);
		hw_json_number(&report->json, "unheld_bytes", who->unheld.bytes);
	}
	if (!who->selected.chunks)
		hw_report_print(report, "No live chunk is selected.\n");
	if (who->unheld.chunks)
		hw_report_print(report, "Nobody holds %s of the selected chunks, %s: heapwalk --leaks\n",
			hw_number_count(who->unheld.chunks, count),
			hw_number_bytes(who->unheld.bytes, bytes));
}

void hw_report_who(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_who *who = findings->who;
	struct hw_sheet *sheet;

	hw_report_heading(report, NULL);
	hw_leaks_say_missing(report, findings->graph);
	say_unheld(report, who);
	sheet = hw_sheet_create(report, &hw_columns_who, 0, "place");
	for (uint32_t i = 0; i < who->count; i++)
		add_row(sheet, findings, &who->places[i]);
	hw_sheet_finish(sheet);
}
