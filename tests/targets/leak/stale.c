/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pointers that nobody uses any more. */
#include "leak.h"

static size_t spread[] = { 24, 40, 100, 300, 900, 2000 };
#define SIZES (sizeof(spread) / sizeof(spread[0]))

/* Freed blocks full of pointers to lost ones: tcache, fastbins, unsorted and small bins. */
NOINLINE void scenario_in_freed_memory(void)
{
	void **blocks[SIZES * 20];

	for (unsigned i = 0; i < SIZES * 20; i++) {
		size_t words = spread[i % SIZES] / sizeof(void *);

		blocks[i] = calloc(words, sizeof(void *));
		for (unsigned k = 2; k < words; k++)
			blocks[i][k] = take(24, "definite");
	}
	for (unsigned i = 0; i < SIZES * 20; i++)
		free(blocks[i]);
	memset(blocks, 0, sizeof(blocks));
}

/* Pointers left over in a block that was freed and is in use again, not yet written to. */
NOINLINE void scenario_in_reused_memory(void)
{
	void **block = malloc(1000);

	for (unsigned i = 20; i < 120; i += 10)
		block[i] = take(24, "stale");
	free(block);
	block = malloc(1000);
	block[0] = NULL;
	root = block;
}
