/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Something for the heap to do, by one thread or many. */
#include "factory.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

/* Marsaglia's xorshift: the same numbers in every run. */
uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Mostly small, some of a few kilobytes, few of hundreds. */
size_t random_size(uint32_t *state)
{
	uint32_t r = next_random(state);

	if (r % 256 == 0)
		return next_random(state) % 300000;
	if (r % 16 == 0)
		return next_random(state) % 9000;
	return next_random(state) % 600;
}

static struct entry *take_any(uint32_t *state)
{
	uint32_t r = next_random(state) % 64;

	if (r < 8)
		return take_zeroed(random_size(state));
	if (r < 12)
		return take_aligned((size_t)16 << (next_random(state) % 9), random_size(state));
	if (r == 12)
		return take(0);
	return take(random_size(state));
}

/* `rounds` random steps over a working set: take, give back, resize. What is held at the end stays. */
#define WORKING_SET 1024

void churn(uint32_t seed, unsigned rounds)
{
	struct entry *held[WORKING_SET] = { NULL };
	uint32_t state = seed * 2654435761u + 1;

	while (rounds-- > 0) {
		struct entry **slot = &held[next_random(&state) % WORKING_SET];

		if (!*slot)
			*slot = take_any(&state);
		else if (next_random(&state) % 8 == 0)
			entry_resize(*slot, random_size(&state) + 1);
		else {
			drop(*slot);
			*slot = NULL;
		}
	}
}

static int stay_pipe[2] = { -1, -1 };
static pthread_t threads[THREADS_MAX];
static unsigned thread_count;
static unsigned threads_ready;

struct job {
	void (*work)(unsigned number);
	unsigned number;
	int stays;
};

static struct job jobs[THREADS_MAX];

static void *thread_main(void *argument)
{
	struct job *job = argument;
	char byte;

	note_dtv();
	job->work(job->number);
	__atomic_fetch_add(&threads_ready, 1, __ATOMIC_SEQ_CST);
	/* Nobody writes to the pipe: the read returns when its other end is closed. */
	while (job->stays && read(stay_pipe[0], &byte, 1) < 0 && errno == EINTR)
		continue;
	return NULL;
}

void thread_start(void (*work)(unsigned number), int stays)
{
	struct job *job = &jobs[thread_count];

	if (stay_pipe[0] < 0 && pipe(stay_pipe) != 0)
		fail("pipe");
	*job = (struct job){ work, thread_count, stays };
	if (pthread_create(&threads[thread_count], NULL, thread_main, job) != 0)
		fail("pthread_create");
	thread_count++;
}

void threads_wait_ready(void)
{
	while (__atomic_load_n(&threads_ready, __ATOMIC_SEQ_CST) < thread_count)
		usleep(1000);
}

void threads_join(void)
{
	for (unsigned i = 0; i < thread_count; i++)
		if (!jobs[i].stays)
			pthread_join(threads[i], NULL);
}

void threads_end(void)
{
	if (stay_pipe[1] >= 0)
		close(stay_pipe[1]);
	for (unsigned i = 0; i < thread_count; i++)
		if (jobs[i].stays)
			pthread_join(threads[i], NULL);
}
