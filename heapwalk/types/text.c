/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chunks that hold text: what the walk saw at a glance. */
#include "heapwalk/types/typer.h"

static struct hw_error *intern_text(struct hw_typer *typer, const char *name, uint32_t *number)
{
	struct hw_named_type type = { .name = name, .origin = HW_TYPE_ORIGIN_TEXT, .module = UINT32_MAX };

	return hw_typer_intern(typer, &type, number);
}

/* The types of texts. */
struct texts {
	uint32_t narrow;
	uint32_t wide;
};

static struct hw_error *texts_begin(struct hw_typer *typer, void **state)
{
	struct texts *made = calloc(1, sizeof(*made));
	struct hw_error *error;

	if (!made)
		return hw_error_no_memory();
	error = intern_text(typer, "text", &made->narrow);
	if (!error)
		error = intern_text(typer, "wide text", &made->wide);
	if (error)
		free(made);
	else
		*state = made;
	return error;
}

static struct hw_error *texts_look(struct hw_typer *typer, void *state, const struct hw_look_chunk *chunk)
{
	enum hw_content content = hw_chunk_content(typer->heap, chunk->index);
	const struct texts *texts = state;

	if (content != HW_CONTENT_STRING && content != HW_CONTENT_WIDE)
		return NULL;
	hw_typer_offer(typer, chunk->index,
		&(struct hw_chunk_type){
			.type = content == HW_CONTENT_WIDE ? texts->wide : texts->narrow,
			.from = UINT32_MAX,
			.level = HW_LEVEL_LIKELY,
			.evidence = HW_EVIDENCE_TEXT,
			.fit = HW_FIT_ARRAY,
		});
	return NULL;
}

const struct hw_look hw_look_texts = { .begin = texts_begin, .look = texts_look, .destroy = free };
