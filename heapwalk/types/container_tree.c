/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * std::map, set, multimap and multiset: red-black trees. libstdc++ (bits/stl_tree.h): a node is colour,
 * parent, left, right, value; the header, in the container, has the same words (red; root, leftmost,
 * rightmost) and the number of nodes behind them. libc++ (__tree): left, right, parent, a byte for the
 * colour, value; the container has the leftmost node, then the end node, whose first word is the root, then
 * the number of nodes; the root's parent is the end node.
 */
#include "heapwalk/types/container.h"

enum { PARENT, LEFT, RIGHT, LINKS };

/* Where the words of a node stand, and what the words of a header are. */
struct layout {
	unsigned parent;
	unsigned left;
	unsigned right;
	unsigned colour;
	unsigned header_words;
	unsigned header_from; /* words before the address that the root's parent is */
	unsigned header_root;
	unsigned header_first;
	unsigned header_count;
};

static const struct layout layouts[] = {
	{ .colour = 0,
		.parent = 1,
		.left = 2,
		.right = 3,
		.header_words = 5,
		.header_root = 1,
		.header_first = 2,
		.header_count = 4 },
	{ .left = 0,
		.right = 1,
		.parent = 2,
		.colour = 3,
		.header_words = 3,
		.header_from = 1,
		.header_root = 1,
		.header_first = 0,
		.header_count = 2 },
};

/* An enum of libstdc++ has 4 bytes, a bool of libc++ 1: what is behind them in the word is padding or value.
 */
static bool is_colour(unsigned library, uint64_t word)
{
	return library ? (word & 0xff) <= 1 : (uint32_t)word <= 1;
}

static bool is_child(const struct hw_word_piece *piece, unsigned word)
{
	return piece->kinds[word] == HW_KIND_ZERO || piece->kinds[word] == HW_KIND_START;
}

static bool may_be_node(const struct hw_word_piece *piece, unsigned library)
{
	const struct layout *layout = &layouts[library];

	return is_colour(library, piece->words[layout->colour]) &&
	       hw_kind_is_pointer((enum hw_kind)piece->kinds[layout->parent]) &&
	       is_child(piece, layout->left) && is_child(piece, layout->right);
}

static uint32_t link_of(const struct hw_word_piece *piece, unsigned word)
{
	return piece->kinds[word] == HW_KIND_START ? piece->targets[word] : HW_NO_LINK;
}

static bool note(struct hw_containers *containers, const struct hw_word_piece *piece, unsigned library)
{
	const struct layout *layout = &layouts[library];
	uint32_t *links = hw_node_links_add(&containers->trees[library], piece->chunk);

	if (!links)
		return false;
	links[PARENT] = link_of(piece, layout->parent);
	links[LEFT] = link_of(piece, layout->left);
	links[RIGHT] = link_of(piece, layout->right);
	if (links[PARENT] != HW_NO_LINK)
		return true;
	return hw_headers_add(&containers->roots[library], piece->words[layout->parent], piece->chunk);
}

void hw_trees_look(struct hw_containers *containers, const struct hw_word_piece *piece)
{
	if (piece->offset || piece->chunk == HW_NO_CHUNK || piece->count < 4)
		return;
	for (unsigned library = 0; library < 2; library++) {
		if (containers->libraries & 1u << library && may_be_node(piece, library) &&
			!note(containers, piece, library))
			containers->failed = true;
	}
}

/* ------------------------------------------------------------------------------------------------ whole
 * trees
 */

/* The node's child on one side, if it says so too; `*fine` gets false where it does not. */
static uint32_t child_of(
	const struct hw_node_links *trees, const uint32_t *links, uint32_t node, unsigned side, bool *fine)
{
	const uint32_t *child;

	if (links[side] == HW_NO_LINK)
		return HW_NO_LINK;
	child = hw_node_links_of(trees, links[side]);
	*fine &= child && child[PARENT] == node;
	return links[side];
}

/* Gathers a tree's nodes breadth first in nodes[], at most `most`: how many, or 0 where links disagree. */
static uint64_t gather(
	struct hw_containers *containers, const struct hw_node_links *trees, uint32_t root, uint64_t most)
{
	bool fine = hw_containers_queue(containers, 0, root);
	uint64_t count = 1;

	for (uint64_t i = 0; fine && i < count; i++) {
		uint32_t node = containers->nodes[i];
		const uint32_t *links = hw_node_links_of(trees, node);

		for (unsigned side = LEFT; fine && side <= RIGHT; side++) {
			uint32_t child = child_of(trees, links, node, side, &fine);

			if (!fine || child == HW_NO_LINK)
				continue;
			fine = count < most && hw_containers_queue(containers, count++, child);
		}
	}
	return fine ? count : 0;
}

static bool is_first(const struct hw_containers *containers, const struct hw_node_links *trees, uint32_t root,
	uint64_t word)
{
	const uint32_t *links = hw_node_links_of(trees, root);

	/* Children were found to have us as their parent: no cycle. */
	while (links[LEFT] != HW_NO_LINK) {
		root = links[LEFT];
		links = hw_node_links_of(trees, root);
	}
	return hw_containers_starts(containers, root, word);
}

static void name_tree(struct hw_containers *containers, const struct hw_header *header, unsigned library)
{
	const struct layout *layout = &layouts[library];
	const struct hw_node_links *trees = &containers->trees[library];
	uint64_t words[5], count;

	if (!hw_containers_read(containers,
		    header->address - (uint64_t)layout->header_from * containers->heap->word_size, words,
		    layout->header_words))
		return;
	count = words[layout->header_count];
	if (!count || count > trees->count ||
		!hw_containers_starts(containers, header->chunk, words[layout->header_root]))
		return;
	if (!library && !is_colour(0, words[layout->colour]))
		return;
	if (gather(containers, trees, header->chunk, count) != count ||
		!is_first(containers, trees, header->chunk, words[layout->header_first]))
		return;
	for (uint64_t i = 0; i < count; i++)
		hw_containers_offer(containers, containers->nodes[i], HW_PART_TREE_NODE, HW_LEVEL_STRONG);
}

void hw_trees_finish(struct hw_containers *containers)
{
	for (unsigned library = 0; library < 2; library++) {
		hw_node_links_seal(&containers->trees[library]);
		hw_headers_sort(&containers->roots[library]);
		for (size_t i = 0; i < containers->roots[library].count; i++)
			name_tree(containers, &containers->roots[library].items[i], library);
	}
}
