/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names for the retainers that are told: where a holder is declared, what refers to a chunk, and its type. */
#include "heapwalk/graph/graph.h"
#include "heapwalk/graph/path_types.h"
#include "heapwalk/graph/scan.h"

#define NONE UINT32_MAX

struct naming {
	const struct hw_graph *graph;
	const struct hw_names *names;
	struct hw_retained *retained;
	struct hw_path_types types;
	uint32_t *numbers; /* by retainer: the type of its chunk, a number of `types` */
	struct hw_scan scan;
	uint32_t wanted; /* the chunk that a reference is looked for to */
	uint64_t found;  /* where the word stands */
	bool has_found;
	bool is_interior;
};

static bool note_hit(void *argument, const struct hw_hit *hit)
{
	struct naming *naming = argument;

	if (hw_reference_target(hit->reference) != naming->wanted)
		return true;
	naming->found = hit->address;
	naming->is_interior = hw_reference_is_interior(hit->reference);
	naming->has_found = true;
	return false;
}

/* The first word of one chunk that refers to another. */
static bool find_in_chunk(struct naming *naming, uint32_t chunk, uint32_t wanted)
{
	uint64_t start = hw_chunk_user(naming->graph->heap, chunk);

	naming->wanted = wanted;
	naming->has_found = false;
	(void)!hw_scan_range(&naming->scan, start, start + hw_scan_usable(naming->graph->heap, chunk));
	return naming->has_found;
}

/* The first word of a holder that refers to a chunk. */
static bool find_in_holder(struct naming *naming, uint32_t holder, uint32_t wanted)
{
	const struct hw_graph_parts *parts = naming->graph->parts;

	for (size_t i = 0; i < parts->root_word_count; i++) {
		if (naming->retained->holders.of_word[i] != holder ||
			hw_reference_target(parts->root_references[i]) != wanted)
			continue;
		naming->found = parts->root_words[i].address;
		naming->is_interior = hw_reference_is_interior(parts->root_references[i]);
		return true;
	}
	return false;
}

/* By what a holder refers to a chunk; of a stack it is some variable. */
static struct hw_error *link_from_holder(struct naming *naming, struct hw_retainer *above, uint32_t wanted,
	struct hw_path_link *link, uint32_t *via)
{
	struct hw_holders *holders = &naming->retained->holders;
	uint32_t narrow = above->holder;
	struct hw_error *error;
	struct hw_holder *holder;

	if (!find_in_holder(naming, above->holder, wanted))
		return NULL;
	error = hw_holders_narrow(holders, naming->names, naming->found, &narrow);
	if (error)
		return error;
	if (narrow != above->holder)
		*via = narrow;
	holder = &holders->holders[narrow];
	*link = hw_path_types_in_variable(&naming->types, hw_path_types_of_holder(&naming->types, holder),
		naming->found - holder->address);
	return NULL;
}

/* What a chunk is that stands below `above`, a retainer's index or NONE, and by what it is referred to from
 * there. */
static struct hw_error *name_chunk(struct naming *naming, uint32_t above, uint32_t chunk,
	struct hw_path_link *link, uint32_t *via, struct hw_path_chunk *found)
{
	struct hw_retainer *retainer = above == NONE ? NULL : &naming->retained->retainers[above];
	struct hw_error *error = NULL;

	naming->is_interior = false;
	if (retainer && retainer->holder != NONE)
		error = link_from_holder(naming, retainer, chunk, link, via);
	else if (retainer && naming->numbers[above] && retainer->run == 1 &&
		 find_in_chunk(naming, retainer->chunk, chunk))
		*link = hw_path_types_in_chunk(&naming->types, naming->numbers[above],
			naming->found - hw_chunk_user(naming->graph->heap, retainer->chunk));
	*found = hw_path_types_chunk(&naming->types, naming->is_interior ? 0 : link->target, chunk);
	return error;
}

/* `above`: the retainer right above, or NONE. */
static struct hw_error *name_retainer(struct naming *naming, uint32_t index, uint32_t above)
{
	struct hw_retainer *retainer = &naming->retained->retainers[index];
	struct hw_path_link link = { 0 }, unused = { 0 };
	struct hw_path_chunk found = { 0 };
	uint32_t unused_via;
	struct hw_error *error;

	if (retainer->holder != NONE)
		error = hw_holder_find_line(
			&naming->retained->holders.holders[retainer->holder], naming->names);
	else
		error = name_chunk(naming, above, retainer->chunk, &link, &retainer->via, &found);
	if (error)
		return error;
	retainer->field = link.text;
	retainer->type = found.text;
	naming->numbers[index] = found.type;
	if (retainer->alike.chunks < 2)
		return NULL;
	error = name_chunk(naming, index, retainer->alike_example, &unused, &unused_via, &found);
	retainer->alike_type = found.text;
	return error;
}

static struct hw_error *name_all(struct naming *naming)
{
	const struct hw_retained *retained = naming->retained;
	hw_autofree uint32_t *path = calloc((size_t)retained->count + 1, sizeof(*path));
	struct hw_error *error = NULL;

	naming->numbers = calloc((size_t)retained->count + 1, sizeof(*naming->numbers));
	if (!naming->numbers || !path)
		return hw_error_no_memory();
	for (uint32_t i = 0; i < retained->count && !error; i++) {
		uint32_t depth = retained->retainers[i].depth;

		path[depth] = i;
		error = name_retainer(naming, i, depth ? path[depth - 1] : NONE);
	}
	return error || !naming->types.out_of_memory ? error : hw_error_no_memory();
}

struct hw_error *hw_retained_name(
	const struct hw_graph *graph, const struct hw_names *names, struct hw_retained *retained)
{
	struct naming naming = { .graph = graph, .names = names, .retained = retained };
	struct hw_error *error;

	hw_path_types_init(&naming.types, graph->heap, names);
	hw_scan_init(&naming.scan, graph->heap, graph->kinds);
	naming.scan.hit = note_hit;
	naming.scan.argument = &naming;
	error = name_all(&naming);
	retained->texts = hw_take(&naming.types.texts);
	retained->text_count = retained->texts ? naming.types.text_count : 0;
	hw_scan_deinit(&naming.scan);
	hw_path_types_deinit(&naming.types);
	free(naming.numbers);
	return error;
}
