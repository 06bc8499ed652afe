/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the tools that print a snapshot as JSON on standard output. */
#ifndef HW_TESTS_TOOLS_SNAPSHOT_JSON_H
#define HW_TESTS_TOOLS_SNAPSHOT_JSON_H

#include <inttypes.h>
#include <stdio.h>

#include "inspector/inspector.h"

static inline void print_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
			printf("\\u%04x", (unsigned char)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

/* `name` with what is before it: ",\"path\":" */
static inline void print_member(const char *name, const char *text)
{
	fputs(name, stdout);
	print_text(text);
}

static inline void print_memory(const struct hw_snapshot *snapshot, uint64_t address, size_t length)
{
	hw_autofree uint8_t *bytes = malloc(length ? length : 1);
	size_t got = bytes ? hw_image_read_some(snapshot->image, address, bytes, length) : 0;

	putchar('"');
	for (size_t i = 0; i < got; i++)
		printf("%02x", bytes[i]);
	putchar('"');
}

/* The bytes that each pair of address (in `base`) and length (decimal) names: the last member. */
static inline void print_pairs(const struct hw_snapshot *snapshot, char **pairs, int count, int base)
{
	printf(",\"memory\":[");
	for (int i = 0; i + 1 < count; i += 2) {
		printf("%s", i ? "," : "");
		print_memory(snapshot, strtoull(pairs[i], NULL, base), strtoull(pairs[i + 1], NULL, 10));
	}
	printf("]}\n");
}

/* The exit status. Takes over the error. */
static inline int print_error(struct hw_error *error)
{
	printf("{\"code\":%d", error->code);
	print_member(",\"error\":", error->message);
	print_member(",\"remedy\":", error->remedy ? error->remedy : "");
	printf("}\n");
	hw_error_destroy(error);
	return 3;
}

#endif
