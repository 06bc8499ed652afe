/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verdict. Every sentence has its evidence in it, and what it does not know it does not say. */
#include "report/verdict.h"

#include "report/field.h"
#include "report/holders.h"
#include "report/number.h"

static void say_next(struct hw_report *report, const char *format, ...)
{
	hw_autofree char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (text)
		hw_field(report, HW_TINT_HEADING, "next", "%s", text);
}

static bool is_text(enum hw_content content)
{
	return content == HW_CONTENT_STRING || content == HW_CONTENT_WIDE || content == HW_CONTENT_TEXT_PART;
}

static void say_live(
	struct hw_report *report, const struct hw_findings *findings, const char *label, const char *share)
{
	const struct hw_histogram *histogram = findings->histogram;

	hw_field(report, HW_TINT_PLAIN, label,
		"%s of malloc's memory, touched or not, is in live chunks. If that grows, chunks are leaked "
		"or collected; the sizes below say which.",
		share);
	if (histogram && histogram->row_count)
		say_next(report, "heapwalk --size %llu %s",
			(unsigned long long)histogram->rows[0].request_high,
			is_text(histogram->rows[0].content) ? "--dump-strings" : "--dump --newest-first");
}

static const char *outside_text(enum hw_use most)
{
	switch (most) {
	case HW_USE_DATA:
		return "most of that is static data of the program and its libraries";
	case HW_USE_STACK:
	case HW_USE_OLD_STACK:
		return "most of that is thread stacks";
	case HW_USE_SHARED:
		return "most of that is shared memory";
	default:
		return "the program or a library maps it itself";
	}
}

/* ------------------------------------------------------------------------------------------ findings as text
 */

/* "1,204 trees with Session heads of 41 to 56 bytes", "1 single block of 41 to 56 bytes"; the caller's to
 * free. */
static char *families_text(
	struct hw_report *report, const struct hw_findings *findings, const struct hw_leak_group *group)
{
	static const char *const shapes[HW_LOST_SHAPES] = {
		[HW_LOST_BLOCK] = "single block",
		[HW_LOST_LIST] = "list",
		[HW_LOST_TREE] = "tree",
		[HW_LOST_CYCLE] = "closed cycle",
		[HW_LOST_WEB] = "web",
	};
	const char *name = findings->typing && group->type ? findings->typing->types[group->type].name : NULL;
	hw_autofree char *type = name ? hw_report_clean(report, name, strlen(name)) : NULL;
	bool alone = group->shape == HW_LOST_BLOCK, one = group->families == 1;
	char count[HW_NUMBER_ROOM], low[HW_NUMBER_ROOM], high[HW_NUMBER_ROOM];
	char *text;
	int length =
		asprintf(&text, "%s %s%s%s%s%s%s of %s to %s bytes", hw_number_count(group->families, count),
			alone && type ? type : shapes[group->shape], one ? "" : "s",
			alone ? ""
			: one ? " with a "
			      : " with ",
			alone || !type ? "" : type, alone || !type ? "" : " ",
			alone ? ""
			: one ? "head"
			      : "heads",
			hw_number_count(group->request_low, low), hw_number_count(group->request_high, high));

	return length < 0 ? NULL : text;
}

static void say_lost(
	struct hw_report *report, const struct hw_findings *findings, const struct hw_finding *finding)
{
	const struct hw_verdict *verdict = findings->verdict;
	const struct hw_leak_group *group = &verdict->leaks->groups[finding->group];
	hw_autofree char *families = families_text(report, findings, group);
	char chunks[HW_NUMBER_ROOM], bytes[HW_NUMBER_ROOM], share[HW_NUMBER_ROOM], most[HW_NUMBER_ROOM];

	hw_field(report, HW_TINT_ALARM, "leak",
		"%s in %s block%s %s lost%s: nothing can reach them any more. That is %s of all live memory. "
		"The largest group: %s, %s in all.",
		hw_number_bytes(finding->bytes, bytes), hw_number_count(finding->chunks, chunks),
		finding->chunks == 1 ? "" : "s", finding->chunks == 1 ? "is" : "are",
		verdict->is_certain ? "" : ", as far as this snapshot shows",
		hw_number_share(finding->share, share), families ? families : "?",
		hw_number_bytes(group->bytes, most));
	say_next(report, "heapwalk --leaks");
}

