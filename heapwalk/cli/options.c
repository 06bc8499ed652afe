/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From argv to struct hw_options: getopt_long() fed from the two tables, and what goes together. */
#include "heapwalk/cli/options.h"

#include <getopt.h>

#include "heapwalk/cli/view.h"

#define LIST_LIMIT 1000 /* chunks in a text table */
#define DUMP_LIMIT 20   /* chunks in a dump */
#define DUMP_BYTES 512  /* of each of them in a text table */

#define LONG_LIMIT 64
#define FIRST_LONG 256 /* getopt_long() returns FIRST_LONG plus an index; views follow the options */

struct parser {
	struct option longs[LONG_LIMIT];
	char letters[2 * LONG_LIMIT + 2];
};

static void add_option(
	struct parser *parser, size_t index, const char *name, char letter, bool takes_argument)
{
	size_t length = strlen(parser->letters);

	parser->longs[index] = (struct option){
		.name = name,
		.has_arg = takes_argument ? required_argument : no_argument,
		.val = FIRST_LONG + (int)index,
	};
	if (letter)
		snprintf(parser->letters + length, sizeof(parser->letters) - length, "%c%s", letter,
			takes_argument ? ":" : "");
}

static void make_parser(struct parser *parser)
{
	memset(parser, 0, sizeof(*parser));
	parser->letters[0] = ':';
	for (size_t i = 0; i < hw_option_count; i++)
		add_option(parser, i, hw_option_table[i].name, hw_option_table[i].letter,
			hw_option_table[i].argument);
	for (size_t i = 0; i < hw_view_count; i++)
		add_option(parser, hw_option_count + i, hw_views[i].option, hw_views[i].letter, false);
}

/* What getopt_long() returned, as an index into options and views; SIZE_MAX: none. */
static size_t option_index(int returned)
{
	if (returned >= FIRST_LONG)
		return (size_t)(returned - FIRST_LONG);
	for (size_t i = 0; i < hw_option_count; i++) {
		if (hw_option_table[i].letter == returned)
			return i;
	}
	for (size_t i = 0; i < hw_view_count; i++) {
		if (hw_views[i].letter == returned)
			return hw_option_count + i;
	}
	return SIZE_MAX;
}

static struct hw_error *bad_option(int returned, char **argv)
{
	const char *word = argv[optind - 1];

	if (returned == ':')
		return hw_error_create(HW_ERROR_USAGE, "%s takes a value", word);
	if (optopt >= FIRST_LONG)
		return hw_error_create(HW_ERROR_USAGE, "%s: this option takes no value", word);
	if (optopt)
		return hw_error_create(HW_ERROR_USAGE, "there is no option -%c", optopt);
	return hw_error_create(HW_ERROR_USAGE, "there is no option %s, or it is short for several", word);
}

/* A bare word is most often a target whose option was forgotten. */
static struct hw_error *refuse_word(const char *word)
{
	struct hw_error *error =
		hw_error_create(HW_ERROR_USAGE, "what is \"%s\"? A target is named by an option", word);

	if (word[strspn(word, "0123456789")] == '\0')
		return hw_error_remedy(error, "For the process with this id: heapwalk --attach %s", word);
	if (access(word, F_OK) == 0)
		return hw_error_remedy(error, "If it is a core file: heapwalk --core %s", word);
	return hw_error_remedy(error, "For a process of that name: heapwalk --attach $(pidof %s)", word);
}

/* --who 0x5581a0c2b2a0, --explain 0x5581a0c2b2a0 */
static bool take_address(const char *word, struct hw_options *options)
{
	char *end;

	if (!(hw_views_needs(options->views) & HW_VIEW_ADDRESS) || strncmp(word, "0x", 2) != 0)
		return false;
	options->address = strtoull(word, &end, 16);
	return options->address && !*end;
}

static struct hw_error *apply_all(int argc, char **argv, struct hw_options *options)
{
	struct hw_error *error = NULL;
	struct parser parser;
	int returned;

	make_parser(&parser);
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	while (!error && (returned = getopt_long(argc, argv, parser.letters, parser.longs, NULL)) != -1) {
		size_t index = option_index(returned);

		if (index >= hw_option_count + hw_view_count)
			error = bad_option(returned, argv);
		else if (index >= hw_option_count)
			options->views |= UINT64_C(1) << (index - hw_option_count);
		else
			error = hw_option_table[index].apply(options, optarg);
	}
	if (!error && optind < argc && take_address(argv[optind], options))
		optind++;
	if (!error && optind < argc && !options->want_help && !options->want_version)
		error = refuse_word(argv[optind]);
	return error;
}

