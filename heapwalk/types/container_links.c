/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chunks by number with some numbers each, found again by a bit and a rank. */
#include "heapwalk/types/container.h"

static size_t bit_words(uint32_t chunk_count)
{
	return (size_t)chunk_count / 64 + 1;
}

bool hw_node_links_init(struct hw_node_links *links, unsigned width, uint32_t chunk_count)
{
	*links = (struct hw_node_links){ .width = width, .chunk_count = chunk_count };
	links->bits = calloc(bit_words(chunk_count), sizeof(*links->bits));
	links->taken = calloc(bit_words(chunk_count), sizeof(*links->taken));
	links->ranks = calloc(bit_words(chunk_count), sizeof(*links->ranks));
	return links->bits && links->taken && links->ranks;
}

void hw_node_links_deinit(struct hw_node_links *links)
{
	free(links->bits);
	free(links->taken);
	free(links->ranks);
	free(links->numbers);
}

uint32_t *hw_node_links_add(struct hw_node_links *links, uint32_t chunk)
{
	if (!hw_array_reserve(
		    &links->numbers, links->count, &links->capacity, links->width * sizeof(*links->numbers)))
		return NULL;
	links->bits[chunk / 64] |= UINT64_C(1) << chunk % 64;
	return &links->numbers[links->width * links->count++];
}

void hw_node_links_seal(struct hw_node_links *links)
{
	uint32_t rank = 0;

	for (size_t i = 0; i < bit_words(links->chunk_count); i++) {
		links->ranks[i] = rank;
		rank += (uint32_t)__builtin_popcountll(links->bits[i]);
	}
}

const uint32_t *hw_node_links_of(const struct hw_node_links *links, uint32_t chunk)
{
	uint64_t word, bit = UINT64_C(1) << chunk % 64;

	if (chunk >= links->chunk_count)
		return NULL;
	word = links->bits[chunk / 64];
	if (!(word & bit))
		return NULL;
	return &links->numbers[links->width * ((size_t)links->ranks[chunk / 64] +
						      (size_t)__builtin_popcountll(word & (bit - 1)))];
}

bool hw_node_links_take(struct hw_node_links *links, uint32_t chunk)
{
	uint64_t *word = &links->taken[chunk / 64], bit = UINT64_C(1) << chunk % 64;

	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

bool hw_node_links_taken(const struct hw_node_links *links, uint32_t chunk)
{
	return links->taken[chunk / 64] >> chunk % 64 & 1;
}

bool hw_headers_add(struct hw_headers *headers, uint64_t address, uint32_t chunk)
{
	struct hw_header *made = hw_array_next(headers->items, headers->count, headers->capacity);

	if (!made)
		return false;
	*made = (struct hw_header){ .address = address, .chunk = chunk };
	headers->count++;
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct hw_header *one = a, *other = b;

	if (one->address != other->address)
		return one->address < other->address ? -1 : 1;
	return one->chunk < other->chunk ? -1 : one->chunk > other->chunk;
}

void hw_headers_sort(struct hw_headers *headers)
{
	if (headers->count)
		qsort(headers->items, headers->count, sizeof(*headers->items), by_address);
}
