/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything about one chunk, in lines. */
#include <inttypes.h>

#include "heapwalk/graph/graph.h"
#include "heapwalk/types/explain_path.h"

/* Lines of one part at most: a screen, not a list. */
#define PART_LIMIT 12

struct maker {
	const struct hw_explainer *explainer;
	struct hw_explanation *made;
	uint32_t chunk;
	uint64_t user;
	uint64_t usable;
};

static const char *const part_names[] = {
	[HW_EXPLAIN_IS] = "is",
	[HW_EXPLAIN_BECAUSE] = "because",
	[HW_EXPLAIN_COULD_BE] = "could be",
	[HW_EXPLAIN_HELD_BY] = "held by",
	[HW_EXPLAIN_HOLDS] = "holds",
	[HW_EXPLAIN_BESIDE] = "beside",
};

const char *hw_explain_part_name(enum hw_explain_part part)
{
	return part_names[part];
}

/* Adds a line; `text` is taken over. A NULL text is memory that was short. */
static struct hw_error *add_line(
	struct maker *maker, enum hw_explain_part part, uint64_t address, uint32_t chunk, char *text)
{
	struct hw_explanation *made = maker->made;
	struct hw_explain_line *line = text ? hw_array_next(made->lines, made->count, made->capacity) : NULL;

	if (!line) {
		free(text);
		return hw_error_no_memory();
	}
	*line = (struct hw_explain_line){ .part = part, .address = address, .chunk = chunk, .text = text };
	made->count++;
	return NULL;
}

static char *format(const char *text, ...) hw_printf(1, 2);
static char *format(const char *text, ...)
{
	va_list arguments;
	char *made = NULL;
	int length;

	va_start(arguments, text);
	length = vasprintf(&made, text, arguments);
	va_end(arguments);
	return length < 0 ? NULL : made;
}

/* A chunk in a few words: "Session, 48 bytes", "free (tcache), 32 bytes". The caller frees it. */
static char *describe(const struct hw_explainer *explainer, uint32_t chunk)
{
	const struct hw_chunk_type *answer = hw_chunk_type(explainer->typing, chunk);
	enum hw_chunk_state state = hw_chunk_state(explainer->heap, chunk);

	if (!hw_chunk_is_live(explainer->heap, chunk))
		return format("%s, %" PRIu64 " bytes with its header", hw_chunk_state_name(state),
			hw_chunk_size(explainer->heap, chunk));
	if (answer->level == HW_LEVEL_UNKNOWN)
		return format("%" PRIu64 " bytes, %s", hw_chunk_usable(explainer->heap, chunk),
			hw_content_name(hw_chunk_content(explainer->heap, chunk)));
	return format("%s (%s), %" PRIu64 " bytes", explainer->typing->types[answer->type].name,
		hw_level_name(answer->level), hw_chunk_usable(explainer->heap, chunk));
}

/* ----------------------------------------------------------------------------------------------- what it is
 */

static struct hw_error *say_size(struct maker *maker)
{
	const struct hw_heap *heap = maker->explainer->heap;
	const struct hw_graph *graph = maker->explainer->graph;
	uint64_t low, high;

	hw_heap_chunk_to_requests(heap, hw_chunk_size(heap, maker->chunk), &low, &high);
	return add_line(maker, HW_EXPLAIN_IS, 0, UINT32_MAX,
		format("%s, %" PRIu64 " usable bytes: malloc(%" PRIu64 ") to malloc(%" PRIu64 ")%s%s",
			hw_chunk_state_name(hw_chunk_state(heap, maker->chunk)), maker->usable, low, high,
			graph ? ", " : "",
			graph ? hw_leak_kind_name(hw_chunk_leak_kind(graph, maker->chunk)) : ""));
}

static const char *fit_words(enum hw_fit fit)
{
	static const char *const words[] = {
		[HW_FIT_EXACT] = "",
		[HW_FIT_ARRAY] = ", several in a row",
		[HW_FIT_TAIL] = " with an array behind it",
		[HW_FIT_PREFIX] = " at its start, and more",
		[HW_FIT_DERIVED] = ", or something derived from it",
	};

	return words[fit];
}

static struct hw_error *say_type(struct maker *maker)
{
	const struct hw_typing *typing = maker->explainer->typing;
	const struct hw_chunk_type *answer = hw_chunk_type(typing, maker->chunk);
	const struct hw_named_type *named = &typing->types[answer->type];
	const struct hw_snapshot *snapshot = maker->explainer->heap->snapshot;
	const char *module =
		named->module < snapshot->module_count ? snapshot->modules[named->module].path : NULL;

