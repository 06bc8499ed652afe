/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding ELF objects among mappings, and reading their symbols and relocations, true and untrue ones. */
#include "inspector/holding.h"
#include "tests/unit/inspector/fake_object.h"

#define LOAD_ADDRESS 0x7f0000

/* A snapshot whose memory is made of byte arrays. */
static struct hw_snapshot *snapshot_new(unsigned word, bool big_endian, unsigned machine)
{
	struct hw_snapshot *snapshot;

	ck_assert_ptr_null(hw_snapshot_create(HW_SOURCE_MEMORY, &snapshot));
	ck_assert_ptr_null(hw_image_create(word, big_endian, &snapshot->image));
	snapshot->word_size = word;
	snapshot->machine = machine;
	return snapshot;
}

/* Maps `size` bytes at `address`; they must outlive the snapshot. */
static void add_mapping(struct hw_snapshot *snapshot, uint64_t address, const uint8_t *bytes, size_t size,
	unsigned prot, const char *path, uint64_t offset)
{
	struct hw_map *map = hw_snapshot_add_map(snapshot);

	ck_assert_ptr_nonnull(map);
	map->start = address;
	map->end = address + size;
	map->prot = prot;
	map->path = strdup(path);
	map->offset = offset;
	map->inode = 7;
	ck_assert_ptr_null(hw_image_add(snapshot->image, &(struct hw_segment){ .start = address,
								 .end = address + size,
								 .file_size = size,
								 .bytes = bytes,
								 .fd = -1 }));
}

/* Maps the object as ld.so would. */
static void load_object(
	struct hw_snapshot *snapshot, const struct bytes *object, uint64_t address, const char *path)
{
	add_mapping(snapshot, address, object->data, 2 * PAGE, HW_MAP_READ | HW_MAP_EXEC, path, 0);
	add_mapping(snapshot, address + OBJECT_DYNAMIC, object->data + OBJECT_DYNAMIC, PAGE,
		HW_MAP_READ | HW_MAP_WRITE, path, OBJECT_DYNAMIC);
}

/* What the callbacks saw. */
struct seen {
	size_t count;
	struct hw_dynamic_symbol symbols[8];
	char names[8][16];
	struct hw_relocation relocations[8];
};

static bool see_symbol(const struct hw_dynamic_symbol *symbol, void *argument)
{
	struct seen *seen = argument;

	if (seen->count < hw_array_size(seen->symbols)) {
		seen->symbols[seen->count] = *symbol;
		snprintf(seen->names[seen->count], sizeof(seen->names[0]), "%s", symbol->name);
	}
	seen->count++;
	return true;
}

static bool see_relocation(const struct hw_relocation *relocation, void *argument)
{
	struct seen *seen = argument;

	if (seen->count < hw_array_size(seen->relocations)) {
		seen->relocations[seen->count] = *relocation;
		snprintf(seen->names[seen->count], sizeof(seen->names[0]), "%s", relocation->name);
	}
	seen->count++;
	return true;
}

static const struct object_shape shapes[] = {
	{ 8, false, EM_X86_64, ET_DYN, 0, true, true, 0 },
	{ 8, false, EM_X86_64, ET_DYN, 0, true, true, LOAD_ADDRESS },
	{ 8, false, EM_X86_64, ET_EXEC, LOAD_ADDRESS, false, true, 0 },
	{ 8, false, EM_AARCH64, ET_DYN, 0, true, true, LOAD_ADDRESS },
	{ 8, true, EM_AARCH64, ET_DYN, 0, true, true, LOAD_ADDRESS },
	{ 4, false, EM_386, ET_DYN, 0, true, false, LOAD_ADDRESS },
	{ 4, false, EM_386, ET_DYN, 0, false, false, 0 },
	{ 4, true, EM_PPC, ET_DYN, 0, true, true, LOAD_ADDRESS },
	{ 8, false, EM_X86_64, ET_DYN, 0x100000, true, true, LOAD_ADDRESS - 0x100000 }, /* prelinked */
};

