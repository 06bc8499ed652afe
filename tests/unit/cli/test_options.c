/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What words on the command line mean. */
#include <check.h>

#include "heapwalk/cli/last.h"
#include "heapwalk/cli/view.h"

#define STATE(state) (UINT32_C(1) << (state))

static const struct {
	const char *text;
	bool good;
	uint64_t low;
	uint64_t high;
} ranges[] = {
	{ "48", true, 48, 48 },
	{ "41-56", true, 41, 56 },
	{ "0", true, 1, 1 }, /* malloc(0) returns what malloc(1) does */
	{ "0-24", true, 1, 24 },
	{ "64k", true, 65536, 65536 },
	{ "64k-1M", true, 65536, 1048576 },
	{ "2G", true, 2147483648, 2147483648 },
	{ "1t", true, 1099511627776, 1099511627776 },
	{ "0x30", true, 48, 48 },
	{ "18446744073709551615", true, UINT64_MAX, UINT64_MAX },
	{ "18446744073709551616", false },
	{ "17179869184G", false },
	{ "56-41", false },
	{ "", false },
	{ "-", false },
	{ "48-", false },
	{ "-48", false },
	{ " 48", false },
	{ "48 ", false },
	{ "48kB", false },
	{ "4-8-16", false },
};

START_TEST (size_range_is_understood) {
	uint64_t low = 7;
	uint64_t high = 7;
	struct hw_error *error = hw_options_size_range(ranges[_i].text, &low, &high);

	ck_assert_int_eq(!error, ranges[_i].good);
	ck_assert_uint_eq(low, ranges[_i].good ? ranges[_i].low : 7);
	ck_assert_uint_eq(high, ranges[_i].good ? ranges[_i].high : 7);
	hw_error_destroy(error);
}
END_TEST

static const struct {
	const char *text;
	bool good;
	uint32_t states;
	uint32_t contents;
} kinds[] = {
	{ "live", true, STATE(HW_CHUNK_LIVE) | STATE(HW_CHUNK_MMAPPED), 0 },
	{ "mmapped", true, STATE(HW_CHUNK_MMAPPED), 0 },
	{ "TCACHE,fastbin", true, STATE(HW_CHUNK_TCACHE) | STATE(HW_CHUNK_FASTBIN), 0 },
	{ "string", true, 0, STATE(HW_CONTENT_STRING) }, { "c++", true, 0, STATE(HW_CONTENT_CXX) },
	{ "C++ class", true, 0, STATE(HW_CONTENT_CXX) },
	{ "top,zero", true, STATE(HW_CHUNK_TOP), STATE(HW_CONTENT_ZERO) }, { "purple", false }, { "", false },
	{ "live,", false }, { "liv", false }, { "end", false }, /* marks of the table are no chunks */
	{ "none", false },                                      /* not looked at is no content */
};

START_TEST (kinds_are_understood) {
	struct hw_selection selection = { 0 };
	struct hw_error *error = hw_options_kinds(kinds[_i].text, &selection);

	ck_assert_int_eq(!error, kinds[_i].good);
	ck_assert_uint_eq(selection.states, kinds[_i].states);
	ck_assert_uint_eq(selection.contents, kinds[_i].contents);
	hw_error_destroy(error);
}
END_TEST

START_TEST (free_is_every_free_state) {
	struct hw_selection selection = { 0 };
	uint32_t states;

	ck_assert_ptr_null(hw_options_kinds("free", &selection));
	states = selection.states;
	ck_assert_uint_eq(states & STATE(HW_CHUNK_LIVE), 0);
	ck_assert_uint_ne(states & STATE(HW_CHUNK_TOP), 0);
	ck_assert_uint_ne(states & STATE(HW_CHUNK_UNBINNED), 0);
	ck_assert_uint_eq(states & STATE(HW_CHUNK_BOOKKEEPING), 0);
}
END_TEST

static struct hw_error *parse(struct hw_options *options, const char *line)
{
	static char copy[256];
	char *argv[16] = { (char *)"heapwalk" };
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word && argc < 15; word = strtok(NULL, " "))
		argv[argc++] = word;
	return hw_options_parse(argc, argv, options);
}

/* NULL words: must be accepted. */
static const struct {
	const char *line;
	const char *words;
} lines[] = {
	{ "", NULL },
	{ "-p 1 -s 48 -S", NULL },
	{ "--core x --exe y --sysroot /", NULL },
	{ "--list --format json", NULL },
	{ "--format csv", NULL },
	{ "--arenas --maps --format json", NULL },
	{ "--exe y", NULL }, /* for the core that is remembered */
	{ "--columns +suspicion --sort bytes:asc", NULL },
	{ "--arenas --maps --format csv", "one view" },
	{ "--list --maps --format json", "no other view" },
	{ "--arenas --maps --top 3", "one view" },
	{ "--columns nonsense", "nonsense" },
	{ "--histogram --sort address", "address" }, /* a column of another view */
	{ "--list --sort size", "no --sort" },
	{ "-p 1 -c x", "two targets" },
	{ "-p 1 -e x", "belong to --core" },
	{ "1234", "1234" },
	{ "--size", "takes a value" },
	{ "--d", "several" },
	{ "--list=3", "no value" },
};

