/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Places by parent and look, found through a hash; then ordered for reading. */
#include "heapwalk/graph/places.h"

#define NONE        UINT32_MAX
#define FIRST_SLOTS 256 /* a power of two */

static size_t hash(const struct hw_who_place *look)
{
	uint64_t mixed = (uint64_t)look->parent << 32 ^ (uint64_t)look->holder << 7 ^ look->chunk_size << 3 ^
			 (look->type ? (uint64_t)look->type + HW_CONTENTS : (uint64_t)look->content);

	return (size_t)(mixed * UINT64_C(0x9e3779b97f4a7c15) >> 20);
}

/* Chunks of one type are alike, whatever they hold. */
static bool alike(const struct hw_who_place *a, const struct hw_who_place *b)
{
	return a->chunk_size == b->chunk_size && a->holder == b->holder && a->type == b->type &&
	       (a->type || a->content == b->content);
}

static uint32_t *slot_of(const struct hw_places *tree, const struct hw_who_place *look)
{
	size_t mask = tree->slot_count - 1, at = hash(look) & mask;

	while (tree->slots[at]) {
		const struct hw_who_place *place = &tree->places[tree->slots[at] - 1];

		if (place->parent == look->parent && alike(place, look))
			break;
		at = (at + 1) & mask;
	}
	return &tree->slots[at];
}

static bool rehash(struct hw_places *tree)
{
	size_t count = tree->slot_count ? 2 * tree->slot_count : FIRST_SLOTS;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return false;
	free(tree->slots);
	tree->slots = slots;
	tree->slot_count = count;
	for (size_t i = 0; i < tree->count; i++)
		*slot_of(tree, &tree->places[i]) = (uint32_t)i + 1;
	return true;
}

/* The place with this parent and look, made if there is none. */
static uint32_t find(struct hw_places *tree, const struct hw_who_place *look)
{
	struct hw_who_place *place;
	uint32_t *slot;

	if (4 * tree->count >= 3 * tree->slot_count && !rehash(tree))
		return NONE;
	slot = slot_of(tree, look);
	if (*slot)
		return *slot - 1;
	place = hw_array_next(tree->places, tree->count, tree->capacity);
	if (!place)
		return NONE;
	*place = *look;
	*slot = (uint32_t)++tree->count;
	return *slot - 1;
}

uint32_t hw_places_holder(struct hw_places *tree, uint32_t holder)
{
	struct hw_who_place look = { .holder = holder, .parent = NONE };

	return find(tree, &look);
}

static void count_chunk(struct hw_who_place *place, const struct hw_who_place *look, bool meant)
{
	place->several_intos |= place->into != look->into;
	place->into = hw_min(place->into, look->into);
	place->chunks++;
	if (!meant)
		return;
	if (!place->here.chunks)
		place->example = look->example;
	place->here.chunks++;
	place->here.bytes += look->chunk_size;
}

static void join_first(struct hw_who_place *place, const struct hw_who_place *look)
{
	place->several_offsets |= place->offset != look->offset;
	place->several_fields |= place->field != look->field;
	if (look->offset < place->offset)
		place->field = look->field;
	place->offset = hw_min(place->offset, look->offset);
}

static void join_next(struct hw_who_place *place, const struct hw_who_place *look)
{
	if (!place->has_next || look->offset < place->next) {
		place->several_next_fields |= place->has_next && place->next_field != look->field;
		place->next_field = look->field;
	}
	if (!place->has_next)
		place->next = look->offset;
	place->has_next = true;
	place->several_nexts |= place->next != look->offset;
	place->several_next_fields |= place->next_field != look->field;
	place->next = hw_min(place->next, look->offset);
}

