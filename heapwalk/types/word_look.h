/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For evidence that lies in the words of all chunks and in where they point: part of the one pass over memory
 * (struct hw_look in typer.h). Whoever takes part is shown every live chunk with its words decoded, told
 * apart, and the pointers among them resolved, since reading and resolving is what costs. Private to
 * heapwalk/types/.
 *
 *	static void look(void *state, const struct hw_word_piece *batch, unsigned count)
 *	{
 *		for (unsigned i = 0; i < count; i++)
 *			if (batch[i].kinds[0] == HW_KIND_START && batch[i].targets[0] ...
 *	}
 *
 * To take part, add a row to the table in word_look.c.
 */
#ifndef HW_HEAPWALK_TYPES_WORD_LOOK_H
#define HW_HEAPWALK_TYPES_WORD_LOOK_H

#include "heapwalk/types/places.h"
#include "heapwalk/types/typer.h"

#define HW_WORD_LOOK_WORDS   32 /* of memory that are shown at once */
#define HW_WORD_LOOK_OVERLAP 6  /* of a piece's last words are shown again at the beginning of the next */
#define HW_WORD_LOOK_LIMIT   ((uint64_t)1 << 20) /* bytes of one chunk that are looked at */

#define HW_NO_CHUNK UINT32_MAX

/*
 * The beginning of a live chunk, or a piece further on; behind all chunks come pieces of the modules' data
 * and of the stacks. Arrays have HW_WORD_LOOK_WORDS entries, of which `count` are of this piece; the kinds of
 * the others are NONE.
 */
struct hw_word_piece {
	uint32_t chunk; /* HW_NO_CHUNK: data or stack */
	unsigned count;
	uint64_t address; /* of the first word */
	uint64_t offset;  /* of it in the chunk */
	uint64_t usable;  /* of the chunk */
	enum hw_content content;
	bool is_stack;
	const uint64_t *words;   /* in our byte order, widened */
	const uint8_t *kinds;    /* enum hw_kind of each; of chunks that are text, all LETTERS */
	const uint32_t *targets; /* of words from SELF to FREED: the chunk */
};

struct hw_word_look {
	enum hw_evidence evidence; /* left out with it; NONE: never */
	/* Before the first chunk; `*state` is for the others. */
	struct hw_error *(*begin)(struct hw_typer *typer, void **state);
	/* Some pieces, in order of address. Valid during the call. */
	void (*look)(void *state, const struct hw_word_piece *batch, unsigned count);
	/* After the last one: makes the answers that need all. Not called after an error. */
	struct hw_error *(*finish)(struct hw_typer *typer, void *state);
	/* Frees the state, in any case in which begin() succeeded. */
	void (*destroy)(void *state);
};

extern const struct hw_word_look hw_word_look_containers;
extern const struct hw_word_look hw_word_look_shapes;

#endif
