/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening cores: of every machine, complete, incomplete, compressed, cut off and lying. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/unit/inspector/fake_core.h"

/* Everything lies here; the names are the same in every test. */
static char directory[] = "/tmp/heapwalk-test-XXXXXX";
static char core_path[64], object_path[64], missing_path[64];

static void write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	close(fd);
}

static void write_bytes(const char *path, struct bytes *bytes)
{
	write_file(path, bytes->data, bytes->size);
	bytes_free(bytes);
}

/* Opens what must open. */
static struct hw_snapshot *open_core(const struct hw_core_options *options)
{
	struct hw_snapshot *snapshot = NULL;
	struct hw_error *error = hw_snapshot_open_core(core_path, options, &snapshot);

	ck_assert_msg(!error, "%s", error ? error->message : "");
	return snapshot;
}

static struct hw_snapshot *open_shape(const struct core_shape *shape)
{
	struct bytes core = make_core(shape);

	write_bytes(core_path, &core);
	return open_core(NULL);
}

static bool has_warning(const struct hw_snapshot *snapshot, const char *part)
{
	for (size_t i = 0; i < snapshot->warning_count; i++) {
		if (strstr(snapshot->warnings[i].text, part))
			return true;
	}
	return false;
}

static bool readable(const struct hw_snapshot *snapshot, uint64_t address)
{
	uint8_t byte;

	return hw_image_read_some(snapshot->image, address, &byte, 1) == 1;
}

static const struct core_shape machines[] = {
	{ EM_X86_64, 8, false, object_path, true, true, true, false, 1 },
	{ EM_386, 4, false, object_path, true, true, true, false, 1 },
	{ EM_AARCH64, 8, false, object_path, true, true, true, false, 1 },
	{ EM_AARCH64, 8, true, object_path, true, true, true, false, 1 },
};

START_TEST (process_and_threads) {
	struct bytes object = object_file(&machines[_i]);
	struct hw_snapshot *snapshot;

	write_bytes(object_path, &object);
	snapshot = open_shape(&machines[_i]);
	ck_assert_int_eq(snapshot->source, HW_SOURCE_CORE);
	ck_assert_uint_eq(snapshot->machine, machines[_i].machine);
	ck_assert_uint_eq(snapshot->word_size, machines[_i].word);
	ck_assert_str_eq(snapshot->core_path, core_path);
	ck_assert_int_eq(snapshot->process.pid, CORE_LEADER);
	ck_assert_uint_eq(snapshot->process.uid, CORE_UID);
	ck_assert_str_eq(snapshot->process.name, "worker");
	ck_assert_str_eq(snapshot->process.command_line, "/usr/bin/worker --fast");
	ck_assert_str_eq(snapshot->process.executable, object_path);
	ck_assert_int_eq(snapshot->terminating_signal, SIGSEGV);
	ck_assert_uint_eq(snapshot->thread_count, 2);
	for (unsigned i = 0; i < 2; i++) { /* the leader first, though the other one crashed */
		const struct hw_thread *thread = &snapshot->threads[i];

		ck_assert_int_eq(thread->tid, i ? CORE_CRASHED : CORE_LEADER);
		ck_assert(thread->has_registers);
		ck_assert_uint_eq(thread->pc, CORE_OBJECT + PAGE + (i ? 1 : 2));
		ck_assert_uint_eq(thread->sp, CORE_STACK + (i ? 0x100 : 0x200));
		ck_assert_uint_eq(thread->thread_pointer, CORE_HEAP + (i ? 0x42 : 0x41));
		ck_assert_int_eq(thread->in_system_call, machines[_i].machine != EM_AARCH64 && !i);
		ck_assert_uint_eq(thread->vector.size, 512);
		ck_assert_uint_eq(thread->vector.bytes[0], 0xfe);
	}
	ck_assert_str_eq(snapshot->threads[0].name, "worker");
	hw_snapshot_destroy(snapshot);
}
END_TEST

