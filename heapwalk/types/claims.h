/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What pointers say about the chunks that they lead to, until somebody looks at these. They are taken in
 * order of address, again and again from the lowest to the highest, since memory is read through windows:
 * a bit a chunk under layers of 64 to one, so that the next chunk is found at once. Private to
 * heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_CLAIMS_H
#define HW_HEAPWALK_TYPES_CLAIMS_H

#include "heapwalk/heap.h"

struct hw_claim {
	uint64_t used;   /* bytes from `offset` on that hold objects */
	uint64_t whole;  /* bytes that the program knows to have there; 0: neither this nor `used` is known */
	uint32_t type;   /* in the catalogue, without typedefs: what starts */
	uint32_t offset; /* so many bytes into the chunk */
	uint32_t from;   /* as in struct hw_chunk_type */
	uint32_t next;   /* private: the next one about this chunk */
	bool is_alternative; /* said by a member of a union */
};

#define HW_CLAIM_LAYERS 6
#define HW_CLAIM_LIMIT  8 /* different ones about a chunk at a time; more are dropped */

struct hw_claims {
	uint32_t *first; /* by chunk; 0: none */
	uint64_t *layers[HW_CLAIM_LAYERS];
	unsigned layer_count;
	uint32_t chunk_count;
	uint32_t at;             /* the next chunk to look at */
	struct hw_claim *claims; /* [0] is none */
	size_t count;
	size_t capacity;
	uint32_t free; /* the first unused one; 0: none */
};

struct hw_error *hw_claims_init(struct hw_claims *claims, uint32_t chunk_count) hw_must_check;
void hw_claims_deinit(struct hw_claims *claims);

/* Adds a copy, unless the chunk has the same already or has HW_CLAIM_LIMIT. False: memory is short. */
bool hw_claims_add(struct hw_claims *claims, uint32_t chunk, const struct hw_claim *claim) hw_must_check;

/*
 * Takes the claims about the next chunk, HW_CLAIM_LIMIT at most, into `taken`: their number, 0 when there
 * are no more.
 */
unsigned hw_claims_take(struct hw_claims *claims, uint32_t *chunk, struct hw_claim *taken);

#endif
