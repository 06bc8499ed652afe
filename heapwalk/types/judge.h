/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pointer says that a T starts here: what does that make of the chunk? One T, several, one with a tail, a
 * part of something larger, or no T at all. Private to heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_JUDGE_H
#define HW_HEAPWALK_TYPES_JUDGE_H

#include "heapwalk/types/claims.h"
#include "heapwalk/types/program.h"

/* A chunk that claims are made about. */
struct hw_case {
	uint32_t chunk;
	uint64_t usable;
	const uint8_t *bytes;
	uint64_t size; /* of them: the usable ones, or the first MiB */
};

/* What a claim makes of a chunk. */
struct hw_reading {
	uint32_t type;  /* 0: nothing */
	uint64_t start; /* where the first object starts: behind the count of a new[] */
	uint64_t used;  /* bytes that hold objects */
	enum hw_level level;
	enum hw_evidence evidence;
	enum hw_fit fit;
	uint8_t percent;
	bool slack; /* it fits with 16 bytes to spare */
};

/*
 * Judges a claim. With `is_last_resort` what is said less clearly counts too: numbers, members of unions,
 * pointers into the middle. *reading has type 0 when the claim says nothing.
 */
void hw_judge(struct hw_program *program, const struct hw_case *case_, const struct hw_claim *claim,
	bool is_last_resort, struct hw_reading *reading);

/* Whether `a` says more about a chunk than `b`. */
bool hw_reading_is_better(const struct hw_reading *a, const struct hw_reading *b);

/* Checks the objects of a reading; with program->checker.collects their pointers are collected. */
enum hw_check_result hw_reading_check(
	struct hw_program *program, const struct hw_case *case_, const struct hw_reading *reading);

#endif