START_TEST (object_is_found) {
	const struct object_shape *shape = &shapes[_i];
	struct bytes object = make_object(shape, 0x1122334455667788);
	struct hw_snapshot *snapshot = snapshot_new(shape->word, shape->big_endian, shape->machine);
	const uint8_t build_id[] = { 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 };
	const struct hw_module *module;

	load_object(snapshot, &object, LOAD_ADDRESS, "/lib/object.so");
	ck_assert_ptr_null(hw_snapshot_find_modules(snapshot));
	ck_assert_uint_eq(snapshot->module_count, 1);
	module = &snapshot->modules[0];
	ck_assert_str_eq(module->path, "/lib/object.so");
	ck_assert(module->has_headers);
	ck_assert_uint_eq(module->start, LOAD_ADDRESS);
	ck_assert_uint_eq(module->end, LOAD_ADDRESS + OBJECT_BSS_END);
	ck_assert_uint_eq(module->bias, LOAD_ADDRESS - shape->base);
	ck_assert_uint_eq(module->machine, shape->machine);
	ck_assert_uint_eq(module->build_id_size, sizeof(build_id));
	ck_assert_mem_eq(module->build_id, build_id, sizeof(build_id));
	ck_assert_uint_eq(module->segment_count, OBJECT_HEADERS);
	ck_assert_uint_eq(module->segments[1].address, LOAD_ADDRESS + OBJECT_DYNAMIC);
	ck_assert_uint_eq(module->segments[1].prot, HW_MAP_READ | HW_MAP_WRITE);
	ck_assert_uint_eq(module->segments[1].file_size, PAGE);
	ck_assert_uint_eq(module->tls_image_size, 40);
	ck_assert_uint_eq(module->tls_alignment, 16);
	ck_assert_uint_eq(module->dynamic_symbol_count, OBJECT_SYMBOL_COUNT);
	ck_assert_ptr_eq(hw_snapshot_module_at(snapshot, LOAD_ADDRESS + OBJECT_BSS_END - 1), module);
	ck_assert_ptr_null(hw_snapshot_module_at(snapshot, LOAD_ADDRESS + OBJECT_BSS_END));
	hw_snapshot_destroy(snapshot);
	bytes_free(&object);
}
END_TEST

START_TEST (symbols_are_read) {
	const struct object_shape *shape = &shapes[_i];
	struct bytes object = make_object(shape, 1);
	struct hw_snapshot *snapshot = snapshot_new(shape->word, shape->big_endian, shape->machine);
	struct seen seen = { 0 };
	struct hw_error *error;
	uint64_t address = 0;

	load_object(snapshot, &object, LOAD_ADDRESS, "/lib/object.so");
	ck_assert_ptr_null(hw_snapshot_find_modules(snapshot));
	hw_module_each_symbol(snapshot, &snapshot->modules[0], see_symbol, &seen);
	ck_assert_uint_eq(seen.count, OBJECT_SYMBOL_COUNT - 1);
	ck_assert_str_eq(seen.names[0], "beta");
	ck_assert(!seen.symbols[0].defined);
	ck_assert_str_eq(seen.names[1], "alpha");
	ck_assert(seen.symbols[1].defined);
	ck_assert_uint_eq(seen.symbols[1].address, LOAD_ADDRESS + PAGE + 0x10);
	ck_assert_uint_eq(seen.symbols[1].size, 24);
	ck_assert_uint_eq(seen.symbols[1].type, STT_FUNC);
	ck_assert_uint_eq(seen.symbols[2].address, 0x10);   /* an offset in the TLS block */
	ck_assert_uint_eq(seen.symbols[3].address, 0x1234); /* absolute */

	ck_assert_ptr_null(hw_module_symbol(snapshot, &snapshot->modules[0], "alpha", &address));
	ck_assert_uint_eq(address, LOAD_ADDRESS + PAGE + 0x10);
	error = hw_module_symbol(snapshot, &snapshot->modules[0], "beta", &address);
	ck_assert(hw_error_catch(&error, HW_ERROR_NOT_FOUND)); /* undefined */
	error = hw_module_symbol(snapshot, &snapshot->modules[0], "alph", &address);
	ck_assert(hw_error_catch(&error, HW_ERROR_NOT_FOUND));
	hw_snapshot_destroy(snapshot);
	bytes_free(&object);
}
END_TEST

