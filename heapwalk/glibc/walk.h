/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One walk through the heaps of a snapshot: what its stages hand to each other. hw_heap_walk() in heap.c
 *calls the stages in this order:
 *
 *	locate   every libc's main arena and mp_, and the rows of the layout table that fit (locate.c, par.c)
 *	arenas   the ring of arenas and their heaps (arena.c)
 *	survey   where regions are: one pass over memory in address order, chain by chain (survey.c, chain.c)
 *	lists    tcaches, fastbins and bins give the chunks their states (tcache.c, fastbin.c, bin.c)
 *
 * Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GLIBC_WALK_H
#define HW_HEAPWALK_GLIBC_WALK_H

#include "heapwalk/chunk_table.h"
#include "heapwalk/content.h"
#include "heapwalk/glibc/layout.h"
#include "heapwalk/heap.h"

/* Bits of a chunk's size word. */
#define HW_PREV_INUSE 1
#define HW_IS_MMAPPED 2
#define HW_NON_MAIN   4
#define HW_SIZE_BITS  7

/* No chunk is that big: bounds tables that a damaged or hostile size word would blow up. */
#define HW_CHUNK_SIZE_LIMIT (UINT64_C(1) << 42)

/* Writable private memory without gaps; malloc's memory is always inside one. */
struct hw_area {
	uint64_t start;
	uint64_t end;
};

/* A heap_info heap. */
struct hw_arena_heap {
	uint64_t base;
	uint64_t size;
	uint32_t arena;
};

/* Words out of some chunks, kept while walking so that lists are followed without reading memory again. */
struct hw_links {
	unsigned width; /* words a chunk: 2 (fd, bk) or 1 (a fastbin's next) */
	uint64_t *values;
	size_t value_count;
	size_t value_capacity;
	uint64_t *marks; /* by chunk index / 32: rank << 32 | bits: which chunks have words here */
	size_t mark_count;
	size_t mark_capacity;
};

/* A libc, beside its public struct hw_libc at the same index. */
struct hw_glibc {
	uint32_t index;
	const struct hw_module *module;
	const struct hw_layout *layout; /* one of `rows` */
	uint64_t rows;                  /* bit mask over hw_layouts: those that fit what we saw */
	uint64_t main_arena;
	uint64_t bins; /* address of its bins, 0: not set up; main_arena follows from it and the layout */
	uint32_t main_index; /* of its main arena in hw_heap.arenas */
	uint64_t heap_max;
	unsigned banner; /* NN of the banner's 2.NN, 0: no banner */
	uint64_t par;    /* address of mp_, 0: not found; the rest is its content */
	uint64_t sbrk_base;
	uint64_t n_mmaps; /* UINT64_MAX: mp_ was not found */
	uint64_t mmapped_mem;
	uint64_t hp_pagesize;
	uint64_t tcache_count;
	uint64_t tcache_max_bytes;
	uint64_t mmaps_met;   /* mmapped chunks found so far, */
	uint64_t mmapped_met; /* and the bytes of their mappings */
	uint64_t tcache_low;  /* sizes of chunks that may hold a tcache struct, inclusive; 0: none */
	uint64_t tcache_high;
	bool ring_damaged; /* the ring of arenas does not close */
	bool initialised;  /* its bins are set up */
	bool has_fastbins; /* one of its arenas has a fastbin that is not empty */
	bool is_debug;     /* libc_malloc_debug.so: built without tcache, and without a banner */
};

struct hw_walk {
	const struct hw_snapshot *snapshot;
	const struct hw_image *image;
	struct hw_heap *heap;
	const struct hw_walk_options *options;
	struct hw_classifier *classifier; /* NULL: content is not looked at */
	struct hw_glibc *glibcs;          /* as many as heap->libcs */
	struct hw_area *areas;            /* sorted */
	size_t area_count;
	size_t area_capacity;
	struct hw_arena_heap *heaps; /* sorted by base */
	size_t heap_count;
	size_t heap_capacity;
	struct hw_window reader; /* for going through memory in address order */
	struct hw_window probe;  /* small, for looking here and there */
	struct hw_links free_links;
	struct hw_links fast_links;
	struct hw_mmapped *mmapped; /* sorted; all there are if mmapped_known */
	size_t mmapped_count;
	size_t mmapped_capacity;
	bool mmapped_known;
	uint32_t *tcache_like; /* indexes of used chunks that may hold a tcache struct */
	size_t tcache_like_count;
	size_t tcache_like_capacity;
	uint64_t probes; /* header probes left for resynchronising and searching */
	uint32_t looked_into[HW_SAMPLED_CHUNK / 8 + 1]; /* by chunk size / 8, before sampling begins */
	unsigned lists_broken; /* lists of free chunks that lead into missing memory */
	uint64_t bytes_done;   /* of regions that are finished */
	uint64_t bytes_total;  /* that arenas say they have; for the progress line */
};