START_TEST (maps_and_memory) {
	struct bytes object = object_file(&machines[_i]);
	struct hw_snapshot *snapshot;
	struct hw_error *error;
	uint8_t heap[2 * PAGE + 1], text[PAGE];
	const struct hw_map *map;

	write_bytes(object_path, &object);
	snapshot = open_shape(&machines[_i]);
	ck_assert_uint_eq(snapshot->map_count, 5);
	map = hw_snapshot_map_at(snapshot, CORE_OBJECT);
	ck_assert_str_eq(map->path, object_path);
	ck_assert_uint_eq(map->prot, HW_MAP_READ | HW_MAP_EXEC);
	map = hw_snapshot_map_at(snapshot, CORE_OBJECT + OBJECT_DYNAMIC);
	ck_assert_uint_eq(map->offset, OBJECT_DYNAMIC);
	ck_assert_str_eq(hw_snapshot_map_at(snapshot, CORE_STACK)->path, "[stack]");
	ck_assert_str_eq(hw_snapshot_map_at(snapshot, CORE_HEAP)->path, "");

	ck_assert_ptr_null(hw_image_read(snapshot->image, CORE_HEAP, heap, 2 * PAGE));
	for (size_t i = 0; i < 2 * PAGE; i++)
		ck_assert_uint_eq(heap[i], (uint8_t)(i * 31 >> 3));
	/* p_filesz < p_memsz: not dumped is not zero. */
	error = hw_image_read(snapshot->image, CORE_HEAP, heap, sizeof(heap));
	ck_assert_ptr_nonnull(error);
	ck_assert_uint_eq(error->address, CORE_HEAP + 2 * PAGE);
	ck_assert(hw_error_catch(&error, HW_ERROR_FAULT));
	ck_assert(!readable(snapshot, CORE_RESERVED));
	/* Code that was not dumped comes from the file. */
	ck_assert_ptr_null(hw_image_read(snapshot->image, CORE_OBJECT + PAGE, text, PAGE));
	for (size_t i = 0; i < PAGE; i++)
		ck_assert_uint_eq(text[i], 0xcc);
	ck_assert_uint_eq(snapshot->module_count, 1);
	ck_assert(snapshot->modules[0].is_executable);
	ck_assert_uint_eq(snapshot->modules[0].bias, CORE_OBJECT);
	ck_assert_uint_eq(snapshot->modules[0].dynamic_symbol_count, OBJECT_SYMBOL_COUNT);
	ck_assert_uint_eq(snapshot->warning_count, 0);
	hw_snapshot_destroy(snapshot);
}
END_TEST

/* What the core holds of the object, which file is there, and whether its code may then be read. */
static const struct {
	const char *name;
	bool header_dumped, text_load, data_dumped;
	uint64_t build_id; /* of the file; the core's is 1; 0: there is no file */
	bool text_readable, data_readable;
	const char *warning;
} files[] = {
	{ "same", true, true, true, 1, true, true, NULL },
	{ "same, gcore", false, false, true, 1, true, true, NULL },
	{ "same by dynamic section", false, true, true, 1, true, true, NULL },
	{ "nothing to go by", false, true, false, 1, false, false, "proves" },
	{ "other build id", true, true, true, 2, false, true, "not those of the core" },
	{ "gone", true, true, true, 0, false, true, "not found" },
	{ "gone, gcore", false, false, true, 0, false, true, "not found" },
	{ "writable memory is never the file's", true, true, false, 1, true, false, NULL },
};

