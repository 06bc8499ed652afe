/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What could not be taken from files, summed up into few warnings. */
#include "inspector/core_tally.h"

/* Names that a warning spells out. */
#define NAMES_MAX 4

const char *hw_core_size_text(uint64_t size, char text[32])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)size;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < hw_array_size(units)) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(text, 32, unit && value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

struct hw_error *hw_core_tally_add(
	struct hw_core_tally *tally, enum hw_core_verdict verdict, const char *path, uint64_t missing)
{
	struct hw_core_tally_row *row = &tally->rows[verdict];
	const char *before = row->names ? row->names : "";
	char *longer;

	row->bytes += missing;
	if (row->count++ >= NAMES_MAX)
		return NULL;
	if (asprintf(&longer, "%s%s%s", before, before[0] ? ", " : "", path) < 0)
		return hw_error_no_memory();
	free(row->names);
	row->names = longer;
	return NULL;
}

/* What is said about each kind, NULL: nothing. */
static const struct {
	const char *what;
	const char *files;
	const char *remedy;
} wordings[HW_CORE_VERDICTS] = {
	[HW_CORE_FILE_ABSENT] = { "code and constants", "files not found",
		"; name their place by --sysroot" },
	[HW_CORE_FILE_OTHER] = { "code and constants",
		"files that are not those of the core, by build id or layout",
		"; name the right ones by --sysroot or --exe" },
	[HW_CORE_FILE_UNPROVEN] = { "code and constants",
		"files that nothing in the core proves to be the right ones", "" },
	[HW_CORE_FILE_DATA] = { "mapped data files", "not in the core", "" },
};

struct hw_error *hw_core_tally_warn(const struct hw_core_tally *tally, struct hw_snapshot *snapshot)
{
	for (size_t i = 0; i < HW_CORE_VERDICTS; i++) {
		const struct hw_core_tally_row *row = &tally->rows[i];
		char size[32], more[32] = "";
		struct hw_error *error;

		if (!wordings[i].what || !row->count)
			continue;
		if (row->count > NAMES_MAX)
			(void)snprintf(more, sizeof(more), " and %zu more", row->count - NAMES_MAX);
		error = hw_snapshot_warn(snapshot, "%s of %s missing; %s (%zu): %s%s%s",
			hw_core_size_text(row->bytes, size), wordings[i].what, wordings[i].files, row->count,
			row->names, more, wordings[i].remedy);
		if (error)
			return error;
	}
	return NULL;
}

void hw_core_tally_deinit(struct hw_core_tally *tally)
{
	for (size_t i = 0; i < HW_CORE_VERDICTS; i++)
		free(tally->rows[i].names);
}
