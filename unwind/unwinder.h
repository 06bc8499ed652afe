/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is running, and what stands at this address.
 *
 * Turns a snapshot's addresses into symbols, source lines and C++ names, and its threads into call stacks: of
 *a live target by libunwind (its ptrace library reading the snapshot, not the running process), of a core by
 * libdwfl. Everything is lazy: creating a struct hw_unwinder opens no file; a module's symbols and debug
 * information are loaded when the first question about it comes.
 *
 * It knows nothing about malloc and never prints. It never stops a process: it reads snapshots.
 *
 *	struct hw_unwinder *unwinder;
 *	struct hw_error *error = hw_unwinder_create(snapshot, NULL, &unwinder);
 *	if (!error && hw_unwinder_symbol(unwinder, pc, &symbol))
 *		printf("%s+%#llx\n", symbol.name, (unsigned long long)symbol.offset);
 *	hw_unwinder_destroy(unwinder);
 */
#ifndef HW_UNWIND_UNWINDER_H
#define HW_UNWIND_UNWINDER_H

#include "inspector/inspector.h"

/* What stands at an address. Strings are borrowed and live as long as the unwinder. */
struct hw_symbol {
	const char *name;    /* C++ names demangled; NULL: no symbol, only the module is known */
	uint64_t offset;     /* from the symbol's start; without a symbol from the module's lowest address */
	uint64_t size;       /* of the symbol, 0 unknown */
	const char *module;  /* file name without directories; NULL: in no module */
	const char *section; /* the ELF section's name (".data", ".bss"), NULL unknown */
	uint64_t section_offset; /* from the section's start; 0 without a section */
	bool is_function;
};

/* A source position. */
struct hw_source_line {
	const char *file; /* as the compiler wrote it */
	int line;
};

/* One call frame. */
struct hw_frame {
	uint64_t pc;
	uint64_t sp;   /* of this frame: a variable on the stack at or above it belongs to this frame or a
			  caller */
	bool is_guess; /* no unwind table led here, only the frame pointer, here or further in; the stack's
			  reaching its outermost frame speaks for it */
	bool is_call_site; /* false: pc is the exact instruction (innermost frame, signal frame); look-ups use
			      pc - 1 otherwise */
};

/* The address to ask hw_unwinder_symbol() and hw_unwinder_line() for: inside the call, not behind it. */
static inline uint64_t hw_frame_lookup(const struct hw_frame *frame)
{
	return frame->pc - (frame->is_call_site && frame->pc > 0);
}

enum hw_stack_end {
	HW_STACK_COMPLETE, /* reached the outermost frame */
	HW_STACK_CUT,      /* the frame limit */
	HW_STACK_BROKEN,   /* unwinding failed on the way: `reason` says at what; guesses are left out */
	HW_STACK_UNKNOWN,  /* the thread has no registers */
};

struct hw_stack {
	struct hw_frame *frames; /* innermost first */
	size_t frame_count;
	enum hw_stack_end end;
	char *reason;        /* NULL unless BROKEN */
	uint64_t *registers; /* private: each frame's, for hw_unwinder_each_local() */
};

enum hw_unwind_method {
	HW_UNWIND_AUTO,      /* libunwind for a process, libdwfl for a core; where one is lost, the other */
	HW_UNWIND_LIBUNWIND, /* x86-64 targets only */
	HW_UNWIND_LIBDW,
};

/* May be zeroed. */
struct hw_unwinder_options {
	const char *debug_directory; /* --debug-dir, searched before the default places; copied */
	enum hw_unwind_method method;
};

struct hw_unwinder;

/*
 * `snapshot` is borrowed and must outlive the unwinder. Separate debug information is looked for in
 * `debug_directory`, beside the file, in its .debug folder, and under usr/lib/debug of the sysroot and of
 * this machine, by build id and by .gnu_debuglink. Nothing is ever downloaded unless the user has set
 * DEBUGINFOD_URLS, which libdw honours.
 */
struct hw_error *hw_unwinder_create(const struct hw_snapshot *snapshot,
	const struct hw_unwinder_options *options, struct hw_unwinder **unwinder) hw_must_check;
void hw_unwinder_destroy(struct hw_unwinder *unwinder);

/* False when nothing is known about the address (in no module). */
bool hw_unwinder_symbol(struct hw_unwinder *unwinder, uint64_t address, struct hw_symbol *symbol);

