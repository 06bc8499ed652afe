/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A module's dynamic section: where its symbols and relocations are, and reading them. */
#include "inspector/module.h"

/* More than this the dynamic section, string table or symbol table of no known object has. */
#define DYNAMIC_ENTRIES_MAX 4096
#define STRINGS_MAX         ((uint64_t)1 << 28)
#define SYMBOLS_MAX         ((uint64_t)1 << 24)
#define RELOCATIONS_MAX     ((uint64_t)1 << 28)

static struct hw_elf_layout layout_of(const struct hw_image *image)
{
	return (struct hw_elf_layout){ .word_size = image->word_size, .big_endian = image->big_endian };
}

bool hw_module_dynamic_entry(const struct hw_snapshot *snapshot, const struct hw_module *module, size_t index,
	struct hw_dynamic_entry *entry)
{
	const struct hw_elf_segment *dynamic = hw_module_segment(module, PT_DYNAMIC);
	size_t size = 2 * snapshot->image->word_size;
	struct hw_elf_cursor cursor;
	uint8_t bytes[16];

	if (!dynamic || index >= DYNAMIC_ENTRIES_MAX || dynamic->size / size <= index)
		return false;
	if (hw_image_read_some(snapshot->image, dynamic->address + index * size, bytes, size) != size)
		return false;
	cursor = (struct hw_elf_cursor){ .at = bytes, .layout = layout_of(snapshot->image) };
	entry->tag = hw_elf_take_word(&cursor);
	entry->value = hw_elf_take_word(&cursor);
	return entry->tag != DT_NULL;
}

/* glibc adds the bias to these values in place, musl does not, and nobody does for the vdso. */
static uint64_t dynamic_address(const struct hw_module *module, uint64_t value)
{
	if (value >= module->start && value < module->end)
		return value;
	value += module->bias;
	return value >= module->start && value < module->end ? value : 0;
}

/* DT_HASH: the second word is the number of symbols. */
static uint64_t count_by_hash(const struct hw_image *image, uint64_t table)
{
	uint32_t count = 0;

	hw_error_destroy(hw_image_read_u32(image, table + 4, &count));
	return count;
}

/* The index after that of the last symbol of the chain that begins with symbol `index`. */
static uint64_t chain_end(struct hw_window *window, uint64_t chains, uint64_t index)
{
	struct hw_elf_cursor cursor = { .layout = layout_of(window->image) };

	for (; index < SYMBOLS_MAX; index++) {
		cursor.at = hw_window_view(window, chains + index * 4, 4, NULL);
		if (!cursor.at)
			return 0;
		if (hw_elf_take_u32(&cursor) & 1) /* ends the chain */
			return index + 1;
	}
	return 0;
}

/*
 * DT_GNU_HASH does not say how many symbols there are: it is the end of the chain that starts last. Symbols
 * below `first` are not hashed; with none hashed, they are all.
 */
static uint64_t count_by_gnu_hash(
	const struct hw_image *image, const struct hw_module *module, uint64_t table)
{
	struct hw_elf_cursor cursor = { .layout = layout_of(image) };
	uint32_t buckets, first, bloom_words, index, last = 0;
	uint64_t bucket_table, count = 0;
	struct hw_window window;
	uint8_t header[16];

	if (hw_image_read_some(image, table, header, sizeof(header)) != sizeof(header))
		return 0;
	cursor.at = header;
	buckets = hw_elf_take_u32(&cursor);
	first = hw_elf_take_u32(&cursor);
	bloom_words = hw_elf_take_u32(&cursor);
	bucket_table = table + sizeof(header) + (uint64_t)bloom_words * image->word_size;
	hw_window_init(&window, image, 1 << 16);
	for (uint64_t i = 0; i < buckets && bucket_table + i * 4 < module->end; i++) {
		cursor.at = hw_window_view(&window, bucket_table + i * 4, 4, NULL);
		if (!cursor.at)
			break;
		index = hw_elf_take_u32(&cursor);
		last = hw_max(last, index);
	}
	count = first;
	if (last >= first && last)
		count = chain_end(&window, bucket_table + ((uint64_t)buckets - first) * 4, last);
	hw_window_deinit(&window);
	return count;
}

/* A place of the module that a dynamic entry gave, 0 for none. */
struct tables {
	uint64_t hash, gnu_hash, rela, rela_size, rel, rel_size;
};

