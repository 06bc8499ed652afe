/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who keeps what: holders and chunks with all that would be freed with them. */
#include "report/holders.h"
#include "report/leaks.h"
#include "report/number.h"
#include "report/sheet.h"
#include "report/short_name.h"
#include "report/tree.h"

#define INDENT    2
#define NAME_MOST 32 /* bytes of a C++ name */

/* Columns. */
enum {
	HOLDER,
	DEPTH,
	KIND,
	SOURCE,
	TYPE,
	FIELD,
	ADDRESS,
	CHUNK_SIZE,
	RUN,
	RETAINED,
	SHARE,
	CHUNKS,
	ALIKE,
	ALIKE_SIZE,
	MOSTLY,
};

static const struct hw_column columns[] = {
	[HOLDER] = { "holder", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_WIDE,
		"a variable, stack, ...; below it its chunks" },
	[DEPTH] = { "depth", HW_UNIT_NUMBER, 0, "0: a holder, or a chunk that several keep" },
	[KIND] = { "kind", HW_UNIT_WORD, 0, "of a holder: global, thread-local, stack, ..." },
	[SOURCE] = { "source", HW_UNIT_TEXT, 0, "where a holder is declared" },
	[TYPE] = { "type", HW_UNIT_TEXT, 0, "of the chunk, as the type of what refers to it says" },
	[FIELD] = { "field", HW_UNIT_TEXT, 0, "the member of the one above that refers to it" },
	[ADDRESS] = { "address", HW_UNIT_ADDRESS, 0, "of the variable, stack, ... or chunk" },
	[CHUNK_SIZE] = { "chunk_size", HW_UNIT_SIZE, 0, "bytes that the chunk takes" },
	[RUN] = { "run", HW_UNIT_COUNT, 0, "chunks of one size in a row that this line stands for" },
	[RETAINED] = { "retained", HW_UNIT_BYTES, HW_COLUMN_SHOWN, "what would be freed if it let go" },
	[SHARE] = { "share", HW_UNIT_SHARE, HW_COLUMN_SHOWN, "of all that can be reached" },
	[CHUNKS] = { "chunks", HW_UNIT_COUNT, HW_COLUMN_SHOWN, "how many chunks that is" },
	[ALIKE] = { "alike", HW_UNIT_COUNT, 0, "chunks right below it of the commonest size" },
	[ALIKE_SIZE] = { "alike_size", HW_UNIT_SIZE, 0, "bytes that each of these takes" },
	[MOSTLY] = { "mostly", HW_UNIT_TEXT, 0, "what most of the chunks right below it are" },
};

const struct hw_column_set hw_columns_retained = { "retained", columns, hw_array_size(columns) };

static const char *text_at(const struct hw_retained *retained, uint32_t index)
{
	return retained->texts ? retained->texts[index] : NULL;
}

/* "Session (64 B)", or "64 B pointers". */
static void print_look(FILE *stream, const char *name, uint64_t size, enum hw_content content)
{
	hw_autofree char *type = name ? hw_short_name(name, NAME_MOST) : NULL;
	char number[HW_NUMBER_ROOM];

	hw_number_count(size, number);
	if (type)
		fprintf(stream, "%s (%s B)", type, number);
	else
		fprintf(stream, "%s B%s%s", number, content == HW_CONTENT_NONE ? "" : " ",
			content == HW_CONTENT_NONE ? "" : hw_content_name(content));
}

/* ".table", "[]", "": a member behind the name of what it is of. */
static void print_field(FILE *stream, const char *name)
{
	hw_autofree char *field = name ? hw_short_field(name) : NULL;

	if (field && *field)
		fprintf(stream, "%s%s", *field == '[' ? "" : ".", field);
}

/* How what is above refers to it: ".table -> ", "local `cache.table` of main() -> ". */
static void print_link(FILE *stream, const struct hw_retained *retained, const struct hw_retainer *retainer)
{
	const char *field = text_at(retained, retainer->field);
	const struct hw_holder *via =
		retainer->via == UINT32_MAX ? NULL : &retained->holders.holders[retainer->via];

	hw_autofree char *function = via ? hw_short_name(via->function, NAME_MOST) : NULL;

	if (via && via->name)
		fprintf(stream, "local `%s", via->name);
	print_field(stream, field);
	if (via)
		fprintf(stream, "%s%s%s", via->name ? "` of " : "", function ? function : "?",
			function && strchr(function, '(') ? "" : "()");
	if (via || (field && *field))
		fputs(" -> ", stream);
}

