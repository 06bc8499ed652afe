/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of options, and what each of them sets. */
#include <limits.h>

#include "heapwalk/cli/options.h"

static struct hw_error *parse_number(const char *name, const char *text, uint64_t *number)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end)
		return hw_error_create(HW_ERROR_USAGE, "--%s takes a number, not \"%s\"", name, text);
	*number = value;
	return NULL;
}

static struct hw_error *apply_attach(struct hw_options *options, const char *value)
{
	uint64_t number = 0;
	struct hw_error *error = parse_number("attach", value, &number);

	if (!error && (number < 1 || number > INT_MAX))
		error = hw_error_create(HW_ERROR_USAGE, "--attach takes a process id, not \"%s\"", value);
	if (error)
		return hw_error_remedy(error, "pidof NAME or pgrep NAME finds a process's id.");
	options->pid = (pid_t)number;
	return NULL;
}

static struct hw_error *apply_core(struct hw_options *options, const char *value)
{
	options->core = value;
	return NULL;
}

static struct hw_error *apply_exe(struct hw_options *options, const char *value)
{
	options->executable = value;
	return NULL;
}

static struct hw_error *apply_sysroot(struct hw_options *options, const char *value)
{
	options->sysroot = value;
	return NULL;
}

static struct hw_error *apply_debug_dir(struct hw_options *options, const char *value)
{
	options->debug_directory = value;
	return NULL;
}

static struct hw_error *apply_freeze(struct hw_options *options, const char *value)
{
	if (strcmp(value, "auto") == 0)
		options->freeze = HW_FREEZE_AUTO;
	else if (strcmp(value, "fork") == 0)
		options->freeze = HW_FREEZE_FORK;
	else if (strcmp(value, "hold") == 0)
		options->freeze = HW_FREEZE_HOLD;
	else
		return hw_error_create(
			HW_ERROR_USAGE, "--freeze takes fork, hold or auto, not \"%s\"", value);
	return NULL;
}

static struct hw_error *apply_size(struct hw_options *options, const char *value)
{
	return hw_options_size_range(value, &options->selection.size_low, &options->selection.size_high);
}

static struct hw_error *apply_arena(struct hw_options *options, const char *value)
{
	uint64_t number = 0;
	struct hw_error *error = parse_number("arena", value, &number);

	if (error)
		return hw_error_remedy(error, "heapwalk --arenas lists them.");
	options->selection.has_arena = true;
	options->selection.arena = (uint32_t)hw_min(number, UINT32_MAX - 1);
	return NULL;
}

static struct hw_error *apply_kind(struct hw_options *options, const char *value)
{
	return hw_options_kinds(value, &options->selection);
}

static struct hw_error *apply_type(struct hw_options *options, const char *value)
{
	options->type_glob = value;
	return NULL;
}

static struct hw_error *apply_min_confidence(struct hw_options *options, const char *value)
{
	if (hw_level_parse(value, &options->minimum_level))
		return NULL;
	return hw_error_create(HW_ERROR_USAGE,
		"--min-confidence takes certain, strong, likely, guess or unknown, not \"%s\"", value);
}

static struct hw_error *apply_by(struct hw_options *options, const char *value)
{
	if (strcmp(value, "size") == 0)
		options->by = HW_BY_SIZE;
	else if (strcmp(value, "type") == 0)
		options->by = HW_BY_TYPE;
	else if (strcmp(value, "shape") == 0)
		options->by = HW_BY_SHAPE;
	else
		return hw_error_create(HW_ERROR_USAGE, "--by takes size, type or shape, not \"%s\"", value);
	return NULL;
}

static struct hw_error *ignore(struct hw_options *options, enum hw_root_kind kind)
{
	options->ignore_roots |= 1u << kind;
	return NULL;
}

static struct hw_error *apply_ignore_globals(struct hw_options *options, const char *value hw_unused)
{
	return ignore(options, HW_ROOT_GLOBAL);
}

static struct hw_error *apply_ignore_stacks(struct hw_options *options, const char *value hw_unused)
{
	return ignore(options, HW_ROOT_STACK);
}

static struct hw_error *apply_ignore_registers(struct hw_options *options, const char *value hw_unused)
{
	return ignore(options, HW_ROOT_REGISTER);
}

static struct hw_error *apply_ignore_tls(struct hw_options *options, const char *value hw_unused)
{
	(void)ignore(options, HW_ROOT_TLS);
	return ignore(options, HW_ROOT_SPECIFIC);
}

