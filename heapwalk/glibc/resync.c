/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking the chain up again behind damage: the next address from which chunks follow each other to the
 * region's end, or for so many steps that chance is out of the question.
 */
#include "heapwalk/glibc/walk.h"

#define ENOUGH_STEPS 512

/* The start of the next readable memory after `from`; 0: none before the limit. */
static uint64_t next_readable(const struct hw_chain *chain, uint64_t from)
{
	const struct hw_image *image = chain->walk->image;
	uint64_t page = chain->walk->snapshot->page_size;
	size_t low = 0, high = image->segment_count;
	const struct hw_segment *segment = hw_image_segment_at(image, from);

	/* An unreadable page inside a segment (a guard marker): on to the next page. */
	if (segment && hw_round_down(from, page) + page < segment->start + segment->file_size)
		return hw_round_down(from, page) + page;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (image->segments[middle].start <= from)
			low = middle + 1;
		else
			high = middle;
	}
	return low < image->segment_count && image->segments[low].start < chain->limit
		       ? image->segments[low].start
		       : 0;
}

uint64_t hw_chain_resync(const struct hw_chain *chain, uint64_t from)
{
	struct hw_walk *walk = chain->walk;
	unsigned word = chain->layout->word_size;
	unsigned step = chain->layout->alignment;
	/* Chunks start two words before an aligned address. */
	uint64_t at = hw_round_up(from + 2 * word, step) - 2 * word;

	while (at < chain->limit && walk->probes) {
		size_t available;
		const uint8_t *bytes = hw_reader_view(&walk->reader, at, 2 * word, &available);

		if (!bytes) {
			at = next_readable(chain, at);
			if (!at)
				return 0;
			at = hw_round_up(at + 2 * word, step) - 2 * word;
			continue;
		}
		/* Cheap first: most words are no size. */
		if (hw_image_word(walk->image, bytes + word) > 1 &&
			hw_chain_reaches(chain, at, ENOUGH_STEPS, false))
			return at;
		at += step;
	}
	return 0;
}
