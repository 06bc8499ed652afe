/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds main_arena without symbols: its 127 bins are pairs of pointers, and most pairs, being empty lists,
 * point to themselves. Nothing else looks like that. The ring of arenas that `next` makes then proves which
 * layout it is. A libc that never allocated (2.17 to 2.41) has no bins yet, but its `next` points to its own
 * start through zeros.
 */
#include "heapwalk/glibc/walk.h"

/* Caught in the middle of linking a chunk, one or two bins may be half done. */
#define BINS_ENOUGH 120

/* Of these as many must be seen to be right; the others' chunks may be missing from a core. */
#define BINS_SEEN 32

/* Bounds the work on a module full of words that point to themselves. */
#define TRIES 4096

/* Going through one module. */
struct search {
	struct hw_walk *walk;
	const struct hw_module *module;
	struct hw_error *error;
	unsigned tries;
	bool (*test)(struct search *search, uint64_t address, uint64_t first, uint64_t second);
	uint64_t skip_to; /* words below are known to hold nothing */
	uint32_t found;
	uint64_t seen_start; /* the writable part being looked at */
	uint64_t seen_end;
};

static uint64_t page_round_up(const struct hw_walk *walk, uint64_t address)
{
	return hw_round_up(address, walk->snapshot->page_size);
}

void hw_module_each_writable(const struct hw_walk *walk, const struct hw_module *module,
	bool (*each)(uint64_t start, uint64_t end, void *argument), void *argument)
{
	for (size_t i = 0; i < module->segment_count; i++) {
		const struct hw_elf_segment *segment = &module->segments[i];
		/* main_arena and mp_ have initial values: they are in .data, not in .bss, which may be huge.
		 */
		uint64_t end = segment->address + hw_min(segment->size, segment->file_size);

		if (segment->type != 1 /* PT_LOAD */ || !(segment->prot & HW_MAP_WRITE) ||
			end < segment->address)
			continue;
		if (!each(hw_round_down(segment->address, walk->image->word_size), end, argument))
			return;
	}
	for (size_t i = 0; !module->segment_count && i < walk->snapshot->map_count; i++) {
		const struct hw_map *map = &walk->snapshot->maps[i];

		if (map->start >= module->start && map->start < module->end && map->prot & HW_MAP_WRITE &&
			!(map->prot & HW_MAP_SHARED) && !each(map->start, map->end, argument))
			return;
	}
}

/* Looks at every word of [start, end) with the word behind it. */
static bool search_range(uint64_t start, uint64_t end, void *argument)
{
	struct search *search = argument;
	const struct hw_image *image = search->walk->image;
	unsigned step = image->word_size;
	struct hw_window window;
	uint64_t at = start;

	search->seen_start = start;
	search->seen_end = end;
	hw_window_init(&window, image, 0);
	while (at + 2 * step <= end && search->tries && !search->error) {
		size_t available;
		const uint8_t *bytes = hw_window_view(&window, at, 2 * step, &available);

		if (!bytes) {
			at = page_round_up(search->walk, at + 1);
			continue;
		}
		available = (size_t)hw_min(available, end - at);
		for (size_t i = 0; i + 2 * step <= available; i += step, at += step) {
			if (at >= search->skip_to &&
				!search->test(search, at, hw_image_word(image, bytes + i),
					hw_image_word(image, bytes + i + step)))
				break;
		}
	}
	hw_window_deinit(&window);
	return search->tries && !search->error;
}

/* ------------------------------------------------------------------------------------------- the bins */

enum bin_look { BIN_WRONG, BIN_UNSEEN, BIN_RIGHT };

/* May a bin lead there? An address of the target's that is not in the image: part of a core that is missing.
 */
static bool is_missing(const struct hw_walk *walk, uint64_t address)
{
	return address % (2 * walk->image->word_size) == 0 && hw_area_at(walk, address);
}

/* Is the pair at `address` a list head as malloc keeps it: empty, or with neighbours that point back? */
static enum bin_look look_at_bin(const struct hw_walk *walk, uint64_t address, uint64_t first, uint64_t last)
{
	unsigned word = walk->image->word_size;
	uint64_t head = address - 2 * word, back = head, forward = head;
	bool has_back, has_forward;

	if (first == head && last == head)
		return BIN_RIGHT;
	has_back = hw_walk_word(walk, first + 3 * word, &back);
	has_forward = hw_walk_word(walk, last + 2 * word, &forward);
	if (back != head || forward != head || !(has_back || is_missing(walk, first)) ||
		!(has_forward || is_missing(walk, last)))
		return BIN_WRONG;
	return has_back && has_forward ? BIN_RIGHT : BIN_UNSEEN;
}

