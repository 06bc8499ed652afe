/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words kept out of chunks while walking, found again by chunk index: a bit a chunk and ranks. */
#include "heapwalk/glibc/walk.h"

bool hw_links_add(struct hw_links *links, uint32_t index, const uint64_t *values)
{
	uint32_t records = (uint32_t)(links->value_count / links->width);

	while (links->mark_count <= index / 32) {
		uint64_t *mark = hw_array_next(links->marks, links->mark_count, links->mark_capacity);

		if (!mark)
			return false;
		*mark = (uint64_t)records << 32;
		links->mark_count++;
	}
	if (!hw_array_reserve(&links->values, links->value_count + links->width, &links->value_capacity,
		    sizeof(*values)))
		return false;
	links->marks[index / 32] |= UINT64_C(1) << index % 32;
	for (unsigned i = 0; i < links->width; i++)
		links->values[links->value_count++] = values[i];
	return true;
}

void hw_links_truncate(struct hw_links *links, uint32_t index)
{
	uint64_t *mark;

	if (links->mark_count <= index / 32)
		return;
	links->mark_count = index / 32 + 1;
	mark = &links->marks[index / 32];
	*mark &= ~(uint64_t)UINT32_MAX | ((UINT64_C(1) << index % 32) - 1);
	links->value_count = ((*mark >> 32) + (uint64_t)__builtin_popcount((uint32_t)*mark)) * links->width;
}

uint32_t hw_links_rank(const struct hw_links *links, uint32_t index)
{
	uint64_t mark;

	if (links->mark_count <= index / 32)
		return HW_NO_RANK;
	mark = links->marks[index / 32];
	if (!(mark >> index % 32 & 1))
		return HW_NO_RANK;
	return (uint32_t)(mark >> 32) +
	       (uint32_t)__builtin_popcount((uint32_t)(mark & ((UINT64_C(1) << index % 32) - 1)));
}

void hw_links_cursor_init(struct hw_links_cursor *cursor, const struct hw_links *links)
{
	*cursor = (struct hw_links_cursor){ .links = links,
		.bits = links->mark_count ? (uint32_t)links->marks[0] : 0 };
}

uint32_t hw_links_cursor_next(struct hw_links_cursor *cursor)
{
	uint32_t bit;

	while (!cursor->bits)
		cursor->bits = (uint32_t)cursor->links->marks[++cursor->word];
	bit = (uint32_t)__builtin_ctz(cursor->bits);
	cursor->bits &= cursor->bits - 1;
	return (uint32_t)cursor->word * 32 + bit;
}

const uint64_t *hw_links_of(const struct hw_links *links, uint32_t index)
{
	uint32_t rank = hw_links_rank(links, index);

	return rank == HW_NO_RANK ? NULL : &links->values[(size_t)rank * links->width];
}

void hw_links_deinit(struct hw_links *links)
{
	free(links->values);
	free(links->marks);
	links->values = links->marks = NULL;
}
