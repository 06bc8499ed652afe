/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small graphs for the tests of heapwalk/graph/: random ones, and a table of who can get where. */
#ifndef HW_TESTS_GRAPHS_H
#define HW_TESTS_GRAPHS_H

#include <check.h>

#include "heapwalk/graph/references.h"

#define MOST 12 /* nodes of a random graph */

/* A graph as a table: to[a][b] says how a refers to b. */
enum link { NO_LINK, START, INTERIOR };
struct table {
	uint32_t count;
	enum link to[MOST][MOST];
	enum link root[MOST];
};

/* ck_assert() writes a message for every pass; this one does not, and is fit for millions. */
static inline void must(bool condition)
{
	if (!condition)
		ck_abort();
}

static inline void must_equal(uint64_t found, uint64_t expected)
{
	if (found != expected)
		ck_abort_msg("%llu, not %llu", (unsigned long long)found, (unsigned long long)expected);
}

static inline void no_error(struct hw_error *error)
{
	if (error)
		ck_abort_msg("%s", error->message);
}

/* A generator of our own, so that a failing seed fails everywhere. */
static inline uint32_t draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % below;
}

static inline enum link draw_link(uint64_t *seed, uint32_t density)
{
	if (draw(seed, 100) >= density)
		return NO_LINK;
	return draw(seed, 4) ? START : INTERIOR;
}

static inline struct table draw_table(uint64_t *seed)
{
	struct table table = { .count = 1 + draw(seed, MOST) };
	uint32_t density = 4 + draw(seed, 25), root_density = draw(seed, 40);

	for (uint32_t i = 0; i < table.count; i++) {
		table.root[i] = draw_link(seed, root_density);
		for (uint32_t j = 0; j < table.count; j++)
			table.to[i][j] = draw_link(seed, density);
	}
	return table;
}

static inline uint32_t as_reference(uint32_t node, enum link link)
{
	return link == INTERIOR ? node | HW_REFERENCE_INTERIOR : node;
}

static inline void references_of(const struct table *table, struct hw_references *references)
{
	no_error(hw_references_init(references, table->count));
	for (uint32_t i = 0; i < table->count; i++) {
		must(hw_references_begin(references, i));
		for (uint32_t j = 0; j < table->count; j++) {
			if (table->to[i][j])
				must(hw_references_add(references, as_reference(j, table->to[i][j])));
		}
	}
	must(hw_references_begin(references, table->count));
	hw_references_trim(references);
}

/* Sets can[] for all that can be reached from the nodes set in it, never passing `without`. */
static inline void close_over(const struct table *table, bool can[MOST], uint32_t without)
{
	for (uint32_t round = 0; round < table->count; round++) {
		for (uint32_t i = 0; i < table->count; i++) {
			for (uint32_t j = 0; can[i] && j < table->count; j++)
				can[j] |= table->to[i][j] && j != without;
		}
	}
}

/* Large shapes: how many references node `i` of `count` has, and to whom the k-th goes. */
struct shape {
	const char *name;
	uint32_t (*degree)(uint32_t i, uint32_t count);
	uint32_t (*target)(uint32_t i, uint32_t k, uint32_t count);
	uint32_t root;
};

static inline uint32_t degree_list(uint32_t i, uint32_t count)
{
	return i + 1 < count;
}

static inline uint32_t target_next(uint32_t i, uint32_t k hw_unused, uint32_t count hw_unused)
{
	return i + 1;
}

static inline uint32_t degree_back(uint32_t i, uint32_t count hw_unused)
{
	return i > 0;
}

static inline uint32_t target_previous(uint32_t i, uint32_t k hw_unused, uint32_t count hw_unused)
{
	return i - 1;
}

static inline uint32_t degree_table(uint32_t i, uint32_t count)
{
	return i ? 0 : count - 1;
}

static inline uint32_t target_entry(uint32_t i hw_unused, uint32_t k, uint32_t count hw_unused)
{
	return k + 1;
}

static inline uint32_t degree_tree(uint32_t i, uint32_t count)
{
	return 2 * i + 2 < count ? 2 : 2 * i + 1 < count;
}

static inline uint32_t target_child(uint32_t i, uint32_t k, uint32_t count hw_unused)
{
	return 2 * i + 1 + k;
}

/* 0 is a table of all, and all refer to the last. */
static inline uint32_t degree_star(uint32_t i, uint32_t count)
{
	return i ? i + 1 < count : count - 1;
}

static inline uint32_t target_star(uint32_t i, uint32_t k, uint32_t count)
{
	return i ? count - 1 : k + 1;
}

/* Neighbours, both ways. */
static inline uint32_t degree_double(uint32_t i, uint32_t count)
{
	return (i > 0) + (i + 1 < count);
}

static inline uint32_t target_double(uint32_t i, uint32_t k, uint32_t count)
{
	return k || i + 1 == count ? i - 1 : i + 1;
}

/* The next two: many ways to everywhere. */
static inline uint32_t degree_ladder(uint32_t i, uint32_t count)
{
	return (i + 1 < count) + (i + 2 < count);
}

static inline uint32_t target_ladder(uint32_t i, uint32_t k, uint32_t count hw_unused)
{
	return i + 1 + k;
}

static const struct shape shapes[] = {
	{ "list", degree_list, target_next, 0 },
	{ "list downwards", degree_back, target_previous, UINT32_MAX },
	{ "table", degree_table, target_entry, 0 },
	{ "binary tree", degree_tree, target_child, 0 },
	{ "all to one", degree_star, target_star, 0 },
	{ "linked both ways", degree_double, target_double, 0 },
	{ "ladder", degree_ladder, target_ladder, 0 },
};

static inline uint32_t shape_root(const struct shape *shape, uint32_t count)
{
	return shape->root == UINT32_MAX ? count - 1 : shape->root;
}

static inline void references_of_shape(
	const struct shape *shape, uint32_t count, struct hw_references *references)
{
	no_error(hw_references_init(references, count));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t degree = shape->degree(i, count);

		must(hw_references_begin(references, i));
		for (uint32_t k = 0; k < degree; k++)
			must(hw_references_add(references, shape->target(i, k, count)));
	}
	must(hw_references_begin(references, count));
	hw_references_trim(references);
}

#endif
