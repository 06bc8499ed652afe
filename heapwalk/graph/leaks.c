/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lost families that look alike, counted together. */
#include "heapwalk/graph/graph.h"
#include "heapwalk/selection.h"

#define FIRST_SLOTS 256 /* a power of two */

/* Groups by a hash of what they have in common. */
struct grouping {
	const struct hw_heap *heap;
	const struct hw_typing *typing; /* NULL: nobody knows types */
	struct hw_leaks *leaks;
	size_t capacity;
	uint32_t *slots; /* index into groups + 1, 0: empty */
	size_t slot_count;
};

static size_t hash(const struct hw_leak_group *key)
{
	uint64_t mixed = key->chunk_size << 12 ^ (uint64_t)(key->type ? 0 : key->content) << 6 ^
			 (uint64_t)key->type << 44 ^ (uint64_t)key->shape << 3 ^ (uint64_t)key->kind ^
			 (key->is_stale ? UINT64_C(1) << 40 : 0);

	return (size_t)(mixed * UINT64_C(0x9e3779b97f4a7c15) >> 24);
}

static bool equal(const struct hw_leak_group *a, const struct hw_leak_group *b)
{
	return a->chunk_size == b->chunk_size && a->type == b->type && a->shape == b->shape &&
	       a->kind == b->kind && a->is_stale == b->is_stale && (a->type || a->content == b->content);
}

static uint32_t *slot_of(const struct grouping *grouping, const struct hw_leak_group *key)
{
	size_t mask = grouping->slot_count - 1, at = hash(key) & mask;

	while (grouping->slots[at] && !equal(&grouping->leaks->groups[grouping->slots[at] - 1], key))
		at = (at + 1) & mask;
	return &grouping->slots[at];
}

static bool rehash(struct grouping *grouping)
{
	size_t count = grouping->slot_count ? 2 * grouping->slot_count : FIRST_SLOTS;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return false;
	free(grouping->slots);
	grouping->slots = slots;
	grouping->slot_count = count;
	for (size_t i = 0; i < grouping->leaks->count; i++)
		*slot_of(grouping, &grouping->leaks->groups[i]) = (uint32_t)i + 1;
	return true;
}

static uint32_t type_of(const struct hw_typing *typing, uint32_t chunk)
{
	const struct hw_chunk_type *answer = typing ? hw_chunk_type(typing, chunk) : NULL;

	return answer && hw_chunk_type_is_told(answer, HW_LEVEL_LIKELY) ? answer->type : 0;
}

/* What the families of a group with this head share. */
static struct hw_leak_group key_of(
	const struct grouping *grouping, uint32_t head, enum hw_leak_kind kind, enum hw_lost_shape shape)
{
	const struct hw_heap *heap = grouping->heap;
	struct hw_leak_group key = {
		.kind = kind,
		.shape = shape,
		/* A sample would tear a group apart: into those that were looked into and the rest. */
		.content = heap->content_sampled ? HW_CONTENT_NONE : hw_chunk_content(heap, head),
		.type = type_of(grouping->typing, head),
		.chunk_size = hw_chunk_size(heap, head),
		.usable = hw_chunk_usable(heap, head),
		.example = head,
	};

	if (hw_chunk_state(heap, head) == HW_CHUNK_MMAPPED)
		hw_mmapped_requests(heap, head, &key.request_low, &key.request_high);
	else
		hw_heap_chunk_to_requests(heap, key.chunk_size, &key.request_low, &key.request_high);
	return key;
}

static bool add(struct grouping *grouping, const struct hw_leak_group *key, const struct hw_lost_tree *tree)
{
	struct hw_leaks *leaks = grouping->leaks;
	struct hw_leak_group *group;
	uint32_t *slot;

	if (4 * leaks->count >= 3 * grouping->slot_count && !rehash(grouping))
		return false;
	slot = slot_of(grouping, key);
	if (!*slot) {
		group = hw_array_next(leaks->groups, leaks->count, grouping->capacity);
		if (!group)
			return false;
		*group = *key;
		*slot = (uint32_t)++leaks->count;
	}
	group = &leaks->groups[*slot - 1];
	group->families++;
	group->blocks += tree->blocks;
	group->bytes += tree->bytes;
	group->head_bytes += key->chunk_size;
	if (tree->bytes > group->most) {
		group->most = tree->bytes;
		group->example = tree->head;
	}
	return true;
}

