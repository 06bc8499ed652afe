/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names as people write them: C++ and Rust symbols demangled by libbfd. Private to unwind/. */
#ifndef HW_UNWIND_DEMANGLE_H
#define HW_UNWIND_DEMANGLE_H

/*
 * "ns::Thing::run(int)" for "_ZN2ns5Thing3runEi": the caller's to free. NULL when `name` is no mangled name
 * (it then stands for itself) or memory is short.
 */
char *hw_demangle(const char *name);

#endif