	if (answer->level == HW_LEVEL_UNKNOWN)
		return add_line(maker, HW_EXPLAIN_IS, 0, UINT32_MAX,
			answer->shape
				? format("of unknown type; its words: %s", typing->shapes[answer->shape].text)
				: format("of unknown type"));
	if (answer->level == HW_LEVEL_GUESS)
		return add_line(maker, HW_EXPLAIN_IS, 0, UINT32_MAX,
			format("%s%s: a guess, %u %% probable", named->name, fit_words(answer->fit),
				(unsigned)answer->percent));
	return add_line(maker, HW_EXPLAIN_IS, 0, UINT32_MAX,
		format("%s%s (%s)%s%s", named->name, fit_words(answer->fit), hw_level_name(answer->level),
			module ? ", a type of " : "", module ? module : ""));
}

static struct hw_error *say_value(struct maker *maker)
{
	char *text, *cast;
	struct hw_error *error = hw_value_of_chunk(maker->explainer, maker->chunk, NULL, &text, &cast);

	if (error || !text)
		return error;
	error = add_line(maker, HW_EXPLAIN_IS, 0, UINT32_MAX, text);
	if (error) {
		free(cast);
		return error;
	}
	error = add_line(maker, HW_EXPLAIN_IS, 0, UINT32_MAX, format("in gdb: %s", cast));
	free(cast);
	return error;
}

/* ------------------------------------------------------------------------------------------------------ why
 */

static const char *const reasons[] = {
	[HW_EVIDENCE_NONE] = "nothing tells",
	[HW_EVIDENCE_HINT] = "you said so, and its words agree",
	[HW_EVIDENCE_VTABLE] = "it begins with a pointer to the vtable of this class",
	[HW_EVIDENCE_TAG] = "it begins as the runtime's objects do, with a pointer to its type",
	[HW_EVIDENCE_CONTAINER] = "its pointers and those of its neighbours fit a container's part",
	[HW_EVIDENCE_PATH] = "a variable's type leads here",
	[HW_EVIDENCE_CONTAINER_OF] =
		"a pointer leads into it, and such a member at that place has this type alone",
	[HW_EVIDENCE_TEXT] = "text fills it",
	[HW_EVIDENCE_MAGIC] = "it begins as data of this format does",
	[HW_EVIDENCE_SIBLING] = "nearly all chunks that look like it and have a name have this one",
	[HW_EVIDENCE_JOINT] = "it fits best to what points to it and what it points to",
	[HW_EVIDENCE_SIZE] = "few types have this size and fit its words",
};

static struct hw_error *say_why(struct maker *maker)
{
	const struct hw_chunk_type *answer = hw_chunk_type(maker->explainer->typing, maker->chunk);
	hw_autofree char *path = hw_explain_path(maker->explainer, maker->chunk);

	return add_line(maker, HW_EXPLAIN_BECAUSE, 0, UINT32_MAX,
		format("%s%s%s", reasons[answer->evidence], path ? ": " : "", path ? path : ""));
}

/* ------------------------------------------------------------------------------------------------ neighbours
 */

static struct hw_error *say_holding_chunk(struct maker *maker, uint32_t from)
{
	const struct hw_explainer *explainer = maker->explainer;
	uint64_t user = hw_chunk_user(explainer->heap, from);
	hw_autofree char *described = describe(explainer, from);
	char field[160] = "";
	uint64_t offset = 0;

	if (hw_explain_find_reference(
		    explainer, user, hw_chunk_usable(explainer->heap, from), maker->chunk, &offset))
		hw_explain_field(explainer, from, offset, field, sizeof(field));
	return add_line(maker, HW_EXPLAIN_HELD_BY, user + offset, from,
		format("%s of %#" PRIx64 ": %s", *field ? field : "a word", user,
			described ? described : ""));
}

static struct hw_error *say_holding_root(struct maker *maker, const struct hw_root_word *word)
{
	const struct hw_explainer *explainer = maker->explainer;
	const struct hw_root *root = &explainer->graph->roots[word->root];
	const struct hw_snapshot *snapshot = explainer->heap->snapshot;
	struct hw_named_place place = { 0 };
	bool is_thread =
		root->kind == HW_ROOT_STACK || root->kind == HW_ROOT_REGISTER || root->kind == HW_ROOT_TLS;
	char *text;

	if (root->kind == HW_ROOT_GLOBAL && explainer->names && explainer->names->place &&
		explainer->names->place(explainer->names->argument, word->address, &place))
		text = format("global %s+%" PRIu64, place.name, word->address - place.start);
	else if (is_thread && root->owner < snapshot->thread_count)
		text = format("%s of thread %d", hw_root_kind_name(root->kind),
			(int)snapshot->threads[root->owner].tid);
	else
		text = format("%s", hw_root_kind_name(root->kind));
	return add_line(maker, HW_EXPLAIN_HELD_BY, root->kind >= HW_ROOT_REGISTER ? 0 : word->address,
		UINT32_MAX, text);
}

static struct hw_error *say_roots(struct maker *maker)
{
	const struct hw_graph_parts *parts = maker->explainer->graph->parts;
	struct hw_error *error = NULL;

