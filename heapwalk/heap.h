/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The heap: what glibc's malloc has in a snapshot, counted, selected and looked into.
 *
 * This layer finds every libc's main arena, walks arenas, heaps and mmapped blocks, and makes one table of
 * chunks. It includes no debugger library: symbols and types reach it as functions (struct hw_names). It
 *never prints. It never changes a snapshot or an earlier result; each stage makes its own.
 *
 *	struct hw_heap *heap;
 *	struct hw_error *error = hw_heap_walk(snapshot, NULL, &heap);
 *	for (uint32_t i = 0; !error && i < heap->chunks.count; i++)
 *		if (hw_chunk_state(heap, i) == HW_CHUNK_LIVE)
 *			bytes += hw_chunk_usable(heap, i);
 *	hw_heap_destroy(heap);
 *
 * What is odd in the target's heap is no error: it is an anomaly, listed in the result, and the walk goes on
 *at the next boundary that can be trusted.
 *
 * Words: a chunk is malloc's block with its header; it starts at the chunk address; its user address (what
 * malloc returned) is two words further. Chunk size counts the header; usable size is what
 * malloc_usable_size() would say. Facts about glibc are cited where they are used, as version and file.
 */
#ifndef HW_HEAPWALK_HEAP_H
#define HW_HEAPWALK_HEAP_H

#include "heapwalk/naming.h"
#include "heapwalk/explain.h"
#include "heapwalk/typing.h"
#include "inspector/inspector.h"

/* ----------------------------------------------------------------------------------------------- chunks */

/* Values fit 5 bits. */
enum hw_chunk_state {
	HW_CHUNK_END,         /* no chunk: marks where a region's last chunk ends */
	HW_CHUNK_LIVE,        /* malloc returned it and nobody freed it */
	HW_CHUNK_MMAPPED,     /* live, with a mapping of its own */
	HW_CHUNK_TCACHE,      /* freed, in some thread's tcache */
	HW_CHUNK_FASTBIN,     /* freed, in a fastbin (2.17 to 2.42) */
	HW_CHUNK_UNSORTED,    /* free, in the unsorted bin */
	HW_CHUNK_SMALLBIN,    /* free, in a small bin */
	HW_CHUNK_LARGEBIN,    /* free, in a large bin */
	HW_CHUNK_UNBINNED,    /* tagged free but in no bin: caught in mid-operation, or corrupt */
	HW_CHUNK_TOP,         /* the arena's top */
	HW_CHUNK_BOOKKEEPING, /* malloc's own: tcache structs, heap headers, fenceposts */
	HW_CHUNK_SKIPPED,     /* bytes that the walk could not make sense of: see the anomalies */
	HW_CHUNK_STATES,
};

/* What a chunk's first bytes look like at a glance, found while walking. Values fit 5 bits. */
enum hw_content {
	HW_CONTENT_NONE,      /* not looked at (not live, or unreadable) */
	HW_CONTENT_ZERO,      /* zeros, as far as 4 KiB */
	HW_CONTENT_STRING,    /* text from the first byte: ASCII or UTF-8 */
	HW_CONTENT_WIDE,      /* text as UTF-16 or UTF-32 in the target's byte order */
	HW_CONTENT_CXX,       /* starts with a pointer to a C++ vtable */
	HW_CONTENT_POINTERS,  /* at least one word points to a heap or module, no text */
	HW_CONTENT_TEXT_PART, /* text at an offset: a struct with a string in it */
	HW_CONTENT_NUMBERS,   /* small integers only */
	HW_CONTENT_DATA,      /* none of these */
	HW_CONTENTS,
};

/*
 * All chunks of all regions in address order, 8 bytes each: bits 63..10 the chunk address / 8, bits 9..5 enum
 * hw_content, bits 4..0 enum hw_chunk_state. A chunk ends where the next entry starts; a region's last chunk
 * is followed by an END entry. Indexes are 32 bits: 4 billion chunks.
 */
struct hw_chunk_table {
	uint64_t *words;
	uint32_t count; /* entries, END entries among them */
	uint32_t capacity;
};

/* What the table can hold; no program's memory lies higher. */
#define HW_ADDRESS_LIMIT (UINT64_C(1) << 57)

enum hw_region_kind {
	HW_REGION_BRK,     /* the contiguous main arena, or a piece of it between foreign sbrk()s */
	HW_REGION_EXTENT,  /* an mmapped piece of a non-contiguous main arena */
	HW_REGION_HEAP,    /* a heap_info heap of another arena */
	HW_REGION_MMAPPED, /* one mmapped chunk */
};

/* A range of addresses that malloc owns; disjoint, sorted by start. Chunks are words[first .. first + count).
 */
struct hw_region {
	uint64_t start;
	uint64_t end;
	enum hw_region_kind kind;
	uint32_t arena;     /* index into hw_heap.arenas; of an mmapped chunk: the libc's main arena */
	uint32_t first;     /* index of its first chunk */
	uint32_t count;     /* entries without the END entry */
	uint64_t *granules; /* private, as units: see heapwalk/chunk_table.h */
	struct hw_region_unit *units;
};

/* Chunks and bytes (chunk sizes) in one state. */
struct hw_tally {
	uint64_t chunks;
	uint64_t bytes;
};

struct hw_arena {
	uint64_t address; /* of its struct malloc_state */
	uint32_t libc;    /* index into hw_heap.libcs */
	bool is_main;
	bool non_contiguous;
	bool busy; /* its lock was held, or lists and tags disagree: caught in mid-operation */
	uint64_t top;
	uint64_t system_mem;
	uint64_t max_system_mem;
	uint64_t attached_threads; /* 0 where the layout has no such word (before 2.23) */
	uint64_t overhead;         /* bytes of heap headers, arena struct, alignment gaps: in no chunk */
	uint32_t region_count;
	struct hw_tally tallies[HW_CHUNK_STATES];
};

