/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answers: providers run in the order of their evidence, then everything is counted. */
#include "heapwalk/types/pools_pymalloc.h"
#include "heapwalk/types/typer.h"

/* What is told by a chunk's own bytes: all in one pass, before the providers. */
static const struct {
	enum hw_evidence evidence;
	const struct hw_look *look;
} looks[] = {
	{ HW_EVIDENCE_VTABLE, &hw_look_vtables },
	{ HW_EVIDENCE_TAG, &hw_look_cpython },
	{ HW_EVIDENCE_RECORDS, &hw_look_pools },
	{ HW_EVIDENCE_TEXT, &hw_look_texts },
	{ HW_EVIDENCE_MAGIC, &hw_look_formats },
	{ HW_EVIDENCE_NONE, &hw_look_words },
};

static struct hw_error *look(struct hw_typer *typer)
{
	const struct hw_look *wanted[hw_array_size(looks)];

	for (size_t i = 0; i < hw_array_size(looks); i++)
		wanted[i] = typer->options->without & 1u << looks[i].evidence ? NULL : looks[i].look;
	return hw_typer_look(typer, wanted, hw_array_size(looks));
}

/* The others go their own ways: in this order. */
static const struct {
	enum hw_evidence evidence;
	struct hw_error *(*provide)(struct hw_typer *typer);
} providers[] = {
	{ HW_EVIDENCE_NONE, look },
	{ HW_EVIDENCE_PATH, hw_typer_paths },
	{ HW_EVIDENCE_MAGIC, hw_typer_formats },
	{ HW_EVIDENCE_JOINT, hw_typer_joint },
	{ HW_EVIDENCE_RECORDS, hw_typer_records },
	{ HW_EVIDENCE_SIBLING, hw_typer_siblings },
};

static const char *const level_names[] = {
	[HW_LEVEL_UNKNOWN] = "unknown",
	[HW_LEVEL_GUESS] = "guess",
	[HW_LEVEL_LIKELY] = "likely",
	[HW_LEVEL_STRONG] = "strong",
	[HW_LEVEL_CERTAIN] = "certain",
};

static const char *const evidence_names[] = {
	[HW_EVIDENCE_NONE] = "none",
	[HW_EVIDENCE_HINT] = "hint",
	[HW_EVIDENCE_VTABLE] = "vtable",
	[HW_EVIDENCE_TAG] = "tag",
	[HW_EVIDENCE_CONTAINER] = "container",
	[HW_EVIDENCE_PATH] = "path",
	[HW_EVIDENCE_CONTAINER_OF] = "container_of",
	[HW_EVIDENCE_TEXT] = "text",
	[HW_EVIDENCE_MAGIC] = "magic",
	[HW_EVIDENCE_RECORDS] = "records",
	[HW_EVIDENCE_SIBLING] = "sibling",
	[HW_EVIDENCE_JOINT] = "joint",
	[HW_EVIDENCE_SIZE] = "size",
};

static const char *const fit_names[] = {
	[HW_FIT_EXACT] = "exact",
	[HW_FIT_ARRAY] = "array",
	[HW_FIT_TAIL] = "tail",
	[HW_FIT_PREFIX] = "prefix",
	[HW_FIT_DERIVED] = "derived",
};

static const char *const origin_names[] = {
	[HW_TYPE_ORIGIN_CXX] = "C++ class",
	[HW_TYPE_ORIGIN_DEBUG] = "debug information",
	[HW_TYPE_ORIGIN_RUNTIME] = "runtime",
	[HW_TYPE_ORIGIN_CONTAINER] = "container",
	[HW_TYPE_ORIGIN_TEXT] = "text",
	[HW_TYPE_ORIGIN_FORMAT] = "format",
	[HW_TYPE_ORIGIN_POOL] = "pool",
};

const char *hw_level_name(enum hw_level level)
{
	return level_names[level];
}

bool hw_level_parse(const char *name, enum hw_level *level)
{
	for (int i = 0; i < HW_LEVELS; i++) {
		if (!strcmp(name, level_names[i])) {
			*level = (enum hw_level)i;
			return true;
		}
	}
	return false;
}

const char *hw_evidence_name(enum hw_evidence evidence)
{
	return evidence_names[evidence];
}

const char *hw_fit_name(enum hw_fit fit)
{
	return fit_names[fit];
}

const char *hw_type_origin_name(enum hw_type_origin origin)
{
	return origin_names[origin];
}

static uint32_t hash(const struct hw_named_type *type)
{
	uint32_t sum = 2166136261u ^ type->origin ^ type->module * 31 ^ type->catalogue * 2654435761u;

	for (const char *at = type->name; *at; at++)
		sum = (sum ^ (uint8_t)*at) * 16777619u;
	return sum;
}

static bool is_same(const struct hw_named_type *a, const struct hw_named_type *b)
{
	return a->origin == b->origin && a->module == b->module && a->catalogue == b->catalogue &&
	       !strcmp(a->name, b->name);
}

/* The slot that holds the type, or the empty one where it belongs. The table is never full. */
static uint32_t *find_slot(const struct hw_typing *typing, const struct hw_named_type *type)
{
	uint32_t mask = typing->interned_capacity - 1;
	uint32_t at = hash(type) & mask;

	while (typing->interned[at] && !is_same(&typing->types[typing->interned[at]], type))
		at = (at + 1) & mask;
	return &typing->interned[at];
}

/* Keeps the table at most half full. */
static struct hw_error *grow_interned(struct hw_typing *typing)
{
	uint32_t *old = typing->interned;

