/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A value that is being put into words: value.c, and value_pointer.c for what leads out of the object. */
#ifndef HW_HEAPWALK_TYPES_VALUE_H
#define HW_HEAPWALK_TYPES_VALUE_H

#include "heapwalk/heap.h"

struct hw_value {
	const struct hw_explainer *explainer;
	struct hw_value_limits limits; /* all set */
	FILE *out;
	size_t left; /* bytes that may still be written; 0: it was cut */
	uint8_t *bytes;
	size_t size; /* of the object, as far as it could be read */
};

/* Nothing once the value was cut. */
void hw_value_print(struct hw_value *value, const char *format, ...) hw_printf(2, 3);

/* Are these bytes of the object there? */
bool hw_value_has(const struct hw_value *value, uint64_t offset, uint64_t size);

/* `size` bytes, 8 at most, as a number in the target's byte order. They must be there. */
uint64_t hw_value_number(const struct hw_value *value, uint64_t offset, uint64_t size);

/* In quotes, cut to the limit. */
void hw_value_quote(struct hw_value *value, const char *text, size_t length);

/* A pointer to a type of the catalogue, and what it leads to. */
void hw_value_pointer(struct hw_value *value, uint32_t target, uint64_t address);

/* A std::string of libstdc++ or libc++: true, and it is written. */
bool hw_value_string_object(struct hw_value *value, const struct hw_type *type, uint64_t offset);

#endif