/* ---- heap.c */

/* Adds an anomaly. `previous` and `skipped` may be 0. Short memory loses the text, never the count. */
void hw_walk_note(struct hw_walk *walk, enum hw_anomaly_kind kind, uint32_t arena, uint64_t address,
	uint64_t previous, uint64_t skipped, const char *format, ...) hw_printf(7, 8);

/* A word of the target; false when it cannot be read. */
static inline bool hw_walk_word(const struct hw_walk *walk, uint64_t address, uint64_t *word)
{
	uint8_t bytes[8];

	if (hw_image_read_some(walk->image, address, bytes, walk->image->word_size) != walk->image->word_size)
		return false;
	*word = hw_image_word(walk->image, bytes);
	return true;
}

static inline bool hw_walk_int(const struct hw_walk *walk, uint64_t address, uint32_t *value)
{
	uint8_t bytes[4];

	if (hw_image_read_some(walk->image, address, bytes, sizeof(bytes)) != sizeof(bytes))
		return false;
	memcpy(value, bytes, sizeof(*value));
	if (walk->image->big_endian)
		*value = __builtin_bswap32(*value);
	return true;
}

/*
 * Is this memory that malloc may have and the image has not, or that was skipped because of such memory? A
 * core may be incomplete.
 */
bool hw_walk_is_missing(const struct hw_walk *walk, uint64_t address);

/* ---- area.c */

struct hw_error *hw_areas_find(struct hw_walk *walk) hw_must_check;

/* The area that holds `address`, or NULL. */
const struct hw_area *hw_area_at(const struct hw_walk *walk, uint64_t address);

/* ---- locate.c, par.c, version.c */

/* Finds every libc's main arena: fills heap->libcs and walk->glibcs. */
struct hw_error *hw_glibcs_locate(struct hw_walk *walk) hw_must_check;

/* Finds mp_ in the libc's module and narrows the rows by its shape. */
void hw_par_locate(struct hw_walk *walk, struct hw_glibc *glibc);

/* Reads the version banners; narrows the rows by them when they do not contradict what was seen. */
void hw_versions_read(struct hw_walk *walk);

/* Fills the public version and evidence. */
struct hw_error *hw_version_describe(struct hw_walk *walk, struct hw_glibc *glibc) hw_must_check;

/* What follows from the rows that are left: limits that the walk needs. When no more rows can go before it.
 */
void hw_glibc_settle_rows(struct hw_glibc *glibc);

/* Keeps those rows that also are in `mask`, if any is; else leaves all and returns false. */
bool hw_glibc_narrow(struct hw_glibc *glibc, uint64_t mask);

/* Are there 127 list heads at `bins`, but for a few? */
bool hw_bins_look_right(const struct hw_walk *walk, uint64_t bins);

/* Goes through a module's initialised writable data: calls `each` for each part until it returns false. */
void hw_module_each_writable(const struct hw_walk *walk, const struct hw_module *module,
	bool (*each)(uint64_t start, uint64_t end, void *argument), void *argument);

/* ---- arena.c */

enum hw_ring {
	HW_RING_OPEN,
	HW_RING_CUT, /* it leads into memory that is missing */
	HW_RING_CLOSED,
};

/* Does the ring that `next` makes of the arenas close, if this is the layout? */
enum hw_ring hw_arena_ring(
	const struct hw_walk *walk, const struct hw_arena_layout *layout, uint64_t main_arena);
struct hw_error *hw_arenas_find(struct hw_walk *walk) hw_must_check;
struct hw_error *hw_arena_heaps_find(struct hw_walk *walk) hw_must_check;

/* ---- chain.c */

