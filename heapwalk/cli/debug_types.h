/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Debug information for the heap layer's typing, from an unwinder. Making it loads nothing. */
#ifndef HW_CLI_DEBUG_TYPES_H
#define HW_CLI_DEBUG_TYPES_H

#include "heapwalk/heap.h"

/* They ask `unwinder`, which must outlive them. */
struct hw_debug_types hw_debug_types_from(struct hw_unwinder *unwinder);

#endif
