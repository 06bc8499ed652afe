/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sorted table of symbols and the choice among those that cover an address. */
#include <elf.h>

#include "unwind/unwinder.h"
#include "unwind/symbols.h"

/* How many symbols before an address may be looked at for one that reaches over it. */
#define SEARCH_LIMIT 1024

void hw_symbol_table_deinit(struct hw_symbol_table *table)
{
	for (size_t i = 0; i < table->owned_count; i++)
		free(table->owned[i]);
	free(table->owned);
	free(table->entries);
	memset(table, 0, sizeof(*table));
}

static uint32_t leading_underscores(const char *name)
{
	size_t count = strspn(name, "_");

	/* "_Z" and "_R" open mangled names. */
	if (count && (name[count] == 'Z' || name[count] == 'R'))
		count--;
	return (uint32_t)hw_min(count, 255u);
}

/* Assembler's own labels, and the marks that ARM assemblers put where code and data begin ($x, $d, $a, $t).
 */
static bool is_marker(const char *name)
{
	if (name[0] == '$')
		return name[1] && strchr("adtx", name[1]) && (!name[2] || name[2] == '.');
	return name[0] == '.' && name[1] == 'L';
}

static bool can_name(const struct hw_raw_symbol *symbol)
{
	unsigned type = ELF64_ST_TYPE(symbol->info);

	if (!symbol->name || !*symbol->name || is_marker(symbol->name))
		return false;
	switch (type) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
		return true;
	case STT_OBJECT:
	case STT_COMMON:
		return symbol->size > 0;
	case STT_NOTYPE:
		/* Without a size only code labels: those of data (_edata, __bss_start) name no object. */
		return symbol->size > 0 || symbol->is_code;
	default:
		return false;
	}
}

bool hw_symbol_table_add(struct hw_symbol_table *table, const struct hw_raw_symbol *symbol)
{
	unsigned type = ELF64_ST_TYPE(symbol->info), binding = ELF64_ST_BIND(symbol->info);
	uint64_t end = symbol->limit;
	struct hw_symbol_entry *entry;

	if (!can_name(symbol))
		return true;
	if (symbol->size && __builtin_add_overflow(symbol->address, symbol->size, &end))
		return true;
	if (end <= symbol->address)
		return true;
	entry = hw_array_next(table->entries, table->count, table->capacity);
	if (!entry)
		return false;
	*entry = (struct hw_symbol_entry){
		.start = symbol->address,
		.end = end,
		.name = symbol->name,
		.underscores = leading_underscores(symbol->name),
		.is_local = binding == STB_LOCAL,
		.is_weak = binding == STB_WEAK,
		.is_function =
			type == STT_FUNC || type == STT_GNU_IFUNC || (type == STT_NOTYPE && symbol->is_code),
		.has_size = symbol->size > 0,
	};
	table->count++;
	return true;
}

/* Negative when `a` is the worse name of two that start at one address. */
static int compare_names(const struct hw_symbol_entry *a, const struct hw_symbol_entry *b)
{
	size_t length_a, length_b;

	if (a->has_size != b->has_size)
		return a->has_size ? 1 : -1;
	if (a->is_local != b->is_local)
		return a->is_local ? -1 : 1;
	if (a->underscores != b->underscores)
		return a->underscores > b->underscores ? -1 : 1;
	if (a->is_weak != b->is_weak)
		return a->is_weak ? -1 : 1;
	length_a = strlen(a->name);
	length_b = strlen(b->name);
	if (length_a != length_b)
		return length_a > length_b ? -1 : 1;
	return -strcmp(a->name, b->name);
}

static int compare_entries(const void *left, const void *right)
{
	const struct hw_symbol_entry *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return compare_names(a, b);
}

/* A symbol without a size ends where the next one begins, at the latest. */
static void bound_sizeless(struct hw_symbol_table *table)
{
	uint64_t next = UINT64_MAX, here = UINT64_MAX;

	for (size_t i = table->count; i-- > 0;) {
		struct hw_symbol_entry *entry = &table->entries[i];

		if (entry->start != here) {
			next = here;
			here = entry->start;
		}
		if (!entry->has_size)
			entry->end = hw_min(entry->end, next);
	}
}

void hw_symbol_table_finish(struct hw_symbol_table *table)
{
	uint64_t reach = 0;

	if (!table->count)
		return;
	qsort(table->entries, table->count, sizeof(*table->entries), compare_entries);
	bound_sizeless(table);
	for (size_t i = 0; i < table->count; i++) {
		reach = hw_max(reach, table->entries[i].end);
		table->entries[i].reach = reach;
	}
}

/* How many entries start at or before `address`. */
static size_t count_starting_by(const struct hw_symbol_table *table, uint64_t address)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->entries[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Takes over `name`, which may be NULL. */
static const char *own(struct hw_symbol_table *table, char *name)
{
	char **slot = name ? hw_array_next(table->owned, table->owned_count, table->owned_capacity) : NULL;

	if (!slot) {
		free(name);
		return NULL;
	}
	*slot = name;
	table->owned_count++;
	return name;
}

const char *hw_symbol_table_keep(struct hw_symbol_table *table, const char *name)
{
	return own(table, strdup(name));
}

/* Cuts a version ("stdout@GLIBC_2.2.5") off and demangles; what memory cannot be had for stays as it is. */
static void make_readable(struct hw_symbol_table *table, struct hw_symbol_entry *entry)
{
	size_t length = strcspn(entry->name, "@");
	hw_autofree char *plain = length && entry->name[length] ? strndup(entry->name, length) : NULL;
	char *demangled = hw_demangle(plain ? plain : entry->name);
	const char *readable = own(table, demangled ? demangled : hw_take(&plain));

	entry->is_readable = true;
	if (readable)
		entry->name = readable;
}

const struct hw_symbol_entry *hw_symbol_table_find(struct hw_symbol_table *table, uint64_t address)
{
	size_t index = count_starting_by(table, address);

	for (size_t tried = 0; index-- > 0 && tried < SEARCH_LIMIT; tried++) {
		struct hw_symbol_entry *entry = &table->entries[index];

		if (entry->reach <= address)
			return NULL;
		if (address < entry->end) {
			if (!entry->is_readable)
				make_readable(table, entry);
			return entry;
		}
	}
	return NULL;
}
