/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Demangling by libbfd, whose header wants to be told which package includes it. */
#define PACKAGE         "heapwalk"
#define PACKAGE_VERSION HW_VERSION
#include <bfd.h>
#include <libiberty/demangle.h>

#include <string.h>

#include "unwind/demangle.h"

/*
 * What a mangled name expands to can be far longer than the name (its substitutions nest), and a name comes
 * from a file that we do not trust. The longest in libstdc++, LLVM and Boost programs stay under 8 KiB.
 */
#define LONGEST_NAME 16384

char *hw_demangle(const char *name)
{
	if (strnlen(name, LONGEST_NAME) == LONGEST_NAME)
		return NULL;
	return bfd_demangle(NULL, name, DMGL_AUTO | DMGL_ANSI | DMGL_PARAMS);
}