START_TEST (files_stand_in_for_code) {
	struct core_shape shape = machines[0];
	struct core_shape file_shape = machines[0];
	struct hw_snapshot *snapshot;

	shape.header_dumped = files[_i].header_dumped;
	shape.text_load = files[_i].text_load;
	shape.data_dumped = files[_i].data_dumped;
	file_shape.build_id = files[_i].build_id;
	unlink(object_path);
	if (files[_i].build_id) {
		struct bytes object = object_file(&file_shape);

		write_bytes(object_path, &object);
	}
	snapshot = open_shape(&shape);
	ck_assert_msg(
		readable(snapshot, CORE_OBJECT + PAGE) == files[_i].text_readable, "%s", files[_i].name);
	ck_assert_msg(readable(snapshot, CORE_OBJECT + OBJECT_DYNAMIC) == files[_i].data_readable, "%s",
		files[_i].name);
	if (files[_i].warning)
		ck_assert_msg(has_warning(snapshot, files[_i].warning), "%s", files[_i].name);
	else
		ck_assert_msg(!snapshot->warning_count, "%s", files[_i].name);
	if (files[_i].text_readable)
		ck_assert_uint_eq(
			hw_snapshot_map_at(snapshot, CORE_OBJECT + PAGE)->prot, HW_MAP_READ | HW_MAP_EXEC);
	hw_snapshot_destroy(snapshot);
}
END_TEST

/* One mapping of a file, of which a PT_LOAD covers the beginning only. */
START_TEST (mapping_is_split_where_only_its_beginning_is_stored) {
	struct bytes object = object_file(&machines[0]), core = make_core(&machines[0]);
	struct hw_snapshot *snapshot;
	const struct hw_map *map;

	write_bytes(object_path, &object);
	set_program_header(&core, CORE_TEXT, P_MEMSZ, PAGE);
	write_bytes(core_path, &core);
	snapshot = open_core(NULL);
	map = hw_snapshot_map_at(snapshot, CORE_OBJECT + PAGE);
	ck_assert_uint_eq(map->start, CORE_OBJECT + PAGE);
	ck_assert_uint_eq(map->offset, PAGE);
	ck_assert_uint_eq(map->prot, HW_MAP_READ | HW_MAP_EXEC);
	ck_assert_str_eq(map->path, object_path);
	ck_assert(readable(snapshot, CORE_OBJECT + PAGE));
	hw_snapshot_destroy(snapshot);
}
END_TEST

/* The dynamic section in the core is another one than the file's. */
START_TEST (other_dynamic_section_proves_nothing) {
	struct core_shape shape = machines[0];
	struct bytes object = object_file(&shape), core;
	struct hw_snapshot *snapshot;
	uint64_t data;

	write_bytes(object_path, &object);
	shape.header_dumped = false;
	core = make_core(&shape);
	memcpy(&data, core.data + at_program_header(&core, CORE_DATA, P_OFFSET), sizeof(data));
	set_number(&core, data + 3 * 16 + 8, 99, 8); /* DT_STRSZ */
	write_bytes(core_path, &core);
	snapshot = open_core(NULL);
	ck_assert(!readable(snapshot, CORE_OBJECT + PAGE));
	ck_assert(has_warning(snapshot, "proves"));
	hw_snapshot_destroy(snapshot);
}
END_TEST

START_TEST (sysroot_and_executable_are_used) {
	struct core_shape shape = machines[0];
	struct bytes object = object_file(&shape), core;
	struct hw_core_options options = { .sysroot = directory };
	struct hw_snapshot *snapshot;
	int fd;

	shape.object_path = "/object.so"; /* under the sysroot only */
	write_bytes(object_path, &object);
	core = make_core(&shape);
	write_bytes(core_path, &core);
	snapshot = open_core(&options);
	ck_assert(readable(snapshot, CORE_OBJECT + PAGE));
	ck_assert_ptr_null(hw_module_open(snapshot, &snapshot->modules[0], &fd));
	close(fd);
	hw_snapshot_destroy(snapshot);

	options = (struct hw_core_options){ .executable = object_path };
	snapshot = open_core(&options);
	ck_assert(readable(snapshot, CORE_OBJECT + PAGE));
	ck_assert_str_eq(snapshot->process.executable, "/object.so");
	ck_assert_ptr_null(hw_module_open(snapshot, &snapshot->modules[0], &fd));
	close(fd);
	hw_snapshot_destroy(snapshot);

	options = (struct hw_core_options){ 0 };
	snapshot = open_core(&options);
	ck_assert(!readable(snapshot, CORE_OBJECT + PAGE));
	hw_snapshot_destroy(snapshot);
}
END_TEST

