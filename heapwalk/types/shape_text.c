/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shapes for people: what each word is, words alike side by side counted. */
#include "heapwalk/types/shape.h"
#include "heapwalk/types/word_look.h"

static bool is_like(const struct hw_shape *shape, unsigned word, unsigned other)
{
	enum hw_kind kind = hw_pattern_kind(shape->kinds, word);

	return kind == hw_pattern_kind(shape->kinds, other) &&
	       (!hw_kind_is_pointer(kind) || (shape->zeros >> word & 1) == (shape->zeros >> other & 1));
}

static void write_word(FILE *stream, const struct hw_shape *shape, unsigned word, unsigned times)
{
	enum hw_kind kind = hw_pattern_kind(shape->kinds, word);

	fprintf(stream, "%s%s", word ? ", " : "", hw_kind_name(kind));
	if (hw_kind_is_pointer(kind) && shape->zeros >> word & 1)
		fputs("|0", stream);
	if (times > 1)
		fprintf(stream, " x%u", times);
}

static void write_words(FILE *stream, const struct hw_shape *shape, unsigned count)
{
	unsigned times;

	for (unsigned i = 0; i < count; i += times) {
		for (times = 1; i + times < count && is_like(shape, i, i + times);)
			times++;
		write_word(stream, shape, i, times);
	}
}

char *hw_shape_text(const struct hw_shape *shape, unsigned word_size)
{
	uint64_t words = shape->usable / word_size;
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	bool failed;

	if (!stream)
		return NULL;
	fputc('{', stream);
	if (shape->kinds[0] != HW_PATTERN_ANY)
		write_words(stream, shape, (unsigned)hw_min(words, HW_PATTERN_WORDS));
	if (shape->kinds[0] == HW_PATTERN_ANY || words > HW_PATTERN_WORDS)
		fputs(shape->kinds[0] == HW_PATTERN_ANY ? "..." : ", ...", stream);
	fputc('}', stream);
	failed = ferror(stream);
	if (fclose(stream) || failed) {
		free(text);
		return NULL;
	}
	return text;
}
