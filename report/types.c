/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the chunks are: a row for each type, and for each shape of those that have none. */
#include "report/types.h"

#include "report/blind.h"
#include "report/field.h"
#include "report/number.h"
#include "report/sheet.h"

static const struct hw_column type_columns[] = {
	{ "count", HW_UNIT_COUNT, HW_COLUMN_SHOWN | HW_COLUMN_ADDS,
		"live chunks of this type, or objects in pools" },
	{ "bytes", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "what they take, headers included" },
	{ "share", HW_UNIT_SHARE, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "of the bytes of all these" },
	{ "where", HW_UNIT_WORD, HW_COLUMN_SHOWN, "pool: no chunks but in a pool, see --pools", "IN" },
	{ "average", HW_UNIT_BYTES, HW_COLUMN_SHOWN, "bytes of one" },
	{ "level", HW_UNIT_WORD, HW_COLUMN_SHOWN, "how sure most of it is: certain, strong, likely, guess" },
	{ "evidence", HW_UNIT_WORD, 0, "what tells most of it: vtable, path, text, ..." },
	{ "type", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_WIDE, "its name" },
	{ "size", HW_UNIT_SIZE, 0, "bytes of one object, where that is known" },
	{ "origin", HW_UNIT_WORD, 0, "C++ class, debug information, container, text, ..." },
	{ "module", HW_UNIT_TEXT, HW_COLUMN_SHOWN, "the program or library that it comes from" },
	{ "example", HW_UNIT_ADDRESS, 0, "one of them" },
};

const struct hw_column_set hw_columns_types = { "types", type_columns, hw_array_size(type_columns) };

static const struct hw_column shape_columns[] = {
	{ "count", HW_UNIT_COUNT, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "live chunks of this shape" },
	{ "bytes", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "what they take, headers included" },
	{ "share", HW_UNIT_SHARE, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "of the bytes of all selected chunks" },
	{ "usable", HW_UNIT_SIZE, HW_COLUMN_SHOWN, "usable bytes of each" },
	{ "reach", HW_UNIT_BYTES, 0, "bytes that can be reached through them" },
	{ "type", HW_UNIT_TEXT, HW_COLUMN_SHOWN, "the commonest type among them" },
	{ "type_share", HW_UNIT_SHARE, HW_COLUMN_SHOWN, "of them that have it", "" },
	{ "level", HW_UNIT_WORD, HW_COLUMN_SHOWN, "how sure that is" },
	{ "shape", HW_UNIT_WORD, HW_COLUMN_SHOWN | HW_COLUMN_WIDE, "what their words are" },
	{ "example", HW_UNIT_ADDRESS, HW_COLUMN_SHOWN, "one of them" },
};

const struct hw_column_set hw_columns_shapes = { "shapes", shape_columns, hw_array_size(shape_columns) };

/* -----------------------------------------------------------------------------------------------------
 * coverage
 */

/* "61.2% strong" at the end of `text`. */
static void add_part(
	char *text, size_t size, const struct hw_type_tally *part, uint64_t all, const char *name)
{
	size_t length = strlen(text);
	char share[HW_NUMBER_ROOM];

	if (part->chunks)
		snprintf(text + length, size - length, "%s%s %s", length ? ", " : "",
			hw_number_share((double)part->chunks / (double)all, share), name);
}

static void add_level(struct hw_json *json, const char *name, const struct hw_type_tally *tally)
{
	hw_json_open_object(json, name);
	hw_json_number(json, "chunks", tally->chunks);
	hw_json_number(json, "bytes", tally->bytes);
	hw_json_close(json);
}

static void add_coverage(struct hw_report *report, const struct hw_coverage *coverage)
{
	hw_json_open_object(&report->json, "coverage");
	for (int level = HW_LEVEL_CERTAIN; level >= HW_LEVEL_UNKNOWN; level--)
		add_level(&report->json, hw_level_name((enum hw_level)level), &coverage->levels[level]);
	add_level(&report->json, "text", &coverage->text);
	hw_json_close(&report->json);
}

void hw_types_say_coverage(struct hw_report *report, const struct hw_coverage *coverage)
{
	char text[256] = "", count[HW_NUMBER_ROOM];
	uint64_t all = coverage->all.chunks;

	if (!all || report->has_coverage)
		return;
	report->has_coverage = true;
	if (hw_report_is_json(report))
		add_coverage(report, coverage);
	for (int level = HW_LEVEL_CERTAIN; level > HW_LEVEL_UNKNOWN; level--)
		add_part(text, sizeof(text), &coverage->levels[level], all,
			hw_level_name((enum hw_level)level));
	add_part(text, sizeof(text), &coverage->text, all, "text");
	add_part(text, sizeof(text), &coverage->levels[HW_LEVEL_UNKNOWN], all, "unknown");
	hw_field(report, HW_TINT_PLAIN, "typed", "%s of %s chunk%s", text, hw_number_count(all, count),
		all == 1 ? "" : "s");
}

/* --------------------------------------------------------------------------------------------------------
 * types
 */

/* The file of the module; NULL: none. */
static const char *module_name(const struct hw_snapshot *snapshot, uint32_t module)
{
	return module < snapshot->module_count ? hw_file_name(snapshot->modules[module].path) : NULL;
}

static double share_of(uint64_t bytes, const struct hw_type_table *table)
{
	return (double)bytes / (double)hw_max(table->coverage.all.bytes + table->pooled_bytes, 1u);
}

