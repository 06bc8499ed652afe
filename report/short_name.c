/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Long C++ names made short. */
#include "report/short_name.h"

/* Spelled out, and as programmers write it; the longer first. */
static const char *const synonyms[][2] = {
	{ "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string" },
	{ "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char>>", "std::string" },
	{ "std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string" },
	{ "std::basic_string<char, std::char_traits<char>, std::allocator<char>>", "std::string" },
	{ "std::__cxx11::", "std::" },
	{ "std::__1::", "std::" },
};

/* Arguments that hardly anybody gives by himself. */
static const char *const usual[] = {
	", std::allocator<",
	", std::char_traits<",
	", std::default_delete<",
	", std::equal_to<",
	", std::hash<",
	", std::less<",
};

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* operator<, operator->, ...: these are no brackets. */
static bool is_operator(const char *name, const char *at)
{
	while (at > name && strchr("<>-=", at[-1]))
		at--;
	return at - name >= 8 && !strncmp(at - 8, "operator", 8);
}

/* Past the bracket that closes the one at `at`; NULL: none does. */
static const char *closing(const char *name, const char *at)
{
	char open = *at, close = open == '<' ? '>' : ')';
	int depth = 0;

	for (; *at; at++) {
		if ((*at == '<' || *at == '>') && is_operator(name, at))
			continue;
		if (*at == '>' && at > name && at[-1] == '-')
			continue;
		depth += (*at == open) - (*at == close);
		if (!depth)
			return at + 1;
	}
	return NULL;
}

/* What the text at `at` may be left out up to; `at` where it may not. */
static const char *skip_usual(const char *name, const char *at)
{
	for (size_t i = 0; *at == ',' && i < hw_array_size(usual); i++) {
		const char *end = starts_with(at, usual[i]) ? closing(name, at + strlen(usual[i]) - 1) : NULL;

		if (end)
			return end;
	}
	return at;
}

/* As the programmer wrote it; never longer than `name`. */
static void respell(const char *name, char *to)
{
	const char *at = name;

	while (*at) {
		const char *next = skip_usual(name, at);
		size_t i = 0;

		if (next != at) {
			/* "vector<int, allocator<int> >" had its blank for the bracket that is gone. */
			at = next + (next[0] == ' ' && next[1] == '>');
			continue;
		}
		while (i < hw_array_size(synonyms) && !starts_with(at, synonyms[i][0]))
			i++;
		if (i < hw_array_size(synonyms)) {
			to = stpcpy(to, synonyms[i][1]);
			at += strlen(synonyms[i][0]);
			continue;
		}
		*to++ = *at++;
	}
	*to = '\0';
}

/* Nothing between the outermost brackets of one sort; `to` has room for three bytes more for each. */
static void empty_brackets(const char *name, char open, char *to)
{
	const char *at = name;

	while (*at) {
		const char *end =
			*at == open && (open != '<' || !is_operator(name, at)) ? closing(name, at) : NULL;

		if (!end || end - at < 5) {
			*to++ = *at++;
			continue;
		}
		*to++ = open;
		to = stpcpy(to, "...");
		*to++ = end[-1];
		at = end;
	}
	*to = '\0';
}

char *hw_short_name(const char *name, size_t most)
{
	hw_autofree char *spelled = malloc(strlen(name) + 1);
	char *text = malloc(strlen(name) + 1);

	if (!spelled || !text) {
		free(text);
		return NULL;
	}
	respell(name, spelled);
	strcpy(text, spelled);
	if (strlen(text) > most)
		empty_brackets(spelled, '<', text);
	if (strlen(text) > most) {
		strcpy(spelled, text);
		empty_brackets(spelled, '(', text);
	}
	return text;
}

static bool is_inner(const char *component)
{
	return starts_with(component, "_M_") || starts_with(component, "__");
}

char *hw_short_field(const char *field)
{
	char *text = malloc(strlen(field) + 1), *to = text;
	const char *last = field;

	if (!text)
		return NULL;
	for (const char *at = field; *at;) {
		size_t length = strcspn(at, ".");

		last = at;
		if (!is_inner(at)) {
			if (to != text)
				*to++ = '.';
			to = mempcpy(to, at, length);
		}
		at += length + (at[length] == '.');
	}
	*to = '\0';
	if (to == text)
		strcpy(text, last);
	return text;
}
