/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chunks that hold text: what the walk saw at a glance. */
#include "heapwalk/types/typer.h"

static struct hw_error *intern_text(struct hw_typer *typer, const char *name, uint32_t *number)
{
	struct hw_named_type type = { .name = name, .origin = HW_TYPE_ORIGIN_TEXT, .module = UINT32_MAX };

	return hw_typer_intern(typer, &type, number);
}

struct hw_error *hw_typer_texts(struct hw_typer *typer)
{
	uint32_t narrow, wide;
	struct hw_error *error = intern_text(typer, "text", &narrow);

	if (!error)
		error = intern_text(typer, "wide text", &wide);
	for (uint32_t i = 0; !error && i < typer->heap->chunks.count; i++) {
		enum hw_content content = hw_chunk_content(typer->heap, i);
		struct hw_chunk_type answer = {
			.type = content == HW_CONTENT_WIDE ? wide : narrow,
			.from = UINT32_MAX,
			.level = HW_LEVEL_LIKELY,
			.evidence = HW_EVIDENCE_TEXT,
			.fit = HW_FIT_ARRAY,
		};

		if (hw_chunk_is_live(typer->heap, i) &&
			(content == HW_CONTENT_STRING || content == HW_CONTENT_WIDE))
			hw_typer_offer(typer, i, &answer);
	}
	return error;
}
