/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A few chunks of each shape, and what their words are. */
#include "heapwalk/graph/scan.h"
#include "heapwalk/types/joint.h"

static struct hw_error *count_clusters(struct hw_joint *joint)
{
	const struct hw_typing *typing = joint->typer->typing;
	const struct hw_heap *heap = joint->typer->heap;

	joint->cluster_count = typing->shape_count;
	joint->clusters = calloc((size_t)joint->cluster_count + 1, sizeof(*joint->clusters));
	if (!joint->clusters)
		return hw_error_no_memory();
	for (uint32_t i = 0; i < heap->chunks.count; i++) {
		const struct hw_chunk_type *answer = &typing->chunks[i];
		struct hw_cluster *cluster = &joint->clusters[answer->shape];

		if (!answer->shape || !hw_chunk_is_live(heap, i))
			continue;
		cluster->chunks++;
		cluster->unnamed += answer->level < HW_LEVEL_LIKELY || answer->fit >= HW_FIT_PREFIX;
	}
	for (uint32_t i = 1; i < joint->cluster_count; i++)
		joint->clusters[i].usable = typing->shapes[i].usable;
	return NULL;
}

/* The type that most of the typed ones have, by the votes of all: the majority by taking pairs away. */
static void count_known(struct hw_joint *joint)
{
	const struct hw_typing *typing = joint->typer->typing;

	for (uint32_t i = 0; i < joint->typer->heap->chunks.count; i++) {
		const struct hw_chunk_type *answer = &typing->chunks[i];
		struct hw_cluster *cluster = &joint->clusters[answer->shape];
		uint32_t type = typing->types[answer->type].catalogue;

		if (!type || typing->catalogue->types[type].kind != HW_TYPE_STRUCT)
			continue;
		if (answer->fit >= HW_FIT_PREFIX) {
			cluster->base = type;
			continue;
		}
		if (!cluster->known_chunks)
			cluster->known = type;
		if (cluster->known == type)
			cluster->known_chunks++;
		else
			cluster->known_chunks--;
	}
}

static uint8_t sort_elsewhere(struct hw_checker *checker, uint64_t word)
{
	uint64_t top = checker->heap->word_size == 8 ? UINT64_MAX : UINT32_MAX;

	switch (hw_addresses_kind(checker->addresses, word)) {
	case HW_ADDRESS_MODULE:
		return HW_SORT_MODULE;
	case HW_ADDRESS_CODE:
		return HW_SORT_CODE;
	case HW_ADDRESS_DATA:
		return HW_SORT_OTHER;
	default:
		return word < 4096 || word > top - 4096 ? HW_SORT_MARK : HW_SORT_NUMBER;
	}
}

static struct hw_sample_word sort_word(struct hw_checker *checker, uint64_t value)
{
	struct hw_sample_word word = { .word = value };
	uint64_t offset;
	uint32_t region;

	if (!value)
		word.sort = HW_SORT_ZERO;
	else if (hw_check_chunk_at(checker, value, &word.chunk, &offset))
		word.sort = offset ? HW_SORT_INSIDE : HW_SORT_START;
	else if (value - checker->low < checker->span && hw_heap_find_region(checker->heap, value, &region))
		word.sort = HW_SORT_FREED;
	else
		word.sort = sort_elsewhere(checker, value);
	return word;
}

static struct hw_error *read_sample(struct hw_joint *joint, struct hw_sample *sample)
{
	struct hw_checker *checker = &joint->program->checker;
	unsigned word_size = checker->heap->word_size;
	uint64_t size;
	const uint8_t *bytes = hw_program_view(joint->program, sample->chunk, &size);

	sample->first = (uint32_t)joint->word_count;
	for (uint64_t at = 0; bytes && at + word_size <= size && sample->count < HW_SAMPLE_WORDS;
		at += word_size) {
		struct hw_sample_word *slot =
			hw_array_next(joint->words, joint->word_count, joint->word_capacity);

		if (!slot)
			return hw_error_no_memory();
		*slot = sort_word(checker, hw_image_word(checker->image, bytes + at));
		joint->word_count++;
		sample->count++;
	}
	return NULL;
}

/* Every n-th chunk of a shape, so that they come from all over the heap. */
static bool is_next(const struct hw_cluster *cluster, uint32_t number)
{
	uint64_t chunks = hw_max(cluster->chunks, (uint32_t)HW_SAMPLE_COUNT);

	return cluster->sample_count < HW_SAMPLE_COUNT &&
	       (uint64_t)number * HW_SAMPLE_COUNT / chunks >= cluster->sample_count;
}

static struct hw_error *take(struct hw_joint *joint, uint32_t chunk, uint32_t shape)
{
	struct hw_cluster *cluster = &joint->clusters[shape];
	struct hw_sample *sample = &joint->samples[cluster->first_sample + cluster->sample_count++];

	*sample = (struct hw_sample){ .chunk = chunk, .cluster = shape };
	return read_sample(joint, sample);
}

static struct hw_error *choose(struct hw_joint *joint)
{
	const struct hw_heap *heap = joint->typer->heap;
	hw_autofree uint32_t *seen = calloc((size_t)joint->cluster_count + 1, sizeof(*seen));
	struct hw_error *error = NULL;
	uint32_t next = 0;

	for (uint32_t i = 1; i < joint->cluster_count; i++) {
		joint->clusters[i].first_sample = next;
		next += hw_min(joint->clusters[i].chunks, (uint32_t)HW_SAMPLE_COUNT);
	}
	joint->samples = calloc((size_t)next + 1, sizeof(*joint->samples));
	if (!seen || !joint->samples)
		return hw_error_no_memory();
	joint->sample_count = next;
	for (uint32_t i = 0; !error && i < heap->chunks.count; i++) {
		uint32_t shape = joint->typer->typing->chunks[i].shape;

		if (shape && hw_chunk_is_live(heap, i) && is_next(&joint->clusters[shape], seen[shape]++))
			error = take(joint, i, shape);
	}
	return error;
}

struct hw_error *hw_joint_sample(struct hw_joint *joint)
{
	struct hw_error *error = count_clusters(joint);

	if (!error) {
		count_known(joint);
		error = choose(joint);
	}
	return error;
}