static void say_holder(
	struct hw_report *report, const struct hw_findings *findings, const struct hw_finding *finding)
{
	const struct hw_retained *retained = findings->verdict->retained;
	const struct hw_retainer *collection = &retained->retainers[finding->retainer];
	hw_autofree char *raw = hw_holder_text(findings, &retained->holders.holders[finding->holder]);
	hw_autofree char *name = raw ? hw_report_clean(report, raw, strlen(raw)) : NULL;
	char chunks[HW_NUMBER_ROOM], bytes[HW_NUMBER_ROOM], share[HW_NUMBER_ROOM], alike[HW_NUMBER_ROOM];
	char size[HW_NUMBER_ROOM], keeps[32 + HW_NUMBER_ROOM] = "alone keeps";
	bool is_told;

	if (!name)
		return;
	/* A handful among many thousand would say nothing. */
	is_told = collection->alike.chunks > finding->chunks / 1000;
	if (finding->beside)
		snprintf(keeps, sizeof(keeps), "and %u more, which hold the same block, keep",
			finding->beside);
	hw_field(report, HW_TINT_PLAIN, "holder", "%s %s %s in %s chunks, %s of all live memory%s.", name,
		keeps, hw_number_bytes(finding->bytes, bytes), hw_number_count(finding->chunks, chunks),
		hw_number_share(finding->share, share),
		collection->alike.chunks ? ". If the process grows, this is where to look" : "");
	if (is_told)
		hw_field(report, HW_TINT_PLAIN, "", "One collection in it has %s chunks of %s bytes.",
			hw_number_count(collection->alike.chunks, alike),
			hw_number_count(collection->alike_size, size));
	say_next(report, "heapwalk --retained");
}

static void say_free(struct hw_report *report, const struct hw_finding *finding)
{
	char share[HW_NUMBER_ROOM];

	hw_field(report, HW_TINT_PLAIN, "meaning",
		"%s of malloc's memory is free, and malloc holds on to it: fragmentation, not a leak.",
		hw_number_share(finding->share, share));
	say_next(report, "heapwalk --arenas");
}

/* Python objects are in no table of chunks: --pools has them. */
static bool is_mostly_pymalloc(const struct hw_findings *findings)
{
	return findings->verdict->balance.most == HW_USE_ANONYMOUS && findings->pymalloc &&
	       2 * findings->pymalloc->arena_bytes > findings->accounting->totals[HW_USE_ANONYMOUS].size;
}

static void say_outside(
	struct hw_report *report, const struct hw_findings *findings, const struct hw_finding *finding)
{
	bool usage_known = findings->accounting->usage_known;
	char share[HW_NUMBER_ROOM];

	hw_field(report, HW_TINT_PLAIN, "meaning", "%s of the process's own %s is not malloc's: %s.",
		hw_number_share(finding->share, share), usage_known ? "memory" : "address space",
		outside_text(findings->verdict->balance.most));
	if (is_mostly_pymalloc(findings))
		say_next(report, "heapwalk --pools");
	else
		say_next(report, "heapwalk --maps --sort %s", usage_known ? "rss" : "size");
}

static void say_finding(
	struct hw_report *report, const struct hw_findings *findings, const struct hw_finding *finding)
{
	switch (finding->kind) {
	case HW_FINDING_LOST:
		say_lost(report, findings, finding);
		break;
	case HW_FINDING_HOLDER:
		say_holder(report, findings, finding);
		break;
	case HW_FINDING_FREE:
		say_free(report, finding);
		break;
	case HW_FINDING_OUTSIDE:
		say_outside(report, findings, finding);
		break;
	case HW_FINDINGS:
		break;
	}
}

/* Nothing stands out: what is normal, and what was not looked at. */
static void say_nothing_found(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_verdict *verdict = findings->verdict;
	char share[HW_NUMBER_ROOM];

	if (verdict->has_graph)
		hw_field(report, HW_TINT_PLAIN, "meaning", "Nothing looks wrong: %s.",
			verdict->leaks->definite.chunks ? "next to nothing is lost"
							: "every block can be reached");
	if (verdict->balance.kind == HW_BALANCE_LIVE)
		say_live(report, findings, verdict->has_graph ? "" : "meaning",
			hw_number_share(verdict->balance.share, share));
}