START_TEST (module_of_another_build_is_refused) {
	struct core_shape shape = machines[0];
	struct bytes object = object_file(&shape);
	struct hw_snapshot *snapshot;
	struct hw_error *error;
	int fd = -1;

	write_bytes(object_path, &object);
	snapshot = open_shape(&shape);
	shape.build_id = 2;
	object = object_file(&shape);
	unlink(object_path);
	write_bytes(object_path, &object);
	error = hw_module_open(snapshot, &snapshot->modules[0], &fd);
	ck_assert(hw_error_catch(&error, HW_ERROR_NOT_FOUND));
	ck_assert_int_eq(fd, -1);
	hw_snapshot_destroy(snapshot);
}
END_TEST

/* Without NT_FILE there is no object by name, but everything that was dumped is there. */
START_TEST (core_without_file_names) {
	struct hw_snapshot *snapshot = open_shape(&plain_core);

	ck_assert_uint_eq(snapshot->thread_count, 2);
	ck_assert(readable(snapshot, CORE_HEAP));
	ck_assert_uint_eq(snapshot->module_count, 1);
	ck_assert_uint_eq(snapshot->modules[0].bias, CORE_OBJECT);
	hw_snapshot_destroy(snapshot);
}
END_TEST

START_TEST (stacks_of_zeros_are_reported) {
	struct core_shape shape = plain_core;
	struct hw_snapshot *snapshot = open_shape(&shape);

	ck_assert(!has_warning(snapshot, "zeros"));
	hw_snapshot_destroy(snapshot);
	shape.zero_stack = true;
	snapshot = open_shape(&shape);
	ck_assert(has_warning(snapshot, "stacks of 2 of 2 threads are stored as zeros"));
	ck_assert(!readable(snapshot, CORE_STACK + 0x100));
	ck_assert(readable(snapshot, CORE_HEAP));
	hw_snapshot_destroy(snapshot);
}
END_TEST

/* More than 65,534 segments: the number stands in a section header (PN_XNUM). */
START_TEST (segment_count_beyond_sixteen_bits) {
	struct bytes core = make_core(&machines[_i]);
	size_t section = core.size;
	bool wide = core.word == 8;
	struct hw_snapshot *snapshot;

	put_until(&core, section + (wide ? 64 : 40), 0);
	set_number(&core, section + (wide ? 44 : 28), CORE_HEADERS, 4); /* sh_info */
	set_number(&core, wide ? 40 : 32, section, core.word);          /* e_shoff */
	set_number(&core, at_phnum(&core), PN_XNUM, 2);
	write_bytes(core_path, &core);
	snapshot = open_core(NULL);
	ck_assert_uint_eq(snapshot->map_count, 5);
	ck_assert_uint_eq(snapshot->thread_count, 2);
	hw_snapshot_destroy(snapshot);
}
END_TEST

/* Cut at every 97th byte: an error, or a snapshot that says how much is missing and has nothing beyond. */
START_TEST (cut_off_cores) {
	struct bytes core = make_core(&machines[0]);
	size_t opened = 0;

	for (size_t size = 0; size < core.size; size += 97) {
		struct hw_snapshot *snapshot;
		struct hw_error *error;

		write_file(core_path, core.data, size);
		error = hw_snapshot_open_core(core_path, NULL, &snapshot);
		if (error) {
			ck_assert_int_eq(error->code, HW_ERROR_FORMAT);
			ck_assert_uint_le(size, at_program_header(&core, CORE_HEADERS, P_TYPE));
			hw_error_destroy(error);
			continue;
		}
		ck_assert(has_warning(snapshot, "cut off"));
		ck_assert(!readable(snapshot, CORE_STACK + PAGE - 1));
		hw_snapshot_destroy(snapshot);
		opened++;
	}
	ck_assert_uint_gt(opened, 100);
	bytes_free(&core);
}
END_TEST

