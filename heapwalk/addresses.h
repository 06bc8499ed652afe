/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does a word point anywhere? Asked of every word of the heap, so it must cost a few nanoseconds: most words
 * are told by two comparisons or by one look into a small cache of 2 MiB granules. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_ADDRESSES_H
#define HW_HEAPWALK_ADDRESSES_H

#include "heapwalk/heap.h"

/* What lies at an address. Values fit 2 bits. */
enum hw_address_kind {
	HW_ADDRESS_NONE,   /* nothing that can be read */
	HW_ADDRESS_DATA,   /* heap, stack, mapped files: readable and no module's */
	HW_ADDRESS_MODULE, /* a module's data, constant or not */
	HW_ADDRESS_CODE,
};

#define HW_ADDRESS_GRANULE 21 /* log2 of the bytes that one cache slot speaks of */
#define HW_ADDRESS_SLOTS   4096

struct hw_address_range {
	uint64_t start;
	uint64_t end;
	enum hw_address_kind kind;
};

/* The cache changes with every look-up: not for several threads at once. */
struct hw_addresses {
	struct hw_address_range *ranges; /* sorted, disjoint, neighbours of one kind merged */
	size_t count;
	size_t capacity;
	uint64_t low;                     /* start of the first range */
	uint64_t span;                    /* from there to the end of the last one */
	uint64_t slots[HW_ADDRESS_SLOTS]; /* (granule + 1) << 3 | kind, or 4: several kinds; 0: empty */
};

/* Copies what it needs of the snapshot's mappings and modules. */
struct hw_error *hw_addresses_create(
	const struct hw_snapshot *snapshot, struct hw_addresses **addresses) hw_must_check;
void hw_addresses_destroy(struct hw_addresses *addresses);

/* For hw_addresses_kind() alone: the way of a granule that the cache does not know or that is mixed. */
enum hw_address_kind hw_addresses_search(struct hw_addresses *addresses, uint64_t word);

static inline enum hw_address_kind hw_addresses_kind(struct hw_addresses *addresses, uint64_t word)
{
	uint64_t granule = word >> HW_ADDRESS_GRANULE, slot;

	if (word - addresses->low >= addresses->span)
		return HW_ADDRESS_NONE;
	slot = addresses->slots[granule % HW_ADDRESS_SLOTS];
	if (slot >> 3 == granule + 1 && !(slot & 4))
		return (enum hw_address_kind)(slot & 3);
	return hw_addresses_search(addresses, word);
}

#endif
