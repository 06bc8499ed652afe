/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Heaps that are large without a leak. */
#include "leak.h"

struct entry {
	struct entry *next;
	char payload[48];
};

/* A cache that only grows: all of it can be reached, and one variable holds it. */
static struct entry *sessions[4096];

NOINLINE void scenario_growing_cache(void)
{
	for (unsigned i = 0; i < 400000; i++) {
		struct entry *entry = calloc(1, sizeof(*entry));

		entry->next = sessions[i % 4096];
		sessions[i % 4096] = entry;
	}
}

/* The same in a block of its own, to which two variables refer. */
static struct cache {
	struct entry *entries[4096];
} *volatile all, *volatile current;

NOINLINE void scenario_shared_cache(void)
{
	current = all = calloc(1, sizeof(*all));
	for (unsigned i = 0; i < 400000; i++) {
		struct entry *entry = calloc(1, sizeof(*entry));

		entry->next = all->entries[i % 4096];
		all->entries[i % 4096] = entry;
	}
}

/* Four in five of many small blocks are freed; the rest keeps their pages. */
NOINLINE void scenario_fragmented(void)
{
	static void *blocks[500000];

	for (unsigned i = 0; i < 500000; i++)
		blocks[i] = memset(malloc(100), 1, 100);
	for (unsigned i = 0; i < 500000; i++) {
		if (i % 5) {
			free(blocks[i]);
			blocks[i] = NULL;
		}
	}
}
