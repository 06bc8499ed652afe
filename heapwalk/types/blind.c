/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Modules that hold chunks and whose debug information would say what these are. */
#include "heapwalk/graph/graph.h"

static bool has_debug_info(const struct hw_typing *typing, uint32_t module)
{
	return typing->catalogue && typing->catalogue->modules[module].has_debug_info;
}

static int by_words(const void *a, const void *b)
{
	const struct hw_blind_module *one = a, *another = b;

	return one->words < another->words ? 1 : one->words > another->words ? -1 : 0;
}

struct hw_error *hw_typing_blind_modules(const struct hw_typing *typing, const struct hw_graph *graph,
	struct hw_blind_module **blind, size_t *count)
{
	size_t modules = typing->heap->snapshot->module_count;
	struct hw_blind_module *made = calloc(modules + 1, sizeof(*made));
	size_t kept = 0;

	if (!made)
		return hw_error_no_memory();
	for (size_t i = 0; i < modules; i++)
		made[i].module = (uint32_t)i;
	for (size_t i = 0; i < graph->parts->root_word_count; i++) {
		const struct hw_root *root = &graph->roots[graph->parts->root_words[i].root];

		if (root->kind == HW_ROOT_GLOBAL && root->owner < modules)
			made[root->owner].words++;
	}
	for (size_t i = 0; i < modules; i++) {
		if (made[i].words && !has_debug_info(typing, made[i].module))
			made[kept++] = made[i];
	}
	qsort(made, kept, sizeof(*made), by_words);
	*blind = made;
	*count = kept;
	return NULL;
}