enum hw_chain_end {
	HW_CHAIN_TOP,
	HW_CHAIN_FENCE,      /* 2 to 4 pseudo-chunks at a page's end (main arena) */
	HW_CHAIN_TERMINATOR, /* the end of a heap that is not the newest */
	HW_CHAIN_LOST,       /* a size word that cannot be */
	HW_CHAIN_UNREADABLE,
	HW_CHAIN_NO_MEMORY,
};

/* A run of chunks, each starting where the one before ends. */
struct hw_chain {
	struct hw_walk *walk;
	const struct hw_glibc *glibc;
	const struct hw_layout *layout;
	uint32_t arena;
	bool is_main;
	uint64_t start;                    /* of the region */
	uint64_t limit;                    /* no chunk may pass it */
	uint64_t top;                      /* the arena's */
	uint64_t at;                       /* where it stands or ended */
	uint64_t previous;                 /* the chunk before, 0: none */
	uint64_t end;                      /* TOP, FENCE, TERMINATOR: where the region ends */
	bool top_lost;                     /* it got lost at top */
	struct hw_region_builder *builder; /* NULL: only look, add nothing */
	uint64_t steps;                    /* looking only: chunks to go at most */
};

/* Follows the chain from chain->at, adding chunks (without the last: top, fence) if it has a builder. */
enum hw_chain_end hw_chain_follow(struct hw_chain *chain);

/* Looks whether a chain from `start` gets to its end, or `steps` chunks far. */
bool hw_chain_reaches(const struct hw_chain *chain, uint64_t start, uint64_t steps, bool must_end);

/*
 * Walks one region from `start` to its end, resynchronising where it gets lost. With `tentative` it gives up
 * instead and leaves no trace. *end is where the region ended; 0: there is none.
 */
struct hw_error *hw_region_walk(struct hw_walk *walk, enum hw_region_kind kind, uint32_t arena, uint64_t base,
	uint64_t start, uint64_t limit, bool tentative, uint64_t *end, bool *has_top) hw_must_check;

/* ---- resync.c */

/* The next address after `from` at which the chain can be taken up again; 0: none before the limit. */
uint64_t hw_chain_resync(const struct hw_chain *chain, uint64_t from);

/* ---- survey.c */

/* Finds and walks all regions in address order. */
struct hw_error *hw_survey(struct hw_walk *walk) hw_must_check;

/* Compares what was found with what malloc counts; differences are anomalies. After hw_heap_index(). */
void hw_survey_check(struct hw_walk *walk);

/* Looks into the chunks that lie before what is damaged. */
struct hw_error *hw_culprits_look(struct hw_walk *walk) hw_must_check;

/* ---- mmapped.c */

/* A chunk with a mapping of its own: header at `chunk`, mapping [base, end). */
struct hw_mmapped {
	uint64_t base;
	uint64_t end;
	uint64_t chunk;
	uint32_t arena; /* its libc's main arena */
};

/*
 * Is there one whose mapping starts at page `base`? It must end at `limit` or before. `thorough` looks
 * further for a header that memalign() moved.
 */
bool hw_mmapped_at(struct hw_walk *walk, const struct hw_glibc *glibc, uint64_t base, uint64_t limit,
	bool thorough, struct hw_mmapped *mmapped);

/*
 * Finds them where they mostly are, from the start of each mapping on: fills walk->mmapped. If number and
 * bytes are what malloc counted, these are all, mmapped_known is set, and no page by page search is needed.
 */
struct hw_error *hw_mmapped_search(struct hw_walk *walk) hw_must_check;

/* Are the bytes of the mappings that were met what malloc counts? */
bool hw_mmapped_mem_fits(const struct hw_glibc *glibc);

/* Adds it to the table as a region of its own. */
struct hw_error *hw_mmapped_add(struct hw_walk *walk, const struct hw_mmapped *mmapped) hw_must_check;

/* Its usable size (malloc_usable_size). */
uint64_t hw_mmapped_usable(const struct hw_layout *layout, uint64_t chunk, uint64_t end);

/* ---- links.c */

bool hw_links_add(struct hw_links *links, uint32_t index, const uint64_t *values);
void hw_links_truncate(struct hw_links *links, uint32_t index);

#define HW_NO_RANK UINT32_MAX

