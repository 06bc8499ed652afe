/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Claims by chunk, and which chunk comes next. */
#include "heapwalk/types/claims.h"

#define LAYER_SHIFT 6

struct hw_error *hw_claims_init(struct hw_claims *claims, uint32_t chunk_count)
{
	size_t words = chunk_count;

	*claims = (struct hw_claims){ .chunk_count = chunk_count };
	claims->first = calloc((size_t)chunk_count + 1, sizeof(*claims->first));
	if (!claims->first)
		return hw_error_no_memory();
	do {
		words = (words >> LAYER_SHIFT) + 1;
		claims->layers[claims->layer_count] = calloc(words, sizeof(uint64_t));
		if (!claims->layers[claims->layer_count++]) {
			hw_claims_deinit(claims);
			return hw_error_no_memory();
		}
	} while (words > 1 && claims->layer_count < HW_CLAIM_LAYERS);
	return NULL;
}

void hw_claims_deinit(struct hw_claims *claims)
{
	for (unsigned i = 0; i < claims->layer_count; i++)
		free(claims->layers[i]);
	free(claims->first);
	free(claims->claims);
	*claims = (struct hw_claims){ 0 };
}

static void mark(struct hw_claims *claims, uint32_t chunk)
{
	for (unsigned i = 0; i < claims->layer_count; i++) {
		uint64_t *word = &claims->layers[i][chunk >> LAYER_SHIFT];
		bool was_empty = !*word;

		*word |= UINT64_C(1) << (chunk & 63);
		if (!was_empty)
			return;
		chunk >>= LAYER_SHIFT;
	}
}

static void unmark(struct hw_claims *claims, uint32_t chunk)
{
	for (unsigned i = 0; i < claims->layer_count; i++) {
		uint64_t *word = &claims->layers[i][chunk >> LAYER_SHIFT];

		*word &= ~(UINT64_C(1) << (chunk & 63));
		if (*word)
			return;
		chunk >>= LAYER_SHIFT;
	}
}

/* The first marked one at or behind `from`; false: there is none. */
static bool find_next(const struct hw_claims *claims, uint32_t from, uint32_t *found)
{
	uint64_t at = from;
	unsigned layer = 0;

	/* Up until a word has something behind, then down along the lowest bits. */
	for (;; layer++) {
		uint64_t word;

		if (layer == claims->layer_count ||
			at >> LAYER_SHIFT > claims->chunk_count >> LAYER_SHIFT * (layer + 1))
			return false;
		word = claims->layers[layer][at >> LAYER_SHIFT] & (UINT64_MAX << (at & 63));
		if (word) {
			at = (at & ~UINT64_C(63)) | (uint64_t)__builtin_ctzll(word);
			break;
		}
		at = (at >> LAYER_SHIFT) + 1;
	}
	while (layer-- > 0)
		at = at << LAYER_SHIFT | (uint64_t)__builtin_ctzll(claims->layers[layer][at]);
	*found = (uint32_t)at;
	return true;
}

static bool is_same(const struct hw_claim *a, const struct hw_claim *b)
{
	return a->type == b->type && a->offset == b->offset;
}

/* What more one of two equal claims knows. */
static void join(struct hw_claim *kept, const struct hw_claim *claim)
{
	if (claim->whole > kept->whole) {
		kept->used = claim->used;
		kept->whole = claim->whole;
	}
	kept->is_alternative &= claim->is_alternative;
}

/* An unused place; 0: memory is short. */
static uint32_t place(struct hw_claims *claims)
{
	uint32_t found = claims->free;

	if (found) {
		claims->free = claims->claims[found].next;
		return found;
	}
	if (!claims->count)
		claims->count = 1;
	if (claims->count >= UINT32_MAX ||
		!hw_array_reserve(&claims->claims, claims->count, &claims->capacity, sizeof(*claims->claims)))
		return 0;
	return (uint32_t)claims->count++;
}

bool hw_claims_add(struct hw_claims *claims, uint32_t chunk, const struct hw_claim *claim)
{
	unsigned known = 0;
	uint32_t number;

	for (uint32_t i = claims->first[chunk]; i; i = claims->claims[i].next, known++) {
		if (is_same(&claims->claims[i], claim)) {
			join(&claims->claims[i], claim);
			return true;
		}
	}
	if (known >= HW_CLAIM_LIMIT)
		return true;
	number = place(claims);
	if (!number)
		return false;
	claims->claims[number] = *claim;
	claims->claims[number].next = claims->first[chunk];
	if (!claims->first[chunk])
		mark(claims, chunk);
	claims->first[chunk] = number;
	return true;
}

unsigned hw_claims_take(struct hw_claims *claims, uint32_t *chunk, struct hw_claim *taken)
{
	unsigned count = 0;
	uint32_t found, next;

	if (!find_next(claims, claims->at, &found) && !find_next(claims, 0, &found))
		return 0;
	for (uint32_t i = claims->first[found]; i && count < HW_CLAIM_LIMIT; i = next) {
		next = claims->claims[i].next;
		taken[count++] = claims->claims[i];
		claims->claims[i].next = claims->free;
		claims->free = i;
	}
	claims->first[found] = 0;
	unmark(claims, found);
	claims->at = found + 1;
	*chunk = found;
	return count;
}
