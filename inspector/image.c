/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory image: sorted segments, read by copy. */
#include <errno.h>
#include <signal.h>

#include "inspector/inspector.h"

/* The smallest page of any supported machine: the step in which we go around what cannot be read. */
#define PROBE_PAGE 4096

struct hw_error *hw_image_create(unsigned word_size, bool big_endian, struct hw_image **image)
{
	struct hw_image *made = calloc(1, sizeof(*made));

	if (!made)
		return hw_error_no_memory();
	made->word_size = word_size;
	made->big_endian = big_endian;
	*image = made;
	return NULL;
}

void hw_image_destroy(struct hw_image *image)
{
	if (!image)
		return;
	free(image->segments);
	free(image);
}

/* Index of the first segment that ends past `address`. */
static size_t first_ending_past(const struct hw_image *image, uint64_t address)
{
	size_t low = 0, high = image->segment_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (image->segments[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The part [start, end) of `whole` as a segment of its own. */
static struct hw_segment segment_slice(const struct hw_segment *whole, uint64_t start, uint64_t end)
{
	struct hw_segment slice = *whole;
	uint64_t skip = start - whole->start;

	slice.start = start;
	slice.end = end;
	slice.offset += skip;
	slice.file_size = whole->file_size > skip ? hw_min(whole->file_size - skip, end - start) : 0;
	slice.bytes = whole->bytes && slice.file_size ? whole->bytes + skip : NULL;
	return slice;
}

static struct hw_error *insert_at(struct hw_image *image, size_t index, const struct hw_segment *segment)
{
	if (!hw_array_reserve(
		    &image->segments, image->segment_count, &image->segment_capacity, sizeof(*segment)))
		return hw_error_no_memory();
	memmove(&image->segments[index + 1], &image->segments[index],
		(image->segment_count - index) * sizeof(*segment));
	image->segments[index] = *segment;
	image->segment_count++;
	return NULL;
}

struct hw_error *hw_image_add(struct hw_image *image, const struct hw_segment *segment)
{
	uint64_t start = segment->start;
	struct hw_error *error = NULL;

	while (!error && start < segment->end) {
		size_t index = first_ending_past(image, start);
		uint64_t stop = segment->end;

		if (index < image->segment_count) {
			const struct hw_segment *next = &image->segments[index];

			if (next->start <= start) {
				start = next->end;
				continue;
			}
			stop = hw_min(stop, next->start);
		}
		struct hw_segment slice = segment_slice(segment, start, stop);

		error = insert_at(image, index, &slice);
		start = stop;
	}
	return error;
}

const struct hw_segment *hw_image_segment_at(const struct hw_image *image, uint64_t address)
{
	size_t index = first_ending_past(image, address);

	if (index == image->segment_count || image->segments[index].start > address)
		return NULL;
	return &image->segments[index];
}

uint64_t hw_image_next(const struct hw_image *image, uint64_t address, uint64_t limit)
{
	size_t index = first_ending_past(image, address);
	const struct hw_segment *segment = image->segments + index;
	uint64_t page = hw_round_down(address, PROBE_PAGE) + PROBE_PAGE;

	if (index < image->segment_count && segment->start <= address) {
		if (page > address && page < segment->end &&
			(segment->fill == HW_FILL_ZERO || page - segment->start < segment->file_size))
			return hw_min(page, limit);
		index++;
		segment++;
	}
	return index < image->segment_count ? hw_min(segment->start, limit) : limit;
}

/*
 * pread() of up to `size` bytes; a guard marker or an unmapped page makes one large read of /proc/PID/mem
 * fail as a whole (Linux 6.13, commit 662df3e5c376), so what fails is tried again page by page.
 */
static size_t read_file(int fd, uint64_t offset, uint8_t *buffer, size_t size)
{
	size_t done = 0, step = size;

	while (done < size) {
		ssize_t got = pread(fd, buffer + done, hw_min(step, size - done), (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			size_t to_page_end = PROBE_PAGE - (offset + done) % PROBE_PAGE;

			if (hw_min(step, size - done) <= to_page_end)
				break;
			step = to_page_end;
			continue;
		}
		done += (size_t)got;
		if (step < PROBE_PAGE)
			step = PROBE_PAGE;
	}
	return done;
}

/* Bytes copied from this segment at `address`, which lies in it; fewer than `size` where it cannot go on. */
static size_t read_segment(const struct hw_segment *segment, uint64_t address, uint8_t *buffer, size_t size)
{
	uint64_t skip = address - segment->start;
	size_t stored = segment->file_size > skip ? hw_min(segment->file_size - skip, size) : 0;
	size_t done = 0;

	if (stored && segment->bytes) {
		memcpy(buffer, segment->bytes + skip, stored);
		done = stored;
	} else if (stored && segment->fd >= 0) {
		done = read_file(segment->fd, segment->offset + skip, buffer, stored);
	}
	if (done == stored && segment->fill == HW_FILL_ZERO && done < size) {
		memset(buffer + done, 0, size - done);
		done = size;
	}
	return done;
}

static volatile sig_atomic_t interrupted;

void hw_image_interrupt(void)
{
	interrupted = 1;
}

size_t hw_image_read_some(const struct hw_image *image, uint64_t address, void *buffer, size_t size)
{
	size_t index = first_ending_past(image, address);
	size_t done = 0;

	while (done < size && !interrupted && index < image->segment_count) {
		const struct hw_segment *segment = &image->segments[index++];
		uint64_t here = address + done;
		size_t part, got;

		if (segment->start > here)
			break;
		part = hw_min(size - done, segment->end - here);
		got = read_segment(segment, here, (uint8_t *)buffer + done, part);
		done += got;
		if (got < part)
			break;
	}
	return done;
}

struct hw_error *hw_image_read(const struct hw_image *image, uint64_t address, void *buffer, size_t size)
{
	size_t got = hw_image_read_some(image, address, buffer, size);

	if (got == size)
		return NULL;
	return hw_error_fault(
		address + got, "memory at 0x%llx cannot be read", (unsigned long long)(address + got));
}

struct hw_error *hw_image_read_u16(const struct hw_image *image, uint64_t address, uint16_t *value)
{
	uint16_t raw;
	struct hw_error *error = hw_image_read(image, address, &raw, sizeof(raw));

	if (!error)
		*value = image->big_endian ? __builtin_bswap16(raw) : raw;
	return error;
}

struct hw_error *hw_image_read_u32(const struct hw_image *image, uint64_t address, uint32_t *value)
{
	uint32_t raw;
	struct hw_error *error = hw_image_read(image, address, &raw, sizeof(raw));

	if (!error)
		*value = image->big_endian ? __builtin_bswap32(raw) : raw;
	return error;
}

struct hw_error *hw_image_read_u64(const struct hw_image *image, uint64_t address, uint64_t *value)
{
	uint64_t raw;
	struct hw_error *error = hw_image_read(image, address, &raw, sizeof(raw));

	if (!error)
		*value = image->big_endian ? __builtin_bswap64(raw) : raw;
	return error;
}

struct hw_error *hw_image_read_word(const struct hw_image *image, uint64_t address, uint64_t *value)
{
	uint8_t raw[8];
	struct hw_error *error = hw_image_read(image, address, raw, image->word_size);

	if (!error)
		*value = hw_image_word(image, raw);
	return error;
}

struct hw_error *hw_image_read_string(
	const struct hw_image *image, uint64_t address, size_t limit, char **string)
{
	hw_autofree char *text = NULL;
	size_t length = 0;

	while (length < limit) {
		/* Never past a page's end at once: the next page may be unreadable and not belong to the
		 * string. */
		size_t step = hw_min(limit - length, PROBE_PAGE - (address + length) % PROBE_PAGE);
		char *longer = realloc(text, length + step + 1);
		struct hw_error *error;
		char *nul;

		if (!longer)
			return hw_error_no_memory();
		text = longer;
		error = hw_image_read(image, address + length, text + length, step);
		if (error)
			return error;
		nul = memchr(text + length, '\0', step);
		if (nul) {
			*string = hw_take(&text);
			return NULL;
		}
		length += step;
	}
	return hw_error_create(HW_ERROR_FORMAT, "string at 0x%llx is longer than %zu bytes",
		(unsigned long long)address, limit);
}
