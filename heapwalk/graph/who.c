/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who holds the selected chunks: their shortest ways, merged where the chunks on them look alike. Each chunk
 * on a way gets a place in the tree from its holder's place and its own look, holders before what they hold,
 * so that a list of ten million is merged in one go along it.
 */
#include "heapwalk/graph/graph.h"
#include "heapwalk/graph/path_types.h"
#include "heapwalk/graph/places.h"
#include "heapwalk/graph/scan.h"
#include "heapwalk/graph/shortest.h"
#include "heapwalk/selection.h"

#define NONE UINT32_MAX

/* How many references longer a way counts that starts there: a named variable says more than who uses it. */
static const uint32_t costs[HW_ROOT_KINDS] = {
	[HW_ROOT_GLOBAL] = 0,
	[HW_ROOT_TLS] = 0,
	[HW_ROOT_SPECIFIC] = 0,
	[HW_ROOT_LOADER] = 1,
	[HW_ROOT_MAPPED] = 1,
	[HW_ROOT_DESCRIPTOR] = 2,
	[HW_ROOT_STACK] = 2,
	[HW_ROOT_REGISTER] = 3,
	[HW_ROOT_KERNEL] = 1,
};

#define COSTS 4

/* The reference that a chunk is held by. */
struct link {
	uint32_t offset; /* of the word from its holder's start; capped */
	uint32_t into;
};

struct search {
	const struct hw_graph *graph;
	const struct hw_selection *selection;
	const struct hw_names *names; /* NULL: there are none */
	struct hw_who *who;
	struct hw_way_start *starts;
	uint32_t *start_words; /* start → root word */
	struct hw_ways ways;
	struct hw_chunk_iterator meant;
	uint8_t *flags; /* by chunk */
	struct link *links;
	uint32_t *places;
	uint32_t *runs; /* chunks of its place one behind the other up to this one */
	struct hw_places tree;
	struct hw_path_types path_types;
	uint32_t *types;  /* by chunk: a number of path_types */
	uint32_t scanned; /* the chunk whose words are looked at */
};

enum flag {
	ON_WAY = 1, /* a selected chunk, or one that leads to it */
	HOLDS = 2,  /* leads to another */
	LINKED = 4, /* its link is known */
};

static bool allocate(struct search *search)
{
	size_t chunks = (size_t)search->graph->heap->chunks.count + 1;
	size_t words = search->graph->parts->root_word_count + 1;

	search->starts = calloc(words, sizeof(*search->starts));
	search->start_words = calloc(words, sizeof(*search->start_words));
	search->flags = calloc(chunks, sizeof(*search->flags));
	search->links = calloc(chunks, sizeof(*search->links));
	search->places = calloc(chunks, sizeof(*search->places));
	search->runs = calloc(chunks, sizeof(*search->runs));
	search->types = calloc(chunks, sizeof(*search->types));
	return search->starts && search->start_words && search->flags && search->links && search->places &&
	       search->runs && search->types;
}

static void search_deinit(struct search *search)
{
	free(search->starts);
	free(search->start_words);
	free(search->flags);
	free(search->links);
	free(search->places);
	free(search->runs);
	free(search->types);
	hw_path_types_deinit(&search->path_types);
	hw_ways_deinit(&search->ways);
	hw_places_deinit(&search->tree);
}

static uint32_t order_starts(struct search *search)
{
	const struct hw_graph_parts *parts = search->graph->parts;
	uint32_t count = 0;

	for (uint32_t cost = 0; cost < COSTS; cost++) {
		for (size_t i = 0; i < parts->root_word_count; i++) {
			if (costs[search->graph->roots[parts->root_words[i].root].kind] != cost)
				continue;
			search->start_words[count] = (uint32_t)i;
			search->starts[count++] = (struct hw_way_start){
				.block = hw_reference_target(parts->root_references[i]), .cost = cost
			};
		}
	}
	return count;
}

/* Everything on the way from a selected chunk back to its root. */
static void follow_back(struct search *search, uint32_t chunk)
{
	uint32_t chunks = search->graph->heap->chunks.count;

	while (!(search->flags[chunk] & ON_WAY)) {
		uint32_t holder = search->ways.held_by[chunk];

		search->flags[chunk] |= ON_WAY;
		if (holder >= chunks)
			return;
		search->flags[holder] |= HOLDS;
		chunk = holder;
	}
}

