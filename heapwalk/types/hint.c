/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the user says that chunks are, believed where their size and words agree. */
#include "heapwalk/types/path.h"

/* The shapes that look like this: equal words, whatever their size. By shape; NULL: memory is short. */
static bool *shapes_meant(const struct hw_typing *typing, const char *text)
{
	bool *meant = calloc((size_t)typing->shape_count + 1, sizeof(*meant));

	for (uint32_t i = 1; meant && i < typing->shape_count; i++)
		meant[i] = strcmp(typing->shapes[i].text, text) == 0;
	return meant;
}

/* Whether the chunk can be what the hint says, and then is. */
static struct hw_error *apply(
	struct hw_paths *paths, struct hw_type_hint *hint, const struct hw_claim *claim, uint32_t chunk)
{
	struct hw_case case_ = { .chunk = chunk, .usable = hw_chunk_usable(paths->typer->heap, chunk) };
	struct hw_chunk_type *kept = &paths->typer->typing->chunks[chunk];
	struct hw_reading reading = { .type = 0 };
	struct hw_error *error;
	uint32_t number;

	case_.bytes = hw_program_view(paths->program, chunk, &case_.size);
	if (case_.bytes)
		hw_judge(paths->program, &case_, claim, false, &reading);
	if (!reading.type || reading.fit == HW_FIT_DERIVED || kept->level == HW_LEVEL_CERTAIN) {
		hint->refused++;
		return NULL;
	}
	error = hw_program_intern(paths->program, reading.type, &number);
	if (error)
		return error;
	*kept = (struct hw_chunk_type){
		.type = number,
		.shape = kept->shape,
		.from = UINT32_MAX,
		.level = HW_LEVEL_STRONG,
		.evidence = HW_EVIDENCE_HINT,
		.fit = (uint8_t)reading.fit,
	};
	hint->accepted++;
	return NULL;
}

static struct hw_error *apply_to_shape(
	struct hw_paths *paths, struct hw_type_hint *hint, const struct hw_claim *claim)
{
	const struct hw_typing *typing = paths->typer->typing;
	hw_autofree bool *meant = shapes_meant(typing, hint->shape);
	struct hw_error *error = meant ? NULL : hw_error_no_memory();

	for (uint32_t i = 0; !error && i < typing->heap->chunks.count; i++) {
		if (meant[typing->chunks[i].shape] && hw_chunk_is_live(typing->heap, i))
			error = apply(paths, hint, claim, i);
	}
	return error;
}

static struct hw_error *apply_to_chunk(
	struct hw_paths *paths, struct hw_type_hint *hint, const struct hw_claim *claim)
{
	uint32_t chunk;

	if (!hw_heap_find(paths->typer->heap, hint->address, &chunk) ||
		!hw_chunk_is_live(paths->typer->heap, chunk))
		return hw_error_create(HW_ERROR_NOT_FOUND, "--type-hint: there is no live chunk at %#llx",
			(unsigned long long)hint->address);
	return apply(paths, hint, claim, chunk);
}

static struct hw_error *apply_hint(struct hw_paths *paths, struct hw_type_hint *hint)
{
	struct hw_claim claim = { .from = UINT32_MAX };
	struct hw_error *error = hw_typer_find_struct(paths->typer, hint->type, &claim.type);

	if (!error && !claim.type)
		error = hw_error_remedy(
			hw_error_create(HW_ERROR_NOT_FOUND,
				"--type-hint: debug information has no type called %s", hint->type),
			"It takes the name of a struct or class, without the word struct.");
	if (error)
		return error;
	return hint->shape ? apply_to_shape(paths, hint, &claim) : apply_to_chunk(paths, hint, &claim);
}

struct hw_error *hw_paths_apply_hints(struct hw_paths *paths)
{
	const struct hw_typing_options *options = paths->typer->options;
	struct hw_error *error = NULL;

	for (size_t i = 0; i < options->hint_count && !error; i++)
		error = apply_hint(paths, &options->hints[i]);
	return error;
}
