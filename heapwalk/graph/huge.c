/* SPDX-License-Identifier: GPL-3.0-or-later */
/* madvise(MADV_HUGEPAGE) for the huge pages that lie in an array as a whole. */
#include <stdint.h>
#include <sys/mman.h>

#include "heapwalk/graph/huge.h"
#include "inspector/util.h"

#define HUGE_PAGE ((uintptr_t)2 << 20)

void hw_huge_advise(void *memory, size_t size)
{
	uintptr_t start = hw_round_up((uintptr_t)memory, HUGE_PAGE);
	uintptr_t end = hw_round_down((uintptr_t)memory + size, HUGE_PAGE);

	if (memory && start < end)
		(void)madvise((void *)start, end - start, MADV_HUGEPAGE);
}
