/* SPDX-License-Identifier: GPL-3.0-or-later */
namespace
{
struct Hidden {
	char text[8];
};
} // namespace

/*
 * The second file of the program. Its Hidden has the name, the size and the line of one in types.cpp, and is
 * another type all the same.
 */
#include <cstddef>
#include <cstdio>

#include "types.h"

struct Elsewhere {
	Elsewhere *link;
	float value;
};

namespace
{
Hidden hidden_there = { "there" };
}

Elsewhere elsewhere;

void print_others()
{
	printf("variable\telsewhere\t%p\t%zu\n", (void *)&elsewhere, sizeof(elsewhere));
	printf("variable\t(anonymous namespace)::hidden_there\t%p\t%zu\n", (void *)&hidden_there,
		sizeof(hidden_there));
	printf("struct\tElsewhere\t%zu\n", sizeof(Elsewhere));
	printf("member\tElsewhere\tlink\t%zu\t%zu\n", offsetof(Elsewhere, link), sizeof(elsewhere.link));
	printf("member\tElsewhere\tvalue\t%zu\t%zu\n", offsetof(Elsewhere, value), sizeof(elsewhere.value));
}