static void tally(struct hw_tally *tally, uint64_t bytes)
{
	tally->chunks++;
	tally->bytes += bytes;
}

static void find_selected(struct search *search)
{
	struct hw_who *who = search->who;
	uint32_t chunk;

	while (hw_chunk_iterator_next(&search->meant, &chunk, NULL)) {
		uint64_t bytes = hw_chunk_size(search->graph->heap, chunk);

		if (!hw_chunk_is_live(search->graph->heap, chunk))
			continue;
		tally(&who->selected, bytes);
		if (search->ways.held_by[chunk] == HW_HELD_BY_NOTHING)
			tally(&who->unheld, bytes);
		else
			follow_back(search, chunk);
	}
}

static uint32_t cap(uint64_t value)
{
	return (uint32_t)hw_min(value, (uint64_t)UINT32_MAX);
}

/* The first word of a holder that refers to a chunk whose way goes through it. */
static bool note_link(void *argument, const struct hw_hit *hit)
{
	struct search *search = argument;
	const struct hw_heap *heap = search->graph->heap;
	uint32_t chunk = hw_reference_target(hit->reference);

	if ((search->flags[chunk] & (ON_WAY | LINKED)) != ON_WAY ||
		search->ways.held_by[chunk] != search->scanned)
		return true;
	search->flags[chunk] |= LINKED;
	search->links[chunk] = (struct link){
		.offset = cap(hit->address - hw_chunk_user(heap, search->scanned)),
		.into = cap(hit->word - hw_chunk_user(heap, chunk)),
	};
	return true;
}

static void find_links(struct search *search)
{
	const struct hw_heap *heap = search->graph->heap;
	struct hw_scan scan;

	hw_scan_init(&scan, heap, search->graph->kinds);
	scan.hit = note_link;
	scan.argument = search;
	for (uint32_t i = 0; i < heap->chunks.count; i++) {
		uint64_t start = hw_chunk_user(heap, i);

		search->scanned = i;
		if (search->flags[i] & HOLDS)
			(void)!hw_scan_range(&scan, start, start + hw_scan_usable(heap, i));
	}
	hw_scan_deinit(&scan);
}

/* A reference into the middle of a chunk says nothing about what the chunk is. */
static void set_type(
	struct search *search, uint32_t chunk, struct hw_path_link link, struct hw_who_place *look)
{
	struct hw_path_chunk found =
		hw_path_types_chunk(&search->path_types, look->into ? 0 : link.target, chunk);

	look->field = link.text;
	look->type = found.text;
	search->types[chunk] = found.type;
}

/* The place of a chunk that a root refers to hangs on its holder's. */
static struct hw_error *first_place(
	struct search *search, uint32_t chunk, uint32_t start, struct hw_who_place *look, uint32_t *parent)
{
	const struct hw_graph *graph = search->graph;
	struct hw_holders *holders = &search->who->holders;
	uint32_t index = search->start_words[start], narrow = holders->of_word[index];
	const struct hw_root_word *word = &graph->parts->root_words[index];
	struct hw_error *error = hw_holders_narrow(holders, search->names, word->address, &narrow);
	struct hw_holder *holder = &holders->holders[narrow];
	uint64_t value = 0;

	if (error)
		return error;
	look->offset = word->address - holder->address;
	if (hw_graph_root_value(graph, word, &value))
		look->into = value - hw_chunk_user(graph->heap, chunk);
	/* The DTV is held by its third word: see root_scan.c. */
	if (!hw_reference_is_interior(graph->parts->root_references[index]))
		look->into = 0;
	set_type(search, chunk,
		hw_path_types_in_variable(&search->path_types,
			hw_path_types_of_holder(&search->path_types, holder), look->offset),
		look);
	*parent = hw_places_holder(&search->tree, narrow);
	return NULL;
}

