/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Thread caches (2.26 and newer): freed chunks that stay tagged as used, in lists that start in a struct per
 * thread, itself a chunk. A thread's variable `tcache` in its TLS leads to the struct; where no thread
 * pointer is known (a thread that fork() left behind, a core without registers), a chunk that can be nothing
 * else is found by its content.
 */
#include "heapwalk/glibc/walk.h"

#define STRUCT_LIMIT 0x300 /* no tcache struct is bigger */
#define BINS_LIMIT   76

/* A tcache struct as read. */
struct tcache {
	const struct hw_layout *layout;
	uint64_t address;
	unsigned counts[BINS_LIMIT];
	uint64_t heads[BINS_LIMIT];
	unsigned filled; /* bins that are not empty */
};

static unsigned load_counter(const struct hw_image *image, const uint8_t *bytes, unsigned size)
{
	if (size == 1)
		return bytes[0];
	return image->big_endian ? bytes[0] << 8 | bytes[1] : bytes[1] << 8 | bytes[0];
}

/* How deep a list may be (mp_.tcache_count), if mp_ is known. */
static unsigned depth_limit(const struct hw_glibc *glibc)
{
	if (glibc->par && glibc->tcache_count <= 0xffff)
		return (unsigned)glibc->tcache_count;
	return glibc->layout->tcache && glibc->layout->tcache->counts_down ? 16 : 7;
}

/* Takes the struct apart; false when counters and heads do not fit together. */
static bool parse(const struct hw_image *image, const struct hw_layout *layout, unsigned limit,
	const uint8_t *bytes, struct tcache *tcache)
{
	const struct hw_tcache_layout *shape = layout->tcache;

	tcache->layout = layout;
	tcache->filled = 0;
	for (unsigned i = 0; i < shape->bins; i++) {
		unsigned count = load_counter(image, bytes + i * shape->counter_size, shape->counter_size);

		if (count > limit)
			return false;
		count = shape->counts_down ? limit - count : count;
		tcache->counts[i] = count;
		tcache->heads[i] = hw_image_word(image, bytes + shape->entries + i * layout->word_size);
		if (!count != !tcache->heads[i] || tcache->heads[i] & (layout->alignment - 1))
			return false;
		tcache->filled += count != 0;
	}
	return true;
}

static bool read_tcache(const struct hw_walk *walk, const struct hw_glibc *glibc,
	const struct hw_layout *layout, uint64_t address, struct tcache *tcache)
{
	uint8_t bytes[STRUCT_LIMIT];

	tcache->address = address;
	return hw_image_read_some(walk->image, address, bytes, layout->tcache->size) ==
		       layout->tcache->size &&
	       parse(walk->image, layout, depth_limit(glibc), bytes, tcache);
}

bool hw_tcache_is_like(
	const struct hw_walk *walk, const struct hw_glibc *glibc, const uint8_t *bytes, size_t available)
{
	const struct hw_tcache_layout *last = NULL;
	struct tcache tcache;

	for (uint64_t rows = glibc->rows; rows; rows &= rows - 1) {
		const struct hw_layout *row = &hw_layouts[__builtin_ctzll(rows)];

		if (!row->tcache || row->tcache == last || row->tcache->size > available)
			continue;
		last = row->tcache;
		if (parse(walk->image, row, depth_limit(glibc), bytes, &tcache))
			return true;
	}
	return false;
}

/* What follows the element at `user`; 0: nothing. */
static bool next_element(
	const struct hw_walk *walk, const struct hw_layout *layout, uint64_t user, uint64_t *next)
{
	if (!hw_walk_word(walk, user, next))
		return false;
	*next = hw_link_decode(layout, user, *next);
	return true;
}

/* Is the chunk with user address `user` one that bin `bin` may hold? */
static bool is_element(
	const struct hw_walk *walk, const struct tcache *tcache, unsigned bin, uint64_t user, uint32_t *index)
{
	const struct hw_layout *layout = tcache->layout;
	const struct hw_heap *heap = walk->heap;
	uint64_t size;
	uint32_t region;

	if (!hw_heap_find_start(heap, user - 2 * layout->word_size, &region, index) ||
		!hw_chunk_is_live(heap, *index))
		return false;
	if (hw_chunk_state(heap, *index) == HW_CHUNK_MMAPPED)
		return layout->mmapped_trailer != 0;
	size = hw_chunk_size(heap, *index);
	/* malloc.c, csize2tidx() */
	return bin >= layout->tcache->small_bins ||
	       (size - hw_layout_minimum(layout) + layout->alignment - 1) / layout->alignment == bin;
}

/* Does the list hold as many chunks as its counter says, all of the right size? */
static bool list_holds(const struct hw_walk *walk, const struct tcache *tcache, unsigned bin)
{
	uint64_t at = tcache->heads[bin];
	uint32_t index;

	for (unsigned left = tcache->counts[bin]; left; left--) {
		if (!is_element(walk, tcache, bin, at, &index) ||
			!next_element(walk, tcache->layout, at, &at))
			return false;
	}
	return !at;
}

