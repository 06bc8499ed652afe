/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words that refer to live chunks and look as if nobody used them any more: left over from what the memory
 * was before. Each rule has evidence of its own:
 *
 *	text      the word stands behind the end of a text in a chunk that holds nothing but this text, as the
 *	          member of the program's that refers to it shows: heapwalk/graph/texts.h
 *	links     the word and its neighbour are what malloc itself writes into a free chunk
 *	registers a vector register of a thread that waits in a system call of the C library's: a function
 *that calls another one does not keep anything there (System V ABI)
 *
 * Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GRAPH_SUSPECTS_H
#define HW_HEAPWALK_GRAPH_SUSPECTS_H

#include "heapwalk/graph/graph.h"

/* A reference all of whose words are suspect. */
struct hw_suspect {
	uint64_t reference; /* index into references->targets, or HW_SUSPECT_ROOT + index of a root word */
	uint32_t target;
	uint32_t source; /* the chunk that the words stand in; of roots HW_SUSPECT_NONE */
	bool is_text;    /* by the rule of that name */
};

#define HW_SUSPECT_ROOT (UINT64_C(1) << 63)
#define HW_SUSPECT_NONE UINT32_MAX

struct hw_suspects {
	struct hw_suspect *suspects; /* in order of `reference` */
	size_t count;
	size_t capacity;
};

/* Only such as refer to a chunk for which `matters` says so. Errors: memory short. */
struct hw_error *hw_suspects_find(const struct hw_graph *graph,
	bool (*matters)(const void *argument, uint32_t target), const void *argument,
	struct hw_suspects *suspects) hw_must_check;
void hw_suspects_deinit(struct hw_suspects *suspects);

/* Can this chunk be reached, if only by its middle? */
static inline bool hw_chunk_is_reached(const struct hw_graph *graph, uint32_t chunk)
{
	enum hw_leak_kind kind = hw_chunk_leak_kind(graph, chunk);

	return kind == HW_LEAK_REACHABLE || kind == HW_LEAK_POSSIBLE;
}

#endif