/* Pairs of words seen to be bins, and those that may be. */
struct bin_score {
	unsigned right;
	unsigned unseen;
};

static void count_bin(struct bin_score *score, enum bin_look look, int times)
{
	score->right += (unsigned)(look == BIN_RIGHT ? times : 0);
	score->unseen += (unsigned)(look == BIN_UNSEEN ? times : 0);
}

static bool is_enough(const struct bin_score *score)
{
	return score->right >= BINS_SEEN && score->right + score->unseen >= BINS_ENOUGH;
}

bool hw_bins_look_right(const struct hw_walk *walk, uint64_t bins)
{
	unsigned word = walk->image->word_size;
	struct bin_score score = { 0 };

	for (unsigned i = 0; i < HW_BIN_COUNT; i++) {
		uint64_t first, last;

		if (hw_walk_word(walk, bins + i * 2 * word, &first) &&
			hw_walk_word(walk, bins + i * 2 * word + word, &last))
			count_bin(&score, look_at_bin(walk, bins + i * 2 * word, first, last), 1);
	}
	return is_enough(&score);
}

/* The address of the 127 pairs that look most like bins among those around the empty bin at `hit`, or 0. */
static uint64_t best_bins(const struct hw_walk *walk, uint64_t hit)
{
	enum { PAIRS = 2 * HW_BIN_COUNT - 1 };
	unsigned word = walk->image->word_size, best = 0;
	uint64_t start = hit - (HW_BIN_COUNT - 1) * 2 * word, where = 0;
	struct bin_score score = { 0 };
	enum bin_look looks[PAIRS];
	uint8_t pair[16];

	for (size_t i = 0; i < PAIRS; i++) {
		uint64_t address = start + i * 2 * word;

		looks[i] = BIN_WRONG;
		if (hw_image_read_some(walk->image, address, pair, 2 * word) == 2 * word)
			looks[i] = look_at_bin(walk, address, hw_image_word(walk->image, pair),
				hw_image_word(walk->image, pair + word));
		count_bin(&score, looks[i], 1);
		if (i >= HW_BIN_COUNT)
			count_bin(&score, looks[i - HW_BIN_COUNT], -1);
		if (i >= HW_BIN_COUNT - 1 && is_enough(&score) && score.right + score.unseen > best) {
			best = score.right + score.unseen;
			where = address - (HW_BIN_COUNT - 1) * 2 * word;
		}
	}
	return where;
}

/* The later words of the arena tell flavours with the same bins offset apart; so does system_mem's sanity. */
static bool sizes_make_sense(const struct hw_walk *walk, const struct hw_arena_layout *layout, uint64_t arena)
{
	uint64_t system_mem, maximum, attached = 0;

	if (!hw_walk_word(walk, arena + layout->system_mem, &system_mem) ||
		!hw_walk_word(walk, arena + layout->max_system_mem, &maximum))
		return false;
	if (layout->attached_threads && !hw_walk_word(walk, arena + layout->attached_threads, &attached))
		return false;
	/* Memory comes in pages; a thread count is a small number. */
	return system_mem <= maximum && (!system_mem || system_mem >= 0x1000) && attached < 0x10000;
}

/* Compilers align large variables: of layouts that put bins at different offsets one has an aligned start. */
static uint64_t prefer_aligned(const struct hw_walk *walk, uint64_t rows, uint64_t bins)
{
	uint64_t aligned = 0;

	for (size_t i = 0; i < hw_layout_count; i++) {
		uint64_t start = bins - hw_layouts[i].arena->bins;

		aligned |= (uint64_t)(start % (4 * walk->image->word_size) == 0) << i;
	}
	return rows & aligned ? rows & aligned : rows;
}

/*
 * The rows whose arena layout fits bins at `bins`. If the ring of arenas does not close, it is damaged or a
 * part of it is missing; then all rows stay that make sense, and what is found later (mp_, the banner)
 * decides.
 */
