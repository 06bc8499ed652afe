/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libc holds for a program. */
#include "leak.h"

static void nothing(int status, void *argument)
{
	(void)status;
	(void)argument;
}

/* What libc keeps for a program: nothing of it is lost. */
NOINLINE void scenario_healthy_libc(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	char *line = NULL;
	size_t capacity = 0;

	if (!file || getline(&line, &capacity, file) < 0)
		leak_fail("getline");
	root = line;
	roots[0] = file;
	for (int i = 0; i < 40; i++)
		on_exit(nothing, take(16, "reachable"));
	setenv("HEAPWALK_TEST", "a value of some length that lies in the heap", 1);
	setenv("HEAPWALK_TEST", "another value", 1);
}