/* The file shrinks after it was opened: its memory is missing then, and nobody gets a SIGBUS. */
START_TEST (shrinking_core) {
	struct hw_snapshot *snapshot = open_shape(&plain_core);

	ck_assert(readable(snapshot, CORE_STACK));
	ck_assert_int_eq(truncate(core_path, PAGE), 0);
	ck_assert(!readable(snapshot, CORE_STACK));
	ck_assert(!readable(snapshot, CORE_HEAP));
	hw_snapshot_destroy(snapshot);
}
END_TEST

/* Compresses the core into a buffer and says how large it is. */
static size_t pack_zstd(const struct bytes *core, void *packed, size_t room)
{
	return ZSTD_compress(packed, room, core->data, core->size, 1);
}

static size_t pack_gzip(const struct bytes *core, void *packed, size_t room)
{
	z_stream stream = { .next_in = core->data, .avail_in = (uInt)core->size, .next_out = packed };

	stream.avail_out = (uInt)room;
	ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	deflateEnd(&stream);
	return room - stream.avail_out;
}

static size_t pack_lz4(const struct bytes *core, void *packed, size_t room)
{
	return LZ4F_compressFrame(packed, room, core->data, core->size, NULL);
}

static const struct {
	const char *name;
	size_t (*pack)(const struct bytes *core, void *packed, size_t room);
} packers[] = {
	{ "zstd", pack_zstd },
	{ "gzip", pack_gzip },
	{ "lz4", pack_lz4 },
};

/* A core with noise after it, so that it does not compress away: compressors work on blocks of up to 128 KiB.
 */
static struct bytes noisy_core(void)
{
	struct bytes core = make_core(&plain_core);
	uint64_t random = 0xc0de;
	uint8_t noise[PAGE];

	for (unsigned page = 0; page < 100; page++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (uint8_t)next_random(&random);
		put_bytes(&core, noise, sizeof(noise));
	}
	return core;
}

START_TEST (compressed_cores) {
	struct bytes core = noisy_core();
	hw_autofree uint8_t *packed = malloc(1 << 20);
	uint8_t found[PAGE];
	struct hw_snapshot *snapshot;
	size_t size = packers[_i].pack(&core, packed, 1 << 20);

	write_file(core_path, packed, size);
	snapshot = open_core(NULL);
	ck_assert_ptr_null(hw_image_read(snapshot->image, CORE_STACK, found, PAGE));
	for (size_t i = 0; i < PAGE; i++)
		ck_assert_uint_eq(found[i], 7);
	ck_assert_uint_eq(snapshot->thread_count, 2);
	ck_assert(!has_warning(snapshot, packers[_i].name));
	hw_snapshot_destroy(snapshot);

	write_file(core_path, packed, size - 40);
	snapshot = open_core(NULL);
	ck_assert(has_warning(snapshot, packers[_i].name));
	hw_snapshot_destroy(snapshot);
	bytes_free(&core);
}
END_TEST

START_TEST (damaged_compressed_cores) {
	struct bytes core = noisy_core();
	hw_autofree uint8_t *packed = malloc(1 << 20);
	size_t size = packers[_i].pack(&core, packed, 1 << 20);
	uint64_t random = 0xbad5eed;

	for (unsigned round = 0; round < 60; round++) {
		hw_autofree uint8_t *copy = malloc(size);
		struct hw_snapshot *snapshot;
		struct hw_error *error;

		memcpy(copy, packed, size);
		for (unsigned i = 0; i < 3; i++)
			copy[4 + next_random(&random) % (size - 4)] ^=
				(uint8_t)(1 + next_random(&random) % 255);
		write_file(core_path, copy, size);
		error = hw_snapshot_open_core(core_path, NULL, &snapshot);
		if (error)
			hw_error_destroy(error);
		else
			hw_snapshot_destroy(snapshot);
	}
	bytes_free(&core);
}
END_TEST

