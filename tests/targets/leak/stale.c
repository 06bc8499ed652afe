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

struct line {
	struct line *next;
	char *text;
	char payload[40];
};

struct mount {
	char path[4 * sizeof(void *)];
	void *owner;
};

struct mounts {
	struct mounts *next;
	struct mount *mount;
	char payload[56];
};

/* A text for which memory was taken that once held a pointer where now only the rest of the chunk is. */
static NOINLINE char *text_over(void *pointer, unsigned length)
{
	void *volatile *before = malloc(5 * sizeof(void *));
	char *text;

	before[4] = pointer;
	free((void *)before);
	text = malloc(length + 1);
	memset(text, 'a' + (int)(length % 26), length);
	text[length] = '\0';
	return text;
}

static void add_line(char *text)
{
	struct line *line = calloc(1, sizeof(*line));

	line->next = roots[0];
	line->text = text;
	roots[0] = line;
}

static NOINLINE void add_mount(void)
{
	struct mounts *mounts = calloc(1, sizeof(*mounts));

	mounts->mount = calloc(1, sizeof(*mounts->mount));
	memset(mounts->mount->path, '/', sizeof(mounts->mount->path) - 1);
	mounts->mount->owner = take(72, "reachable");
	mounts->next = roots[1];
	roots[1] = mounts;
}

/*
 * Stale pointers in what a chunk has behind a text; and texts of the same length in structs whose pointers
 * are in use.
 */
NOINLINE void scenario_behind_texts(void)
{
	for (unsigned i = 0; i < 60; i++)
		add_line(text_over(NULL, 6 + i * 3));
	for (unsigned i = 0; i < 10; i++)
		add_line(text_over(take(72, "stale"), 4 * sizeof(void *) - 2));
	for (unsigned i = 0; i < 40; i++)
		add_mount();
	for (unsigned i = 0; i < 5; i++)
		take(72, "definite");
}

/* A block that nobody has written to since malloc linked it up with the chunk behind another block. */
NOINLINE void scenario_behind_links(void)
{
	void *volatile first = malloc(3000), *volatile second;

	take(16, "definite");
	take(72, "stale");
	second = malloc(3000);
	for (unsigned i = 0; i < 5; i++)
		take(72, "definite");
	free(first);
	free(second);
	roots[0] = malloc(3000);
	roots[1] = malloc(3000);
	first = second = NULL;
}
