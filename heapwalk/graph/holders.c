/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Root words grouped by what they belong to. */
#include "heapwalk/graph/graph.h"
#include "heapwalk/graph/thread_locals.h"

/* So many nameless words of one section are a table that nobody can tell from its neighbours. */
#define WORDS_ALONE 256

struct grouping {
	const struct hw_graph *graph;
	const struct hw_names *names;
	struct hw_holders *holders;
	struct hw_thread_locals locals; /* empty where nobody could name their variables */
	/* This part of one root belongs to the last holder: no need to ask for its name again. */
	uint32_t known_root;
	uint64_t known_start;
	uint64_t known_end;
};

static bool has_names(enum hw_root_kind kind)
{
	return kind == HW_ROOT_GLOBAL || kind == HW_ROOT_LOADER;
}

/* The words of [start, start + size) that follow this one need not be asked for. */
static void note_known(
	struct grouping *grouping, const struct hw_root_word *word, uint64_t start, uint64_t size)
{
	grouping->known_root = word->root;
	grouping->known_start = word->address;
	grouping->known_end = start + size;
}

static void name_global(struct grouping *grouping, const struct hw_root_word *word, struct hw_holder *holder)
{
	const struct hw_names *names = grouping->names;
	struct hw_named_place place;

	holder->address = word->address;
	if (!names || !names->place || !names->place(names->argument, word->address, &place))
		return;
	holder->name = (char *)place.name;
	holder->is_section = place.is_section;
	if (place.is_section)
		return;
	holder->address = place.start;
	note_known(grouping, word, place.start, place.size);
}

static void name_thread_local(
	struct grouping *grouping, const struct hw_root_word *word, struct hw_holder *holder)
{
	const struct hw_tls_block *block = hw_thread_locals_at(&grouping->locals, word->address);
	const struct hw_names *names = grouping->names;
	struct hw_named_place place;

	if (!block || !names->thread_local_place(
			      names->argument, block->module, word->address - block->start, &place))
		return;
	holder->name = (char *)place.name;
	holder->address = block->start + place.start;
	holder->module = block->module;
	holder->block = block->start;
	note_known(grouping, word, holder->address, place.size);
}

/* What the word belongs to; the name is borrowed. */
static struct hw_holder holder_of(struct grouping *grouping, const struct hw_root_word *word)
{
	const struct hw_root *root = &grouping->graph->roots[word->root];
	struct hw_holder holder = { .kind = root->kind, .owner = root->owner, .address = root->start };

	grouping->known_end = 0;
	if (has_names(root->kind))
		name_global(grouping, word, &holder);
	else if (root->kind == HW_ROOT_TLS)
		name_thread_local(grouping, word, &holder);
	return holder;
}

/* A thread's stack or TLS may be several ranges of memory, and so may what is left of a mapping. */
static bool is_whole(const struct hw_holder *holder)
{
	return !has_names(holder->kind) && holder->owner != UINT32_MAX && !holder->name;
}

static bool same(const struct hw_holder *a, const struct hw_holder *b)
{
	return a->kind == b->kind && a->owner == b->owner &&
	       (a->address == b->address || (is_whole(a) && is_whole(b)));
}

static struct hw_error *add_holder(struct hw_holders *holders, const struct hw_holder *holder)
{
	struct hw_holder *slot = hw_array_next(holders->holders, holders->count, holders->capacity);
	char *name = holder->name ? strdup(holder->name) : NULL;
	char *function = holder->function ? strdup(holder->function) : NULL;

	if (!slot || (holder->name && !name) || (holder->function && !function)) {
		free(name);
		free(function);
		return hw_error_no_memory();
	}
	*slot = *holder;
	slot->name = name;
	slot->function = function;
	holders->count++;
	return NULL;
}

static uint32_t find_holder(const struct hw_holders *holders, const struct hw_holder *wanted)
{
	for (uint32_t i = holders->count; i-- > 0;) {
		if (same(&holders->holders[i], wanted))
			return i;
		if (!is_whole(wanted))
			break;
	}
	return UINT32_MAX;
}

/* A word that does not belong to the last holder for certain. */
static struct hw_error *group_word(
	struct grouping *grouping, const struct hw_root_word *word, uint32_t *holder)
{
	struct hw_holder made = holder_of(grouping, word);
	struct hw_error *error;

	*holder = find_holder(grouping->holders, &made);
	if (*holder != UINT32_MAX)
		return NULL;
	error = add_holder(grouping->holders, &made);
	*holder = grouping->holders->count - 1;
	return error;
}

static bool is_known(const struct grouping *grouping, const struct hw_root_word *word)
{
	return word->root == grouping->known_root && word->address >= grouping->known_start &&
	       word->address < grouping->known_end;
}

static struct hw_error *group_words(struct grouping *grouping)
{
	const struct hw_graph_parts *parts = grouping->graph->parts;
	struct hw_holders *holders = grouping->holders;

	for (size_t i = 0; i < parts->root_word_count; i++) {
		const struct hw_root_word *word = &parts->root_words[i];
		uint32_t holder = holders->count - 1;

		if (!is_known(grouping, word)) {
			struct hw_error *error = group_word(grouping, word, &holder);

			if (error)
				return error;
		}
		holders->of_word[i] = holder;
		holders->holders[holder].words++;
		holders->holders[holder].end = word->address + grouping->graph->heap->word_size;
	}
	return NULL;
}

