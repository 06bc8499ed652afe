/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pools of equal records, by nothing but their words: what repeats every so many words, and where pointers
 * lead to. A large block is looked at in segments, since many a pool has pages of its own with a head each.
 * Private to heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_RECORDS_H
#define HW_HEAPWALK_TYPES_RECORDS_H

#include "heapwalk/types/places.h"
#include "heapwalk/types/typer.h"

#define HW_RECORD_SEGMENT ((size_t)64 << 10) /* bytes of a block that are looked at together */
#define HW_RECORD_WORDS   (HW_RECORD_SEGMENT / 4 + HW_RECORD_LONGEST)
#define HW_RECORD_SAMPLE  1024 /* words that a stride is looked for in */
#define HW_RECORD_LONGEST 128  /* words of a record at most */
#define HW_RECORD_LEAST   8    /* records that there must be in a sample */

/*
 * What a word is, for comparing: enum hw_kind with all pointers into malloc's blocks alike but those to a
 * block's start, and different constants told apart, as they are vtables and tags.
 */
#define HW_RECORD_CONSTANT 16 /* this symbol and all above: a pointer to a module's memory, by its value */

/* A segment's words. */
struct hw_record_words {
	uint64_t address; /* of the first */
	unsigned word_size;
	size_t count;
	size_t starts;    /* so many of them belong to the segment; the others are for its last record */
	size_t slack;     /* so many at the end of all may be malloc's rounding up */
	uint64_t *words;  /* in our byte order; HW_RECORD_WORDS of room, as the others */
	uint8_t *kinds;   /* enum hw_kind */
	uint8_t *symbols; /* see above */
};

/* A stride that was found, or tried. */
struct hw_record_stride {
	uint32_t words;   /* 0: none */
	uint32_t phase;   /* word at which records begin, below `words`, */
	bool has_phase;   /* if that is known */
	bool by_constant; /* records begin with a constant: a vtable, a tag */
	bool by_targets;  /* pointers lead to their starts */
	double quality; /* 0 to 1: how much better than chance words agree with those one record further on */
};

/*
 * Finds the stride of the words [first, first + count), HW_RECORD_SAMPLE of them at most, or none. `targets`
 * are word offsets into the segment that pointers lead to, distinct and sorted. Says none where it would have
 * to guess between several.
 */
struct hw_record_stride hw_records_stride(const struct hw_record_words *words, size_t first, size_t count,
	const uint32_t *targets, size_t target_count);

/* The same for one stride only: was it found in a sibling? */
struct hw_record_stride hw_records_try(const struct hw_record_words *words, size_t first, size_t count,
	uint32_t stride, const uint32_t *targets, size_t target_count);

/* How many records there are in a segment. */
struct hw_record_count {
	uint64_t used;
	uint64_t free;
	uint64_t example;                 /* address of the first used one; 0: none */
	uint64_t constant;                /* by_constant: what the first used one begins with */
	uint8_t kinds[HW_RECORD_LONGEST]; /* of the columns: enum hw_kind that most have */
};

/*
 * Counts the records of a segment that has this stride. A record is free when it is all zeros, or when it
 * begins with a link or nothing where the others begin with something else.
 */
struct hw_record_count hw_records_count(
	const struct hw_record_words *words, const struct hw_record_stride *stride);

/*
 * Could it be several shorter records, of which some are free? True where parts of a record differ from each
 * other in one word only, a link in some and something else in others. Not for records with a constant.
 */
bool hw_records_may_be_shorter(const struct hw_record_count *count, const struct hw_record_stride *stride);

/* "{ptr->heap, int, 0 x2}"; the caller's to free, NULL: memory short. */
char *hw_records_text(const uint8_t *kinds, uint32_t words);

#endif