START_TEST (no_room_to_unpack) {
	struct bytes core = noisy_core();
	hw_autofree uint8_t *packed = malloc(1 << 20);
	struct rlimit limit = { .rlim_cur = 8 * PAGE, .rlim_max = RLIM_INFINITY };
	struct hw_snapshot *snapshot;
	struct hw_error *error;

	write_file(core_path, packed, pack_zstd(&core, packed, 1 << 20));
	bytes_free(&core);
	setenv("TMPDIR", "/nonexistent", 1);
	error = hw_snapshot_open_core(core_path, NULL, &snapshot);
	ck_assert_ptr_nonnull(error);
	ck_assert_ptr_nonnull(strstr(error->remedy, "TMPDIR"));
	hw_error_destroy(error);

	setenv("TMPDIR", directory, 1);
	limit.rlim_cur = 5 * PAGE; /* less than the core: as a full disk */
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	error = hw_snapshot_open_core(core_path, NULL, &snapshot);
	ck_assert_ptr_nonnull(error);
	ck_assert_ptr_nonnull(strstr(error->remedy, "TMPDIR"));
	hw_error_destroy(error);
}
END_TEST

/* Files that are no cores, and what is said about them. */
static const struct {
	const char *content;
	size_t size;
	enum hw_error_code code;
	const char *message;
} strangers[] = {
	{ "", 0, HW_ERROR_FORMAT, "is empty" },
	{ "#!/bin/sh\n", 10, HW_ERROR_FORMAT, "not an ELF core" },
	{ "\x7f"
	  "ELF",
		4, HW_ERROR_FORMAT, "not an ELF core" },
	{ "\xfd"
	  "7zXZ\0",
		6, HW_ERROR_UNSUPPORTED, "xz" },
	{ "BZh9", 4, HW_ERROR_UNSUPPORTED, "bzip2" },
	{ "\x28\xb5\x2f\xfd", 4, HW_ERROR_FORMAT, "end too early" },
	{ "\x1f\x8b\x08", 3, HW_ERROR_FORMAT, "end too early" },
	{ "\x04\x22\x4d\x18", 4, HW_ERROR_FORMAT, "end too early" },
	{ "\x1f\x8b\x08\xff\xff\xff\xff\xff\xff\xff", 10, HW_ERROR_FORMAT, "are damaged" },
};

START_TEST (strangers_are_refused) {
	struct hw_snapshot *snapshot;
	struct hw_error *error;

	write_file(core_path, strangers[_i].content, strangers[_i].size);
	error = hw_snapshot_open_core(core_path, NULL, &snapshot);
	ck_assert_ptr_nonnull(error);
	ck_assert_msg(strstr(error->message, strangers[_i].message), "%s", error->message);
	ck_assert(hw_error_catch(&error, strangers[_i].code));
}
END_TEST

static void expect_error(const char *path, const struct hw_core_options *options, enum hw_error_code code)
{
	struct hw_snapshot *snapshot;
	struct hw_error *error = hw_snapshot_open_core(path, options, &snapshot);

	ck_assert_ptr_nonnull(error);
	ck_assert_msg(error->code == code, "%s", error->message);
	hw_error_destroy(error);
}

START_TEST (wrong_arguments_are_refused) {
	struct bytes core = make_core(&plain_core), object = object_file(&plain_core);

	write_bytes(object_path, &object);
	write_bytes(core_path, &core);
	expect_error(missing_path, NULL, HW_ERROR_NOT_FOUND);
	expect_error(directory, NULL, HW_ERROR_FORMAT);
	expect_error(object_path, NULL, HW_ERROR_FORMAT); /* an executable given as the core */
	expect_error(core_path, &(struct hw_core_options){ .executable = missing_path }, HW_ERROR_NOT_FOUND);
	expect_error(core_path, &(struct hw_core_options){ .sysroot = missing_path }, HW_ERROR_NOT_FOUND);
	expect_error(core_path, &(struct hw_core_options){ .sysroot = object_path }, HW_ERROR_USAGE);
	expect_error(core_path, &(struct hw_core_options){ .executable = directory }, HW_ERROR_USAGE);
}
END_TEST