/* One libc with a malloc of its own. A plain process has one; dlmopen() and libc_malloc_debug add more. */
struct hw_libc {
	const struct hw_layout *layout; /* the row that won */
	const char *module_path;        /* borrowed from the snapshot; of a static program the executable */
	uint64_t main_arena;
	uint64_t malloc_par;   /* address of mp_, 0: not found */
	char *version;         /* "2.36" from the banner, or a range as the structure tells: "2.27 to 2.34" */
	char *evidence;        /* how it was recognised, one sentence for the report */
	uint64_t mmap_count;   /* mp_.n_mmaps */
	uint64_t mmap_found;   /* mmapped chunks that we found: should equal */
	uint64_t mmapped_mem;  /* mp_.mmapped_mem */
	uint64_t tcache_count; /* tcache structs found */
	uint64_t heap_max;     /* HEAP_MAX_SIZE: alignment and reservation of a HEAP region; 0: the usual */
};

enum hw_anomaly_kind {
	HW_ANOMALY_CHUNK_SIZE,    /* a size word that cannot be: the walk was lost here */
	HW_ANOMALY_PREVIOUS_SIZE, /* a free chunk's footer differs from its size */
	HW_ANOMALY_LIST,          /* a bin, fastbin or tcache list that leads astray, loops or breaks off */
	HW_ANOMALY_STATE,         /* tagged free but in no bin, or in a bin but tagged used */
	HW_ANOMALY_TOP,           /* top lies outside its arena or has an impossible size */
	HW_ANOMALY_ARENA,         /* the ring of arenas, a heap header or system_mem does not add up */
	HW_ANOMALY_MMAPPED,       /* mmapped chunks found differ from what malloc counted */
	HW_ANOMALY_UNREADABLE,    /* memory that malloc owns is not in the image */
	HW_ANOMALY_TCACHE,        /* a thread's tcache could not be found or does not add up */
};

/* Something odd. `address` is where; `text` says what was expected and what was found. */
struct hw_anomaly {
	enum hw_anomaly_kind kind;
	uint32_t arena;          /* UINT32_MAX: none in particular */
	uint64_t address;        /* of the damaged word or list link; 0: of none in particular */
	uint64_t previous;       /* chunk address of what lies before it (the likely overrun), 0: nothing */
	uint64_t skipped;        /* bytes that the walk left out */
	enum hw_content content; /* of that chunk, where it is live, else NONE */
	char beginning[32];      /* its first bytes, where it is live; ends with a 0 */
	char *text;
};

/* Those up to WRAPPED are glibc's. */
enum hw_allocator {
	HW_ALLOCATOR_GLIBC,
	HW_ALLOCATOR_UNUSED,  /* a glibc that never allocated */
	HW_ALLOCATOR_WRAPPED, /* glibc's behind a module that stands before malloc and calls it */
	HW_ALLOCATOR_UNSEEN,  /* what would tell is not in the image, or of no known layout */
	HW_ALLOCATOR_MUSL,
	HW_ALLOCATOR_JEMALLOC,
	HW_ALLOCATOR_TCMALLOC,
	HW_ALLOCATOR_MIMALLOC,
	HW_ALLOCATOR_SANITIZER, /* AddressSanitizer's and its kin */
	HW_ALLOCATOR_GO,
	HW_ALLOCATOR_UNKNOWN,
};

#define HW_SAMPLED_CHUNK 256
#define HW_SAMPLE_FIRST  4096
#define HW_SAMPLE_STEP   8

/* What the walk found out. Open to read; only hw_heap_walk() writes it. */
struct hw_heap {
	const struct hw_snapshot *snapshot; /* borrowed: must outlive the heap */
	unsigned word_size;
	unsigned alignment;          /* MALLOC_ALIGNMENT of the (first) libc */
	unsigned minimum;            /* MINSIZE */
	unsigned padding;            /* bytes that malloc adds to a request: 1 under MALLOC_CHECK_, else 0 */
	enum hw_allocator allocator; /* who serves malloc() in this process */
	char *allocator_evidence;    /* "malloc resolves to /usr/lib/.../libjemalloc.so.2" */
	char *runtime; /* NULL, or whose objects lie in a heap of its own beside malloc's: "Java (...)" */
	struct hw_libc *libcs;
	uint32_t libc_count;
	size_t libc_capacity;
	struct hw_arena *arenas; /* the main arena of each libc before its others */
	uint32_t arena_count;
	size_t arena_capacity;
	struct hw_region *regions;
	uint32_t region_count;
	uint32_t region_capacity;
	struct hw_directory *directory; /* private: from addresses to regions */
	struct hw_chunk_table chunks;
	struct hw_anomaly *anomalies; /* at most HW_ANOMALY_LIMIT kept; anomaly_total counts all */
	size_t anomaly_count;
	size_t anomaly_capacity;
	uint64_t anomaly_total;
	uint64_t missing; /* bytes of malloc's memory that are not in the image: chunks there are not counted,
			     and free ones may count as live where their lists lead through it */
	struct hw_tally tallies[HW_CHUNK_STATES];
	/*
	 * Small chunks were looked into by sample (hw_walk_options.sample_above): by chunk size / 8, the
	 * index from which on not every chunk of that size was; UINT32_MAX: all were.
	 */
	bool content_sampled;
	uint32_t sampled_from[HW_SAMPLED_CHUNK / 8 + 1];
};

#define HW_ANOMALY_LIMIT 1000

