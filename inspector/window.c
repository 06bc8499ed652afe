/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The moving view for scans in address order. */
#include "inspector/ahead.h"

/* Larger reads leave the second-level cache, smaller ones cost more system calls and hand-overs. */
#define LARGEST  ((size_t)1 << 20)
#define SMALLEST ((size_t)1 << 14)

void hw_window_init(struct hw_window *window, const struct hw_image *image, size_t capacity)
{
	capacity = capacity ? capacity : LARGEST;
	*window = (struct hw_window){ .image = image, .capacity = capacity, .largest = capacity };
}

void hw_window_init_ahead(struct hw_window *window, const struct hw_image *image)
{
	*window = (struct hw_window){
		.image = image,
		.capacity = HW_WINDOW_AHEAD_NEED,
		.largest = LARGEST,
		.room = HW_WINDOW_AHEAD_NEED,
		.wants_ahead = true,
	};
}

void hw_window_deinit(struct hw_window *window)
{
	hw_ahead_destroy(window->ahead);
	free(window->buffer);
	free(window->other);
	*window = (struct hw_window){ .image = window->image };
}

static bool has_buffer(const struct hw_window *window, uint8_t **buffer)
{
	if (!*buffer)
		*buffer = malloc(window->room + window->largest);
	return *buffer;
}

static const uint8_t *show(struct hw_window *window, const uint8_t *bytes, uint64_t start, uint64_t end)
{
	window->view = bytes;
	window->start = start;
	window->end = end;
	return bytes;
}

/* Straight into a segment that lies in our own memory; NULL if `need` bytes are not all there. */
static const uint8_t *show_stored(struct hw_window *window, uint64_t address, size_t need)
{
	const struct hw_segment *segment = hw_image_segment_at(window->image, address);
	uint64_t skip;

	if (!segment || !segment->bytes)
		return NULL;
	skip = address - segment->start;
	if (skip >= segment->file_size || segment->file_size - skip < need)
		return NULL;
	return show(window, segment->bytes + skip, address, segment->start + segment->file_size);
}

/* Has the thread read on behind what is shown now. */
static void order_ahead(struct hw_window *window)
{
	if (!window->wants_ahead || window->step < window->largest)
		return;
	if (!window->ahead) {
		window->ahead = has_buffer(window, &window->other) ? hw_ahead_create(window->image) : NULL;
		window->wants_ahead = window->ahead;
	}
	if (!window->ahead)
		return;
	window->ahead_start = window->end;
	hw_ahead_order(window->ahead, window->end, window->other + window->room, window->largest);
}

/*
 * Goes on with what was read ahead if `need` bytes at `address` are in it, or begin in the rest of what is
 * shown and end there: that rest is put before it.
 */
static const uint8_t *show_ahead(struct hw_window *window, uint64_t address, size_t need)
{
	uint8_t *data = window->other + window->room, *shown = window->buffer;
	uint64_t start = window->ahead_start, end = start + hw_ahead_wait(window->ahead);

	if (address >= end || end - address < need)
		return NULL;
	if (address < start) {
		const uint8_t *rest = hw_window_peek(window, address, start - address);

		if (!rest || start - address > window->room)
			return NULL;
		memcpy(data - (start - address), rest, start - address);
	}
	window->buffer = window->other;
	window->other = shown;
	show(window, data + (ptrdiff_t)(address - start), address, end);
	order_ahead(window);
	return window->view;
}

/* A jump, or the first reads. */
static const uint8_t *read_now(struct hw_window *window, uint64_t address, size_t need)
{
	bool in_sequence = window->step && address >= window->start && address <= window->end;
	uint8_t *data = window->buffer + window->room;
	size_t got;

	window->step = hw_min(in_sequence ? 4 * window->step : SMALLEST, window->largest);
	got = hw_image_read_some(window->image, address, data, hw_max(window->step, need));
	show(window, data, address, address + got);
	order_ahead(window);
	return got && got >= need ? data : NULL;
}

const uint8_t *hw_window_refill(struct hw_window *window, uint64_t address, size_t need)
{
	const uint8_t *bytes = show_stored(window, address, need);

	if (bytes || need > window->capacity || !has_buffer(window, &window->buffer))
		return bytes;
	if (window->ahead) {
		bytes = show_ahead(window, address, need);
		if (bytes)
			return bytes;
	}
	return read_now(window, address, need);
}
