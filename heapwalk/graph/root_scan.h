/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scanning the roots. Private to heapwalk/. */
#ifndef HW_HEAPWALK_GRAPH_ROOT_SCAN_H
#define HW_HEAPWALK_GRAPH_ROOT_SCAN_H

#include "heapwalk/graph/graph.h"
#include "heapwalk/graph/scan.h"

/* Fills parts->root_words and root_references from parts->roots. Errors: memory short. */
struct hw_error *hw_roots_scan(struct hw_scan *scan, struct hw_graph_parts *parts) hw_must_check;

#endif
