/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pointers that do not point to the start of a block. */
#include "leak.h"

NOINLINE void scenario_interior(void)
{
	char *block = take(100, "possible");

	*(void **)block = take(50, "possible"); /* hangs on a possibly lost one */
	root = block + 40;
}

NOINLINE void scenario_tagged(void)
{
	root = (char *)take(64, "possible") + 1;
	roots[0] = (char *)take(64, "possible") + 2;
}

/*
 * All of one size are linked by a member, as lists within structs do; of another size only a few are held by
 * their middle, and of a third each somewhere else.
 */
NOINLINE void scenario_interior_habit(void)
{
	char **links = NULL;

	for (unsigned i = 0; i < 40; i++) {
		char *block = take(200, "held");

		*(char ***)(block + 48) = links;
		links = (char **)(block + 48);
	}
	root = links;
	for (unsigned i = 0; i < 5; i++)
		roots[i] = (char *)take(300, "possible") + 48;
	for (unsigned i = 5; i < 30; i++)
		roots[i] = (char *)take(400, "possible") + 8 * i;
}

NOINLINE void scenario_past_the_end(void)
{
	root = (char *)take(24, "held") + 24; /* right behind the usable bytes */
	roots[0] = (char *)take(20, "held") + 20;
}

NOINLINE void scenario_both_ways(void)
{
	struct node *block = take(sizeof(*block), "reachable");

	roots[0] = block->payload;
	root = block;
}

/* As sqlite does: the length first, the caller gets what follows. */
NOINLINE void scenario_length64(void)
{
	for (unsigned i = 0; i < 20; i++) {
		uint64_t *block = take(8 + 33 + i, "reachable");

		block[0] = 33 + i;
		roots[i] = block + 1;
	}
}

NOINLINE void scenario_newarray(void)
{
	for (unsigned i = 1; i < 20; i++) {
		size_t *block = take(sizeof(size_t) + i * 24, "reachable");

		block[0] = i;
		roots[i] = block + 1;
	}
}

NOINLINE void scenario_stdstring(void)
{
	for (unsigned i = 0; i < 20; i++) {
		size_t *block = take(3 * sizeof(size_t) + 40 + i + 1, "reachable");

		block[0] = 40;
		block[1] = 40 + i;
		block[2] = 1;
		roots[i] = memset(block + 3, 'x', 40);
	}
}

/* An allocator that aligns by hand: the start stands right before what it gives out. */
NOINLINE void scenario_aligned_by_hand(void)
{
	for (unsigned i = 0; i < 10; i++) {
		char *block = take(400, "reachable");
		void **aligned = (void **)(((uintptr_t)block + 128) & -128ul);

		aligned[-1] = block;
		roots[i] = aligned;
	}
}
