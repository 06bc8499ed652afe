/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A typing that is being made. Each kind of evidence is a provider: a file of its own with one function, a
 * row in typing.c. Providers go through chunks in order of address where they can, since a live snapshot is
 * read through windows. Private to heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_TYPER_H
#define HW_HEAPWALK_TYPES_TYPER_H

#include "heapwalk/addresses.h"
#include "heapwalk/heap.h"

struct hw_typer {
	const struct hw_heap *heap;
	const struct hw_graph *graph; /* NULL: nobody looked */
	const struct hw_typing_options *options;
	struct hw_typing *typing;
	struct hw_addresses *addresses; /* what lies where */
	struct hw_program *program;     /* the debug information made ready: program.h; NULL: there is none */
	struct hw_catalogue_names *by_name; /* private to catalogue.c; NULL: nobody asked */
	struct hw_pymalloc_arenas *arenas;  /* CPython's; NULL: there are none */
};

/* The number of the type with this name, origin, module and catalogue number; made if it is new. */
struct hw_error *hw_typer_intern(
	struct hw_typer *typer, const struct hw_named_type *type, uint32_t *number) hw_must_check;

/* The same for a type of the catalogue: its name and module are the catalogue's. */
struct hw_error *hw_typer_intern_debug(
	struct hw_typer *typer, const struct hw_types *types, uint32_t type, uint32_t *number) hw_must_check;

/*
 * The catalogue, read when first asked for; *types is NULL where there is none or nobody wanted debug
 * information.
 */
struct hw_error *hw_typer_catalogue(struct hw_typer *typer, const struct hw_types **types) hw_must_check;

/* The struct or class of the catalogue with this name, complete, 0: none. Spaces do not count. */
struct hw_error *hw_typer_find_struct(struct hw_typer *typer, const char *name, uint32_t *type) hw_must_check;

/* NULL is fine. */
void hw_catalogue_names_destroy(struct hw_catalogue_names *names);

/*
 * Gives a chunk this answer unless it has a surer one, or an equally sure one of earlier evidence. True: it
 * was taken. Keeps the shape.
 */
bool hw_typer_offer(struct hw_typer *typer, uint32_t chunk, const struct hw_chunk_type *answer);

/*
 * Malloc gave no more for a request of `size` bytes than it had to: it rounds up, and leaves a remainder that
 * is too small for a chunk.
 */
static inline bool hw_typer_fits(const struct hw_heap *heap, uint64_t size, uint64_t usable)
{
	return size <= usable &&
	       usable <= hw_heap_request_to_chunk(heap, size) - heap->word_size + heap->alignment;
}

/* ------------------------------------------------------------------------------------ looking at all chunks
 */

/* A live chunk and the beginning of what it holds. */
struct hw_look_chunk {
	uint32_t index;
	const uint8_t *bytes; /* as they lie in the target; valid during the call */
	size_t size;          /* of them: the usable bytes, HW_LOOK_BYTES at most */
	uint64_t usable;
};

#define HW_LOOK_BYTES 4096

/*
 * Evidence that lies in a chunk alone. All that look do so in one pass, in order of address, so that memory
 * is read once. begin() makes what the others are given (NULL: nothing is needed); look() is called for
 * every live chunk whose memory is there; finish() (may be NULL) when all went well; destroy() (may be NULL)
 * in any case once begin() did.
 */
struct hw_look {
	struct hw_error *(*begin)(struct hw_typer *typer, void **state);
	struct hw_error *(*look)(struct hw_typer *typer, void *state, const struct hw_look_chunk *chunk);
	struct hw_error *(*finish)(struct hw_typer *typer, void *state);
	void (*destroy)(void *state);
};

/* Runs these, NULL ones left out. */
struct hw_error *hw_typer_look(
	struct hw_typer *typer, const struct hw_look *const *looks, size_t count) hw_must_check;

/* ------------------------------------------------------------------------------------------- the providers
 */

/*
 * The class whose objects begin with this pointer to a vtable, and their size, 0 where it is not known; type
 * 0: it is none. Slow: for a few questions.
 */
struct hw_error *hw_typer_class(
	struct hw_typer *typer, uint64_t pointer, uint32_t *type, uint64_t *size) hw_must_check;

/* Pools of equal records; after everybody who may know better. */
struct hw_error *hw_typer_records(struct hw_typer *typer) hw_must_check;
struct hw_error *hw_typer_siblings(struct hw_typer *typer) hw_must_check;

extern const struct hw_look hw_look_vtables;
extern const struct hw_look hw_look_cpython;
extern const struct hw_look hw_look_pools;
extern const struct hw_look hw_look_texts;
extern const struct hw_look hw_look_formats;
extern const struct hw_look hw_look_words; /* decoded and resolved, for containers and shapes: word_look.h */

/* Paths of typed pointers from variables, and container_of. */
struct hw_error *hw_typer_paths(struct hw_typer *typer) hw_must_check;

/* The shapes' types, weighed against each other. */
struct hw_error *hw_typer_joint(struct hw_typer *typer) hw_must_check;

/* NULL is fine. */
void hw_program_destroy(struct hw_program *program);

/* What is large and nameless by then, by hw_typing_options.format. */
struct hw_error *hw_typer_formats(struct hw_typer *typer) hw_must_check;

#endif