/*
 * The thread-local variable `offset` bytes into the TLS block of snapshot->modules[module]; needs no debug
 * information, only symbols. symbol->section stays NULL. False when none is known there.
 */
bool hw_unwinder_tls_symbol(
	struct hw_unwinder *unwinder, size_t module, uint64_t offset, struct hw_symbol *symbol);

/*
 * "ns::Thing::run(int)" for "_ZN2ns5Thing3runEi": the caller's to free. NULL when `name` is no mangled name
 * (it then stands for itself) or memory is short.
 */
char *hw_demangle(const char *name);

/* False without debug information for it. */
bool hw_unwinder_line(struct hw_unwinder *unwinder, uint64_t address, struct hw_source_line *line);

/*
 * The call stack of snapshot->threads[thread], at most `limit` frames (0: 256). hw_stack_deinit() afterwards.
 * A stack that cannot be followed to its end is no error: `end` and `reason` tell. HW_ERROR_UNSUPPORTED: a
 * machine that cannot be unwound. The image must still be there.
 */
struct hw_error *hw_unwinder_stack(
	struct hw_unwinder *unwinder, size_t thread, size_t limit, struct hw_stack *stack) hw_must_check;
void hw_stack_deinit(struct hw_stack *stack);

/* What a function without calls may use below its stack pointer (System V ABI for AMD64, 3.2.2). */
#define HW_STACK_RED_ZONE 128

/*
 * Which frame an address in this thread's stack belongs to: an index into stack->frames, the red zone below
 * an innermost frame included, or -1 when it lies below all of them. The outermost known frame is given
 * everything above it.
 */
ptrdiff_t hw_stack_frame_at(const struct hw_stack *stack, uint64_t address);

/* ---------------------------------------------------------------------------------- types and variables */

enum hw_type_kind {
	HW_TYPE_VOID, /* type number 0, and nothing else */
	HW_TYPE_BASE, /* a number, character or boolean: `encoding` */
	HW_TYPE_ENUM,
	HW_TYPE_POINTER, /* and C++ references */
	HW_TYPE_ARRAY,
	HW_TYPE_STRUCT, /* and C++ classes */
	HW_TYPE_UNION,
	HW_TYPE_TYPEDEF,
	HW_TYPE_FUNCTION,
	HW_TYPE_OTHER, /* pointers to members, nullptr_t...: only the size is known */
};

enum hw_type_encoding {
	HW_TYPE_NO_ENCODING, /* not a base type, or one that we do not know */
	HW_TYPE_SIGNED,
	HW_TYPE_UNSIGNED,
	HW_TYPE_CHARACTER, /* char of whatever sign, and char8_t to char32_t, wchar_t */
	HW_TYPE_BOOLEAN,
	HW_TYPE_FLOAT,
};

/* One type. `const` and `volatile` are left out; an array of arrays is an array whose target is an array. */
struct hw_type {
	const char
		*name;   /* "ns::Session", "unsigned int"; "" for pointers, arrays, functions, unnamed ones */
	uint64_t size;   /* bytes; 0: not known, or none */
	uint64_t length; /* of an array, in elements; 0: not said (a flexible tail) */
	uint32_t target; /* what a pointer points to, an array consists of, a typedef stands for */
	uint32_t first_member; /* of a struct or union: index into members */
	uint32_t member_count;
	uint32_t module;    /* index into snapshot->modules of the one that it was first found in */
	uint8_t kind;       /* enum hw_type_kind */
	uint8_t encoding;   /* enum hw_type_encoding */
	bool is_incomplete; /* declared, but no module's debug information defines it */
};

/* A member of a struct or union, or a base class. In order of declaration. */
struct hw_type_member {
	const char *name; /* "" for an unnamed struct or union and for a base class */
	uint64_t offset;  /* bytes from the start of the struct */
	uint32_t type;
	uint8_t bit_offset; /* of a bit-field: from the byte `offset`, counted from its lowest bit on
			       little-endian targets */
	uint8_t bit_size;   /* 0: no bit-field */
	bool is_base;
	bool is_virtual_base; /* its offset is not in the type: it is found through the object's vtable */
};

