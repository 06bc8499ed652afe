/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One module's sections and symbols, read when first asked for. */
#include <sys/mman.h>

#include "unwind/session.h"

struct hw_object *hw_object_at(struct hw_unwinder *unwinder, uint64_t address)
{
	const struct hw_module *module = hw_snapshot_module_at(unwinder->snapshot, address);

	return module ? &unwinder->objects[module - unwinder->snapshot->modules] : NULL;
}

const struct hw_section *hw_object_section_at(const struct hw_object *object, uint64_t address)
{
	for (size_t i = 0; i < object->section_count; i++) {
		const struct hw_section *section = &object->sections[i];

		if (address >= section->start && address < section->end)
			return section;
	}
	return NULL;
}

/* .tbss has an address but takes no room: what follows it in the file begins at the same address. */
static bool is_in_memory(const GElf_Shdr *header)
{
	return header->sh_flags & SHF_ALLOC && header->sh_size &&
	       !(header->sh_flags & SHF_TLS && header->sh_type == SHT_NOBITS);
}

static void load_sections(struct hw_object *object, Elf *elf, GElf_Addr bias)
{
	size_t count, names;
	Elf_Scn *scn = NULL;

	if (elf_getshdrnum(elf, &count) != 0 || !count || elf_getshdrstrndx(elf, &names) != 0)
		return;
	object->sections = calloc(count, sizeof(*object->sections));
	if (!object->sections)
		return;
	while (object->section_count < count && (scn = elf_nextscn(elf, scn))) {
		GElf_Shdr header;

		if (!gelf_getshdr(scn, &header) || !is_in_memory(&header))
			continue;
		object->sections[object->section_count++] = (struct hw_section){
			.start = header.sh_addr + bias,
			.end = header.sh_addr + bias + header.sh_size,
			.name = elf_strptr(elf, names, header.sh_name),
			.is_code = header.sh_flags & SHF_EXECINSTR,
		};
	}
}

/* Where the section or, without sections, the segment around `address` ends, and whether it is code. */
static void find_limit(const struct hw_object *object, struct hw_raw_symbol *symbol)
{
	const struct hw_section *section = hw_object_section_at(object, symbol->address);

	if (section) {
		symbol->limit = section->end;
		symbol->is_code = section->is_code;
		return;
	}
	for (size_t i = 0; i < object->module->segment_count; i++) {
		const struct hw_elf_segment *segment = &object->module->segments[i];

		if (segment->type == PT_LOAD && symbol->address - segment->address < segment->size) {
			symbol->limit = segment->address + segment->size;
			symbol->is_code = segment->prot & HW_MAP_EXEC;
		}
	}
}

/* To the table it is data like other data; only that its address is an offset. */
static bool add_thread_local(struct hw_object *object, struct hw_raw_symbol *symbol, uint64_t offset)
{
	symbol->address = offset;
	symbol->info = ELF64_ST_INFO(ELF64_ST_BIND(symbol->info), STT_OBJECT);
	return hw_symbol_table_add(&object->thread_locals, symbol);
}

static bool add_symbol(struct hw_object *object, struct hw_raw_symbol *symbol)
{
	find_limit(object, symbol);
	return hw_symbol_table_add(&object->symbols, symbol);
}

/* .symtab of the file or of its separate debug information, .gnu_debugdata, else .dynsym: as libdwfl finds
 * it. */
static void load_symbols(struct hw_object *object)
{
	int count = dwfl_module_getsymtab(object->dwfl);

	for (int i = 1; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		GElf_Word section;
		const char *name =
			dwfl_module_getsym_info(object->dwfl, i, &symbol, &address, &section, NULL, NULL);
		struct hw_raw_symbol raw = { .name = name, .address = address, .info = symbol.st_info };

		if (!name || section == SHN_UNDEF || section == SHN_ABS || section == (GElf_Word)-1)
			continue;
		raw.size = symbol.st_size;
		if (!(GELF_ST_TYPE(symbol.st_info) == STT_TLS
				    ? add_thread_local(object, &raw, symbol.st_value)
				    : add_symbol(object, &raw)))
			return;
	}
}

static bool add_dynamic_symbol(const struct hw_dynamic_symbol *symbol, void *argument)
{
	struct hw_object *object = argument;
	struct hw_raw_symbol raw = {
		.address = symbol->address,
		.size = symbol->size,
		.info = ELF64_ST_INFO(STB_GLOBAL, symbol->type),
	};

	if (!symbol->defined)
		return true;
	raw.name = hw_symbol_table_keep(&object->symbols, symbol->name);
	if (!raw.name)
		return false;
	return symbol->type == STT_TLS ? add_thread_local(object, &raw, symbol->address)
				       : add_symbol(object, &raw);
}

void hw_object_load(struct hw_object *object)
{
	GElf_Addr bias;
	Elf *elf;

	if (object->is_loaded)
		return;
	object->is_loaded = true;
	elf = object->dwfl ? dwfl_module_getelf(object->dwfl, &bias) : NULL;
	if (elf) {
		load_sections(object, elf, bias);
		load_symbols(object);
	}
	/* An ELF file made of memory: ld.so has relocated the dynamic section that leads to its symbols. */
	if (!object->symbols.count)
		hw_module_each_symbol(object->unwinder->snapshot, object->module, add_dynamic_symbol, object);
	hw_symbol_table_finish(&object->symbols);
	hw_symbol_table_finish(&object->thread_locals);
}

void hw_object_deinit(struct hw_object *object)
{
	hw_symbol_table_deinit(&object->symbols);
	hw_symbol_table_deinit(&object->thread_locals);
	free(object->sections);
	if (object->elf_memory)
		munmap(object->elf_memory, object->elf_memory_size);
}
