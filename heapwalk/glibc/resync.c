/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking the chain up again behind damage: the next address from which chunks follow each other to the
 * region's end, or for so many steps that chance is out of the question.
 */
#include "heapwalk/glibc/walk.h"

#define ENOUGH_STEPS 512

uint64_t hw_chain_resync(const struct hw_chain *chain, uint64_t from)
{
	struct hw_walk *walk = chain->walk;
	unsigned word = chain->layout->word_size;
	unsigned step = chain->layout->alignment;
	/* Chunks start two words before an aligned address. */
	uint64_t at = hw_round_up(from + 2 * word, step) - 2 * word;

	while (at < chain->limit && walk->probes) {
		size_t available;
		const uint8_t *bytes = hw_window_view(&walk->reader, at, 2 * word, &available);

		if (!bytes) {
			at = hw_image_next(walk->image, at, chain->limit);
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
