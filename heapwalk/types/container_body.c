/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory that a container holds in one piece, told by the words that hold it, wherever these stand: in a
 * chunk, a variable, on a stack.
 *
 *	vector	begin, end, end of the capacity: all of one chunk, from its start to its end
 *	string	libstdc++ (basic_string.h): text, length, capacity. libc++ (string): capacity with its lowest
 *		bit set, length, text
 *	deque	libstdc++ (stl_deque.h): map, its size, then twice an iterator: place, start and end of its
 *block, the block's place in the map. libc++ (deque): map as a vector with room in front too, index of the
 *first element, number of elements
 */
#include "heapwalk/chunk_table.h"
#include "heapwalk/types/container.h"

/* Shorter strings stand in the object itself. */
#define SHORTEST_CAPACITY 16

/* Of a deque: words of the object from libstdc++. */
enum {
	MAP,
	MAP_SIZE,
	START_AT,
	START_FIRST,
	START_LAST,
	START_NODE,
	END_AT,
	END_FIRST,
	END_LAST,
	END_NODE,
	DEQUE_WORDS
};

/* Elements of a deque's map that are looked at. */
#define MOST_BLOCKS 65536

/* Of libc++: the block of a deque of 4096 bytes holds more than half of this even if elements do not fit. */
#define LEAST_BLOCK 2048

static bool is_heap(const struct hw_word_piece *piece, unsigned word)
{
	return word < piece->count && hw_kind_is_heap((enum hw_kind)piece->kinds[word]) &&
	       piece->kinds[word] != HW_KIND_FREED && piece->kinds[word] != HW_KIND_SELF;
}

/* Does this word lead into the same chunk as that one? */
static bool is_into(const struct hw_word_piece *piece, unsigned word, unsigned other)
{
	return is_heap(piece, word) && piece->targets[word] == piece->targets[other];
}

static bool is_start(const struct hw_containers *containers, const struct hw_word_piece *piece, unsigned word)
{
	if (piece->kinds[word] == HW_KIND_START)
		return true;
	return word < piece->count && piece->kinds[word] == HW_KIND_TEXT &&
	       hw_containers_starts(containers, piece->targets[word], piece->words[word]);
}

/* How many words from here lead into one chunk. */
static unsigned run_length(const struct hw_word_piece *piece, unsigned at)
{
	unsigned length = 1;

	while (is_into(piece, at + length, at))
		length++;
	return length;
}

/* Three words; a fourth, as stdio and obstacks have it, is no vector's. */
static void look_at_vector(struct hw_containers *containers, const struct hw_word_piece *piece, unsigned at)
{
	uint64_t begin = piece->words[at], end = piece->words[at + 1], capacity = piece->words[at + 2];
	uint64_t holder = piece->address + (uint64_t)at * containers->heap->word_size;

	if ((at && is_into(piece, at - 1, at)) || begin >= end || end > capacity ||
		!hw_containers_is_size(containers, piece->targets[at], capacity - begin))
		return;
	if (!hw_headers_add(&containers->vectors, holder | piece->is_stack, piece->targets[at]))
		containers->failed = true;
}

static void count_reference(struct hw_containers *containers, uint32_t chunk)
{
	uint8_t *counts = &containers->references[chunk / 4];
	unsigned shift = chunk % 4 * 2;

	if ((*counts >> shift & 3) < 3)
		*counts = (uint8_t)(*counts + (1u << shift));
}

/*
 * Memory that was given back and taken again is full of left-over words, but nobody else refers to a vector's
 * memory as a rule, and dead variables are on stacks. Such an answer is less sure.
 */
void hw_bodies_finish(struct hw_containers *containers)
{
	for (size_t i = 0; i < containers->vectors.count; i++) {
		const struct hw_header *vector = &containers->vectors.items[i];
		unsigned references = containers->references[vector->chunk / 4] >> vector->chunk % 4 * 2 & 3;
		bool sure = references == 1 && !(vector->address & 1);

		hw_containers_offer(
			containers, vector->chunk, HW_PART_VECTOR, sure ? HW_LEVEL_STRONG : HW_LEVEL_LIKELY);
	}
}

static bool is_string(const struct hw_containers *containers, uint32_t chunk, uint64_t length, uint64_t room)
{
	return length && room > SHORTEST_CAPACITY && length < room &&
	       hw_containers_is_size(containers, chunk, room);
}

/*
 * Bytes that are no text at a glance, or too few for it, may be a string's. What has a zero among the first
 * `length` is something else, held by words that some string left behind.
 */
static enum hw_level level_of(const struct hw_containers *containers, const struct hw_word_piece *piece,
	unsigned at, uint64_t length)
{
	uint8_t bytes[64];
	size_t size = hw_min(length, sizeof(bytes));

	if (piece->kinds[at] == HW_KIND_TEXT)
		return HW_LEVEL_STRONG;
	if (hw_image_read_some(containers->heap->snapshot->image, piece->words[at], bytes, size) != size ||
		memchr(bytes, 0, size))
		return HW_LEVEL_UNKNOWN;
	return HW_LEVEL_LIKELY;
}

