/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns by name: --columns and --sort. */
#include <strings.h>

#include "report/report.h"

const struct hw_column *hw_column_find(const struct hw_column_set *set, const char *name, size_t length)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct hw_column *column = &set->columns[i];

		if (strlen(column->name) == length && strncasecmp(column->name, name, length) == 0)
			return column;
	}
	return NULL;
}

static struct hw_error *unknown_column(const struct hw_column_set *set, const char *name, size_t length)
{
	hw_autofree char *clean = hw_report_escape(name, length, false);
	hw_autofree char *names = NULL;
	size_t size;
	FILE *stream = open_memstream(&names, &size);

	if (!stream)
		return hw_error_no_memory();
	for (size_t i = 0; i < set->count; i++)
		fprintf(stream, "%s%s", i ? ", " : "", set->columns[i].name);
	if (fclose(stream) != 0 || !clean)
		return hw_error_no_memory();
	return hw_error_remedy(
		hw_error_create(HW_ERROR_USAGE, "the %s view has no column \"%s\"", set->name, clean),
		"Its columns are %s.", names);
}

static struct hw_error *add_column(const struct hw_column_set *set, const char *name, size_t length,
	size_t selected[HW_COLUMN_LIMIT], size_t *count)
{
	const struct hw_column *column = hw_column_find(set, name, length);

	if (!column)
		return unknown_column(set, name, length);
	for (size_t i = 0; i < *count; i++) {
		if (&set->columns[selected[i]] == column)
			return NULL;
	}
	selected[(*count)++] = (size_t)(column - set->columns);
	return NULL;
}

struct hw_error *hw_columns_parse(
	const struct hw_column_set *set, const char *list, size_t selected[HW_COLUMN_LIMIT], size_t *count)
{
	struct hw_error *error = NULL;

	*count = 0;
	if (*list == '+') {
		list++;
		for (size_t i = 0; i < set->count; i++) {
			if (set->columns[i].flags & HW_COLUMN_SHOWN)
				selected[(*count)++] = i;
		}
	}
	while (!error) {
		size_t length = strcspn(list, ",");

		error = add_column(set, list, length, selected, count);
		if (!list[length])
			break;
		list += length + 1;
	}
	return error;
}

static bool has_flag(const struct hw_column *column, enum hw_column_flag flag)
{
	return column && column->flags & flag;
}

bool hw_columns_name(
	const struct hw_column_set *set, const char *list, const char *sort, enum hw_column_flag flag)
{
	if (sort && has_flag(hw_column_find(set, sort, strcspn(sort, ":")), flag))
		return true;
	for (list = list && *list == '+' ? list + 1 : list; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (has_flag(hw_column_find(set, list, strcspn(list, ",")), flag))
			return true;
	}
	return false;
}

static bool goes_down(const struct hw_column *column)
{
	switch (column->unit) {
	case HW_UNIT_COUNT:
	case HW_UNIT_BYTES:
	case HW_UNIT_SHARE:
	case HW_UNIT_BAR:
	case HW_UNIT_FLAG:
		return true;
	default:
		return false;
	}
}

struct hw_error *hw_columns_parse_sort(
	const struct hw_column_set *set, const char *text, size_t *index, bool *descending)
{
	size_t length = strcspn(text, ":");
	const char *direction = text + length;
	const struct hw_column *column = hw_column_find(set, text, length);

	if (!column)
		return unknown_column(set, text, length);
	if (strcmp(direction, "") != 0 && strcmp(direction, ":asc") != 0 && strcmp(direction, ":desc") != 0)
		return hw_error_create(HW_ERROR_USAGE, "--sort takes COLUMN, COLUMN:asc or COLUMN:desc");
	*index = (size_t)(column - set->columns);
	*descending = *direction ? strcmp(direction, ":desc") == 0 : goes_down(column);
	return NULL;
}
