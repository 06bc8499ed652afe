/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands out. Each rule must stay silent on a healthy program, however large. */
#include "heapwalk/graph/graph.h"
#include "heapwalk/heap.h"

#define LOST_SHARE    0.01
#define LOST_BYTES    ((uint64_t)64 << 10)
#define LOST_FAMILIES 16

#define HOLDER_SHARE  0.5
#define HOLDER_BYTES  ((uint64_t)16 << 20)
#define HOLDER_CHUNKS 10000

const char *hw_finding_kind_name(enum hw_finding_kind kind)
{
	static const char *const names[HW_FINDINGS] = {
		[HW_FINDING_LOST] = "lost",
		[HW_FINDING_HOLDER] = "holder",
		[HW_FINDING_FREE] = "free",
		[HW_FINDING_OUTSIDE] = "outside",
	};

	return names[kind];
}

static uint64_t live_bytes(const struct hw_heap *heap)
{
	return hw_max(heap->tallies[HW_CHUNK_LIVE].bytes + heap->tallies[HW_CHUNK_MMAPPED].bytes, 1u);
}

static void add(struct hw_verdict *verdict, const struct hw_finding *finding)
{
	if (verdict->count < HW_VERDICT_LIMIT)
		verdict->findings[verdict->count++] = *finding;
}

/* All that is lost, by the example of the group with the most bytes. */
static void judge_lost(struct hw_verdict *verdict, const struct hw_heap *heap)
{
	const struct hw_leaks *leaks = verdict->leaks;
	struct hw_finding finding = {
		.kind = HW_FINDING_LOST,
		.chunks = leaks->definite.chunks + leaks->indirect.chunks,
		.bytes = leaks->definite.bytes + leaks->indirect.bytes,
	};

	finding.share = (double)finding.bytes / (double)live_bytes(heap);
	if (!finding.chunks)
		return;
	if (finding.share >= LOST_SHARE || finding.bytes >= LOST_BYTES ||
		leaks->groups[0].families >= LOST_FAMILIES)
		add(verdict, &finding);
}

/* Below a holder, the retainer that has the most chunks of one size right below it. */
static uint32_t find_collection(const struct hw_retained *retained, uint32_t holder)
{
	uint32_t best = holder;

	for (uint32_t i = holder + 1; i < retained->count && retained->retainers[i].depth; i++) {
		if (retained->retainers[i].alike.chunks > retained->retainers[best].alike.chunks)
			best = i;
	}
	return best;
}

/*
 * The holder of what most is retained by. Where several variables refer to one block that keeps it, the first
 * of these, and how many there are beside it. False: other blocks hold it.
 */
static bool find_holder(
	const struct hw_graph *graph, const struct hw_retained *retained, struct hw_finding *finding)
{
	const struct hw_retainer *first = retained->retainers;
	uint32_t last = UINT32_MAX;

	finding->holder = first->holder;
	for (size_t i = 0; i < graph->parts->root_word_count && first->holder == UINT32_MAX; i++) {
		uint32_t holder = retained->holders.of_word[i];

		if (graph->parts->root_references[i] != first->chunk || holder == last ||
			retained->holders.holders[holder].kind == HW_ROOT_STACK ||
			retained->holders.holders[holder].kind == HW_ROOT_REGISTER)
			continue;
		finding->beside += finding->holder != UINT32_MAX;
		finding->holder = hw_min(finding->holder, holder);
		last = holder;
	}
	return finding->holder != UINT32_MAX;
}

static void judge_holder(struct hw_verdict *verdict, const struct hw_graph *graph)
{
	const struct hw_retained *retained = verdict->retained;
	const struct hw_retainer *first = retained->retainers;
	struct hw_finding finding = { .kind = HW_FINDING_HOLDER };

	if (!retained->count || first->retained.bytes < HOLDER_BYTES ||
		first->retained.chunks < HOLDER_CHUNKS || !find_holder(graph, retained, &finding))
		return;
	finding.chunks = first->retained.chunks;
	finding.bytes = first->retained.bytes;
	finding.share = (double)first->retained.bytes / (double)live_bytes(graph->heap);
	finding.retainer = find_collection(retained, 0);
	if (finding.share >= HOLDER_SHARE)
		add(verdict, &finding);
}

static void judge_balance(struct hw_verdict *verdict)
{
	struct hw_finding finding = { .share = verdict->balance.share };

	if (verdict->balance.kind != HW_BALANCE_FREE && verdict->balance.kind != HW_BALANCE_OUTSIDE)
		return;
	finding.kind = verdict->balance.kind == HW_BALANCE_FREE ? HW_FINDING_FREE : HW_FINDING_OUTSIDE;
	add(verdict, &finding);
}

static struct hw_error *name_holder(struct hw_holder *holder, const struct hw_names *names)
{
	struct hw_named_place place;

	if ((holder->kind != HW_ROOT_GLOBAL && holder->kind != HW_ROOT_LOADER) || !names || !names->place ||
		!names->place(names->argument, holder->address, &place))
		return NULL;
	holder->name = strdup(place.name);
	if (!holder->name)
		return hw_error_no_memory();
	holder->is_section = place.is_section;
	return hw_holder_find_line(holder, names);
}

/* Symbols are looked up for the one holder that is told, not for all: that would open every module's file. */
static struct hw_error *name_holders(struct hw_verdict *verdict, const struct hw_names *names)
{
	struct hw_holder *holders = verdict->retained->holders.holders;
	struct hw_error *error = NULL;

	for (unsigned i = 0; i < verdict->count && !error; i++) {
		if (verdict->findings[i].kind == HW_FINDING_HOLDER)
			error = name_holder(&holders[verdict->findings[i].holder], names);
	}
	return error;
}

static struct hw_error *judge_graph(
	struct hw_verdict *verdict, const struct hw_graph *graph, const struct hw_names *names)
{
	static const struct hw_selection everything;
	struct hw_error *error =
		hw_leaks_build(graph, &everything, names ? names->typing : NULL, &verdict->leaks);

	if (!error)
		error = hw_retained_build(graph, NULL, NULL, &verdict->retained);
	if (error)
		return error;
	verdict->has_graph = true;
	verdict->is_certain = !graph->missing && !graph->unread && !graph->heap->missing;
	judge_lost(verdict, graph->heap);
	judge_holder(verdict, graph);
	return name_holders(verdict, names);
}

struct hw_error *hw_verdict_build(const struct hw_heap *heap, const struct hw_accounting *accounting,
	const struct hw_graph *graph, const struct hw_names *names, struct hw_verdict **verdict)
{
	struct hw_verdict *made = calloc(1, sizeof(*made));
	struct hw_error *error = NULL;

	if (!made)
		return hw_error_no_memory();
	made->balance = hw_balance_of(heap, accounting);
	if (graph)
		error = judge_graph(made, graph, names);
	if (error) {
		hw_verdict_destroy(made);
		return error;
	}
	judge_balance(made);
	*verdict = made;
	return NULL;
}

void hw_verdict_destroy(struct hw_verdict *verdict)
{
	if (!verdict)
		return;
	hw_leaks_destroy(verdict->leaks);
	hw_retained_destroy(verdict->retained);
	free(verdict);
}
