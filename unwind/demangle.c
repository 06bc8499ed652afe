/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Demangling by libbfd, whose header wants to be told which package includes it. */
#define PACKAGE         "heapwalk"
#define PACKAGE_VERSION HW_VERSION
#include <bfd.h>
#include <libiberty/demangle.h>

#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#include "unwind/unwinder.h"

/*
 * A name comes from a file that we do not trust, and its substitutions nest: each few letters more can double
 * what it stands for, so that 250 letters make a gigabyte. The longest in libstdc++, LLVM and Boost programs
 * stay under 8 KiB, mangled as well as readable.
 */
#define LONGEST_MANGLED  16384
#define LONGEST_READABLE 65536
/* Too short to double often enough. */
#define HARMLESS_MANGLED 64

#define OPTIONS (DMGL_AUTO | DMGL_ANSI | DMGL_PARAMS)

/* Counts what a name would become, and breaks off when it becomes too long. */
struct measure {
	jmp_buf too_long;
	size_t length;
};

static void on_text(const char *text, size_t length, void *argument)
{
	struct measure *measure = argument;

	(void)text;
	measure->length += length;
	if (measure->length > LONGEST_READABLE)
		longjmp(measure->too_long, 1); /* the callback forms allocate nothing that could leak */
}

static bool is_too_long(const char *name)
{
	struct measure measure = { .length = 0 };

	if (setjmp(measure.too_long))
		return true;
	if (name[0] == '_' && name[1] == 'R')
		rust_demangle_callback(name, OPTIONS, on_text, &measure);
	else
		cplus_demangle_v3_callback(name, OPTIONS, on_text, &measure);
	return false;
}

char *hw_demangle(const char *name)
{
	size_t length = strnlen(name, LONGEST_MANGLED);

	if (length == LONGEST_MANGLED || (length > HARMLESS_MANGLED && is_too_long(name)))
		return NULL;
	return bfd_demangle(NULL, name, OPTIONS);
}
