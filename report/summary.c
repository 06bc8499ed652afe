/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the process is, how it was held, what is odd about its heap, and what to look at next. */
#include <signal.h>

#include "report/anomalies.h"
#include "report/field.h"
#include "report/memory.h"
#include "report/number.h"
#include "report/pools.h"
#include "report/verdict.h"

#define COMMAND_MOST 200 /* characters: a Java command line has thousands */

/* ---------------------------------------------------------------------------------------------- in words */

static char *clean_text(struct hw_report *report, const char *text)
{
	return hw_report_clean(report, text, strlen(text));
}

static void say_process(struct hw_report *report, const struct hw_snapshot *snapshot)
{
	const struct hw_process *process = &snapshot->process;
	hw_autofree char *name = clean_text(report, process->name);
	hw_autofree char *command = clean_text(report, process->command_line);
	hw_autofree char *executable = clean_text(report, process->executable);
	size_t threads = snapshot->thread_count;

	if (!name || !command || !executable)
		return;
	hw_field(report, HW_TINT_HEADING, snapshot->source == HW_SOURCE_CORE ? "core of" : "process",
		"%s, pid %d, %zu thread%s, uid %u%s", *name ? name : "?", (int)process->pid, threads,
		threads == 1 ? "" : "s", (unsigned)process->uid,
		process->other_namespace ? ", in another mount namespace" : "");
	if (*command)
		hw_field(report, HW_TINT_PLAIN, "command", "%.*s%s", COMMAND_MOST, command,
			strlen(command) > COMMAND_MOST ? "..." : "");
	if (*executable)
		hw_field(report, HW_TINT_PLAIN, "program", "%s%s", executable,
			snapshot->word_size == 4 ? " (32-bit)" : "");
	if (snapshot->terminating_signal)
		hw_field(report, HW_TINT_PLAIN, "ended by", "signal %d, %s", snapshot->terminating_signal,
			strsignal(snapshot->terminating_signal));
}

static void say_libc(struct hw_report *report, const struct hw_heap *heap)
{
	for (uint32_t i = 0; i < heap->libc_count; i++) {
		const struct hw_libc *libc = &heap->libcs[i];
		hw_autofree char *version =
			clean_text(report, libc->version ? libc->version : "of unknown version");
		hw_autofree char *evidence = clean_text(report, libc->evidence ? libc->evidence : "");
		hw_autofree char *path = clean_text(report, heap->libc_count > 1 ? libc->module_path : "");

		if (version && evidence && path)
			hw_field(report, HW_TINT_PLAIN, "glibc", "%s%s%s: %s", version, *path ? " in " : "",
				path, evidence);
	}
}

static void say_foreign(struct hw_report *report, const struct hw_heap *heap, const char *evidence)
{
	if (heap->allocator == HW_ALLOCATOR_UNSEEN) {
		hw_field(report, HW_TINT_ALARM, "malloc", "its heap cannot be located (%s).", evidence);
		hw_field(report, HW_TINT_PLAIN, "", "%s",
			"So there is no histogram, and what malloc has is part of the anonymous mappings.");
		return;
	}
	if (heap->allocator == HW_ALLOCATOR_UNKNOWN)
		hw_field(report, HW_TINT_ALARM, "malloc", "not glibc's, whose it is is not known (%s).",
			evidence);
	else
		hw_field(report, HW_TINT_ALARM, "malloc", "not glibc's but %s (%s).",
			hw_allocator_name(heap->allocator), evidence);
	hw_field(report, HW_TINT_PLAIN, "", "%s",
		"heapwalk knows glibc's heap only, so there is no histogram. This allocator's memory is part "
		"of the anonymous mappings.");
}

static void say_allocator(struct hw_report *report, const struct hw_heap *heap)
{
	hw_autofree char *evidence = clean_text(report, heap->allocator_evidence);

	if (!evidence)
		return;
	if (!hw_allocator_is_glibc(heap->allocator))
		say_foreign(report, heap, evidence);
	else if (heap->allocator == HW_ALLOCATOR_UNUSED)
		hw_field(report, HW_TINT_PLAIN, "malloc", "glibc's, and this program has not used it (%s)",
			evidence);
	else if (heap->padding)
		hw_field(report, HW_TINT_PLAIN, "malloc",
			"glibc's with checks (%s): each chunk holds a byte more than was asked for",
			evidence);
	else if (heap->allocator == HW_ALLOCATOR_WRAPPED)
		hw_field(report, HW_TINT_PLAIN, "malloc",
			"glibc's behind a wrapper (%s): what the wrapper keeps to itself is not seen",
			evidence);
}

static void say_runtime(struct hw_report *report, const struct hw_heap *heap)
{
	hw_autofree char *runtime = heap->runtime ? clean_text(report, heap->runtime) : NULL;

	if (runtime)
		hw_field(report, HW_TINT_PLAIN, "runtime",
			"%s: its objects lie in a heap of its own, in anonymous mappings, not in malloc's",
			runtime);
}

