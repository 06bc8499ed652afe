/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shapes that refer to each other, and what they believe of each other. */
#include <math.h>

#include "heapwalk/types/joint.h"

#define ROUNDS     14
#define DAMPING    0.5f
#define NONE       1.8f  /* what it takes to believe in any type at all */
#define SUPPORT    8.0f  /* a pointer that says T makes T so much more probable, */
#define CONTRADICT 0.05f /* and all else so much less */
#define OUT_WEIGHT 1.0f
#define IN_WEIGHT  2.0f

/* What the prospects of shapes say of each other. It stays the same, whatever is believed. */
struct opinions {
	struct hw_said (*said)[HW_SAMPLE_WORDS]; /* by prospect, those of a cluster one behind the other */
	uint32_t *first;                         /* by cluster */
	int8_t *agreements;                      /* by link, then by prospect of the one, then of the other */
	size_t *first_agreement;                 /* by link */
};

/* ------------------------------------------------------------------------------------------------- links */

static int compare_links(const void *left, const void *right)
{
	const struct hw_link *a = left, *b = right;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	return a->word < b->word ? -1 : a->word > b->word;
}

static bool add_links_of(struct hw_joint *joint, const struct hw_sample *sample)
{
	const struct hw_cluster *cluster = &joint->clusters[sample->cluster];

	for (uint32_t i = 0; i < sample->count; i++) {
		const struct hw_sample_word *word = &joint->words[sample->first + i];
		uint32_t to =
			word->sort == HW_SORT_START ? joint->typer->typing->chunks[word->chunk].shape : 0;
		struct hw_link *slot;

		if (!to)
			continue;
		slot = hw_array_next(joint->links, joint->link_count, joint->link_capacity);
		if (!slot)
			return false;
		*slot = (struct hw_link){
			.from = sample->cluster,
			.to = to,
			.word = (uint16_t)i,
			.share_from = 1.0f / (float)cluster->sample_count,
		};
		joint->link_count++;
	}
	return true;
}

/* Equal ones become one; what refers to a shape counts by how many chunks do. */
static struct hw_error *merge_links(struct hw_joint *joint)
{
	hw_autofree float *total = calloc((size_t)joint->cluster_count + 1, sizeof(*total));
	size_t kept = 0;

	if (!total)
		return hw_error_no_memory();
	if (joint->link_count)
		qsort(joint->links, joint->link_count, sizeof(*joint->links), compare_links);
	for (size_t i = 0; i < joint->link_count; i++) {
		if (kept && !compare_links(&joint->links[kept - 1], &joint->links[i]))
			joint->links[kept - 1].share_from += joint->links[i].share_from;
		else
			joint->links[kept++] = joint->links[i];
	}
	joint->link_count = kept;
	for (size_t i = 0; i < kept; i++) {
		struct hw_link *link = &joint->links[i];

		link->share_to = link->share_from * (float)joint->clusters[link->from].chunks;
		total[link->to] += link->share_to;
	}
	for (size_t i = 0; i < kept; i++)
		joint->links[i].share_to /= total[joint->links[i].to];
	return NULL;
}

static struct hw_error *link_clusters(struct hw_joint *joint)
{
	for (size_t i = 0; i < joint->sample_count; i++) {
		if (!add_links_of(joint, &joint->samples[i]))
			return hw_error_no_memory();
	}
	return merge_links(joint);
}

/* ----------------------------------------------------------------------------------------------- opinions */

/* How a pointer to `target` and a thing of `type` go together: for, against, or neither. */
static int agree(const struct hw_joint *joint, const struct hw_said *said, uint32_t type)
{
	const struct hw_type *target = &joint->program->types->types[said->target];

	if (!said->is_said)
		return -1;
	if (said->kind != HW_FIELD_POINTER)
		return said->is_alternative ? 0 : -1;
	if (said->target == type)
		return 1;
	if (said->is_alternative && !said->is_only)
		return 0;
	if (target->kind == HW_TYPE_VOID || target->is_incomplete || target->kind == HW_TYPE_OTHER)
		return 0;
	if (target->kind == HW_TYPE_STRUCT && hw_starts_like(joint->program, type, said->target))
		return 1;
	return target->kind == HW_TYPE_BASE && target->size == 1 ? 0 : -1;
}

