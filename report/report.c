/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of a report: where it goes, how wide, in what colours; the document around the views. */
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/number.h"
#include "report/private.h"

#define WIDTH_WITHOUT_TERMINAL 80
#define WIDTH_LEAST            40

static unsigned terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;
	struct winsize size;

	if (!width && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	if (!width || width > 10000)
		width = WIDTH_WITHOUT_TERMINAL;
	return (unsigned)hw_max(width, WIDTH_LEAST);
}

/* https://no-color.org */
static bool wants_colours(void)
{
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");

	return term && strcmp(term, "dumb") != 0 && !(no_color && *no_color);
}

struct hw_error *hw_report_create(const struct hw_report_options *options, struct hw_report **out)
{
	struct hw_report *report = calloc(1, sizeof(*report));
	struct hw_error *error;

	if (!report)
		return hw_error_no_memory();
	report->options = *options;
	error = hw_output_open(options->path, &report->output);
	if (error) {
		free(report);
		return error;
	}
	report->terminal = !options->path && isatty(STDOUT_FILENO);
	report->colours = report->terminal && wants_colours();
	report->ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	report->width = report->terminal ? terminal_width() : WIDTH_WITHOUT_TERMINAL;
	hw_json_init(&report->json, &report->output, 2);
	if (hw_report_is_json(report) && !options->lines) {
		hw_json_open_object(&report->json, NULL);
		hw_json_number(&report->json, "schema", HW_REPORT_SCHEMA);
		hw_json_text(&report->json, "heapwalk", HW_VERSION);
	}
	*out = report;
	return NULL;
}

struct hw_error *hw_report_finish(struct hw_report *report)
{
	struct hw_error *error;

	if (hw_report_is_json(report) && !report->options.lines)
		hw_json_close(&report->json);
	error = report->error;
	if (error)
		hw_output_abandon(&report->output);
	else
		error = hw_output_close(&report->output);
	free(report);
	return error;
}

void hw_report_abandon(struct hw_report *report)
{
	if (!report)
		return;
	hw_output_abandon(&report->output);
	hw_error_destroy(report->error);
	free(report);
}

void hw_report_remove_unfinished(void)
{
	hw_output_remove_unfinished();
}

void hw_report_hold(struct hw_report *report, size_t bytes)
{
	hw_output_hold(&report->output, bytes);
}

bool hw_report_failed(const struct hw_report *report)
{
	return report->error || hw_output_failed(&report->output);
}

const char *hw_report_tint(const struct hw_report *report, enum hw_tint tint)
{
	static const char *const sequences[] = {
		[HW_TINT_PLAIN] = "",
		[HW_TINT_HEADING] = "\033[1m",
		[HW_TINT_FAINT] = "\033[2m",
		[HW_TINT_ALARM] = "\033[1;31m",
	};

	return report->colours ? sequences[tint] : "";
}

const char *hw_report_untint(const struct hw_report *report, enum hw_tint tint)
{
	return report->colours && tint != HW_TINT_PLAIN ? "\033[0m" : "";
}

char *hw_report_format(struct hw_report *report, const char *format, va_list arguments)
{
	char *text;

	if (!hw_report_is_text(report))
		return NULL;
	if (vasprintf(&text, format, arguments) >= 0)
		return text;
	report->output.no_memory = true;
	return NULL;
}

void hw_report_print(struct hw_report *report, const char *format, ...)
{
	hw_autofree char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = hw_report_format(report, format, arguments);
	va_end(arguments);
	if (text)
		hw_output_text(&report->output, text);
}

void hw_report_heading(struct hw_report *report, const char *heading)
{
	if (report->views++)
		hw_report_print(report, "\n");
	if (heading)
		hw_report_print(report, "%s%s%s\n", hw_report_tint(report, HW_TINT_HEADING), heading,
			hw_report_untint(report, HW_TINT_HEADING));
}

void hw_report_more(struct hw_report *report, uint64_t shown, uint64_t more, const char *noun)
{
	char first[HW_NUMBER_ROOM];
	char rest[HW_NUMBER_ROOM];

	if (more)
		hw_report_print(report, "%s %s%s shown, %s more: --limit 0 shows all.\n",
			hw_number_count(shown, first), noun, shown == 1 ? "" : "s",
			hw_number_count(more, rest));
	else if (!shown)
		hw_report_print(report, "No %s is selected.\n", noun);
}

char *hw_report_clean(struct hw_report *report, const char *text, size_t length)
{
	char *clean = hw_report_escape(text, length, report->ascii && hw_report_is_text(report));

	if (!clean)
		report->output.no_memory = true;
	return clean;
}
