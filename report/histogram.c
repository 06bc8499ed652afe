/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The per-size histogram. */
#include "report/sheet.h"
#include "report/types.h"

static const struct hw_column columns[] = {
	{ "requests", HW_UNIT_WORD, HW_COLUMN_SHOWN, "the malloc() requests that end in these chunks" },
	{ "request_low", HW_UNIT_SIZE, 0, "the smallest of these requests" },
	{ "request_high", HW_UNIT_SIZE, 0, "the largest of these requests" },
	{ "usable", HW_UNIT_SIZE, 0, "what malloc_usable_size() says of them" },
	{ "chunk_size", HW_UNIT_SIZE, 0, "bytes that such a chunk takes, header included" },
	{ "mmapped", HW_UNIT_FLAG, 0, "each of these chunks has a mapping of its own" },
	{ "count", HW_UNIT_COUNT, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "live chunks of this size" },
	{ "bytes", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "what they take, headers included" },
	{ "share", HW_UNIT_SHARE, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "of all bytes in the histogram" },
	{ "lost", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS | HW_COLUMN_FILLED | HW_COLUMN_GRAPH,
		"what the definitely and indirectly lost ones take" },
	{ "bar", HW_UNIT_BAR, HW_COLUMN_SHOWN, "the share as a bar; in tables only", "" },
	{ "type", HW_UNIT_TEXT, HW_COLUMN_SHOWN | HW_COLUMN_WIDE | HW_COLUMN_TYPED,
		"the commonest type; tables: or content" },
	{ "type_share", HW_UNIT_SHARE, HW_COLUMN_SHOWN | HW_COLUMN_TYPED, "of these chunks that have it",
		"" },
	{ "level", HW_UNIT_WORD, HW_COLUMN_SHOWN | HW_COLUMN_TYPED,
		"how sure that is: certain, strong, likely, guess" },
	{ "content", HW_UNIT_WORD, 0, "the commonest content" },
	{ "content_share", HW_UNIT_SHARE, 0, "of these chunks (large heap: of a sample) that have it", "" },
	{ "definite", HW_UNIT_COUNT, HW_COLUMN_ADDS | HW_COLUMN_GRAPH, "definitely lost ones" },
	{ "definite_bytes", HW_UNIT_BYTES, HW_COLUMN_ADDS | HW_COLUMN_GRAPH, "what they take" },
	{ "indirect", HW_UNIT_COUNT, HW_COLUMN_ADDS | HW_COLUMN_GRAPH, "indirectly lost ones" },
	{ "indirect_bytes", HW_UNIT_BYTES, HW_COLUMN_ADDS | HW_COLUMN_GRAPH, "what they take" },
	{ "possible", HW_UNIT_COUNT, HW_COLUMN_ADDS | HW_COLUMN_GRAPH, "possibly lost ones" },
	{ "possible_bytes", HW_UNIT_BYTES, HW_COLUMN_ADDS | HW_COLUMN_GRAPH, "what they take" },
	{ "suspicion", HW_UNIT_NUMBER, 0, "by what the rows are sorted: the more the likelier a leak" },
};

const struct hw_column_set hw_columns_histogram = { "histogram", columns, hw_array_size(columns) };

static char *requests_text(const struct hw_size_row *row)
{
	char *text;
	int length = row->request_low == row->request_high
			     ? asprintf(&text, "%llu", (unsigned long long)row->request_low)
			     : asprintf(&text, "%llu-%llu", (unsigned long long)row->request_low,
				       (unsigned long long)row->request_high);

	return length < 0 ? NULL : text;
}

/* Chunks of a leak kind, or `unit` bytes for each; unknown where nobody looked. */
static struct hw_cell leak_cell(const struct hw_histogram *histogram, const struct hw_size_row *row,
	enum hw_leak_kind kind, uint64_t unit)
{
	return histogram->has_leaks ? hw_cell_number(row->leaks[kind] * unit) : hw_cell_none();
}

