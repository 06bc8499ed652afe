/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * std::list: rings of nodes that begin with two pointers, next and previous in libstdc++ (bits/stl_list.h),
 * previous and next in libc++ (list): seen from the other end the same. The container is a member of the ring
 * itself and has the number of nodes behind its two pointers. It may lie in a variable, within a chunk, or at
 * a chunk's start, where it looks like a node.
 */
#include "heapwalk/types/container.h"

/* The numbers noted: what the first two words lead to, and the third, as far as it may be a count. */
enum { NEXT, PREVIOUS, THIRD, NUMBERS };

#define NO_COUNT UINT32_MAX

static uint32_t link_of(const struct hw_word_piece *piece, unsigned word)
{
	return piece->kinds[word] == HW_KIND_START ? piece->targets[word] : HW_NO_LINK;
}

static bool may_link(const struct hw_word_piece *piece, unsigned word)
{
	enum hw_kind kind = (enum hw_kind)piece->kinds[word];

	return kind == HW_KIND_START || kind == HW_KIND_INSIDE ||
	       (kind >= HW_KIND_DATA && kind <= HW_KIND_MAPPED);
}

static bool note(struct hw_containers *containers, const struct hw_word_piece *piece)
{
	uint32_t *numbers = hw_node_links_add(&containers->lists, piece->chunk);

	if (!numbers)
		return false;
	numbers[NEXT] = link_of(piece, 0);
	numbers[PREVIOUS] = link_of(piece, 1);
	numbers[THIRD] = piece->words[2] < NO_COUNT ? (uint32_t)piece->words[2] : NO_COUNT;
	return numbers[PREVIOUS] != HW_NO_LINK ||
	       hw_headers_add(&containers->ends, piece->words[1], piece->chunk);
}

void hw_lists_look(struct hw_containers *containers, const struct hw_word_piece *piece)
{
	if (piece->offset || piece->chunk == HW_NO_CHUNK || piece->count < 3)
		return;
	if (may_link(piece, 0) && may_link(piece, 1) && !note(containers, piece))
		containers->failed = true;
}

/*
 * Gathers what follows `first` in nodes[], `most` at most, until nothing does or it comes round: how many.
 * 0: the links disagree, or another list has been here.
 */
static uint64_t gather(struct hw_containers *containers, uint32_t first, uint64_t most, bool *ring)
{
	struct hw_node_links *lists = &containers->lists;
	uint32_t node = first;

	*ring = false;
	for (uint64_t count = 1; count <= most; count++) {
		uint32_t next = hw_node_links_of(lists, node)[NEXT];
		const uint32_t *numbers;

		if (!hw_node_links_take(lists, node) || !hw_containers_queue(containers, count - 1, node))
			return 0;
		if (next == HW_NO_LINK)
			return count;
		numbers = hw_node_links_of(lists, next);
		if (!numbers || numbers[PREVIOUS] != node)
			return 0;
		*ring = next == first;
		if (*ring)
			return count;
		node = next;
	}
	return 0;
}

static void offer(struct hw_containers *containers, uint64_t count, uint32_t but)
{
	for (uint64_t i = 0; i < count; i++) {
		if (containers->nodes[i] != but)
			hw_containers_offer(
				containers, containers->nodes[i], HW_PART_LIST_NODE, HW_LEVEL_STRONG);
	}
}

/* `header` is where the first node's previous word points. */
static void name_list(struct hw_containers *containers, const struct hw_header *header)
{
	uint64_t words[3];
	bool ring;

	if (!hw_containers_read(containers, header->address, words, 3) || !words[2] ||
		words[2] > containers->lists.count ||
		!hw_containers_starts(containers, header->chunk, words[NEXT]))
		return;
	if (gather(containers, header->chunk, words[2], &ring) == words[2] && !ring &&
		hw_containers_starts(containers, containers->nodes[words[2] - 1], words[PREVIOUS]))
		offer(containers, words[2], HW_NO_CHUNK);
}

/* The one member of a ring that has the number of the others behind its links is the container. */
static uint32_t header_of(const struct hw_containers *containers, uint64_t count)
{
	uint32_t header = HW_NO_CHUNK;

	for (uint64_t i = 0; i < count; i++) {
		uint32_t node = containers->nodes[i];

		if (hw_node_links_of(&containers->lists, node)[THIRD] != count - 1)
			continue;
		if (header != HW_NO_CHUNK)
			return HW_NO_CHUNK;
		header = node;
	}
	return header;
}

static void name_ring(struct hw_containers *containers, uint32_t first)
{
	bool ring;
	uint64_t count = gather(containers, first, containers->lists.count, &ring);
	uint32_t header = ring && count > 1 ? header_of(containers, count) : HW_NO_CHUNK;

	if (header != HW_NO_CHUNK)
		offer(containers, count, header);
}

/* A container at a chunk's start has a count there: only from such ones rings are gone round. */
static void name_rings(struct hw_containers *containers)
{
	for (uint32_t chunk = 0; chunk < containers->lists.chunk_count; chunk++) {
		const uint32_t *numbers = hw_node_links_of(&containers->lists, chunk);

		if (numbers && numbers[THIRD] && numbers[THIRD] < containers->lists.count &&
			numbers[NEXT] != HW_NO_LINK && numbers[PREVIOUS] != HW_NO_LINK &&
			!hw_node_links_taken(&containers->lists, chunk))
			name_ring(containers, chunk);
	}
}

void hw_lists_finish(struct hw_containers *containers)
{
	hw_node_links_seal(&containers->lists);
	hw_headers_sort(&containers->ends);
	for (size_t i = 0; i < containers->ends.count; i++)
		name_list(containers, &containers->ends.items[i]);
	name_rings(containers);
}
