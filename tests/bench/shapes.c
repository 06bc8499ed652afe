/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A heap of COUNT blocks in one shape, for measuring what finding leaks costs: shapes SHAPE COUNT
 *
 *	mixture     sizes and contents as programs have them, some of it lost
 *	list        one list, in order of address
 *	shuffled    one list, in random order
 *	table       one hash table, chains of two on average
 *	tree        one complete binary tree
 *	star        all point to one block
 *
 * Blocks are of 88 bytes, but for the mixture. Prints "ready" and waits until its standard input ends.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE 88

struct node {
	struct node *next;
	struct node *other;
	uint64_t number;
	char text[SIZE - 24];
};

static struct node *volatile root;
static struct node **volatile table;
static struct node **nodes; /* in memory that is gone when the shape is made */
static size_t count;
static uint64_t state = 88172645463325252;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static struct node *make_node(size_t size)
{
	struct node *node = malloc(size);

	if (!node)
		exit(1);
	memset(node, 0, size);
	return node;
}

static void make_nodes(void)
{
	nodes = mmap(
		NULL, count * sizeof(*nodes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (nodes == MAP_FAILED)
		exit(1);
	for (size_t i = 0; i < count; i++) {
		nodes[i] = make_node(sizeof(*nodes[i]));
		nodes[i]->number = i;
		memset(nodes[i]->text, 'a' + (int)(i % 26), 40);
	}
}

static void link_list(void)
{
	for (size_t i = 0; i + 1 < count; i++)
		nodes[i]->next = nodes[i + 1];
	root = nodes[0];
}

static void link_shuffled(void)
{
	for (size_t i = count - 1; i > 0; i--) {
		size_t k = any() % (i + 1);
		struct node *swapped = nodes[i];

		nodes[i] = nodes[k];
		nodes[k] = swapped;
	}
	link_list();
}

static void link_table(void)
{
	size_t buckets = count / 2 + 1;

	table = calloc(buckets, sizeof(*table));
	for (size_t i = 0; i < count; i++) {
		size_t bucket = any() % buckets;

		nodes[i]->next = table[bucket];
		table[bucket] = nodes[i];
	}
}

static void link_tree(void)
{
	for (size_t i = 0; i < count; i++) {
		nodes[i]->next = 2 * i + 1 < count ? nodes[2 * i + 1] : NULL;
		nodes[i]->other = 2 * i + 2 < count ? nodes[2 * i + 2] : NULL;
	}
	root = nodes[0];
}

/* All on one list, so that they can be reached. */
static void link_star(void)
{
	link_list();
	for (size_t i = 0; i < count; i++)
		nodes[i]->other = nodes[count / 2];
}

static size_t next_size(void)
{
	uint64_t r = any();

	if (r % 64 == 0)
		return 200 + any() % 1800;
	if (r % 4 == 0)
		return 48;
	return 24 + any() % 120;
}

/* Lists of a dozen, hanging on a table; text and numbers on them; one in a hundred lists is dropped. */
static void make_mixture(void)
{
	size_t lists = count / 12 + 1;
	struct node *last = NULL;

	table = calloc(lists, sizeof(*table));
	for (size_t i = 0; i < count; i++) {
		size_t size = next_size();
		struct node *node = make_node(size);

		if (i % 3 == 0) {
			memset(node, 'a' + (int)(any() % 26), size - 1);
			if (last)
				last->other = node;
			continue;
		}
		if (i % 3 == 1 && any() % 100) {
			node->next = table[i / 12];
			table[i / 12] = node;
		}
		node->number = any() % 1000;
		last = node;
	}
}

static const struct {
	const char *name;
	void (*link)(void);
} shapes[] = {
	{ "list", link_list },
	{ "shuffled", link_shuffled },
	{ "table", link_table },
	{ "tree", link_tree },
	{ "star", link_star },
};

static int make(const char *name)
{
	if (!strcmp(name, "mixture")) {
		make_mixture();
		return 1;
	}
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (strcmp(name, shapes[i].name))
			continue;
		make_nodes();
		shapes[i].link();
		munmap(nodes, count * sizeof(*nodes));
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	char byte;

	count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	if (!count || !make(argv[1]))
		return 2;
	puts("ready");
	fflush(stdout);
	return read(STDIN_FILENO, &byte, 1) < 0;
}
