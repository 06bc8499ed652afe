/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a value's pointers lead to: text, chunks, symbols. */
#include "heapwalk/types/value.h"

#include <inttypes.h>

#include "heapwalk/encoding.h"

void hw_value_quote(struct hw_value *value, const char *text, size_t length)
{
	size_t shown = hw_min(length, value->limits.text);

	hw_value_print(value, "\"%.*s\"%s", (int)shown, text, shown < length ? "..." : "");
}

/* Printable text at an address, up to its zero. Empty ones are none. */
static bool quote_text_at(struct hw_value *value, uint64_t address)
{
	char text[256];
	size_t got = hw_image_read_some(value->explainer->heap->snapshot->image, address, text, sizeof(text));
	size_t run = strnlen(text, got);

	if (!run || (run == got && got < sizeof(text)) || run - hw_utf8_run((uint8_t *)text, run) >= 4)
		return false; /* a character of 4 bytes may be cut off at the end */
	hw_value_print(value, " ");
	hw_value_quote(value, text, run);
	return true;
}

static void write_chunk(struct hw_value *value, const struct hw_word_meaning *meaning)
{
	const struct hw_explainer *explainer = value->explainer;
	const struct hw_chunk_type *answer = hw_chunk_type(explainer->typing, meaning->chunk);
	int64_t offset = (int64_t)meaning->offset;
	enum hw_chunk_state state = hw_chunk_state(explainer->heap, meaning->chunk);

	if (!hw_chunk_is_live(explainer->heap, meaning->chunk))
		hw_value_print(value, " (%s)", hw_chunk_state_name(state));
	else if (answer->type)
		hw_value_print(value, " (%s%s", explainer->typing->types[answer->type].name,
			answer->level == HW_LEVEL_GUESS ? "?" : "");
	else
		hw_value_print(
			value, " (%" PRIu64 " bytes", hw_chunk_usable(explainer->heap, meaning->chunk));
	if (hw_chunk_is_live(explainer->heap, meaning->chunk))
		hw_value_print(value, offset ? " + %" PRId64 ")" : ")", offset);
}

static void write_meaning(struct hw_value *value, uint64_t address)
{
	const struct hw_explainer *explainer = value->explainer;
	struct hw_word_meaning meaning = hw_word_explain(explainer->heap, explainer->accounting, address);
	const struct hw_snapshot *snapshot = explainer->heap->snapshot;
	const char *symbol;
	uint64_t offset;

	switch (meaning.kind) {
	case HW_WORD_CHUNK:
		write_chunk(value, &meaning);
		break;
	case HW_WORD_MODULE:
		if (explainer->names && explainer->names->symbol &&
			explainer->names->symbol(explainer->names->argument, address, &symbol, &offset))
			hw_value_print(value, offset ? " <%s+%" PRIu64 ">" : " <%s>", symbol, offset);
		break;
	case HW_WORD_STACK:
		if (meaning.thread < snapshot->thread_count)
			hw_value_print(
				value, " (stack of thread %d)", (int)snapshot->threads[meaning.thread].tid);
		break;
	case HW_WORD_NIL:
	case HW_WORD_MAPPED:
		break;
	default:
		hw_value_print(value, " (points nowhere)");
	}
}

void hw_value_pointer(struct hw_value *value, uint32_t target, uint64_t address)
{
	const struct hw_types *types = value->explainer->typing->catalogue;
	const struct hw_type *type = &types->types[hw_type_strip(types, target)];

	if (!address) {
		hw_value_print(value, "nil");
		return;
	}
	hw_value_print(value, "%#" PRIx64, address);
	if (type->kind == HW_TYPE_BASE && type->encoding == HW_TYPE_CHARACTER && type->size == 1 &&
		quote_text_at(value, address))
		return;
	write_meaning(value, address);
}

/*
 * libstdc++'s is a pointer, a length and 16 bytes for a capacity or short text (basic_string.h); libc++'s has
 * its first bit set where the text lies elsewhere: capacity, length, pointer (its <string>, the usual
 * layout).
 */
static bool find_text(
	struct hw_value *value, bool is_libcxx, uint64_t offset, uint64_t *text, uint64_t *length)
{
	unsigned word = value->explainer->heap->word_size;
	uint64_t first = hw_value_number(value, offset, word);

	if (!is_libcxx) {
		*text = first;
		*length = hw_value_number(value, offset + word, word);
		return true;
	}
	if (!(first & 1))
		return false;
	*length = hw_value_number(value, offset + word, word);
	*text = hw_value_number(value, offset + 2 * word, word);
	return true;
}

bool hw_value_string_object(struct hw_value *value, const struct hw_type *type, uint64_t offset)
{
	unsigned word = value->explainer->heap->word_size;
	bool is_libcxx = !strncmp(type->name, "std::__1::basic_string<char", 27);
	uint64_t address, length;
	char text[256];
	size_t got;

	if (!is_libcxx && strncmp(type->name, "std::__cxx11::basic_string<char", 31) != 0)
		return false;
	if (!hw_value_has(value, offset, 3 * word) || !find_text(value, is_libcxx, offset, &address, &length))
		return false;
	got = hw_image_read_some(
		value->explainer->heap->snapshot->image, address, text, hw_min(length, sizeof(text)));
	if (got < hw_min(length, sizeof(text)))
		return false;
	hw_value_quote(value, text, got);
	hw_value_print(value, " (std::string, %" PRIu64 ")", length);
	return true;
}
