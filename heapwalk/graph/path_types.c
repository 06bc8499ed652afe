/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Types along a way. Millions of chunks take the same few steps: each is looked up once. */
#include "heapwalk/graph/path_types.h"

#define FIRST_SLOTS 256 /* a power of two */

/* Beyond these, steps are looked up again and again, and what is new has no name. */
#define STEPS_LIMIT ((size_t)1 << 20)
#define TEXTS_LIMIT 4096

/* From something of type `type` by the word at `offset`. */
struct hw_path_step {
	uint64_t offset;
	uint32_t type; /* 0: an empty slot */
	struct hw_path_link link;
};

/* The number of a text; takes it over. Texts are few: there is one for each member that was gone through. */
static uint32_t keep_text(struct hw_path_types *types, char *text)
{
	char **slot;

	for (uint32_t i = 1; text && i < types->text_count; i++) {
		if (!strcmp(types->texts[i], text)) {
			free(text);
			return i;
		}
	}
	slot = text && types->text_count < TEXTS_LIMIT
		       ? hw_array_next(types->texts, types->text_count, types->text_capacity)
		       : NULL;
	if (!slot) {
		types->out_of_memory |= types->text_count < TEXTS_LIMIT;
		free(text);
		return 0;
	}
	*slot = text;
	return types->text_count++;
}

void hw_path_types_init(struct hw_path_types *types, const struct hw_heap *heap, const struct hw_names *names)
{
	bool know = names && names->layout && names->field;

	*types = (struct hw_path_types){
		.heap = heap,
		.names = know ? names : NULL,
		.typing = names ? names->typing : NULL,
		.text_count = 1,
	};
	if (!hw_array_reserve(&types->texts, 0, &types->text_capacity, sizeof(*types->texts))) {
		types->out_of_memory = true;
		return;
	}
	types->texts[0] = NULL;
	types->element = keep_text(types, strdup("[]"));
	if (types->typing)
		types->named = calloc(2 * (size_t)types->typing->type_count + 1, sizeof(*types->named));
	types->out_of_memory |= types->typing && !types->named;
}

void hw_path_types_deinit(struct hw_path_types *types)
{
	for (uint32_t i = 1; types->texts && i < types->text_count; i++)
		free(types->texts[i]);
	free(types->texts);
	free(types->named);
	free(types->steps);
	*types = (struct hw_path_types){ 0 };
}

/* "buckets[3].next" as "buckets[].next": an array's elements are alike. NULL: memory is short. */
static char *without_indexes(const char *name)
{
	char *text = strdup(name), *to = text;

	for (const char *at = name; text && *at; at++) {
		*to++ = *at;
		if (*at == '[')
			at += strspn(at + 1, "0123456789");
	}
	if (text)
		*to = '\0';
	return text;
}

static struct hw_path_link look_up(struct hw_path_types *types, uint32_t type, uint64_t offset)
{
	const struct hw_names *names = types->names;
	struct hw_named_field field;

	if (!names->field(names->argument, type, offset, &field))
		return (struct hw_path_link){ 0 };
	return (struct hw_path_link){
		.text = keep_text(types, without_indexes(field.name)),
		.target = field.target,
	};
}

static struct hw_path_step *slot_of(const struct hw_path_types *types, uint32_t type, uint64_t offset)
{
	size_t mask = types->step_slots - 1;
	size_t at = (size_t)(((uint64_t)type << 32 ^ offset) * UINT64_C(0x9e3779b97f4a7c15) >> 24) & mask;

	while (types->steps[at].type && (types->steps[at].type != type || types->steps[at].offset != offset))
		at = (at + 1) & mask;
	return &types->steps[at];
}

static bool rehash(struct hw_path_types *types)
{
	struct hw_path_step *old = types->steps;
	size_t old_slots = types->step_slots, slots = old_slots ? 2 * old_slots : FIRST_SLOTS;
	struct hw_path_step *steps = calloc(slots, sizeof(*steps));

	if (!steps)
		return false;
	types->steps = steps;
	types->step_slots = slots;
	for (size_t i = 0; i < old_slots; i++) {
		if (old[i].type)
			*slot_of(types, old[i].type, old[i].offset) = old[i];
	}
	free(old);
	return true;
}

static struct hw_path_link remembered(struct hw_path_types *types, uint32_t type, uint64_t offset)
{
	struct hw_path_step *step;

	if (4 * types->step_count >= 3 * types->step_slots &&
		(types->step_count >= STEPS_LIMIT || !rehash(types)))
		return look_up(types, type, offset);
	step = slot_of(types, type, offset);
	if (!step->type) {
		*step = (struct hw_path_step){ offset, type, look_up(types, type, offset) };
		types->step_count++;
	}
	return step->link;
}

