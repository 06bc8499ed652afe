/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory in address order, read ahead: while the walk looks at one buffer a thread fills the next one, so
 * that copying the target's memory and making sense of it take place at the same time. Jumps are served at
 * once with small reads that grow while reading goes on in sequence. What lies in our own memory already (a
 * mapped core) is handed out as it is, without copy and thread. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_GLIBC_READER_H
#define HW_HEAPWALK_GLIBC_READER_H

#include <pthread.h>

#include "inspector/inspector.h"

struct hw_reader {
	const struct hw_image *image;
	/* What was shown last: [start, end). */
	const uint8_t *view;
	uint64_t start;
	uint64_t end;
	/* Private: two buffers, of which `current` is shown and the other one may be filled by the thread. */
	uint8_t *buffers[2];
	unsigned current;
	size_t step;          /* size of the next read */
	uint64_t ahead_start; /* what the other buffer holds or will hold */
	uint64_t ahead_end;   /* where it ends; right when the thread is idle */
	bool has_thread;
	bool thread_failed;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t wanted; /* bytes to be read ahead; 0: the thread is idle */
	bool quit;
};

/* At most so many bytes can be asked for at once. */
#define HW_READER_NEED 8192

void hw_reader_init(struct hw_reader *reader, const struct hw_image *image);
void hw_reader_deinit(struct hw_reader *reader);

/* For hw_reader_view() alone: the bytes are not in what was shown last. */
const uint8_t *hw_reader_refill(struct hw_reader *reader, uint64_t address, size_t need);

/*
 * A pointer to at least `need` bytes at `address`, valid until the next call; NULL if they cannot all be
 * read. *available is how many there are.
 */
static inline const uint8_t *hw_reader_view(
	struct hw_reader *reader, uint64_t address, size_t need, size_t *available)
{
	if ((address < reader->start || address >= reader->end || reader->end - address < need) &&
		!hw_reader_refill(reader, address, need))
		return NULL;
	*available = reader->end - address;
	return reader->view + (address - reader->start);
}

#endif
