/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The moving view for sequential scans. */
#include "inspector/inspector.h"

#define DEFAULT_CAPACITY ((size_t)1 << 20)

void hw_window_init(struct hw_window *window, const struct hw_image *image, size_t capacity)
{
	*window = (struct hw_window){
		.image = image,
		.capacity = capacity ? capacity : DEFAULT_CAPACITY,
	};
}

void hw_window_deinit(struct hw_window *window)
{
	free(window->buffer);
	window->buffer = NULL;
	window->start = window->end = 0;
}

/* Straight into a segment that lies in our own memory; NULL if `need` bytes are not all there. */
static const uint8_t *view_stored(
	const struct hw_window *window, uint64_t address, size_t need, size_t *available)
{
	const struct hw_segment *segment = hw_image_segment_at(window->image, address);
	uint64_t skip;

	if (!segment || !segment->bytes)
		return NULL;
	skip = address - segment->start;
	if (skip >= segment->file_size || segment->file_size - skip < need)
		return NULL;
	if (available)
		*available = segment->file_size - skip;
	return segment->bytes + skip;
}

const uint8_t *hw_window_view(struct hw_window *window, uint64_t address, size_t need, size_t *available)
{
	const uint8_t *stored;
	size_t got;

	if (address >= window->start && address < window->end && window->end - address >= need) {
		if (available)
			*available = window->end - address;
		return window->buffer + (address - window->start);
	}
	if (need > window->capacity)
		return NULL;
	stored = view_stored(window, address, need, available);
	if (stored)
		return stored;
	if (!window->buffer) {
		window->buffer = malloc(window->capacity);
		if (!window->buffer)
			return NULL;
	}
	got = hw_image_read_some(window->image, address, window->buffer, window->capacity);
	window->start = address;
	window->end = address + got;
	if (got < need || !got)
		return NULL;
	if (available)
		*available = got;
	return window->buffer;
}