static void look_at_string(struct hw_containers *containers, const struct hw_word_piece *piece, unsigned at)
{
	const uint64_t *words = &piece->words[at];
	uint32_t chunk = piece->targets[at];
	uint64_t length = 0;

	if (containers->libraries & HW_CXX_GNU && at + 2 < piece->count &&
		is_string(containers, chunk, words[1], words[2] + 1))
		length = words[1];
	else if (containers->libraries & HW_CXX_LLVM && at >= 2 && words[-2] & 1 &&
		 is_string(containers, chunk, words[-1], words[-2] - 1))
		length = words[-1];
	if (length)
		hw_containers_offer(
			containers, chunk, HW_PART_STRING, level_of(containers, piece, at, length));
}

/* -------------------------------------------------------------------------------------------------- deques
 */

/* Are all words of the map from `first` to before `end` the starts of chunks of one size? Offers them. */
static bool look_at_blocks(
	struct hw_containers *containers, uint64_t first, uint64_t end, uint64_t size, bool offer)
{
	unsigned word_size = containers->heap->word_size;

	for (uint64_t at = first; at < end; at += word_size) {
		uint64_t block;
		uint32_t chunk;
		bool exact;

		if (!hw_containers_read(containers, at, &block, 1) ||
			!hw_heap_locate(containers->heap, block - 2 * word_size, &chunk, &exact) || !exact ||
			!hw_chunk_is_live(containers->heap, chunk) ||
			!hw_containers_is_size(containers, chunk, size))
			return false;
		if (offer)
			hw_containers_offer(containers, chunk, HW_PART_DEQUE_BLOCK, HW_LEVEL_STRONG);
	}
	return first < end && (end - first) / word_size <= MOST_BLOCKS;
}

static void name_deque(
	struct hw_containers *containers, uint32_t map, uint64_t first, uint64_t end, uint64_t size)
{
	if (!look_at_blocks(containers, first, end, size, false))
		return;
	look_at_blocks(containers, first, end, size, true);
	hw_containers_offer(containers, map, HW_PART_DEQUE_MAP, HW_LEVEL_STRONG);
}

/* An iterator lies in its block. */
static bool is_iterator(const uint64_t *words, uint64_t size)
{
	return words[0] >= words[1] && words[0] <= words[2] && words[2] - words[1] == size;
}

static void look_at_gnu_deque(
	struct hw_containers *containers, const struct hw_word_piece *piece, unsigned at)
{
	uint64_t words[DEQUE_WORDS], size, word_size = containers->heap->word_size;
	uint32_t map = piece->targets[at];

	if (!is_into(piece, at + START_NODE, at) || !is_start(containers, piece, at + START_FIRST) ||
		!is_into(piece, at + START_AT, at + START_FIRST) ||
		!is_into(piece, at + START_LAST, at + START_FIRST) ||
		!hw_containers_read(containers, piece->address + at * word_size, words, DEQUE_WORDS))
		return;
	size = words[START_LAST] - words[START_FIRST];
	if (!words[MAP_SIZE] || words[MAP_SIZE] > hw_chunk_usable(containers->heap, map) / word_size ||
		!hw_containers_is_size(containers, map, words[MAP_SIZE] * word_size) ||
		!is_iterator(&words[START_AT], size) || !is_iterator(&words[END_AT], size) ||
		words[END_NODE] < words[START_NODE] ||
		words[END_NODE] >= words[MAP] + words[MAP_SIZE] * word_size)
		return;
	name_deque(containers, map, words[START_NODE], words[END_NODE] + word_size, size);
}

/*
 * Four words into the map: its memory, the blocks in use, its end; index and number behind them. Blocks have
 * 4096 bytes, or 16 elements that are larger; a remainder of 16 bytes may make one larger or smaller.
 */
static void look_at_llvm_deque(
	struct hw_containers *containers, const struct hw_word_piece *piece, unsigned at)
{
	const uint64_t *words = &piece->words[at];
	uint64_t word_size = containers->heap->word_size, first, size;
	uint32_t map = piece->targets[at], block;
	bool exact;

	if ((at && is_into(piece, at - 1, at)) || words[1] < words[0] || words[2] <= words[1] ||
		words[3] < words[2] || !hw_containers_is_size(containers, map, words[3] - words[0]) ||
		!hw_containers_read(containers, words[1], &first, 1) ||
		!hw_heap_locate(containers->heap, first - 2 * word_size, &block, &exact) || !exact)
		return;
	size = hw_chunk_usable(containers->heap, block);
	if (size >= LEAST_BLOCK && at + 5 < piece->count &&
		words[4] + words[5] <= (words[2] - words[1]) / word_size * size)
		name_deque(containers, map, words[1], words[2], size - containers->heap->alignment);
}

static void look_at_word(struct hw_containers *containers, const struct hw_word_piece *piece, unsigned at)
{
	unsigned length = run_length(piece, at);

	if (length == 3)
		look_at_vector(containers, piece, at);
	else if (length == 4 && containers->libraries & HW_CXX_LLVM)
		look_at_llvm_deque(containers, piece, at);
	else if (length == 1)
		look_at_string(containers, piece, at);
	if (length == 1 && containers->libraries & HW_CXX_GNU)
		look_at_gnu_deque(containers, piece, at);
}

void hw_bodies_look(struct hw_containers *containers, const struct hw_word_piece *piece)
{
	if (piece->content == HW_CONTENT_STRING || piece->content == HW_CONTENT_WIDE)
		return;
	/* The last piece's end is the beginning of this one's: what stands before its first word was seen. */
	for (unsigned at = piece->offset ? 1 : 0; at < piece->count; at++) {
		if (!is_start(containers, piece, at))
			continue;
		count_reference(containers, piece->targets[at]);
		look_at_word(containers, piece, at);
	}
}