static void take_entry(struct hw_module *module, const struct hw_dynamic_entry *entry, struct tables *tables)
{
	uint64_t address = dynamic_address(module, entry->value);

	switch (entry->tag) {
	case DT_SYMTAB:
		module->dynamic_symbols = address;
		break;
	case DT_STRTAB:
		module->dynamic_strings = address;
		break;
	case DT_STRSZ:
		module->dynamic_strings_size = hw_min(entry->value, STRINGS_MAX);
		break;
	case DT_HASH:
		tables->hash = address;
		break;
	case DT_GNU_HASH:
		tables->gnu_hash = address;
		break;
	case DT_RELA:
		tables->rela = address;
		break;
	case DT_RELASZ:
		tables->rela_size = entry->value;
		break;
	case DT_REL:
		tables->rel = address;
		break;
	case DT_RELSZ:
		tables->rel_size = entry->value;
		break;
	}
}

void hw_module_read_dynamic(const struct hw_snapshot *snapshot, struct hw_module *module)
{
	struct tables tables = { 0 };
	struct hw_dynamic_entry entry;
	uint64_t count = 0;

	/* No table reaches past the module: dynamic_address() has put its start inside. */
	for (size_t i = 0; hw_module_dynamic_entry(snapshot, module, i, &entry); i++)
		take_entry(module, &entry, &tables);
	if (tables.hash)
		count = count_by_hash(snapshot->image, tables.hash);
	else if (tables.gnu_hash)
		count = count_by_gnu_hash(snapshot->image, module, tables.gnu_hash);
	module->dynamic_symbol_count = hw_min(
		count, hw_min(SYMBOLS_MAX, (module->end - module->dynamic_symbols) / sizeof(Elf32_Sym)));
	module->relocations_have_addend = tables.rela != 0;
	module->relocations = tables.rela ? tables.rela : tables.rel;
	if (module->relocations)
		module->relocations_size = hw_min(tables.rela ? tables.rela_size : tables.rel_size,
			hw_min(RELOCATIONS_MAX, module->end - module->relocations));
}

/* A module's symbols, its strings at hand. */
struct symbol_reader {
	const struct hw_snapshot *snapshot;
	const struct hw_module *module;
	struct hw_window window;
	char *strings; /* NUL-terminated as a whole */
	size_t strings_size;
};

static bool reader_init(
	struct symbol_reader *reader, const struct hw_snapshot *snapshot, const struct hw_module *module)
{
	size_t size = hw_min(module->dynamic_strings_size, module->end - module->start);

	*reader = (struct symbol_reader){ .snapshot = snapshot, .module = module };
	if (!module->dynamic_symbols || !module->dynamic_strings)
		return false;
	reader->strings = malloc(size + 1);
	if (!reader->strings)
		return false;
	reader->strings_size =
		hw_image_read_some(snapshot->image, module->dynamic_strings, reader->strings, size);
	reader->strings[reader->strings_size] = '\0';
	hw_window_init(&reader->window, snapshot->image, 1 << 16);
	return true;
}

static void reader_deinit(struct symbol_reader *reader)
{
	free(reader->strings);
	hw_window_deinit(&reader->window);
}

/* The fields of an Elf32_Sym and an Elf64_Sym are the same in another order. */
static Elf64_Sym decode_symbol(struct hw_elf_layout layout, const uint8_t *bytes)
{
	struct hw_elf_cursor cursor = { .at = bytes, .layout = layout };
	Elf64_Sym symbol = { .st_name = hw_elf_take_u32(&cursor) };

	if (layout.word_size == 4) {
		symbol.st_value = hw_elf_take_u32(&cursor);
		symbol.st_size = hw_elf_take_u32(&cursor);
	}
	symbol.st_info = *cursor.at++;
	symbol.st_other = *cursor.at++;
	symbol.st_shndx = hw_elf_take_u16(&cursor);
	if (layout.word_size == 8) {
		symbol.st_value = hw_elf_take_u64(&cursor);
		symbol.st_size = hw_elf_take_u64(&cursor);
	}
	return symbol;
}

