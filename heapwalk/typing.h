/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the chunks are: a type for each, with the evidence and how sure it is. Part of heapwalk/heap.h;
 * include that.
 *
 *	struct hw_typing *typing;
 *	error = hw_typing_build(heap, graph, &(struct hw_typing_options){ .names = &names }, &typing);
 *	if (!error && hw_chunk_type(typing, i)->level >= HW_LEVEL_STRONG)
 *		puts(typing->types[hw_chunk_type(typing, i)->type].name);
 *	hw_typing_destroy(typing);
 *
 * Each kind of evidence is tried in the order of enum hw_evidence. A surer answer replaces a less sure one;
 * between equally sure ones the first stays. What nobody could name is HW_LEVEL_UNKNOWN, with type 0.
 */
#ifndef HW_HEAPWALK_TYPING_H
#define HW_HEAPWALK_TYPING_H

#include "heapwalk/pools.h"
#include "unwind/unwinder.h"

struct hw_heap;
struct hw_graph;
struct hw_names;

/* How sure an answer is: the share of its answers that a level promises to be right stands beside it. */
enum hw_level {
	HW_LEVEL_UNKNOWN,
	HW_LEVEL_GUESS,   /* as struct hw_chunk_type.percent says */
	HW_LEVEL_LIKELY,  /* 97 % */
	HW_LEVEL_STRONG,  /* 99 % */
	HW_LEVEL_CERTAIN, /* 99.9 % */
	HW_LEVELS,
};

/* What an answer rests on. */
enum hw_evidence {
	HW_EVIDENCE_NONE,
	HW_EVIDENCE_HINT,         /* the user said so, and it was checked */
	HW_EVIDENCE_VTABLE,       /* begins with a pointer to a C++ class's vtable */
	HW_EVIDENCE_TAG,          /* a runtime's own tag: CPython's ob_type */
	HW_EVIDENCE_CONTAINER,    /* part of a standard container, by its pointers' invariants */
	HW_EVIDENCE_PATH,         /* a variable's type leads here, member by member */
	HW_EVIDENCE_CONTAINER_OF, /* a typed pointer points into it, and one type has such a member there */
	HW_EVIDENCE_TEXT,         /* text fills it */
	HW_EVIDENCE_MAGIC,        /* begins as files of a known format do */
	HW_EVIDENCE_RECORDS,      /* equal records fill it: a pool */
	HW_EVIDENCE_SIBLING,      /* looks like chunks of which nearly all have this type */
	HW_EVIDENCE_JOINT,        /* the type that fits best to what refers to it and what it refers to */
	HW_EVIDENCE_SIZE,         /* one of few types of this size */
	HW_EVIDENCES,
};

/* How the type and the chunk go together. */
enum hw_fit {
	HW_FIT_EXACT,   /* one T, 16 bytes of slack at most */
	HW_FIT_ARRAY,   /* several T, one behind the other */
	HW_FIT_TAIL,    /* a T with a flexible array behind it */
	HW_FIT_PREFIX,  /* starts with a T; what follows is unknown */
	HW_FIT_DERIVED, /* something derived from T */
	HW_FITS,
};

/* Stable names: "certain", ... "vtable", ... "exact", ... */
const char *hw_level_name(enum hw_level level);
const char *hw_evidence_name(enum hw_evidence evidence);
const char *hw_fit_name(enum hw_fit fit);

/* Where types come from. */
enum hw_type_origin {
	HW_TYPE_ORIGIN_CXX,       /* a class known by its vtable */
	HW_TYPE_ORIGIN_DEBUG,     /* debug information: `catalogue` is its number there */
	HW_TYPE_ORIGIN_RUNTIME,   /* objects of a runtime: CPython */
	HW_TYPE_ORIGIN_CONTAINER, /* nodes and bodies of standard containers */
	HW_TYPE_ORIGIN_TEXT,
	HW_TYPE_ORIGIN_FORMAT, /* "PNG image data": a file format */
	HW_TYPE_ORIGIN_POOL,   /* a block of a pool */
	HW_TYPE_ORIGINS,
};

const char *hw_type_origin_name(enum hw_type_origin origin);

/* One type that chunks have. */
struct hw_named_type {
	const char *name; /* demangled; owned by the typing */
	enum hw_type_origin origin;
	uint32_t module;    /* index into snapshot->modules of the one that it comes from; UINT32_MAX: none */
	uint32_t catalogue; /* number in struct hw_types; 0: not from debug information */
	uint64_t size;      /* of one object; 0: not known */
	uint64_t chunks;    /* live chunks that have it, at whatever level, */
	uint64_t bytes;     /* and their usable bytes */
	uint64_t pooled;    /* objects that are no chunks but lie in pools: heapwalk/pools.h, */
	uint64_t pooled_bytes; /* and their bytes; what levels are counted of leaves them out */
	enum hw_level lowest;  /* the least and the most sure of them */
	enum hw_level highest;
};