/* May be zeroed: the defaults. */
struct hw_walk_options {
	bool skip_content; /* do not look into chunks: every content is NONE */
	/*
	 * For counting only: where arenas have more than so many bytes, look into all chunks above
	 * HW_SAMPLED_CHUNK bytes, but of each smaller size into the first HW_SAMPLE_FIRST, then one in
	 * HW_SAMPLE_STEP, chosen by a hash of the address. The histogram weighs them so that its shares are
	 * those of all within a percent or two, of the commonest sizes within a fraction of a percent. The
	 * content of the others is NONE.
	 */
	uint64_t sample_above; /* 0: look into all, however many there are */
	void (*progress)(uint64_t done, uint64_t total,
		void *argument); /* bytes; called some times a second at most */
	void *argument;
};

/*
 * Walks every glibc heap in the snapshot. A process without one gives a heap with no regions and `allocator`
 * saying what was seen; that is no error. Errors: memory short, interrupted.
 */
struct hw_error *hw_heap_walk(const struct hw_snapshot *snapshot, const struct hw_walk_options *options,
	struct hw_heap **heap) hw_must_check;
void hw_heap_destroy(struct hw_heap *heap);

static inline uint64_t hw_chunk_address(const struct hw_heap *heap, uint32_t index)
{
	return heap->chunks.words[index] >> 10 << 3;
}

static inline enum hw_chunk_state hw_chunk_state(const struct hw_heap *heap, uint32_t index)
{
	return (enum hw_chunk_state)(heap->chunks.words[index] & 31);
}

static inline enum hw_content hw_chunk_content(const struct hw_heap *heap, uint32_t index)
{
	return (enum hw_content)(heap->chunks.words[index] >> 5 & 31);
}

/* What malloc returned: the chunk address and two words. */
static inline uint64_t hw_chunk_user(const struct hw_heap *heap, uint32_t index)
{
	return hw_chunk_address(heap, index) + 2 * heap->word_size;
}

/* Bytes from this entry to the next. Not for END entries. */
static inline uint64_t hw_chunk_size(const struct hw_heap *heap, uint32_t index)
{
	return hw_chunk_address(heap, index + 1) - hw_chunk_address(heap, index);
}

static inline bool hw_chunk_is_live(const struct hw_heap *heap, uint32_t index)
{
	enum hw_chunk_state state = hw_chunk_state(heap, index);

	return state == HW_CHUNK_LIVE || state == HW_CHUNK_MMAPPED;
}

/* What malloc_usable_size() would say of a live chunk (mmapped ones differ by glibc version). */
uint64_t hw_chunk_usable(const struct hw_heap *heap, uint32_t index);

/* Index into heap->regions of the region that holds `address`; false when none does. Constant time on
 * average. */
bool hw_heap_find_region(const struct hw_heap *heap, uint64_t address, uint32_t *region);

/*
 * The chunk that `address` lies in, header and interior included; false outside every region and in END gaps.
 * Constant time: a bit per granule and a rank per word.
 */
bool hw_heap_find(const struct hw_heap *heap, uint64_t address, uint32_t *index);

/* The region of a chunk; its arena is regions[...].arena. Binary search: when going through all, go by
 * region. */
const struct hw_region *hw_heap_region_of(const struct hw_heap *heap, uint32_t index);

/* "live", "tcache", ... and "string", "C++ class", ...: stable names, the same in every output format. */
const char *hw_chunk_state_name(enum hw_chunk_state state);
const char *hw_content_name(enum hw_content content);
const char *hw_anomaly_kind_name(enum hw_anomaly_kind kind);
const char *hw_region_kind_name(enum hw_region_kind kind);
const char *hw_allocator_name(enum hw_allocator allocator);

/* Does what the walk found stand for what malloc() gave this program? */
static inline bool hw_allocator_is_glibc(enum hw_allocator allocator)
{
	return allocator <= HW_ALLOCATOR_WRAPPED;
}

/* --------------------------------------------------------------------------------- caught in mid-operation
 */

/*
 * Tells whether a stopped process stands in the middle of a malloc operation: for hw_attach_options.is_busy.
 * Made from a preview while the target runs; looks only at lock words, program counters and a few stack
 * words.
 */
struct hw_settle;
struct hw_error *hw_settle_create(const struct hw_snapshot *preview, struct hw_settle **settle) hw_must_check;
void hw_settle_destroy(struct hw_settle *settle);
bool hw_settle_is_busy(const struct hw_snapshot *stopped, void *settle);

/* ------------------------------------------------------------------------------------------ sizes, selection
 */

/* The chunk size that malloc(request) has on this target. */
uint64_t hw_heap_request_to_chunk(const struct hw_heap *heap, uint64_t request);

/* The requests that end in chunks of this size: [*low, *high], inclusive as people say it ("41 to 56"). */
void hw_heap_chunk_to_requests(
	const struct hw_heap *heap, uint64_t chunk_size, uint64_t *low, uint64_t *high);

/* Which chunks are meant. Zeroed: every live chunk. */
struct hw_selection {
	/*
	 * Chunks that malloc(N) returns for N in [size_low, size_high]; both 0: every size. A mmapped chunk
	 * counts for every N that needs as many pages.
	 */
	uint64_t size_low;
	uint64_t size_high;
	bool has_arena;
	uint32_t arena;
	uint32_t states;   /* bit mask 1 << enum hw_chunk_state; 0: live and mmapped */
	uint32_t contents; /* bit mask 1 << enum hw_content; 0: any */
	uint32_t leaks;    /* bit mask 1 << enum hw_leak_kind as `graph` has them, HW_LEAK_STALE; 0: any */
	const struct hw_graph *graph;
	const uint8_t *types; /* not 0 for those types of `typing` that are meant; NULL: any */
	const struct hw_typing *typing;
	/*
	 * Later stages' own conditions (leak kind, type): called last, for chunks that passed the rest. NULL:
	 * all pass.
	 */
	bool (*matches)(uint32_t index, const void *argument);
	const void *argument;
};

