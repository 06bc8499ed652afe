/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A heap over 128 MiB in which 100,000 blocks of 48 bytes hold text (seven of ten, in no pattern) or small
 * numbers. Prints how many hold text and waits until its standard input ends.
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

int main(void)
{
	unsigned texts = 0;
	char byte;

	for (unsigned i = 0; i < 100000; i++) {
		char *block = calloc(1, 48);

		if (next_random() % 10 < 7) {
			snprintf(block, 48, "the text of block number %u", i);
			texts++;
		} else {
			*(uint64_t *)block = 1 + i % 1000;
		}
		if (i % 70 == 0)
			memset(malloc(100000), 0, 100000);
	}
	printf("%u\n", texts);
	fflush(stdout);
	return read(0, &byte, 1) < 0;
}
