/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What follows each free chunk. A bin's list goes all over the heap, and to follow it link by link takes four
 * memory accesses a chunk, each waiting for the one before. Here the links of all free chunks are looked up
 * in order of address, some dozens at a time, each a step further when memory has had the time to bring what
 * the step needs. Then every list is cut into pieces that are followed side by side (Helman and JaJa,
 * "Designing practical efficient algorithms for symmetric multiprocessors", 1999, do so with processors), and
 * what is left to be followed one by one are the pieces.
 */
#include "heapwalk/glibc/walk.h"

#define AHEAD 16 /* places between two steps: about a memory access */
#define STEPS 3
#define RING  64 /* at least STEPS * AHEAD, a power of two */

#define STRIDE 128 /* a piece begins at every so many ranks */
#define LANES  16  /* pieces that are followed side by side */

struct hw_list_piece {
	uint32_t last; /* its last chunk */
	uint16_t smallest;
	uint16_t largest; /* units */
	uint8_t bin;
};

/* --------------------------------------------------------------------------------------- looking links up */

struct pending {
	uint64_t address; /* of the chunk */
	uint64_t forward; /* where it leads */
	uint32_t chunk;   /* the one that starts there, */
	uint32_t rank;    /* and its rank */
};

static uint16_t units_of(uint64_t size)
{
	return size / 8 <= UINT16_MAX ? (uint16_t)(size / 8) : 0;
}

/* Where its link leads is on the way. */
static void begin(const struct hw_walk *walk, struct hw_links_cursor *cursor, uint32_t rank,
	struct hw_successors *successors, struct pending *pending)
{
	uint32_t chunk = hw_links_cursor_next(cursor);

	successors->units[rank] = units_of(hw_chunk_size(walk->heap, chunk));
	pending->address = hw_chunk_address(walk->heap, chunk);
	pending->forward = walk->free_links.values[2 * (size_t)rank];
	hw_heap_prefetch(walk->heap, pending->forward);
}

/* Its mark is on the way. */
static void look_up_chunk(const struct hw_walk *walk, struct pending *pending)
{
	const struct hw_links *links = &walk->free_links;
	bool exact;

	pending->rank = HW_NO_RANK;
	if (!hw_heap_locate(walk->heap, pending->forward, &pending->chunk, &exact) || !exact ||
		pending->chunk / 32 >= links->mark_count)
		return;
	__builtin_prefetch(&links->marks[pending->chunk / 32]);
	pending->rank = 0;
}

/* Its links are on the way. */
static void look_up_rank(const struct hw_walk *walk, struct pending *pending)
{
	const struct hw_links *links = &walk->free_links;

	if (pending->rank == HW_NO_RANK)
		return;
	pending->rank = hw_links_rank(links, pending->chunk);
	if (pending->rank != HW_NO_RANK)
		__builtin_prefetch(&links->values[2 * (size_t)pending->rank]);
}

/* Only if it leads back. */
static uint32_t confirmed(const struct hw_walk *walk, const struct pending *pending)
{
	if (pending->rank == HW_NO_RANK ||
		walk->free_links.values[2 * (size_t)pending->rank + 1] != pending->address)
		return HW_NO_RANK;
	return pending->rank;
}

static void look_up(struct hw_walk *walk, struct hw_successors *successors)
{
	struct pending ring[RING];
	struct hw_links_cursor cursor;
	uint32_t count = successors->count;

	hw_links_cursor_init(&cursor, &walk->free_links);
	for (uint32_t i = 0; i < count + STEPS * AHEAD; i++) {
		if (i < count)
			begin(walk, &cursor, i, successors, &ring[i % RING]);
		if (i >= AHEAD && i - AHEAD < count)
			look_up_chunk(walk, &ring[(i - AHEAD) % RING]);
		if (i >= 2 * AHEAD && i - 2 * AHEAD < count)
			look_up_rank(walk, &ring[(i - 2 * AHEAD) % RING]);
		if (i >= 3 * AHEAD)
			successors->next[i - 3 * AHEAD] = confirmed(walk, &ring[(i - 3 * AHEAD) % RING]);
	}
}

/* ------------------------------------------------------------------------------------------------- pieces */

/* A piece that is being followed. */
struct lane {
	uint32_t piece;
	uint32_t rank; /* the chunk to be looked at next */
};

