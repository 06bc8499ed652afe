/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words, columns, bars, files. It computes nothing: what it prints was found by the layers to its left.
 *
 * Every table is described once, as a struct hw_column_set. That one description drives the text table
 * (libsmartcols), JSON, CSV, --columns, --sort and the manual's check, so that the same numbers stand in
 *every format. Numbers of bytes are exact in JSON and CSV; in text they are rounded for reading unless raw
 *bytes are asked for.
 *
 * All text that comes out of a target passes hw_report_escape(): no control character, no invalid UTF-8, no
 * character that turns or hides other text and no terminal escape sequence ever reaches the user's terminal,
 *a file, or a program that reads our JSON.
 *
 *	struct hw_report *report;
 *	struct hw_error *error = hw_report_create(&options, &report);
 *	if (!error) {
 *		hw_report_histogram(report, &findings, histogram);
 *		error = hw_report_finish(report);
 *	}
 *
 * Errors while writing stick to the report: the drawing functions return nothing and do nothing any more once
 * something has failed; hw_report_finish() tells.
 */
#ifndef HW_REPORT_REPORT_H
#define HW_REPORT_REPORT_H

#include "heapwalk/heap.h"
#include "inspector/inspector.h"
#include "unwind/unwinder.h"

#define HW_REPORT_SCHEMA                                                                                     \
	1 /* of the JSON documents: raised when a member changes its meaning or goes away                    \
	   */

enum hw_format {
	HW_FORMAT_TABLE,
	HW_FORMAT_JSON,
	HW_FORMAT_CSV, /* RFC 4180, one table with a header line */
};

/* --------------------------------------------------------------------------------------------- text safety
 */

/*
 * `length` bytes of a target's text as printable UTF-8, the caller's to free; NULL when memory is short.
 * Backslashes are doubled; control characters become \n, \t, \r, \e or \x1b; bytes that are no UTF-8 \xff;
 * bidirectional controls, invisible and unassigned-looking characters \u202e. `ascii` writes everything
 * beyond ASCII that way too. What comes out can be told apart from what went in: the escape is reversible.
 */
char *hw_report_escape(const char *text, size_t length, bool ascii);

/* ------------------------------------------------------------------------------------------------- columns
 */

/* What a column holds; it decides alignment, JSON type and how a number is written. */
enum hw_unit {
	HW_UNIT_WORD,    /* our own words: text that needs no escaping */
	HW_UNIT_TEXT,    /* the target's text */
	HW_UNIT_COUNT,   /* how many */
	HW_UNIT_NUMBER,  /* a number that is a name or a position: thread id, arena, frame; no separators */
	HW_UNIT_SIZE,    /* bytes, exact in every format (a chunk's size is looked at digit by digit) */
	HW_UNIT_BYTES,   /* bytes; text tables round them: 1.2 MiB */
	HW_UNIT_ADDRESS, /* a target address; a hexadecimal string in JSON, whose numbers have 53 bits */
	HW_UNIT_SHARE,   /* 0 to 1; per cent in text */
	HW_UNIT_BAR,     /* 0 to 1 drawn as a bar; in text tables only */
	HW_UNIT_FLAG,    /* true or false; yes or nothing in text */
};

enum hw_column_flag {
	HW_COLUMN_SHOWN =
		1, /* in the text table unless --columns says otherwise; JSON and CSV have all columns */
	HW_COLUMN_ADDS = 2,  /* rows may be added up: the "more" and total rows hold sums */
	HW_COLUMN_WIDE = 4,  /* to be cut at its end when the terminal is too narrow: one in a set at most */
	HW_COLUMN_TAIL = 16, /* the same, but cut in front: a path's end says most */
	HW_COLUMN_EXTRA = 8, /* in JSON and CSV too only when asked for by name */
	HW_COLUMN_FILLED = 32, /* with SHOWN and ADDS: not where it would be empty or 0 in every row */
	HW_COLUMN_GRAPH = 64,  /* empty unless it is known who refers to what */
	HW_COLUMN_TYPED = 128, /* empty unless it is known what the chunks are */
};

struct hw_column {
	const char *name; /* for --columns, --sort, JSON keys and the CSV header */
	enum hw_unit unit;
	unsigned flags;      /* enum hw_column_flag bits */
	const char *help;    /* one phrase for --columns help */
	const char *heading; /* of the text table, NULL: the name in upper case */
};

/* All columns of one view's table. */
struct hw_column_set {
	const char *name; /* of the view, and of the JSON member that holds the rows */
	const struct hw_column *columns;
	size_t count;
};

