/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a single word is, for the pass (heapwalk/types/word_look.h): a pointer to what kind of memory, or what
 * kind of number. Asked of nearly every word of the heap. Private to heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_PLACES_H
#define HW_HEAPWALK_TYPES_PLACES_H

#include "heapwalk/heap.h"

/* Values fit 4 bits. */
enum hw_kind {
	HW_KIND_ZERO,
	HW_KIND_SELF,     /* points into the very chunk that it stands in, or right behind it */
	HW_KIND_START,    /* to the start of a live chunk that holds no text */
	HW_KIND_INSIDE,   /* into one, or right behind it */
	HW_KIND_TEXT,     /* to a live chunk that holds text, wherever */
	HW_KIND_FREED,    /* into malloc's memory, but to nothing live */
	HW_KIND_CONSTANT, /* into what a module has and nobody can write: vtables, strings */
	HW_KIND_CODE,
	HW_KIND_DATA,   /* into a module's variables */
	HW_KIND_STACK,  /* into a thread's stack */
	HW_KIND_MAPPED, /* into any other mapping */
	HW_KIND_NUMBER, /* a small one, or two of half the size */
	HW_KIND_LETTERS,
	HW_KIND_DOUBLE,
	HW_KIND_OTHER,
	HW_KIND_NONE, /* no word: the chunk ends before */
	HW_KINDS,
};

/* Does such a word point to malloc's memory? */
static inline bool hw_kind_is_heap(enum hw_kind kind)
{
	return kind >= HW_KIND_SELF && kind <= HW_KIND_FREED;
}

/* Is it a pointer of any kind? */
static inline bool hw_kind_is_pointer(enum hw_kind kind)
{
	return kind >= HW_KIND_SELF && kind <= HW_KIND_MAPPED;
}

/* Is it a number that is not 0? */
static inline bool hw_kind_is_number(enum hw_kind kind)
{
	return kind >= HW_KIND_NUMBER && kind <= HW_KIND_OTHER;
}

/* "ptr->self", ... "int", "text", "double", "data": what it is called in a shape's text. */
const char *hw_kind_name(enum hw_kind kind);

#define HW_PLACE_SLOTS 4096

struct hw_place_range {
	uint64_t start;
	uint64_t end;
	enum hw_kind kind;
};

/* The mappings. The cache changes with every look-up: not for several threads at once. */
struct hw_places {
	struct hw_place_range *ranges; /* sorted, disjoint */
	size_t count;
	size_t capacity;
	uint64_t low;
	uint64_t span;
	unsigned word_size;
	bool big_endian;
	uint64_t slots[HW_PLACE_SLOTS]; /* page number << 4 | kind; 0: empty */
};

/* Copies what it needs. */
struct hw_error *hw_places_create(const struct hw_heap *heap, struct hw_places **places) hw_must_check;
void hw_places_destroy(struct hw_places *places);

/* CONSTANT to OTHER, or ZERO: what `word` is if it does not point to malloc's memory. */
enum hw_kind hw_places_kind(struct hw_places *places, uint64_t word);

#endif