static void add_type(
	struct hw_sheet *sheet, const struct hw_findings *findings, const struct hw_type_row *row)
{
	const struct hw_named_type *type = &findings->typing->types[row->type];
	bool known = row->type;
	struct hw_cell none = hw_cell_none();
	struct hw_cell cells[] = {
		hw_cell_number(row->chunks),
		hw_cell_number(row->bytes),
		hw_cell_real(share_of(row->bytes, findings->types)),
		hw_cell_text(row->pooled ? "pool" : "malloc"),
		hw_cell_number(row->bytes / hw_max(row->chunks, 1u)),
		hw_cell_text(hw_level_name(row->level)),
		known ? hw_cell_text(hw_evidence_name(row->evidence)) : none,
		hw_cell_text(type->name),
		type->size ? hw_cell_number(type->size) : none,
		known ? hw_cell_text(hw_type_origin_name(type->origin)) : none,
		hw_cell_text(module_name(findings->snapshot, type->module)),
		row->pooled ? none : hw_cell_number(hw_chunk_user(findings->heap, row->example)),
	};

	hw_sheet_row(sheet, cells);
}

/* The unnamed shape through which most can be reached: whoever names it learns most. */
static const struct hw_shape *find_unnamed(const struct hw_typing *typing)
{
	const struct hw_shape *best = NULL;

	for (uint32_t i = 1; i < typing->shape_count; i++) {
		const struct hw_shape *shape = &typing->shapes[i];

		if (shape->reach > shape->bytes && shape->reach > (best ? best->reach : 0))
			best = shape;
	}
	return best;
}

/* Shapes longer than this are told by an example. */
#define SHORT_SHAPE 48

static void suggest_hint(struct hw_report *report, const struct hw_shape *shape, unsigned long long example)
{
	if (strlen(shape->text) <= SHORT_SHAPE)
		hw_field(report, HW_TINT_PLAIN, "",
			"If you know their type: heapwalk --types --type-hint '%s=TYPE'", shape->text);
	else
		hw_field(report, HW_TINT_PLAIN, "",
			"If you know its type: heapwalk --types --type-hint %#llx=TYPE", example);
}

/* Where a twentieth of the heap hangs on it. */
static void say_unnamed(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_shape *shape = find_unnamed(findings->typing);
	unsigned long long example = shape ? hw_chunk_user(findings->heap, shape->example) : 0;
	char chunks[HW_NUMBER_ROOM], usable[HW_NUMBER_ROOM], reach[HW_NUMBER_ROOM];

	if (!shape || !hw_report_is_text(report) || shape->reach * 20 < findings->types->coverage.all.bytes)
		return;
	hw_report_print(report, "\n");
	hw_field(report, HW_TINT_PLAIN, "unnamed",
		"%s chunk%s of %s bytes like the one at %#llx lead%s to %s:",
		hw_number_count(shape->chunks, chunks), shape->chunks == 1 ? "" : "s",
		hw_number_count(shape->usable, usable), example, shape->chunks == 1 ? "s" : "",
		hw_number_bytes(shape->reach, reach));
	hw_field(report, HW_TINT_PLAIN, "", "heapwalk --explain %#llx", example);
	if (findings->typing->catalogue)
		suggest_hint(report, shape, example);
}

void hw_report_types(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_type_table *table = findings->types;
	struct hw_sheet *sheet;

	hw_report_heading(report, NULL);
	if (!table->count)
		hw_report_print(report, "No live chunk is selected.\n");
	hw_types_say_coverage(report, &table->coverage);
	sheet = hw_sheet_create(report, &hw_columns_types, HW_SHEET_TOTAL, "type");
	for (size_t i = 0; i < table->count; i++)
		add_type(sheet, findings, &table->rows[i]);
	hw_sheet_finish(sheet);
	say_unnamed(report, findings);
	hw_report_blind(report, findings);
}

/* -------------------------------------------------------------------------------------------------------
 * shapes
 */

static void add_shape(
	struct hw_sheet *sheet, const struct hw_findings *findings, const struct hw_type_row *row)
{
	const struct hw_typing *typing = findings->typing;
	const struct hw_shape *shape = row->key ? &typing->shapes[row->key] : NULL;
	struct hw_cell none = hw_cell_none();
	struct hw_cell cells[] = {
		hw_cell_number(row->chunks),
		hw_cell_number(row->bytes),
		hw_cell_real(share_of(row->bytes, findings->shapes)),
		shape ? hw_cell_number(shape->usable) : none,
		shape && shape->reach ? hw_cell_number(shape->reach) : none,
		hw_cell_text(row->type ? typing->types[row->type].name : NULL),
		hw_cell_real((double)row->type_chunks / (double)row->chunks),
		hw_cell_text(hw_level_name(row->level)),
		hw_cell_text(shape ? shape->text : "other"),
		hw_cell_number(hw_chunk_user(findings->heap, row->example)),
	};

	hw_sheet_row(sheet, cells);
}

void hw_report_shapes(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_type_table *table = findings->shapes;
	struct hw_sheet *sheet;

	hw_report_heading(report, NULL);
	if (!table->count)
		hw_report_print(report, "No live chunk is selected.\n");
	hw_types_say_coverage(report, &table->coverage);
	sheet = hw_sheet_create(report, &hw_columns_shapes, HW_SHEET_TOTAL, "shape");
	for (size_t i = 0; i < table->count; i++)
		add_shape(sheet, findings, &table->rows[i]);
	hw_sheet_finish(sheet);
}
