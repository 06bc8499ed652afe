/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names for the heap layer, from an unwinder. Making them loads nothing. */
#ifndef HW_CLI_NAMES_H
#define HW_CLI_NAMES_H

#include "heapwalk/cli/locals.h"

struct hw_names_source {
	struct hw_unwinder *unwinder; /* borrowed */
	struct hw_stack_locals *locals;
	char text[512]; /* of the last answer */
};

struct hw_error *hw_names_source_init(struct hw_names_source *source, const struct hw_snapshot *snapshot,
	struct hw_unwinder *unwinder) hw_must_check;
void hw_names_source_deinit(struct hw_names_source *source);

/* They ask `source`, which must outlive them. */
struct hw_names hw_names_from(struct hw_names_source *source);

#endif
