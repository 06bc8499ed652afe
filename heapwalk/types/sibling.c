/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From chunks that have a name to those that look like them: where nearly all named chunks of a shape have
 * one type, the others get it too. Most of all this names what is lost, since no path leads there.
 *
 * Those that no path reached are not like the others by chance: a type that is not found by its variables is
 * never among the named ones. So for what can be reached the named ones must agree nearly all; where
 * something disagrees, it is that which the unnamed ones are. What is lost was like the others before.
 */
#include "heapwalk/types/shape.h"
#include "heapwalk/types/typer.h"

/* So many named chunks speak for a shape, */
#define FEWEST 16

/* and so many in 1000 of them must have one type: of what is lost, and of what is not. */
#define LOST_SHARE      980
#define REACHABLE_SHARE 995

/* From so many in 100 on a lost chunk is given a guess. */
#define GUESS_PERCENT 60

/* From so many in 100 on a guess that says something else stays. */
#define CONTRADICTING_PERCENT 90

/* What the named chunks of one shape say. */
struct votes {
	uint32_t type; /* that has the majority, if one has */
	uint8_t fit;
	bool mixed;      /* a runtime's objects: told by their tags, never by their looks */
	int64_t balance; /* how often `type` is ahead: Boyer and Moore's majority vote */
	uint64_t named;
	uint64_t agree;
	uint64_t agree_by_path; /* of these, those that a path led to */
};

/* Words that are 0 or any number say little: there must be pointers. */
static bool tells_enough(const struct hw_shape *shape)
{
	unsigned pointers = 0, words = 0;

	if (shape->kinds[0] == HW_PATTERN_ANY)
		return false;
	for (unsigned i = 0; i < HW_PATTERN_WORDS; i++) {
		enum hw_kind kind = hw_pattern_kind(shape->kinds, i);

		pointers += hw_kind_is_pointer(kind);
		words += kind != HW_KIND_ZERO && kind != HW_KIND_NONE;
	}
	return pointers && words > 1;
}

static bool has_vote(const struct hw_chunk_type *answer)
{
	return answer->level >= HW_LEVEL_LIKELY && answer->evidence != HW_EVIDENCE_SIBLING;
}

/* What only starts with a type, or is derived from it, is of one kind here and of another there. */
static bool is_whole(const struct hw_chunk_type *answer)
{
	return answer->fit != HW_FIT_PREFIX && answer->fit != HW_FIT_DERIVED;
}

static bool is_by_path(const struct hw_chunk_type *answer)
{
	return answer->evidence == HW_EVIDENCE_PATH || answer->evidence == HW_EVIDENCE_CONTAINER_OF ||
	       answer->evidence == HW_EVIDENCE_HINT;
}

static void find_majority(
	const struct hw_typing *typing, struct votes *votes, const struct hw_chunk_type *answer)
{
	if (typing->types[answer->type].origin == HW_TYPE_ORIGIN_RUNTIME)
		votes->mixed = true;
	votes->named++;
	if (!votes->balance) {
		votes->type = answer->type;
		votes->fit = answer->fit;
	}
	votes->balance += votes->type == answer->type ? 1 : -1;
}

static void count(const struct hw_typing *typing, struct votes *votes)
{
	for (uint32_t i = 0; i < typing->heap->chunks.count; i++) {
		const struct hw_chunk_type *answer = &typing->chunks[i];

		if (answer->shape && has_vote(answer))
			find_majority(typing, &votes[answer->shape], answer);
	}
	for (uint32_t i = 0; i < typing->heap->chunks.count; i++) {
		const struct hw_chunk_type *answer = &typing->chunks[i];

		if (answer->shape && has_vote(answer) && is_whole(answer) &&
			answer->type == votes[answer->shape].type) {
			votes[answer->shape].agree++;
			votes[answer->shape].agree_by_path += is_by_path(answer);
		}
	}
}

static bool is_lost(const struct hw_typer *typer, uint32_t chunk)
{
	return typer->graph && hw_chunk_leak_kind(typer->graph, chunk) >= HW_LEAK_INDIRECT;
}

/* Neighbours in the graph of references tell types apart that look alike: a good guess of another type. */
static bool is_contradicted(const struct hw_chunk_type *answer, const struct votes *votes)
{
	return answer->level == HW_LEVEL_GUESS && answer->percent >= CONTRADICTING_PERCENT &&
	       answer->type != votes->type;
}

static void name(struct hw_typer *typer, uint32_t chunk, const struct votes *votes)
{
	bool lost = is_lost(typer, chunk);
	uint64_t agree = lost ? votes->agree : votes->agree_by_path;
	uint64_t share = lost ? LOST_SHARE : REACHABLE_SHARE;
	bool likely = votes->named >= FEWEST && 1000 * agree >= share * votes->named;
	/* One more may always be another. */
	uint64_t percent = 100 * votes->agree / (votes->named + 1);
	struct hw_chunk_type answer = {
		.type = votes->type,
		.from = UINT32_MAX,
		.level = likely ? HW_LEVEL_LIKELY : HW_LEVEL_GUESS,
		.evidence = HW_EVIDENCE_SIBLING,
		.fit = votes->fit,
		.percent = likely ? 0 : (uint8_t)percent,
	};

	if (likely || (lost && percent >= GUESS_PERCENT))
		hw_typer_offer(typer, chunk, &answer);
}

struct hw_error *hw_typer_siblings(struct hw_typer *typer)
{
	struct hw_typing *typing = typer->typing;
	hw_autofree struct votes *votes = NULL;

	/* Nobody may have been led to by a path, and nothing is known to be lost. */
	if (!typer->graph && !typer->program && !typer->options->hint_count)
		return NULL;
	votes = calloc((size_t)typing->shape_count + 1, sizeof(*votes));
	if (!votes)
		return hw_error_no_memory();
	count(typing, votes);
	for (uint32_t i = 0; i < typing->shape_count; i++)
		votes[i].mixed |= !votes[i].named || !tells_enough(&typing->shapes[i]);
	for (uint32_t i = 0; i < typer->heap->chunks.count; i++) {
		const struct hw_chunk_type *answer = &typing->chunks[i];

		if (answer->shape && answer->level < HW_LEVEL_LIKELY && !votes[answer->shape].mixed &&
			!is_contradicted(answer, &votes[answer->shape]))
			name(typer, i, &votes[answer->shape]);
	}
	return NULL;
}