extern const struct hw_column_set hw_columns_memory;
extern const struct hw_column_set hw_columns_histogram;
extern const struct hw_column_set hw_columns_list;
extern const struct hw_column_set hw_columns_dump;
extern const struct hw_column_set hw_columns_strings;
extern const struct hw_column_set hw_columns_arenas;
extern const struct hw_column_set hw_columns_maps;
extern const struct hw_column_set hw_columns_stacks;
extern const struct hw_column_set hw_columns_anomalies;
extern const struct hw_column_set hw_columns_leaks;
extern const struct hw_column_set hw_columns_who;
extern const struct hw_column_set hw_columns_retained;
extern const struct hw_column_set hw_columns_types;
extern const struct hw_column_set hw_columns_shapes;
extern const struct hw_column_set hw_columns_explain;
extern const struct hw_column_set hw_columns_pools;

#define HW_COLUMN_LIMIT 32 /* columns in a set at most */

/* The column called `name` (case does not matter), or NULL. */
const struct hw_column *hw_column_find(const struct hw_column_set *set, const char *name, size_t length);

/*
 * Turns --columns' text ("size,count", or "+usable" for the default ones and more) into indexes into
 * set->columns. HW_ERROR_USAGE names the unknown column and lists those that there are.
 */
struct hw_error *hw_columns_parse(const struct hw_column_set *set, const char *list,
	size_t selected[HW_COLUMN_LIMIT], size_t *count) hw_must_check;

/* Does a list of columns (NULL: none) or a --sort text (NULL: none) name one with this flag? */
bool hw_columns_name(
	const struct hw_column_set *set, const char *list, const char *sort, enum hw_column_flag flag);

/* A --sort text: "bytes", "bytes:asc", "size:desc". Numbers go down and names go up when it does not say. */
struct hw_error *hw_columns_parse_sort(
	const struct hw_column_set *set, const char *text, size_t *column, bool *descending) hw_must_check;

/* ------------------------------------------------------------------------------------------------- reports
 */

/* May be zeroed. Strings are borrowed until the report is finished. */
struct hw_report_options {
	enum hw_format format;
	const char *path; /* file to write, NULL: standard output */
	const struct hw_column_set
		*table;      /* the table that columns, sort and top are meant for; NULL: none */
	const char *columns; /* NULL: the default ones */
	const char *sort;    /* NULL: each view's own order */
	bool has_top;        /* false: text tables that add up their rest are cut to a screen, others on a
				terminal alone, all else is whole */
	uint64_t top;        /* rows at most, 0: all */
	uint64_t limit;      /* chunks at most in list and dump, 0: all */
	uint64_t dump_bytes; /* bytes of each chunk at most in a dump, 0: all */
	bool raw_bytes;      /* no rounding in text tables */
	bool lines;          /* JSON: one object a line without a document around them */
};

struct hw_report;

/* HW_ERROR_OS when the file cannot be made. Nothing is written yet. */
struct hw_error *hw_report_create(
	const struct hw_report_options *options, struct hw_report **report) hw_must_check;

/*
 * Ends the document and puts the file in its place under its name (until then it lies beside it under a
 * temporary one). Destroys the report in any case. Error: what could not be written; the file is then not
 * there.
 */
struct hw_error *hw_report_finish(struct hw_report *report) hw_must_check;

/* Drops everything, the unfinished file too. NULL is fine. */
void hw_report_abandon(struct hw_report *report);

/* Removes an unfinished file. Safe in a signal handler. */
void hw_report_remove_unfinished(void);

/*
 * As long as this many bytes of output are kept in memory before any is written: drawing that still reads the
 * snapshot must not make it live longer because a reader takes his time. 0: write what there is.
 */
void hw_report_hold(struct hw_report *report, size_t bytes);

/* True when nothing more can be written (disk full, reader gone): time to stop producing. */
bool hw_report_failed(const struct hw_report *report);

/* ---------------------------------------------------------------------------------------------------- views
 */

/* A frame with its names. Strings borrowed. */
struct hw_named_frame {
	struct hw_frame frame;
	bool has_symbol;
	struct hw_symbol symbol;
	bool has_line;
	struct hw_source_line line;
};

/* One thread's stack, innermost frame first. */
struct hw_named_stack {
	struct hw_stack stack;
	struct hw_named_frame *frames; /* stack.frame_count of them */
};

/* What was found out about a target. Members that a view does not ask for may be NULL. */
/* A module without debug information whose variables hold chunks. */
struct hw_blind {
	uint32_t module; /* index into snapshot->modules */
	uint64_t words;  /* of its data that refer to live chunks */
	char *package;   /* that would bring it; NULL: not known */
};

