/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Allocates a little, says "ready", and waits until its standard input ends. For other mallocs than glibc's.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void *held[2000];

/* Keeps malloc's address, for what that does to a program that is not position-independent. */
void *(*volatile allocate)(size_t size) = malloc;

int main(void)
{
	char byte;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	for (unsigned i = 0; i < 2000; i++) {
		held[i] = allocate(i);
		if (!held[i])
			return 1;
		memset(held[i], 'x', i);
	}
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		return 1;
	return read(STDIN_FILENO, &byte, 1) < 0;
}
