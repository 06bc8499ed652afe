/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ways from a variable to a chunk, found again from the chain that the typing kept. */
#include "heapwalk/types/explain_path.h"

#include <inttypes.h>

/* Longer ways are told from their end only. */
#define LONGEST 4096

/* One step: from a chunk, or from the source, to the next chunk by a field. */
struct step {
	uint32_t chunk; /* UINT32_MAX: the source */
	char field[160];
};

bool hw_explain_find_reference(const struct hw_explainer *explainer, uint64_t address, uint64_t size,
	uint32_t chunk, uint64_t *offset)
{
	const struct hw_image *image = explainer->heap->snapshot->image;
	uint64_t low = hw_chunk_user(explainer->heap, chunk);
	uint64_t high = low + hw_chunk_usable(explainer->heap, chunk);
	size_t wanted = hw_min(size, HW_EXPLAIN_BYTES);
	hw_autofree uint8_t *bytes = malloc(wanted + 1);
	size_t got = bytes ? hw_image_read_some(image, address, bytes, wanted) : 0;

	for (size_t at = 0; at + image->word_size <= got; at += image->word_size) {
		uint64_t word = hw_image_word(image, bytes + at);

		if (word >= low && word < high) {
			*offset = at;
			return true;
		}
	}
	return false;
}

static const char *plain_offset(uint64_t offset, char *buffer, size_t size)
{
	(void)snprintf(buffer, size, "+%" PRIu64, offset);
	return buffer;
}

const char *hw_explain_field(
	const struct hw_explainer *explainer, uint32_t chunk, uint64_t offset, char *buffer, size_t size)
{
	const struct hw_chunk_type *answer = hw_chunk_type(explainer->typing, chunk);
	const struct hw_named_type *named = &explainer->typing->types[answer->type];
	char field[128] = "";
	int length = 0;

	if (!explainer->typing->catalogue || !named->catalogue)
		return plain_offset(offset, buffer, size);
	if (answer->fit == HW_FIT_ARRAY && named->size) {
		length = snprintf(buffer, size, "[%" PRIu64 "]", offset / named->size);
		offset %= named->size;
	}
	if (!hw_type_field_at(
		    explainer->typing->catalogue, named->catalogue, offset, field, sizeof(field), NULL, NULL))
		return length ? buffer : plain_offset(offset, buffer, size);
	if (length >= 0 && (size_t)length < size)
		(void)snprintf(
			buffer + length, size - (size_t)length, "%s%s", length && *field ? "." : "", field);
	return buffer;
}

/* The step that leads from `from` to `chunk`; false when the memory does not show it any more. */
static bool find_step(const struct hw_explainer *explainer, uint32_t from, uint32_t chunk, struct step *step)
{
	const struct hw_typing *typing = explainer->typing;
	const struct hw_type_source *source;
	uint64_t offset = 0;

	step->field[0] = '\0';
	if (!(from & HW_TYPE_FROM_ROOT)) {
		step->chunk = from;
		if (!hw_explain_find_reference(explainer, hw_chunk_user(explainer->heap, from),
			    hw_chunk_usable(explainer->heap, from), chunk, &offset))
			return false;
		hw_explain_field(explainer, from, offset, step->field, sizeof(step->field));
		return true;
	}
	step->chunk = UINT32_MAX;
	source = &typing->sources[from & ~HW_TYPE_FROM_ROOT];
	if (source->address && typing->catalogue && source->type &&
		hw_explain_find_reference(explainer, source->address,
			typing->catalogue->types[hw_type_strip(typing->catalogue, source->type)].size, chunk,
			&offset))
		(void)hw_type_field_at(typing->catalogue, source->type, offset, step->field,
			sizeof(step->field), NULL, NULL);
	return true;
}

static bool is_source(const struct hw_typing *typing, uint32_t from)
{
	return from != UINT32_MAX && from & HW_TYPE_FROM_ROOT &&
	       (from & ~HW_TYPE_FROM_ROOT) < typing->source_count;
}

static bool is_chunk(const struct hw_explainer *explainer, uint32_t from)
{
	return from < HW_TYPE_FROM_ROOT && from < explainer->heap->chunks.count &&
	       hw_chunk_is_live(explainer->heap, from);
}

/* Steps from the chunk back to the source, the last step first. 0: the chain is broken. */
static size_t collect(
	const struct hw_explainer *explainer, uint32_t chunk, struct step *steps, const char **source)
{
	const struct hw_typing *typing = explainer->typing;

	for (size_t i = 0; i < LONGEST; i++) {
		uint32_t from = typing->chunks[chunk].from;

		if (!is_source(typing, from) && !is_chunk(explainer, from))
			return 0;
		if (!find_step(explainer, from, chunk, &steps[i]))
			return 0;
		if (from & HW_TYPE_FROM_ROOT) {
			*source = typing->sources[from & ~HW_TYPE_FROM_ROOT].name;
			return i + 1;
		}
		chunk = from;
	}
	return 0;
}

static void write_field(FILE *out, const struct step *step)
{
	const char *join = step->chunk == UINT32_MAX ? "." : "->";

	if (!*step->field)
		return;
	fprintf(out, "%s%s", *step->field == '[' ? "" : join, step->field);
}

static void write_steps(FILE *out, const struct step *steps, size_t count)
{
	for (size_t i = count; i-- > 0;) {
		size_t repeats = 1;

		write_field(out, &steps[i]);
		while (i > 0 && steps[i].chunk != UINT32_MAX && *steps[i].field &&
			!strcmp(steps[i].field, steps[i - 1].field)) {
			repeats++;
			i--;
		}
		if (repeats > 1)
			fprintf(out, "{%zu}", repeats);
	}
}

char *hw_explain_path(const struct hw_explainer *explainer, uint32_t chunk)
{
	hw_autofree struct step *steps = calloc(LONGEST, sizeof(*steps));
	const char *source = "";
	char *text = NULL;
	size_t length, count = steps ? collect(explainer, chunk, steps, &source) : 0;
	FILE *out = count ? open_memstream(&text, &length) : NULL;

	if (!out)
		return NULL;
	fputs(source, out);
	write_steps(out, steps, count);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