/* How many chunks before chunk `index` have words here; HW_NO_RANK if it has none itself. */
uint32_t hw_links_rank(const struct hw_links *links, uint32_t index);

/* Goes through the chunks that have words here, in order of address; as many as there are records. */
struct hw_links_cursor {
	const struct hw_links *links;
	size_t word; /* of the marks */
	uint32_t bits;
};

void hw_links_cursor_init(struct hw_links_cursor *cursor, const struct hw_links *links);
uint32_t hw_links_cursor_next(struct hw_links_cursor *cursor);

/* The words kept for chunk `index`, or NULL. */
const uint64_t *hw_links_of(const struct hw_links *links, uint32_t index);
void hw_links_deinit(struct hw_links *links);

/* ---- successors.c */

/*
 * What follows each free chunk in its list, found out for all at once. By rank among the chunks that have
 * links in walk->free_links, which is their order of address.
 */
struct hw_successors {
	uint32_t count;
	/*
	 * The rank of the one that fd leads to, if its bk leads back; else HW_NO_RANK: the last of a list, or
	 * a list that is damaged. So no two have the same one after them.
	 */
	uint32_t *next;
	uint16_t *units; /* sizes in units of 8 bytes; 0: larger than can be told so */
	uint8_t *bins;   /* of the list that each was found in, 0: none yet; but see `pieces` */
	/* Every so many ranks a piece of a list begins and reaches to where the next one does. */
	struct hw_list_piece *pieces;
	uint32_t *piece_of; /* by rank; HW_NO_RANK: in none */
};

/* False when there are none or memory is short: lists are then followed link by link. */
bool hw_successors_init(struct hw_walk *walk, struct hw_successors *successors);
void hw_successors_deinit(struct hw_successors *successors);

/*
 * Gives all that follow `first`, and itself, the bin (0 takes it away), as far as sizes lie within the
 * limits; the last one's rank. HW_NO_RANK: one has another size, or the list comes to no end.
 */
uint32_t hw_successors_mark(
	struct hw_successors *successors, uint32_t first, uint8_t bin, uint64_t smallest, uint64_t largest);

/* The bin that a chunk was given. */
uint8_t hw_successors_bin(const struct hw_successors *successors, uint32_t rank);

/* ---- tcache.c, tls.c, fastbin.c, bin.c: give states */

struct hw_error *hw_tcaches_mark(struct hw_walk *walk) hw_must_check;

/* May the content of a chunk be a tcache struct? For the chunks whose size lies in tcache_low to tcache_high.
 */
bool hw_tcache_is_like(
	const struct hw_walk *walk, const struct hw_glibc *glibc, const uint8_t *bytes, size_t available);

/* A word of a thread's static TLS that may be libc's variable `tcache`: `value` at thread pointer + offset.
 */
struct hw_tls_word {
	int64_t offset;
	uint64_t value;
	uint32_t thread;
};

/*
 * The words of all threads' static TLS for which `wanted` is true; with the libc's own TLS relocations at
 * hand only of its block. *words is the caller's to free.
 */
struct hw_error *hw_tls_words(struct hw_walk *walk, const struct hw_glibc *glibc,
	bool (*wanted)(struct hw_walk *walk, const struct hw_glibc *glibc, uint64_t value),
	struct hw_tls_word **words, size_t *count) hw_must_check;
void hw_fastbins_mark(struct hw_walk *walk);
void hw_bins_mark(struct hw_walk *walk);

/* Does any arena of this libc have chunks in fastbins, and how are they linked? Before the survey. */
void hw_fastbins_look(struct hw_walk *walk, struct hw_glibc *glibc);

/* Takes a link as it is stored at `place` apart (safe-linking). */
static inline uint64_t hw_link_decode(const struct hw_layout *layout, uint64_t place, uint64_t stored)
{
	return layout->safe_linking ? stored ^ place >> 12 : stored;
}

/* ---- allocator.c */

/* Did anybody ever allocate from this libc? */
bool hw_glibc_was_used(const struct hw_walk *walk, const struct hw_glibc *glibc);

/* Who serves malloc() here: fills heap->allocator and its evidence. */
struct hw_error *hw_allocator_recognise(struct hw_walk *walk) hw_must_check;

#endif
