/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which members refer to texts, from what they refer to throughout the heap. */
#include "heapwalk/graph/texts.h"

/* Shorter ones may be numbers. */
#define TEXT_LEAST 5

/* A member refers to texts if these many were seen, in chunks of these many sizes, and no more else. */
#define PROOF_TEXTS 16
#define PROOF_SIZES 3

/* A larger chunk is an array: its words are one member. */
#define STRUCT_MOST 512

/* Texts are looked at so far, and so many of one member. */
#define LOOK_MOST   ((size_t)4096)
#define LOOK_SAMPLE 1024

/*
 * What refers to texts: chunks of one size and content at one offset, or all words of one array. `key` is
 * size, content and offset in words; or ARRAY and the chunk.
 */
struct member {
	uint64_t key;
	uint64_t sizes; /* a bit each, by a hash */
	uint32_t texts;
	uint32_t others;
};

#define ARRAY (UINT64_C(1) << 63)

/* A suspect's chunk and one that refers to it. */
struct holding {
	uint64_t key;
	uint32_t chunk;
};

struct proof {
	struct hw_scan *scan;
	const struct hw_graph *graph;
	const struct hw_heap *heap;
	uint64_t *wanted; /* a bit each: chunks of suspects */
	uint64_t *proven; /* of them those that some member refers to as a text */
	struct holding *holdings;
	size_t holding_count;
	size_t holding_capacity;
	struct member *members; /* by key */
	size_t member_count;
	uint8_t bytes[LOOK_MOST];
	bool out_of_memory;
};

static bool is_text(uint8_t byte)
{
	return (byte >= 0x20 && byte < 0x7f) || (byte >= '\t' && byte <= '\r');
}

uint64_t hw_text_fits(const struct hw_heap *heap, uint32_t chunk, const uint8_t *bytes)
{
	uint64_t length = 0, usable = hw_scan_usable(heap, chunk), low, high;

	while (length < usable && is_text(bytes[length]))
		length++;
	if (length < TEXT_LEAST || length == usable || bytes[length])
		return 0;
	hw_heap_chunk_to_requests(heap, hw_chunk_size(heap, chunk), &low, &high);
	return length + 1 >= low ? length + 1 : 0;
}

static bool has(const uint64_t *bits, uint32_t chunk)
{
	return bits[chunk / 64] >> chunk % 64 & 1;
}

static void set(uint64_t *bits, uint32_t chunk)
{
	bits[chunk / 64] |= UINT64_C(1) << chunk % 64;
}

static uint64_t key_of(const struct hw_heap *heap, uint32_t chunk, uint64_t offset)
{
	uint64_t size = hw_chunk_size(heap, chunk);

	if (size > STRUCT_MOST)
		return ARRAY | chunk;
	return size << 16 | (uint64_t)hw_chunk_content(heap, chunk) << 8 | offset / heap->word_size;
}

static void add_holding(struct proof *proof, uint64_t key, uint32_t chunk)
{
	struct holding *slot = hw_array_next(proof->holdings, proof->holding_count, proof->holding_capacity);

	if (!slot) {
		proof->out_of_memory = true;
		return;
	}
	*slot = (struct holding){ .key = key, .chunk = chunk };
	proof->holding_count++;
}

/* The words of a struct that point to a wanted chunk's start. */
static void note_words(struct proof *proof, uint32_t holder)
{
	const struct hw_heap *heap = proof->heap;
	uint64_t usable = hw_scan_usable(heap, holder);
	const uint8_t *bytes =
		hw_window_view(&proof->scan->window, hw_chunk_user(heap, holder), usable, NULL);
	uint32_t reference;

	for (uint64_t at = 0; bytes && at + heap->word_size <= usable; at += heap->word_size) {
		uint64_t word = hw_image_word(heap->snapshot->image, bytes + at);

		if (hw_scan_word(proof->scan, word, &reference) && !hw_reference_is_interior(reference) &&
			has(proof->wanted, reference))
			add_holding(proof, key_of(heap, holder, at), reference);
	}
}

static void note_holdings(struct proof *proof, uint32_t holder)
{
	const struct hw_references *references = &proof->graph->parts->references;
	uint64_t end = hw_references_row(references, holder + 1);
	bool is_array = hw_chunk_size(proof->heap, holder) > STRUCT_MOST;

	for (uint64_t i = hw_references_row(references, holder); i < end; i++) {
		uint32_t reference = references->targets[i];

		if (hw_reference_is_interior(reference) || !has(proof->wanted, reference))
			continue;
		if (!is_array) {
			note_words(proof, holder);
			return;
		}
		add_holding(proof, ARRAY | holder, reference);
	}
}

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* One member for each distinct key; the keys are the first word of either structure. */
static bool make_members(struct proof *proof)
{
	proof->members = calloc(proof->holding_count + 1, sizeof(*proof->members));
	if (!proof->members)
		return false;
	for (size_t i = 0; i < proof->holding_count; i++)
		proof->members[i].key = proof->holdings[i].key;
	qsort(proof->members, proof->holding_count, sizeof(*proof->members), compare);
	for (size_t i = 0; i < proof->holding_count; i++) {
		if (!i || proof->members[i].key != proof->members[proof->member_count - 1].key)
			proof->members[proof->member_count++].key = proof->members[i].key;
	}
	return true;
}

