/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON as RFC 8259 has it, written as it comes. */
#include "report/json.h"

#include <math.h>

#include "report/number.h"
#include "report/report.h"

void hw_json_init(struct hw_json *json, struct hw_output *output, unsigned broad)
{
	memset(json, 0, sizeof(*json));
	json->output = output;
	json->broad = broad;
}

void hw_json_quote(struct hw_output *output, const char *text)
{
	const char *plain = text;

	hw_output_write(output, "\"", 1);
	for (; *text; text++) {
		if ((unsigned char)*text >= 0x20 && *text != '"' && *text != '\\')
			continue;
		hw_output_write(output, plain, (size_t)(text - plain));
		plain = text + 1;
		if (*text == '"' || *text == '\\')
			hw_output_print(output, "\\%c", *text);
		else
			hw_output_print(output, "\\u%04x", (unsigned char)*text);
	}
	hw_output_write(output, plain, (size_t)(text - plain));
	hw_output_write(output, "\"", 1);
}

static void new_line(struct hw_json *json)
{
	hw_output_write(json->output, "\n", 1);
	for (unsigned i = 0; i < json->depth; i++)
		hw_output_write(json->output, "  ", 2);
}

/* Everything that stands before a value: comma, line, key. */
static void begin_value(struct hw_json *json, const char *key)
{
	if (json->depth) {
		if (json->has_members[json->depth - 1])
			hw_output_write(json->output, ",", 1);
		json->has_members[json->depth - 1] = true;
		if (json->depth <= json->broad)
			new_line(json);
	}
	if (key) {
		hw_json_quote(json->output, key);
		hw_output_write(json->output, ":", 1);
	}
}

void hw_json_begin_element(struct hw_json *json)
{
	begin_value(json, NULL);
}

static void open_container(struct hw_json *json, const char *key, char opener, char closer)
{
	begin_value(json, key);
	hw_output_write(json->output, &opener, 1);
	json->has_members[json->depth] = false;
	json->closers[json->depth++] = closer;
}

void hw_json_open_object(struct hw_json *json, const char *key)
{
	open_container(json, key, '{', '}');
}

void hw_json_open_array(struct hw_json *json, const char *key)
{
	open_container(json, key, '[', ']');
}

void hw_json_close(struct hw_json *json)
{
	bool broad = json->depth <= json->broad;

	json->depth--;
	if (broad && json->has_members[json->depth])
		new_line(json);
	hw_output_write(json->output, &json->closers[json->depth], 1);
	if (!json->depth)
		hw_output_write(json->output, "\n", 1);
}

void hw_json_text(struct hw_json *json, const char *key, const char *text)
{
	if (!text) {
		hw_json_null(json, key);
		return;
	}
	begin_value(json, key);
	hw_json_quote(json->output, text);
}

void hw_json_foreign(struct hw_json *json, const char *key, const char *text)
{
	hw_autofree char *escaped = hw_report_escape(text, strlen(text), false);

	if (!escaped)
		json->output->no_memory = true;
	hw_json_text(json, key, escaped);
}

void hw_json_number(struct hw_json *json, const char *key, uint64_t number)
{
	char digits[HW_NUMBER_ROOM];
	unsigned length = hw_number_digits(number, digits);

	begin_value(json, key);
	hw_output_write(json->output, digits, length);
}

/* JSON knows no infinity: null says that there is no such number. */
void hw_json_real(struct hw_json *json, const char *key, double number)
{
	if (!isfinite(number)) {
		hw_json_null(json, key);
		return;
	}
	begin_value(json, key);
	hw_output_print(json->output, "%.6g", number);
}

void hw_json_flag(struct hw_json *json, const char *key, bool flag)
{
	begin_value(json, key);
	hw_output_text(json->output, flag ? "true" : "false");
}

void hw_json_null(struct hw_json *json, const char *key)
{
	begin_value(json, key);
	hw_output_text(json->output, "null");
}

void hw_json_address(struct hw_json *json, const char *key, uint64_t address)
{
	char text[HW_NUMBER_ROOM];

	hw_json_text(json, key, hw_number_address(address, text));
}
