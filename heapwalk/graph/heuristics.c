/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memcheck's heuristics (--leak-check-heuristics in its manual), and one of ours. memcheck knows what size
 * was asked for; from outside only the chunk is known, so a size matches if any request that ends in such a
 * chunk does.
 */
#include "heapwalk/graph/heuristics.h"
#include "heapwalk/graph/scan.h"

/* A live chunk as the rules see it. */
struct block {
	unsigned word_size;
	uint64_t low;  /* the request was from low */
	uint64_t high; /* to high bytes */
	uint64_t offset;
	uint64_t words[2];
	uint64_t length64;
};

struct hw_error *hw_heuristics_init(
	struct hw_heuristics *heuristics, const struct hw_heap *heap, unsigned off)
{
	struct hw_error *error;

	*heuristics = (struct hw_heuristics){ .heap = heap, .off = off };
	error = hw_addresses_create(heap->snapshot, &heuristics->addresses);
	if (!error)
		error = hw_vtables_create(heap->snapshot, heuristics->addresses, &heuristics->vtables);
	if (error)
		hw_heuristics_deinit(heuristics);
	return error;
}

void hw_heuristics_deinit(struct hw_heuristics *heuristics)
{
	hw_vtables_destroy(heuristics->vtables);
	hw_addresses_destroy(heuristics->addresses);
	*heuristics = (struct hw_heuristics){ 0 };
}

static uint64_t load64(const struct hw_image *image, const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return image->big_endian ? __builtin_bswap64(value) : value;
}

static bool read_block(const struct hw_heap *heap, uint32_t chunk, struct block *block)
{
	const struct hw_image *image = heap->snapshot->image;
	uint8_t bytes[16];

	block->word_size = heap->word_size;
	block->high = hw_scan_usable(heap, chunk);
	if (hw_chunk_state(heap, chunk) == HW_CHUNK_MMAPPED) {
		block->low = block->high - hw_min(block->high, heap->snapshot->page_size);
	} else {
		hw_heap_chunk_to_requests(heap, hw_chunk_size(heap, chunk), &block->low, &block->high);
		/* A remainder too small for a chunk is left with this one. */
		block->low -= hw_min(block->low, heap->alignment);
	}
	if (hw_image_read_some(image, hw_chunk_user(heap, chunk), bytes, sizeof(bytes)) != sizeof(bytes))
		return false;
	block->words[0] = hw_image_word(image, bytes);
	block->words[1] = hw_image_word(image, bytes + heap->word_size);
	block->length64 = load64(image, bytes);
	return true;
}

static bool could_be_request(const struct block *block, uint64_t size)
{
	return size >= block->low && size <= block->high;
}

static bool is_length64(const struct block *block)
{
	return block->offset == 8 && block->length64 && block->length64 < block->high &&
	       could_be_request(block, block->length64 + 8);
}

/* So many elements of one size, and the number itself, make a possible request. */
static bool is_newarray(const struct block *block)
{
	uint64_t count = block->words[0], most = block->high - block->word_size;

	return block->offset == block->word_size && count && count <= most &&
	       could_be_request(block, most / count * count + block->word_size);
}

/* Length, capacity, reference count, text (libstdc++ before its C++11 ABI). */
static bool is_stdstring(const struct block *block)
{
	uint64_t length = block->words[0], capacity = block->words[1], head = 3ull * block->word_size;

	return block->offset == head && length <= capacity && capacity < block->high &&
	       could_be_request(block, head + capacity + 1);
}

static bool is_vtable(const struct hw_heuristics *heuristics, uint64_t word)
{
	return hw_addresses_kind(heuristics->addresses, word) == HW_ADDRESS_MODULE &&
	       hw_vtables_has(heuristics->vtables, word);
}

static bool is_inheritance(
	const struct hw_heuristics *heuristics, const struct block *block, uint64_t pointer)
{
	const struct hw_image *image = heuristics->heap->snapshot->image;
	uint8_t bytes[8];

	if (pointer % block->word_size || !is_vtable(heuristics, block->words[0]) ||
		hw_image_read_some(image, pointer, bytes, block->word_size) != block->word_size)
		return false;
	return is_vtable(heuristics, hw_image_word(image, bytes));
}

/*
 * An allocator that aligns by hand keeps the block's start next to what it gives out: right before it
 * (Eigen, Boost.Align and many more), or in the second word (_dl_find_object's mappings, elf/dl-find_object.c
 * since glibc 2.35).
 */
static bool is_aligned(const struct hw_heap *heap, const struct block *block, uint64_t user)
{
	const struct hw_image *image = heap->snapshot->image;
	unsigned word_size = block->word_size;
	uint64_t pointer = user + block->offset, before;
	uint8_t bytes[3 * 8];

	if (pointer % word_size || block->offset < word_size)
		return false;
	before = pointer - word_size;
	if (hw_image_read_some(image, before, bytes, 3 * word_size) != 3 * word_size)
		return false;
	return hw_image_word(image, bytes) == user || hw_image_word(image, bytes + 2 * word_size) == user;
}

enum hw_heuristic hw_heuristics_judge(
	const struct hw_heuristics *heuristics, uint32_t chunk, uint64_t pointer)
{
	struct block block;
	bool holds[HW_HEURISTICS] = { 0 };

	if (!read_block(heuristics->heap, chunk, &block))
		return HW_HEURISTICS;
	block.offset = pointer - hw_chunk_user(heuristics->heap, chunk);
	holds[HW_HEURISTIC_LENGTH64] = is_length64(&block);
	holds[HW_HEURISTIC_NEWARRAY] = is_newarray(&block);
	holds[HW_HEURISTIC_STDSTRING] = is_stdstring(&block);
	holds[HW_HEURISTIC_MULTIPLEINHERITANCE] = is_inheritance(heuristics, &block, pointer);
	holds[HW_HEURISTIC_ALIGNED] = is_aligned(heuristics->heap, &block, pointer - block.offset);
	for (unsigned i = 0; i < HW_HEURISTICS; i++) {
		if (holds[i] && !(heuristics->off >> i & 1))
			return (enum hw_heuristic)i;
	}
	return HW_HEURISTICS;
}
