/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reader and its thread. Only `wanted`, `quit`, and the other buffer while it is filled, are shared. */
#include <signal.h>

#include "heapwalk/glibc/reader.h"

/* Larger reads leave the second-level cache, smaller ones cost more system calls and hand-overs. */
#define LARGEST  ((size_t)1 << 20)
#define SMALLEST ((size_t)1 << 14)

void hw_reader_init(struct hw_reader *reader, const struct hw_image *image)
{
	*reader = (struct hw_reader){ .image = image, .step = SMALLEST };
	pthread_mutex_init(&reader->lock, NULL);
	pthread_cond_init(&reader->changed, NULL);
}

void hw_reader_deinit(struct hw_reader *reader)
{
	if (reader->has_thread) {
		pthread_mutex_lock(&reader->lock);
		reader->quit = true;
		pthread_cond_broadcast(&reader->changed);
		pthread_mutex_unlock(&reader->lock);
		pthread_join(reader->thread, NULL);
	}
	pthread_cond_destroy(&reader->changed);
	pthread_mutex_destroy(&reader->lock);
	free(reader->buffers[0]);
	free(reader->buffers[1]);
}

/* Data begins behind room for what is left over of the buffer before. */
static uint8_t *data_of(const struct hw_reader *reader, unsigned buffer)
{
	return reader->buffers[buffer] + HW_READER_NEED;
}

static void *read_ahead(void *argument)
{
	struct hw_reader *reader = argument;

	pthread_mutex_lock(&reader->lock);
	for (;;) {
		while (!reader->wanted && !reader->quit)
			pthread_cond_wait(&reader->changed, &reader->lock);
		if (reader->quit)
			break;
		uint8_t *data = data_of(reader, !reader->current);
		size_t wanted = reader->wanted, got;

		pthread_mutex_unlock(&reader->lock);
		got = hw_image_read_some(reader->image, reader->ahead_start, data, wanted);
		pthread_mutex_lock(&reader->lock);
		reader->ahead_end = reader->ahead_start + got;
		reader->wanted = 0;
		pthread_cond_broadcast(&reader->changed);
	}
	pthread_mutex_unlock(&reader->lock);
	return NULL;
}

/* The thread takes no signals: they are the program's. */
static bool start_thread(struct hw_reader *reader)
{
	sigset_t all, before;

	if (reader->has_thread || reader->thread_failed)
		return reader->has_thread;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	reader->has_thread = !pthread_create(&reader->thread, NULL, read_ahead, reader);
	reader->thread_failed = !reader->has_thread;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return reader->has_thread;
}

static void wait_idle(struct hw_reader *reader)
{
	if (!reader->has_thread)
		return;
	pthread_mutex_lock(&reader->lock);
	while (reader->wanted)
		pthread_cond_wait(&reader->changed, &reader->lock);
	pthread_mutex_unlock(&reader->lock);
}

/* Has the thread read on behind what is shown now. */
static void order_ahead(struct hw_reader *reader)
{
	reader->ahead_start = reader->ahead_end = reader->end;
	if (reader->step < LARGEST || !start_thread(reader))
		return;
	pthread_mutex_lock(&reader->lock);
	reader->wanted = LARGEST;
	pthread_cond_broadcast(&reader->changed);
	pthread_mutex_unlock(&reader->lock);
}

static bool has_buffers(struct hw_reader *reader)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!reader->buffers[i])
			reader->buffers[i] = malloc(HW_READER_NEED + LARGEST);
	}
	return reader->buffers[0] && reader->buffers[1];
}

static const uint8_t *show(struct hw_reader *reader, const uint8_t *bytes, uint64_t start, uint64_t end)
{
	reader->view = bytes;
	reader->start = start;
	reader->end = end;
	return bytes;
}

/* Straight into a segment that lies in our own memory; NULL if `need` bytes are not all there. */
static const uint8_t *show_stored(struct hw_reader *reader, uint64_t address, size_t need)
{
	const struct hw_segment *segment = hw_image_segment_at(reader->image, address);
	uint64_t skip;

	if (!segment || !segment->bytes)
		return NULL;
	skip = address - segment->start;
	if (skip >= segment->file_size || segment->file_size - skip < need)
		return NULL;
	return show(reader, segment->bytes + skip, address, segment->start + segment->file_size);
}

/* Goes on with what was read ahead, which begins at or before `address`. */
static const uint8_t *show_ahead(struct hw_reader *reader, uint64_t address)
{
	const uint8_t *data;

	reader->current = !reader->current;
	data = data_of(reader, reader->current) + (address - reader->ahead_start);
	show(reader, data, address, reader->ahead_end);
	order_ahead(reader);
	return data;
}

/* Goes on with what was read ahead right behind what is shown; the rest of that comes before it. */
static const uint8_t *show_joined(struct hw_reader *reader, uint64_t address)
{
	size_t left = (size_t)(reader->end - address);
	uint8_t *data = data_of(reader, !reader->current) - left;

	memcpy(data, reader->view + (address - reader->start), left);
	reader->current = !reader->current;
	show(reader, data, address, reader->ahead_end);
	order_ahead(reader);
	return data;
}

/* A jump, or the first read. */
static const uint8_t *read_now(struct hw_reader *reader, uint64_t address, size_t need, bool in_sequence)
{
	uint8_t *data = data_of(reader, reader->current);
	size_t got;

	reader->step = in_sequence ? hw_min(4 * reader->step, LARGEST) : SMALLEST;
	got = hw_image_read_some(reader->image, address, data, hw_max(reader->step, need));
	show(reader, data, address, address + got);
	order_ahead(reader);
	return got < need ? NULL : data;
}

const uint8_t *hw_reader_refill(struct hw_reader *reader, uint64_t address, size_t need)
{
	const uint8_t *stored = show_stored(reader, address, need);
	bool in_sequence;

	if (stored)
		return stored;
	if (need > HW_READER_NEED || !has_buffers(reader))
		return NULL;
	wait_idle(reader);
	in_sequence = address >= reader->start && address <= reader->end;
	if (address < reader->ahead_end && reader->ahead_end - address >= need) {
		if (address >= reader->ahead_start)
			return show_ahead(reader, address);
		if (in_sequence && reader->end == reader->ahead_start &&
			reader->end - address <= HW_READER_NEED)
			return show_joined(reader, address);
	}
	return read_now(reader, address, need, in_sequence);
}
