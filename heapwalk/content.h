/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a chunk's bytes look like at a glance. Called by the walker for every live chunk, so it must cost
 * little: it looks at the first 64 bytes, at more only while these are zeros (4 KiB at most) or numbers (1
 * KiB), and reads the image only once for each distinct vtable pointer. Private to heapwalk/.
 */
#ifndef HW_HEAPWALK_CONTENT_H
#define HW_HEAPWALK_CONTENT_H

#include "heapwalk/heap.h"

struct hw_classifier;

/* Borrows the snapshot. Not for several threads at once: make one each. */
struct hw_error *hw_classifier_create(
	const struct hw_snapshot *snapshot, struct hw_classifier **classifier) hw_must_check;
void hw_classifier_destroy(struct hw_classifier *classifier);

/*
 * What `bytes` look like: the `usable` bytes of a chunk, from its user address, as they lie in the target.
 * `readable` is how many are at hand, perhaps fewer, perhaps more: what lies behind the chunk does not count,
 * but may be read. Give at least 64 where the chunk has them. NONE when not even a word is at hand.
 */
enum hw_content hw_classifier_classify(
	struct hw_classifier *classifier, const uint8_t *bytes, size_t readable, size_t usable);

#endif
