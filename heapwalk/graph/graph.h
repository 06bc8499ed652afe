/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands behind struct hw_graph. Private to heapwalk/. */
#ifndef HW_HEAPWALK_GRAPH_GRAPH_H
#define HW_HEAPWALK_GRAPH_GRAPH_H

#include "heapwalk/graph/mark.h"
#include "heapwalk/graph/references.h"
#include "heapwalk/graph/roots.h"

/* A word of a root that points to a live chunk. */
struct hw_root_word {
	uint64_t address; /* of the word; in registers and the kernel as in struct hw_root */
	uint32_t root;    /* index into graph->roots */
};

struct hw_graph_parts {
	struct hw_references references; /* between chunks */
	struct hw_root_word *root_words; /* in order of roots, then of addresses */
	uint32_t *root_references;       /* what each refers to, with HW_REFERENCE_INTERIOR */
	size_t root_word_count;
	size_t root_word_capacity;
	size_t root_reference_capacity;
	size_t habit_capacity;
	struct hw_roots roots;
};

/* The word itself, as the root holds it; false when it cannot be read. */
bool hw_graph_root_value(const struct hw_graph *graph, const struct hw_root_word *word, uint64_t *value);

/*
 * The holder that a word of holder *index belongs to more narrowly: of a stack the function and its variable,
 * as a holder of its own behind the others. *index stays where nothing more is known.
 */
struct hw_error *hw_holders_narrow(struct hw_holders *holders, const struct hw_names *names, uint64_t address,
	uint32_t *index) hw_must_check;

/* Fills in what `names` know of the retainers. Reads the image. */
struct hw_error *hw_retained_name(const struct hw_graph *graph, const struct hw_names *names,
	struct hw_retained *retained) hw_must_check;

#endif
