/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * std::unordered_map and its kin. In libstdc++ (bits/hashtable.h) as in libc++ (__hash_table) the container
 * is buckets, number of buckets, first node, number of nodes, load factor; all nodes are one chain; a bucket
 * has the node before its first one, and of the chain's first node's bucket that is the word in the container
 * that leads to it. So an array of buckets has one pointer that leads to no chunk's start: to its container.
 */
#include "heapwalk/chunk_table.h"
#include "heapwalk/types/container.h"

enum { BUCKETS, BUCKET_COUNT, FIRST, COUNT, LOAD_FACTOR, HEADER_WORDS };

/* What malloc may add to a request. */
#define SLACK 32

/* Of a load factor, a float: 1/64 and 64. */
#define LEAST_LOAD UINT32_C(0x3c800000)
#define MOST_LOAD  UINT32_C(0x42800000)

/* The offset of the one word that leads out of an array of buckets; `count` words are looked at. */
struct buckets {
	unsigned nodes;  /* words that lead to chunks' starts */
	uint64_t leaves; /* the word that does not; 0: none did */
	bool other;      /* something that no such array has */
};

static void look_at_bucket(struct buckets *buckets, enum hw_kind kind, uint64_t word)
{
	if (kind == HW_KIND_ZERO)
		return;
	if (kind == HW_KIND_START)
		buckets->nodes++;
	else if (!buckets->leaves &&
		 (kind == HW_KIND_INSIDE || (kind >= HW_KIND_DATA && kind <= HW_KIND_MAPPED)))
		buckets->leaves = word;
	else
		buckets->other = true;
}

static void look_at_buckets(struct hw_containers *containers, const struct hw_word_piece *piece)
{
	unsigned slack = SLACK / containers->heap->word_size;
	bool whole = (uint64_t)piece->count * containers->heap->word_size == piece->usable;
	unsigned count = whole && piece->count > slack ? piece->count - slack : piece->count;
	struct buckets buckets = { .nodes = 0 };

	/* Behind the last bucket there may be anything. */
	for (unsigned i = 0; i < count && !buckets.other; i++)
		look_at_bucket(&buckets, (enum hw_kind)piece->kinds[i], piece->words[i]);
	for (unsigned i = count; i < piece->count && !buckets.other && !buckets.leaves; i++)
		look_at_bucket(&buckets, (enum hw_kind)piece->kinds[i], piece->words[i]);
	if (buckets.other || (whole && !buckets.leaves) || !(buckets.nodes || buckets.leaves))
		return;
	if (!hw_headers_add(&containers->buckets, buckets.leaves, piece->chunk))
		containers->failed = true;
}

void hw_hashes_look(struct hw_containers *containers, const struct hw_word_piece *piece)
{
	enum hw_kind first = (enum hw_kind)piece->kinds[0];
	uint32_t *next;

	if (piece->offset || piece->chunk == HW_NO_CHUNK || piece->count < 2)
		return;
	if (first == HW_KIND_ZERO || first == HW_KIND_START) {
		next = hw_node_links_add(&containers->chains, piece->chunk);
		if (next)
			*next = first == HW_KIND_START ? piece->targets[0] : HW_NO_LINK;
		else
			containers->failed = true;
	}
	look_at_buckets(containers, piece);
}

/* -------------------------------------------------------------------------------------------- whole
 * containers
 */

static bool is_header(struct hw_containers *containers, uint32_t buckets, uint64_t leaves)
{
	uint64_t word_size = containers->heap->word_size, words[HEADER_WORDS], usable;

	if (!hw_containers_read(containers, leaves - FIRST * word_size, words, HEADER_WORDS))
		return false;
	usable = hw_chunk_usable(containers->heap, buckets);
	return hw_containers_starts(containers, buckets, words[BUCKETS]) &&
	       words[BUCKET_COUNT] <= usable / word_size &&
	       hw_containers_is_size(containers, buckets, words[BUCKET_COUNT] * word_size) && words[COUNT] &&
	       (uint32_t)words[LOAD_FACTOR] >= LEAST_LOAD && (uint32_t)words[LOAD_FACTOR] <= MOST_LOAD;
}

/* The chain's nodes go to nodes[]: true if there are `count`. */
static bool gather(struct hw_containers *containers, uint64_t first, uint64_t count)
{
	uint32_t node;
	bool exact;

	if (count > containers->chains.count ||
		!hw_heap_locate(containers->heap, first - 2 * containers->heap->word_size, &node, &exact) ||
		!exact)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		const uint32_t *next = hw_node_links_of(&containers->chains, node);

		if (!next || !hw_node_links_take(&containers->chains, node) ||
			!hw_containers_queue(containers, i, node))
			return false;
		node = *next;
	}
	return node == HW_NO_LINK;
}

static bool name_table(struct hw_containers *containers, uint32_t buckets, uint64_t leaves)
{
	uint64_t words[HEADER_WORDS], word_size = containers->heap->word_size;

	if (!is_header(containers, buckets, leaves) ||
		!hw_containers_read(containers, leaves - FIRST * word_size, words, HEADER_WORDS) ||
		!gather(containers, words[FIRST], words[COUNT]))
		return false;
	for (uint64_t i = 0; i < words[COUNT]; i++)
		hw_containers_offer(containers, containers->nodes[i], HW_PART_HASH_NODE, HW_LEVEL_STRONG);
	hw_containers_offer(containers, buckets, HW_PART_BUCKETS, HW_LEVEL_STRONG);
	return true;
}

/* Where the word that leads out was not among the first: every word of the array that does so is tried. */
static void search_array(struct hw_containers *containers, uint32_t buckets)
{
	unsigned word_size = containers->heap->word_size;
	uint64_t user = hw_chunk_user(containers->heap, buckets);
	uint64_t end = user + hw_chunk_usable(containers->heap, buckets);
	struct buckets found = { .nodes = 0 };

	for (uint64_t at = user; at + word_size <= end; at += word_size) {
		const uint8_t *bytes = hw_window_view(&containers->arrays, at, word_size, NULL);
		uint64_t word = bytes ? hw_image_word(containers->heap->snapshot->image, bytes) : 0;
		uint32_t chunk;
		bool exact = false;

		if (!word)
			continue;
		if (hw_heap_locate(containers->heap, word - 2 * word_size, &chunk, &exact) && exact)
			continue;
		if (name_table(containers, buckets, word) || found.leaves)
			return;
		found.leaves = word;
	}
}

void hw_hashes_finish(struct hw_containers *containers)
{
	hw_node_links_seal(&containers->chains);
	hw_headers_sort(&containers->buckets);
	for (size_t i = 0; i < containers->buckets.count; i++) {
		const struct hw_header *buckets = &containers->buckets.items[i];

		if (buckets->address)
			name_table(containers, buckets->chunk, buckets->address);
		else
			search_array(containers, buckets->chunk);
	}
}
