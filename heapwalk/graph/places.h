/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of struct hw_who_place while it grows. Private to heapwalk/. */
#ifndef HW_HEAPWALK_GRAPH_PLACES_H
#define HW_HEAPWALK_GRAPH_PLACES_H

#include "heapwalk/heap.h"

/* Places at most; what would need more joins the place that it hangs on. */
#define HW_PLACES_LIMIT 65536
#define HW_PLACES_DEPTH 64

struct hw_places {
	struct hw_who_place *places;
	size_t count;
	size_t capacity;
	uint32_t *slots; /* by a hash of parent and look: index + 1, 0 empty */
	size_t slot_count;
};

/* The place of a holder. UINT32_MAX: memory is short; so for the next one. */
uint32_t hw_places_holder(struct hw_places *tree, uint32_t holder);

/*
 * The place below `parent` for a chunk of this look (chunk_size, content, type, offset, field, into,
 * example). If it looks like the parent's own chunks it is the parent. `meant`: the chunk is a selected one.
 */
uint32_t hw_places_add(struct hw_places *tree, uint32_t parent, const struct hw_who_place *look, bool meant);

/* Sums up, and hands the places over in their final order. */
struct hw_error *hw_places_finish(
	struct hw_places *tree, struct hw_who_place **places, uint32_t *count) hw_must_check;

void hw_places_deinit(struct hw_places *tree);

#endif