static void print_chunk(FILE *stream, const struct hw_findings *findings, const struct hw_retainer *retainer)
{
	const struct hw_heap *heap = findings->heap;
	char number[HW_NUMBER_ROOM];

	if (!retainer->depth)
		fputs("several -> ", stream);
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

static double share_of(const struct hw_retained *retained, uint64_t bytes)
{
	return (double)bytes / (double)hw_max(retained->reachable.bytes, 1u);
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
		[HOLDER] = hw_cell_text(text),
		[DEPTH] = hw_cell_number(retainer->depth),
		[KIND] = holder ? hw_cell_text(hw_root_kind_name(holder->kind)) : none,
		[SOURCE] = hw_cell_text(source),
		[TYPE] = hw_cell_text(text_at(retained, retainer->type)),
		[FIELD] = hw_cell_text(text_at(retained, retainer->field)),
		[ADDRESS] = hw_cell_number(
			holder ? holder->address : hw_chunk_user(findings->heap, retainer->chunk)),
		[CHUNK_SIZE] =
			is_chunk ? hw_cell_number(hw_chunk_size(findings->heap, retainer->chunk)) : none,
		[RUN] = is_chunk ? hw_cell_number(retainer->run) : none,
		[RETAINED] = hw_cell_number(retainer->retained.bytes),
		[SHARE] = hw_cell_real(share_of(retained, retainer->retained.bytes)),
		[CHUNKS] = hw_cell_number(retainer->retained.chunks),
		[ALIKE] = hw_cell_number(retainer->alike.chunks),
		[ALIKE_SIZE] = retainer->alike.chunks ? hw_cell_number(retainer->alike_size) : none,
		[MOSTLY] = hw_cell_text(mostly),
	};

	hw_sheet_row(sheet, cells);
}

/* In text what most chunks below a retainer are gets a row of its own, unless these are told one by one. */
static bool has_alike_row(const struct hw_findings *findings, uint32_t index)
{
	const struct hw_retained *retained = findings->retained;
	const struct hw_retainer *retainer = &retained->retainers[index];

	if (retainer->alike.chunks < 2)
		return false;
	for (uint32_t i = index + 1; i < retained->count && retained->retainers[i].depth > retainer->depth;
		i++) {
		const struct hw_retainer *below = &retained->retainers[i];

		if (below->depth == retainer->depth + 1 && below->chunk != UINT32_MAX &&
			hw_chunk_size(findings->heap, below->chunk) == retainer->alike_size)
			return false;
	}
	return true;
}

static void add_alike_row(
	struct hw_sheet *sheet, const struct hw_findings *findings, const struct hw_retainer *retainer)
{
	hw_autofree char *mostly = mostly_text(findings, retainer);
	hw_autofree char *text = NULL;
	struct hw_cell cells[hw_array_size(columns)] = { 0 };

	if (!mostly || asprintf(&text, "%*s%s", (int)(retainer->depth + 1) * INDENT, "", mostly) < 0)
		text = NULL;
	cells[HOLDER] = hw_cell_text(text);
	cells[RETAINED] = hw_cell_number(retainer->alike_retained.bytes);
	cells[SHARE] = hw_cell_real(share_of(findings->retained, retainer->alike_retained.bytes));
	cells[CHUNKS] = hw_cell_number(retainer->alike_retained.chunks);
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

/* What a line of the table stands for. */
struct line {
	uint32_t retainer;
	bool is_alike; /* not the retainer but what most chunks below it are */
};

struct lines {
	struct line *lines;
	uint64_t *weights;
	size_t count;
};

static bool lines_init(struct lines *lines, const struct hw_findings *findings, bool is_text)
{
	const struct hw_retained *retained = findings->retained;

	lines->lines = calloc(2 * (size_t)retained->count + 1, sizeof(*lines->lines));
	lines->weights = calloc(2 * (size_t)retained->count + 1, sizeof(*lines->weights));
	if (!lines->lines || !lines->weights)
		return false;
	for (uint32_t i = 0; i < retained->count; i++) {
		lines->lines[lines->count].retainer = i;
		lines->weights[lines->count++] = retained->retainers[i].retained.bytes;
		if (!is_text || !has_alike_row(findings, i))
			continue;
		lines->lines[lines->count] = (struct line){ .retainer = i, .is_alike = true };
		lines->weights[lines->count++] = retained->retainers[i].alike_retained.bytes;
	}
	return true;
}

static void lines_deinit(struct lines *lines)
{
	free(lines->lines);
	free(lines->weights);
}

static void draw_lines(
	struct hw_report *report, const struct hw_findings *findings, const struct lines *lines)
{
	struct hw_tree_cut cut;
	struct hw_sheet *sheet;

	if (!hw_tree_cut(report, &hw_columns_retained, lines->weights, lines->count, &cut))
		return;
	sheet = hw_sheet_create(report, &hw_columns_retained, HW_SHEET_SHORT, "holder");
	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line = &lines->lines[i];

		if (cut.shown[i])
			(line->is_alike ? add_alike_row : add_row)(
				sheet, findings, &findings->retained->retainers[line->retainer]);
	}
	hw_sheet_finish(sheet);
	hw_tree_say_left_out(report, &cut, "line");
	hw_tree_cut_deinit(&cut);
}

void hw_report_retained(struct hw_report *report, const struct hw_findings *findings)
{
	struct lines lines = { 0 };

	hw_report_heading(report, NULL);
	hw_leaks_say_missing(report, findings->graph);
	say_totals(report, findings->retained);
	if (lines_init(&lines, findings, hw_report_is_text(report)))
		draw_lines(report, findings, &lines);
	else
		report->output.no_memory = true;
	lines_deinit(&lines);
}
