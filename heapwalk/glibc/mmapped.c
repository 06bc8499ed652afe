/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Chunks with a mapping of their own. No list leads to them: what tells them is a header whose sizes give a
 * page-aligned mapping. memalign() moves the header up and leaves the first one behind, so of several that
 * name the same mapping the highest is the live one.
 */
#include "heapwalk/glibc/walk.h"

/*
 * How far a thorough search looks at each page for a header that memalign() moved. Otherwise only the places
 * are looked at where an alignment puts it; that is enough unless mremap() moved the mapping, and then sizes
 * do not add up.
 */
#define THOROUGH_BYTES (UINT64_C(2) << 20)

#define CONTENT_BYTES 4096

/* The places of one search. */
struct place {
	struct hw_walk *walk;
	const struct hw_layout *layout;
	uint64_t base;
	uint64_t limit;
	uint64_t end;
	uint64_t chunk;
};

/* Where the header of a plain mmapped chunk lies: its user address is aligned (malloc.c, sysmalloc_mmap). */
static unsigned plain_offset(const struct hw_layout *layout)
{
	return layout->alignment - 2 * layout->word_size;
}

/* Does the header at `bytes`, `offset` behind the base, name a mapping that starts at the base? */
static bool fits(struct place *place, uint64_t offset, const uint8_t *bytes)
{
	const struct hw_image *image = place->walk->image;
	const struct hw_layout *layout = place->layout;
	uint64_t page = place->walk->snapshot->page_size;
	uint64_t before = hw_image_word(image, bytes);
	uint64_t word = hw_image_word(image, bytes + layout->word_size);
	uint64_t size = word & ~(uint64_t)HW_SIZE_BITS, length;

	/* 2.43 and newer note explicit huge pages in bit 0 (commit 88de32a070). */
	if (layout->mmapped_trailer)
		before &= ~UINT64_C(1);
	if ((word & HW_SIZE_BITS) != HW_IS_MMAPPED || before != offset || size < hw_layout_minimum(layout) ||
		size > place->limit - place->base)
		return false;
	length = offset + size + layout->mmapped_trailer;
	if (length % page || length > place->limit - place->base)
		return false;
	place->chunk = place->base + offset;
	place->end = place->base + length;
	return true;
}

static bool is_uniform(const uint8_t *bytes, size_t size)
{
	return size < 2 || !memcmp(bytes, bytes + 1, size - 1);
}

/* Does a header whose user address is `user` fit? */
static bool fits_user(struct place *place, uint64_t user)
{
	unsigned header = 2 * place->layout->word_size;
	uint8_t bytes[16];

	return user < place->limit &&
	       hw_image_read_some(place->walk->image, user - header, bytes, header) == header &&
	       fits(place, user - header - place->base, bytes);
}

/*
 * Looks for a header that memalign() moved to a page's end. The lead before it was never given to anybody: it
 * is zero, or M_PERTURB's byte, so a first page that is neither, behind its first `skip` bytes, ends the
 * search.
 */
static void search_pages(struct place *place, unsigned skip, bool thorough)
{
	uint64_t page = place->walk->snapshot->page_size;
	unsigned header = 2 * place->layout->word_size;
	const uint8_t *bytes = hw_window_view(&place->walk->probe, place->base, page, NULL);
	uint64_t reach = thorough ? hw_min(THOROUGH_BYTES, place->limit - place->base) : page;

	if (!bytes || !is_uniform(bytes + skip, page - skip - header))
		return;
	for (uint64_t lead = page; lead <= reach; lead += page) {
		if (fits_user(place, place->base + lead))
			return;
	}
	for (uint64_t step = 2 * page; step < place->limit - place->base; step *= 2) {
		if (fits_user(place, hw_round_up(place->base + header, step)))
			return;
	}
}

bool hw_mmapped_at(struct hw_walk *walk, const struct hw_glibc *glibc, uint64_t base, uint64_t limit,
	bool thorough, struct hw_mmapped *mmapped)
{
	const struct hw_layout *layout = glibc->layout;
	unsigned header = 2 * layout->word_size, plain = plain_offset(layout);
	struct place place = { .walk = walk, .layout = layout, .base = base, .limit = limit };
	size_t available;
	const uint8_t *bytes = hw_window_view(&walk->probe, base, plain + header, &available);

	/* The plain header stays where it was, whatever memalign() did. */
	if (!bytes || (hw_image_word(walk->image, bytes + plain + layout->word_size) & HW_SIZE_BITS) !=
			      HW_IS_MMAPPED)
		return false;
	fits(&place, plain, bytes + plain);
	for (unsigned align = 32; align <= 2048; align *= 2) {
		unsigned offset = align - header;

		if (offset + header <= available)
			fits(&place, offset, bytes + offset);
	}
	if (!place.chunk || place.chunk == base + plain)
		search_pages(&place, plain + header, thorough);
	if (!place.chunk)
		return false;
	*mmapped = (struct hw_mmapped){
		.base = base,
		.end = place.end,
		.chunk = place.chunk,
		.arena = glibc->main_index,
	};
	return true;
}