/* Goes through the selected chunks in address order, or downwards with `newest_first` (growth is at the end).
 */
struct hw_chunk_iterator {
	const struct hw_heap *heap;
	const struct hw_selection *selection;
	bool newest_first;
	uint64_t chunk_low; /* the selection's sizes as chunk sizes */
	uint64_t chunk_high;
	uint32_t states;     /* the selection's, never 0 */
	bool by_state_alone; /* it asks for nothing else of a chunk */
	int64_t region;      /* private: where we are, */
	uint32_t next;       /* the chunk to look at next, */
	uint32_t left;       /* and how many of the region's are left */
};

void hw_chunk_iterator_init(struct hw_chunk_iterator *iterator, const struct hw_heap *heap,
	const struct hw_selection *selection, bool newest_first);
/* False at the end. `arena` may be NULL. */
bool hw_chunk_iterator_next(struct hw_chunk_iterator *iterator, uint32_t *index, uint32_t *arena);

/* ------------------------------------------------------------------------------------------------ histogram
 */

/* What memcheck means by these words. Values fit 3 bits; the later the worse. */
enum hw_leak_kind {
	HW_LEAK_NONE,      /* not a live chunk */
	HW_LEAK_REACHABLE, /* a chain of pointers to chunk starts leads to it from a root */
	HW_LEAK_POSSIBLE,  /* every chain has a pointer into the middle of a chunk in it */
	HW_LEAK_INDIRECT,  /* lost, because all that refers to it is lost */
	HW_LEAK_DEFINITE,  /* lost, and the head of what is lost with it */
	HW_LEAK_KINDS,
};

/* Beside 1 << enum hw_leak_kind in masks: what hw_chunk_is_stale() says. */
#define HW_LEAK_STALE (1u << HW_LEAK_KINDS)

/* One row: the live chunks of one chunk size. */
struct hw_size_row {
	uint64_t chunk_size;
	uint64_t usable;
	uint64_t request_low; /* malloc(request_low) ... malloc(request_high) end here */
	uint64_t request_high;
	uint64_t chunks;
	uint64_t bytes;          /* chunk sizes added up */
	double share;            /* of all live bytes in the histogram, 0 to 1 */
	enum hw_content content; /* the commonest */
	double content_share;    /* of this row's chunks that were looked into, 0 to 1 */
	double suspicion; /* higher is more suspicious; what it is made of stands at hw_histogram_build() */
	bool mmapped;     /* chunks with mappings of their own */
	uint64_t leaks[HW_LEAK_KINDS]; /* has_leaks: chunks by leak kind; each takes chunk_size bytes */
	uint32_t type;                 /* the commonest; 0: unknown, or nobody looked */
	enum hw_level type_level;
	double type_share; /* of this row's chunks, 0 to 1 */
};

struct hw_histogram {
	struct hw_size_row *rows;
	size_t row_count;
	uint64_t chunks;
	uint64_t bytes;
	bool has_leaks;              /* the selection had a graph */
	struct hw_coverage coverage; /* all zero: nobody looked for types */
};

enum hw_histogram_order {
	HW_ORDER_SUSPICION, /* most suspicious first */
	HW_ORDER_BYTES,
	HW_ORDER_CHUNKS,
	HW_ORDER_SIZE, /* smallest first */
};

/*
 * Counts the selected chunks per chunk size; mmapped chunks have rows of their own.
 *
 * A leak is a thing that happens again and again, so it shows as many chunks of one size, and it hurts by its
 * bytes. Suspicion is (chunks - 1) * sqrt(chunk size): it grows with the number of chunks first; between
 * equal numbers large chunks come first; a size that occurs once, however large, comes last. Equal suspicion
 * goes by bytes.
 */
struct hw_error *hw_histogram_build(const struct hw_heap *heap, const struct hw_selection *selection,
	enum hw_histogram_order order, struct hw_histogram **histogram) hw_must_check;
void hw_histogram_destroy(struct hw_histogram *histogram);

/* -------------------------------------------------------------------------------------- where is the memory
 */

/* What a mapping is used for, as far as heapwalk knows. */
enum hw_use {
	HW_USE_HEAP,      /* malloc's brk heap, heaps and extents */
	HW_USE_RESERVED,  /* address space that malloc reserved and does not use (PROT_NONE) */
	HW_USE_MMAPPED,   /* mmapped chunks */
	HW_USE_STACK,     /* a live thread's stack */
	HW_USE_OLD_STACK, /* a stack that no live thread uses (glibc caches them) */
	HW_USE_DATA,      /* writable data of the program and its libraries, .data and .bss */
	HW_USE_FILE,      /* backed by a file: code, constants, mapped files */
	HW_USE_SHARED,    /* shared memory without a file on disk */
	HW_USE_KERNEL,    /* [vdso], [vvar], [vsyscall] */
	HW_USE_ANONYMOUS, /* the program's own anonymous memory: not malloc's */
	HW_USES,
};

const char *hw_use_name(enum hw_use use);

/* A piece of a mapping with one use. A mapping shared by several uses (heap next to mmapped chunk) has
 * several. */
struct hw_use_span {
	uint64_t start;
	uint64_t end;
	enum hw_use use;
	uint32_t map;   /* index into snapshot->maps */
	uint32_t owner; /* HEAP: arena index; STACK: thread index; DATA: module index; else UINT32_MAX */
};

