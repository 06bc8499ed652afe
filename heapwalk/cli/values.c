/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What options' values mean: sizes, ranges, kinds. */
#include <ctype.h>
#include <errno.h>
#include <strings.h>

#include "heapwalk/cli/options.h"

#define STATE(state) (UINT32_C(1) << (state))

static struct hw_error *bad_size(const char *what, const char *text, const char *remedy)
{
	return hw_error_remedy(
		hw_error_create(HW_ERROR_USAGE, "%s: \"%s\" is no size", what, text), "%s", remedy);
}

static unsigned suffix_shift(char suffix)
{
	switch (tolower((unsigned char)suffix)) {
	case 'k':
		return 10;
	case 'm':
		return 20;
	case 'g':
		return 30;
	case 't':
		return 40;
	default:
		return 0;
	}
}

/* Reads one size and moves *text past it; false when there is none or it is too large. */
static bool take_size(const char **text, uint64_t *size)
{
	unsigned long long number;
	unsigned shift;
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	number = strtoull(*text, &end, 0);
	shift = suffix_shift(*end);
	if (errno || (shift && number > UINT64_MAX >> shift))
		return false;
	*size = (uint64_t)number << shift;
	*text = end + (shift ? 1 : 0);
	return true;
}

struct hw_error *hw_options_size(const char *what, const char *text, uint64_t *size)
{
	const char *rest = text;
	uint64_t number;

	if (!take_size(&rest, &number) || *rest)
		return bad_size(
			what, text, "It takes a number of bytes, also with k, M or G: 4096, 64k, 2M.");
	*size = number;
	return NULL;
}

static bool take_range(const char *text, uint64_t *low, uint64_t *high)
{
	if (!take_size(&text, low))
		return false;
	*high = *low;
	if (*text != '-')
		return !*text;
	text++;
	return take_size(&text, high) && !*text && *low <= *high;
}

struct hw_error *hw_options_size_range(const char *text, uint64_t *low, uint64_t *high)
{
	uint64_t first;
	uint64_t last;

	if (!take_range(text, &first, &last))
		return bad_size("--size", text,
			"It takes what malloc() was asked for, or a range: --size 48, --size 41-56, --size "
			"64k-1M.");
	/* malloc(0) returns the smallest chunk, as malloc(1) does; 0 means every size to a selection. */
	*low = hw_max(first, 1);
	*high = hw_max(last, 1);
	return NULL;
}

/* -------------------------------------------------------------------------------------------------- kinds */

struct state_group {
	const char *name;
	uint32_t states;
};

static const struct state_group groups[] = {
	{ "live", STATE(HW_CHUNK_LIVE) | STATE(HW_CHUNK_MMAPPED) },
	{ "free", STATE(HW_CHUNK_TCACHE) | STATE(HW_CHUNK_FASTBIN) | STATE(HW_CHUNK_UNSORTED) |
			  STATE(HW_CHUNK_SMALLBIN) | STATE(HW_CHUNK_LARGEBIN) | STATE(HW_CHUNK_UNBINNED) |
			  STATE(HW_CHUNK_TOP) },
	{ "any", (STATE(HW_CHUNK_STATES) - 1) & ~STATE(HW_CHUNK_END) },
};

/* memcheck's words, in short; "lost" is what cannot be reached at all. */
static const struct state_group leak_groups[] = {
	{ "lost", STATE(HW_LEAK_DEFINITE) | STATE(HW_LEAK_INDIRECT) },
	{ "definite", STATE(HW_LEAK_DEFINITE) },
	{ "indirect", STATE(HW_LEAK_INDIRECT) },
	{ "possible", STATE(HW_LEAK_POSSIBLE) },
	{ "reachable", STATE(HW_LEAK_REACHABLE) },
	{ "stale", HW_LEAK_STALE },
};

/* "C++ class" is also "c++", "wide string" also "wide": a name's first word is enough. */
static bool names_match(const char *name, const char *text, size_t length)
{
	return (length == strlen(name) || length == strcspn(name, " ")) &&
	       strncasecmp(name, text, length) == 0;
}

static bool add_state(const char *text, size_t length, uint32_t *states)
{
	for (size_t i = 0; i < hw_array_size(groups); i++) {
		if (names_match(groups[i].name, text, length)) {
			*states |= groups[i].states;
			return true;
		}
	}
	for (int state = HW_CHUNK_MMAPPED; state < HW_CHUNK_STATES; state++) {
		if (names_match(hw_chunk_state_name((enum hw_chunk_state)state), text, length)) {
			*states |= STATE(state);
			return true;
		}
	}
	return false;
}

static bool add_content(const char *text, size_t length, uint32_t *contents)
{
	for (int content = HW_CONTENT_ZERO; content < HW_CONTENTS; content++) {
		if (names_match(hw_content_name((enum hw_content)content), text, length)) {
			*contents |= STATE(content);
			return true;
		}
	}
	return false;
}

static bool add_leak(const char *text, size_t length, uint32_t *leaks)
{
	for (size_t i = 0; i < hw_array_size(leak_groups); i++) {
		if (names_match(leak_groups[i].name, text, length)) {
			*leaks |= leak_groups[i].states;
			return true;
		}
	}
	return false;
}

static struct hw_error *unknown_kind(const char *text, size_t length)
{
	hw_autofree char *names = NULL;
	size_t size;
	FILE *stream = open_memstream(&names, &size);

	if (!stream)
		return hw_error_no_memory();
	for (size_t i = 0; i < hw_array_size(groups); i++)
		fprintf(stream, "%s, ", groups[i].name);
	for (size_t i = 0; i < hw_array_size(leak_groups); i++)
		fprintf(stream, "%s, ", leak_groups[i].name);
	for (int state = HW_CHUNK_MMAPPED; state < HW_CHUNK_STATES; state++)
		fprintf(stream, "%s, ", hw_chunk_state_name((enum hw_chunk_state)state));
	for (int content = HW_CONTENT_ZERO; content < HW_CONTENTS; content++)
		fprintf(stream, "%s%s", hw_content_name((enum hw_content)content),
			content + 1 < HW_CONTENTS ? ", " : "");
	if (fclose(stream) != 0)
		return hw_error_no_memory();
	return hw_error_remedy(
		hw_error_create(HW_ERROR_USAGE, "--kind: there is no kind \"%.*s\"", (int)length, text),
		"Kinds are %s.", names);
}

struct hw_error *hw_options_kinds(const char *text, struct hw_selection *selection)
{
	uint32_t states = 0, contents = 0, leaks = 0;

	for (;;) {
		size_t length = strcspn(text, ",");

		if (!add_state(text, length, &states) && !add_content(text, length, &contents) &&
			!add_leak(text, length, &leaks))
			return unknown_kind(text, length);
		if (!text[length])
			break;
		text += length + 1;
	}
	selection->states = states;
	selection->contents = contents;
	selection->leaks = leaks;
	return NULL;
}
