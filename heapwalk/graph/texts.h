/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chunks that hold a text and nothing else, so that whatever stands behind the text is left over. A struct
 * may begin with a text too, and its pointers are in use; the two are told by who refers to them. A member
 * that refers to structs always finds them in chunks of one size; one that refers to texts finds them in many
 * sizes, each just as long as its chunk is made for. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GRAPH_TEXTS_H
#define HW_HEAPWALK_GRAPH_TEXTS_H

#include "heapwalk/graph/scan.h"
#include "heapwalk/graph/suspects.h"

/*
 * `bytes` are all of a live chunk's. Does it begin with a text for which just such a chunk would be asked?
 * Tells where the text ends, past its NUL; 0: no.
 */
uint64_t hw_text_fits(const struct hw_heap *heap, uint32_t chunk, const uint8_t *bytes);

/* Leaves out those suspects that go by text and whose chunk nobody refers to as a text. Errors: memory short.
 */
struct hw_error *hw_texts_prove(
	struct hw_scan *scan, const struct hw_graph *graph, struct hw_suspects *suspects) hw_must_check;

#endif
