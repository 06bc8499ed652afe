/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The error type: made, annotated and destroyed without ever failing itself. */
#include "inspector/inspector.h"

static struct hw_error out_of_memory = {
	.code = HW_ERROR_NO_MEMORY,
	.message = (char *)"out of memory",
};

static struct hw_error *error_build(enum hw_error_code code, const char *format, va_list arguments)
{
	struct hw_error *error = calloc(1, sizeof(*error));

	if (!error)
		return &out_of_memory;
	error->code = code;
	if (vasprintf(&error->message, format, arguments) < 0) {
		free(error);
		return &out_of_memory;
	}
	return error;
}

struct hw_error *hw_error_create(enum hw_error_code code, const char *format, ...)
{
	struct hw_error *error;
	va_list arguments;

	va_start(arguments, format);
	error = error_build(code, format, arguments);
	va_end(arguments);
	return error;
}

struct hw_error *hw_error_os(int errnum, const char *format, ...)
{
	struct hw_error *error;
	va_list arguments;
	char *longer;

	va_start(arguments, format);
	error = error_build(HW_ERROR_OS, format, arguments);
	va_end(arguments);
	if (error == &out_of_memory)
		return error;
	error->errnum = errnum;
	if (asprintf(&longer, "%s: %s", error->message, strerror(errnum)) >= 0) {
		free(error->message);
		error->message = longer;
	}
	return error;
}

struct hw_error *hw_error_fault(uint64_t address, const char *format, ...)
{
	struct hw_error *error;
	va_list arguments;

	va_start(arguments, format);
	error = error_build(HW_ERROR_FAULT, format, arguments);
	va_end(arguments);
	if (error != &out_of_memory)
		error->address = address;
	return error;
}

struct hw_error *hw_error_no_memory(void)
{
	return &out_of_memory;
}

struct hw_error *hw_error_context(struct hw_error *error, const char *format, ...)
{
	hw_autofree char *context = NULL;
	va_list arguments;
	char *longer;
	int length;

	if (error == &out_of_memory)
		return error;
	va_start(arguments, format);
	length = vasprintf(&context, format, arguments);
	va_end(arguments);
	if (length < 0) {
		context = NULL;
		return error;
	}
	if (asprintf(&longer, "%s: %s", context, error->message) < 0)
		return error;
	free(error->message);
	error->message = longer;
	return error;
}

struct hw_error *hw_error_remedy(struct hw_error *error, const char *format, ...)
{
	va_list arguments;
	char *remedy;
	int length;

	if (error == &out_of_memory)
		return error;
	va_start(arguments, format);
	length = vasprintf(&remedy, format, arguments);
	va_end(arguments);
	if (length < 0)
		return error;
	free(error->remedy);
	error->remedy = remedy;
	return error;
}

void hw_error_destroy(struct hw_error *error)
{
	if (!error || error == &out_of_memory)
		return;
	free(error->message);
	free(error->remedy);
	free(error);
}

bool hw_error_catch(struct hw_error **error, enum hw_error_code code)
{
	if (!*error || (*error)->code != code)
		return false;
	hw_error_destroy(*error);
	*error = NULL;
	return true;
}
