/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Following chunks by their sizes: the innermost loop of a walk. Memory is read once, in address order; what
 * the later stages need of a chunk (links of free ones, content of used ones) is taken on the way.
 */
#include "heapwalk/glibc/walk.h"

/* As much of a chunk as the classifier may want to see. */
#define CONTENT_BYTES 4096

/* Pseudo-chunks in a row at most (malloc.c, sysmalloc(): two, and a third made of a remainder). */
#define FENCE_LIMIT 4

/* A chunk's first two words. */
struct header {
	uint64_t prev_size;
	uint64_t word; /* size and bits */
};

/* The target's words; constants for the common machine, so that the innermost loop does not ask. */
struct machine {
	unsigned word_size;
	bool big_endian;
};

static inline struct machine machine_of(const struct hw_image *image)
{
	return (struct machine){ image->word_size, image->big_endian };
}

/* The header at `address`, from what is shown if it is there, else by a small read: what is shown stays. */
static inline bool read_header(
	const struct hw_walk *walk, struct machine machine, uint64_t address, struct header *header)
{
	unsigned word = machine.word_size;
	const uint8_t *bytes = hw_window_peek(&walk->reader, address, 2 * word);
	uint8_t small[16];

	if (!bytes) {
		if (hw_image_read_some(walk->image, address, small, 2 * word) != 2 * word)
			return false;
		bytes = small;
	}
	header->prev_size = hw_word_load(bytes, word, machine.big_endian);
	header->word = hw_word_load(bytes + word, word, machine.big_endian);
	return true;
}

/* What a size word must be to be a chunk's. */
struct rules {
	uint64_t forbidden; /* bits */
	uint64_t minimum;
	uint64_t limit; /* no chunk may pass it */
};

static struct rules rules_of(const struct hw_chain *chain)
{
	unsigned bits = chain->is_main ? HW_IS_MMAPPED | HW_NON_MAIN : HW_IS_MMAPPED;

	return (struct rules){
		.forbidden = bits | ((chain->layout->alignment - 1) & ~(unsigned)HW_SIZE_BITS),
		.minimum = hw_layout_minimum(chain->layout),
		.limit = chain->limit,
	};
}

/* May a chunk at `address` have this size word? */
static inline bool is_legal(const struct rules *rules, uint64_t address, uint64_t word)
{
	uint64_t size = word & ~(uint64_t)HW_SIZE_BITS;

	return !(word & rules->forbidden) && size >= rules->minimum && size <= HW_CHUNK_SIZE_LIMIT &&
	       address < rules->limit && size < rules->limit - address;
}

/* Two to four pseudo-chunks of two words that end, but for alignment, on a page: the end of a piece of a main
 * arena. */
static bool is_fence(struct hw_chain *chain, uint64_t address)
{
	unsigned unit = 2 * chain->layout->word_size;
	uint64_t page = chain->walk->snapshot->page_size;
	struct header header;
	unsigned count = 0;

	while (count < FENCE_LIMIT &&
		read_header(chain->walk, machine_of(chain->walk->image), address + count * unit, &header) &&
		(header.word & ~(uint64_t)HW_PREV_INUSE) == unit) {
		count++;
		if ((address + count * unit) % page == 0)
			break;
	}
	chain->end = hw_round_up(address + count * unit, page);
	return chain->is_main && count >= 2 &&
	       chain->end - (address + count * unit) < chain->layout->alignment && chain->end <= chain->limit;
}

/*
 * The end of a heap that is not the newest: a size of 0, and before it a pseudo-chunk of two words if what
 * was top could be freed (arena.c and sysmalloc()).
 */
static bool is_terminator(const struct hw_chain *chain, uint64_t size)
{
	unsigned unit = 2 * chain->layout->word_size;
	struct header behind;

	if (chain->is_main || chain->limit - chain->at > 2 * unit + chain->layout->alignment)
		return false;
	return !size ||
	       (size == unit &&
		       read_header(chain->walk, machine_of(chain->walk->image), chain->at + unit, &behind) &&
		       !(behind.word & ~(uint64_t)HW_SIZE_BITS));
}

/* The chain stands at a size word that is no chunk's: why? */
static enum hw_chain_end find_end(struct hw_chain *chain, uint64_t word)
{
	uint64_t size = word & ~(uint64_t)HW_SIZE_BITS;

	if (is_terminator(chain, size)) {
		chain->end = chain->limit;
		return HW_CHAIN_TERMINATOR;
	}
	if (size == 2 * chain->layout->word_size && is_fence(chain, chain->at))
		return HW_CHAIN_FENCE;
	return HW_CHAIN_LOST;
}

static enum hw_chain_end find_top_end(struct hw_chain *chain, uint64_t word)
{
	uint64_t size = word & ~(uint64_t)HW_SIZE_BITS;

