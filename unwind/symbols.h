/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The symbols of one ELF object, sorted, and which of them is the best name for an address. Private to
 * unwind/. It borrows names from where it was filled, except those that it demangled or was asked to keep.
 *
 * Several symbols may cover an address. The innermost wins; of symbols with one start a global name wins over
 * a local one and the name with fewer leading underscores over the others (so malloc, not __libc_malloc).
 */
#ifndef HW_UNWIND_SYMBOLS_H
#define HW_UNWIND_SYMBOLS_H

#include "inspector/util.h"

struct hw_symbol_entry {
	uint64_t start;
	uint64_t end;
	uint64_t reach; /* the largest end of this entry and all before it */
	const char *name;
	uint32_t underscores;
	bool is_local;
	bool is_weak;
	bool is_function;
	bool has_size;    /* false: end is only where the next symbol or the section ends */
	bool is_readable; /* version cut off and demangled */
};

struct hw_symbol_table {
	struct hw_symbol_entry *entries;
	size_t count;
	size_t capacity;
	char **owned; /* names of our own making */
	size_t owned_count;
	size_t owned_capacity;
};

/* One ELF symbol as it comes from a symbol table. */
struct hw_raw_symbol {
	const char *name; /* must live as long as the table */
	uint64_t address; /* at run time */
	uint64_t size;
	uint64_t limit;     /* run-time end of its section or segment */
	unsigned char info; /* st_info: binding and type */
	bool is_code;       /* its section or segment is executable */
};

/* The undo is hw_symbol_table_deinit(); a zeroed table is empty and valid. */
void hw_symbol_table_deinit(struct hw_symbol_table *table);

/* Takes the symbol if it can name an address (no sections, files, thread-locals...). False: memory is short.
 */
bool hw_symbol_table_add(struct hw_symbol_table *table, const struct hw_raw_symbol *symbol) hw_must_check;

/* A copy of a name that does not live long enough by itself; the table's. NULL: memory is short. */
const char *hw_symbol_table_keep(struct hw_symbol_table *table, const char *name);

/* Sorts, once, after the last addition and before the first search. */
void hw_symbol_table_finish(struct hw_symbol_table *table);

/* The best symbol that covers `address`, its name demangled by now; NULL when there is none. */
const struct hw_symbol_entry *hw_symbol_table_find(struct hw_symbol_table *table, uint64_t address);

#endif