/* Virtual size and what smaps says. A mapping's resident bytes are shared out to its spans by size. */
struct hw_use_total {
	uint64_t size;
	uint64_t rss;
	uint64_t pss;
	uint64_t swap;
};

/* Every byte of every mapping exactly once. */
struct hw_accounting {
	struct hw_use_span *spans; /* sorted by start */
	size_t span_count;
	struct hw_use_total totals[HW_USES];
	struct hw_use_total all;
	bool usage_known;          /* false: rss, pss and swap are unknown (a core) */
	uint64_t unexplained_heap; /* bytes inside HEAP and MMAPPED spans that no chunk and no known overhead
				      explains */
};

struct hw_error *hw_accounting_build(
	const struct hw_heap *heap, struct hw_accounting **accounting) hw_must_check;
void hw_accounting_destroy(struct hw_accounting *accounting);

/* On which side the memory lies: the first question about a process that has too much of it. */
enum hw_balance_kind {
	HW_BALANCE_NONE,    /* too little memory to say */
	HW_BALANCE_LIVE,    /* in live chunks: a leak, a cache, or just data */
	HW_BALANCE_FREE,    /* in free chunks that malloc does not give back: fragmentation */
	HW_BALANCE_OUTSIDE, /* not malloc's at all */
};

struct hw_balance {
	enum hw_balance_kind kind;
	/*
	 * LIVE: of malloc's address space; FREE: of malloc's memory, resident and swapped where that is
	 * known; OUTSIDE: so of the process's own memory: malloc's, anonymous, shared, static data and stacks
	 * together.
	 */
	double share;
	enum hw_use most; /* what most of the memory that is not malloc's is used for */
};

/*
 * Weighs what is resident or swapped where that is known, else sizes. FREE from a third of malloc's memory
 * on, OUTSIDE from half on; the outer question is asked first.
 */
struct hw_balance hw_balance_of(const struct hw_heap *heap, const struct hw_accounting *accounting);

/* -------------------------------------------------------------------------------------------------- strings
 */

enum hw_encoding {
	HW_ENCODING_ASCII,
	HW_ENCODING_UTF8,
	HW_ENCODING_UTF16LE,
	HW_ENCODING_UTF16BE,
	HW_ENCODING_UTF32LE,
	HW_ENCODING_UTF32BE,
};

const char *hw_encoding_name(enum hw_encoding encoding);

/* One distinct string. */
struct hw_string {
	char *text;    /* UTF-8, as found: control characters are not escaped here but when shown */
	size_t length; /* bytes of text */
	enum hw_encoding encoding;
	bool truncated;   /* longer than the limit: text is its beginning */
	bool left_over;   /* seems left from an earlier use of the memory, see hw_strings_collect() */
	uint64_t count;   /* occurrences */
	uint64_t chunks;  /* distinct chunks that hold it */
	uint64_t example; /* target address of one occurrence */
	uint64_t offset;  /* of that occurrence from its chunk's user address */
};

struct hw_string_options {
	size_t minimum; /* characters; 0: 4 */
	size_t limit;   /* bytes of text kept; 0: 4096 */
	size_t most;    /* distinct strings kept; 0: 1 million; beyond that new ones are only counted */
};

struct hw_string_table {
	struct hw_string *strings; /* left-overs last; most frequent first, then longest, then by text */
	size_t count;
	uint64_t dropped;     /* occurrences of strings beyond `most` */
	uint64_t chunks;      /* chunks looked at */
	uint64_t chunks_with; /* of them with at least one string */
};

/*
 * The distinct strings in the selected chunks: text that starts at any offset, in any of the encodings, that
 * is no part of a pointer (words that point into a mapping are not text), and what std::string objects with a
 * buffer elsewhere refer to.
 *
 * Noise is not told: a text must be the longer the more bytes around it are neither text nor zero, four or
 * five letters must look like a word, and in UTF-16 other than Latin a zero must follow.
 *
 * malloc rounds sizes up and clears nothing, so behind a live text there may be the rest of an older one.
 * That is in the chunk, and is told; but where a text follows another's end at once, in bytes that malloc may
 * have added to the request, it is kept apart as left over, and comes after all others. What lies behind the
 * text within a std::string is left out.
 */
struct hw_error *hw_strings_collect(const struct hw_heap *heap, const struct hw_selection *selection,
	const struct hw_string_options *options, struct hw_string_table **table) hw_must_check;
void hw_strings_destroy(struct hw_string_table *table);

/* ----------------------------------------------------------------------------------- what a word may mean */

enum hw_word_kind {
	HW_WORD_NIL,
	HW_WORD_CHUNK,  /* points into a chunk: index and offset from its user address */
	HW_WORD_MODULE, /* points into an ELF module: code or data */
	HW_WORD_STACK,
	HW_WORD_MAPPED, /* points into some other mapping */
	HW_WORD_TEXT,   /* its bytes are printable text */
	HW_WORD_NUMBER,
};

struct hw_word_meaning {
	enum hw_word_kind kind;
	uint32_t chunk;  /* CHUNK: its index */
	uint64_t offset; /* CHUNK: from the user address (negative for headers as two's complement) */
	const struct hw_map *map; /* MODULE, STACK, MAPPED */
	uint32_t thread;          /* STACK: thread index, UINT32_MAX unknown */
};

/* For --dump: what this word of the target's memory may be. `accounting` may be NULL (no stacks then). */
struct hw_word_meaning hw_word_explain(
	const struct hw_heap *heap, const struct hw_accounting *accounting, uint64_t word);

/* --------------------------------------------------------------------------- who can be reached, from where
 */

