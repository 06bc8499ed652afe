/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who keeps what: holders and chunks with all that would be freed with them. */
#include "report/holders.h"
#include "report/leaks.h"
#include "report/number.h"
#include "report/sheet.h"

#define INDENT 2

static const struct hw_column columns[] = {
	{ "holder", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_WIDE,
		"a variable, stack, ...; below it its chunks" },
	{ "depth", HW_UNIT_NUMBER, 0, "0: a holder, or a chunk that several keep" },
	{ "kind", HW_UNIT_WORD, 0, "of a holder: global, thread-local, stack, ..." },
	{ "source", HW_UNIT_TEXT, 0, "where a holder is declared" },
	{ "type", HW_UNIT_TEXT, 0, "of the chunk, as the type of what refers to it says" },
	{ "field", HW_UNIT_TEXT, 0, "the member of the one above that refers to it" },
	{ "address", HW_UNIT_ADDRESS, 0, "of the variable, stack, ... or chunk" },
	{ "chunk_size", HW_UNIT_SIZE, 0, "bytes that the chunk takes" },
	{ "run", HW_UNIT_COUNT, 0, "chunks of one size in a row that this line stands for" },
	{ "retained", HW_UNIT_BYTES, HW_COLUMN_SHOWN, "what would be freed if it let go" },
	{ "share", HW_UNIT_SHARE, HW_COLUMN_SHOWN, "of all that can be reached" },
	{ "chunks", HW_UNIT_COUNT, HW_COLUMN_SHOWN, "how many chunks that is" },
	{ "alike", HW_UNIT_COUNT, 0, "chunks right below it of the commonest size" },
	{ "alike_size", HW_UNIT_SIZE, 0, "bytes that each of these takes" },
	{ "mostly", HW_UNIT_TEXT, HW_COLUMN_SHOWN, "what most of the chunks right below it are" },
};

const struct hw_column_set hw_columns_retained = { "retained", columns, hw_array_size(columns) };

static const char *text_at(const struct hw_retained *retained, uint32_t index)
{
	return retained->texts ? retained->texts[index] : NULL;
}

/* "Session (64 B)", or "64 B pointers". */
static void print_look(FILE *stream, const char *type, uint64_t size, enum hw_content content)
{
	char number[HW_NUMBER_ROOM];

	hw_number_count(size, number);
	if (type)
		fprintf(stream, "%s (%s B)", type, number);
	else
		fprintf(stream, "%s B%s%s", number, content == HW_CONTENT_NONE ? "" : " ",
			content == HW_CONTENT_NONE ? "" : hw_content_name(content));
}

/* ".table", "[]", "": a member behind the name of what it is of. */
static void print_field(FILE *stream, const char *field)
{
	if (field && *field)
		fprintf(stream, "%s%s", *field == '[' ? "" : ".", field);
}

/* How what is above refers to it: ".table -> ", "local `cache.table` of main() -> ". */
static void print_link(FILE *stream, const struct hw_retained *retained, const struct hw_retainer *retainer)
{
	const char *field = text_at(retained, retainer->field);
	const struct hw_holder *via =
		retainer->via == UINT32_MAX ? NULL : &retained->holders.holders[retainer->via];

	if (via && via->name)
		fprintf(stream, "local `%s", via->name);
	print_field(stream, field);
	if (via)
		fprintf(stream, "%s%s()", via->name ? "` of " : "", via->function);
	if (via || (field && *field))
		fputs(" -> ", stream);
}

static void print_chunk(FILE *stream, const struct hw_findings *findings, const struct hw_retainer *retainer)
{
	const struct hw_heap *heap = findings->heap;
	char number[HW_NUMBER_ROOM];

	if (!retainer->depth)
		fputs("held by several: ", stream);
	print_link(stream, findings->retained, retainer);
	if (retainer->run > 1)
		fprintf(stream, "chain of %s x ", hw_number_count(retainer->run, number));
	print_look(stream, text_at(findings->retained, retainer->type), hw_chunk_size(heap, retainer->chunk),
		hw_chunk_content(heap, retainer->chunk));
	fprintf(stream, " at %s", hw_number_address(hw_chunk_user(heap, retainer->chunk), number));
}

