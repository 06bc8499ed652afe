/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread behind a window that reads ahead. */
#include <pthread.h>
#include <signal.h>

#include "inspector/ahead.h"

struct hw_ahead {
	const struct hw_image *image;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	uint64_t address;
	uint8_t *data;
	size_t size; /* 0: nothing to do */
	size_t got;
	bool quit;
};

static void *read_orders(void *argument)
{
	struct hw_ahead *ahead = argument;

	pthread_mutex_lock(&ahead->lock);
	while (!ahead->quit) {
		size_t got;

		if (!ahead->size) {
			pthread_cond_wait(&ahead->changed, &ahead->lock);
			continue;
		}
		pthread_mutex_unlock(&ahead->lock);
		/* The owner changes an order only after it waited for the one before. */
		got = hw_image_read_some(ahead->image, ahead->address, ahead->data, ahead->size);
		pthread_mutex_lock(&ahead->lock);
		ahead->got = got;
		ahead->size = 0;
		pthread_cond_broadcast(&ahead->changed);
	}
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

/* The thread takes no signals: they are the program's. */
static bool start_thread(struct hw_ahead *ahead)
{
	sigset_t all, before;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = !pthread_create(&ahead->thread, NULL, read_orders, ahead);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static void let_go(struct hw_ahead *ahead)
{
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
}

struct hw_ahead *hw_ahead_create(const struct hw_image *image)
{
	struct hw_ahead *ahead = calloc(1, sizeof(*ahead));

	if (!ahead)
		return NULL;
	ahead->image = image;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	if (start_thread(ahead))
		return ahead;
	let_go(ahead);
	return NULL;
}

void hw_ahead_destroy(struct hw_ahead *ahead)
{
	if (!ahead)
		return;
	pthread_mutex_lock(&ahead->lock);
	ahead->quit = true;
	pthread_cond_broadcast(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
	pthread_join(ahead->thread, NULL);
	let_go(ahead);
}

void hw_ahead_order(struct hw_ahead *ahead, uint64_t address, uint8_t *data, size_t size)
{
	hw_ahead_wait(ahead);
	pthread_mutex_lock(&ahead->lock);
	ahead->address = address;
	ahead->data = data;
	ahead->size = size;
	pthread_cond_broadcast(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
}

size_t hw_ahead_wait(struct hw_ahead *ahead)
{
	size_t got;

	pthread_mutex_lock(&ahead->lock);
	while (ahead->size)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	got = ahead->got;
	pthread_mutex_unlock(&ahead->lock);
	return got;
}
