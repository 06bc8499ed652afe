/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One table in three formats: cut, sorted, added up, quoted. */
#include "tests/unit/report/report_test.h"

#include "report/sheet.h"

static const struct hw_column columns[] = {
	{ "name", HW_UNIT_TEXT, HW_COLUMN_SHOWN, "a name" },
	{ "count", HW_UNIT_COUNT, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "a count" },
	{ "bytes", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS, "bytes" },
	{ "share", HW_UNIT_SHARE, HW_COLUMN_ADDS, "a share" },
	{ "bar", HW_UNIT_BAR, HW_COLUMN_SHOWN, "a bar", "" },
	{ "where", HW_UNIT_ADDRESS, 0, "an address" },
	{ "ready", HW_UNIT_FLAG, HW_COLUMN_EXTRA, "a flag" },
};
static const struct hw_column filled[] = {
	{ "name", HW_UNIT_TEXT, HW_COLUMN_SHOWN, "a name" },
	{ "none", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS | HW_COLUMN_FILLED, "unknown" },
	{ "zero", HW_UNIT_BYTES, HW_COLUMN_SHOWN | HW_COLUMN_ADDS | HW_COLUMN_FILLED, "nothing" },
	{ "some", HW_UNIT_COUNT, HW_COLUMN_SHOWN | HW_COLUMN_ADDS | HW_COLUMN_FILLED | HW_COLUMN_GRAPH,
		"some" },
};
static const struct hw_column_set filled_set = { "filled", filled, hw_array_size(filled) };

static const struct hw_column_set set = { "things", columns, hw_array_size(columns) };

static const struct {
	const char *name;
	uint64_t count;
	uint64_t bytes;
	double share;
} things[] = {
	{ "plain", 1000, 2048, 0.5 },
	{ "a \"quoted\", one", 3, 100, 0.25 },
	{ "esc\033[1m\n", 20, 1536, 0.25 },
};

/* The scratch file's text for these options; the caller's to free. */
static char *draw(struct hw_report_options options, unsigned flags)
{
	struct hw_report *report;
	struct hw_sheet *sheet;

	options.path = scratch_path;
	options.table = &set;
	no_error(hw_report_create(&options, &report));
	sheet = hw_sheet_create(report, &set, flags, "thing");
	for (size_t i = 0; i < hw_array_size(things); i++) {
		struct hw_cell cells[] = { hw_cell_text(things[i].name), hw_cell_number(things[i].count),
			hw_cell_number(things[i].bytes), hw_cell_real(things[i].share),
			hw_cell_real(things[i].share), i ? hw_cell_number(0x1000 * i) : hw_cell_none(),
			hw_cell_number(i == 1) };

		hw_sheet_row(sheet, cells);
	}
	hw_sheet_finish(sheet);
	no_error(hw_report_finish(report));
	return read_scratch();
}

static void drawn_is(struct hw_report_options options, unsigned flags, const char *expected)
{
	hw_autofree char *text = draw(options, flags);

	ck_assert_str_eq(text, expected);
}

START_TEST (csv_is_quoted) {
	drawn_is((struct hw_report_options){ .format = HW_FORMAT_CSV }, 0,
		"name,count,bytes,share,where\r\n"
		"plain,1000,2048,0.5,\r\n"
		"\"a \"\"quoted\"\", one\",3,100,0.25,0x1000\r\n"
		"esc\\e[1m\\n,20,1536,0.25,0x2000\r\n");
}
END_TEST

START_TEST (json_is_a_document) {
	drawn_is((struct hw_report_options){ .format = HW_FORMAT_JSON }, 0,
		"{\n"
		"  \"schema\":1,\n"
		"  \"heapwalk\":\"" HW_VERSION "\",\n"
		"  \"things\":[\n"
		"    {\"name\":\"plain\",\"count\":1000,\"bytes\":2048,\"share\":0.5,\"where\":null},\n"
		"    {\"name\":\"a \\\"quoted\\\", "
		"one\",\"count\":3,\"bytes\":100,\"share\":0.25,\"where\":\"0x1000\"},\n"
		"    "
		"{\"name\":\"esc\\\\e[1m\\\\n\",\"count\":20,\"bytes\":1536,\"share\":0.25,\"where\":"
		"\"0x2000\"}\n"
		"  ]\n"
		"}\n");
}
END_TEST

