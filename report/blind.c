/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose debug information is missing: at the foot of what it would have improved. */
#include "report/blind.h"

#include "report/field.h"
#include "report/number.h"

static void add_json(struct hw_report *report, const struct hw_findings *findings)
{
	struct hw_json *json = &report->json;

	hw_json_open_array(json, "without_debug_information");
	for (size_t i = 0; i < findings->blind_count; i++) {
		const struct hw_blind *blind = &findings->blind[i];

		hw_json_open_object(json, NULL);
		hw_json_foreign(json, "module", findings->snapshot->modules[blind->module].path);
		hw_json_number(json, "words", blind->words);
		hw_json_text(json, "package", blind->package);
		hw_json_close(json);
	}
	hw_json_close(json);
}

static void say_module(
	struct hw_report *report, const struct hw_findings *findings, const struct hw_blind *blind)
{
	const char *file = hw_file_name(findings->snapshot->modules[blind->module].path);
	hw_autofree char *clean = hw_report_clean(report, file, strlen(file));

	if (clean)
		hw_field(report, HW_TINT_PLAIN, "", "  %s%s%s", clean,
			blind->package ? ": usually in the package " : "",
			blind->package ? blind->package : "");
}

void hw_report_blind(struct hw_report *report, const struct hw_findings *findings)
{
	char more[HW_NUMBER_ROOM];

	if (!findings->blind)
		return;
	if (hw_report_is_json(report))
		add_json(report, findings);
	if (!hw_report_is_text(report) || !findings->blind_count)
		return;
	hw_report_print(report, "\n");
	hw_field(report, HW_TINT_PLAIN, "hidden",
		"The types of these are not known, for want of debug information:");
	for (size_t i = 0; i < findings->blind_count; i++)
		say_module(report, findings, &findings->blind[i]);
	if (findings->blind_total > findings->blind_count)
		hw_field(report, HW_TINT_PLAIN, "", "  and %s more",
			hw_number_count(findings->blind_total - findings->blind_count, more));
}
