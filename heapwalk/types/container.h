/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Standard containers, told without symbols by what must hold between their pointers. While all chunks are
 * looked at, those that may be nodes are noted with what their links lead to; afterwards whole containers are
 * followed from their header, which knows how many nodes there are: only where that number comes out are the
 * nodes named. Private to heapwalk/types/.
 *
 * Layouts are those of libstdc++ (since GCC 5) and libc++ (ABI 1), which C++ programs of twenty years share;
 * each file names the headers that they stand in.
 */
#ifndef HW_HEAPWALK_TYPES_CONTAINER_H
#define HW_HEAPWALK_TYPES_CONTAINER_H

#include "heapwalk/types/word_look.h"

/* Whose containers there may be. */
enum hw_cxx_library {
	HW_CXX_GNU = 1,  /* libstdc++ */
	HW_CXX_LLVM = 2, /* libc++ */
};

/* What chunks of containers are called. */
enum hw_container_part {
	HW_PART_TREE_NODE,
	HW_PART_LIST_NODE,
	HW_PART_HASH_NODE,
	HW_PART_BUCKETS,
	HW_PART_VECTOR,
	HW_PART_STRING,
	HW_PART_DEQUE_MAP,
	HW_PART_DEQUE_BLOCK,
	HW_PARTS,
};

/* ------------------------------------------------------------------------------------------ chunks and links
 */

#define HW_NO_LINK UINT32_MAX

/*
 * Chunks that may be nodes, in order, each with `width` numbers: chunks that its links lead to, HW_NO_LINK
 * where one leads to no chunk's start. A bit a chunk finds them again.
 */
struct hw_node_links {
	unsigned width;
	uint64_t *bits;    /* by chunk */
	uint32_t *ranks;   /* chunks before each word of bits; made by seal() */
	uint64_t *taken;   /* by chunk, as bits: gone over already */
	uint32_t *numbers; /* `width` for each */
	uint32_t chunk_count;
	size_t count;
	size_t capacity;
};

/* An address outside all chunks' starts that a node refers to: where its container may have its header. */
struct hw_header {
	uint64_t address;
	uint32_t chunk; /* the node */
};

struct hw_headers {
	struct hw_header *items;
	size_t count;
	size_t capacity;
};

bool hw_node_links_init(struct hw_node_links *links, unsigned width, uint32_t chunk_count);
void hw_node_links_deinit(struct hw_node_links *links);

/* The numbers to fill in for a chunk, which comes after all others added; NULL: memory short. */
uint32_t *hw_node_links_add(struct hw_node_links *links, uint32_t chunk);

/* No more are added. */
void hw_node_links_seal(struct hw_node_links *links);

/* A chunk's numbers; NULL: it is none of these. Any number may be asked for. */
const uint32_t *hw_node_links_of(const struct hw_node_links *links, uint32_t chunk);

/* True the first time. */
bool hw_node_links_take(struct hw_node_links *links, uint32_t chunk);
bool hw_node_links_taken(const struct hw_node_links *links, uint32_t chunk);

bool hw_headers_add(struct hw_headers *headers, uint64_t address, uint32_t chunk);

/* By address, so that they are read in one go. */
void hw_headers_sort(struct hw_headers *headers);

/* ------------------------------------------------------------------------------------------ the work so far
 */

struct hw_containers {
	struct hw_typer *typer;
	const struct hw_heap *heap;
	unsigned libraries; /* enum hw_cxx_library */
	bool failed;        /* memory was short */
	uint32_t types[HW_PARTS];
	struct hw_window window;       /* for headers, in order of address, */
	struct hw_window arrays;       /* and for large arrays */
	struct hw_node_links trees[2]; /* by library: parent, left, right */
	struct hw_headers roots[2];
	struct hw_node_links lists; /* first and second word, and the third as a number */
	struct hw_headers ends;
	struct hw_node_links chains; /* next */
	struct hw_headers buckets;   /* arrays of buckets and the word that leads out of them; 0: not seen */
	struct hw_headers vectors;   /* where their words stand: their bodies */
	uint8_t *references;         /* by chunk, 2 bits: words seen that lead to its start, 3: or more */
	uint32_t *nodes;             /* room for those of one container: grown by hw_containers_queue() */
	size_t node_capacity;
};

/* Names a chunk. */
void hw_containers_offer(
	struct hw_containers *containers, uint32_t chunk, enum hw_container_part part, enum hw_level level);

/* `count` words at an address, decoded. False: they cannot be read. */
bool hw_containers_read(struct hw_containers *containers, uint64_t address, uint64_t *words, unsigned count);

/* Did malloc make this chunk for so many bytes? */
bool hw_containers_is_size(const struct hw_containers *containers, uint32_t chunk, uint64_t bytes);

/* Puts a node at `at` in nodes[]. False: memory short, and failed is set. */
bool hw_containers_queue(struct hw_containers *containers, size_t at, uint32_t chunk);

/* Is this the address of the chunk's first byte? */
static inline bool hw_containers_starts(const struct hw_containers *containers, uint32_t chunk, uint64_t word)
{
	return hw_chunk_user(containers->heap, chunk) == word;
}

/* ------------------------------------------------------------------------------------------------- the kinds
 */

/* Each: what one piece of memory tells, then what all together tell. */
void hw_trees_look(struct hw_containers *containers, const struct hw_word_piece *piece);
void hw_trees_finish(struct hw_containers *containers);
void hw_lists_look(struct hw_containers *containers, const struct hw_word_piece *piece);
void hw_lists_finish(struct hw_containers *containers);
void hw_hashes_look(struct hw_containers *containers, const struct hw_word_piece *piece);
void hw_hashes_finish(struct hw_containers *containers);
void hw_bodies_look(struct hw_containers *containers, const struct hw_word_piece *piece);
void hw_bodies_finish(struct hw_containers *containers);

#endif