/* The answer for one chunk: 16 bytes. */
struct hw_chunk_type {
	uint32_t type;  /* index into hw_typing.types; 0: unknown */
	uint32_t shape; /* index into hw_typing.shapes; 0: none was made */
	/*
	 * What led here, for PATH and CONTAINER_OF: a chunk's index, or HW_TYPE_FROM_ROOT with an index into
	 * hw_typing.sources; UINT32_MAX: nothing. Following it from chunk to chunk ends at a source.
	 */
	uint32_t from;
	uint8_t level;    /* enum hw_level */
	uint8_t evidence; /* enum hw_evidence */
	uint8_t fit;      /* enum hw_fit */
	uint8_t percent;  /* GUESS: how probable, 0 to 100; else 0 */
};

#define HW_TYPE_FROM_ROOT 0x80000000u

/* A variable that an answer's path starts at. */
struct hw_type_source {
	char *name;       /* "server", "main: local `table`" */
	uint64_t address; /* of the variable; of one in a register 0 */
	uint32_t type;    /* number in struct hw_types */
	uint32_t thread;  /* of a local or thread-local one: index into snapshot->threads; else UINT32_MAX */
};

/* Usable size and kind of each word: what unnamed chunks are told apart by. */
struct hw_shape {
	uint64_t usable;
	uint64_t chunks;
	uint64_t bytes;
	uint64_t reach;    /* live bytes that can be reached through them; 0: not computed */
	uint32_t example;  /* a chunk index */
	uint64_t kinds[2]; /* enum hw_kind (types/places.h) of its first 32 words, 4 bits each, the first
			      lowest */
	uint32_t zeros;    /* bit i: in some chunks word i is 0 */
	char *text;        /* "{ptr->self, ptr->heap|0, int x2, 0}" */
};

/* The answers. Open to read; only hw_typing_build() and hw_typing_find_reach() write it. */
struct hw_typing {
	const struct hw_heap *heap;   /* borrowed: must outlive this */
	struct hw_chunk_type *chunks; /* by chunk index; of chunks that are not live: zeros */
	struct hw_named_type *types;  /* [0]: unknown */
	uint32_t type_count;
	size_t type_capacity;
	struct hw_shape *shapes; /* [0]: none */
	uint32_t shape_count;
	size_t shape_capacity;
	struct hw_type_source *sources;
	uint32_t source_count;
	size_t source_capacity;
	const struct hw_types *catalogue; /* borrowed; NULL: debug information was not asked or has none */
	uint64_t level_chunks[HW_LEVELS]; /* live chunks, */
	uint64_t level_bytes[HW_LEVELS];  /* and their usable bytes, by level */
	uint64_t text_chunks;             /* of them, those with text */
	uint64_t text_bytes;
	struct hw_pool_row *pools; /* the most bytes first */
	uint32_t pool_count;
	size_t pool_capacity;
	struct hw_pymalloc pymalloc;
	uint32_t *interned; /* private: names to types */
	uint32_t interned_capacity;
};

/*
 * Debug information for this layer, filled in by the command line from the unwind layer, so that nothing here
 * links a debugger library. NULL members: that knowledge is missing.
 */
struct hw_debug_types {
	void *argument;
	/* The catalogue, read when first asked for. It may grow by each_local(): see
	 * hw_unwinder_each_local(). */
	struct hw_error *(*catalogue)(void *argument, const struct hw_types **types);
	/* Every variable in scope in any frame of a thread, innermost frame first, until `each` says false.
	 */
	struct hw_error *(*each_local)(void *argument, uint32_t thread,
		bool (*each)(const struct hw_variable *variable, const char *function, void *argument),
		void *each_argument);
	/* Whether a type is declared in a header of the system's: no program allocates its objects. */
	bool (*is_system)(void *argument, uint32_t type);
};

/* What the user knows: the chunks of a shape, or the one at an address, have this type. */
struct hw_type_hint {
	const char *shape; /* as in hw_shape.text, borrowed; NULL: `address` tells */
	uint64_t address;  /* in the chunk that is meant */
	const char *type;  /* a struct or class of the catalogue; borrowed */
	uint64_t accepted; /* filled in: chunks that can be that, and now are, */
	uint64_t refused;  /* and those whose size or words say otherwise */
};

