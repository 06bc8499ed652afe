/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shapes of what is lost, and the same shapes held. */
#include "leak.h"

static struct node *node(const char *kind)
{
	return take(sizeof(struct node), kind);
}

NOINLINE struct node *make_list(unsigned count, const char *head_kind, const char *kind)
{
	struct node *head = node(head_kind), *last = head;

	for (unsigned i = 1; i < count; i++) {
		last->right = node(kind);
		last = last->right;
	}
	return head;
}

NOINLINE struct node *make_tree(unsigned depth, const char *head_kind, const char *kind)
{
	struct node *head = node(head_kind);

	if (depth) {
		head->left = make_tree(depth - 1, kind, kind);
		head->right = make_tree(depth - 1, kind, kind);
	}
	return head;
}

static void close_ring(struct node *head)
{
	struct node *last = head;

	while (last->right)
		last = last->right;
	last->right = head;
}

NOINLINE void scenario_lost_list(void)
{
	make_list(100, "definite", "indirect");
	root = make_list(100, "reachable", "reachable");
}

NOINLINE void scenario_lost_tree(void)
{
	make_tree(7, "definite", "indirect");
	root = make_tree(7, "reachable", "reachable");
}

NOINLINE void scenario_lost_ring(void)
{
	close_ring(make_list(50, "definite", "indirect"));
	root = make_list(50, "reachable", "reachable");
	close_ring(root);
}

NOINLINE void scenario_lost_both_ways(void)
{
	struct node *head = make_list(50, "definite", "indirect");

	for (struct node *at = head; at->right; at = at->right)
		at->right->left = at;
}

NOINLINE void scenario_lost_blocks(void)
{
	for (unsigned i = 0; i < 200; i++)
		take(8 + i % 300, "definite");
	take(300000, "definite"); /* mmapped */
}

NOINLINE void *make_table(const char *head_kind, const char *kind)
{
	struct node **table = take(256 * sizeof(*table), head_kind);

	for (unsigned i = 0; i < 256; i++)
		table[i] = make_list(1 + i % 4, kind, kind);
	return table;
}

NOINLINE void scenario_hash_tables(void)
{
	make_table("definite", "indirect");
	root = make_table("reachable", "reachable");
}