/* Do its lists hold? Then it is a tcache; one that is damaged too, if most others do. */
static bool lists_hold(const struct hw_walk *walk, const struct tcache *tcache)
{
	unsigned good = 0;

	for (unsigned i = 0; i < tcache->layout->tcache->bins; i++)
		good += tcache->counts[i] && list_holds(walk, tcache, i);
	return good == tcache->filled || (good >= 4 && tcache->filled - good <= good / 8);
}

/* The list leads to `at`, where nothing is that belongs in it. */
static void note_stray(
	struct hw_walk *walk, uint32_t arena, uint64_t place, uint64_t previous, unsigned bin, uint64_t at)
{
	if (hw_walk_is_missing(walk, at)) {
		walk->lists_broken++;
		return;
	}
	hw_walk_note(walk, HW_ANOMALY_LIST, arena, place, previous, 0,
		"tcache bin %u leads to 0x%llx, which is no chunk in use of its size", bin,
		(unsigned long long)at);
}

/* Marks a bin's elements, as far as the list can be followed. */
static void mark_bin(struct hw_walk *walk, const struct tcache *tcache, uint32_t arena, unsigned bin)
{
	const struct hw_tcache_layout *shape = tcache->layout->tcache;
	uint64_t place = tcache->address + shape->entries + bin * tcache->layout->word_size;
	uint64_t at = tcache->heads[bin], previous = 0;
	unsigned count = 0;
	uint32_t index;

	while (at) {
		if (!is_element(walk, tcache, bin, at, &index)) {
			note_stray(walk, arena, place, previous, bin, at);
			return;
		}
		hw_chunk_set_state(walk->heap, index, HW_CHUNK_TCACHE);
		count++;
		previous = at - 2 * tcache->layout->word_size;
		place = at;
		if (!next_element(walk, tcache->layout, at, &at))
			break;
	}
	if (count != tcache->counts[bin])
		hw_walk_note(walk, HW_ANOMALY_TCACHE, arena, tcache->address + bin * shape->counter_size, 0,
			0, "tcache bin %u counts %u chunks, its list has %u", bin, tcache->counts[bin],
			count);
}

static void mark_tcache(struct hw_walk *walk, const struct hw_glibc *glibc, const struct tcache *tcache)
{
	uint32_t index, region, arena = UINT32_MAX;

	if (hw_heap_find_start(
		    walk->heap, tcache->address - 2 * tcache->layout->word_size, &region, &index)) {
		hw_chunk_set_state(walk->heap, index, HW_CHUNK_BOOKKEEPING);
		arena = walk->heap->regions[region].arena;
	}
	for (unsigned i = 0; i < tcache->layout->tcache->bins; i++)
		mark_bin(walk, tcache, arena, i);
	walk->heap->libcs[glibc->index].tcache_count++;
}

/* -------------------------------------------------------------------------------------- by content */

/* May a chunk of this size hold the row's struct? */
static bool is_struct_size(const struct hw_layout *row, uint64_t size)
{
	uint64_t least = hw_round_up(row->tcache->size + row->word_size, row->alignment);

	return size >= least && size <= least + 2 * row->alignment;
}

/* Does every list begin with a chunk that belongs there? */
static bool heads_fit(const struct hw_walk *walk, const struct tcache *tcache)
{
	uint32_t index;

	for (unsigned i = 0; i < tcache->layout->tcache->bins; i++) {
		if (tcache->counts[i] && !is_element(walk, tcache, i, tcache->heads[i], &index))
			return false;
	}
	return tcache->filled;
}

/*
 * The row whose tcache lies in chunk `index`, each that is left being tried: best one whose lists hold, else
 * (lists may be damaged) one whose lists begin well. NULL: none.
 */
static const struct hw_layout *row_of(
	const struct hw_walk *walk, const struct hw_glibc *glibc, uint32_t index, bool damaged)
{
	struct tcache tcache;

	for (size_t i = 0; i < hw_layout_count; i++) {
		const struct hw_layout *row = &hw_layouts[i];

		if (!(glibc->rows >> i & 1) || !row->tcache ||
			!is_struct_size(row, hw_chunk_size(walk->heap, index)) ||
			!read_tcache(walk, glibc, row, hw_chunk_user(walk->heap, index), &tcache))
			continue;
		if (tcache.filled && (damaged ? heads_fit(walk, &tcache) : lists_hold(walk, &tcache)))
			return row;
	}
	return NULL;
}

