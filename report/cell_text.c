/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers rounded, bars drawn, long text cut. */
#include "report/cell_text.h"

#include <wchar.h>

#include "report/number.h"

static bool is_ascii(const char *text)
{
	while (*text && !(*text & 0x80))
		text++;
	return !*text;
}

/* The caller's to free; NULL when memory is short or the text is none in this locale. */
static wchar_t *widen(const char *text, size_t *length)
{
	wchar_t *wide = calloc(strlen(text) + 1, sizeof(*wide));

	*length = wide ? mbstowcs(wide, text, strlen(text) + 1) : 0;
	if (*length == (size_t)-1) {
		free(wide);
		return NULL;
	}
	return wide;
}

size_t hw_text_width(const char *text)
{
	hw_autofree wchar_t *wide = NULL;
	size_t length;
	int width;

	if (is_ascii(text))
		return strlen(text);
	wide = widen(text, &length);
	width = wide ? wcswidth(wide, length) : -1;
	return width < 0 ? strlen(text) : (size_t)width;
}

/* How many characters fit into `width` columns, counted from one end. */
static size_t fitting(const wchar_t *wide, size_t length, size_t width, bool from_end)
{
	size_t used = 0;
	size_t count = 0;

	while (count < length) {
		int one = wcwidth(wide[from_end ? length - 1 - count : count]);

		used += one < 0 ? 1 : (size_t)one;
		if (used > width)
			break;
		count++;
	}
	return count;
}

static char *join(const wchar_t *wide, size_t count, bool in_front, const char *ellipsis)
{
	char *text;
	int length = in_front ? asprintf(&text, "%s%.*ls", ellipsis, (int)(count * MB_CUR_MAX), wide)
			      : asprintf(&text, "%.*ls%s", (int)(count * MB_CUR_MAX), wide, ellipsis);

	return length < 0 ? NULL : text;
}

char *hw_text_shorten(const char *text, size_t width, bool keep_end, bool ascii)
{
	const char *ellipsis = ascii ? "..." : "…";
	size_t mark = ascii ? 3 : 1;
	hw_autofree wchar_t *wide = NULL;
	size_t length;
	size_t count;

	if (hw_text_width(text) <= width || width <= mark)
		return strdup(text);
	wide = widen(text, &length);
	if (!wide)
		return strdup(text);
	count = fitting(wide, length, width - mark, keep_end);
	if (keep_end)
		return join(wide + length - count, count, true, ellipsis);
	wide[count] = L'\0';
	return join(wide, count, false, ellipsis);
}

/* Eighths of a cell where the character set has them; whole ones in ASCII. */
static char *bar_text(const struct hw_report *report, double share, size_t room)
{
	static const char hashes[] = "################################";
	static const char blocks[] = "████████████████████████████████";
	static const char *const parts[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	double cells = hw_min(hw_max(share, 0.0), 1.0) * (double)hw_min(room, sizeof(hashes) - 1);
	size_t eighths = (size_t)(cells * 8 + 0.5);
	char *text;
	int length;

	if (share > 0 && !eighths)
		eighths = 1;
	if (report->ascii)
		length = asprintf(&text, "%.*s", (int)((eighths + 4) / 8), hashes);
	else
		length = asprintf(
			&text, "%.*s%s", (int)(eighths / 8 * strlen("█")), blocks, parts[eighths % 8]);
	return length < 0 ? NULL : text;
}

static const char *number_text(const struct hw_report *report, const struct hw_column *column,
	const struct hw_cell *cell, char text[HW_NUMBER_ROOM])
{
	switch (column->unit) {
	case HW_UNIT_NUMBER:
		text[hw_number_digits(cell->number, text)] = '\0';
		return text;
	case HW_UNIT_ADDRESS:
		return hw_number_address(cell->number, text);
	case HW_UNIT_SHARE:
		return hw_number_share(cell->real, text);
	case HW_UNIT_FLAG:
		return cell->number ? "yes" : "";
	case HW_UNIT_BYTES:
		if (!report->options.raw_bytes)
			return hw_number_bytes(cell->number, text);
		return hw_number_count(cell->number, text);
	default:
		return hw_number_count(cell->number, text);
	}
}

bool hw_unit_is_right(enum hw_unit unit)
{
	switch (unit) {
	case HW_UNIT_COUNT:
	case HW_UNIT_NUMBER:
	case HW_UNIT_SIZE:
	case HW_UNIT_BYTES:
	case HW_UNIT_SHARE:
		return true;
	default:
		return false;
	}
}

const char *hw_cell_plain(const struct hw_report *report, const struct hw_column *column,
	const struct hw_cell *cell, char number[HW_NUMBER_ROOM])
{
	if (cell->kind == HW_CELL_NONE)
		return "";
	return cell->kind == HW_CELL_TEXT ? cell->text : number_text(report, column, cell, number);
}

char *hw_cell_format(const struct hw_report *report, const struct hw_column *column,
	const struct hw_cell *cell, size_t room)
{
	char number[HW_NUMBER_ROOM];

	if (cell->kind != HW_CELL_NONE && column->unit == HW_UNIT_BAR)
		return bar_text(report, cell->real, room);
	if (cell->kind == HW_CELL_TEXT && column->flags & (HW_COLUMN_WIDE | HW_COLUMN_TAIL))
		return hw_text_shorten(cell->text, room, column->flags & HW_COLUMN_TAIL, report->ascii);
	return strdup(hw_cell_plain(report, column, cell, number));
}
