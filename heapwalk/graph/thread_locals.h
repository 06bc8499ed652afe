/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which module's thread-local storage lies where in each thread. The DTV of a thread says where the block of
 * each TLS module id is; which module has which id is told by what ld.so wrote when it relocated the module.
 * Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GRAPH_THREAD_LOCALS_H
#define HW_HEAPWALK_GRAPH_THREAD_LOCALS_H

#include "heapwalk/heap.h"

struct hw_tls_block {
	uint64_t start;
	uint64_t end;
	uint32_t module; /* index into snapshot->modules */
};

struct hw_thread_locals {
	struct hw_tls_block *blocks; /* by address */
	size_t count;
	size_t capacity;
};

/* Reads the image. What cannot be told is left out. Errors: memory short. */
struct hw_error *hw_thread_locals_find(
	const struct hw_graph *graph, struct hw_thread_locals *locals) hw_must_check;
void hw_thread_locals_deinit(struct hw_thread_locals *locals);

/* The block that holds `address`, or NULL. */
const struct hw_tls_block *hw_thread_locals_at(const struct hw_thread_locals *locals, uint64_t address);

#endif