static void next_place(struct search *search, uint32_t chunk, uint32_t before, struct hw_who_place *look)
{
	look->offset = search->links[chunk].offset;
	look->into = search->links[chunk].into;
	set_type(search, chunk,
		hw_path_types_in_chunk(&search->path_types, search->types[before], look->offset), look);
}

/* `before`: the chunk of the same place that leads to this one, or NONE. */
static void note_run(struct search *search, uint32_t chunk, uint32_t before)
{
	struct hw_who_place *place = &search->tree.places[search->places[chunk]];

	search->runs[chunk] = before == NONE ? 1 : search->runs[before] + 1;
	place->run = hw_max(place->run, (uint64_t)search->runs[chunk]);
}

static struct hw_error *place_chunk(struct search *search, uint32_t chunk)
{
	const struct hw_heap *heap = search->graph->heap;
	uint32_t holder = search->ways.held_by[chunk], parent;
	bool meant = hw_chunk_iterator_visits(&search->meant, chunk);
	struct hw_error *error = NULL;
	struct hw_who_place look = {
		.holder = NONE,
		.chunk_size = hw_chunk_size(heap, chunk),
		.content = hw_chunk_content(heap, chunk),
		.example = chunk,
	};

	if (holder >= heap->chunks.count) {
		error = first_place(search, chunk, holder - heap->chunks.count, &look, &parent);
	} else {
		next_place(search, chunk, holder, &look);
		parent = search->places[holder];
	}
	if (error)
		return error;
	if (parent != NONE)
		search->places[chunk] = hw_places_add(&search->tree, parent, &look, meant);
	if (parent == NONE || search->places[chunk] == NONE || search->path_types.out_of_memory)
		return hw_error_no_memory();
	note_run(search, chunk, search->places[chunk] == parent ? holder : NONE);
	return NULL;
}

/* Texts outlive the look-ups. */
static struct hw_error *name_places(struct search *search)
{
	struct hw_who *who = search->who;
	struct hw_error *error = NULL;

	for (uint32_t i = 0; i < who->count && !error; i++) {
		if (!who->places[i].depth)
			error = hw_holder_find_line(
				&who->holders.holders[who->places[i].holder], search->names);
	}
	who->texts = hw_take(&search->path_types.texts);
	who->text_count = search->path_types.text_count;
	return error;
}

static struct hw_error *find_places(struct search *search)
{
	struct hw_error *error = NULL;

	for (uint32_t i = 0; i < search->ways.count && !error; i++) {
		uint32_t chunk = search->ways.order[i];

		if (search->flags[chunk] & ON_WAY)
			error = place_chunk(search, chunk);
	}
	if (!error)
		error = hw_places_finish(&search->tree, &search->who->places, &search->who->count);
	return error ? error : name_places(search);
}

static struct hw_error *run(struct search *search)
{
	const struct hw_graph *graph = search->graph;
	struct hw_error *error;

	hw_path_types_init(&search->path_types, graph->heap, search->names);
	if (!allocate(search))
		return hw_error_no_memory();
	error = hw_holders_build(graph, search->names, &search->who->holders);
	if (!error)
		error = hw_ways_find(
			&graph->parts->references, search->starts, order_starts(search), &search->ways);
	if (error)
		return error;
	find_selected(search);
	find_links(search);
	return find_places(search);
}

struct hw_error *hw_who_build(const struct hw_graph *graph, const struct hw_selection *selection,
	const struct hw_names *names, struct hw_who **who)
{
	struct search search = {
		.graph = graph,
		.selection = selection,
		.names = names,
		.who = calloc(1, sizeof(*search.who)),
	};
	struct hw_error *error;

	if (!search.who)
		return hw_error_no_memory();
	hw_chunk_iterator_init(&search.meant, graph->heap, selection, false);
	error = run(&search);
	search_deinit(&search);
	if (error) {
		hw_who_destroy(search.who);
		return error;
	}
	*who = search.who;
	return NULL;
}

void hw_who_destroy(struct hw_who *who)
{
	if (!who)
		return;
	hw_holders_deinit(&who->holders);
	for (uint32_t i = 1; i < who->text_count; i++)
		free(who->texts[i]);
	free(who->texts);
	free(who->places);
	free(who);
}