START_TEST (relocations_are_read) {
	const struct object_shape *shape = &shapes[_i];
	struct bytes object = make_object(shape, 1);
	struct hw_snapshot *snapshot = snapshot_new(shape->word, shape->big_endian, shape->machine);
	struct seen seen = { 0 };

	load_object(snapshot, &object, LOAD_ADDRESS, "/lib/object.so");
	ck_assert_ptr_null(hw_snapshot_find_modules(snapshot));
	hw_module_each_relocation(snapshot, &snapshot->modules[0], see_relocation, &seen);
	ck_assert_uint_eq(seen.count, OBJECT_RELOCATION_COUNT);
	ck_assert_uint_eq(seen.relocations[0].slot, LOAD_ADDRESS + OBJECT_DYNAMIC + 0x300);
	ck_assert_uint_eq(seen.relocations[0].type, 1);
	ck_assert_str_eq(seen.names[0], "alpha");
	ck_assert_uint_eq(seen.relocations[0].addend, shape->addends ? 8 : 0);
	ck_assert_uint_eq(seen.relocations[1].type, 7);
	ck_assert_str_eq(seen.names[1], "");
	ck_assert_uint_eq(seen.relocations[1].addend, shape->addends ? (uint64_t)-4 : 0);
	hw_snapshot_destroy(snapshot);
	bytes_free(&object);
}
END_TEST

/* The same file at two places is two modules; between them lies something else. */
START_TEST (copies_are_told_apart_by_address) {
	struct bytes object = make_object(&shapes[0], 1);
	struct hw_snapshot *snapshot = snapshot_new(8, false, EM_X86_64);
	static const uint8_t data[PAGE];

	load_object(snapshot, &object, LOAD_ADDRESS, "/lib/object.so");
	add_mapping(snapshot, LOAD_ADDRESS + 0x10000, data, PAGE, HW_MAP_READ, "/usr/share/data", 0);
	load_object(snapshot, &object, LOAD_ADDRESS + 0x20000, "/lib/object.so");
	ck_assert_ptr_null(hw_snapshot_find_modules(snapshot));
	ck_assert_uint_eq(snapshot->module_count, 2);
	ck_assert_uint_eq(snapshot->modules[0].bias, LOAD_ADDRESS);
	ck_assert_uint_eq(snapshot->modules[1].bias, LOAD_ADDRESS + 0x20000);
	hw_snapshot_destroy(snapshot);
	bytes_free(&object);
}
END_TEST

/* Text and data of a small file share its first page, which is then mapped for each of them. */
START_TEST (first_page_mapped_twice_is_one_module) {
	struct bytes object = make_object(&shapes[0], 1);
	struct hw_snapshot *snapshot = snapshot_new(8, false, EM_X86_64);

	set_program_header(&object, 0, P_FILESZ, 0x600);
	set_program_header(&object, 0, P_MEMSZ, 0x600);
	set_program_header(&object, 1, P_OFFSET, 0x600);
	set_program_header(&object, 1, P_VADDR, PAGE + 0x600);
	set_program_header(&object, 1, P_FILESZ, 0x100);
	set_program_header(&object, 1, P_MEMSZ, 0x100);
	add_mapping(snapshot, LOAD_ADDRESS, object.data, PAGE, HW_MAP_READ | HW_MAP_EXEC, "/bin/small", 0);
	add_mapping(
		snapshot, LOAD_ADDRESS + PAGE, object.data, PAGE, HW_MAP_READ | HW_MAP_EXEC, "/bin/small", 0);
	ck_assert_ptr_null(hw_snapshot_find_modules(snapshot));
	ck_assert_uint_eq(snapshot->module_count, 1);
	ck_assert_uint_eq(snapshot->modules[0].end, LOAD_ADDRESS + PAGE + 0x700);
	hw_snapshot_destroy(snapshot);
	bytes_free(&object);
}
END_TEST

/* A debugger maps a library's whole file to read it: no part of it is executable. */
START_TEST (file_mapped_as_data_is_no_module) {
	struct bytes object = make_object(&shapes[0], 1);
	struct hw_snapshot *snapshot = snapshot_new(8, false, EM_X86_64);

	add_mapping(snapshot, LOAD_ADDRESS, object.data, OBJECT_SIZE, HW_MAP_READ, "/lib/object.so", 0);
	ck_assert_ptr_null(hw_snapshot_find_modules(snapshot));
	ck_assert_uint_eq(snapshot->module_count, 0);
	hw_snapshot_destroy(snapshot);
	bytes_free(&object);
}
END_TEST