static struct hw_error *apply_ignore_mapped(struct hw_options *options, const char *value hw_unused)
{
	return ignore(options, HW_ROOT_MAPPED);
}

static struct hw_error *apply_fail_on(struct hw_options *options, const char *value)
{
	options->fail_on_lost = true;
	if (!strcmp(value, "lost"))
		return NULL;
	if (!strncmp(value, "lost=", 5))
		return hw_options_size("--fail-on lost", value + 5, &options->fail_bytes);
	return hw_error_create(HW_ERROR_USAGE, "--fail-on takes lost or lost=BYTES, not \"%s\"", value);
}

static struct hw_error *apply_min_length(struct hw_options *options, const char *value)
{
	uint64_t number = 0;
	struct hw_error *error = parse_number("min-length", value, &number);

	if (!error && (number < 1 || number > 4096))
		error = hw_error_create(HW_ERROR_USAGE, "--min-length takes 1 to 4096, not \"%s\"", value);
	options->minimum_length = (size_t)number;
	return error;
}

static struct hw_error *apply_newest_first(struct hw_options *options, const char *value hw_unused)
{
	options->newest_first = true;
	return NULL;
}

static struct hw_error *apply_limit(struct hw_options *options, const char *value)
{
	options->has_limit = true;
	return parse_number("limit", value, &options->report.limit);
}

static struct hw_error *apply_dump_bytes(struct hw_options *options, const char *value)
{
	options->has_dump_bytes = true;
	return hw_options_size("--dump-bytes", value, &options->report.dump_bytes);
}

static struct hw_error *apply_format(struct hw_options *options, const char *value)
{
	if (strcmp(value, "table") == 0)
		options->report.format = HW_FORMAT_TABLE;
	else if (strcmp(value, "json") == 0)
		options->report.format = HW_FORMAT_JSON;
	else if (strcmp(value, "csv") == 0)
		options->report.format = HW_FORMAT_CSV;
	else
		return hw_error_create(
			HW_ERROR_USAGE, "--format takes table, json or csv, not \"%s\"", value);
	return NULL;
}

static struct hw_error *apply_columns(struct hw_options *options, const char *value)
{
	options->list_columns = strcmp(value, "help") == 0;
	options->report.columns = value;
	return NULL;
}

static struct hw_error *apply_sort(struct hw_options *options, const char *value)
{
	options->report.sort = value;
	return NULL;
}

static struct hw_error *apply_top(struct hw_options *options, const char *value)
{
	options->report.has_top = true;
	return parse_number("top", value, &options->report.top);
}

static struct hw_error *apply_bytes(struct hw_options *options, const char *value hw_unused)
{
	options->report.raw_bytes = true;
	return NULL;
}

static struct hw_error *apply_output(struct hw_options *options, const char *value)
{
	if (!*value)
		return hw_error_create(HW_ERROR_USAGE, "--output takes the name of a file");
	options->report.path = value;
	return NULL;
}

static struct hw_error *apply_quick(struct hw_options *options, const char *value hw_unused)
{
	options->quick = true;
	return NULL;
}

static struct hw_error *apply_help(struct hw_options *options, const char *value hw_unused)
{
	options->want_help = true;
	return NULL;
}

static struct hw_error *apply_version(struct hw_options *options, const char *value hw_unused)
{
	options->want_version = true;
	return NULL;
}

/* '0x5581a0c2b2a0=Session', '{ptr->self, int}=Session' */
static struct hw_error *apply_type_hint(struct hw_options *options, const char *value)
{
	const char *equals = strrchr(value, '=');
	struct hw_type_hint *hint =
		hw_array_next(options->hints, options->hint_count, options->hint_capacity);
	char *end = NULL;

	if (!hint)
		return hw_error_no_memory();
	*hint = (struct hw_type_hint){ 0 };
	options->hint_count++;
	if (equals && *value == '{')
		hint->shape = strndup(value, (size_t)(equals - value));
	else if (equals && strncmp(value, "0x", 2) == 0)
		hint->address = strtoull(value, &end, 16);
	if (!equals || !equals[1] || (!hint->shape && end != equals))
		return hw_error_remedy(
			hw_error_create(HW_ERROR_USAGE,
				"--type-hint takes ADDRESS=TYPE or SHAPE=TYPE, not \"%s\"", value),
			"heapwalk --shapes shows shapes: '{ptr->self, int}=Session' names all chunks of "
			"one.");
	hint->type = equals + 1;
	return NULL;
}

