/* SPDX-License-Identifier: GPL-3.0-or-later */
/* References in compressed rows. */
#include "heapwalk/graph/huge.h"
#include "heapwalk/graph/references.h"

#define FIRST_CAPACITY ((uint64_t)1 << 16)

struct hw_error *hw_references_init(struct hw_references *references, uint32_t node_count)
{
	*references = (struct hw_references){ .node_count = node_count };
	if (node_count >= HW_REFERENCE_NODES)
		return hw_error_create(
			HW_ERROR_UNSUPPORTED, "%u chunks are more than references can name", node_count);
	references->rows = calloc((size_t)node_count + 1, sizeof(*references->rows));
	references->bases =
		calloc(((size_t)node_count >> HW_REFERENCE_BLOCK) + 1, sizeof(*references->bases));
	if (!references->rows || !references->bases) {
		hw_references_deinit(references);
		return hw_error_no_memory();
	}
	hw_huge_advise(references->rows, ((size_t)node_count + 1) * sizeof(*references->rows));
	return NULL;
}

void hw_references_deinit(struct hw_references *references)
{
	free(references->rows);
	free(references->bases);
	free(references->targets);
	*references = (struct hw_references){ 0 };
}

/* By half, not double: there may be a gigabyte of them, and glibc moves that by remapping. */
static bool resize(struct hw_references *references, uint64_t capacity)
{
	uint32_t *moved = reallocarray(references->targets, hw_max(capacity, 1u), sizeof(*moved));

	if (!moved)
		return false;
	references->targets = moved;
	hw_huge_advise(moved + references->count, (capacity - references->count) * sizeof(*moved));
	references->capacity = capacity;
	return true;
}

bool hw_references_add(struct hw_references *references, uint32_t reference)
{
	uint64_t bigger = references->capacity ? references->capacity / 2 * 3 : FIRST_CAPACITY;

	if (references->count == references->capacity && !resize(references, bigger))
		return false;
	references->targets[references->count++] = reference;
	return true;
}

bool hw_references_begin(struct hw_references *references, uint32_t node)
{
	const uint32_t in_block = ((uint32_t)1 << HW_REFERENCE_BLOCK) - 1;

	while (references->next < node) {
		uint32_t row = ++references->next;
		uint64_t *base = &references->bases[row >> HW_REFERENCE_BLOCK];

		if (!(row & in_block))
			*base = references->count;
		if (references->count - *base > UINT32_MAX)
			return false;
		references->rows[row] = (uint32_t)(references->count - *base);
	}
	return true;
}

void hw_references_trim(struct hw_references *references)
{
	if (references->count < references->capacity)
		(void)resize(references, references->count);
}
