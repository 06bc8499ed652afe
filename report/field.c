/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Labels and wrapped words. */
#include "report/field.h"

#define LABEL_WIDTH 11

size_t hw_field_line(const char *text, size_t size, size_t width)
{
	size_t length = strnlen(text, size);
	size_t cut = width;

	if (length <= width)
		return length;
	while (cut && text[cut] != ' ')
		cut--;
	return cut ? cut : hw_min(strcspn(text, " "), length);
}

static void print_wrapped(struct hw_report *report, enum hw_tint tint, const char *label, const char *text)
{
	size_t width = report->width - LABEL_WIDTH;

	do {
		size_t length = hw_field_line(text, strlen(text), width);

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

	va_start(arguments, format);
	text = hw_report_format(report, format, arguments);
	va_end(arguments);
	if (text)
		print_wrapped(report, tint, label, text);
}
