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
	uint64_t sp;       /* of this frame: a variable on the stack at or above it belongs to this frame or a
			      caller */
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
	HW_STACK_BROKEN,   /* unwinding failed on the way: `reason` says at what */
	HW_STACK_UNKNOWN,  /* the thread has no registers */
};

struct hw_stack {
	struct hw_frame *frames; /* innermost first */
	size_t frame_count;
	enum hw_stack_end end;
	char *reason; /* NULL unless BROKEN */
};

enum hw_unwind_method {
	HW_UNWIND_AUTO,      /* libunwind for a process (libdwfl where it is lost), libdwfl for a core */
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

#endif