	for (size_t i = 0; i < parts->root_word_count && !error; i++) {
		if (hw_reference_target(parts->root_references[i]) != maker->chunk)
			continue;
		if (maker->made->holders++ < PART_LIMIT)
			error = say_holding_root(maker, &parts->root_words[i]);
	}
	return error;
}

static struct hw_error *say_holders(struct maker *maker)
{
	const struct hw_references *references;
	struct hw_error *error;

	if (!maker->explainer->graph)
		return NULL;
	references = &maker->explainer->graph->parts->references;
	error = say_roots(maker);
	for (uint32_t from = 0; from < references->node_count && !error; from++) {
		uint64_t end = hw_references_row(references, from + 1);

		for (uint64_t at = hw_references_row(references, from); at < end && !error; at++) {
			if (hw_reference_target(references->targets[at]) == maker->chunk &&
				maker->made->holders++ < PART_LIMIT)
				error = say_holding_chunk(maker, from);
		}
	}
	return error;
}

static struct hw_error *say_pointer(struct maker *maker, uint64_t offset, uint32_t to, uint64_t into)
{
	const struct hw_explainer *explainer = maker->explainer;
	hw_autofree char *described = describe(explainer, to);
	char field[160];

	hw_explain_field(explainer, maker->chunk, offset, field, sizeof(field));
	if (into)
		return add_line(maker, HW_EXPLAIN_HOLDS, maker->user + offset, to,
			format("%s: %#" PRIx64 " + %" PRIu64 ": %s", field,
				hw_chunk_user(explainer->heap, to), into, described ? described : ""));
	return add_line(maker, HW_EXPLAIN_HOLDS, maker->user + offset, to,
		format("%s: %#" PRIx64 ": %s", field, hw_chunk_user(explainer->heap, to),
			described ? described : ""));
}

static struct hw_error *say_pointers(struct maker *maker)
{
	const struct hw_heap *heap = maker->explainer->heap;
	const struct hw_image *image = heap->snapshot->image;
	size_t wanted = hw_min(maker->usable, HW_EXPLAIN_BYTES);
	hw_autofree uint8_t *bytes = malloc(wanted + 1);
	size_t got = bytes ? hw_image_read_some(image, maker->user, bytes, wanted) : 0;
	struct hw_error *error = bytes ? NULL : hw_error_no_memory();
	uint32_t to;

	for (size_t at = 0; !error && at + image->word_size <= got; at += image->word_size) {
		uint64_t word = hw_image_word(image, bytes + at);

		if (!hw_heap_find(heap, word, &to) || word < hw_chunk_user(heap, to) ||
			!hw_chunk_is_live(heap, to) || to == maker->chunk)
			continue;
		if (maker->made->pointers++ < PART_LIMIT)
			error = say_pointer(maker, at, to, word - hw_chunk_user(heap, to));
	}
	return error;
}

static struct hw_error *say_neighbour(struct maker *maker, uint32_t index, const char *where)
{
	hw_autofree char *described = describe(maker->explainer, index);

	return add_line(maker, HW_EXPLAIN_BESIDE, hw_chunk_user(maker->explainer->heap, index), index,
		format("%s: %s", where, described ? described : ""));
}

static struct hw_error *say_neighbours(struct maker *maker)
{
	const struct hw_region *region = hw_heap_region_of(maker->explainer->heap, maker->chunk);
	struct hw_error *error = NULL;

	if (maker->chunk > region->first)
		error = say_neighbour(maker, maker->chunk - 1, "before it");
	if (!error && maker->chunk + 1 < region->first + region->count)
		error = say_neighbour(maker, maker->chunk + 1, "behind it");
	return error;
}

struct hw_error *hw_explain(
	const struct hw_explainer *explainer, uint32_t chunk, struct hw_explanation **explanation)
{
	static struct hw_error *(*const parts[])(struct maker *) = { say_type, say_size, say_value, say_why,
		say_holders, say_pointers, say_neighbours };
	struct maker maker = {
		.explainer = explainer,
		.made = calloc(1, sizeof(*maker.made)),
		.chunk = chunk,
		.user = hw_chunk_user(explainer->heap, chunk),
		.usable = hw_chunk_usable(explainer->heap, chunk),
	};
	struct hw_error *error = maker.made ? NULL : hw_error_no_memory();

	if (maker.made)
		maker.made->chunk = chunk;
	for (size_t i = 0; i < hw_array_size(parts) && !error; i++)
		error = parts[i](&maker);
	if (error) {
		hw_explanation_destroy(maker.made);
		return error;
	}
	*explanation = maker.made;
	return NULL;
}

void hw_explanation_destroy(struct hw_explanation *explanation)
{
	if (!explanation)
		return;
	for (size_t i = 0; i < explanation->count; i++)
		free(explanation->lines[i].text);
	free(explanation->lines);
	free(explanation);
}
