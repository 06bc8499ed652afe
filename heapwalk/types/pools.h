/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of pools while they are being counted. Private to heapwalk/types/. */
#ifndef HW_HEAPWALK_TYPES_POOLS_H
#define HW_HEAPWALK_TYPES_POOLS_H

#include "heapwalk/types/typer.h"

/* Open addressing by kind, type, record size, block size and level; at most half full. Zeroed: empty. */
struct hw_pool_slot {
	struct hw_pool_row row;
	bool taken;
};

struct hw_pool_tally {
	struct hw_pool_slot *slots;
	size_t count;
	size_t capacity;
};

/*
 * The row for records like `row`'s, made with zero counts if it is new; valid until the next call. Bytes are
 * worked out at the end where there is a record size. NULL: memory is short.
 */
struct hw_pool_row *hw_pool_tally_row(struct hw_pool_tally *tally, const struct hw_pool_row *row);

/* Moves the rows to the typing, and counts them in their types. Empties the tally. */
struct hw_error *hw_pool_tally_finish(struct hw_pool_tally *tally, struct hw_typing *typing) hw_must_check;

/* Undoes everything; for a tally that is not finished. */
void hw_pool_tally_deinit(struct hw_pool_tally *tally);

#endif
