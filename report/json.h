/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small streaming JSON writer: nothing is kept but the nesting. Members go one a line down to a depth,
 * deeper ones stand in one line, so that a table is one row a line and can be read by grep as well as by jq.
 */
#ifndef HW_REPORT_JSON_H
#define HW_REPORT_JSON_H

#include "report/output.h"

#define HW_JSON_DEPTH 16

struct hw_json {
	struct hw_output *output; /* borrowed */
	unsigned depth;
	unsigned broad; /* containers of this depth or less have one member a line */
	bool has_members[HW_JSON_DEPTH];
	char closers[HW_JSON_DEPTH];
};

void hw_json_init(struct hw_json *json, struct hw_output *output, unsigned broad);

/* UTF-8 text as a JSON string, alone. */
void hw_json_quote(struct hw_output *output, const char *text);

/* Comma, new line and indent for an array's element that the caller writes himself. */
void hw_json_begin_element(struct hw_json *json);

/* In all of these a NULL key writes a value without one: an array's element. */
void hw_json_open_object(struct hw_json *json, const char *key);
void hw_json_open_array(struct hw_json *json, const char *key);
void hw_json_close(struct hw_json *json); /* what was opened last */

/* Text that is escaped by JSON's own rules; it must be UTF-8 (what hw_report_escape() returns is). NULL:
 * null. */
void hw_json_text(struct hw_json *json, const char *key, const char *text);
void hw_json_number(struct hw_json *json, const char *key, uint64_t number);
void hw_json_real(struct hw_json *json, const char *key, double number);
void hw_json_flag(struct hw_json *json, const char *key, bool flag);
void hw_json_null(struct hw_json *json, const char *key);
void hw_json_address(struct hw_json *json, const char *key, uint64_t address); /* "0x..." */

/* A target's text: escaped by hw_report_escape() first. */
void hw_json_foreign(struct hw_json *json, const char *key, const char *text);

#endif