START_TEST (json_lines_stand_alone) {
	drawn_is(
		(struct hw_report_options){
			.format = HW_FORMAT_JSON, .lines = true, .columns = "count,ready" },
		HW_SHEET_STREAM,
		"{\"count\":1000,\"ready\":false}\n"
		"{\"count\":3,\"ready\":true}\n"
		"{\"count\":20,\"ready\":false}\n");
}
END_TEST

START_TEST (rows_are_sorted) {
	drawn_is((struct hw_report_options){ .format = HW_FORMAT_CSV, .columns = "count", .sort = "count" },
		0, "count\r\n1000\r\n20\r\n3\r\n");
	drawn_is(
		(struct hw_report_options){
			.format = HW_FORMAT_CSV, .columns = "count", .sort = "COUNT:asc" },
		0, "count\r\n3\r\n20\r\n1000\r\n");
	drawn_is(
		(struct hw_report_options){
			.format = HW_FORMAT_CSV, .columns = "where", .sort = "where:desc" },
		0, "where\r\n0x2000\r\n0x1000\r\n\r\n");
}
END_TEST

START_TEST (rows_are_cut) {
	drawn_is(
		(struct hw_report_options){
			.format = HW_FORMAT_CSV, .columns = "count", .has_top = true, .top = 2 },
		0, "count\r\n1000\r\n3\r\n");
	drawn_is((struct hw_report_options){ .format = HW_FORMAT_CSV, .columns = "count", .has_top = true },
		0, "count\r\n1000\r\n3\r\n20\r\n");
}
END_TEST

START_TEST (table_adds_up) {
	drawn_is((struct hw_report_options){ .columns = "name,count,bytes,share", .has_top = true, .top = 1 },
		HW_SHEET_TOTAL,
		"NAME           COUNT     BYTES  SHARE\n"
		"plain          1,000  2.00 KiB  50.0%\n"
		"2 more things     23  1.60 KiB  50.0%\n"
		"all            1,023  3.60 KiB   100%\n");
	drawn_is((struct hw_report_options){ .columns = "count,name", .has_top = true, .top = 2 },
		HW_SHEET_TOTAL,
		" COUNT  NAME\n"
		" 1,000  plain\n"
		"     3  a \"quoted\", one\n"
		"1 more\n"
		"   all\n");
}
END_TEST

/* Thirty small rows and a large one at the end: it may not hide among those that are left out. */
START_TEST (heavy_rows_are_shown) {
	struct hw_report_options options = { .path = scratch_path, .table = &set, .columns = "count" };
	hw_autofree char *text = NULL;
	struct hw_report *report;
	struct hw_sheet *sheet;

	no_error(hw_report_create(&options, &report));
	sheet = hw_sheet_create(report, &set, HW_SHEET_TOTAL, "thing");
	for (unsigned i = 0; i < 31; i++) {
		struct hw_cell cells[hw_array_size(columns)] = {
			[1] = hw_cell_number(i == 30 ? 777 : 1), [3] = hw_cell_real(i == 30 ? 0.7 : 0.01)
		};

		hw_sheet_row(sheet, cells);
	}
	hw_sheet_finish(sheet);
	no_error(hw_report_finish(report));
	text = read_scratch();
	ck_assert_ptr_nonnull(strstr(text, "777\n"));
	ck_assert_ptr_nonnull(strstr(text, "10 more"));
}
END_TEST

START_TEST (table_shows_raw_bytes) {
	drawn_is((struct hw_report_options){ .columns = "bytes,ready", .raw_bytes = true }, 0,
		"BYTES  READY\n"
		"2,048\n"
		"  100  yes\n"
		"1,536\n");
}
END_TEST

