/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A heap of a given number of live chunks, for measuring: target COUNT
 *
 * Sizes as programs have them, about 90 bytes on average; one block in nine was given back. Prints "ready"
 * and waits until its standard input ends.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t state = 2463534242;

static uint32_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static size_t next_size(void)
{
	uint32_t r = next_random();

	if (r % 64 == 0)
		return 200 + next_random() % 1800;
	if (r % 4 == 0)
		return 48;
	return 16 + next_random() % 120;
}

/* Something to look at: text, pointers, numbers, nothing. */
static void fill(void **block, size_t size, void *neighbour)
{
	switch (next_random() % 4) {
	case 0:
		memset(block, 'a' + (int)(next_random() % 26), size - 1);
		((char *)block)[size - 1] = 0;
		break;
	case 1:
		memset(block, 0, size);
		block[0] = neighbour;
		break;
	case 2:
		memset(block, 0, size);
		*(uint32_t *)block = next_random() % 1000;
		break;
	default:
		memset(block, 0xa5, size);
	}
}

int main(int argc, char **argv)
{
	unsigned long wanted = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	void *last = NULL;
	char byte;

	for (unsigned long live = 0, all = 0; live < wanted; all++) {
		size_t size = next_size();
		void **block = malloc(size);

		if (!block)
			return 1;
		fill(block, size, last);
		last = block;
		live++;
		if (all % 9 == 8) {
			free(block);
			last = NULL;
			live--;
			/* Keeps tcache from handing it out at once. */
			if (!malloc(size + 16))
				return 1;
			live++;
		}
	}
	puts("ready");
	fflush(stdout);
	return read(STDIN_FILENO, &byte, 1) < 0;
}