START_TEST (line_is_judged) {
	struct hw_options options;
	struct hw_error *error = parse(&options, lines[_i].line);

	if (!lines[_i].words) {
		ck_assert_msg(!error, "%s: %s", lines[_i].line, error ? error->message : "");
		return;
	}
	ck_assert_msg(error != NULL, "%s was accepted", lines[_i].line);
	ck_assert_int_eq(error->code, HW_ERROR_USAGE);
	ck_assert_msg(strstr(error->message, lines[_i].words), "%s: %s", lines[_i].line, error->message);
	hw_error_destroy(error);
}
END_TEST

START_TEST (limits_depend_on_view_and_format) {
	struct hw_options options;

	ck_assert_ptr_null(parse(&options, "--list"));
	ck_assert_uint_eq(options.report.limit, 1000);
	ck_assert_ptr_null(parse(&options, "--list --format json"));
	ck_assert_uint_eq(options.report.limit, 0);
	ck_assert(options.report.lines);
	ck_assert_ptr_null(parse(&options, "--dump --format json"));
	ck_assert_uint_eq(options.report.limit, 20);
	ck_assert(!options.report.lines);
	ck_assert_ptr_null(parse(&options, "--list --format csv --top 5"));
	ck_assert_uint_eq(options.report.limit, 5);
	ck_assert_ptr_null(parse(&options, "--dump --limit 0"));
	ck_assert_uint_eq(options.report.limit, 0);
}
END_TEST

/* Every column that a view has can be asked for, and every name is one word that no format has to quote. */
START_TEST (columns_have_sound_names) {
	for (size_t i = 0; i < hw_view_count; i++) {
		const struct hw_column_set *table = hw_views[i].table;

		if (!table)
			continue; /* a view of words */
		ck_assert_uint_le(table->count, HW_COLUMN_LIMIT);
		for (size_t j = 0; j < table->count; j++) {
			const char *name = table->columns[j].name;

			ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
			ck_assert_ptr_eq(hw_column_find(table, name, strlen(name)), &table->columns[j]);
			ck_assert_uint_gt(strlen(table->columns[j].help), 0);
		}
	}
}
END_TEST

static struct hw_snapshot snapshot_of(pid_t pid, uint64_t start_time)
{
	return (struct hw_snapshot){ .process = { .pid = pid, .start_time = start_time } };
}

START_TEST (last_target_is_remembered) {
	char directory[] = "/tmp/hw-last-XXXXXX";
	struct hw_options options = { .pid = 42, .debug_directory = "/" };
	struct hw_options fresh = { 0 };
	struct hw_snapshot snapshot = snapshot_of(42, 1234567);
	struct hw_snapshot other = snapshot_of(42, 1234568);
	struct hw_last last;
	struct hw_error *error;
	char path[64];

	ck_assert_ptr_nonnull(mkdtemp(directory));
	setenv("XDG_STATE_HOME", directory, 1);
	error = hw_last_load(&last);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, HW_ERROR_USAGE);
	hw_error_destroy(error);
	hw_last_save(&options, &snapshot);
	ck_assert_ptr_null(hw_last_load(&last));
	hw_last_apply(&last, &fresh);
	ck_assert_int_eq(fresh.pid, 42);
	ck_assert_str_eq(fresh.debug_directory, "/");
	ck_assert_ptr_null(fresh.core);
	ck_assert_ptr_null(hw_last_check(&last, &snapshot));
	error = hw_last_check(&last, &other);
	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, HW_ERROR_GONE);
	hw_error_destroy(error);
	hw_last_deinit(&last);
	snprintf(path, sizeof(path), "%s/heapwalk/last", directory);
	ck_assert_int_eq(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *cases = tcase_create("options");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, cases);
	tcase_add_loop_test(cases, size_range_is_understood, 0, hw_array_size(ranges));
	tcase_add_loop_test(cases, kinds_are_understood, 0, hw_array_size(kinds));
	tcase_add_test(cases, free_is_every_free_state);
	tcase_add_loop_test(cases, line_is_judged, 0, hw_array_size(lines));
	tcase_add_test(cases, limits_depend_on_view_and_format);
	tcase_add_test(cases, columns_have_sound_names);
	tcase_add_test(cases, last_target_is_remembered);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