/* A bar is as long as the share says, in cells of the character set; 32 cells at most. */
START_TEST (bar_is_in_proportion) {
	hw_autofree char *text = draw((struct hw_report_options){ .columns = "bar" }, 0);
	size_t cells = 0;

	for (const char *at = text; (at = strstr(at, "█")); at += strlen("█"))
		cells++;
	ck_assert_uint_eq(cells, 16 + 8 + 8);
}
END_TEST

START_TEST (default_columns_are_shown) {
	hw_autofree char *text = draw((struct hw_report_options){ 0 }, 0);

	ck_assert_int_eq(strncmp(text, "NAME", 4), 0);
	ck_assert_ptr_nonnull(strstr(text, "BYTES"));
	ck_assert_ptr_null(strstr(text, "SHARE"));
	ck_assert_ptr_null(strchr(text, '\033'));
}
END_TEST

/* Long streams are written in several pieces: one heading, every row once. */
static void filled_is(const char *names, const char *expected)
{
	struct hw_report_options options = { .path = scratch_path, .table = &filled_set, .columns = names };
	struct hw_cell cells[] = { hw_cell_text("a"), hw_cell_none(), hw_cell_number(0), hw_cell_number(0) };
	hw_autofree char *text = NULL;
	struct hw_report *report;
	struct hw_sheet *sheet;

	no_error(hw_report_create(&options, &report));
	sheet = hw_sheet_create(report, &filled_set, 0, "thing");
	hw_sheet_row(sheet, cells);
	cells[3] = hw_cell_number(7);
	hw_sheet_row(sheet, cells);
	hw_sheet_finish(sheet);
	no_error(hw_report_finish(report));
	text = read_scratch();
	ck_assert_str_eq(text, expected);
}

START_TEST (empty_columns_are_left_out) {
	filled_is(NULL, "NAME  SOME\na        0\na        7\n");
	filled_is("name,zero", "NAME  ZERO\na      0 B\na      0 B\n");
}
END_TEST

/* Lists of columns, and whether one of them needs the graph. */
START_TEST (columns_by_flag) {
	ck_assert(!hw_columns_name(&filled_set, NULL, NULL, HW_COLUMN_GRAPH));
	ck_assert(!hw_columns_name(&filled_set, "name,somewhat,zero", "zero:desc", HW_COLUMN_GRAPH));
	ck_assert(hw_columns_name(&filled_set, "name,SOME", NULL, HW_COLUMN_GRAPH));
	ck_assert(hw_columns_name(&filled_set, "+some", NULL, HW_COLUMN_GRAPH));
	ck_assert(hw_columns_name(&filled_set, "name", "some:asc", HW_COLUMN_GRAPH));
}
END_TEST

START_TEST (stream_is_whole) {
	static const unsigned rows = 3 * HW_SHEET_BATCH + 7;
	struct hw_report_options options = { .path = scratch_path, .table = &set, .columns = "count" };
	hw_autofree char *text = NULL;
	struct hw_report *report;
	struct hw_sheet *sheet;
	unsigned lines = 0;

	no_error(hw_report_create(&options, &report));
	sheet = hw_sheet_create(report, &set, HW_SHEET_STREAM, "thing");
	for (unsigned i = 0; i < rows; i++) {
		struct hw_cell cells[hw_array_size(columns)] = { [1] = hw_cell_number(i) };

		hw_sheet_row(sheet, cells);
	}
	hw_sheet_finish(sheet);
	no_error(hw_report_finish(report));
	text = read_scratch();
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	ck_assert_uint_eq(lines, rows + 1);
	ck_assert_int_eq(strncmp(text, "COUNT\n", 6), 0);
	ck_assert_ptr_null(strstr(text + 6, "COUNT"));
}
END_TEST

/* Behind the first batch rows are written as they come, and look the same: aligned, escaped, no blanks at the
 * end. */