static void opinions_deinit(struct opinions *opinions)
{
	free(opinions->said);
	free(opinions->first);
	free(opinions->agreements);
	free(opinions->first_agreement);
}

static struct hw_error *allocate(struct opinions *opinions, const struct hw_joint *joint)
{
	size_t prospects = 0, pairs = 0;

	opinions->first = calloc((size_t)joint->cluster_count + 1, sizeof(*opinions->first));
	opinions->first_agreement = calloc(joint->link_count + 1, sizeof(*opinions->first_agreement));
	if (!opinions->first || !opinions->first_agreement)
		return hw_error_no_memory();
	for (uint32_t i = 0; i < joint->cluster_count; i++) {
		opinions->first[i] = (uint32_t)prospects;
		prospects += joint->clusters[i].prospect_count;
	}
	for (size_t i = 0; i < joint->link_count; i++) {
		opinions->first_agreement[i] = pairs;
		pairs += (size_t)joint->clusters[joint->links[i].from].prospect_count *
			 joint->clusters[joint->links[i].to].prospect_count;
	}
	opinions->said = calloc(prospects + 1, sizeof(*opinions->said));
	opinions->agreements = malloc(pairs + 1);
	return opinions->said && opinions->agreements ? NULL : hw_error_no_memory();
}

static void compare_all(struct opinions *opinions, struct hw_joint *joint)
{
	int8_t *slot = opinions->agreements;

	for (size_t l = 0; l < joint->link_count; l++) {
		const struct hw_link *link = &joint->links[l];
		const struct hw_cluster *from = &joint->clusters[link->from],
					*to = &joint->clusters[link->to];

		for (uint32_t i = 0; i < from->prospect_count; i++) {
			const struct hw_said *said = opinions->said[opinions->first[link->from] + i];

			for (uint32_t k = 0; k < to->prospect_count; k++)
				*slot++ = (int8_t)agree(joint, &said[link->word], to->prospects[k].type);
		}
	}
}

static struct hw_error *opinions_init(struct opinions *opinions, struct hw_joint *joint)
{
	struct hw_error *error = allocate(opinions, joint);

	if (error)
		return error;
	for (uint32_t i = 0; i < joint->cluster_count; i++) {
		for (uint32_t k = 0; k < joint->clusters[i].prospect_count; k++)
			hw_joint_say(joint, joint->clusters[i].prospects[k].type,
				opinions->said[opinions->first[i] + k]);
	}
	compare_all(opinions, joint);
	return NULL;
}

/* ------------------------------------------------------------------------------------------------- rounds */

static void believe(struct hw_cluster *cluster, float damping)
{
	float highest = NONE, sum;

	for (uint32_t i = 0; i < cluster->prospect_count; i++)
		highest = hw_max(highest, cluster->prospects[i].score);
	sum = expf(NONE - highest);
	for (uint32_t i = 0; i < cluster->prospect_count; i++)
		sum += expf(cluster->prospects[i].score - highest);
	cluster->none = damping * cluster->none + (1 - damping) * expf(NONE - highest) / sum;
	for (uint32_t i = 0; i < cluster->prospect_count; i++) {
		struct hw_prospect *prospect = &cluster->prospects[i];

		prospect->belief =
			damping * prospect->belief + (1 - damping) * expf(prospect->score - highest) / sum;
	}
}

/* What a prospect of the one gains by what the other may be. */
static float odds(float supported, float neutral, float against)
{
	return logf(SUPPORT * supported + neutral + CONTRADICT * against + 0.001f);
}