/* Where the program keeps pointers outside malloc's heap. Values fit 5 bits. */
enum hw_root_kind {
	HW_ROOT_GLOBAL,     /* a module's writable data */
	HW_ROOT_TLS,        /* thread-local storage */
	HW_ROOT_SPECIFIC,   /* pthread_setspecific() slots */
	HW_ROOT_DESCRIPTOR, /* a thread's control block: the C library's own */
	HW_ROOT_LOADER,     /* ld.so's own data */
	HW_ROOT_MAPPED,     /* memory that the program has outside malloc: mapped, or between two sbrk()s */
	HW_ROOT_STACK,      /* a thread's stack, the live part with the red zone */
	HW_ROOT_REGISTER,   /* a thread's registers, vector registers among them */
	HW_ROOT_KERNEL,     /* what the kernel keeps for the process: struct hw_kernel_word */
	HW_ROOT_KINDS,
};

/*
 * A range of words that are scanned for pointers. Disjoint; in order of address, then registers, then what
 * the kernel keeps.
 */
struct hw_root {
	enum hw_root_kind kind;
	uint32_t owner; /* GLOBAL, LOADER: module index; MAPPED: map index; KERNEL: the epoll descriptor; else
			   thread index. UINT32_MAX: none */
	uint64_t start; /* REGISTER: offset in the general registers' block, vector registers following it;
			   KERNEL: index into snapshot->kernel_words */
	uint64_t end;
};

/* "global", ... and "still reachable", "possibly lost", ...: the same in every output format. */
const char *hw_root_kind_name(enum hw_root_kind kind);
const char *hw_leak_kind_name(enum hw_leak_kind kind);

/* How the blocks of one lost family refer to each other. */
enum hw_lost_shape {
	HW_LOST_BLOCK, /* one block alone */
	HW_LOST_LIST,  /* three or more, each refers to at most one other */
	HW_LOST_TREE,  /* each but the head is referred to once */
	HW_LOST_CYCLE, /* something refers back to the head: they hold only each other */
	HW_LOST_WEB,   /* anything else */
	HW_LOST_SHAPES,
};

const char *hw_lost_shape_name(enum hw_lost_shape shape);

/* A lost family: a head and what is lost with it. */
struct hw_lost_tree {
	uint64_t bytes;      /* chunk sizes, head included */
	uint32_t head;       /* chunk index */
	uint32_t blocks;     /* head included */
	uint32_t references; /* from its blocks to other lost blocks */
	bool branches;       /* some block refers to two others */
	bool cycle;          /* some block refers to the head */
};

enum hw_lost_shape hw_lost_tree_shape(const struct hw_lost_tree *tree);

/*
 * Interior pointers that count as start pointers: memcheck's heuristics of these names, and two that memcheck
 * does not have: one is proven by the block's own words, the other by how many alike are held the same way.
 */
enum hw_heuristic {
	HW_HEURISTIC_LENGTH64,            /* behind a 64-bit length of the rest of the block */
	HW_HEURISTIC_NEWARRAY,            /* behind the number of elements of a new[] array */
	HW_HEURISTIC_STDSTRING,           /* to the text of a reference-counted std::string */
	HW_HEURISTIC_MULTIPLEINHERITANCE, /* to a base class with a vtable of its own */
	HW_HEURISTIC_ALIGNED,             /* beside a word in which an aligning allocator keeps the start */
	HW_HEURISTIC_HABIT,               /* to where all of this size are held, 16 or more: hw_habit */
	HW_HEURISTICS,
};

/* "length64", "newarray", "stdstring", "multipleinheritance", "aligned", "habit". */
const char *hw_heuristic_name(enum hw_heuristic heuristic);

/*
 * Blocks that the program only ever refers to by their middle, at one offset: 16 or more of a size, and nine
 * ten of that size that are referred to by their middle at all. What is so with three sizes counts for all.
 */
struct hw_habit {
	uint64_t chunk_size; /* 0: of any other size */
	uint64_t offset;     /* from the user address */
	uint64_t chunks;
};

/* May be zeroed: all roots, all heuristics. */
struct hw_graph_options {
	unsigned ignore;        /* roots to leave out, 1 << enum hw_root_kind */
	unsigned no_heuristics; /* heuristics to leave out, 1 << enum hw_heuristic */
	void (*progress)(uint64_t done, uint64_t total, void *argument); /* chunks */
	void *argument;
};

/* Who refers to whom, and the leak kind of every chunk. Open to read; only hw_graph_build() writes it. */
struct hw_graph {
	const struct hw_heap *heap; /* borrowed: must outlive the graph */
	uint8_t *kinds;             /* by chunk index: hw_chunk_leak_kind(), hw_chunk_is_stale() */
	struct hw_tally tallies[HW_LEAK_KINDS];
	struct hw_tally stale;                     /* of those that can be reached: hw_chunk_is_stale() */
	struct hw_tally heuristics[HW_HEURISTICS]; /* of the reachable, those that need one to be it */
	struct hw_habit *habits;                   /* those of HW_HEURISTIC_HABIT */
	size_t habit_count;
	struct hw_lost_tree
		*trees; /* families whose head nothing refers to, by address; then cycles, by address */
	size_t tree_count;
	struct hw_root *roots;
	size_t root_count;
	/*
	 * Roots that the snapshot does not have all of (1 << enum hw_root_kind), as in cores without
	 * registers or stacks: what is called lost may be held by them.
	 */
	unsigned missing;
	uint64_t unread; /* bytes of live chunks that could not be read: they may hold pointers too */
	struct hw_graph_parts *parts; /* private */
};

/*
 * Scans roots and live chunks for pointers, and tells what can be reached. About 12 bytes of memory a chunk
 * and 4 a pointer. Errors: memory short; HW_ERROR_UNSUPPORTED for 2^31 chunks or more.
 */
