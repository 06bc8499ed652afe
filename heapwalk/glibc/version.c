/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which glibc is it? What its memory shows decides; the banner in its constants ("GNU C Library ... stable
 * release version 2.36.") narrows what is left, and is not believed against the structure: distributions
 * backport, and layouts follow the code.
 */
#include <ctype.h>

#include "heapwalk/glibc/walk.h"

bool hw_glibc_narrow(struct hw_glibc *glibc, uint64_t mask)
{
	if (!(glibc->rows & mask))
		return false;
	glibc->rows &= mask;
	glibc->layout = &hw_layouts[__builtin_ctzll(glibc->rows)];
	if (glibc->bins)
		glibc->main_arena = glibc->bins - glibc->layout->arena->bins;
	return true;
}

void hw_glibc_settle_rows(struct hw_glibc *glibc)
{
	glibc->heap_max = hw_layout_heap_max(glibc->layout);
	if (glibc->layout->heap_max_follows_huge_pages && glibc->hp_pagesize &&
		!(glibc->hp_pagesize & (glibc->hp_pagesize - 1)) && glibc->hp_pagesize < UINT64_C(1) << 36)
		glibc->heap_max = 4 * glibc->hp_pagesize;
	glibc->tcache_low = glibc->tcache_high = 0;
	for (uint64_t rows = glibc->rows; rows; rows &= rows - 1) {
		const struct hw_layout *row = &hw_layouts[__builtin_ctzll(rows)];
		uint64_t chunk;

		if (!row->tcache)
			continue;
		chunk = hw_round_up(row->tcache->size + row->word_size, row->alignment);
		if (!glibc->tcache_low || chunk < glibc->tcache_low)
			glibc->tcache_low = chunk;
		/* 2.43 pads the size twice on one way; an unsplit remainder adds one unit more. */
		glibc->tcache_high = hw_max(glibc->tcache_high, chunk + 2 * row->alignment);
	}
}

/* NN of "version 2.NN" within the banner at `text`, 0 if there is none. */
static unsigned banner_release(const char *text, size_t size)
{
	static const char key[] = "version 2.";
	const char *at = memmem(text, size, key, sizeof(key) - 1);
	unsigned release = 0;

	if (!at)
		return 0;
	at += sizeof(key) - 1;
	for (int i = 0; i < 3 && at < text + size && isdigit((unsigned char)*at); i++)
		release = release * 10 + (unsigned)(*at++ - '0');
	return release;
}

static unsigned find_banner(const struct hw_image *image, uint64_t start, uint64_t end)
{
	static const char key[] = "GNU C Library";
	const size_t need = 128;
	struct hw_window window;
	unsigned release = 0;

	hw_window_init(&window, image, 0);
	while (!release && start < end) {
		size_t available;
		const uint8_t *bytes = hw_window_view(&window, start, hw_min(need, end - start), &available);
		const char *hit;

		if (!bytes)
			break;
		available = (size_t)hw_min(available, end - start);
		hit = memmem(bytes, available, key, sizeof(key) - 1);
		if (hit && (size_t)((const char *)bytes + available - hit) < need &&
			hit != (const char *)bytes && start + available < end) {
			start += (uint64_t)(hit - (const char *)bytes);
			continue;
		}
		if (hit)
			release = banner_release(
				hit, hw_min(need, (size_t)((const char *)bytes + available - hit)));
		if (available <= sizeof(key))
			break;
		/* The key may straddle two views. */
		start += hit ? (uint64_t)(hit + sizeof(key) - (const char *)bytes) : available - sizeof(key);
	}
	hw_window_deinit(&window);
	return release;
}

static void read_banner(struct hw_walk *walk, struct hw_glibc *glibc)
{
	const struct hw_module *module = glibc->module;

	for (size_t i = 0; i < module->segment_count && !glibc->banner; i++) {
		const struct hw_elf_segment *segment = &module->segments[i];

		if (segment->type == 1 /* PT_LOAD */ && !(segment->prot & HW_MAP_WRITE))
			glibc->banner =
				find_banner(walk->image, segment->address, segment->address + segment->size);
	}
}

/* libc_malloc_debug.so is of the same build as the libc beside it (it shares private symbols with it). */
static unsigned sister_banner(const struct hw_walk *walk)
{
	unsigned banner = 0;

	for (uint32_t i = 0; i < walk->heap->libc_count && !banner; i++)
		banner = walk->glibcs[i].is_debug ? 0 : walk->glibcs[i].banner;
	return banner;
}

static void narrow_by_banner(struct hw_glibc *glibc)
{
	uint64_t rows = 0;

	for (size_t i = 0; glibc->banner && i < hw_layout_count; i++) {
		if (hw_layouts[i].first <= glibc->banner && glibc->banner <= hw_layouts[i].last)
			rows |= UINT64_C(1) << i;
	}
	hw_glibc_narrow(glibc, rows);
}

void hw_versions_read(struct hw_walk *walk)
{
	uint32_t count = walk->heap->libc_count;

	for (uint32_t i = 0; i < count; i++)
		read_banner(walk, &walk->glibcs[i]);
	for (uint32_t i = 0; i < count; i++) {
		if (walk->glibcs[i].is_debug && !walk->glibcs[i].banner)
			walk->glibcs[i].banner = sister_banner(walk);
		narrow_by_banner(&walk->glibcs[i]);
	}
}

static bool describe_version(const struct hw_glibc *glibc, char **version)
{
	unsigned first = UINT32_MAX, last = 0;

	for (size_t i = 0; i < hw_layout_count; i++) {
		if (!(glibc->rows >> i & 1))
			continue;
		first = hw_min(first, hw_layouts[i].first);
		last = hw_max(last, hw_layouts[i].last);
	}
	if (glibc->banner)
		return asprintf(version, "2.%u", glibc->banner) >= 0;
	if (first == last)
		return asprintf(version, "2.%u", first) >= 0;
	return asprintf(version, "2.%u to 2.%u", first, last) >= 0;
}

struct hw_error *hw_version_describe(struct hw_walk *walk, struct hw_glibc *glibc)
{
	struct hw_libc *libc = &walk->heap->libcs[glibc->index];
	const char *how = !glibc->initialised   ? "a ring of one arena that was never used"
			  : glibc->ring_damaged ? "its bins alone, as the ring of arenas does not close"
						: "its bins and a closed ring of arenas";
	const char *banner = "no banner";
	bool fits = glibc->banner >= glibc->layout->first && glibc->banner <= glibc->layout->last;
	hw_autofree char *told = NULL;

	if (glibc->banner && asprintf(&told, "the banner says 2.%u%s", glibc->banner,
				     fits ? "" : ", which the structure contradicts") >= 0)
		banner = told;
	libc->layout = glibc->layout;
	libc->main_arena = glibc->main_arena;
	libc->malloc_par = glibc->par;
	libc->mmap_count = glibc->par ? glibc->n_mmaps : glibc->mmaps_met;
	libc->mmap_found = glibc->mmaps_met;
	libc->mmapped_mem = glibc->mmapped_mem;
	if (asprintf(&libc->evidence, "main_arena at 0x%llx by %s; layout of 2.%u to 2.%u (%s)",
		    (unsigned long long)glibc->main_arena, how, glibc->layout->first, glibc->layout->last,
		    banner) < 0) {
		libc->evidence = NULL;
		return hw_error_no_memory();
	}
	if (!describe_version(glibc, &libc->version)) {
		libc->version = NULL;
		return hw_error_no_memory();
	}
	return NULL;
}