	if (typing->type_count < typing->interned_capacity / 2)
		return NULL;
	typing->interned_capacity = typing->interned_capacity ? typing->interned_capacity * 2 : 256;
	typing->interned = calloc(typing->interned_capacity, sizeof(*typing->interned));
	if (!typing->interned) {
		typing->interned = old;
		typing->interned_capacity /= 2;
		return hw_error_no_memory();
	}
	free(old);
	for (uint32_t i = 1; i < typing->type_count; i++)
		*find_slot(typing, &typing->types[i]) = i;
	return NULL;
}

static struct hw_error *add_type(struct hw_typing *typing, const struct hw_named_type *type, uint32_t *number)
{
	struct hw_named_type *made;
	char *name = strdup(type->name);

	if (!name || !hw_array_reserve(&typing->types, typing->type_count, &typing->type_capacity,
			     sizeof(*typing->types))) {
		free(name);
		return hw_error_no_memory();
	}
	made = &typing->types[typing->type_count];
	*made = *type;
	made->name = name;
	made->chunks = made->bytes = 0;
	made->lowest = HW_LEVEL_CERTAIN;
	made->highest = HW_LEVEL_UNKNOWN;
	*number = typing->type_count++;
	return NULL;
}

struct hw_error *hw_typer_intern(struct hw_typer *typer, const struct hw_named_type *type, uint32_t *number)
{
	struct hw_error *error = grow_interned(typer->typing);
	uint32_t *slot;

	if (error)
		return error;
	slot = find_slot(typer->typing, type);
	if (*slot) {
		*number = *slot;
		return NULL;
	}
	error = add_type(typer->typing, type, number);
	if (!error)
		*slot = *number;
	return error;
}

bool hw_typer_offer(struct hw_typer *typer, uint32_t chunk, const struct hw_chunk_type *answer)
{
	struct hw_chunk_type *kept = &typer->typing->chunks[chunk];
	uint32_t shape = kept->shape;

	if (answer->level < kept->level ||
		(answer->level == kept->level && answer->evidence >= kept->evidence))
		return false;
	*kept = *answer;
	kept->shape = shape;
	return true;
}

static void count_chunk(struct hw_typing *typing, uint32_t index)
{
	const struct hw_chunk_type *answer = &typing->chunks[index];
	struct hw_named_type *type = &typing->types[answer->type];
	uint64_t usable = hw_chunk_usable(typing->heap, index);

	type->chunks++;
	type->bytes += usable;
	type->lowest = hw_min(type->lowest, (enum hw_level)answer->level);
	type->highest = hw_max(type->highest, (enum hw_level)answer->level);
	typing->level_chunks[answer->level]++;
	typing->level_bytes[answer->level] += usable;
	if (answer->evidence == HW_EVIDENCE_TEXT) {
		typing->text_chunks++;
		typing->text_bytes += usable;
	}
}

/* Counts the answers that are sure enough, and drops the others. */
static void count(struct hw_typing *typing, enum hw_level minimum)
{
	for (uint32_t i = 0; i < typing->heap->chunks.count; i++) {
		struct hw_chunk_type *answer = &typing->chunks[i];

		if (answer->level < minimum)
			*answer = (struct hw_chunk_type){ .from = UINT32_MAX, .shape = answer->shape };
		if (hw_chunk_is_live(typing->heap, i))
			count_chunk(typing, i);
	}
}

static struct hw_error *init(struct hw_typing *typing, const struct hw_heap *heap)
{
	struct hw_named_type unknown = { .name = "unknown", .module = UINT32_MAX };
	uint32_t number;

	typing->heap = heap;
	typing->chunks = calloc((size_t)heap->chunks.count + 1, sizeof(*typing->chunks));
	if (!typing->chunks)
		return hw_error_no_memory();
	return add_type(typing, &unknown, &number);
}

static struct hw_error *provide(struct hw_typer *typer)
{
	struct hw_error *error = NULL;

	for (size_t i = 0; !error && i < hw_array_size(providers); i++) {
		if (!(typer->options->without & 1u << providers[i].evidence))
			error = providers[i].provide(typer);
	}
	return error;
}

struct hw_error *hw_typing_build(const struct hw_heap *heap, const struct hw_graph *graph,
	const struct hw_typing_options *options, struct hw_typing **typing)
{
	struct hw_typing *made = calloc(1, sizeof(*made));
	struct hw_typer typer = { .heap = heap, .graph = graph, .options = options, .typing = made };
	struct hw_error *error;

	if (!made)
		return hw_error_no_memory();
	error = init(made, heap);
	if (!error)
		error = hw_addresses_create(heap->snapshot, &typer.addresses);
	if (!error)
		error = provide(&typer);
	hw_pymalloc_destroy(typer.arenas);
	hw_addresses_destroy(typer.addresses);
	hw_program_destroy(typer.program);
	hw_catalogue_names_destroy(typer.by_name);
	if (error) {
		hw_typing_destroy(made);
		return error;
	}
	count(made, options->minimum);
	*typing = made;
	return NULL;
}

void hw_typing_destroy(struct hw_typing *typing)
{
	if (!typing)
		return;
	for (uint32_t i = 0; i < typing->type_count; i++)
		free((char *)typing->types[i].name);
	for (uint32_t i = 0; i < typing->shape_count; i++)
		free(typing->shapes[i].text);
	for (uint32_t i = 0; i < typing->source_count; i++)
		free(typing->sources[i].name);
	free(typing->types);
	free(typing->shapes);
	free(typing->sources);
	free(typing->pools);
	free(typing->interned);
	free(typing->chunks);
	free(typing);
}
