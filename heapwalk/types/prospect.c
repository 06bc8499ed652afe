/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which types a shape could have: as large as it is, and with pointers and numbers where the samples have
 * them. What speaks for and against is added up in nats (natural logarithms of odds); the numbers were set
 * by measuring against programs whose types are known.
 */
#include <math.h>

#include "heapwalk/graph/scan.h"
#include "heapwalk/types/joint.h"

#define REFUSED (-100.0f)

/* More samples than this share that a type cannot be: it is not. */
#define REFUSED_SHARE 0.07f

/* ------------------------------------------------------------------------------- what a type says of a word
 */

static void say(struct hw_joint *joint, uint32_t type, uint64_t start, uint64_t limit,
	struct hw_said said[HW_SAMPLE_WORDS], int depth);

static void say_array(struct hw_joint *joint, const struct hw_field *field, uint64_t start, uint64_t limit,
	struct hw_said said[HW_SAMPLE_WORDS], int depth)
{
	uint64_t size = joint->program->types->types[field->target].size;

	for (uint64_t i = 0; i < field->length && start + field->offset + i * size < limit; i++)
		say(joint, field->target, start + field->offset + i * size, limit, said, depth + 1);
}

static void say_field(struct hw_joint *joint, const struct hw_field *field, uint64_t start,
	struct hw_said said[HW_SAMPLE_WORDS])
{
	unsigned word_size = joint->typer->heap->word_size;
	uint64_t at = start + field->offset;
	struct hw_said *here = &said[at / word_size];

	if (at % word_size || field->kind == HW_FIELD_BOOLEAN || (here->is_said && field->is_alternative))
		return;
	*here = (struct hw_said){
		.kind = field->kind,
		.is_said = true,
		.is_alternative = field->is_alternative,
		.is_only = field->is_only,
		.target = field->target,
	};
}

static void say(struct hw_joint *joint, uint32_t type, uint64_t start, uint64_t limit,
	struct hw_said said[HW_SAMPLE_WORDS], int depth)
{
	const struct hw_fields *fields = hw_fields_of(&joint->program->fields, type);

	for (uint32_t i = 0; fields && depth < 8 && i < fields->count; i++) {
		const struct hw_field *field = &fields->fields[i];

		if (start + field->offset + joint->typer->heap->word_size > limit)
			continue;
		if (field->kind == HW_FIELD_ARRAY)
			say_array(joint, field, start, limit, said, depth);
		else
			say_field(joint, field, start, said);
	}
}

void hw_joint_say(struct hw_joint *joint, uint32_t type, struct hw_said said[HW_SAMPLE_WORDS])
{
	uint64_t limit = (uint64_t)HW_SAMPLE_WORDS * joint->typer->heap->word_size;
	const struct hw_fields *fields = hw_fields_of(&joint->program->fields, type);
	uint64_t element;

	memset(said, 0, HW_SAMPLE_WORDS * sizeof(*said));
	if (joint->program->types->types[type].kind == HW_TYPE_POINTER) {
		for (uint64_t at = 0; at < limit; at += joint->typer->heap->word_size)
			say(joint, type, at, limit, said, 0);
		return;
	}
	say(joint, type, 0, limit, said, 0);
	if (!fields || fields->tail == UINT64_MAX)
		return;
	element = joint->program->types->types[fields->tail_type].size;
	for (uint64_t at = fields->tail; element >= joint->typer->heap->word_size && at < limit;
		at += element)
		say(joint, fields->tail_type, at, limit, said, 1);
}

/* -------------------------------------------------------------------------------------- words against fields
 */

static bool is_aggregate(const struct hw_type *type)
{
	return type->kind == HW_TYPE_STRUCT || type->kind == HW_TYPE_UNION;
}

/* A pointer to the start of a chunk: has that the right size? */
static float weigh_start(struct hw_joint *joint, uint32_t target, uint32_t chunk)
{
	const struct hw_type *type = &joint->program->types->types[target];
	uint64_t usable = hw_scan_usable(joint->typer->heap, chunk);
	enum hw_content content = hw_chunk_content(joint->typer->heap, chunk);
	const struct hw_fields *fields;
	bool slack;

	if (type->kind == HW_TYPE_BASE && type->size == 1)
		return content == HW_CONTENT_STRING ? 1.6f : 0.3f;
	if (!is_aggregate(type) || type->is_incomplete || !type->size)
		return 0.8f;
	if (usable < type->size)
		return REFUSED;
	if (content == HW_CONTENT_STRING)
		return -0.5f;
	if (hw_program_fits(joint->program, chunk, usable, type->size, &slack))
		return slack ? 1.3f : 2.0f;
	fields = hw_fields_of(&joint->program->fields, target);
	if (fields && fields->tail != UINT64_MAX)
		return 1.0f;
	return hw_program_fits(joint->program, chunk, usable, usable / type->size * type->size, &slack)
		       ? 0.6f
		       : -1.0f;
}

