/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pools of well-known libraries, which are loaded at run time so that no header is needed:
 *
 *	libpools obstack|apr|talloc
 *
 * Prints "block ADDRESS SIZE" for each block where the program makes them itself, "sum COUNT BYTES" for what
 *it asked for, "ready", and waits for a line. Exit status 77: the library is not there.
 */
#include <dlfcn.h>
#include <obstack.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
	uint64_t number;
	struct record *next;
	const char *name;
	struct record *other;
	uint64_t flags;
};

static unsigned random_number(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 20);
}

static void *library(const char *name)
{
	void *handle = dlopen(name, RTLD_NOW);

	if (!handle)
		exit(77);
	return handle;
}

/* ISO C has no way from void * to functions but this. */
static void find(void *handle, const char *name, void *function)
{
	void *symbol = dlsym(handle, name);

	if (!symbol)
		exit(77);
	memcpy(function, &symbol, sizeof(symbol));
}

static void fill(struct record *record, struct record **all, unsigned count)
{
	record->number = random_number() % 1000 + 1;
	record->next = count ? all[count - 1] : NULL;
	record->name = "record";
	record->other = count ? all[random_number() % count] : NULL;
	record->flags = 5;
	all[count] = record;
}

/* -----------------------------------------------------------------------------------------------------
 * obstacks
 */

static void *make_block(size_t size)
{
	void *block = malloc(size);

	printf("block %p %zu\n", block, size);
	return block;
}

#define obstack_chunk_alloc make_block
#define obstack_chunk_free  free

#define RECORDS 3000

static struct obstack records, texts;
static struct record *all[RECORDS];

static void use_obstacks(void)
{
	size_t bytes = 0;

	obstack_init(&records);
	obstack_init(&texts);
	for (unsigned i = 0; i < RECORDS; i++) {
		char text[80];
		int length = snprintf(text, sizeof(text), "text %u%.*s", i, (int)(random_number() % 60),
			"............................................................");

		fill(obstack_alloc(&records, sizeof(struct record)), all, i);
		obstack_copy0(&texts, text, (size_t)length);
		bytes += sizeof(struct record) + (size_t)length + 1;
	}
	printf("sum %u %zu\n", 2 * RECORDS, bytes);
}

/* ----------------------------------------------------------------------------------------------------------
 * apr
 */

static void use_apr(void)
{
	void *handle = library("libapr-1.so.0"), *pools[20];
	int (*initialize)(void);
	int (*create)(void **pool, void *parent, void *abort_function, void *allocator);
	void *(*allocate)(void *pool, size_t size);
	size_t bytes = 0;

	find(handle, "apr_initialize", &initialize);
	find(handle, "apr_pool_create_ex", &create);
	find(handle, "apr_palloc", &allocate);
	if (initialize())
		exit(1);
	for (unsigned i = 0; i < 20; i++) {
		if (create(&pools[i], i % 3 ? pools[i - 1] : NULL, NULL, NULL))
			exit(1);
		for (unsigned j = 0; j < 300; j++) {
			size_t size = 8 * (1 + random_number() % 40);

			memset(allocate(pools[i], size), (int)j, size);
			bytes += size;
		}
	}
	printf("sum 6000 %zu\n", bytes);
}

/* -------------------------------------------------------------------------------------------------------
 * talloc
 */

static void use_talloc(void)
{
	void *handle = library("libtalloc.so.2"), *top, *pool;
	void *(*named)(const void *context, size_t size, const char *name);
	void *(*make_pool)(const void *context, size_t size);
	int (*release)(void *thing, const char *where);

	find(handle, "talloc_named_const", &named);
	find(handle, "talloc_pool", &make_pool);
	find(handle, "_talloc_free", &release);
	top = named(NULL, 0, "top");
	for (unsigned i = 0; i < 200; i++)
		named(named(top, 40, "struct session"), 100, "struct request");
	pool = make_pool(top, 60000);
	for (unsigned i = 0; i < 100; i++) {
		void *thing = named(pool, 56, "struct ticket");

		if (i % 10 == 3)
			release(thing, "here");
	}
	printf("sum 500 0\n");
}

int main(int count, char **arguments)
{
	const char *which = count == 2 ? arguments[1] : "";

	if (!strcmp(which, "obstack"))
		use_obstacks();
	else if (!strcmp(which, "apr"))
		use_apr();
	else if (!strcmp(which, "talloc"))
		use_talloc();
	else
		return 2;
	puts("ready");
	fflush(stdout);
	return getchar() == EOF;
}
