/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words of static thread-local storage. libc reaches its own by the initial-exec model: ld.so wrote their
 * offsets from the thread pointer into libc's GOT, so libc's relocations of type TPOFF tell where in every
 * thread its block lies. Static executables and cores without libc's file have no such relocations at hand:
 * then all of the static TLS near the thread pointer is looked at.
 */
#include <elf.h>

#include "heapwalk/glibc/walk.h"

/* glibc's static TLS with its surplus is well below. */
#define TLS_REACH 0x10000

/* Offsets from the thread pointer, half-open. */
struct reach {
	const struct hw_walk *walk;
	int64_t low;
	int64_t high;
	bool found;
};

static bool is_tls_offset(unsigned machine, unsigned type)
{
	switch (machine) {
	case EM_X86_64:
		return type == R_X86_64_TPOFF64;
	case EM_386:
		return type == R_386_TLS_TPOFF;
	case EM_AARCH64:
		return type == R_AARCH64_TLS_TPREL;
	default:
		return false;
	}
}

static bool note_relocation(const struct hw_relocation *relocation, void *argument)
{
	struct reach *reach = argument;
	uint64_t value;
	int64_t offset;

	if (!is_tls_offset(reach->walk->snapshot->machine, relocation->type) ||
		!hw_walk_word(reach->walk, relocation->slot, &value))
		return true;
	offset = reach->walk->image->word_size == 8 ? (int64_t)value : (int32_t)value;
	if (offset < -TLS_REACH || offset > TLS_REACH)
		return true;
	reach->low = reach->found ? hw_min(reach->low, offset) : offset;
	reach->high = reach->found ? hw_max(reach->high, offset) : offset;
	reach->found = true;
	return true;
}

/* Where libc's block lies. One slot may serve several variables, so the block's size is added on both sides.
 */
static struct reach find_reach(const struct hw_walk *walk, const struct hw_glibc *glibc)
{
	struct reach reach = { .walk = walk };
	int64_t block = (int64_t)hw_min(glibc->module->tls_image_size, (uint64_t)TLS_REACH);

	hw_module_each_relocation(walk->snapshot, glibc->module, note_relocation, &reach);
	if (reach.found) {
		reach.low -= block;
		reach.high += block + walk->image->word_size;
		return reach;
	}
	/* Variant I (aarch64) has it above the thread pointer, variant II below. */
	reach.low = walk->snapshot->machine == EM_AARCH64 ? 0 : -TLS_REACH;
	reach.high = walk->snapshot->machine == EM_AARCH64 ? TLS_REACH : 0;
	return reach;
}

/* The results. */
struct collection {
	struct hw_tls_word *words;
	size_t count;
	size_t capacity;
};

static struct hw_error *look_at_thread(struct hw_walk *walk, const struct hw_glibc *glibc, uint32_t thread,
	const struct reach *reach, bool (*wanted)(struct hw_walk *, const struct hw_glibc *, uint64_t),
	struct collection *collection)
{
	uint64_t pointer = walk->snapshot->threads[thread].thread_pointer;
	unsigned word = walk->image->word_size;
	uint64_t page = walk->snapshot->page_size;

	for (int64_t offset = reach->low & -(int64_t)word; offset < reach->high; offset += word) {
		uint64_t address = pointer + (uint64_t)offset, value;
		const uint8_t *bytes = hw_window_view(&walk->probe, address, word, NULL);
		struct hw_tls_word *found;

		if (!bytes) {
			offset += (int64_t)(page - address % page) - word;
			continue;
		}
		value = hw_image_word(walk->image, bytes);
		if (!wanted(walk, glibc, value))
			continue;
		found = hw_array_next(collection->words, collection->count, collection->capacity);
		if (!found)
			return hw_error_no_memory();
		*found = (struct hw_tls_word){ .offset = offset, .value = value, .thread = thread };
		collection->count++;
	}
	return NULL;
}

struct hw_error *hw_tls_words(struct hw_walk *walk, const struct hw_glibc *glibc,
	bool (*wanted)(struct hw_walk *walk, const struct hw_glibc *glibc, uint64_t value),
	struct hw_tls_word **words, size_t *count)
{
	struct reach reach = find_reach(walk, glibc);
	struct collection collection = { 0 };
	struct hw_error *error = NULL;

	for (uint32_t i = 0; i < walk->snapshot->thread_count && !error; i++) {
		if (walk->snapshot->threads[i].thread_pointer)
			error = look_at_thread(walk, glibc, i, &reach, wanted, &collection);
	}
	if (error) {
		free(collection.words);
		return error;
	}
	*words = collection.words;
	*count = collection.count;
	return NULL;
}