/* ----------------------------------------------------------------------------------- what belongs together
 */

static struct hw_error *check_target(const struct hw_options *options)
{
	if (options->pid && options->core)
		return hw_error_create(HW_ERROR_USAGE, "--attach and --core are two targets: name one");
	if (options->pid && (options->executable || options->sysroot))
		return hw_error_remedy(
			hw_error_create(HW_ERROR_USAGE, "--exe and --sysroot belong to --core"),
			"A running process's files are found through /proc/%d/root.", (int)options->pid);
	return NULL;
}

static struct hw_error *check_views(const struct hw_options *options)
{
	const struct hw_report_options *report = &options->report;

	if (options->views & hw_views_explain() && !options->address && !options->want_help &&
		!options->list_columns)
		return hw_error_remedy(
			hw_error_create(HW_ERROR_USAGE, "--explain takes the address of a chunk"),
			"For example: heapwalk --explain 0x5581a0c2b2a0. heapwalk --list shows addresses.");
	if (report->sort && hw_views_needs(options->views) & HW_VIEW_STREAM)
		return hw_error_remedy(
			hw_error_create(HW_ERROR_USAGE,
				"--list, --dump and --stacks are written as they come: no --sort"),
			"--newest-first turns their order; --format csv or json is for sort(1) or jq(1).");
	if (__builtin_popcountll(options->views) < 2)
		return NULL;
	if (report->format == HW_FORMAT_CSV)
		return hw_error_create(HW_ERROR_USAGE, "--format csv holds one table: ask for one view");
	if (report->lines)
		return hw_error_create(
			HW_ERROR_USAGE, "--list as JSON is one object a line: ask for no other view");
	if (report->columns || report->sort || report->has_top)
		return hw_error_create(
			HW_ERROR_USAGE, "--columns, --sort and --top are for one view: ask for one");
	return NULL;
}

/* The verdict is sentences: no columns, no CSV. */
static struct hw_error *check_words(const struct hw_options *options)
{
	const struct hw_report_options *report = &options->report;

	if (report->table || (report->format != HW_FORMAT_CSV && !report->columns && !report->sort))
		return NULL;
	return hw_error_create(HW_ERROR_USAGE, "--verdict is no table: it has no columns, and no CSV");
}

static struct hw_error *check_columns(const struct hw_options *options)
{
	const struct hw_report_options *report = &options->report;
	size_t selected[HW_COLUMN_LIMIT];
	struct hw_error *error = check_words(options);
	bool descending;
	size_t count;

	if (error)
		return error;
	if (report->columns && !options->list_columns)
		error = hw_columns_parse(report->table, report->columns, selected, &count);
	if (!error && report->sort)
		error = hw_columns_parse_sort(report->table, report->sort, &count, &descending);
	return error;
}

static void fill_defaults(struct hw_options *options)
{
	struct hw_report_options *report = &options->report;
	bool is_text = report->format == HW_FORMAT_TABLE;

	if (!options->views && report->format == HW_FORMAT_CSV)
		options->views = hw_views_histogram(); /* one table: the summary has to stay out */
	options->views = hw_views_grouped(options->views, options->by);
	report->table = hw_views_table(options->views);
	report->lines = report->format == HW_FORMAT_JSON && hw_views_needs(options->views) & HW_VIEW_LINES;
	if (!options->has_limit && report->has_top)
		report->limit = report->top;
	else if (!options->has_limit)
		report->limit = hw_views_needs(options->views) & HW_VIEW_MEMORY ? DUMP_LIMIT
				: is_text                                       ? LIST_LIMIT
										: 0;
	if (!options->has_dump_bytes)
		report->dump_bytes = is_text ? DUMP_BYTES : 0;
}

struct hw_error *hw_options_parse(int argc, char **argv, struct hw_options *options)
{
	struct hw_error *error;

	memset(options, 0, sizeof(*options));
	options->by = HW_BY_SIZE;
	error = apply_all(argc, argv, options);
	if (error || options->want_help || options->want_version)
		return error;
	fill_defaults(options);
	error = check_target(options);
	if (!error)
		error = check_views(options);
	return error ? error : check_columns(options);
}

void hw_options_deinit(struct hw_options *options)
{
	for (size_t i = 0; i < options->hint_count; i++)
		free((char *)options->hints[i].shape);
	free(options->hints);
}
