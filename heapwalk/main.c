/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where everything is put together. */
#include <stdio.h>

#include "heapwalk/heap.h"

int main(void)
{
	puts("heapwalk " HW_VERSION);
	return 0;
}
