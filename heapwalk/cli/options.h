/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line: one table of options that getopt_long(), --help and the check of manual and completion
 * all come from. The views are a table of their own, heapwalk/cli/view.h.
 */
#ifndef HW_CLI_OPTIONS_H
#define HW_CLI_OPTIONS_H

#include "report/report.h"

/* Strings are borrowed from argv, or from the remembered target. */
struct hw_options {
	pid_t pid; /* 0: none named */
	const char *core;
	const char *executable;
	const char *sysroot;
	const char *debug_directory;
	enum hw_freeze_method freeze;
	struct hw_selection selection;
	bool newest_first;
	unsigned ignore_roots; /* 1 << enum hw_root_kind */
	bool quick;            /* count only: no leaks, no types that nobody asked for */
	bool fail_on_lost;     /* exit with 1 if more than fail_bytes are lost */
	uint64_t fail_bytes;
	size_t minimum_length;       /* of strings, characters; 0: the default */
	uint64_t address;            /* --who 0x..., --dump 0x...: of the one chunk that is meant; 0: none */
	const char *type_glob;       /* --type: chunks of types with such names; NULL: any */
	enum hw_level minimum_level; /* --min-confidence */
	struct hw_type_hint *hints;  /* --type-hint; hint_count of them */
	size_t hint_count;
	size_t hint_capacity;
	enum hw_type_grouping by; /* what a row of the histogram is; HW_BY_SIZE unless told */
	uint64_t views;           /* bits: indexes into hw_views; 0: the default ones */
	bool has_limit;
	bool has_dump_bytes;
	bool list_columns; /* --columns help */
	bool want_help;
	bool want_version;
	struct hw_report_options report;
};

enum hw_option_group {
	HW_GROUP_TARGET,
	HW_GROUP_SELECTION,
	HW_GROUP_ROOTS,
	HW_GROUP_OUTPUT,
	HW_GROUP_GENERAL,
};

/* One option that is no view. */
struct hw_option {
	enum hw_option_group group;
	char letter; /* 0: none */
	const char *name;
	const char *argument; /* what --help calls it, NULL: takes none */
	const char *help;
	struct hw_error *(*apply)(struct hw_options *options, const char *value);
};

extern const struct hw_option hw_option_table[];
extern const size_t hw_option_count;

/*
 * HW_ERROR_USAGE with a message and usually a remedy. Fills in the defaults that depend on other options and
 * checks what can be checked without a target.
 */
struct hw_error *hw_options_parse(int argc, char **argv, struct hw_options *options) hw_must_check;
void hw_options_deinit(struct hw_options *options);

/* "4096", "64k", "2M", "1G": powers of 1,024. `what` is the option, for the message. */
struct hw_error *hw_options_size(const char *what, const char *text, uint64_t *size) hw_must_check;

/* "48", "41-56", "64k-1M": both ends included. */
struct hw_error *hw_options_size_range(const char *text, uint64_t *low, uint64_t *high) hw_must_check;

/* A comma-separated list of states, contents and leak kinds, as masks of the selection. */
struct hw_error *hw_options_kinds(const char *text, struct hw_selection *selection) hw_must_check;

/* On standard output. */
void hw_help_print(void);
void hw_help_columns(uint64_t views);

#endif
