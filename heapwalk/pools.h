/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What programs keep in pools of their own: small objects that malloc never sees one by one, since the
 * program cuts them out of large chunks or of mappings outside malloc. Part of heapwalk/heap.h; include that.
 *
 * hw_typing_build() finds them, because what their records are is a question of types:
 *
 *	for (uint32_t i = 0; i < typing->pool_count; i++)
 *		printf("%s: %llu\n", typing->types[typing->pools[i].type].name, typing->pools[i].used);
 */
#ifndef HW_HEAPWALK_POOLS_H
#define HW_HEAPWALK_POOLS_H

#include "inspector/inspector.h"

struct hw_heap;

/* Whose pools they are. */
enum hw_pool_kind {
	HW_POOL_PYMALLOC, /* CPython's allocator of objects up to 512 bytes: arenas of pools of blocks */
	HW_POOL_OBSTACK, /* glibc's obstacks: things of all sizes one behind the other, in a list of chunks */
	HW_POOL_APR,     /* Apache's portable runtime: memory nodes of its pools */
	HW_POOL_NGINX,   /* ngx_pool_t and the blocks behind it */
	HW_POOL_RECORDS, /* nobody's that is known: equal records one behind the other */
	HW_POOL_KINDS,
};

/* Stable names: "pymalloc", "obstack", "apr", "nginx", "records". */
const char *hw_pool_kind_name(enum hw_pool_kind kind);

/*
 * Records of one type and size in the blocks of one kind of pool. Blocks are chunks or mappings; of PYMALLOC
 * its pools. PYMALLOC's free ones have rows of their own, without a type and certain: a free block is no more
 * a dict than a list.
 */
struct hw_pool_row {
	enum hw_pool_kind kind;
	uint32_t type;        /* index into hw_typing.types; 0: unknown, or free */
	uint64_t record_size; /* from the start of one to the start of the next; 0: all sizes, not counted */
	uint64_t used;        /* records in use, */
	uint64_t free;        /* and those that the pool keeps for later */
	uint64_t used_bytes;  /* of these; of OBSTACK all but the heads, as what of the last chunk is in use
				 stands elsewhere */
	uint64_t free_bytes;
	uint64_t blocks;     /* that hold such records */
	uint64_t block_size; /* usable bytes of one; 0: they differ */
	uint64_t example;    /* address of a record, a used one if there is any */
	uint8_t level;       /* enum hw_level: how sure the type is; of RECORDS without one, the size */
	uint8_t percent;     /* GUESS: how probable, 0 to 100; else 0 */
};

/* CPython's small-object allocator. Arenas are mapped outside malloc. All zero: there is none. */
struct hw_pymalloc {
	uint64_t arenas;
	uint64_t arena_bytes;
	uint64_t used_blocks; /* given out: live objects and parts of them */
	uint64_t used_bytes;  /* block sizes added up */
	uint64_t free_blocks; /* of pools that hold used ones too */
	uint64_t free_bytes;
	uint64_t free_pool_bytes; /* whole pools that hold nothing, or were never used */
	uint64_t own_bytes;       /* heads of pools and what is too small for a block */
};

/*
 * Finds CPython's arenas and counts their blocks: for whoever does not want to know all types. Reads the
 * image, some bytes of each pool. Without a CPython everything is zero; that is no error.
 */
struct hw_error *hw_pymalloc_count(const struct hw_heap *heap, struct hw_pymalloc *count) hw_must_check;

#endif