static struct hw_cell lost_cell(const struct hw_histogram *histogram, const struct hw_size_row *row)
{
	uint64_t lost = row->leaks[HW_LEAK_DEFINITE] + row->leaks[HW_LEAK_INDIRECT];

	return histogram->has_leaks ? hw_cell_number(lost * row->chunk_size) : hw_cell_none();
}

static const char *content_name(const struct hw_size_row *row)
{
	return row->content == HW_CONTENT_NONE ? NULL : hw_content_name(row->content);
}

/* What is known of the chunks: for reading, a look at their bytes is better than nothing. */
static const char *type_name(
	const struct hw_report *report, const struct hw_typing *typing, const struct hw_size_row *row)
{
	if (typing && row->type)
		return typing->types[row->type].name;
	return hw_report_is_text(report) ? content_name(row) : NULL;
}

static struct hw_cell type_share(
	const struct hw_report *report, const struct hw_typing *typing, const struct hw_size_row *row)
{
	if (typing && row->type)
		return hw_cell_real(row->type_share);
	if (!hw_report_is_text(report) || row->content == HW_CONTENT_NONE)
		return hw_cell_none();
	return hw_cell_real(row->content_share);
}

static void add_row(struct hw_sheet *sheet, const struct hw_findings *findings, const struct hw_size_row *row)
{
	const struct hw_histogram *histogram = findings->histogram;
	const struct hw_typing *typing = findings->typing;
	hw_autofree char *requests = requests_text(row);
	uint64_t size = row->chunk_size;
	struct hw_cell cells[] = {
		hw_cell_text(requests),
		hw_cell_number(row->request_low),
		hw_cell_number(row->request_high),
		hw_cell_number(row->usable),
		hw_cell_number(row->chunk_size),
		hw_cell_number(row->mmapped),
		hw_cell_number(row->chunks),
		hw_cell_number(row->bytes),
		hw_cell_real(row->share),
		lost_cell(histogram, row),
		hw_cell_real(row->share),
		hw_cell_text(type_name(sheet->report, typing, row)),
		type_share(sheet->report, typing, row),
		hw_cell_text(typing && row->type ? hw_level_name(row->type_level) : NULL),
		hw_cell_text(content_name(row)),
		row->content == HW_CONTENT_NONE ? hw_cell_none() : hw_cell_real(row->content_share),
		leak_cell(histogram, row, HW_LEAK_DEFINITE, 1),
		leak_cell(histogram, row, HW_LEAK_DEFINITE, size),
		leak_cell(histogram, row, HW_LEAK_INDIRECT, 1),
		leak_cell(histogram, row, HW_LEAK_INDIRECT, size),
		leak_cell(histogram, row, HW_LEAK_POSSIBLE, 1),
		leak_cell(histogram, row, HW_LEAK_POSSIBLE, size),
		hw_cell_number((uint64_t)row->suspicion),
	};

	hw_sheet_row(sheet, cells);
}

void hw_report_histogram(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_histogram *histogram = findings->histogram;
	struct hw_sheet *sheet;

	hw_report_heading(report, NULL);
	if (!histogram->row_count)
		hw_report_print(report, "No live chunk is selected.\n");
	hw_types_say_coverage(report, &histogram->coverage);
	sheet = hw_sheet_create(report, &hw_columns_histogram, HW_SHEET_TOTAL, "size");
	for (size_t i = 0; i < histogram->row_count; i++)
		add_row(sheet, findings, &histogram->rows[i]);
	hw_sheet_finish(sheet);
	if (findings->heap->content_sampled)
		hw_report_print(report,
			"TYPE: of each size up to %d bytes %d chunks were looked into, then one in %d.\n"
			"--list looks into all.\n",
			HW_SAMPLED_CHUNK, HW_SAMPLE_FIRST, HW_SAMPLE_STEP);
}