START_TEST (stream_looks_alike) {
	struct hw_report_options options = {
		.path = scratch_path, .table = &set, .columns = "bytes,name,count,where", .raw_bytes = true
	};
	hw_autofree char *text = NULL;
	struct hw_report *report;
	struct hw_sheet *sheet;
	char *line, *rest;

	no_error(hw_report_create(&options, &report));
	sheet = hw_sheet_create(report, &set, HW_SHEET_STREAM, "thing");
	for (unsigned i = 0; i < HW_SHEET_BATCH + 50; i++) {
		bool is_last = i == HW_SHEET_BATCH + 49;
		struct hw_cell cells[hw_array_size(columns)] = { hw_cell_text(i % 2 ? "gr\303\274n" : "\033"),
			hw_cell_number(i % 10), hw_cell_number(is_last ? UINT64_C(1000000000) : 1000 + i),
			[5] = i % 3 ? hw_cell_number(0x1000) : hw_cell_none() };

		hw_sheet_row(sheet, cells);
	}
	hw_sheet_finish(sheet);
	no_error(hw_report_finish(report));
	text = read_scratch();
	line = strtok_r(text, "\n", &rest);
	ck_assert_str_eq(line, "BYTES  NAME  COUNT  WHERE");
	for (unsigned i = 0; i < HW_SHEET_BATCH + 49; i++) {
		char expected[64];

		snprintf(expected, sizeof(expected), "%u,%03u  %s  %5u%s", 1 + i / 1000, i % 1000,
			i % 2 ? "gr\303\274n" : "\\e  ", i % 10, i % 3 ? "  0x1000" : "");
		line = strtok_r(NULL, "\n", &rest);
		ck_assert_str_eq(line, expected);
	}
	ck_assert_ptr_nonnull(strstr(rest, "1,000,000,000"));
}
END_TEST

START_TEST (unknown_column_is_an_error) {
	struct hw_report_options options = {
		.path = scratch_path, .table = &set, .columns = "count,nonsense"
	};
	struct hw_report *report;
	struct hw_error *error;

	no_error(hw_report_create(&options, &report));
	ck_assert_ptr_null(hw_sheet_create(report, &set, 0, "thing"));
	error = hw_report_finish(report);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, HW_ERROR_USAGE);
	ck_assert_ptr_nonnull(strstr(error->message, "nonsense"));
	ck_assert_ptr_nonnull(strstr(error->remedy, "name, count, bytes"));
	hw_error_destroy(error);
	ck_assert_int_ne(access(scratch_path, F_OK), 0);
}
END_TEST

static const struct {
	const char *list;
	size_t count;
	size_t first;
} lists[] = {
	{ "name", 1, 0 },
	{ "BYTES,name", 2, 2 },
	{ "bytes,bytes", 1, 2 },
	{ "+ready", 5, 0 },
	{ "", 0, 0 },
	{ "name,", 0, 0 },
	{ "nam", 0, 0 },
	{ ",", 0, 0 },
};

START_TEST (column_lists_are_parsed) {
	size_t selected[HW_COLUMN_LIMIT];
	size_t count = 0;
	struct hw_error *error = hw_columns_parse(&set, lists[_i].list, selected, &count);

	ck_assert_int_eq(!error, lists[_i].count > 0);
	if (!error) {
		ck_assert_uint_eq(count, lists[_i].count);
		ck_assert_uint_eq(selected[0], lists[_i].first);
	}
	hw_error_destroy(error);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, csv_is_quoted);
	tcase_add_test(cases, json_is_a_document);
	tcase_add_test(cases, json_lines_stand_alone);
	tcase_add_test(cases, rows_are_sorted);
	tcase_add_test(cases, rows_are_cut);
	tcase_add_test(cases, table_adds_up);
	tcase_add_test(cases, heavy_rows_are_shown);
	tcase_add_test(cases, table_shows_raw_bytes);
	tcase_add_test(cases, bar_is_in_proportion);
	tcase_add_test(cases, default_columns_are_shown);
	tcase_add_test(cases, empty_columns_are_left_out);
	tcase_add_test(cases, columns_by_flag);
	tcase_add_test(cases, stream_is_whole);
	tcase_add_test(cases, stream_looks_alike);
	tcase_add_test(cases, unknown_column_is_an_error);
	tcase_add_loop_test(cases, column_lists_are_parsed, 0, hw_array_size(lists));
}

int main(void)
{
	return run_cases("sheet", add);
}