struct hw_error *hw_graph_build(const struct hw_heap *heap, const struct hw_graph_options *options,
	struct hw_graph **graph) hw_must_check;
void hw_graph_destroy(struct hw_graph *graph);

static inline enum hw_leak_kind hw_chunk_leak_kind(const struct hw_graph *graph, uint32_t index)
{
	return (enum hw_leak_kind)(graph->kinds[index] & 7);
}

/*
 * Can be reached, but only through a word that looks stale: left over behind a text, in links that malloc
 * wrote, in a register that nobody uses; and it, or what it hangs on, looks like blocks that are lost for
 * certain. Probably lost, and never counted as lost: the kind is REACHABLE or POSSIBLE.
 */
static inline bool hw_chunk_is_stale(const struct hw_graph *graph, uint32_t index)
{
	return graph->kinds[index] & 64;
}

/* ---------------------------------------------------------------------------------------------------- leaks
 */

/* Lost families that look alike: heads of one size and look, with what hangs on them in one shape. */
struct hw_leak_group {
	enum hw_leak_kind kind; /* DEFINITE: families; POSSIBLE: single blocks, each a family of its own */
	bool is_stale;          /* kind REACHABLE: such blocks as only a word that looks stale leads to */
	enum hw_lost_shape shape;
	enum hw_content content; /* of the heads, if there is no type of the first of them */
	uint32_t type;           /* of the heads, index into the typing's types; 0: not known */
	uint64_t chunk_size;     /* of the heads */
	uint64_t usable;
	uint64_t request_low; /* the heads were asked for with malloc(request_low) to malloc(request_high) */
	uint64_t request_high;
	uint64_t families;
	uint64_t blocks; /* heads included */
	uint64_t bytes;
	uint64_t head_bytes;
	uint32_t example; /* the head with the most bytes on it */
	uint64_t most;    /* bytes on that one, itself included */
};

struct hw_leaks {
	struct hw_leak_group *groups; /* definitely, then probably (stale), then possibly lost; most bytes
					 first */
	size_t count;
	struct hw_tally definite; /* sums over the groups: families' heads */
	struct hw_tally indirect; /* what hangs on them */
	struct hw_tally possible; /* but for the stale ones */
	struct hw_tally stale;
};

/*
 * Groups those families whose head is selected (states and leak kinds of the selection do not count).
 * `typing` may be NULL: heads are then told apart by their size and content alone.
 */
struct hw_error *hw_leaks_build(const struct hw_graph *graph, const struct hw_selection *selection,
	const struct hw_typing *typing, struct hw_leaks **leaks) hw_must_check;
void hw_leaks_destroy(struct hw_leaks *leaks);

/* --------------------------------------------------------------------------------------------------- holders
 */

/* A thing with a name that holds chunks: a variable, a thread's stack, its registers, a mapping. */
struct hw_holder {
	enum hw_root_kind kind;
	bool is_section;  /* `name` is one, as in modules without symbols */
	uint32_t owner;   /* module, thread or mapping, as in struct hw_root */
	uint64_t address; /* where it starts: variable, stack, mapping; of a nameless global the first word */
	uint64_t end;     /* past its last word that refers to a live chunk */
	uint64_t words;   /* of it that refer to live chunks */
	char *name;       /* the symbol's or section's; NULL: none is known */
	char *function;   /* STACK: whose frame it lies in, `name` being a local variable of it or NULL; NULL:
			     the stack as a whole */
	char *file; /* where it is declared, as the compiler wrote it; NULL: not known, or not looked up */
	unsigned line;
	uint32_t type; /* of the variable, a number of struct hw_names; 0: not known, or not looked up */
	bool type_is_known;
	uint32_t module; /* TLS with a name: index into snapshot->modules */
	uint64_t block;  /* and where the module's thread-local storage starts in that thread */
};

struct hw_holders {
	struct hw_holder *holders; /* by address, registers last; behind them those that were split off */
	uint32_t count;
	size_t capacity;
	uint32_t *of_word; /* private: root word → holder */
};

/* Groups the roots of a graph by name. `names` may be NULL. */
struct hw_error *hw_holders_build(
	const struct hw_graph *graph, const struct hw_names *names, struct hw_holders *holders) hw_must_check;

/* Fills in where a holder is declared. Only for those that are shown: it may read debug information. */
struct hw_error *hw_holder_find_line(struct hw_holder *holder, const struct hw_names *names) hw_must_check;
void hw_holders_deinit(struct hw_holders *holders);

/* ----------------------------------------------------------------------------------------------- who holds
 * it
 */

/*
 * A place in the tree of shortest ways: chunks that look alike and are held alike. Ways that run through
 * chunk after chunk of one look (a list, a tree) have one place for all of these.
 */
struct hw_who_place {
	uint32_t depth;          /* 0: a holder */
	uint32_t parent;         /* index, UINT32_MAX: none */
	uint32_t holder;         /* depth 0: index into holders; else UINT32_MAX */
	uint32_t example;        /* below: one of the chunks, a selected one if there is any */
	uint64_t chunk_size;     /* of the chunks */
	enum hw_content content; /* of the first of them */
	bool several_offsets;    /* `offset` is the lowest of several: an array, or several members */
	bool several_intos;
	bool has_next;
	bool several_nexts;
	bool several_fields; /* `field` is the one at `offset`, other references stand in other members */
	bool several_next_fields;
	uint32_t type;         /* of the chunks; index into hw_who.texts */
	uint32_t field;        /* the member that refers to them, likewise */
	uint32_t next_field;   /* the member that refers to the next one, likewise */
	uint64_t offset;       /* where the reference to them stands: from the holder's or chunk's start */
	uint64_t into;         /* the reference points so many bytes into them, 0: to their start */
	uint64_t run;          /* chunks of this place one behind the other on the longest way */
	uint64_t next;         /* has_next: where in them the reference to the next one stands */
	uint64_t chunks;       /* that stand here */
	struct hw_tally here;  /* the selected ones among them */
	struct hw_tally below; /* selected ones here and further on */
};