/* More than an eighth of it: then shares of the whole say little. */
static bool is_much_unknown(const struct hw_accounting *accounting)
{
	return accounting->unexplained_heap >
	       (accounting->totals[HW_USE_HEAP].size + accounting->totals[HW_USE_MMAPPED].size) / 8;
}

static void say_text(struct hw_report *report, const struct hw_findings *findings)
{
	const struct hw_verdict *verdict = findings->verdict;

	hw_report_heading(report, NULL);
	if (findings->heap->missing || is_much_unknown(findings->accounting)) {
		hw_field(report, HW_TINT_PLAIN, "meaning", "%s",
			"Cannot be told, as a part of malloc's memory is missing or damaged.");
		return;
	}
	for (unsigned i = 0; i < verdict->count; i++)
		say_finding(report, findings, &verdict->findings[i]);
	if (!verdict->count)
		say_nothing_found(report, findings);
	if (!verdict->has_graph)
		hw_field(report, HW_TINT_PLAIN, "leaks",
			"Not looked for, as in a large heap that takes a while, or as --quick was asked for: "
			"heapwalk --verdict");
}

/* ---------------------------------------------------------------------------------------- findings as JSON
 */

static const char *command_of(enum hw_finding_kind kind)
{
	static const char *const commands[HW_FINDINGS] = {
		[HW_FINDING_LOST] = "heapwalk --leaks",
		[HW_FINDING_HOLDER] = "heapwalk --retained",
		[HW_FINDING_FREE] = "heapwalk --arenas",
		[HW_FINDING_OUTSIDE] = "heapwalk --maps",
	};

	return commands[kind];
}

static void add_evidence(
	struct hw_json *json, const struct hw_findings *findings, const struct hw_finding *finding)
{
	const struct hw_verdict *verdict = findings->verdict;
	hw_autofree char *name = NULL;

	if (finding->kind != HW_FINDING_LOST && finding->kind != HW_FINDING_HOLDER)
		return;
	hw_json_number(json, "chunks", finding->chunks);
	hw_json_number(json, "bytes", finding->bytes);
	if (finding->kind == HW_FINDING_LOST) {
		const struct hw_leak_group *group = &verdict->leaks->groups[finding->group];

		hw_json_flag(json, "certain", verdict->is_certain);
		hw_json_number(json, "families", group->families);
		hw_json_text(json, "shape", hw_lost_shape_name(group->shape));
		hw_json_number(json, "head_chunk_size", group->chunk_size);
		if (findings->typing && group->type)
			hw_json_foreign(json, "head_type", findings->typing->types[group->type].name);
		return;
	}
	name = hw_holder_text(findings, &verdict->retained->holders.holders[finding->holder]);
	hw_json_foreign(json, "holder", name ? name : "");
	hw_json_number(json, "holders_beside", finding->beside);
}

static void add_json(struct hw_json *json, const struct hw_findings *findings)
{
	const struct hw_verdict *verdict = findings->verdict;

	hw_json_open_object(json, "verdict");
	hw_json_flag(json, "looked_for_leaks", verdict->has_graph);
	hw_json_open_array(json, "findings");
	for (unsigned i = 0; i < verdict->count; i++) {
		const struct hw_finding *finding = &verdict->findings[i];

		hw_json_open_object(json, NULL);
		hw_json_text(json, "kind", hw_finding_kind_name(finding->kind));
		hw_json_real(json, "share", finding->share);
		add_evidence(json, findings, finding);
		hw_json_text(json, "next", command_of(finding->kind));
		hw_json_close(json);
	}
	hw_json_close(json);
	hw_json_close(json);
}

void hw_verdict_say(struct hw_report *report, const struct hw_findings *findings)
{
	if (!findings->verdict || report->has_verdict)
		return;
	report->has_verdict = true;
	if (hw_report_is_json(report))
		add_json(&report->json, findings);
	else if (hw_report_is_text(report))
		say_text(report, findings);
}

void hw_report_verdict(struct hw_report *report, const struct hw_findings *findings)
{
	hw_report_heading(report, NULL);
	hw_verdict_say(report, findings);
}
