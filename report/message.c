/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said on standard error. */
#include "report/field.h"
#include "report/report.h"

#define REMEDY_WIDTH 76

/* Messages quote the target's paths and names. */
static void say(const char *prefix, const char *text)
{
	hw_autofree char *clean = hw_report_escape(text, strlen(text), false);

	fprintf(stderr, "%s%s\n", prefix, clean ? clean : "out of memory");
}

/* A remedy may be several lines; each is wrapped. */
static void say_lines(const char *text)
{
	hw_autofree char *clean = NULL;

	while (*text) {
		size_t size = strcspn(text, "\n");
		size_t length = hw_field_line(text, size, REMEDY_WIDTH);

		free(clean);
		clean = hw_report_escape(text, length, false);
		fprintf(stderr, "  %s\n", clean ? clean : "");
		text += length;
		text += strspn(text, length < size ? " " : "\n");
	}
}

void hw_report_error(const struct hw_error *error)
{
	hw_progress_stop();
	say("heapwalk: ", error->message);
	if (error->remedy)
		say_lines(error->remedy);
}

void hw_report_note(const char *format, ...)
{
	hw_autofree char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		text = NULL;
	hw_progress_stop();
	say("heapwalk: note: ", text ? text : "out of memory");
}
