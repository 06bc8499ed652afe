/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Types along a way: what chunks themselves are known to be, and from a variable's type, member by member and
 * pointer by pointer, as far as debug information goes and sizes agree. What does not fit is unknown, and so
 * is all behind it. Private to heapwalk/.
 *
 * Types are numbers of struct hw_names, 0 unknown; texts are indexes into `texts`, 0 none.
 */
#ifndef HW_HEAPWALK_GRAPH_PATH_TYPES_H
#define HW_HEAPWALK_GRAPH_PATH_TYPES_H

#include "heapwalk/heap.h"

struct hw_path_types {
	const struct hw_heap *heap;
	const struct hw_names *names;   /* NULL: they know no types */
	const struct hw_typing *typing; /* NULL: nobody looked */
	struct hw_path_step *steps;     /* known answers, by a hash */
	size_t step_count;
	size_t step_slots;
	char **texts; /* [0] is NULL */
	uint32_t text_count;
	size_t text_capacity;
	uint32_t element; /* the text "[]" */
	uint32_t *named;  /* texts of the types of names->typing, twice: alone and as an array; 0: not yet */
	bool out_of_memory;
};

/* One reference: what it is called where it stands, and the type that it leads to. */
struct hw_path_link {
	uint32_t text;   /* "next", "buckets[]" with what index it may be; "" where a pointer stands alone */
	uint32_t target; /* not yet compared with any chunk */
};

/* `names` may be NULL. */
void hw_path_types_init(
	struct hw_path_types *types, const struct hw_heap *heap, const struct hw_names *names);
void hw_path_types_deinit(struct hw_path_types *types);

/* The type of a holder's variable. */
uint32_t hw_path_types_of_holder(struct hw_path_types *types, struct hw_holder *holder);

/* The reference at `offset` of a variable of this type. */
struct hw_path_link hw_path_types_in_variable(struct hw_path_types *types, uint32_t type, uint64_t offset);

/* The same of a chunk that was found to be of this type: what is smaller than the chunk is an array in it. */
struct hw_path_link hw_path_types_in_chunk(struct hw_path_types *types, uint32_t type, uint64_t offset);

/* What a chunk is. */
struct hw_path_chunk {
	uint32_t text; /* "Session", "Bucket *[]" */
	uint32_t type; /* for going on from it */
};

/*
 * By its own evidence where somebody looked, which must be strong at least; else by the reference that led to
 * it: `target` if the chunk has its size, or is an array of such pointers or numbers.
 */
struct hw_path_chunk hw_path_types_chunk(struct hw_path_types *types, uint32_t target, uint32_t chunk);

#endif