/* A global that the pointer leads to, of the type that it should be: hardly ever by chance. */
static float weigh_global(struct hw_joint *joint, uint32_t target, uint64_t word)
{
	const struct hw_types *types = joint->program->types;
	const struct hw_variable *variable;

	if (types->types[target].kind != HW_TYPE_STRUCT || types->types[target].is_incomplete)
		return 0.3f;
	variable = hw_types_variable_at(types, word);
	if (!variable)
		return -0.3f;
	if (!hw_check_stands_in(types, variable->type, word - variable->address, target))
		return REFUSED;
	joint->globals_met++;
	return 4.0f;
}

static float weigh_pointer(
	struct hw_joint *joint, const struct hw_said *said, const struct hw_sample_word *word)
{
	const struct hw_type *target = &joint->program->types->types[said->target];

	switch (word->sort) {
	case HW_SORT_START:
		return weigh_start(joint, said->target, word->chunk);
	case HW_SORT_INSIDE:
		return is_aggregate(target) ? -0.3f : 0.3f;
	case HW_SORT_MODULE:
		return weigh_global(joint, said->target, word->word);
	case HW_SORT_ZERO:
		return 0;
	case HW_SORT_MARK:
	case HW_SORT_OTHER:
		return -0.5f;
	case HW_SORT_FREED:
		return -1.0f;
	default:
		return REFUSED;
	}
}

static float weigh_number(const struct hw_sample_word *word)
{
	switch (word->sort) {
	case HW_SORT_ZERO:
		return 0;
	case HW_SORT_NUMBER:
	case HW_SORT_MARK:
		return 0.3f;
	case HW_SORT_START:
	case HW_SORT_INSIDE:
		return REFUSED;
	default:
		return -1.5f;
	}
}

static float weigh_code(const struct hw_sample_word *word, uint8_t wanted)
{
	if (word->sort == wanted)
		return 1.5f;
	return wanted == HW_SORT_CODE && (word->sort == HW_SORT_ZERO || word->sort == HW_SORT_MARK) ? -0.2f
												    : REFUSED;
}

/* Bytes, what lies between members, members of unions: pointers are rare there. */
static float weigh_rest(const struct hw_said *said, const struct hw_sample_word *word)
{
	switch (word->sort) {
	case HW_SORT_START:
		return said->is_said ? 0.3f : -2.0f;
	case HW_SORT_ZERO:
	case HW_SORT_NUMBER:
	case HW_SORT_MARK:
		return 0;
	default:
		return said->is_said ? 0 : -1.0f;
	}
}

/* A pointer into the object itself: to a member of the right type? */
static float weigh_self(struct hw_joint *joint, uint32_t type, uint32_t target, uint64_t offset)
{
	const struct hw_types *types = joint->program->types;

	if (!is_aggregate(&types->types[target]) || types->types[target].is_incomplete)
		return 0.3f;
	return hw_check_stands_in(types, type, offset, target) ? 2.0f : -1.5f;
}

static float weigh_word(struct hw_joint *joint, uint32_t type, const struct hw_said *said,
	const struct hw_sample_word *word, const struct hw_sample *sample)
{
	if (!said->is_said || (said->is_alternative && !(said->is_only && word->sort == HW_SORT_START)))
		return weigh_rest(said, word);
	if (word->sort == HW_SORT_INSIDE && word->chunk == sample->chunk && said->kind == HW_FIELD_POINTER)
		return weigh_self(joint, type, said->target,
			word->word - hw_chunk_user(joint->typer->heap, sample->chunk));
	switch (said->kind) {
	case HW_FIELD_POINTER:
		return weigh_pointer(joint, said, word);
	case HW_FIELD_NUMBER:
		return weigh_number(word);
	case HW_FIELD_CODE:
		return weigh_code(word, HW_SORT_CODE);
	default:
		return weigh_code(word, HW_SORT_MODULE);
	}
}

