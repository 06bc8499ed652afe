/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Can these bytes be an object of that type? A pointer's field must hold nothing or point to something that
 * can be what it says; numbers' fields must not hold a chunk's address. Private to heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_CHECK_H
#define HW_HEAPWALK_TYPES_CHECK_H

#include "heapwalk/addresses.h"
#include "heapwalk/types/fields.h"

enum hw_check_result {
	HW_CHECK_REFUSED, /* it is something else */
	HW_CHECK_ODD,     /* possible, but a pointer leads nowhere */
	HW_CHECK_PASSED,
};

/* A field that points to a live chunk. */
struct hw_pointee {
	uint32_t chunk;
	uint32_t target; /* the type that it is a pointer to */
	uint64_t field;  /* offset of the pointer */
	uint64_t offset; /* into the chunk that it points to */
	bool is_alternative;
};

struct hw_checker {
	const struct hw_heap *heap;
	const struct hw_image *image;
	const struct hw_types *types;
	struct hw_field_table *fields;
	struct hw_addresses *addresses;
	uint64_t low; /* every chunk lies in [low, low + span) */
	uint64_t span;
	uint64_t met; /* pointers that did lead somewhere: what speaks for a type */
	uint64_t bad; /* words in pointers' places that are no addresses at all */
	/* Where pointers to chunks are collected; NULL: they are not. */
	struct hw_pointee *pointees;
	size_t pointee_count;
	size_t pointee_capacity;
	bool collects;
	bool failed; /* memory is short */
};

/* Borrows all. */
void hw_checker_init(struct hw_checker *checker, const struct hw_heap *heap, struct hw_addresses *addresses,
	struct hw_field_table *fields);
void hw_checker_deinit(struct hw_checker *checker);

/*
 * Checks one object of `type` that starts at `bytes`, of which `size` are there; fields beyond are left out.
 * `base` is added to where its fields are said to stand. Pointers to chunks are added to `pointees` if
 * `collects` is set, also of an object that is refused.
 */
enum hw_check_result hw_check_object(
	struct hw_checker *checker, uint32_t type, const uint8_t *bytes, uint64_t size, uint64_t base);

/* Whether a `part` stands `offset` bytes into a `whole`; true where these types do not say. */
bool hw_check_stands_in(const struct hw_types *types, uint32_t whole, uint64_t offset, uint32_t part);

/* The live chunk that a word points into, and how far. */
bool hw_check_chunk_at(const struct hw_checker *checker, uint64_t word, uint32_t *chunk, uint64_t *offset);

/* What a chunk that malloc(size) returned can use; not of mmapped ones. */
uint64_t hw_usable_of(const struct hw_heap *heap, uint64_t size);

#endif
