/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * C++ names for reading: what the compiler spells out in full is told as the programmer wrote it, and what is
 * still too long loses what stands in brackets. Text tables only; JSON and CSV have names as they are.
 */
#ifndef HW_REPORT_SHORT_NAME_H
#define HW_REPORT_SHORT_NAME_H

#include "inspector/util.h"

/*
 * "std::map<std::string, Session*>" for what has allocators and comparisons in it; "std::map<...>" if that
 * has more than `most` bytes. The caller's to free; NULL: memory is short.
 */
char *hw_short_name(const char *name, size_t most);

/*
 * A path of members without those that only the standard library knows: "by_user" for
 * "by_user._M_t._M_impl._M_header._M_parent". What consists of such alone keeps its last. Likewise.
 */
char *hw_short_field(const char *field);

#endif
