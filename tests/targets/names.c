/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * names: blocks held by variables of every sort, to be named. Prints, one JSON object a line, what leads to
 *each block and what it is ("type":null where nobody could say so from its way), then
 *
 *	{"ready":true,"pid":17,"main":17,"worker":18}
 *
 * and waits for a byte on standard input. Lines that the test looks for are marked by a comment.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUCKETS 64

struct Session {
	long id;
	const char *user;
	char cookie[48];
};

struct Bucket {
	struct Bucket *next;
	struct Session *session;
	unsigned hash;
};

struct Table {
	long count;
	long mask;
	void *user;
	struct Bucket **buckets;
};

/* What larger things begin with: a pointer to one does not say what is there. */
struct Header {
	int type;
	int references;
};

struct Message {
	size_t length;
	char text[];
};

struct Link {
	struct Link *next;
};

struct Item {
	long value;
	struct Link link;
	long more[10];
};

union Value {
	long number;
	struct Session *session;
};

struct Pair {
	struct Session *left;
	struct Session *right;
};

/* Nothing reads most of them: the compiler must not know. */
#define KEPT __attribute__((used)) static

KEPT struct Table session_table; /* here: session_table */
KEPT struct Header *headers[4];
KEPT struct Message *message;
KEPT struct Link *items;
KEPT union Value value;
KEPT void *opaque;
KEPT double *samples;
KEPT struct Pair pair;
static __thread struct Table thread_table;
static pthread_barrier_t barrier;
static long worker_id;

static void *take(size_t size)
{
	void *block = calloc(1, size);

	if (!block)
		abort();
	return block;
}

/* `way` is how members lead there. */
static void *note(void *block, const char *holder, const char *way, const char *type)
{
	printf("{\"address\":\"%p\",\"holder\":\"%s\",\"way\":\"%s\",\"type\":", block, holder, way);
	printf(type ? "\"%s\"}\n" : "null}\n", type);
	return block;
}

static void put(struct Table *table, const char *holder, long id)
{
	struct Bucket *bucket = note(take(sizeof(*bucket)), holder, "buckets/[]", "Bucket"), **end;
	struct Session *session = note(take(sizeof(*session)), holder, "buckets/[]/session", "Session");

	session->id = id;
	bucket->session = session;
	bucket->hash = (unsigned)id * 2654435761u;
	for (end = &table->buckets[id % BUCKETS]; *end; end = &(*end)->next)
		continue;
	*end = bucket;
	table->count++;
}

static void fill(struct Table *table, const char *holder, long count)
{
	table->buckets = note(take(BUCKETS * sizeof(*table->buckets)), holder, "buckets", "Bucket *[]");
	for (long i = 0; i < count; i++)
		put(table, holder, i);
}

static void fill_globals(void)
{
	struct Item *item = note(take(sizeof(*item)), "items", "", "Item");

	fill(&session_table, "session_table", 3 * BUCKETS);
	for (int i = 0; i < 4; i++)
		headers[i] = note(take(100), "headers", "[]", NULL);
	message = note(take(sizeof(*message) + 500), "message", "", "Message");
	items = &item->link;
	value.session = note(take(sizeof(struct Session)), "value", "number", "Session");
	opaque = note(take(72), "opaque", "", NULL);
	samples = note(take(300 * sizeof(*samples)), "samples", "", "double[]");
	pair.left = note(take(sizeof(struct Session)), "pair", "left", "Session");
	pair.right = note(take(sizeof(struct Session)), "pair", "right", "Session");
}

static __attribute__((noinline)) void serve(void)
{
	struct Table local_table = { 0 };
	struct Session *volatile current = note(take(sizeof(*current)), "current", "", "Session");

	fill(&local_table, "local_table", BUCKETS);
	pthread_barrier_wait(&barrier); /* all is there */
	pthread_barrier_wait(&barrier); /* all was looked at */
	if (local_table.count != BUCKETS || !current)
		abort();
	/* The optimiser must not keep members in registers. */
	__asm__ volatile("" : : "r"(&local_table) : "memory");
}

static void *work(void *unused)
{
	(void)unused;
	worker_id = syscall(SYS_gettid);
	pthread_setname_np(pthread_self(), "worker");
	fill(&thread_table, "thread_table", BUCKETS);
	serve();
	return NULL;
}

int main(void)
{
	pthread_t worker;
	char byte;

	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	fill_globals();
	if (pthread_barrier_init(&barrier, NULL, 2) || pthread_create(&worker, NULL, work, NULL))
		abort();
	pthread_barrier_wait(&barrier);
	printf("{\"ready\":true,\"pid\":%d,\"main\":%d,\"worker\":%ld}\n", getpid(), getpid(), worker_id);
	fflush(stdout);
	if (read(STDIN_FILENO, &byte, 1) < 0)
		return 1;
	pthread_barrier_wait(&barrier);
	pthread_join(worker, NULL);
	return 0;
}