const struct hw_option hw_option_table[] = {
	{ HW_GROUP_TARGET, 'p', "attach", "PID", "a running process", apply_attach },
	{ HW_GROUP_TARGET, 'c', "core", "FILE", "a core file, also compressed", apply_core },
	{ HW_GROUP_TARGET, 'e', "exe", "FILE", "the program that the core is of", apply_exe },
	{ HW_GROUP_TARGET, 0, "sysroot", "DIR", "look for the core's files under DIR", apply_sysroot },
	{ HW_GROUP_TARGET, 0, "debug-dir", "DIR", "look for debug information under DIR first",
		apply_debug_dir },
	{ HW_GROUP_TARGET, 0, "freeze", "HOW", "hold the process by fork, hold or auto", apply_freeze },
	{ HW_GROUP_SELECTION, 's', "size", "N[-M]", "what malloc(N) returns; also 64k, 1M, 2G", apply_size },
	{ HW_GROUP_SELECTION, 'a', "arena", "N", "the chunks of this arena", apply_arena },
	{ HW_GROUP_SELECTION, 'k', "kind", "LIST", "live, free, string, zero, lost, possible, ...",
		apply_kind },
	{ HW_GROUP_SELECTION, 'T', "type", "GLOB", "chunks of types with such names", apply_type },
	{ HW_GROUP_SELECTION, 0, "type-hint", "X=TYPE", "what the chunk at X, or those of shape X, are",
		apply_type_hint },
	{ HW_GROUP_SELECTION, 0, "min-confidence", "LEVEL", "believe no type that is less sure than this",
		apply_min_confidence },
	{ HW_GROUP_ROOTS, 0, "ignore-globals", NULL, "not what modules' data refers to",
		apply_ignore_globals },
	{ HW_GROUP_ROOTS, 0, "ignore-stacks", NULL, "not what threads' stacks refer to",
		apply_ignore_stacks },
	{ HW_GROUP_ROOTS, 0, "ignore-registers", NULL, "not what registers refer to",
		apply_ignore_registers },
	{ HW_GROUP_ROOTS, 0, "ignore-tls", NULL, "not what thread-local data refers to", apply_ignore_tls },
	{ HW_GROUP_ROOTS, 0, "ignore-mapped", NULL, "not what the program's own mappings refer to",
		apply_ignore_mapped },
	{ HW_GROUP_OUTPUT, 'f', "format", "FORMAT", "table, json or csv", apply_format },
	{ HW_GROUP_OUTPUT, 'C', "columns", "LIST", "these columns; +LIST adds; help lists them",
		apply_columns },
	{ HW_GROUP_OUTPUT, 0, "by", "WHAT", "--histogram: a row for each size, type or shape", apply_by },
	{ HW_GROUP_OUTPUT, 0, "sort", "COLUMN", "by this column, also COLUMN:asc, COLUMN:desc", apply_sort },
	{ HW_GROUP_OUTPUT, 'n', "top", "N", "at most N rows, 0: all", apply_top },
	{ HW_GROUP_OUTPUT, 0, "limit", "N", "--list, --dump: at most N chunks, 0: all", apply_limit },
	{ HW_GROUP_OUTPUT, 0, "newest-first", NULL, "--list, --dump: highest addresses first",
		apply_newest_first },
	{ HW_GROUP_OUTPUT, 0, "dump-bytes", "N", "--dump: at most N bytes of a chunk, 0: all",
		apply_dump_bytes },
	{ HW_GROUP_OUTPUT, 0, "min-length", "N", "--dump-strings: at least N characters", apply_min_length },
	{ HW_GROUP_OUTPUT, 'b', "bytes", NULL, "sizes in bytes, not rounded", apply_bytes },
	{ HW_GROUP_OUTPUT, 'o', "output", "FILE", "write to FILE, readable by you alone", apply_output },
	{ HW_GROUP_GENERAL, 'q', "quick", NULL, "count only: no look for lost memory or types", apply_quick },
	{ HW_GROUP_GENERAL, 0, "fail-on", "lost[=N]", "exit with 1 if more than N bytes (0) are lost",
		apply_fail_on },
	{ HW_GROUP_GENERAL, 'h', "help", NULL, "this text", apply_help },
	{ HW_GROUP_GENERAL, 'V', "version", NULL, "the version", apply_version },
};

const size_t hw_option_count = hw_array_size(hw_option_table);
