/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Huge pages for our own large arrays: a walk through a graph reads them in no order, and with small pages
 * each step would miss the address translation cache as well as the data. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GRAPH_HUGE_H
#define HW_HEAPWALK_GRAPH_HUGE_H

#include <stddef.h>

/* Call before the memory is first written to. Advice only: nothing happens where it cannot be followed. */
void hw_huge_advise(void *memory, size_t size);

#endif
