/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one word of the target's memory may be, for people who read a dump. */
#include "heapwalk/encoding.h"

/* Fewer bytes of text in a word than this are more often a number. */
#define SHORTEST_TEXT 4

static const struct hw_use_span *span_at(const struct hw_accounting *accounting, uint64_t address)
{
	size_t low = 0, high = accounting->span_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (accounting->spans[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == accounting->span_count || accounting->spans[low].start > address)
		return NULL;
	return &accounting->spans[low];
}

/* Printable bytes in their order in memory, then nothing but zeros. */
static bool is_text(const struct hw_heap *heap, uint64_t word)
{
	bool big_endian = heap->snapshot->image->big_endian;
	unsigned size = heap->word_size, text = 0;
	uint64_t in_order = word;

	if (big_endian)
		in_order = __builtin_bswap64(word) >> (64 - 8 * size);
	while (text < size && hw_printable_bytes(in_order & 0xff) & 0x80) {
		in_order >>= 8;
		text++;
	}
	return text >= SHORTEST_TEXT && !in_order;
}

static bool is_stack(const struct hw_accounting *accounting, uint64_t word, uint32_t *thread)
{
	const struct hw_use_span *span = accounting ? span_at(accounting, word) : NULL;

	if (!span || (span->use != HW_USE_STACK && span->use != HW_USE_OLD_STACK))
		return false;
	*thread = span->owner;
	return true;
}

struct hw_word_meaning hw_word_explain(
	const struct hw_heap *heap, const struct hw_accounting *accounting, uint64_t word)
{
	struct hw_word_meaning meaning = { .kind = HW_WORD_NUMBER, .thread = UINT32_MAX };

	if (!word) {
		meaning.kind = HW_WORD_NIL;
		return meaning;
	}
	if (hw_heap_find(heap, word, &meaning.chunk)) {
		meaning.kind = HW_WORD_CHUNK;
		meaning.offset = word - hw_chunk_user(heap, meaning.chunk);
		return meaning;
	}
	meaning.map = hw_snapshot_map_at(heap->snapshot, word);
	if (meaning.map && is_stack(accounting, word, &meaning.thread))
		meaning.kind = HW_WORD_STACK;
	else if (meaning.map && hw_snapshot_module_at(heap->snapshot, word))
		meaning.kind = HW_WORD_MODULE;
	else if (meaning.map && meaning.map->prot & ~(unsigned)HW_MAP_SHARED)
		meaning.kind = HW_WORD_MAPPED;
	else if (is_text(heap, word))
		meaning.kind = HW_WORD_TEXT;
	if (meaning.kind == HW_WORD_TEXT || meaning.kind == HW_WORD_NUMBER)
		meaning.map = NULL;
	return meaning;
}