static void say_freeze(struct hw_report *report, const struct hw_snapshot *snapshot)
{
	const struct hw_freeze *freeze = &snapshot->freeze;
	hw_autofree char *reason = clean_text(report, freeze->reason ? freeze->reason : "");
	char pause[HW_NUMBER_ROOM];
	char total[HW_NUMBER_ROOM];

	if (snapshot->source != HW_SOURCE_PROCESS || !reason)
		return;
	hw_field(report, HW_TINT_PLAIN, "frozen", "%s, while %s%s%s%s",
		hw_number_time(freeze->pause_us, pause),
		freeze->method == HW_FREEZE_FORK ? "a snapshot was forked" : "its memory was copied",
		*reason ? " (" : "", reason, *reason ? ")" : "");
	if (freeze->attempts > 1)
		hw_field(report, HW_TINT_PLAIN, "",
			"at attempt %u, as it was in the middle of malloc before; %s in all",
			freeze->attempts, hw_number_time(freeze->total_pause_us, total));
}

static void say_warnings(struct hw_report *report, const struct hw_snapshot *snapshot)
{
	if (snapshot->freeze.still_busy)
		hw_field(report, HW_TINT_ALARM, "warning", "%s",
			"The process was in the middle of malloc at every attempt: a few chunks may be "
			"counted wrongly.");
	for (size_t i = 0; i < snapshot->warning_count; i++) {
		hw_autofree char *text = clean_text(report, snapshot->warnings[i].text);

		if (text)
			hw_field(report, HW_TINT_ALARM, "warning", "%s", text);
	}
}

/* ------------------------------------------------------------------------------------------------ as JSON */

static void add_process(struct hw_json *json, const struct hw_snapshot *snapshot)
{
	const struct hw_process *process = &snapshot->process;

	hw_json_open_object(json, "process");
	hw_json_text(json, "source", snapshot->source == HW_SOURCE_CORE ? "core" : "process");
	hw_json_number(json, "pid", (uint64_t)process->pid);
	hw_json_foreign(json, "name", process->name);
	hw_json_foreign(json, "executable", process->executable);
	hw_json_foreign(json, "command", process->command_line);
	hw_json_number(json, "uid", process->uid);
	hw_json_number(json, "threads", snapshot->thread_count);
	hw_json_number(json, "word_size", snapshot->word_size);
	hw_json_number(json, "signal", (uint64_t)snapshot->terminating_signal);
	hw_json_close(json);
}

static void add_libcs(struct hw_json *json, const struct hw_heap *heap)
{
	hw_json_text(json, "allocator", hw_allocator_name(heap->allocator));
	hw_json_foreign(json, "allocator_evidence", heap->allocator_evidence);
	if (heap->runtime)
		hw_json_foreign(json, "runtime", heap->runtime);
	else
		hw_json_null(json, "runtime");
	hw_json_open_array(json, "libcs");
	for (uint32_t i = 0; i < heap->libc_count; i++) {
		const struct hw_libc *libc = &heap->libcs[i];

		hw_json_open_object(json, NULL);
		hw_json_foreign(json, "version", libc->version ? libc->version : "");
		hw_json_foreign(json, "evidence", libc->evidence ? libc->evidence : "");
		hw_json_foreign(json, "path", libc->module_path ? libc->module_path : "");
		hw_json_address(json, "main_arena", libc->main_arena);
		hw_json_number(json, "tcaches", libc->tcache_count);
		hw_json_number(json, "mmapped_found", libc->mmap_found);
		hw_json_number(json, "mmapped_counted", libc->mmap_count);
		hw_json_close(json);
	}
	hw_json_close(json);
}

static void add_freeze(struct hw_json *json, const struct hw_snapshot *snapshot)
{
	const struct hw_freeze *freeze = &snapshot->freeze;

	if (snapshot->source != HW_SOURCE_PROCESS) {
		hw_json_null(json, "freeze");
		return;
	}
	hw_json_open_object(json, "freeze");
	hw_json_text(json, "method", freeze->method == HW_FREEZE_FORK ? "fork" : "hold");
	hw_json_foreign(json, "reason", freeze->reason ? freeze->reason : "");
	hw_json_number(json, "pause_us", freeze->pause_us);
	hw_json_number(json, "total_pause_us", freeze->total_pause_us);
	hw_json_number(json, "attempts", freeze->attempts);
	hw_json_flag(json, "still_busy", freeze->still_busy);
	hw_json_close(json);
}

static void add_warnings(struct hw_json *json, const struct hw_snapshot *snapshot)
{
	hw_json_open_array(json, "warnings");
	for (size_t i = 0; i < snapshot->warning_count; i++)
		hw_json_foreign(json, NULL, snapshot->warnings[i].text);
	hw_json_close(json);
}

static void add_facts(struct hw_report *report, const struct hw_findings *findings)
{
	struct hw_json *json = &report->json;

	if (!hw_report_is_json(report))
		return;
	add_process(json, findings->snapshot);
	add_libcs(json, findings->heap);
	add_freeze(json, findings->snapshot);
	add_warnings(json, findings->snapshot);
	hw_json_number(json, "anomaly_total", findings->heap->anomaly_total);
}

void hw_report_summary(struct hw_report *report, const struct hw_findings *findings)
{
	add_facts(report, findings);
	hw_report_heading(report, NULL);
	say_process(report, findings->snapshot);
	say_allocator(report, findings->heap);
	say_libc(report, findings->heap);
	say_runtime(report, findings->heap);
	if (findings->pymalloc)
		hw_pools_say_pymalloc(report, findings->pymalloc);
	say_freeze(report, findings->snapshot);
	say_warnings(report, findings->snapshot);
	hw_anomalies_brief(report, findings->heap);
	hw_memory_table(report, findings);
	if (hw_allocator_is_glibc(findings->heap->allocator))
		hw_verdict_say(report, findings);
}