/* What `from` may be tells what `to` may be, by what each of them says of it; and the other way round. */
static void pass(struct hw_joint *joint, const int8_t *agreements, const struct hw_link *link)
{
	struct hw_cluster *from = &joint->clusters[link->from], *to = &joint->clusters[link->to];
	const uint32_t froms = from->prospect_count, tos = to->prospect_count;
	float back[HW_PROSPECTS][3], forth[HW_PROSPECTS][3];

	for (uint32_t i = 0; i < froms; i++)
		memcpy(back[i], (const float[3]){ 0, to->none, 0 }, sizeof(back[i]));
	for (uint32_t k = 0; k < tos; k++)
		memcpy(forth[k], (const float[3]){ 0, from->none, 0 }, sizeof(forth[k]));
	for (uint32_t i = 0; i < froms; i++) {
		for (uint32_t k = 0; k < tos; k++) {
			int place = 1 - *agreements++;

			back[i][place] += to->prospects[k].belief;
			forth[k][place] += from->prospects[i].belief;
		}
	}
	for (uint32_t i = 0; i < froms; i++)
		from->prospects[i].score +=
			OUT_WEIGHT * link->share_from * odds(back[i][0], back[i][1], back[i][2]);
	for (uint32_t k = 0; k < tos; k++)
		to->prospects[k].score +=
			IN_WEIGHT * link->share_to * odds(forth[k][0], forth[k][1], forth[k][2]);
}

static void start_round(struct hw_joint *joint)
{
	for (uint32_t i = 1; i < joint->cluster_count; i++) {
		for (uint32_t k = 0; k < joint->clusters[i].prospect_count; k++)
			joint->clusters[i].prospects[k].score = joint->clusters[i].prospects[k].fixed;
	}
}

static void end_round(struct hw_joint *joint, float damping)
{
	for (uint32_t i = 1; i < joint->cluster_count; i++)
		believe(&joint->clusters[i], damping);
}

/*
 * Two families of types may look alike and agree each with itself, so only what is said by others than the
 * type itself speaks for it.
 */
static void add_support(struct hw_joint *joint, const struct opinions *opinions, const struct hw_link *link)
{
	const struct hw_cluster *from = &joint->clusters[link->from];
	struct hw_cluster *to = &joint->clusters[link->to];
	const struct hw_prospect *best = hw_cluster_best(to);

	for (uint32_t i = 0; best && i < from->prospect_count; i++) {
		const struct hw_said *said = &opinions->said[opinions->first[link->from] + i][link->word];

		if (from->prospects[i].type != best->type && agree(joint, said, best->type) > 0)
			to->support += link->share_to * from->prospects[i].belief;
	}
}

static int compare_beliefs(const void *left, const void *right)
{
	const struct hw_prospect *a = left, *b = right;

	return a->belief > b->belief ? -1 : a->belief < b->belief;
}

struct hw_error *hw_joint_propagate(struct hw_joint *joint)
{
	struct opinions opinions = { .said = NULL };
	struct hw_error *error = link_clusters(joint);

	if (!error)
		error = opinions_init(&opinions, joint);
	if (error) {
		opinions_deinit(&opinions);
		return error;
	}
	start_round(joint);
	end_round(joint, 0);
	for (int round = 0; round < ROUNDS; round++) {
		start_round(joint);
		for (size_t i = 0; i < joint->link_count; i++) {
			pass(joint, &opinions.agreements[opinions.first_agreement[i]], &joint->links[i]);
		}
		end_round(joint, DAMPING);
	}
	for (size_t i = 0; i < joint->link_count; i++)
		add_support(joint, &opinions, &joint->links[i]);
	for (uint32_t i = 1; i < joint->cluster_count; i++)
		qsort(joint->clusters[i].prospects, joint->clusters[i].prospect_count,
			sizeof(joint->clusters[i].prospects[0]), compare_beliefs);
	opinions_deinit(&opinions);
	return NULL;
}