static float weigh_sample(struct hw_joint *joint, uint32_t type, const struct hw_said said[HW_SAMPLE_WORDS],
	const struct hw_sample *sample, uint64_t size)
{
	uint64_t count = hw_min((uint64_t)sample->count, size / joint->typer->heap->word_size);
	bool is_row = joint->program->types->types[type].kind == HW_TYPE_POINTER;
	unsigned nonzero = 0;
	float sum = 0;

	for (uint64_t i = 0; i < count; i++) {
		float weight = weigh_word(joint, type, &said[i], &joint->words[sample->first + i], sample);

		if (weight <= REFUSED)
			return REFUSED;
		sum += weight;
		nonzero += joint->words[sample->first + i].sort != HW_SORT_ZERO;
	}
	/* Of a row of pointers each says the same once more. */
	return !is_row ? sum : nonzero ? 2 * sum / (float)nonzero : 0;
}

/* The mean over the samples; REFUSED if too many say so. */
static float weigh(struct hw_joint *joint, const struct hw_cluster *cluster, uint32_t type, uint64_t size)
{
	struct hw_said said[HW_SAMPLE_WORDS];
	uint32_t refused = 0, passed = 0;
	float sum = 0;

	hw_joint_say(joint, type, said);
	for (uint32_t i = 0; i < cluster->sample_count; i++) {
		float weight =
			weigh_sample(joint, type, said, &joint->samples[cluster->first_sample + i], size);

		if (weight > REFUSED) {
			sum += weight;
			passed++;
		} else if ((float)++refused > REFUSED_SHARE * (float)cluster->sample_count) {
			return REFUSED;
		}
	}
	return passed ? sum / (float)passed : REFUSED;
}

/* -------------------------------------------------------------------------------------------- which types
 */

static int compare_sizes(const void *left, const void *right, void *argument)
{
	const struct hw_types *types = argument;
	uint64_t a = types->types[*(const uint32_t *)left].size,
		 b = types->types[*(const uint32_t *)right].size;

	return a < b ? -1 : a > b;
}

/* Structs that something in the program is a pointer to. */
static struct hw_error *list_types(struct hw_joint *joint)
{
	const struct hw_types *types = joint->program->types;
	hw_autofree bool *is_used = calloc(types->type_count, sizeof(*is_used));

	joint->sized = calloc(types->type_count, sizeof(*joint->sized));
	joint->tailed = calloc(types->type_count, sizeof(*joint->tailed));
	joint->rowed = calloc(types->type_count, sizeof(*joint->rowed));
	if (!is_used || !joint->sized || !joint->tailed || !joint->rowed)
		return hw_error_no_memory();
	for (uint32_t i = 1; i < types->type_count; i++) {
		if (types->types[i].kind == HW_TYPE_POINTER)
			is_used[hw_type_strip(types, types->types[i].target)] = true;
	}
	for (uint32_t i = 1; i < types->type_count; i++) {
		const struct hw_type *type = &types->types[i];
		const struct hw_fields *fields;

		if (is_used[i] && type->kind == HW_TYPE_POINTER &&
			is_aggregate(&types->types[hw_type_strip(types, type->target)]))
			joint->rowed[joint->rowed_count++] = i;
		if (!is_used[i] || !is_aggregate(type) || type->is_incomplete ||
			type->size < joint->typer->heap->word_size)
			continue;
		joint->sized[joint->sized_count++] = i;
		fields = hw_fields_of(&joint->program->fields, i);
		if (fields && fields->tail != UINT64_MAX)
			joint->tailed[joint->tailed_count++] = i;
	}
	qsort_r(joint->sized, joint->sized_count, sizeof(*joint->sized), compare_sizes, (void *)types);
	return NULL;
}

