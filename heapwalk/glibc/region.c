/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One region from its first chunk to its end: chain after chain, with what was skipped between. */
#include "heapwalk/glibc/walk.h"

static struct hw_error *add(struct hw_chain *chain, uint64_t address, enum hw_chunk_state state)
{
	return hw_region_add(chain->builder, address, state, HW_CONTENT_NONE) ? NULL : hw_error_no_memory();
}

static struct hw_error *add_fences(struct hw_chain *chain)
{
	unsigned unit = 2 * chain->layout->word_size;
	struct hw_error *error = NULL;

	for (uint64_t at = chain->at; at + unit <= chain->end && !error; at += unit)
		error = add(chain, at, HW_CHUNK_BOOKKEEPING);
	return error;
}

/* Top must end where its heap ends; in a main arena at a page. */
static void check_top(struct hw_chain *chain, enum hw_region_kind kind)
{
	bool fits = kind == HW_REGION_HEAP ? chain->end == chain->limit
					   : chain->end % chain->walk->snapshot->page_size == 0;

	if (!fits)
		hw_walk_note(chain->walk, HW_ANOMALY_TOP, chain->arena, chain->at + chain->layout->word_size,
			chain->previous, 0, "top ends at 0x%llx, expected the end of %s",
			(unsigned long long)chain->end, kind == HW_REGION_HEAP ? "its heap" : "a page");
}

static const char *what_was_found(const struct hw_chain *chain, uint64_t word, char *text, size_t size)
{
	snprintf(text, size, "0x%llx%s", (unsigned long long)word, chain->at == chain->top ? " as top" : "");
	return text;
}

static void note_loss(
	struct hw_chain *chain, enum hw_chain_end end, uint64_t lost, uint64_t word, uint64_t found)
{
	uint64_t size = (found ? found : chain->limit) - lost;
	char text[48];

	if (end == HW_CHAIN_UNREADABLE) {
		chain->walk->heap->missing += size;
		hw_walk_note(chain->walk, HW_ANOMALY_UNREADABLE, chain->arena, lost, 0, size,
			"memory from here cannot be read; %s",
			found ? "the walk goes on behind it" : "the rest of this heap is not seen");
		return;
	}
	hw_walk_note(chain->walk, chain->at == chain->top ? HW_ANOMALY_TOP : HW_ANOMALY_CHUNK_SIZE,
		chain->arena, lost + chain->layout->word_size, chain->previous, size,
		"expected the size of a chunk up to 0x%llx bytes, found %s; %s",
		(unsigned long long)(chain->limit - lost), what_was_found(chain, word, text, sizeof(text)),
		found ? "the walk goes on behind it" : "nothing behind it can be trusted");
}

/* The chain got lost at chain->at: says so, and where it goes on. chain->at is then the end of the gap. */
static struct hw_error *skip(struct hw_chain *chain, enum hw_chain_end end)
{
	struct hw_walk *walk = chain->walk;
	uint64_t lost = chain->at, word = 0, found;

	hw_walk_word(walk, lost + chain->layout->word_size, &word);
	found = hw_chain_resync(chain, lost + 2 * chain->layout->word_size);
	note_loss(chain, end, lost, word, found);
	chain->top_lost |= lost == chain->top;
	chain->at = found;
	return add(chain, lost, HW_CHUNK_SKIPPED);
}

/* Adds what the chain ended with. *done: the region is complete and ends at chain->end. */
static struct hw_error *finish(
	struct hw_chain *chain, enum hw_chain_end end, enum hw_region_kind kind, bool *done)
{
	struct hw_error *error;

	*done = true;
	switch (end) {
	case HW_CHAIN_TOP:
		check_top(chain, kind);
		return add(chain, chain->at, HW_CHUNK_TOP);
	case HW_CHAIN_FENCE:
		return add_fences(chain);
	case HW_CHAIN_TERMINATOR:
		return add(chain, chain->at, HW_CHUNK_BOOKKEEPING);
	case HW_CHAIN_NO_MEMORY:
		return hw_error_no_memory();
	case HW_CHAIN_LOST:
	case HW_CHAIN_UNREADABLE:
		break;
	}
	error = skip(chain, end);
	*done = !chain->at;
	chain->end = chain->limit;
	chain->previous = 0;
	return error;
}

/* Follows chains until the region's end. */
static struct hw_error *walk_chains(
	struct hw_chain *chain, enum hw_region_kind kind, bool tentative, bool *has_top, bool *failed)
{
	struct hw_error *error = NULL;
	bool done = false;

	while (!done && !error) {
		enum hw_chain_end end = hw_chain_follow(chain);

		*failed = tentative && (end == HW_CHAIN_LOST || end == HW_CHAIN_UNREADABLE);
		if (*failed)
			return NULL;
		*has_top = end == HW_CHAIN_TOP;
		error = finish(chain, end, kind, &done);
	}
	return error;
}

/* Forgets a tentative region and what was kept of its chunks. */
static void drop(struct hw_walk *walk, struct hw_region_builder *builder)
{
	hw_region_drop(builder);
	hw_links_truncate(&walk->free_links, walk->heap->chunks.count);
	hw_links_truncate(&walk->fast_links, walk->heap->chunks.count);
	while (walk->tcache_like_count &&
		walk->tcache_like[walk->tcache_like_count - 1] >= walk->heap->chunks.count)
		walk->tcache_like_count--;
}

struct hw_error *hw_region_walk(struct hw_walk *walk, enum hw_region_kind kind, uint32_t arena, uint64_t base,
	uint64_t start, uint64_t limit, bool tentative, uint64_t *end, bool *has_top)
{
	const struct hw_arena *owner = &walk->heap->arenas[arena];
	const struct hw_glibc *glibc = &walk->glibcs[owner->libc];
	struct hw_region_builder builder;
	struct hw_chain chain = {
		.walk = walk,
		.glibc = glibc,
		.layout = glibc->layout,
		.arena = arena,
		.is_main = owner->is_main,
		.start = start,
		.limit = limit,
		.top = owner->top,
		.at = start,
		.builder = &builder,
	};
	bool failed = false;
	struct hw_error *error;

	*end = 0;
	*has_top = false;
	if (limit > HW_ADDRESS_LIMIT)
		return NULL;
	error = hw_region_open(&builder, walk->heap, kind, arena, base);
	if (error)
		return error;
	error = walk_chains(&chain, kind, tentative, has_top, &failed);
	if (error || failed) {
		drop(walk, &builder);
		return error;
	}
	*end = chain.end;
	walk->bytes_done += chain.end - start;
	if (owner->top >= start && owner->top < chain.end && !*has_top && !chain.top_lost &&
		!hw_walk_is_missing(walk, owner->top))
		hw_walk_note(walk, HW_ANOMALY_TOP, arena, owner->address + glibc->layout->arena->top, 0, 0,
			"top is 0x%llx, where no chunk starts", (unsigned long long)owner->top);
	return hw_region_close(&builder, chain.end);
}