static bool begins_piece(uint32_t rank)
{
	return rank % STRIDE == 0;
}

/* Takes the chunk in; false when it is the piece's last. */
static bool step(struct hw_successors *successors, struct lane *lane)
{
	struct hw_list_piece *piece = &successors->pieces[lane->piece];
	uint32_t next = successors->next[lane->rank];
	uint16_t units = successors->units[lane->rank];

	successors->piece_of[lane->rank] = lane->piece;
	piece->last = lane->rank;
	piece->smallest = hw_min(piece->smallest, units);
	piece->largest = hw_max(piece->largest, units);
	if (next == HW_NO_RANK || begins_piece(next))
		return false;
	__builtin_prefetch(&successors->next[next]);
	__builtin_prefetch(&successors->units[next]);
	__builtin_prefetch(&successors->piece_of[next], 1);
	lane->rank = next;
	return true;
}

/* No chunk has two before it: each is taken in once at most, and this comes to an end. */
static void cut(struct hw_successors *successors)
{
	uint32_t pieces = (successors->count + STRIDE - 1) / STRIDE, begun = 0, running = 0;
	struct lane lanes[LANES];

	memset(successors->piece_of, 0xff, successors->count * sizeof(*successors->piece_of));
	while (running < LANES && begun < pieces) {
		lanes[running++] = (struct lane){ begun, begun * STRIDE };
		begun++;
	}
	while (running) {
		for (uint32_t i = 0; i < running; i++) {
			if (step(successors, &lanes[i]))
				continue;
			if (begun == pieces) {
				lanes[i] = lanes[--running];
				continue;
			}
			lanes[i] = (struct lane){ begun, begun * STRIDE };
			begun++;
		}
	}
}

static bool allocate(struct hw_successors *successors)
{
	size_t count = successors->count, pieces = (count + STRIDE - 1) / STRIDE;

	successors->next = malloc(count * sizeof(*successors->next));
	successors->units = malloc(count * sizeof(*successors->units));
	successors->bins = calloc(count, sizeof(*successors->bins));
	successors->piece_of = malloc(count * sizeof(*successors->piece_of));
	successors->pieces = malloc(pieces * sizeof(*successors->pieces));
	for (size_t i = 0; successors->pieces && i < pieces; i++)
		successors->pieces[i] = (struct hw_list_piece){ .smallest = UINT16_MAX };
	return successors->next && successors->units && successors->bins && successors->piece_of &&
	       successors->pieces;
}

bool hw_successors_init(struct hw_walk *walk, struct hw_successors *successors)
{
	*successors = (struct hw_successors){ .count = (uint32_t)(walk->free_links.value_count / 2) };
	if (!successors->count)
		return false;
	if (!allocate(successors)) {
		hw_successors_deinit(successors);
		return false;
	}
	look_up(walk, successors);
	cut(successors);
	return true;
}

void hw_successors_deinit(struct hw_successors *successors)
{
	free(successors->next);
	free(successors->units);
	free(successors->bins);
	free(successors->piece_of);
	free(successors->pieces);
	*successors = (struct hw_successors){ 0 };
}

/* ------------------------------------------------------------------------------------------------- a list */

uint32_t hw_successors_mark(
	struct hw_successors *successors, uint32_t first, uint8_t bin, uint64_t smallest, uint64_t largest)
{
	uint32_t rank = first;

	/* Somebody may have put a chunk at the head, so that the list goes round without coming there. */
	for (uint32_t left = successors->count; left; left--) {
		if (begins_piece(rank)) {
			struct hw_list_piece *piece = &successors->pieces[rank / STRIDE];

			if (piece->smallest < smallest || piece->largest > largest)
				return HW_NO_RANK;
			piece->bin = bin;
			rank = piece->last;
		} else {
			if (successors->units[rank] < smallest || successors->units[rank] > largest)
				return HW_NO_RANK;
			successors->bins[rank] = bin;
		}
		if (successors->next[rank] == HW_NO_RANK)
			return rank;
		rank = successors->next[rank];
	}
	return HW_NO_RANK;
}

uint8_t hw_successors_bin(const struct hw_successors *successors, uint32_t rank)
{
	uint32_t piece = successors->piece_of[rank];

	return piece == HW_NO_RANK ? successors->bins[rank] : successors->pieces[piece].bin;
}