uint32_t hw_places_add(struct hw_places *tree, uint32_t parent, const struct hw_who_place *look, bool meant)
{
	struct hw_who_place wanted = *look;
	bool full = tree->count >= HW_PLACES_LIMIT || tree->places[parent].depth >= HW_PLACES_DEPTH;
	uint32_t found;

	wanted.parent = parent;
	wanted.depth = tree->places[parent].depth + 1;
	if (alike(&tree->places[parent], look) || (full && tree->places[parent].holder == NONE)) {
		join_next(&tree->places[parent], look);
		count_chunk(&tree->places[parent], look, meant);
		return parent;
	}
	found = find(tree, &wanted);
	if (found == NONE)
		return NONE;
	join_first(&tree->places[found], look);
	count_chunk(&tree->places[found], look, meant);
	return found;
}

/* The order for reading: parents before children, heavy children first. */
struct ordering {
	struct hw_who_place *places;
	uint32_t *first_child; /* index + 1, 0: none */
	uint32_t *next;        /* sibling, likewise */
	uint32_t *sorted;
};

/* Parents are older than their children. */
static void sum_up(struct hw_places *tree)
{
	for (size_t i = tree->count; i-- > 0;) {
		struct hw_who_place *place = &tree->places[i];

		place->below.chunks += place->here.chunks;
		place->below.bytes += place->here.bytes;
		if (place->parent == NONE)
			continue;
		tree->places[place->parent].below.chunks += place->below.chunks;
		tree->places[place->parent].below.bytes += place->below.bytes;
	}
}

static int compare(const void *left, const void *right, void *argument)
{
	const struct hw_who_place *places = argument;
	const struct hw_who_place *a = &places[*(const uint32_t *)left],
				  *b = &places[*(const uint32_t *)right];

	if (a->below.bytes != b->below.bytes)
		return a->below.bytes > b->below.bytes ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* Links each place to its parent's other children, the heaviest first: by inserting from the lightest on. */
static void link_children(struct ordering *ordering, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ordering->sorted[i] = (uint32_t)i;
	qsort_r(ordering->sorted, count, sizeof(*ordering->sorted), compare, ordering->places);
	for (size_t i = count; i-- > 0;) {
		uint32_t place = ordering->sorted[i], parent = ordering->places[place].parent;
		uint32_t *first = &ordering->first_child[parent == NONE ? count : parent];

		ordering->next[place] = *first;
		*first = place + 1;
	}
}

/* Copies depth first; goes back up by the parents. */
static void copy_in_order(const struct ordering *ordering, size_t count, struct hw_who_place *copies)
{
	uint32_t *numbers = ordering->sorted; /* no longer needed: old index → new */
	uint32_t at = ordering->first_child[count], done = 0;

	while (at) {
		uint32_t place = at - 1, parent = ordering->places[place].parent;

		copies[done] = ordering->places[place];
		copies[done].parent = parent == NONE ? NONE : numbers[parent];
		numbers[place] = done++;
		at = ordering->first_child[place];
		while (!at && place != NONE) {
			at = ordering->next[place];
			place = ordering->places[place].parent;
		}
	}
}

struct hw_error *hw_places_finish(struct hw_places *tree, struct hw_who_place **places, uint32_t *count)
{
	size_t total = tree->count;
	hw_autofree uint32_t *first_child = calloc(total + 1, sizeof(*first_child));
	hw_autofree uint32_t *next = calloc(total + 1, sizeof(*next));
	hw_autofree uint32_t *sorted = calloc(total + 1, sizeof(*sorted));
	struct hw_who_place *copies = calloc(total + 1, sizeof(*copies));
	struct ordering ordering = { tree->places, first_child, next, sorted };

	if (!first_child || !next || !sorted || !copies) {
		free(copies);
		return hw_error_no_memory();
	}
	sum_up(tree);
	link_children(&ordering, total);
	copy_in_order(&ordering, total, copies);
	*places = copies;
	*count = (uint32_t)total;
	return NULL;
}

void hw_places_deinit(struct hw_places *tree)
{
	free(tree->places);
	free(tree->slots);
	*tree = (struct hw_places){ 0 };
}