static char *retainer_text(const struct hw_findings *findings, const struct hw_retainer *retainer)
{
	hw_autofree char *name = NULL;
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	fprintf(stream, "%*s", (int)retainer->depth * INDENT, "");
	if (retainer->holder == UINT32_MAX) {
		print_chunk(stream, findings, retainer);
	} else {
		name = hw_holder_text(findings, &findings->retained->holders.holders[retainer->holder]);
		fputs(name ? name : "?", stream);
	}
	if (fclose(stream) == 0)
		return text;
	free(text);
	return NULL;
}

/* "4,194,304 x 64 B pointers", the caller's to free; NULL where no size has the majority. */
static char *mostly_text(const struct hw_findings *findings, const struct hw_retainer *retainer)
{
	char number[HW_NUMBER_ROOM];
	FILE *stream;
	char *text;
	size_t size;

	if (retainer->alike.chunks < 2)
		return NULL;
	stream = open_memstream(&text, &size);
	if (!stream)
		return NULL;
	fprintf(stream, "%s x ", hw_number_count(retainer->alike.chunks, number));
	print_look(stream, text_at(findings->retained, retainer->alike_type), retainer->alike_size,
		hw_chunk_content(findings->heap, retainer->alike_example));
	if (fclose(stream) == 0)
		return text;
	free(text);
	return NULL;
}

static void add_row(
	struct hw_sheet *sheet, const struct hw_findings *findings, const struct hw_retainer *retainer)
{
	const struct hw_retained *retained = findings->retained;
	hw_autofree char *text = retainer_text(findings, retainer);
	bool is_chunk = retainer->holder == UINT32_MAX;
	const struct hw_holder *holder = is_chunk ? NULL : &retained->holders.holders[retainer->holder];
	hw_autofree char *mostly = mostly_text(findings, retainer);
	hw_autofree char *source = holder ? hw_holder_source(holder) : NULL;
	struct hw_cell none = hw_cell_none();
	struct hw_cell cells[] = {
		hw_cell_text(text),
		hw_cell_number(retainer->depth),
		holder ? hw_cell_text(hw_root_kind_name(holder->kind)) : none,
		hw_cell_text(source),
		hw_cell_text(text_at(retained, retainer->type)),
		hw_cell_text(text_at(retained, retainer->field)),
		hw_cell_number(holder ? holder->address : hw_chunk_user(findings->heap, retainer->chunk)),
		is_chunk ? hw_cell_number(hw_chunk_size(findings->heap, retainer->chunk)) : none,
		is_chunk ? hw_cell_number(retainer->run) : none,
		hw_cell_number(retainer->retained.bytes),
		hw_cell_real(
			(double)retainer->retained.bytes / (double)hw_max(retained->reachable.bytes, 1u)),
		hw_cell_number(retainer->retained.chunks),
		hw_cell_number(retainer->alike.chunks),
		retainer->alike.chunks ? hw_cell_number(retainer->alike_size) : none,
		hw_cell_text(mostly),
	};

	hw_sheet_row(sheet, cells);
}

static void say_totals(struct hw_report *report, const struct hw_retained *retained)
{
	char count[HW_NUMBER_ROOM], bytes[HW_NUMBER_ROOM], shared[HW_NUMBER_ROOM];

	if (hw_report_is_json(report)) {
		hw_json_number(&report->json, "reachable", retained->reachable.chunks);
		hw_json_number(&report->json, "reachable_bytes", retained->reachable.bytes);
		hw_json_number(&report->json, "shared", retained->shared.chunks);
		hw_json_number(&report->json, "shared_bytes", retained->shared.bytes);
	}
	hw_report_print(report, "%s chunks can be reached, %s; of these %s are held by several.\n\n",
		hw_number_count(retained->reachable.chunks, count),
		hw_number_bytes(retained->reachable.bytes, bytes),
		hw_number_bytes(retained->shared.bytes, shared));
}

void hw_report_retained(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_retained *retained = findings->retained;
	struct hw_sheet *sheet;

	hw_report_heading(report, NULL);
	hw_leaks_say_missing(report, findings->graph);
	say_totals(report, retained);
	sheet = hw_sheet_create(report, &hw_columns_retained, 0, "holder");
	for (uint32_t i = 0; i < retained->count; i++)
		add_row(sheet, findings, &retained->retainers[i]);
	hw_sheet_finish(sheet);
}