/* The first member whose key is not less. */
static struct member *member_at(const struct proof *proof, uint64_t key)
{
	size_t low = 0, high = proof->member_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (proof->members[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return &proof->members[low];
}

/* What a member refers to: a text that fits its chunk, or something else. Empty ones say nothing. */
static void count(struct proof *proof, struct member *member, uint32_t chunk)
{
	const struct hw_heap *heap = proof->heap;
	uint64_t usable = hw_scan_usable(heap, chunk);

	if (member->texts + member->others >= LOOK_SAMPLE || hw_chunk_content(heap, chunk) == HW_CONTENT_ZERO)
		return;
	if (usable > LOOK_MOST ||
		hw_image_read_some(heap->snapshot->image, hw_chunk_user(heap, chunk), proof->bytes, usable) !=
			usable ||
		!hw_text_fits(heap, chunk, proof->bytes)) {
		member->others++;
		return;
	}
	member->texts++;
	member->sizes |= UINT64_C(1) << hw_chunk_size(heap, chunk) / heap->alignment % 64;
}

static void count_array(struct proof *proof, struct member *member)
{
	const struct hw_references *references = &proof->graph->parts->references;
	uint32_t array = (uint32_t)(member->key & UINT32_MAX);
	uint64_t end = hw_references_row(references, array + 1);

	for (uint64_t i = hw_references_row(references, array); i < end; i++) {
		if (!hw_reference_is_interior(references->targets[i]))
			count(proof, member, references->targets[i]);
	}
}

static void count_struct(struct proof *proof, uint32_t holder)
{
	const struct hw_heap *heap = proof->heap;
	uint64_t first = key_of(heap, holder, 0), usable = hw_scan_usable(heap, holder);
	struct member *member = member_at(proof, first);
	struct member *end = proof->members + proof->member_count;
	const uint8_t *bytes = NULL;

	for (; member < end && member->key >> 8 == first >> 8; member++) {
		uint64_t offset = (member->key & 0xff) * heap->word_size;
		uint32_t reference;

		if (!bytes)
			bytes = hw_window_view(
				&proof->scan->window, hw_chunk_user(heap, holder), usable, NULL);
		if (!bytes)
			return;
		if (hw_scan_word(
			    proof->scan, hw_image_word(heap->snapshot->image, bytes + offset), &reference) &&
			!hw_reference_is_interior(reference))
			count(proof, member, reference);
	}
}

static bool is_proven(const struct member *member)
{
	return member->texts >= PROOF_TEXTS && member->others <= member->texts &&
	       __builtin_popcountll(member->sizes) >= PROOF_SIZES;
}

static void count_all(struct proof *proof)
{
	const struct hw_references *references = &proof->graph->parts->references;

	for (uint32_t i = 0; i < references->node_count; i++) {
		if (hw_references_row(references, i) != hw_references_row(references, i + 1) &&
			hw_chunk_is_reached(proof->graph, i) && hw_chunk_size(proof->heap, i) <= STRUCT_MOST)
			count_struct(proof, i);
	}
	for (size_t i = 0; i < proof->member_count; i++) {
		if (proof->members[i].key & ARRAY)
			count_array(proof, &proof->members[i]);
	}
}

static bool find_holders(struct proof *proof)
{
	const struct hw_references *references = &proof->graph->parts->references;

	for (uint32_t i = 0; i < references->node_count && !proof->out_of_memory; i++) {
		if (hw_chunk_is_reached(proof->graph, i))
			note_holdings(proof, i);
	}
	return !proof->out_of_memory && make_members(proof);
}

/* Keeps the suspects whose chunk is proven to be a text. */
static void sort_out(const struct proof *proof, struct hw_suspects *suspects)
{
	size_t kept = 0;

	for (size_t i = 0; i < proof->holding_count; i++) {
		if (is_proven(member_at(proof, proof->holdings[i].key)))
			set(proof->proven, proof->holdings[i].chunk);
	}
	for (size_t i = 0; i < suspects->count; i++) {
		if (!suspects->suspects[i].is_text || has(proof->proven, suspects->suspects[i].source))
			suspects->suspects[kept++] = suspects->suspects[i];
	}
	suspects->count = kept;
}

static bool prove(struct proof *proof, struct hw_suspects *suspects)
{
	size_t words = (size_t)proof->heap->chunks.count / 64 + 1;

	proof->wanted = calloc(words, sizeof(*proof->wanted));
	proof->proven = calloc(words, sizeof(*proof->proven));
	if (!proof->wanted || !proof->proven)
		return false;
	for (size_t i = 0; i < suspects->count; i++) {
		if (suspects->suspects[i].is_text)
			set(proof->wanted, suspects->suspects[i].source);
	}
	if (!find_holders(proof))
		return false;
	count_all(proof);
	sort_out(proof, suspects);
	return true;
}

struct hw_error *hw_texts_prove(
	struct hw_scan *scan, const struct hw_graph *graph, struct hw_suspects *suspects)
{
	struct proof *proof;
	bool done;

	if (!suspects->count)
		return NULL;
	proof = calloc(1, sizeof(*proof));
	if (!proof)
		return hw_error_no_memory();
	proof->scan = scan;
	proof->graph = graph;
	proof->heap = graph->heap;
	done = prove(proof, suspects);
	free(proof->wanted);
	free(proof->proven);
	free(proof->holdings);
	free(proof->members);
	free(proof);
	return done ? NULL : hw_error_no_memory();
}