/* The executable is where AT_PHDR points to; ld.so, when it was itself started, is not. */
START_TEST (executable_is_told_by_the_kernel) {
	struct object_shape shape = shapes[0];
	struct bytes library = make_object(&shape, 1), program = make_object(&shape, 2);
	struct hw_snapshot *snapshot = snapshot_new(8, false, EM_X86_64);

	set_program_header(&program, 3, P_TYPE, PT_INTERP);
	load_object(snapshot, &library, LOAD_ADDRESS, "/lib/object.so");
	load_object(snapshot, &program, LOAD_ADDRESS + 0x10000, "/bin/program");
	snapshot->holding->auxv.program_headers = LOAD_ADDRESS + 0x10040;
	ck_assert_ptr_null(hw_snapshot_find_modules(snapshot));
	ck_assert_uint_eq(snapshot->module_count, 2);
	ck_assert(!snapshot->modules[0].is_executable);
	ck_assert(snapshot->modules[1].is_executable);
	hw_snapshot_destroy(snapshot);
	bytes_free(&library);
	bytes_free(&program);
}
END_TEST

/* One number changed in the object, and whether what is left is still a module. */
static const struct {
	const char *lie;
	int header; /* a program header, -1: `offset` counts from the file's start */
	enum program_header_field field;
	size_t offset;
	uint64_t value;
	size_t size;
	bool found;
} lies[] = {
	{ "magic", -1, 0, 1, 'F', 1, false },
	{ "class 3", -1, 0, 4, 3, 1, false },
	{ "other class", -1, 0, 4, 1, 1, false },
	{ "byte order 0", -1, 0, 5, 0, 1, false },
	{ "other byte order", -1, 0, 5, 2, 1, false },
	{ "version", -1, 0, 6, 2, 1, false },
	{ "relocatable", -1, 0, 16, ET_REL, 2, false },
	{ "core", -1, 0, 16, ET_CORE, 2, false },
	{ "fixed address elsewhere", -1, 0, 16, ET_EXEC, 2, false },
	{ "machine", -1, 0, 18, EM_386, 2, false },
	{ "program headers far away", -1, 0, 32, 0x7fffffffffff, 8, false },
	{ "program headers at the end", -1, 0, 32, ~0ULL, 8, false },
	{ "entry size", -1, 0, 54, 55, 2, false },
	{ "no program headers", -1, 0, 56, 0, 2, false },
	{ "65,535 program headers", -1, 0, 56, 65535, 2, false },
	{ "file offset not mapped", 0, P_OFFSET, 0, PAGE, 8, false },
	{ "more in the file than in memory", 0, P_MEMSZ, 0, PAGE, 8, false },
	{ "overlap", 1, P_VADDR, 0, PAGE, 8, false },
	{ "wraps around", 1, P_MEMSZ, 0, ~0ULL, 8, false },
	{ "huge", 1, P_MEMSZ, 0, 1ULL << 62, 8, false },
	{ "dynamic section nowhere", 2, P_VADDR, 0, 0x12345678000, 8, true },
	{ "dynamic section huge", 2, P_MEMSZ, 0, ~0ULL, 8, true },
	{ "note nowhere", 3, P_VADDR, 0, 0x12345678000, 8, true },
	{ "note huge", 3, P_FILESZ, 0, ~0ULL, 8, true },
	{ "note's name size", -1, 0, OBJECT_NOTE, 0xffffffff, 4, true },
	{ "note's data size", -1, 0, OBJECT_NOTE + 4, 0xffffffff, 4, true },
	{ "buckets", -1, 0, OBJECT_HASH, 0xffffffff, 4, true },
	{ "no bucket", -1, 0, OBJECT_HASH, 0, 4, true },
	{ "first hashed symbol", -1, 0, OBJECT_HASH + 4, 0xffffffff, 4, true },
	{ "bloom words", -1, 0, OBJECT_HASH + 8, 0xffffffff, 4, true },
	{ "bucket's symbol", -1, 0, OBJECT_HASH + 24, 0xfffffffe, 4, true },
	{ "endless chain", -1, 0, OBJECT_HASH + 36, 0x3000, 4, true },
	{ "symbol table nowhere", -1, 0, OBJECT_DYNAMIC + 24, 0x12345678000, 8, true },
	{ "string table at the end", -1, 0, OBJECT_DYNAMIC + 40, OBJECT_BSS_END - 1, 8, true },
	{ "string table huge", -1, 0, OBJECT_DYNAMIC + 56, ~0ULL, 8, true },
	{ "relocations huge", -1, 0, OBJECT_DYNAMIC + 88, ~0ULL, 8, true },
	{ "symbol's name", -1, 0, OBJECT_SYMBOLS + 24, 0xffffffff, 4, true },
	{ "relocation's symbol", -1, 0, OBJECT_RELOCATIONS + 12, 0xffffffff, 4, true },
};

