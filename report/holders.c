/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Holders in words. */
#include "report/holders.h"

#include "report/number.h"
#include "report/short_name.h"

#define NAME_MOST 32 /* bytes of a C++ name */

static int global_text(const struct hw_findings *findings, const struct hw_holder *holder, char **text)
{
	const struct hw_module *module = &findings->snapshot->modules[holder->owner];
	const char *name = hw_file_name(module->path);
	unsigned long long offset = holder->address - module->start;

	if (holder->name && !holder->is_section && holder->file)
		return asprintf(text, "%s (%s:%u)", holder->name, hw_file_name(holder->file), holder->line);
	if (holder->name && !holder->is_section)
		return asprintf(text, "%s (%s)", holder->name, name);
	return asprintf(text, "%s%s%s+%#llx", name, holder->name ? " " : "", holder->name ? holder->name : "",
		offset);
}

/* "mapping of 3.57 MiB at 0x7fce9cfb0000 (cache.db)" */
static int mapping_text(const struct hw_findings *findings, const struct hw_holder *holder, char **text)
{
	char size[HW_NUMBER_ROOM];
	const struct hw_map *map;

	if (holder->owner == UINT32_MAX)
		return asprintf(text, "unreadable heap at %#llx", (unsigned long long)holder->address);
	map = &findings->snapshot->maps[holder->owner];
	return asprintf(text, "mapping of %s at %#llx%s%s%s", hw_number_bytes(map->end - map->start, size),
		(unsigned long long)map->start, map->path[0] ? " (" : "", hw_file_name(map->path),
		map->path[0] ? ")" : "");
}

/* "local `table` of main(),", "frame of main(),"; demanglers add parameters to C++ functions. */
static int local_text(const struct hw_holder *holder, char **text)
{
	hw_autofree char *function = hw_short_name(holder->function, NAME_MOST);
	const char *call = function && strchr(function, '(') ? "" : "()";

	if (holder->name)
		return asprintf(text, "local `%s` of %s%s,", holder->name, function ? function : "?", call);
	return asprintf(text, "frame of %s%s,", function ? function : "?", call);
}

/* "stack of", "thread-local `cache` of", "local `table` of main(),", ... */
static int part_text(const struct hw_holder *holder, char **text)
{
	static const char *const what[HW_ROOT_KINDS] = {
		[HW_ROOT_TLS] = "thread-local data",
		[HW_ROOT_SPECIFIC] = "thread-specific data",
		[HW_ROOT_DESCRIPTOR] = "control block",
		[HW_ROOT_STACK] = "stack",
		[HW_ROOT_REGISTER] = "registers",
	};

	if (holder->kind == HW_ROOT_TLS && holder->name)
		return asprintf(text, "thread-local `%s` of", holder->name);
	if (holder->function)
		return local_text(holder, text);
	return asprintf(text, "%s of", what[holder->kind]);
}

static int thread_text(const struct hw_findings *findings, const struct hw_holder *holder, char **text)
{
	const struct hw_thread *thread = &findings->snapshot->threads[holder->owner];
	hw_autofree char *part = NULL;

	if (part_text(holder, &part) < 0) {
		part = NULL;
		return -1;
	}
	return asprintf(text, "%s thread %d%s%s%s", part, (int)thread->tid, thread->name[0] ? " (" : "",
		thread->name, thread->name[0] ? ")" : "");
}

/* "epoll registrations of descriptor 5", "timers" */
static int kernel_text(const struct hw_holder *holder, char **text)
{
	if (holder->owner == UINT32_MAX)
		return asprintf(text, "timers");
	return asprintf(text, "epoll registrations of descriptor %d", (int)holder->owner);
}

char *hw_holder_text(const struct hw_findings *findings, const struct hw_holder *holder)
{
	char *text;
	int length;

	if (holder->kind == HW_ROOT_GLOBAL || holder->kind == HW_ROOT_LOADER)
		length = global_text(findings, holder, &text);
	else if (holder->kind == HW_ROOT_MAPPED)
		length = mapping_text(findings, holder, &text);
	else if (holder->kind == HW_ROOT_KERNEL)
		length = kernel_text(holder, &text);
	else
		length = thread_text(findings, holder, &text);
	return length < 0 ? NULL : text;
}

char *hw_holder_source(const struct hw_holder *holder)
{
	char *text;

	return holder->file && asprintf(&text, "%s:%u", holder->file, holder->line) >= 0 ? text : NULL;
}