uint64_t hw_mmapped_usable(const struct hw_layout *layout, uint64_t chunk, uint64_t end)
{
	uint64_t size = end - chunk;

	/* malloc.c, musable(): header and trailer are of no use; 2.42 and older know no trailer. */
	return layout->mmapped_trailer ? size - layout->mmapped_trailer - layout->word_size
				       : size - 2 * layout->word_size;
}

struct hw_error *hw_mmapped_add(struct hw_walk *walk, const struct hw_mmapped *mmapped)
{
	const struct hw_layout *layout = walk->glibcs[walk->heap->arenas[mmapped->arena].libc].layout;
	uint64_t usable = hw_mmapped_usable(layout, mmapped->chunk, mmapped->end);
	enum hw_content content = HW_CONTENT_NONE;
	struct hw_region_builder builder;
	struct hw_error *error =
		hw_region_open(&builder, walk->heap, HW_REGION_MMAPPED, mmapped->arena, mmapped->base);

	if (error)
		return error;
	if (walk->classifier) {
		size_t available;
		const uint8_t *bytes = hw_window_view(&walk->probe, mmapped->chunk + 2 * layout->word_size,
			hw_min(usable, CONTENT_BYTES), &available);

		if (bytes)
			content = hw_classifier_classify(
				walk->classifier, bytes, hw_min(available, usable), usable);
	}
	if (!hw_region_add(&builder, mmapped->chunk, HW_CHUNK_MMAPPED, content)) {
		hw_region_drop(&builder);
		return hw_error_no_memory();
	}
	return hw_region_close(&builder, mmapped->end);
}

/* --------------------------------------------------------------------------------------- the quick search */

/* Adds those that follow each other from `base` on. */
static struct hw_error *collect_run(struct hw_walk *walk, uint64_t base, uint64_t limit)
{
	struct hw_mmapped found;
	uint32_t i = 0;

	while (base < limit && i < walk->heap->libc_count) {
		struct hw_glibc *glibc = &walk->glibcs[i];
		struct hw_mmapped *slot;

		if (glibc->mmaps_met >= glibc->n_mmaps ||
			!hw_mmapped_at(walk, glibc, base, limit, false, &found)) {
			i++;
			continue;
		}
		slot = hw_array_next(walk->mmapped, walk->mmapped_count, walk->mmapped_capacity);
		if (!slot)
			return hw_error_no_memory();
		*slot = found;
		walk->mmapped_count++;
		glibc->mmaps_met++;
		glibc->mmapped_met += found.end - found.base;
		base = found.end;
		i = 0;
	}
	return NULL;
}

bool hw_mmapped_mem_fits(const struct hw_glibc *glibc)
{
	/* 2.43 and newer add the trailer again with each mremap() (malloc.c, mremap_chunk). */
	if (glibc->layout->mmapped_trailer)
		return glibc->mmapped_met <= glibc->mmapped_mem &&
		       !((glibc->mmapped_mem - glibc->mmapped_met) % glibc->layout->mmapped_trailer);
	return glibc->mmapped_met == glibc->mmapped_mem;
}

/* Does what was met agree with malloc's own count? More than that drift must be pages that were missed. */
static bool adds_up(const struct hw_walk *walk)
{
	for (uint32_t i = 0; i < walk->heap->libc_count; i++) {
		const struct hw_glibc *glibc = &walk->glibcs[i];

		if (!glibc->par || glibc->mmaps_met != glibc->n_mmaps || !hw_mmapped_mem_fits(glibc) ||
			glibc->mmapped_mem - glibc->mmapped_met >= walk->snapshot->page_size)
			return false;
	}
	return true;
}

struct hw_error *hw_mmapped_search(struct hw_walk *walk)
{
	struct hw_error *error = NULL;
	uint64_t behind = 0;

	for (size_t i = 0; i < walk->snapshot->map_count && !error; i++) {
		const struct hw_map *map = &walk->snapshot->maps[i];
		const struct hw_area *area = hw_area_at(walk, map->start);

		if (!area || map->start < behind)
			continue;
		error = collect_run(walk, map->start, area->end);
		if (walk->mmapped_count)
			behind = walk->mmapped[walk->mmapped_count - 1].end;
	}
	walk->mmapped_known = !error && adds_up(walk);
	for (uint32_t i = 0; i < walk->heap->libc_count; i++)
		walk->glibcs[i].mmaps_met = walk->glibcs[i].mmapped_met = 0;
	return error;
}