/* Keeps the rows that have this row's tcache and linking. */
static void narrow_to(struct hw_glibc *glibc, const struct hw_layout *row)
{
	uint64_t rows = 0;

	for (size_t i = 0; i < hw_layout_count; i++) {
		if (hw_layouts[i].tcache == row->tcache && hw_layouts[i].safe_linking == row->safe_linking)
			rows |= UINT64_C(1) << i;
	}
	hw_glibc_narrow(glibc, rows);
}

/* A filled tcache tells the row, where several are left. */
static void prove_row(struct hw_walk *walk, struct hw_glibc *glibc)
{
	const struct hw_layout *row = NULL;

	for (int damaged = 0; damaged < 2 && !row; damaged++) {
		for (size_t i = 0; i < walk->tcache_like_count && !row; i++)
			row = row_of(walk, glibc, walk->tcache_like[i], damaged);
	}
	if (row)
		narrow_to(glibc, row);
}

/* Does the chunk belong to this libc? With dlmopen() there are several, each with its own tcaches. */
static bool is_of(const struct hw_walk *walk, const struct hw_glibc *glibc, uint32_t region)
{
	return walk->heap->arenas[walk->heap->regions[region].arena].libc == glibc->index;
}

/* ------------------------------------------------------------------------------------------ by TLS */

static bool may_be_tcache(struct hw_walk *walk, const struct hw_glibc *glibc, uint64_t value)
{
	struct tcache tcache;
	uint32_t region, index;

	return value && !(value & (glibc->layout->alignment - 1)) &&
	       hw_heap_find_start(walk->heap, value - 2 * glibc->layout->word_size, &region, &index) &&
	       hw_chunk_is_live(walk->heap, index) && read_tcache(walk, glibc, glibc->layout, value, &tcache);
}

static int compare_words(const void *a, const void *b)
{
	const struct hw_tls_word *first = a, *second = b;

	if (first->offset != second->offset)
		return first->offset < second->offset ? -1 : 1;
	return (first->thread > second->thread) - (first->thread < second->thread);
}

/* Stack slots may hold the pointer too, but not the same slot in most threads; the nearest to the thread
 * pointer wins among equals. */
static int64_t best_offset(const struct hw_tls_word *words, size_t count)
{
	size_t best = 0;
	int64_t offset = 0;

	for (size_t i = 0, next; i < count; i = next) {
		for (next = i; next < count && words[next].offset == words[i].offset;)
			next++;
		if (next - i > best ||
			(next - i == best && llabs((long long)words[i].offset) < llabs((long long)offset))) {
			best = next - i;
			offset = words[i].offset;
		}
	}
	return offset;
}

static struct hw_error *mark_by_tls(struct hw_walk *walk, struct hw_glibc *glibc)
{
	hw_autofree struct hw_tls_word *words = NULL;
	struct hw_error *error;
	struct tcache tcache;
	size_t count = 0;
	int64_t offset;

	error = hw_tls_words(walk, glibc, may_be_tcache, &words, &count);
	if (error || !count)
		return error;
	qsort(words, count, sizeof(*words), compare_words);
	offset = best_offset(words, count);
	for (size_t i = 0; i < count; i++) {
		/* May have been marked meanwhile, by a damaged list. */
		if (words[i].offset == offset && may_be_tcache(walk, glibc, words[i].value) &&
			read_tcache(walk, glibc, glibc->layout, words[i].value, &tcache))
			mark_tcache(walk, glibc, &tcache);
	}
	return NULL;
}

/* Those that no thread's TLS led to. One without elements that counts upwards cannot be told from zeros. */
static void mark_by_content(struct hw_walk *walk, struct hw_glibc *glibc)
{
	struct hw_heap *heap = walk->heap;
	struct tcache tcache;

	for (size_t i = 0; i < walk->tcache_like_count; i++) {
		uint32_t index = walk->tcache_like[i], region;

		if (hw_chunk_state(heap, index) != HW_CHUNK_LIVE ||
			!hw_heap_find_region(heap, hw_chunk_address(heap, index), &region) ||
			!is_of(walk, glibc, region) ||
			!read_tcache(walk, glibc, glibc->layout, hw_chunk_user(heap, index), &tcache) ||
			!(tcache.filled || (glibc->layout->tcache->counts_down && glibc->tcache_count)) ||
			!lists_hold(walk, &tcache))
			continue;
		mark_tcache(walk, glibc, &tcache);
	}
}

struct hw_error *hw_tcaches_mark(struct hw_walk *walk)
{
	for (uint32_t i = 0; i < walk->heap->libc_count; i++) {
		struct hw_glibc *glibc = &walk->glibcs[i];
		struct hw_error *error;

		if (!glibc->initialised || glibc->is_debug)
			continue;
		if (glibc->rows & (glibc->rows - 1))
			prove_row(walk, glibc);
		if (!glibc->layout->tcache)
			continue;
		error = mark_by_tls(walk, glibc);
		if (error)
			return error;
		mark_by_content(walk, glibc);
	}
	return NULL;
}