static bool layout_of(struct hw_path_types *types, uint32_t type, struct hw_named_layout *layout)
{
	return type && types->names && types->names->layout(types->names->argument, type, layout);
}

uint32_t hw_path_types_of_holder(struct hw_path_types *types, struct hw_holder *holder)
{
	const struct hw_names *names = types->names;
	uint64_t start = 0, block = 0;
	bool found = false;

	if (!names || holder->type_is_known)
		return holder->type;
	holder->type_is_known = true;
	if (holder->kind == HW_ROOT_TLS && holder->name && names->thread_local_type) {
		block = holder->block;
		found = names->thread_local_type(
			names->argument, holder->module, holder->address - block, &holder->type, &start);
	} else if ((holder->kind == HW_ROOT_GLOBAL || holder->kind == HW_ROOT_LOADER) && names->type_at) {
		found = names->type_at(names->argument, holder->address, &holder->type, &start);
	}
	/* Offsets count from the symbol: a variable that starts elsewhere is another one. */
	if (!found || block + start != holder->address)
		holder->type = 0;
	return holder->type;
}

struct hw_path_link hw_path_types_in_variable(struct hw_path_types *types, uint32_t type, uint64_t offset)
{
	return type && types->names ? remembered(types, type, offset) : (struct hw_path_link){ 0 };
}

struct hw_path_link hw_path_types_in_chunk(struct hw_path_types *types, uint32_t type, uint64_t offset)
{
	struct hw_named_layout layout;
	struct hw_path_link link;

	if (!layout_of(types, type, &layout))
		return (struct hw_path_link){ 0 };
	if (!layout.is_pointer && (layout.is_open_ended || offset < layout.size))
		return remembered(types, type, offset);
	if (!layout.is_pointer)
		return remembered(types, type, layout.size ? offset % layout.size : 0);
	/* No chunk is so small that it has room for one only. */
	if (!layout.size || offset % layout.size)
		return (struct hw_path_link){ 0 };
	link = remembered(types, type, 0);
	link.text = types->element;
	return link;
}

/* malloc rounds up, and leaves no remainder smaller than the least chunk: so much more may a chunk have. */
static bool is_about(const struct hw_heap *heap, uint64_t size, uint32_t chunk)
{
	uint64_t least = hw_heap_request_to_chunk(heap, size), has = hw_chunk_size(heap, chunk);

	if (hw_chunk_state(heap, chunk) == HW_CHUNK_MMAPPED)
		return hw_chunk_usable(heap, chunk) - size < heap->snapshot->page_size;
	return has >= least && has - least <= heap->alignment;
}

/* `type` if a chunk can be one, or an array of such pointers or numbers; else 0. */
static uint32_t fit(struct hw_path_types *types, uint32_t type, uint32_t chunk)
{
	struct hw_named_layout layout;

	if (!layout_of(types, type, &layout) || !layout.size ||
		layout.size > hw_chunk_usable(types->heap, chunk))
		return 0;
	if (layout.is_pointer || layout.is_number || layout.is_open_ended)
		return type;
	return is_about(types->heap, layout.size, chunk) ? type : 0;
}

static uint32_t join_text(struct hw_path_types *types, const char *name, bool is_array)
{
	hw_autofree char *text = NULL;

	if (asprintf(&text, "%s%s", name, is_array ? "[]" : "") < 0) {
		text = NULL;
		types->out_of_memory = true;
		return 0;
	}
	return keep_text(types, hw_take(&text));
}

static struct hw_path_chunk by_reference(struct hw_path_types *types, uint32_t target, uint32_t chunk)
{
	struct hw_path_chunk found = { .type = fit(types, target, chunk) };
	struct hw_named_layout layout;

	if (layout_of(types, found.type, &layout))
		found.text = join_text(types, layout.name, layout.is_pointer || layout.is_number);
	return found;
}

static struct hw_path_chunk by_itself(struct hw_path_types *types, const struct hw_chunk_type *answer)
{
	const struct hw_named_type *type = &types->typing->types[answer->type];
	/* Bodies of containers and the like are arrays by name already. */
	bool is_array = answer->fit == HW_FIT_ARRAY &&
			(type->origin == HW_TYPE_ORIGIN_DEBUG || type->origin == HW_TYPE_ORIGIN_CXX);
	uint32_t *text = &types->named[2 * answer->type + is_array];

	if (!*text)
		*text = join_text(types, type->name, is_array);
	return (struct hw_path_chunk){ .text = *text, .type = type->catalogue };
}

struct hw_path_chunk hw_path_types_chunk(struct hw_path_types *types, uint32_t target, uint32_t chunk)
{
	const struct hw_chunk_type *answer = types->named ? hw_chunk_type(types->typing, chunk) : NULL;

	return answer && hw_chunk_type_is_told(answer, HW_LEVEL_STRONG) ? by_itself(types, answer)
									: by_reference(types, target, chunk);
}