struct hw_who {
	struct hw_holders holders;
	struct hw_who_place *places; /* depth first, the most selected bytes first */
	uint32_t count;
	struct hw_tally selected;
	struct hw_tally unheld; /* selected ones that no way leads to: lost */
	char **texts;           /* types and members; [0] is NULL: not known */
	uint32_t text_count;
};

/*
 * The shortest ways from named roots to the selected live chunks, merged into a tree. A way from a stack or
 * register counts as a few steps longer, so that a variable is named rather than who just uses it. Reads the
 * image.
 */
struct hw_error *hw_who_build(const struct hw_graph *graph, const struct hw_selection *selection,
	const struct hw_names *names, struct hw_who **who) hw_must_check;
void hw_who_destroy(struct hw_who *who);

/* -------------------------------------------------------------------------------------------- retained
 * memory
 */

/* A holder or chunk and what would be freed if it let go: what can be reached through it only. */
struct hw_retainer {
	uint32_t depth;  /* 0: a holder, or a chunk that several holders keep together */
	uint32_t holder; /* index into holders; UINT32_MAX: a chunk */
	uint32_t chunk;
	uint64_t run;             /* chunks of one size that follow each other, shown as the first of them */
	struct hw_tally retained; /* itself included */
	uint64_t alike_size;      /* of most chunks right below it; 0: no size has the majority */
	uint32_t alike_example;
	struct hw_tally alike;          /* these, */
	struct hw_tally alike_retained; /* and what would be freed with all of them */
	uint32_t via;        /* a chunk that a stack keeps: index into holders of the variable that refers to
				it; UINT32_MAX: not known */
	uint32_t type;       /* of the chunk; index into hw_retained.texts */
	uint32_t field;      /* the member that refers to it from what is right above, likewise */
	uint32_t alike_type; /* of the first of those alike, likewise */
};

struct hw_retained {
	struct hw_holders holders;
	struct hw_retainer *retainers; /* depth first, the most bytes first */
	uint32_t count;
	struct hw_tally reachable; /* everything that can be reached */
	struct hw_tally shared;    /* of it what no single holder keeps alone */
	char **texts;              /* types and members; [0] is NULL: not known */
	uint32_t text_count;
};

/* May be zeroed. */
struct hw_retained_options {
	double least;     /* share of what is reachable from which on a retainer is told; 0: 0.01 */
	unsigned depth;   /* levels below a holder at most; 0: 3 */
	unsigned breadth; /* chunks right below one retainer at most; 0: 4 */
};

/*
 * The dominator tree over holders and chunks, cut to its heavy part. Threads' stacks and registers count as
 * holders of what nothing else leads to: who uses a thing just now does not keep it. Errors: memory short.
 */
struct hw_error *hw_retained_build(const struct hw_graph *graph, const struct hw_names *names,
	const struct hw_retained_options *options, struct hw_retained **retained) hw_must_check;
void hw_retained_destroy(struct hw_retained *retained);

/* ----------------------------------------------------------------------------------------------------
 * verdict
 */

/* What stands out about a process. Values in the order in which they are told. */
enum hw_finding_kind {
	HW_FINDING_LOST,    /* a lost family, or many that look alike */
	HW_FINDING_HOLDER,  /* one variable keeps most of a large heap */
	HW_FINDING_FREE,    /* much free memory that malloc holds on to */
	HW_FINDING_OUTSIDE, /* most memory is not malloc's */
	HW_FINDINGS,
};

/* "lost", "holder", "free", "outside". */
const char *hw_finding_kind_name(enum hw_finding_kind kind);

struct hw_finding {
	enum hw_finding_kind kind;
	uint64_t chunks; /* LOST, HOLDER */
	uint64_t bytes;
	double share;      /* LOST, HOLDER: of all live bytes; FREE, OUTSIDE: as in struct hw_balance */
	uint32_t group;    /* LOST: index into leaks->groups */
	uint32_t holder;   /* HOLDER: index into retained->holders */
	uint32_t beside;   /* HOLDER: so many others hold the same block, and only together they keep all */
	uint32_t retainer; /* HOLDER: index into retained->retainers: below it, the one with most chunks alike
			    */
};

#define HW_VERDICT_LIMIT 3

struct hw_verdict {
	struct hw_finding findings[HW_VERDICT_LIMIT];
	unsigned count;  /* 0: nothing looks wrong, as far as was looked */
	bool has_graph;  /* false: nobody looked who refers to what, so nothing lost was found */
	bool is_certain; /* false: roots are missing, what is called lost may not be */
	struct hw_balance balance;
	struct hw_leaks *leaks;
	struct hw_retained *retained;
};

/*
 * One to three findings, or none. Told is only what a healthy program does not have: lost bytes from a
 * hundredth of the live ones on, 64 KiB or 16 families alike; a holder that alone keeps half of 16 MiB or
 * more in ten thousand chunks or more. `graph` may be NULL (not looked), and `names`.
 */
struct hw_error *hw_verdict_build(const struct hw_heap *heap, const struct hw_accounting *accounting,
	const struct hw_graph *graph, const struct hw_names *names,
	struct hw_verdict **verdict) hw_must_check;
void hw_verdict_destroy(struct hw_verdict *verdict);

#endif