static uint64_t rows_of_bins(const struct hw_walk *walk, uint64_t bins)
{
	uint64_t closed = 0, cut = 0, plausible = 0;

	for (size_t i = 0; i < hw_layout_count; i++) {
		const struct hw_layout *row = &hw_layouts[i];
		uint64_t start = bins - row->arena->bins;
		enum hw_ring ring;

		if (row->word_size != walk->image->word_size || !sizes_make_sense(walk, row->arena, start))
			continue;
		plausible |= UINT64_C(1) << i;
		ring = hw_arena_ring(walk, row->arena, start);
		closed |= (uint64_t)(ring == HW_RING_CLOSED) << i;
		cut |= (uint64_t)(ring == HW_RING_CUT) << i;
	}
	return closed ? closed : prefer_aligned(walk, cut ? cut : plausible, bins);
}

/* `bins` 0: they are not set up yet, and the arena is at `arena`. */
static void add_glibc(struct search *search, uint64_t bins, uint64_t arena, uint64_t rows)
{
	struct hw_walk *walk = search->walk;
	struct hw_heap *heap = walk->heap;
	struct hw_libc *libc = hw_array_next(heap->libcs, heap->libc_count, heap->libc_capacity);
	struct hw_glibc *glibcs =
		libc ? reallocarray(walk->glibcs, heap->libc_count + 1, sizeof(*glibcs)) : NULL;

	if (!glibcs) {
		search->error = hw_error_no_memory();
		return;
	}
	walk->glibcs = glibcs;
	*libc = (struct hw_libc){ .module_path = search->module->path };
	glibcs[heap->libc_count] = (struct hw_glibc){
		.index = heap->libc_count,
		.module = search->module,
		.rows = rows,
		.main_arena = arena,
		.bins = bins,
		.initialised = bins != 0,
		.is_debug = strstr(search->module->path, "libc_malloc_debug.so"),
	};
	hw_glibc_narrow(&glibcs[heap->libc_count], rows);
	heap->libc_count++;
	search->found++;
}

static bool test_bins(struct search *search, uint64_t address, uint64_t first, uint64_t second)
{
	unsigned word = search->walk->image->word_size;
	uint64_t bins, rows;

	if (first != second || first != address - 2 * word)
		return true;
	search->tries--;
	bins = best_bins(search->walk, address);
	rows = bins ? rows_of_bins(search->walk, bins) : 0;
	if (rows) {
		add_glibc(search, bins, 0, rows);
		search->skip_to = bins + HW_BIN_COUNT * 2 * word;
	}
	return search->tries && !search->error;
}

/* ------------------------------------------------------------------------------------ never allocated */

static bool is_zero(const struct hw_walk *walk, uint64_t start, size_t size)
{
	uint8_t bytes[0x900];

	if (size > sizeof(bytes) || hw_image_read_some(walk->image, start, bytes, size) != size)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

static bool is_unused_arena(const struct hw_walk *walk, const struct hw_arena_layout *layout, uint64_t arena)
{
	unsigned word = walk->image->word_size;
	uint64_t attached;

	/* 2.43 and newer set their bins up when they start. */
	if (!layout->fastbins || !is_zero(walk, arena, layout->next) ||
		!is_zero(walk, arena + layout->next + word, word) ||
		!is_zero(walk, arena + layout->system_mem, 2 * word))
		return false;
	return !layout->attached_threads ||
	       (hw_walk_word(walk, arena + layout->attached_threads, &attached) && attached == 1);
}

static bool test_unused(struct search *search, uint64_t address, uint64_t first, uint64_t second)
{
	uint64_t rows = 0, arena = first;

	(void)second;
	if (first >= address || address - first > 0x900 || first < search->seen_start)
		return true;
	for (size_t i = 0; i < hw_layout_count; i++) {
		const struct hw_layout *row = &hw_layouts[i];

		if (row->word_size == search->walk->image->word_size && address - first == row->arena->next &&
			is_unused_arena(search->walk, row->arena, arena))
			rows |= UINT64_C(1) << i;
	}
	if (rows) {
		add_glibc(search, 0, arena, rows);
		search->skip_to = address + 1;
	}
	return !search->error;
}

struct hw_error *hw_glibcs_locate(struct hw_walk *walk)
{
	for (size_t i = 0; i < walk->snapshot->module_count; i++) {
		struct search search = {
			.walk = walk,
			.module = &walk->snapshot->modules[i],
			.tries = TRIES,
			.test = test_bins,
		};

		hw_module_each_writable(walk, search.module, search_range, &search);
		if (!search.found && !search.error) {
			search.test = test_unused;
			search.skip_to = 0;
			hw_module_each_writable(walk, search.module, search_range, &search);
		}
		if (search.error)
			return search.error;
	}
	return NULL;
}