enum hw_variable_place {
	HW_VARIABLE_MEMORY,       /* at `address` */
	HW_VARIABLE_THREAD_LOCAL, /* at `address` bytes into its module's TLS block */
	HW_VARIABLE_VALUE,        /* in a register or computed: it is `value` */
	HW_VARIABLE_LOST,         /* the compiler kept it nowhere at this place */
};

struct hw_variable {
	const char *name; /* with namespace, class or function: "ns::table", "get_cache::cache" */
	uint64_t address;
	uint64_t value;
	uint32_t type;
	uint32_t module; /* index into snapshot->modules */
	enum hw_variable_place place;
	uint32_t origin; /* private: where hw_unwinder_variable_line() looks */
};

/* What debug information was found for a module. */
struct hw_module_types {
	bool has_debug_info;
	uint32_t type_count; /* types first found in it */
};

/*
 * The types and the global variables of all modules that have debug information: every struct, union and enum
 * with a name, what these and the variables consist of, and every pointer type of units in C. Equal types of
 * several modules and compilation units are one. Lives as long as the unwinder; hw_unwinder_each_local() may
 * add types.
 */
struct hw_types {
	const struct hw_type *types; /* [0] is void */
	uint32_t type_count;
	const struct hw_type_member *members;
	uint32_t member_count;
	const struct hw_variable *variables; /* in memory first, by address; then thread-locals by module */
	uint32_t variable_count;
	const struct hw_module_types *modules; /* one per snapshot->modules */
};

/*
 * Reads the catalogue at the first call (a second for 100 MB of debug information); later calls give the
 * same one. Modules without debug information contribute nothing; damaged ones what can be read.
 */
struct hw_error *hw_unwinder_types(struct hw_unwinder *unwinder, const struct hw_types **types) hw_must_check;

/*
 * Where a struct, union or enum of the catalogue is declared; false when that is not known. The first
 * question about a compilation unit decodes its line table (milliseconds, and memory that stays).
 */
bool hw_unwinder_type_line(struct hw_unwinder *unwinder, uint32_t type, struct hw_source_line *line);

/* The type behind typedefs. */
static inline uint32_t hw_type_strip(const struct hw_types *types, uint32_t type)
{
	for (int i = 0; i < 64 && types->types[type].kind == HW_TYPE_TYPEDEF; i++)
		type = types->types[type].target;
	return type;
}

/*
 * The type as C would write it: "struct list *[4]" is written "list *[4]". Cut to `size`; returns `buffer`.
 */
const char *hw_type_name(const struct hw_types *types, uint32_t type, char *buffer, size_t size);

/*
 * Which field lies `offset` bytes into `type`: "next", "buckets[3].key", "" for the start of what has no
 * fields. *field (may be NULL) becomes the field's type and *rest the bytes from its start. Of a union's
 * members the first that fits. False when the type ends before `offset` or is unknown.
 */
bool hw_type_field_at(const struct hw_types *types, uint32_t type, uint64_t offset, char *buffer, size_t size,
	uint32_t *field, uint64_t *rest);

/* The variable in memory that holds `address`, or NULL. */
const struct hw_variable *hw_types_variable_at(const struct hw_types *types, uint64_t address);

/*
 * The global variable that holds `address`, by the debug information of its module alone: quicker than the
 * whole catalogue when there is one question only. False: none, or no debug information. The type's number is
 * valid in the catalogue too.
 */
bool hw_unwinder_variable_at(struct hw_unwinder *unwinder, uint64_t address, struct hw_variable *variable);

/* Where a global variable of the catalogue, or of hw_unwinder_variable_at(), is declared. */
bool hw_unwinder_variable_line(
	struct hw_unwinder *unwinder, const struct hw_variable *variable, struct hw_source_line *line);

/*
 * Calls `each` for every parameter and local variable that is in scope in frame `frame` of a stack, innermost
 * scopes first, until it returns false. `variable` is borrowed for the callback; its name, without scope,
 * lives as long as the unwinder. Nothing is called without debug information for the frame. The catalogue of
 * types is read at the first call and may grow by later ones: numbers stay, but pointers into its arrays may
 * move.
 */
struct hw_error *hw_unwinder_each_local(struct hw_unwinder *unwinder, const struct hw_stack *stack,
	size_t frame, bool (*each)(const struct hw_variable *variable, void *argument),
	void *argument) hw_must_check;

#endif
