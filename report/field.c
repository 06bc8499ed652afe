/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Labels and wrapped words. */
#include "report/field.h"

#define LABEL_WIDTH 11

/* Bytes of the longest run of words that fits; a word that never fits is let through whole. */
static size_t line_length(const char *text, size_t width)
{
	size_t length = strlen(text);
	size_t cut = width;

	if (length <= width)
		return length;
	while (cut && text[cut] != ' ')
		cut--;
	return cut ? cut : strcspn(text, " ");
}

static void print_wrapped(struct hw_report *report, enum hw_tint tint, const char *label, const char *text)
{
	size_t width = report->width - LABEL_WIDTH;

	do {
		size_t length = line_length(text, width);

		hw_report_print(report, "%s%-*s%.*s%s\n", hw_report_tint(report, tint), LABEL_WIDTH, label,
			(int)length, text, hw_report_untint(report, tint));
		text += length;
		text += strspn(text, " ");
		label = "";
	} while (*text);
}

void hw_field(struct hw_report *report, enum hw_tint tint, const char *label, const char *format, ...)
{
	hw_autofree char *text = NULL;
	va_list arguments;
	int length;

	if (!hw_report_is_text(report))
		return;
	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text = NULL;
		report->output.no_memory = true;
		return;
	}
	print_wrapped(report, tint, label, text);
}
