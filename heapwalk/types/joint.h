/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Typing chunks of one shape together: what their words could mean, and what those shapes could be that refer
 * to them and that they refer to. Each shape has prospects, types that fit its size and words; links between
 * prospects of neighbours support or contradict each other, and going round a few times settles most (loopy
 * belief propagation). Private to heapwalk/types/.
 */
#ifndef HW_HEAPWALK_TYPES_JOINT_H
#define HW_HEAPWALK_TYPES_JOINT_H

#include "heapwalk/types/judge.h"

#define HW_SAMPLE_WORDS 32 /* of a chunk that are looked at */
#define HW_SAMPLE_COUNT 16 /* chunks of a shape that are looked at */
#define HW_PROSPECTS    24 /* of a shape, that are kept */

/* What a word of a sample is. Values fit 4 bits. */
enum hw_word_sort {
	HW_SORT_ZERO,
	HW_SORT_NUMBER,
	HW_SORT_MARK,   /* close to 0 or the top of memory, where pointers that are marks lie */
	HW_SORT_START,  /* of a live chunk */
	HW_SORT_INSIDE, /* of a live chunk */
	HW_SORT_FREED,
	HW_SORT_MODULE,
	HW_SORT_CODE,
	HW_SORT_OTHER, /* stacks, mappings */
};

struct hw_sample_word {
	uint64_t word;
	uint32_t chunk; /* START, INSIDE */
	uint8_t sort;   /* enum hw_word_sort */
};

struct hw_sample {
	uint32_t chunk;
	uint32_t cluster;
	uint32_t first; /* into words */
	uint32_t count;
};

/* A type that a shape may have. */
struct hw_prospect {
	uint32_t type;
	uint8_t fit; /* enum hw_fit */
	bool slack;
	bool is_anchored; /* every sample points to a global of the type that it should be */
	float fixed;      /* what its own words say, in nats */
	float score;
	float belief;
};

/* Samples of one shape refer, `word` words from their start, to chunks of another one. */
struct hw_link {
	uint32_t from;
	uint32_t to;
	uint16_t word;
	float share_from; /* of the samples of `from` */
	float share_to;   /* of all that refers to the shape `to` */
};

struct hw_cluster {
	uint64_t usable;
	uint32_t chunks;
	uint32_t unnamed; /* of them, without a sure type */
	uint32_t known;   /* catalogue type that most of the others have; 0: none */
	uint32_t known_chunks;
	uint32_t base; /* they start with this at any rate; 0: not known */
	uint32_t first_sample;
	uint32_t sample_count;
	uint32_t prospect_count;
	struct hw_prospect prospects[HW_PROSPECTS]; /* the best first, when all is done */
	float none;                                 /* belief in something that is not among them */
	float support; /* share of what refers to them that is of another type and says the same */
};

struct hw_joint {
	struct hw_program *program;
	struct hw_typer *typer;
	struct hw_cluster *clusters; /* by shape */
	uint32_t cluster_count;
	struct hw_sample *samples; /* by cluster */
	size_t sample_count;
	struct hw_sample_word *words;
	size_t word_count;
	size_t word_capacity;
	struct hw_link *links;
	size_t link_count;
	size_t link_capacity;
	uint32_t *sized; /* types that the program may allocate, by size */
	uint32_t sized_count;
	uint32_t *tailed; /* those with a flexible array at the end */
	uint32_t tailed_count;
	uint32_t *rowed; /* types of pointers to structs of which there are arrays */
	uint32_t rowed_count;
	uint64_t globals_met; /* pointers to globals of the right type so far */
};

/* The prospect that is believed in most; NULL: there is none. */
static inline const struct hw_prospect *hw_cluster_best(const struct hw_cluster *cluster)
{
	const struct hw_prospect *best = cluster->prospect_count ? cluster->prospects : NULL;

	for (uint32_t i = 1; i < cluster->prospect_count; i++) {
		if (cluster->prospects[i].belief > best->belief)
			best = &cluster->prospects[i];
	}
	return best;
}

/* Takes samples of every shape and finds out what their words are. */
struct hw_error *hw_joint_sample(struct hw_joint *joint) hw_must_check;

/* Finds each shape's prospects. */
struct hw_error *hw_joint_prospect(struct hw_joint *joint) hw_must_check;

/* Weighs them against each other. */
struct hw_error *hw_joint_propagate(struct hw_joint *joint) hw_must_check;

/* The type that `type` says stands `word` words from its start. */
struct hw_said {
	uint8_t kind;        /* enum hw_field_kind */
	bool is_said;        /* false: nothing, or bytes */
	bool is_alternative; /* it may be something else than what is said, */
	bool is_only;        /* but no other pointer */
	uint32_t target;
};
void hw_joint_say(struct hw_joint *joint, uint32_t type, struct hw_said said[HW_SAMPLE_WORDS]);

#endif
