/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Heaps that the program itself breaks. */
#include "factory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A string one byte too long and more: it runs over the next chunk's size word. */
static void scenario_overrun(void)
{
	struct entry *entries[100];

	for (unsigned i = 0; i < 100; i++)
		entries[i] = take(56);
	churn(59, 4000);
	memset(entries[50]->pointer, 'A', entries[50]->usable + 6);
	note_damage("size", entries[50]->pointer + entries[50]->usable);
}

/* A free chunk's forward link points nowhere. */
static void scenario_bad_link(void)
{
	struct entry *victim;

	churn(61, 4000);
	take(2000);
	victim = take(3000);
	take(2000);
	free(victim->pointer);
	*(uintptr_t *)victim->pointer = 0x4141414141414141u & UINTPTR_MAX;
	note_damage("forward link", victim->pointer);
	victim->pointer = NULL;
}

/* Written to after it was freed: a tcache list that leads astray. */
static void scenario_use_after_free(void)
{
	struct entry *first;
	struct entry *second;

	churn(67, 4000);
	first = take(1000);
	second = take(1000);
	take(1000);
	drop(first);
	free(second->pointer);
	*(uintptr_t *)second->pointer = 0x4242424242424242u & UINTPTR_MAX;
	note_damage("tcache link", second->pointer);
	second->pointer = NULL;
}

/* Is what follows the chunk up to the program break? */
static int lies_before_top(const struct entry *entry)
{
	size_t size;

	memcpy(&size, entry->pointer + entry->usable, sizeof(size));
	return entry->pointer + entry->usable - sizeof(size) + (size & ~(size_t)7) ==
	       (unsigned char *)sbrk(0);
}

/* The last word of the heap that is in use runs over the size of top. */
static void scenario_bad_top(void)
{
	struct entry *last;

	churn(71, 4000);
	do
		last = take(70000);
	while (!lies_before_top(last));
	memset(last->pointer + last->usable, 'T', sizeof(size_t));
	note_damage("top", last->pointer + last->usable);
}

const struct scenario damages[] = {
	{ "overrun", scenario_overrun, 1 },
	{ "bad-link", scenario_bad_link, 1 },
	{ "use-after-free", scenario_use_after_free, 1 },
	{ "bad-top", scenario_bad_top, 1 },
	{ NULL, NULL, 0 },
};
