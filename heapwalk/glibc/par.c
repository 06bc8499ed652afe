/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds mp_ (struct malloc_par) in the module of a main arena: by its static defaults, which tunables and
 * mallopt() seldom change all, else by what must hold between its fields.
 */
#include "heapwalk/glibc/walk.h"

/* Both are variables of malloc.c with initial values, so the linker puts them close together. */
#define NEARBY 0x10000

struct search {
	struct hw_walk *walk;
	const struct hw_glibc *glibc;
	const struct hw_par_layout *layout;
	unsigned score;
	uint64_t found;
	const struct hw_par_layout *found_layout;
};

static uint32_t load_int(const struct hw_walk *walk, const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return walk->image->big_endian ? __builtin_bswap32(value) : value;
}

/* sbrk_base is set when the main arena got its first memory by sbrk(). */
static bool sbrk_base_fits(const struct hw_walk *walk, uint64_t base)
{
	return !base || hw_area_at(walk, base);
}

static bool counts_fit(const struct hw_walk *walk, const struct hw_par_layout *layout, const uint8_t *bytes)
{
	const struct hw_image *image = walk->image;
	uint32_t maps = load_int(walk, bytes + layout->n_mmaps);
	uint32_t most = load_int(walk, bytes + layout->max_n_mmaps);
	uint64_t memory = hw_image_word(image, bytes + layout->mmapped_mem);
	uint64_t most_memory = hw_image_word(image, bytes + layout->max_mmapped_mem);

	return maps <= most && most <= INT32_MAX && memory <= most_memory && most_memory >> 47 == 0 &&
	       (maps ? memory >= maps * UINT64_C(4096) : memory < 0x100000);
}

static bool tcache_fits(const struct search *search, const struct hw_par_layout *layout, const uint8_t *bytes)
{
	const struct hw_walk *walk = search->walk;

	uint64_t bins = hw_image_word(walk->image, bytes + layout->tcache_bins);
	uint64_t count = hw_image_word(walk->image, bytes + layout->tcache_count);
	uint64_t largest = hw_image_word(walk->image, bytes + layout->tcache_max_bytes);

	return !layout->tcache_bins || search->glibc->is_debug ||
	       (bins >= 1 && bins <= 76 && count <= 0xffff && largest && largest < 1 << 30);
}

/* 0: not mp_; more is surer. */
static unsigned rate(const struct search *search, const uint8_t *bytes)
{
	const struct hw_walk *walk = search->walk;
	const struct hw_par_layout *layout = search->layout;
	unsigned word = walk->image->word_size;
	uint64_t top_pad = hw_image_word(walk->image, bytes + word);
	uint64_t arena_test = hw_image_word(walk->image, bytes + 3 * word);
	uint32_t most_maps = load_int(walk, bytes + layout->n_mmaps_max);
	uint64_t base = hw_image_word(walk->image, bytes + layout->sbrk_base);
	unsigned score = 1;

	if (!arena_test || arena_test > 0xffff || !counts_fit(walk, layout, bytes) ||
		!tcache_fits(search, layout, bytes) || !sbrk_base_fits(walk, base))
		return 0;
	/* malloc.c, static struct malloc_par mp_ = ...: unchanged since 2.17. */
	score += arena_test == (word == 8 ? 8 : 2);
	score += top_pad == 0x20000;
	score += 2 * (most_maps == 0x10000);
	score += base != 0;
	score += layout->tcache_bins != 0;
	/* Weak without a default in it and no tcache fields to check. */
	return score >= 3 ? score : 0;
}

static bool search_range(uint64_t start, uint64_t end, void *argument)
{
	struct search *search = argument;
	const struct hw_layout *row = search->glibc->layout;
	struct hw_window window;

	start = hw_max(start, hw_max(search->glibc->main_arena, NEARBY) - NEARBY);
	end = hw_min(end, search->glibc->main_arena + NEARBY);
	hw_window_init(&window, search->walk->image, 0);
	for (uint64_t at = start; at + search->layout->size <= end; at += row->word_size) {
		const uint8_t *bytes = hw_window_view(&window, at, search->layout->size, NULL);
		unsigned score;

		if (!bytes) {
			at = hw_round_up(at + 1, search->walk->snapshot->page_size) - row->word_size;
			continue;
		}
		/* arena_test is a small number: turns nearly every address away. */
		if (!hw_image_word(search->walk->image, bytes + 3 * row->word_size))
			continue;
		score = rate(search, bytes);
		if (score > search->score) {
			search->score = score;
			search->found = at;
			search->found_layout = search->layout;
		}
	}
	hw_window_deinit(&window);
	return true;
}

static void read_fields(struct hw_walk *walk, struct hw_glibc *glibc, const struct hw_par_layout *layout)
{
	uint64_t at = glibc->par;
	uint32_t maps = 0;

	hw_walk_word(walk, at + layout->sbrk_base, &glibc->sbrk_base);
	hw_walk_word(walk, at + layout->mmapped_mem, &glibc->mmapped_mem);
	if (hw_walk_int(walk, at + layout->n_mmaps, &maps))
		glibc->n_mmaps = maps;
	if (layout->hp_pagesize)
		hw_walk_word(walk, at + layout->hp_pagesize, &glibc->hp_pagesize);
	if (layout->tcache_bins && !glibc->is_debug) {
		hw_walk_word(walk, at + layout->tcache_count, &glibc->tcache_count);
		hw_walk_word(walk, at + layout->tcache_max_bytes, &glibc->tcache_max_bytes);
	}
}

void hw_par_locate(struct hw_walk *walk, struct hw_glibc *glibc)
{
	struct search search = { .walk = walk, .glibc = glibc };
	const struct hw_par_layout *last = NULL;
	uint64_t rows = 0;

	for (size_t i = 0; i < hw_layout_count; i++) {
		if (!(glibc->rows >> i & 1) || hw_layouts[i].par == last)
			continue;
		last = search.layout = hw_layouts[i].par;
		hw_module_each_writable(walk, glibc->module, search_range, &search);
	}
	glibc->n_mmaps = glibc->initialised ? UINT64_MAX : 0;
	if (!search.found)
		return;
	for (size_t i = 0; i < hw_layout_count; i++) {
		if (hw_layouts[i].par == search.found_layout)
			rows |= UINT64_C(1) << i;
	}
	hw_glibc_narrow(glibc, rows);
	glibc->par = search.found;
	read_fields(walk, glibc, search.found_layout);
}