	if (size < hw_layout_minimum(chain->layout) || size > chain->limit - chain->at)
		return HW_CHAIN_LOST;
	chain->end = chain->at + size;
	return HW_CHAIN_TOP;
}

/* ------------------------------------------------------------------------------ what is kept of a chunk */

static bool keep_free_links(struct hw_chain *chain, uint64_t address, uint64_t size)
{
	struct hw_walk *walk = chain->walk;
	unsigned word = chain->layout->word_size;
	uint64_t links[2] = { 0, 0 };
	size_t available;
	const uint8_t *bytes = hw_window_view(&walk->reader, address, hw_min(4 * word, size), &available);

	if (bytes) {
		links[0] = hw_image_word(walk->image, bytes + 2 * word);
		links[1] = hw_image_word(walk->image, bytes + 3 * word);
	}
	return hw_links_add(&walk->free_links, walk->heap->chunks.count, links);
}

/* A used chunk may be in a fastbin if what lies in its first word leads to the heap, or nowhere. */
static bool keep_fast_link(struct hw_chain *chain, uint64_t address, const uint8_t *bytes)
{
	struct hw_walk *walk = chain->walk;
	uint64_t place = address + 2 * chain->layout->word_size;
	uint64_t next = hw_link_decode(chain->layout, place, hw_image_word(walk->image, bytes));

	if (next && (next & (2 * chain->layout->word_size - 1) || !hw_area_at(walk, next)))
		return true;
	return hw_links_add(&walk->fast_links, walk->heap->chunks.count, &next);
}

/* global_max_fast is static in libc; mallopt(M_MXFAST) allows 80 * SIZE_SZ / 4 bytes at most. */
static bool is_fast_size(const struct hw_layout *layout, uint64_t size)
{
	return size <= 80 * layout->word_size / 4 + layout->word_size + layout->alignment;
}

/* Notes a chunk that may hold a tcache struct. False when memory is short. */
static bool keep_tcache_like(struct hw_chain *chain, const uint8_t *bytes, size_t available)
{
	struct hw_walk *walk = chain->walk;
	uint32_t *like;

	if (!hw_tcache_is_like(walk, chain->glibc, bytes, available))
		return true;
	like = hw_array_next(walk->tcache_like, walk->tcache_like_count, walk->tcache_like_capacity);
	if (!like)
		return false;
	*like = walk->heap->chunks.count;
	walk->tcache_like_count++;
	return true;
}

/* One in HW_SAMPLE_STEP by Fibonacci hashing: neighbours, and every nth of a pattern, are equally likely. */
static bool is_in_sample(uint64_t address)
{
	return (address >> 4) * 0x9e3779b97f4a7c15u < UINT64_MAX / HW_SAMPLE_STEP;
}

static bool is_looked_into(struct hw_walk *walk, uint64_t address, uint64_t size)
{
	struct hw_heap *heap = walk->heap;
	uint32_t *from = &heap->sampled_from[size / 8];

	if (!walk->classifier || !heap->content_sampled || size > HW_SAMPLED_CHUNK)
		return walk->classifier;
	if (heap->chunks.count >= *from)
		return is_in_sample(address);
	if (++walk->looked_into[size / 8] == HW_SAMPLE_FIRST)
		*from = heap->chunks.count + 1;
	return true;
}

static bool add_used(struct hw_chain *chain, uint64_t address, uint64_t size)
{
	struct hw_walk *walk = chain->walk;
	unsigned word = chain->layout->word_size;
	enum hw_content content = HW_CONTENT_NONE;
	uint64_t usable = size - word;
	size_t available = 0;
	const uint8_t *bytes = hw_window_view(
		&walk->reader, address, hw_min(usable - word, CONTENT_BYTES) + 2 * word, &available);

	if (bytes) {
		bytes += 2 * word;
		available -= 2 * word;
		if (is_looked_into(walk, address, size))
			content = hw_classifier_classify(walk->classifier, bytes, available, usable);
		if (chain->glibc->has_fastbins && is_fast_size(chain->layout, size) &&
			!keep_fast_link(chain, address, bytes))
			return false;
		if (size >= chain->glibc->tcache_low && size <= chain->glibc->tcache_high &&
			!keep_tcache_like(chain, bytes, hw_min(available, usable)))
			return false;
	}
	return hw_region_add(chain->builder, address, HW_CHUNK_LIVE, content);
}

/* Is the header at `address` so damaged that its word on the chunk of `size` bytes before it counts for
 * nothing?
 */
static bool is_overwritten(
	const struct hw_chain *chain, uint64_t address, uint64_t size, const struct header *header)
{
	struct rules rules = rules_of(chain);
	bool is_chunk = is_legal(&rules, address, header->word) ||
			(header->word & ~(uint64_t)HW_PREV_INUSE) == 2 * chain->layout->word_size;

	/* Nothing free lies before top: it would be part of top. */
	return header->prev_size != size && (address == chain->top || !is_chunk);
}

