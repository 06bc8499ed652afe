/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the chunks before the damages hold: it often names who wrote too much. */
#include "heapwalk/glibc/walk.h"

#include "heapwalk/content.h"

/* As much as the classifier looks at. */
#define LOOKED_AT 4096

static void look(struct hw_walk *walk, struct hw_classifier *classifier, struct hw_anomaly *anomaly)
{
	const struct hw_heap *heap = walk->heap;
	uint8_t bytes[LOOKED_AT];
	uint64_t usable;
	uint32_t index;
	size_t got;

	if (!anomaly->previous || !hw_heap_find(heap, anomaly->previous, &index) ||
		!hw_chunk_is_live(heap, index))
		return;
	usable = hw_chunk_usable(heap, index);
	got = hw_image_read_some(walk->image, hw_chunk_user(heap, index), bytes, hw_min(usable, LOOKED_AT));
	anomaly->content = hw_classifier_classify(classifier, bytes, got, usable);
	memcpy(anomaly->beginning, bytes, hw_min(got, sizeof(anomaly->beginning) - 1));
}

struct hw_error *hw_culprits_look(struct hw_walk *walk)
{
	struct hw_heap *heap = walk->heap;
	struct hw_classifier *classifier;
	struct hw_error *error;

	if (!heap->anomaly_count)
		return NULL;
	error = hw_classifier_create(walk->snapshot, &classifier);
	if (error)
		return error;
	for (size_t i = 0; i < heap->anomaly_count; i++)
		look(walk, classifier, &heap->anomalies[i]);
	hw_classifier_destroy(classifier);
	return NULL;
}