/* Both are nameless, and of one section as far as that is known. */
static bool is_same_section(const struct hw_holder *a, const struct hw_holder *b)
{
	if (!has_names(a->kind) || a->kind != b->kind || a->owner != b->owner ||
		a->is_section != b->is_section)
		return false;
	return a->is_section ? !strcmp(a->name, b->name) : !a->name && !b->name;
}

/* One holder for [first, last), at `kept`. */
static void merge(struct hw_holders *holders, uint32_t first, uint32_t last, uint32_t kept)
{
	struct hw_holder merged = holders->holders[first];

	for (uint32_t i = first + 1; i < last; i++) {
		merged.words += holders->holders[i].words;
		merged.end = holders->holders[i].end;
		free(holders->holders[i].name);
	}
	holders->holders[kept] = merged;
}

/* Many nameless words in a row become one holder. */
static struct hw_error *merge_nameless(const struct hw_graph_parts *parts, struct hw_holders *holders)
{
	hw_autofree uint32_t *renumber = calloc((size_t)holders->count + 1, sizeof(*renumber));
	uint32_t kept = 0, last, step;

	if (!renumber)
		return hw_error_no_memory();
	for (uint32_t first = 0; first < holders->count; first = last) {
		for (last = first + 1; last < holders->count; last++) {
			if (!is_same_section(&holders->holders[first], &holders->holders[last]))
				break;
		}
		step = last - first >= WORDS_ALONE ? last - first : 1;
		for (uint32_t i = first; i < last; i += step, kept++) {
			for (uint32_t k = i; k < i + step; k++)
				renumber[k] = kept;
			merge(holders, i, i + step, kept);
		}
	}
	holders->count = kept;
	for (size_t i = 0; i < parts->root_word_count; i++)
		holders->of_word[i] = renumber[holders->of_word[i]];
	return NULL;
}

static struct hw_error *group(struct grouping *grouping)
{
	bool names_locals = grouping->names && grouping->names->thread_local_place;
	struct hw_error *error =
		names_locals ? hw_thread_locals_find(grouping->graph, &grouping->locals) : NULL;

	if (!error)
		error = group_words(grouping);
	hw_thread_locals_deinit(&grouping->locals);
	return error ? error : merge_nameless(grouping->graph->parts, grouping->holders);
}

struct hw_error *hw_holders_build(
	const struct hw_graph *graph, const struct hw_names *names, struct hw_holders *holders)
{
	struct grouping grouping = { .graph = graph, .names = names, .holders = holders };
	struct hw_error *error;

	*holders = (struct hw_holders){ 0 };
	holders->of_word = calloc(graph->parts->root_word_count + 1, sizeof(*holders->of_word));
	if (!holders->of_word)
		return hw_error_no_memory();
	error = group(&grouping);
	if (error)
		hw_holders_deinit(holders);
	return error;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Holders that were split off stand behind the others. */
static uint32_t find_narrow(const struct hw_holders *holders, const struct hw_holder *wanted)
{
	for (uint32_t i = holders->count; i-- > 0 && holders->holders[i].function;) {
		const struct hw_holder *holder = &holders->holders[i];

		if (holder->owner == wanted->owner && holder->address == wanted->address &&
			same_text(holder->function, wanted->function) &&
			same_text(holder->name, wanted->name))
			return i;
	}
	return UINT32_MAX;
}

struct hw_error *hw_holders_narrow(
	struct hw_holders *holders, const struct hw_names *names, uint64_t address, uint32_t *index)
{
	struct hw_holder narrow = holders->holders[*index];
	struct hw_named_local local;
	struct hw_error *error;
	uint32_t found;

	if (narrow.kind != HW_ROOT_STACK || !names || !names->local ||
		!names->local(names->argument, narrow.owner, address, &local))
		return NULL;
	narrow.function = (char *)local.function;
	narrow.name = (char *)local.name;
	narrow.type = local.type;
	narrow.type_is_known = true;
	narrow.address = local.name ? local.start : narrow.address;
	narrow.words = 0;
	found = find_narrow(holders, &narrow);
	if (found == UINT32_MAX) {
		error = add_holder(holders, &narrow);
		if (error)
			return error;
		found = holders->count - 1;
	}
	holders->holders[found].words++;
	*index = found;
	return NULL;
}

struct hw_error *hw_holder_find_line(struct hw_holder *holder, const struct hw_names *names)
{
	struct hw_named_line line;

	if (holder->file || !has_names(holder->kind) || !holder->name || holder->is_section || !names ||
		!names->line || !names->line(names->argument, holder->address, &line))
		return NULL;
	holder->file = strdup(line.file);
	holder->line = line.line;
	return holder->file ? NULL : hw_error_no_memory();
}

void hw_holders_deinit(struct hw_holders *holders)
{
	for (uint32_t i = 0; i < holders->count; i++) {
		free(holders->holders[i].name);
		free(holders->holders[i].function);
		free(holders->holders[i].file);
	}
	free(holders->holders);
	free(holders->of_word);
	*holders = (struct hw_holders){ 0 };
}
