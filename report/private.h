/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a report is made of; for the files of this directory. */
#ifndef HW_REPORT_PRIVATE_H
#define HW_REPORT_PRIVATE_H

#include "report/json.h"
#include "report/output.h"
#include "report/report.h"

struct hw_report {
	struct hw_report_options options;
	struct hw_output output;
	struct hw_json json;
	bool terminal; /* the report goes to one: cut to its width */
	bool colours;
	bool ascii;       /* the user's character set is not UTF-8 */
	unsigned width;   /* columns of the terminal; 80 where there is none */
	unsigned views;   /* drawn so far */
	bool has_verdict; /* it was said */
	bool has_coverage;
	bool has_pymalloc;
	struct hw_error *error;
};

/* Roles, not colours: what they look like is decided in one place. */
enum hw_tint {
	HW_TINT_PLAIN,
	HW_TINT_HEADING,
	HW_TINT_FAINT,
	HW_TINT_ALARM,
};

/* The escape sequence that begins or ends a tint; "" where there are no colours. */
const char *hw_report_tint(const struct hw_report *report, enum hw_tint tint);
const char *hw_report_untint(const struct hw_report *report, enum hw_tint tint);

/* Text tables only: an empty line between views, then the heading. JSON and CSV: nothing. */
void hw_report_heading(struct hw_report *report, const char *heading);

/* Text tables only: what printf() would write, the caller's to free; NULL: no text, or memory is short, and
 * noted. */
char *hw_report_format(struct hw_report *report, const char *format, va_list arguments) hw_printf(2, 0);

/* Text tables only: printf() into the report. Foreign text must have been escaped. */
void hw_report_print(struct hw_report *report, const char *format, ...) hw_printf(2, 3);

/* Text tables only: says that `more` chunks or so were left out after `shown`, and how to see them. 0:
 * nothing. */
void hw_report_more(struct hw_report *report, uint64_t shown, uint64_t more, const char *noun);

/* `text` escaped for this report's character set, the caller's to free; NULL: memory is short, and noted. */
char *hw_report_clean(struct hw_report *report, const char *text, size_t length);

/* True when the report is text tables. */
static inline bool hw_report_is_text(const struct hw_report *report)
{
	return report->options.format == HW_FORMAT_TABLE;
}

static inline bool hw_report_is_json(const struct hw_report *report)
{
	return report->options.format == HW_FORMAT_JSON;
}

#endif