/* May be zeroed: what the target's memory alone tells. */
struct hw_typing_options {
	const struct hw_names *names; /* NULL: no symbols are loaded */
	/* "ns::Thing" for a mangled symbol, the caller's to free; NULL: it is none. NULL: names stay mangled.
	 */
	char *(*demangle)(const char *symbol);
	const struct hw_debug_types *debug; /* NULL: no debug information is loaded */
	/* What a file that begins with these bytes is, or NULL; borrowed until the next call. */
	const char *(*format)(void *argument, const uint8_t *bytes, size_t size);
	void *format_argument;
	struct hw_type_hint *hints; /* hint_count of them; a type that is not known is an error */
	size_t hint_count;
	unsigned without;      /* evidence to leave out, 1 << enum hw_evidence */
	enum hw_level minimum; /* answers less sure than this are dropped */
	void (*progress)(uint64_t done, uint64_t total, void *argument); /* chunks */
	void *argument;
};

/*
 * Names the live chunks. `graph` may be NULL: what needs to know who refers to whom is then left out. Reads
 * the image. 16 bytes a chunk. Errors: memory short, interrupted.
 */
struct hw_error *hw_typing_build(const struct hw_heap *heap, const struct hw_graph *graph,
	const struct hw_typing_options *options, struct hw_typing **typing) hw_must_check;
void hw_typing_destroy(struct hw_typing *typing);

/* Stable names back to values; false: there is no such level. */
bool hw_level_parse(const char *name, enum hw_level *level);

/* Sure enough to be told without its level, and of the whole chunk: not what it only begins with. */
static inline bool hw_chunk_type_is_told(const struct hw_chunk_type *answer, enum hw_level least)
{
	return answer->type && answer->level >= least &&
	       (answer->fit == HW_FIT_EXACT || answer->fit == HW_FIT_ARRAY || answer->fit == HW_FIT_TAIL);
}

static inline const struct hw_chunk_type *hw_chunk_type(const struct hw_typing *typing, uint32_t index)
{
	return &typing->chunks[index];
}

/* ------------------------------------------------------------------------------------------ counted by type
 */

/* What stands in a row together. */
enum hw_type_grouping {
	HW_BY_TYPE,
	HW_BY_SHAPE,
	HW_BY_SIZE, /* chunk size; mmapped chunks apart */
};

/* Selected live chunks of one type, shape or size. */
struct hw_type_row {
	uint64_t key;   /* type or shape number; chunk size, plus 1 for mmapped ones */
	uint32_t type;  /* that most of them have */
	uint32_t types; /* how many they have */
	uint64_t type_chunks;
	enum hw_level level; /* of most that have it */
	enum hw_evidence evidence;
	uint64_t chunks;
	uint64_t bytes; /* chunk sizes, as in the histogram */
	uint32_t example;
	bool pooled; /* no chunks but objects in pools, and their own bytes; `example` is then 0 */
};

struct hw_type_tally {
	uint64_t chunks;
	uint64_t bytes;
};

/* How much of the selected chunks has a type, and how sure that is. */
struct hw_coverage {
	struct hw_type_tally all;
	struct hw_type_tally levels[HW_LEVELS]; /* without texts, which stand apart here */
	struct hw_type_tally text;
};

struct hw_type_table {
	struct hw_type_row *rows; /* most bytes first */
	size_t count;
	struct hw_coverage coverage;
	uint64_t pooled_bytes; /* of the rows that are pooled */
};

struct hw_selection;
struct hw_histogram;

/*
 * By type, what lies in pools has rows of its own, unless the selection asks for anything but types. Errors:
 * memory short.
 */
struct hw_error *hw_type_table_build(const struct hw_typing *typing, const struct hw_selection *selection,
	enum hw_type_grouping by, struct hw_type_table **table) hw_must_check;
void hw_type_table_destroy(struct hw_type_table *table);

/* Fills in the coverage, and what most chunks of each row are; `selection` is the one that the histogram was
 * made with. */
struct hw_error *hw_histogram_add_types(struct hw_histogram *histogram, const struct hw_typing *typing,
	const struct hw_selection *selection) hw_must_check;

/*
 * Fills in `reach` of the shapes with most unnamed bytes. Goes through all that these lead to: for who shows
 * it. `graph` may be NULL: then there is nothing to find. Errors: memory short.
 */
struct hw_error *hw_typing_find_reach(struct hw_typing *typing, const struct hw_graph *graph) hw_must_check;

/* A module without debug information whose variables hold chunks. */
struct hw_blind_module {
	uint32_t module; /* index into snapshot->modules */
	uint64_t words;  /* of its data that refer to live chunks */
};

/*
 * Whose debug information would tell more, those that hold most first. Of a typing that asked for debug
 * information. The caller frees *blind.
 */
struct hw_error *hw_typing_blind_modules(const struct hw_typing *typing, const struct hw_graph *graph,
	struct hw_blind_module **blind, size_t *count) hw_must_check;

#endif
