/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who holds the selected chunks: a tree of the shortest ways to them. */
#include "report/holders.h"
#include "report/leaks.h"
#include "report/number.h"
#include "report/sheet.h"
#include "report/short_name.h"
#include "report/tree.h"

#define INDENT    2
#define NAME_MOST 32 /* bytes of a C++ name */

static const struct hw_column columns[] = {
	{ "place", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_WIDE,
		"a holder, and below it what it leads to" },
	{ "depth", HW_UNIT_NUMBER, 0, "0: a variable, stack, ...; below: chunks" },
	{ "kind", HW_UNIT_WORD, 0, "of a holder: global, thread-local, stack, ..." },
	{ "source", HW_UNIT_TEXT, 0, "where a holder is declared" },
	{ "type", HW_UNIT_TEXT, 0, "of the chunks, as the types on the way to them say" },
	{ "field", HW_UNIT_TEXT, 0, "the member of the one above that refers to them" },
	{ "chunk_size", HW_UNIT_SIZE, 0, "bytes that the chunks of this place take" },
	{ "content", HW_UNIT_WORD, 0, "what the first of them looks like" },
	{ "offset", HW_UNIT_NUMBER, 0, "where in the one above the reference stands" },
	{ "into", HW_UNIT_NUMBER, 0, "where in the chunk it points" },
	{ "run", HW_UNIT_COUNT, 0, "chunks of this place one behind the other" },
	{ "chunks", HW_UNIT_COUNT, 0, "that stand here on the way to selected ones" },
	{ "count", HW_UNIT_COUNT, HW_COLUMN_SHOWN, "selected chunks here and further on" },
	{ "bytes", HW_UNIT_BYTES, HW_COLUMN_SHOWN, "what they take" },
	{ "example", HW_UNIT_ADDRESS, HW_COLUMN_SHOWN, "a chunk of this place" },
};

const struct hw_column_set hw_columns_who = { "who", columns, hw_array_size(columns) };

/* A reference to a chunk: where it stands, as an offset and by name. */
struct link {
	uint64_t offset;
	bool several; /* `offset` is the lowest */
	const char *field;
	bool several_fields;
};

/* ".next", ".left..." where several members refer to them, "" for the whole of a pointer; else "+0x18". */
static void print_link(FILE *stream, const struct link *link)
{
	hw_autofree char *field = link->field ? hw_short_field(link->field) : NULL;

	if (!field) {
		fprintf(stream, "+%#llx%s", (unsigned long long)link->offset, link->several ? "..." : "");
		return;
	}
	fprintf(stream, "%s%s%s", *field && *field != '[' ? "." : "", field,
		link->several_fields ? "..." : "");
}

static const char *text_at(const struct hw_who *who, uint32_t index)
{
	return who->texts ? who->texts[index] : NULL;
}

static void print_run(FILE *stream, const struct hw_who *who, const struct hw_who_place *place)
{
	struct link link = {
		.offset = place->next,
		.several = place->several_nexts,
		.field = text_at(who, place->next_field),
		.several_fields = place->several_next_fields,
	};
	char number[HW_NUMBER_ROOM];

	if (place->run < 2)
		return;
	fprintf(stream, ", %s deep by ", hw_number_count(place->run, number));
	print_link(stream, &link);
}

/* "64 B pointers", or "Session (64 B)". */
static void print_look(FILE *stream, const struct hw_who *who, const struct hw_who_place *place)
{
	const char *name = text_at(who, place->type);
	hw_autofree char *type = name ? hw_short_name(name, NAME_MOST) : NULL;
	char number[HW_NUMBER_ROOM];

	hw_number_count(place->chunk_size, number);
	if (type)
		fprintf(stream, "%s (%s B)", type, number);
	else
		fprintf(stream, "%s B%s%s", number, place->content == HW_CONTENT_NONE ? "" : " ",
			place->content == HW_CONTENT_NONE ? "" : hw_content_name(place->content));
}

static void print_chunks(FILE *stream, const struct hw_who *who, const struct hw_who_place *place)
{
	struct link link = {
		.offset = place->offset,
		.several = place->several_offsets,
		.field = text_at(who, place->field),
		.several_fields = place->several_fields,
	};
	char number[HW_NUMBER_ROOM];

	print_link(stream, &link);
	fputs(link.field && !*link.field ? "-> " : " -> ", stream);
	if (place->into)
		fputs("inside ", stream);
	if (place->chunks > 1)
		fprintf(stream, "%s x ", hw_number_count(place->chunks, number));
	print_look(stream, who, place);
	print_run(stream, who, place);
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
		print_chunks(stream, findings->who, place);
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
	const struct hw_who *who = findings->who;
	bool is_holder = !place->depth;
	const struct hw_holder *holder = is_holder ? &who->holders.holders[place->holder] : NULL;
	hw_autofree char *source = holder ? hw_holder_source(holder) : NULL;
	struct hw_cell none = hw_cell_none();
	struct hw_cell cells[] = {
		hw_cell_text(text),
		hw_cell_number(place->depth),
		is_holder ? hw_cell_text(hw_root_kind_name(holder->kind)) : none,
		hw_cell_text(source),
		hw_cell_text(text_at(who, place->type)),
		hw_cell_text(text_at(who, place->field)),
		is_holder ? none : hw_cell_number(place->chunk_size),
		is_holder || place->content == HW_CONTENT_NONE
			? none
			: hw_cell_text(hw_content_name(place->content)),
		is_holder ? none : hw_cell_number(place->offset),
		is_holder ? none : hw_cell_number(place->into),
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

/* Nothing holds less than what hangs on it does. */
static bool cut_places(struct hw_report *report, const struct hw_who *who, struct hw_tree_cut *cut)
{
	hw_autofree uint64_t *weights = calloc((size_t)who->count + 1, sizeof(*weights));

	if (!weights) {
		report->output.no_memory = true;
		return false;
	}
	for (uint32_t i = 0; i < who->count; i++)
		weights[i] = who->places[i].below.bytes;
	return hw_tree_cut(report, &hw_columns_who, weights, who->count, cut);
}

void hw_report_who(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_who *who = findings->who;
	struct hw_tree_cut cut = { 0 };
	struct hw_sheet *sheet;

	hw_report_heading(report, NULL);
	hw_leaks_say_missing(report, findings->graph);
	say_unheld(report, who);
	if (!cut_places(report, who, &cut))
		return;
	sheet = hw_sheet_create(report, &hw_columns_who, HW_SHEET_SHORT, "place");
	for (uint32_t i = 0; i < who->count; i++) {
		if (cut.shown[i])
			add_row(sheet, findings, &who->places[i]);
	}
	hw_sheet_finish(sheet);
	hw_tree_say_left_out(report, &cut, "place");
	hw_tree_cut_deinit(&cut);
}