/* The first of the types that is at least so large. */
static uint32_t first_of_size(const struct hw_joint *joint, uint64_t size)
{
	uint32_t low = 0, high = joint->sized_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (joint->program->types->types[joint->sized[middle]].size < size)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The C library's own types: it allocates little, and nobody asks. */
static bool is_of_libc(const struct hw_joint *joint, uint32_t type)
{
	static const char *const prefixes[] = { "libc.so", "libc-2.", "ld-", "libpthread", "libm.so", "libm-",
		"libresolv" };
	const char *path =
		joint->typer->heap->snapshot->modules[joint->program->types->types[type].module].path;
	const char *name = hw_file_name(path);

	for (size_t i = 0; i < hw_array_size(prefixes); i++) {
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	}
	return false;
}

static bool is_system(const struct hw_joint *joint, uint32_t type)
{
	const struct hw_debug_types *debug = joint->typer->options->debug;

	if (is_of_libc(joint, type))
		return true;
	return debug->is_system && debug->is_system(debug->argument, type);
}

/* Keeps the best. */
static void keep(struct hw_cluster *cluster, const struct hw_prospect *prospect)
{
	uint32_t worst = 0;

	if (cluster->prospect_count < HW_PROSPECTS) {
		cluster->prospects[cluster->prospect_count++] = *prospect;
		return;
	}
	for (uint32_t i = 1; i < HW_PROSPECTS; i++) {
		if (cluster->prospects[i].fixed < cluster->prospects[worst].fixed)
			worst = i;
	}
	if (cluster->prospects[worst].fixed < prospect->fixed)
		cluster->prospects[worst] = *prospect;
}

static void consider(
	struct hw_joint *joint, struct hw_cluster *cluster, uint32_t type, enum hw_fit fit, bool slack)
{
	uint64_t size = joint->program->types->types[type].size;
	uint64_t met = joint->globals_met;
	float weight = weigh(joint, cluster, type, fit == HW_FIT_EXACT ? size : cluster->usable);
	struct hw_prospect prospect = { .type = type, .fit = (uint8_t)fit, .slack = slack };

	if (weight <= REFUSED || is_system(joint, type))
		return;
	prospect.is_anchored = joint->globals_met - met >= cluster->sample_count;
	prospect.fixed = weight + (fit != HW_FIT_EXACT || slack ? -1.0f : 0.5f);
	/* What paths found already is what this program has. */
	if (joint->program->facts[type].exact)
		prospect.fixed += joint->program->facts[type].exact < 16 ? 0.5f : 1.5f;
	if (cluster->base)
		prospect.fixed += hw_starts_like(joint->program, type, cluster->base) ? 2.0f : -4.0f;
	keep(cluster, &prospect);
}

static void find_sized(struct hw_joint *joint, struct hw_cluster *cluster)
{
	const struct hw_types *types = joint->program->types;
	const struct hw_heap *heap = joint->typer->heap;
	uint64_t usable = cluster->usable;
	uint32_t i = first_of_size(joint, usable > 48 ? usable - 47 : 1);

	for (; i < joint->sized_count && types->types[joint->sized[i]].size <= usable; i++) {
		uint64_t least = hw_usable_of(heap, types->types[joint->sized[i]].size);

		if (least == usable || least + 2 * heap->word_size == usable)
			consider(joint, cluster, joint->sized[i], HW_FIT_EXACT, least != usable);
	}
}

static void find_tailed(struct hw_joint *joint, struct hw_cluster *cluster)
{
	for (uint32_t i = 0; i < joint->tailed_count; i++) {
		uint32_t type = joint->tailed[i];
		uint64_t least = hw_usable_of(joint->typer->heap, joint->program->types->types[type].size);

		if (least + 2 * joint->typer->heap->word_size < cluster->usable)
			consider(joint, cluster, type, HW_FIT_TAIL, false);
	}
}

/* Arrays of pointers, as hash tables have them. */
static void find_rows(struct hw_joint *joint, struct hw_cluster *cluster)
{
	const struct hw_sample *sample = &joint->samples[cluster->first_sample];
	unsigned starts = 0, others = 0;

	for (uint32_t i = 0; i < sample->count; i++) {
		uint8_t sort = joint->words[sample->first + i].sort;

		starts += sort == HW_SORT_START;
		others += sort != HW_SORT_START && sort != HW_SORT_ZERO;
	}
	for (uint32_t i = 0; starts > 3 * others && i < joint->rowed_count; i++)
		consider(joint, cluster, joint->rowed[i], HW_FIT_ARRAY, false);
}

/* What is known of most is a prospect of the rest. */
static void find_known(struct hw_joint *joint, struct hw_cluster *cluster)
{
	struct hw_prospect prospect = { .type = cluster->known, .fit = HW_FIT_EXACT };

	if (!cluster->known_chunks)
		return;
	prospect.fixed = weigh(joint, cluster, cluster->known, cluster->usable);
	for (uint32_t i = 0; i < cluster->prospect_count; i++) {
		if (cluster->prospects[i].type == cluster->known) {
			cluster->prospects[i].fixed +=
				8.0f * (float)cluster->known_chunks / (float)cluster->chunks;
			return;
		}
	}
	prospect.fixed = 8.0f * (float)cluster->known_chunks / (float)cluster->chunks;
	keep(cluster, &prospect);
}

struct hw_error *hw_joint_prospect(struct hw_joint *joint)
{
	struct hw_error *error = list_types(joint);

	for (uint32_t i = 1; !error && i < joint->cluster_count; i++) {
		struct hw_cluster *cluster = &joint->clusters[i];

		if (!cluster->sample_count)
			continue;
		if (cluster->unnamed) {
			find_sized(joint, cluster);
			find_tailed(joint, cluster);
			find_rows(joint, cluster);
		}
		find_known(joint, cluster);
	}
	return joint->program->checker.failed ? hw_error_no_memory() : error;
}