static bool read_symbol(struct symbol_reader *reader, uint64_t index, struct hw_dynamic_symbol *symbol)
{
	struct hw_elf_layout layout = layout_of(reader->snapshot->image);
	size_t each = layout.word_size == 8 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t address = reader->module->dynamic_symbols + index * each;
	const uint8_t *bytes;
	Elf64_Sym raw;

	if (index >= reader->module->dynamic_symbol_count)
		return false;
	bytes = hw_window_view(&reader->window, address, each, NULL);
	if (!bytes)
		return false;
	raw = decode_symbol(layout, bytes);
	*symbol = (struct hw_dynamic_symbol){
		.name = raw.st_name < reader->strings_size ? reader->strings + raw.st_name : "",
		.address = raw.st_value,
		.size = raw.st_size,
		.type = ELF64_ST_TYPE(raw.st_info),
		.defined = raw.st_shndx != SHN_UNDEF,
	};
	if (symbol->type != STT_TLS && raw.st_shndx != SHN_ABS)
		symbol->address += reader->module->bias;
	return true;
}

void hw_module_each_symbol(const struct hw_snapshot *snapshot, const struct hw_module *module,
	bool (*each)(const struct hw_dynamic_symbol *symbol, void *argument), void *argument)
{
	struct hw_dynamic_symbol symbol;
	struct symbol_reader reader;

	if (!reader_init(&reader, snapshot, module))
		return;
	/* Symbol 0 is always empty. */
	for (uint64_t i = 1; read_symbol(&reader, i, &symbol); i++) {
		if (!each(&symbol, argument))
			break;
	}
	reader_deinit(&reader);
}

struct wanted {
	const char *name;
	uint64_t address;
	bool found;
};

static bool match_symbol(const struct hw_dynamic_symbol *symbol, void *argument)
{
	struct wanted *wanted = argument;

	if (!symbol->defined || strcmp(symbol->name, wanted->name) != 0)
		return true;
	wanted->address = symbol->address;
	wanted->found = true;
	return false;
}

struct hw_error *hw_module_symbol(const struct hw_snapshot *snapshot, const struct hw_module *module,
	const char *name, uint64_t *address)
{
	struct wanted wanted = { .name = name };

	hw_module_each_symbol(snapshot, module, match_symbol, &wanted);
	if (!wanted.found)
		return hw_error_create(HW_ERROR_NOT_FOUND, "%s has no dynamic symbol %s", module->path, name);
	*address = wanted.address;
	return NULL;
}

/* One Elf32 or Elf64 Rel or Rela entry; the symbol's index is left for the caller to name. */
static uint32_t decode_relocation(
	struct hw_elf_cursor *cursor, const struct hw_module *module, struct hw_relocation *relocation)
{
	uint64_t info;

	relocation->slot = hw_elf_take_word(cursor) + module->bias;
	info = hw_elf_take_word(cursor);
	relocation->addend = module->relocations_have_addend ? hw_elf_take_word(cursor) : 0;
	if (cursor->layout.word_size == 8) {
		relocation->type = ELF64_R_TYPE(info);
		return ELF64_R_SYM(info);
	}
	if (module->relocations_have_addend)
		relocation->addend = (uint64_t)(int32_t)relocation->addend;
	relocation->type = ELF32_R_TYPE(info);
	return ELF32_R_SYM(info);
}

void hw_module_each_relocation(const struct hw_snapshot *snapshot, const struct hw_module *module,
	bool (*each)(const struct hw_relocation *relocation, void *argument), void *argument)
{
	size_t size = snapshot->image->word_size * (module->relocations_have_addend ? 3 : 2);
	struct hw_elf_cursor cursor = { .layout = layout_of(snapshot->image) };
	struct symbol_reader reader;
	struct hw_window window;
	bool named, go_on = true;

	if (!module->relocations)
		return;
	named = reader_init(&reader, snapshot, module);
	hw_window_init(&window, snapshot->image, 1 << 16);
	for (uint64_t i = 0; go_on && i < module->relocations_size / size; i++) {
		struct hw_relocation relocation;
		struct hw_dynamic_symbol symbol;
		uint32_t index;

		cursor.at = hw_window_view(&window, module->relocations + i * size, size, NULL);
		if (!cursor.at)
			break;
		index = decode_relocation(&cursor, module, &relocation);
		relocation.name = "";
		if (named && index && read_symbol(&reader, index, &symbol))
			relocation.name = symbol.name;
		go_on = each(&relocation, argument);
	}
	hw_window_deinit(&window);
	reader_deinit(&reader);
}
