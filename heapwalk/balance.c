/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leak, fragmentation, or not malloc's: weighed by what takes real memory. */
#include "heapwalk/heap.h"

/* Below this there is nothing to explain: a process that just started has as much. */
#define LEAST_BYTES ((uint64_t)1 << 20)

static uint64_t weight(const struct hw_accounting *accounting, enum hw_use use)
{
	const struct hw_use_total *total = &accounting->totals[use];

	return accounting->usage_known ? total->rss + total->swap : total->size;
}

static uint64_t malloc_size(const struct hw_accounting *accounting)
{
	return accounting->totals[HW_USE_HEAP].size + accounting->totals[HW_USE_MMAPPED].size;
}

static uint64_t free_bytes(const struct hw_heap *heap)
{
	uint64_t bytes = 0;

	for (int state = HW_CHUNK_TCACHE; state <= HW_CHUNK_TOP; state++)
		bytes += heap->tallies[state].bytes;
	return bytes;
}

/* Where usage is unknown (a core) a stack's size says nothing: most of it was never touched. */
static bool counts_outside(const struct hw_accounting *accounting, enum hw_use use)
{
	switch (use) {
	case HW_USE_ANONYMOUS:
	case HW_USE_SHARED:
	case HW_USE_DATA:
		return true;
	case HW_USE_STACK:
	case HW_USE_OLD_STACK:
		return accounting->usage_known;
	default:
		return false;
	}
}

static uint64_t weigh_outside(const struct hw_accounting *accounting, enum hw_use *most)
{
	uint64_t sum = 0;

	*most = HW_USE_ANONYMOUS;
	for (int use = 0; use < HW_USES; use++) {
		if (!counts_outside(accounting, (enum hw_use)use))
			continue;
		sum += weight(accounting, (enum hw_use)use);
		if (weight(accounting, (enum hw_use)use) > weight(accounting, *most))
			*most = (enum hw_use)use;
	}
	return sum;
}

struct hw_balance hw_balance_of(const struct hw_heap *heap, const struct hw_accounting *accounting)
{
	uint64_t live = heap->tallies[HW_CHUNK_LIVE].bytes + heap->tallies[HW_CHUNK_MMAPPED].bytes;
	uint64_t ours = weight(accounting, HW_USE_HEAP) + weight(accounting, HW_USE_MMAPPED);
	enum hw_use most;
	uint64_t outside = weigh_outside(accounting, &most);
	uint64_t unused;

	if (ours + outside < LEAST_BYTES)
		return (struct hw_balance){ .kind = HW_BALANCE_NONE };
	if (outside >= ours)
		return (struct hw_balance){ HW_BALANCE_OUTSIDE, (double)outside / (double)(ours + outside),
			most };
	/* Free chunks whose pages went back to the system hold no memory. */
	unused = hw_min(free_bytes(heap), ours > live ? ours - live : 0);
	if (unused >= ours / 3)
		return (struct hw_balance){ HW_BALANCE_FREE, (double)unused / (double)ours, most };
	return (struct hw_balance){ HW_BALANCE_LIVE,
		(double)live / (double)hw_max(malloc_size(accounting), live), most };
}