static bool add_families(
	struct grouping *grouping, const struct hw_graph *graph, const struct hw_chunk_iterator *meant)
{
	struct hw_leaks *leaks = grouping->leaks;

	for (size_t i = 0; i < graph->tree_count; i++) {
		const struct hw_lost_tree *tree = &graph->trees[i];
		struct hw_leak_group key;

		if (!hw_chunk_iterator_visits(meant, tree->head))
			continue;
		key = key_of(grouping, tree->head, HW_LEAK_DEFINITE, hw_lost_tree_shape(tree));
		if (!add(grouping, &key, tree))
			return false;
		leaks->definite.chunks++;
		leaks->definite.bytes += key.chunk_size;
		leaks->indirect.chunks += tree->blocks - 1;
		leaks->indirect.bytes += tree->bytes - key.chunk_size;
	}
	return true;
}

/* Single blocks: possibly lost, and those that only a stale word leads to. */
static bool add_blocks(
	struct grouping *grouping, const struct hw_graph *graph, const struct hw_chunk_iterator *meant)
{
	struct hw_leaks *leaks = grouping->leaks;

	for (uint32_t i = 0; i < graph->heap->chunks.count; i++) {
		struct hw_lost_tree alone = { .head = i, .blocks = 1 };
		enum hw_leak_kind kind = hw_chunk_leak_kind(graph, i);
		bool is_stale = hw_chunk_is_stale(graph, i);
		struct hw_tally *tally = is_stale ? &leaks->stale : &leaks->possible;
		struct hw_leak_group key;

		if ((kind != HW_LEAK_POSSIBLE && !is_stale) || !hw_chunk_iterator_visits(meant, i))
			continue;
		alone.bytes = hw_chunk_size(graph->heap, i);
		key = key_of(grouping, i, is_stale ? HW_LEAK_REACHABLE : kind, HW_LOST_BLOCK);
		key.is_stale = is_stale;
		if (!add(grouping, &key, &alone))
			return false;
		tally->chunks++;
		tally->bytes += alone.bytes;
	}
	return true;
}

/* What is said first. */
static int rank(const struct hw_leak_group *group)
{
	return group->kind == HW_LEAK_DEFINITE ? 0 : group->is_stale ? 1 : 2;
}

static int compare(const void *left, const void *right)
{
	const struct hw_leak_group *a = left, *b = right;

	if (rank(a) != rank(b))
		return rank(a) - rank(b);
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return a->example < b->example ? -1 : a->example > b->example;
}

struct hw_error *hw_leaks_build(const struct hw_graph *graph, const struct hw_selection *selection,
	const struct hw_typing *typing, struct hw_leaks **leaks)
{
	struct hw_selection heads = *selection;
	struct grouping grouping = {
		.heap = graph->heap,
		.typing = typing,
		.leaks = calloc(1, sizeof(**leaks)),
	};
	struct hw_chunk_iterator meant;
	bool done;

	if (!grouping.leaks)
		return hw_error_no_memory();
	heads.states = heads.leaks = 0;
	hw_chunk_iterator_init(&meant, graph->heap, &heads, false);
	done = add_families(&grouping, graph, &meant) && add_blocks(&grouping, graph, &meant);
	free(grouping.slots);
	if (!done) {
		hw_leaks_destroy(grouping.leaks);
		return hw_error_no_memory();
	}
	if (grouping.leaks->count)
		qsort(grouping.leaks->groups, grouping.leaks->count, sizeof(*grouping.leaks->groups),
			compare);
	*leaks = grouping.leaks;
	return NULL;
}

void hw_leaks_destroy(struct hw_leaks *leaks)
{
	if (!leaks)
		return;
	free(leaks->groups);
	free(leaks);
}