struct hw_findings {
	const struct hw_snapshot *snapshot;
	const struct hw_heap *heap;
	const struct hw_accounting *accounting;
	const struct hw_histogram *histogram;
	const struct hw_selection *selection;
	const struct hw_string_table *strings;
	const struct hw_named_stack *stacks; /* one for each thread of the snapshot */
	size_t stack_count;
	const struct hw_names *names;
	const struct hw_graph *graph;
	const struct hw_leaks *leaks;
	const struct hw_who *who;
	const struct hw_retained *retained;
	const struct hw_verdict *verdict;
	const struct hw_pymalloc *pymalloc; /* all zero: no CPython */
	const struct hw_typing *typing;
	const struct hw_type_table *types;  /* by type, */
	const struct hw_type_table *shapes; /* and by shape */
	const struct hw_blind *blind;       /* NULL: nobody asked; blind_count of blind_total */
	size_t blind_count;
	size_t blind_total;
	const struct hw_explanation *explanation;
	const struct hw_explainer *explainer; /* typed contents in dumps; NULL: nobody knows types */
	bool newest_first;
};

/* What the process is, where its memory is, what is odd about its heap. Needs snapshot, heap, accounting,
 * histogram. */
void hw_report_summary(struct hw_report *report, const struct hw_findings *findings);

/* One row for each chunk size. Needs histogram. */
void hw_report_histogram(struct hw_report *report, const struct hw_findings *findings);

/* Every selected chunk. Needs heap and selection; reads no target memory. */
void hw_report_list(struct hw_report *report, const struct hw_findings *findings);

/* The words of the selected chunks. Needs heap, selection, accounting; names if known. Reads target memory.
 */
void hw_report_dump(struct hw_report *report, const struct hw_findings *findings);

/* Distinct strings, most frequent first. Needs strings. */
void hw_report_strings(struct hw_report *report, const struct hw_findings *findings);

/* Needs heap. */
void hw_report_arenas(struct hw_report *report, const struct hw_findings *findings);

/* Needs snapshot, heap, accounting. */
void hw_report_maps(struct hw_report *report, const struct hw_findings *findings);

/* Everything odd about the heap. Needs heap. */
void hw_report_anomalies(struct hw_report *report, const struct hw_findings *findings);

/* What is lost, by kind and in groups. Needs graph and leaks. */
void hw_report_leaks(struct hw_report *report, const struct hw_findings *findings);

/* Who holds the selected chunks. Needs snapshot, heap, graph and who. */
void hw_report_who(struct hw_report *report, const struct hw_findings *findings);

/* How much memory each holder keeps alone. Needs snapshot, heap, graph and retained. */
void hw_report_retained(struct hw_report *report, const struct hw_findings *findings);

/* What one chunk is and why, who points to it and what it points to. Needs heap and explanation. */
void hw_report_explain(struct hw_report *report, const struct hw_findings *findings);

/* What stands out, also at the foot of the summary. Needs snapshot, heap, accounting and verdict. */
void hw_report_verdict(struct hw_report *report, const struct hw_findings *findings);

/* The types of chunks, and what unnamed ones look like. Need snapshot, heap, typing and types or shapes. */
void hw_report_types(struct hw_report *report, const struct hw_findings *findings);
void hw_report_shapes(struct hw_report *report, const struct hw_findings *findings);

/* What programs keep in pools of their own. Needs typing. */
void hw_report_pools(struct hw_report *report, const struct hw_findings *findings);

/* Every thread's call stack. Needs snapshot and stacks. */
void hw_report_stacks(struct hw_report *report, const struct hw_findings *findings);

/* ------------------------------------------------------------------------------------------------- progress
 */

/*
 * A line on standard error, on a terminal only, that says what is going on once a stage has lasted for a
 * second. A thread of its own draws it, so that stages which never report progress show as well. One at a
 * time.
 */
void hw_progress_start(void);

/* `what` is a phrase in the -ing form ("walking the heap") that lives on; NULL: nothing to say, and the
 * line is removed. */
void hw_progress_stage(const char *what);

/* Fits hw_walk_options.progress. */
void hw_progress_update(uint64_t done, uint64_t total, void *unused);

/* Removes the line; nothing is drawn any more. */
void hw_progress_stop(void);

/* An error as the user sees it: "heapwalk: message" and the remedy below, escaped, on standard error. */
void hw_report_error(const struct hw_error *error);

/* A remark that concerns the whole report, on standard error: "heapwalk: note: ...". */
void hw_report_note(const char *format, ...) hw_printf(1, 2);

#endif
