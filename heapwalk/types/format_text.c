/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formats of texts, by how they begin. */
#include "heapwalk/types/format.h"

static const uint8_t *skip_space(const uint8_t *at, const uint8_t *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	return at;
}

static bool begins(const uint8_t *at, const uint8_t *end, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(end - at) > length && !memcmp(at, word, length);
}

/* RFC 8259: behind an opening bracket stands a name with its colon, or a value. */
static bool is_json(const uint8_t *at, const uint8_t *end)
{
	bool is_object = *at == '{';

	at = skip_space(at + 1, end);
	if (end - at < 4)
		return false;
	if (!is_object)
		return *at == '{' || *at == '[';
	if (*at++ != '"')
		return false;
	while (at < end && *at && *at != '"')
		at += *at == '\\' ? 2 : 1;
	return at < end && *at == '"' && begins(skip_space(at + 1, end), end, ":");
}

static bool is_http(const uint8_t *at, const uint8_t *end)
{
	static const char *const methods[] = { "GET /", "POST /", "PUT /", "HEAD /", "DELETE /", "OPTIONS /",
		"PATCH /", "CONNECT " };

	if (begins(at, end, "HTTP/1.0 ") || begins(at, end, "HTTP/1.1 ") || begins(at, end, "HTTP/2 "))
		return true;
	for (size_t i = 0; i < hw_array_size(methods); i++) {
		if (begins(at, end, methods[i]))
			return memmem(at, hw_min((size_t)(end - at), 2048), " HTTP/1.", 8);
	}
	return false;
}

const char *hw_format_of_text(const uint8_t *bytes, size_t size)
{
	const uint8_t *end = bytes + size, *at = skip_space(bytes, end);

	if (end - at < 8)
		return NULL;
	switch (*at) {
	case '{':
	case '[':
		return is_json(at, end) ? "JSON text" : NULL;
	case '<':
		return begins(at, end, "<?xml ") ? "XML text"
		       : begins(at, end, "<!DOCTYPE html") || begins(at, end, "<!doctype html") ||
				       begins(at, end, "<html")
			       ? "HTML text"
			       : NULL;
	case '-':
		return begins(at, end, "-----BEGIN ") ? "PEM text" : NULL;
	default:
		return is_http(at, end) ? "HTTP message" : NULL;
	}
}