START_TEST (lies_do_no_harm) {
	struct bytes object = make_object(&shapes[0], 1);
	struct hw_snapshot *snapshot = snapshot_new(8, false, EM_X86_64);
	struct seen seen = { 0 };

	if (lies[_i].header >= 0)
		set_program_header(&object, (size_t)lies[_i].header, lies[_i].field, lies[_i].value);
	else
		set_number(&object, lies[_i].offset, lies[_i].value, lies[_i].size);
	load_object(snapshot, &object, LOAD_ADDRESS, "/lib/object.so");
	ck_assert_ptr_null(hw_snapshot_find_modules(snapshot));
	ck_assert_msg(snapshot->module_count == lies[_i].found, "%s: %zu modules", lies[_i].lie,
		snapshot->module_count);
	if (lies[_i].found) {
		hw_module_each_symbol(snapshot, &snapshot->modules[0], see_symbol, &seen);
		hw_module_each_relocation(snapshot, &snapshot->modules[0], see_relocation, &seen);
		/* Nothing can come from beyond what is mapped. */
		ck_assert_uint_le(seen.count, 2 * OBJECT_SIZE / 16);
	}
	hw_snapshot_destroy(snapshot);
	bytes_free(&object);
}
END_TEST

/* Random changes in the parts that are parsed; only that it ends, and what the sanitizers say, is checked. */
START_TEST (changed_bytes_do_no_harm) {
	const struct object_shape *shape = &shapes[_i];
	struct bytes object = make_object(shape, 1);
	uint64_t random = 0x5eed + (uint64_t)_i;
	size_t found = 0;

	for (unsigned round = 0; round < 120; round++) {
		struct hw_snapshot *snapshot = snapshot_new(shape->word, shape->big_endian, shape->machine);
		hw_autofree uint8_t *saved = malloc(object.size);
		struct seen seen = { 0 };

		memcpy(saved, object.data, object.size);
		for (unsigned i = 0; i <= round % 5; i++) {
			size_t at = next_random(&random) % 0x700;

			object.data[at < 0x600 ? at : OBJECT_DYNAMIC + at - 0x600] =
				(uint8_t)next_random(&random);
		}
		load_object(snapshot, &object, LOAD_ADDRESS, "/lib/object.so");
		ck_assert_ptr_null(hw_snapshot_find_modules(snapshot));
		found += snapshot->module_count;
		for (size_t i = 0; i < snapshot->module_count; i++) {
			hw_module_each_symbol(snapshot, &snapshot->modules[i], see_symbol, &seen);
			hw_module_each_relocation(snapshot, &snapshot->modules[i], see_relocation, &seen);
		}
		hw_snapshot_destroy(snapshot);
		memcpy(object.data, saved, object.size);
	}
	ck_assert_uint_gt(found, 0);
	bytes_free(&object);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("module");
	TCase *tests = tcase_create("module");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, object_is_found, 0, hw_array_size(shapes));
	tcase_add_loop_test(tests, symbols_are_read, 0, hw_array_size(shapes));
	tcase_add_loop_test(tests, relocations_are_read, 0, hw_array_size(shapes));
	tcase_add_test(tests, copies_are_told_apart_by_address);
	tcase_add_test(tests, first_page_mapped_twice_is_one_module);
	tcase_add_test(tests, file_mapped_as_data_is_no_module);
	tcase_add_test(tests, executable_is_told_by_the_kernel);
	tcase_add_loop_test(tests, lies_do_no_harm, 0, hw_array_size(lies));
	tcase_add_loop_test(tests, changed_bytes_do_no_harm, 0, hw_array_size(shapes));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