/* The chunk at `address` with `word` as its size word, and what the header behind it says of it. */
static bool add_chunk(struct hw_chain *chain, uint64_t address, uint64_t word, const struct header *next)
{
	struct hw_walk *walk = chain->walk;
	uint64_t size = word & ~(uint64_t)HW_SIZE_BITS;

	if (next->word & HW_PREV_INUSE || is_overwritten(chain, address + size, size, next)) {
		/* A fence of a heap that is not the newest looks like a minimum chunk without its arena bit.
		 */
		if (!chain->is_main && !(word & HW_NON_MAIN) && !(next->word & ~(uint64_t)HW_SIZE_BITS))
			return hw_region_add(chain->builder, address, HW_CHUNK_BOOKKEEPING, HW_CONTENT_NONE);
		return add_used(chain, address, size);
	}
	if (next->prev_size != size)
		hw_walk_note(walk, HW_ANOMALY_PREVIOUS_SIZE, chain->arena, address + size, address, 0,
			"the free chunk before it has 0x%llx bytes, its footer says 0x%llx",
			(unsigned long long)size, (unsigned long long)next->prev_size);
	return keep_free_links(chain, address, size) &&
	       hw_region_add(chain->builder, address, HW_CHUNK_UNBINNED, HW_CONTENT_NONE);
}

/* Every so many chunks the progress is told: a few thousandths of a second. */
#define PROGRESS_STEP 0x10000

static void tell_progress(const struct hw_chain *chain)
{
	const struct hw_walk *walk = chain->walk;

	if (walk->options && walk->options->progress)
		walk->options->progress(
			hw_min(walk->bytes_done + (chain->at - chain->start), walk->bytes_total),
			walk->bytes_total, walk->options->argument);
}

static inline __attribute__((always_inline)) enum hw_chain_end follow(
	struct hw_chain *chain, struct machine machine)
{
	const struct rules rules = rules_of(chain);
	struct header here, next;

	if (!read_header(chain->walk, machine, chain->at, &here))
		return HW_CHAIN_UNREADABLE;
	for (;;) {
		if (chain->at == chain->top)
			return find_top_end(chain, here.word);
		if (!is_legal(&rules, chain->at, here.word))
			return find_end(chain, here.word);
		uint64_t behind = chain->at + (here.word & ~(uint64_t)HW_SIZE_BITS);

		if (!read_header(chain->walk, machine, behind, &next))
			return HW_CHAIN_UNREADABLE;
		if (!add_chunk(chain, chain->at, here.word, &next))
			return HW_CHAIN_NO_MEMORY;
		if (chain->walk->heap->chunks.count % PROGRESS_STEP == 0)
			tell_progress(chain);
		chain->previous = chain->at;
		chain->at = behind;
		here = next;
	}
}

enum hw_chain_end hw_chain_follow(struct hw_chain *chain)
{
	struct machine machine = machine_of(chain->walk->image);

	if (machine.word_size == 8 && !machine.big_endian)
		return follow(chain, (struct machine){ 8, false });
	return follow(chain, machine);
}

/* Free chunks have links to chunks or bins and their size behind them. */
static bool is_plausible_free(const struct hw_chain *chain, uint64_t address, uint64_t size, uint64_t footer)
{
	unsigned word = chain->layout->word_size;
	uint64_t forward, back;

	return footer == size && hw_walk_word(chain->walk, address + 2 * word, &forward) &&
	       hw_walk_word(chain->walk, address + 3 * word, &back) && forward && back &&
	       !(forward & (word - 1)) && !(back & (word - 1));
}

bool hw_chain_reaches(const struct hw_chain *chain, uint64_t start, uint64_t steps, bool must_end)
{
	const struct machine machine = machine_of(chain->walk->image);
	const struct rules rules = rules_of(chain);
	struct hw_chain look = *chain;
	struct header here, next;

	look.at = start;
	if (!read_header(chain->walk, machine, start, &here))
		return false;
	while (steps-- && chain->walk->probes) {
		chain->walk->probes--;
		if (look.at == look.top)
			return find_top_end(&look, here.word) == HW_CHAIN_TOP;
		if (!is_legal(&rules, look.at, here.word)) {
			enum hw_chain_end end = find_end(&look, here.word);

			return end == HW_CHAIN_FENCE || end == HW_CHAIN_TERMINATOR;
		}
		uint64_t size = here.word & ~(uint64_t)HW_SIZE_BITS;

		if (!read_header(chain->walk, machine, look.at + size, &next))
			return false;
		if (!(next.word & HW_PREV_INUSE) && !is_plausible_free(&look, look.at, size, next.prev_size))
			return false;
		look.at += size;
		here = next;
	}
	return !must_end && chain->walk->probes;
}
