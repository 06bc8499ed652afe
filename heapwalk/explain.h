/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One chunk at a time, for people: the values that its type gives its bytes, and why it is said to be what it
 * is. Part of heapwalk/heap.h; include that.
 */
#ifndef HW_HEAPWALK_EXPLAIN_H
#define HW_HEAPWALK_EXPLAIN_H

#include "heapwalk/typing.h"

struct hw_accounting;
struct hw_word_meaning;

/* What values and explanations are made from. Borrowed; members that may be NULL are marked. */
struct hw_explainer {
	const struct hw_heap *heap;
	const struct hw_typing *typing;
	const struct hw_accounting *accounting; /* NULL: stacks are not told from other mappings */
	const struct hw_graph *graph;           /* NULL: who points to a chunk is not told */
	const struct hw_names *names;           /* NULL: no symbols */
};

/* How much of a value is written. */
struct hw_value_limits {
	unsigned depth;    /* structs within structs; 0: 4 */
	unsigned elements; /* of an array; 0: 8 */
	unsigned members;  /* of a struct; 0: 64 */
	unsigned text;     /* bytes of a string; 0: 64 */
	size_t length;     /* bytes of the whole; 0: 4096 */
};

/*
 * The object at `address` as its type of the catalogue (explainer->typing->catalogue must not be NULL) has
 * it, in C's manner:
 *
 *	{ id = 42, name = "bob" (std::string, 3), next = 0x5581e0 (Session), pad = { 0, 0, 0, ...13 more } }
 *
 * `size` bytes belong to the object; what its type has beyond them is not written. Bytes of strings are as
 * the target has them: escape before showing. The caller frees *text. Reads the image. Errors: memory short.
 */
struct hw_error *hw_value_text(const struct hw_explainer *explainer, uint32_t type, uint64_t address,
	uint64_t size, const struct hw_value_limits *limits, char **text) hw_must_check;

/*
 * A live chunk's contents as its type has them, "Session { id = 42, ... }", arrays as "Session[3] { [0] =
 * ..." ; *text is NULL when no type of the catalogue is known for it. `cast` becomes what shows it in gdb: "p
 * *(struct Session *) 0x5581e0"; NULL together with *text. The caller frees both.
 */
struct hw_error *hw_value_of_chunk(const struct hw_explainer *explainer, uint32_t chunk,
	const struct hw_value_limits *limits, char **text, char **cast) hw_must_check;

/* --------------------------------------------------------------------------------------- why, and who else
 */

/* What a line of an explanation tells about. In the order in which they are told. */
enum hw_explain_part {
	HW_EXPLAIN_IS,       /* the chunk itself */
	HW_EXPLAIN_BECAUSE,  /* the evidence for its type */
	HW_EXPLAIN_COULD_BE, /* other types that it might have, likeliest first */
	HW_EXPLAIN_HELD_BY,  /* who points to it */
	HW_EXPLAIN_HOLDS,    /* what it points to */
	HW_EXPLAIN_BESIDE,   /* its neighbours in memory */
	HW_EXPLAIN_PARTS,
};

/* "is", "because", "could be", "held by", "holds", "beside": the same in every output format. */
const char *hw_explain_part_name(enum hw_explain_part part);

struct hw_explain_line {
	enum hw_explain_part part;
	uint64_t address; /* HELD_BY, HOLDS: of the word; BESIDE: of the chunk, as malloc returned it; else 0
			   */
	uint32_t chunk;   /* the other chunk, UINT32_MAX: none */
	char *text;
};

struct hw_explanation {
	uint32_t chunk;
	struct hw_explain_line *lines; /* by part */
	size_t count;
	size_t capacity;
	uint64_t holders;  /* words that point to it, all of them; HELD_BY lines are cut to a screen */
	uint64_t pointers; /* words of it that point to chunks */
};

/*
 * What the live chunk is, why it is said to be that, what else it may be, who points to it, what it points
 * to, and what lies beside it. Reads the image; goes through all references once. Errors: memory short.
 */
struct hw_error *hw_explain(const struct hw_explainer *explainer, uint32_t chunk,
	struct hw_explanation **explanation) hw_must_check;
void hw_explanation_destroy(struct hw_explanation *explanation);

#endif