/* One number changed in a sound core: an error of this code, or a warning with these words, or neither. */
static const struct {
	const char *lie;
	int header; /* a program header, -1: `offset` counts from the file's start */
	enum program_header_field field;
	size_t offset;
	uint64_t value;
	size_t size;
	int code; /* -1: opens */
	const char *warning;
} lies[] = {
	{ "of MIPS", -1, 0, 18, EM_MIPS, 2, HW_ERROR_UNSUPPORTED, NULL },
	{ "of i386 in 64 bits", -1, 0, 18, EM_386, 2, HW_ERROR_UNSUPPORTED, NULL },
	{ "entry size", -1, 0, 54, 57, 2, HW_ERROR_FORMAT, NULL },
	{ "no program headers", -1, 0, 56, 0, 2, HW_ERROR_FORMAT, NULL },
	{ "program headers past the end", -1, 0, 32, 1ULL << 40, 8, HW_ERROR_FORMAT, "cut off" },
	{ "program headers wrap", -1, 0, 32, ~0ULL, 8, HW_ERROR_FORMAT, NULL },
	{ "too many program headers", -1, 0, 56, 0xfffe, 2, -1, "cut off" },
	{ "count overflow without section", -1, 0, 56, PN_XNUM, 2, HW_ERROR_FORMAT, NULL },
	{ "notes past the end", CORE_NOTES, P_OFFSET, 0, 1ULL << 40, 8, -1, "cut off" },
	{ "notes huge", CORE_NOTES, P_FILESZ, 0, ~0ULL, 8, -1, "cut off" },
	{ "no notes", CORE_NOTES, P_TYPE, 0, PT_NULL, 4, -1, "no registers" },
	{ "memory past the end", CORE_HEAP_LOAD, P_OFFSET, 0, 1ULL << 40, 8, -1, "cut off" },
	{ "memory stored beyond its size", CORE_HEAP_LOAD, P_MEMSZ, 0, PAGE, 8, -1, NULL },
	{ "memory wraps around", CORE_HEAP_LOAD, P_VADDR, 0, ~0xfffULL, 8, -1, NULL },
	{ "memory everywhere", CORE_HEAP_LOAD, P_MEMSZ, 0, ~0ULL, 8, -1, NULL },
	{ "memory overlaps", CORE_HEAP_LOAD, P_VADDR, 0, CORE_OBJECT, 8, -1, NULL },
	{ "note's size", -1, 0, 64 + CORE_HEADERS * 56 + 4, 0xffffffff, 4, -1, "damaged" },
	{ "note's name", -1, 0, 64 + CORE_HEADERS * 56, 0xffffffff, 4, -1, "damaged" },
	{ "short NT_PRSTATUS", -1, 0, 64 + CORE_HEADERS * 56 + 4, 60, 4, -1, NULL },
};

START_TEST (lies_are_found_out) {
	struct bytes core = make_core(&machines[0]);
	struct hw_snapshot *snapshot = NULL;
	struct hw_error *error;

	if (lies[_i].header >= 0)
		set_program_header(&core, (size_t)lies[_i].header, lies[_i].field, lies[_i].value);
	else
		set_number(&core, lies[_i].offset, lies[_i].value, lies[_i].size);
	write_bytes(core_path, &core);
	error = hw_snapshot_open_core(core_path, NULL, &snapshot);
	ck_assert_msg((error ? (int)error->code : -1) == lies[_i].code, "%s: %s", lies[_i].lie,
		error ? error->message : "opens");
	if (!error && lies[_i].warning)
		ck_assert_msg(has_warning(snapshot, lies[_i].warning), "%s", lies[_i].lie);
	hw_error_destroy(error);
	hw_snapshot_destroy(snapshot);
}
END_TEST

