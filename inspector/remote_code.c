/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Instructions of the target that remote system calls use. */
#include "inspector/remote.h"

#if defined(__x86_64__)

/* How much of a mapping's code is searched. */
#define SEARCH_LIMIT ((size_t)1 << 22)

/* Instructions: one of the spellings that compilers and assemblers choose. */
struct spelling {
	uint8_t bytes[9];
	uint8_t size;
};

static const struct spelling call_spellings[] = {
	{ { 0x0f, 0x05, 0xc3 }, 3 }, /* syscall; ret */
};

static const struct spelling back_spellings[] = {
	{ { 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05 }, 9 }, /* mov $15,%rax; syscall */
	{ { 0xb8, 15, 0, 0, 0, 0x0f, 0x05 }, 7 },             /* mov $15,%eax; syscall */
};

static void search(const uint8_t *code, size_t size, uint64_t start, const struct spelling *spellings,
	size_t count, uint64_t *address)
{
	for (size_t i = 0; i < count && !*address; i++) {
		const uint8_t *found = memmem(code, size, spellings[i].bytes, spellings[i].size);

		if (found)
			*address = start + (uint64_t)(found - code);
	}
}

static void search_map(
	const struct hw_snapshot *snapshot, const struct hw_map *map, struct hw_lifeline_code *code)
{
	size_t size = (size_t)hw_min(map->end - map->start, SEARCH_LIMIT), got;
	hw_autofree uint8_t *bytes = malloc(size);

	if (!bytes)
		return;
	got = hw_image_read_some(snapshot->image, map->start, bytes, size);
	search(bytes, got, map->start, call_spellings, hw_array_size(call_spellings), &code->call);
	search(bytes, got, map->start, back_spellings, hw_array_size(back_spellings), &code->back);
}

/* Where every C library's system calls and return from a signal are. */
static bool is_libc(const struct hw_map *map)
{
	const char *slash = strrchr(map->path, '/');

	return slash && (strncmp(slash, "/libc.", 6) == 0 || strncmp(slash, "/libc-", 6) == 0 ||
				strncmp(slash, "/ld-musl", 8) == 0);
}

struct hw_error *hw_remote_find_code(const struct hw_snapshot *snapshot, struct hw_lifeline_code *code)
{
	*code = (struct hw_lifeline_code){ 0 };
	for (int libc = 1; libc >= 0; libc--) {
		for (size_t i = 0; i < snapshot->map_count && !(code->call && code->back); i++) {
			const struct hw_map *map = &snapshot->maps[i];
			unsigned wanted = HW_MAP_READ | HW_MAP_EXEC;

			if ((map->prot & (wanted | HW_MAP_WRITE)) == wanted && is_libc(map) == libc)
				search_map(snapshot, map, code);
		}
	}
	if (code->call && code->back)
		return NULL;
	return hw_error_create(HW_ERROR_UNSUPPORTED, "its code has no %s",
		code->call ? "return from a signal" : "system call instruction");
}

static bool stands_at(const struct spelling *spellings, size_t count, uint64_t address, int mem)
{
	uint8_t bytes[sizeof(spellings->bytes)];

	for (size_t i = 0; i < count; i++) {
		if (pread(mem, bytes, spellings[i].size, (off_t)address) == spellings[i].size &&
			memcmp(bytes, spellings[i].bytes, spellings[i].size) == 0)
			return true;
	}
	return false;
}

bool hw_remote_code_is_there(const struct hw_lifeline_code *code, int mem)
{
	return stands_at(call_spellings, hw_array_size(call_spellings), code->call, mem) &&
	       stands_at(back_spellings, hw_array_size(back_spellings), code->back, mem);
}

#else

struct hw_error *hw_remote_find_code(const struct hw_snapshot *snapshot, struct hw_lifeline_code *code)
{
	(void)snapshot, (void)code;
	return hw_error_create(HW_ERROR_UNSUPPORTED, "no remote system calls on this machine");
}

bool hw_remote_code_is_there(const struct hw_lifeline_code *code, int mem)
{
	(void)code, (void)mem;
	return false;
}

#endif
