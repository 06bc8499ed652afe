/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What debuggers know, as a struct of functions: the unwind layer's knowledge reaches this layer through it,
 * so that nothing here links a debugger library. Part of heapwalk/heap.h; include that.
 *
 *	struct hw_named_place place;
 *	if (names->place && names->place(names->argument, address, &place))
 *		printf("%s+%#llx\n", place.name, (unsigned long long)(address - place.start));
 *
 * Strings are borrowed until the next call of any of these functions.
 */
#ifndef HW_HEAPWALK_NAMING_H
#define HW_HEAPWALK_NAMING_H

#include "inspector/inspector.h"

struct hw_typing;

/* A variable, or a section of a module without symbols. */
struct hw_named_place {
	const char *name;
	bool is_section; /* `start` and `size` are then not told */
	uint64_t start;
	uint64_t size; /* 0: unknown */
};

/* Where something is declared. */
struct hw_named_line {
	const char *file; /* as the compiler wrote it */
	unsigned line;
};

/* What a word on a stack belongs to. */
struct hw_named_local {
	const char *function; /* whose frame it lies in */
	const char *name;     /* a parameter or local variable of it; NULL: none is known there */
	uint64_t start;       /* of the variable */
	uint32_t type;        /* of the variable, 0: unknown */
};

/* A type, by a number that is valid as long as the struct hw_names. */
struct hw_named_layout {
	const char *name; /* as C would write it */
	uint64_t size;    /* bytes; 0: not known, or none */
	bool is_pointer;
	bool is_number;     /* an integer or floating-point number, an enumeration; but no character */
	bool is_open_ended; /* its last member is an array of no length: objects may be larger */
};

/* What stands at an offset in a type. */
struct hw_named_field {
	const char *name; /* "next", "buckets[3].key"; "" for a type without members */
	uint32_t target;  /* the type that it points to; 0: it is no pointer, or leads to nothing known */
};

/*
 * Look-ups, filled in by the command line from the unwind layer. Any member may be NULL: that knowledge is
 * then missing. False: not known there. Those from `line` on may read debug information, which takes time.
 */
struct hw_names {
	void *argument;
	const struct hw_typing *typing; /* what the chunks are; its catalogue's numbers are those of `layout`
					   and `field`. NULL: nobody looked */
	/* The symbol at `address`: name and offset into it. */
	bool (*symbol)(void *argument, uint64_t address, const char **name, uint64_t *offset);
	/* The variable at `address`, or the section where no symbol tells. */
	bool (*place)(void *argument, uint64_t address, struct hw_named_place *place);
	/* The thread-local variable `offset` bytes into the TLS block of snapshot->modules[module]; `start`
	 * counts from there too. */
	bool (*thread_local_place)(
		void *argument, uint32_t module, uint64_t offset, struct hw_named_place *place);
	/* Where the variable at `address` is declared. */
	bool (*line)(void *argument, uint64_t address, struct hw_named_line *line);
	/* What the word at `address` in the stack of snapshot->threads[thread] belongs to. Reads the image.
	 */
	bool (*local)(void *argument, uint32_t thread, uint64_t address, struct hw_named_local *local);
	/* The type of the variable that holds `address`, and where the variable starts. */
	bool (*type_at)(void *argument, uint64_t address, uint32_t *type, uint64_t *start);
	/* The same for a thread-local one; `start` counts from the start of the block. */
	bool (*thread_local_type)(
		void *argument, uint32_t module, uint64_t offset, uint32_t *type, uint64_t *start);
	bool (*layout)(void *argument, uint32_t type, struct hw_named_layout *layout);
	bool (*field)(void *argument, uint32_t type, uint64_t offset, struct hw_named_field *field);
};

#endif
