/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Holders in words. */
#include "report/holders.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int global_text(const struct hw_findings *findings, const struct hw_holder *holder, char **text)
{
	const struct hw_module *module = &findings->snapshot->modules[holder->owner];
	const char *name = base_name(module->path);
	unsigned long long offset = holder->address - module->start;

	if (holder->name && !holder->is_section)
		return asprintf(text, "%s (%s)", holder->name, name);
	return asprintf(text, "%s%s%s+%#llx", name, holder->name ? " " : "", holder->name ? holder->name : "",
		offset);
}

static int mapping_text(const struct hw_findings *findings, const struct hw_holder *holder, char **text)
{
	const struct hw_map *map;

	if (holder->owner == UINT32_MAX)
		return asprintf(text, "unreadable heap at %#llx", (unsigned long long)holder->address);
	map = &findings->snapshot->maps[holder->owner];
	return asprintf(text, "mapping %#llx-%#llx%s%s", (unsigned long long)map->start,
		(unsigned long long)map->end, map->path[0] ? " " : "", map->path);
}

static int thread_text(const struct hw_findings *findings, const struct hw_holder *holder, char **text)
{
	static const char *const what[HW_ROOT_KINDS] = {
		[HW_ROOT_TLS] = "thread-local data",
		[HW_ROOT_SPECIFIC] = "thread-specific data",
		[HW_ROOT_DESCRIPTOR] = "control block",
		[HW_ROOT_STACK] = "stack",
		[HW_ROOT_REGISTER] = "registers",
	};
	const struct hw_thread *thread = &findings->snapshot->threads[holder->owner];

	return asprintf(text, "%s of thread %d%s%s%s", what[holder->kind], (int)thread->tid,
		thread->name[0] ? " (" : "", thread->name, thread->name[0] ? ")" : "");
}

char *hw_holder_text(const struct hw_findings *findings, const struct hw_holder *holder)
{
	char *text;
	int length;

	if (holder->kind == HW_ROOT_GLOBAL || holder->kind == HW_ROOT_LOADER)
		length = global_text(findings, holder, &text);
	else if (holder->kind == HW_ROOT_MAPPED)
		length = mapping_text(findings, holder, &text);
	else
		length = thread_text(findings, holder, &text);
	return length < 0 ? NULL : text;
}
