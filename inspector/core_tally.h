/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What could not be taken from files, summed up into few warnings. Private to inspector/. */
#ifndef HW_INSPECTOR_CORE_TALLY_H
#define HW_INSPECTOR_CORE_TALLY_H

#include "inspector/holding.h"

enum hw_core_verdict {
	HW_CORE_FILE_SAME,
	HW_CORE_FILE_ABSENT,   /* not there, or it cannot be opened */
	HW_CORE_FILE_OTHER,    /* another build id, or another layout */
	HW_CORE_FILE_UNPROVEN, /* fits, but nothing in the core proves it */
	HW_CORE_FILE_DATA,     /* no ELF object: a data file may have changed since */
	HW_CORE_VERDICTS,
};

/* Starts zeroed. */
struct hw_core_tally {
	struct hw_core_tally_row {
		size_t count;
		uint64_t bytes;
		char *names; /* of the first few, joined by ", " */
	} rows[HW_CORE_VERDICTS];
};

/* Counts a file of which `missing` bytes are neither in the core nor to be had. */
struct hw_error *hw_core_tally_add(struct hw_core_tally *tally, enum hw_core_verdict verdict,
	const char *path, uint64_t missing) hw_must_check;

/* One warning for each kind that occurred. */
struct hw_error *hw_core_tally_warn(
	const struct hw_core_tally *tally, struct hw_snapshot *snapshot) hw_must_check;

void hw_core_tally_deinit(struct hw_core_tally *tally);

/* "512 KiB", "3.1 MiB": for messages. Writes at most 32 bytes to `text` and returns it. */
const char *hw_core_size_text(uint64_t size, char text[32]);

#endif