static bool count_symbol(const struct hw_dynamic_symbol *symbol, void *argument)
{
	*(size_t *)argument += symbol->name[0] != '\0';
	return true;
}

/* Asks a snapshot of everything that it has. */
static void look_around(const struct hw_snapshot *snapshot)
{
	size_t names = 0;

	for (size_t i = 0; i < snapshot->map_count; i++) {
		readable(snapshot, snapshot->maps[i].start);
		readable(snapshot, snapshot->maps[i].end - 1);
	}
	for (size_t i = 0; i < snapshot->module_count; i++)
		hw_module_each_symbol(snapshot, &snapshot->modules[i], count_symbol, &names);
}

/* Random changes in headers, notes and the object; only that it ends, and what the sanitizers say, is
 * checked. */
START_TEST (changed_bytes_do_no_harm) {
	struct bytes object = object_file(&machines[_i]), core = make_core(&machines[_i]);
	uint64_t random = 0xfeed + (uint64_t)_i;
	size_t opened = 0;

	write_bytes(object_path, &object);
	for (unsigned round = 0; round < 500; round++) {
		struct bytes changed = core;
		struct hw_snapshot *snapshot;
		struct hw_error *error;

		changed.data = malloc(core.size);
		memcpy(changed.data, core.data, core.size);
		for (unsigned i = 0; i <= round % 8; i++)
			changed.data[next_random(&random) % (round % 3 ? 0xc00 : core.size)] =
				(uint8_t)next_random(&random);
		write_bytes(core_path, &changed);
		error = hw_snapshot_open_core(core_path, NULL, &snapshot);
		hw_error_destroy(error);
		if (error)
			continue;
		look_around(snapshot);
		hw_snapshot_destroy(snapshot);
		opened++;
	}
	ck_assert_uint_gt(opened, 100);
	bytes_free(&core);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("core");
	TCase *tests = tcase_create("core");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, process_and_threads, 0, hw_array_size(machines));
	tcase_add_loop_test(tests, maps_and_memory, 0, hw_array_size(machines));
	tcase_add_loop_test(tests, files_stand_in_for_code, 0, hw_array_size(files));
	tcase_add_test(tests, mapping_is_split_where_only_its_beginning_is_stored);
	tcase_add_test(tests, other_dynamic_section_proves_nothing);
	tcase_add_test(tests, sysroot_and_executable_are_used);
	tcase_add_test(tests, module_of_another_build_is_refused);
	tcase_add_test(tests, core_without_file_names);
	tcase_add_test(tests, stacks_of_zeros_are_reported);
	tcase_add_loop_test(tests, segment_count_beyond_sixteen_bits, 0, hw_array_size(machines));
	tcase_add_test(tests, cut_off_cores);
	tcase_add_test(tests, shrinking_core);
	tcase_add_loop_test(tests, compressed_cores, 0, hw_array_size(packers));
	tcase_add_loop_test(tests, damaged_compressed_cores, 0, hw_array_size(packers));
	tcase_add_test(tests, no_room_to_unpack);
	tcase_add_loop_test(tests, strangers_are_refused, 0, hw_array_size(strangers));
	tcase_add_test(tests, wrong_arguments_are_refused);
	tcase_add_loop_test(tests, lies_are_found_out, 0, hw_array_size(lies));
	tcase_add_loop_test(tests, changed_bytes_do_no_harm, 0, hw_array_size(machines));
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner;
	int failed;

	if (!mkdtemp(directory))
		return 1;
	snprintf(core_path, sizeof(core_path), "%s/core", directory);
	snprintf(object_path, sizeof(object_path), "%s/object.so", directory);
	snprintf(missing_path, sizeof(missing_path), "%s/missing", directory);
	runner = srunner_create(make_suite());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	unlink(core_path);
	unlink(object_path);
	rmdir(directory);
	return failed != 0;
}
