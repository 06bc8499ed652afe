/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Modules whose own types cannot be named, with the package to install. */
#include "heapwalk/cli/blind.h"

/* A screen does not need them all, and each is a question to the package database. */
#define ASKED 8

/*
 * How the distributions call the package with a package's debug information: Debian's are made as NAME-dbgsym
 * (debhelper), but for the C library's; rpm's are NAME-debuginfo (rpmbuild).
 */
static char *debug_package(enum hw_package_system system, const char *package)
{
	char *name = NULL;
	int length;

	if (!package)
		return NULL;
	if (system == HW_PACKAGE_RPM)
		length = asprintf(&name, "%s-debuginfo", package);
	else if (strcmp(package, "libc6") == 0)
		length = asprintf(&name, "libc6-dbg");
	else
		length = asprintf(&name, "%s-dbgsym", package);
	return length < 0 ? NULL : name;
}

static void ask_for_packages(const struct hw_session *session, struct hw_blind *blind, size_t count)
{
	size_t modules[ASKED];
	char *packages[ASKED];
	enum hw_package_system system;

	for (size_t i = 0; i < count; i++)
		modules[i] = blind[i].module;
	system = hw_snapshot_packages(session->snapshot, modules, count, packages);
	for (size_t i = 0; i < count; i++) {
		blind[i].package = debug_package(system, packages[i]);
		free(packages[i]);
	}
}

struct hw_error *hw_session_blind(struct hw_session *session)
{
	struct hw_blind_module *modules;
	struct hw_error *error;
	size_t count;

	/* CSV is one table, without it. */
	if (session->blind || !session->graph || session->options.report.format == HW_FORMAT_CSV)
		return NULL;
	error = hw_typing_blind_modules(session->typing, session->graph, &modules, &count);
	if (error)
		return error;
	session->blind_total = count;
	session->blind_count = hw_min(count, ASKED);
	session->blind = calloc(ASKED, sizeof(*session->blind));
	for (size_t i = 0; session->blind && i < session->blind_count; i++) {
		session->blind[i].module = modules[i].module;
		session->blind[i].words = modules[i].words;
	}
	free(modules);
	if (!session->blind)
		return hw_error_no_memory();
	ask_for_packages(session, session->blind, session->blind_count);
	return NULL;
}

void hw_session_blind_deinit(struct hw_session *session)
{
	for (size_t i = 0; session->blind && i < session->blind_count; i++)
		free(session->blind[i].package);
	free(session->blind);
}
