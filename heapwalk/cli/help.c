/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --help and --columns help, from the tables. */
#include "heapwalk/cli/view.h"

#define NAME_WIDTH 24

static void print_option(char letter, const char *name, const char *argument, const char *help)
{
	char text[64];

	snprintf(text, sizeof(text), "--%s%s%s", name, argument ? " " : "", argument ? argument : "");
	if (letter)
		printf("  -%c, %-*s %s\n", letter, NAME_WIDTH, text, help);
	else
		printf("      %-*s %s\n", NAME_WIDTH, text, help);
}

static void print_group(enum hw_option_group group, const char *heading)
{
	printf("\n%s\n", heading);
	for (size_t i = 0; i < hw_option_count; i++) {
		const struct hw_option *option = &hw_option_table[i];

		if (option->group == group)
			print_option(option->letter, option->name, option->argument, option->help);
	}
}

static void print_views(void)
{
	puts("\nView: what to show");
	for (size_t i = 0; i < hw_view_count; i++)
		print_option(hw_views[i].letter, hw_views[i].option, NULL, hw_views[i].help);
}

void hw_help_print(void)
{
	puts("Usage: heapwalk [TARGET] [SELECTION] [VIEW] [OUTPUT]\n"
	     "Shows what a process has in its glibc heap, from outside: which memory is likely\n"
	     "leaking, and what it is. The process stands still for milliseconds.\n"
	     "\n"
	     "  heapwalk --attach 1234                look at process 1234\n"
	     "  heapwalk --size 48 --dump-strings     the strings in its 48-byte allocations");
	print_group(HW_GROUP_TARGET, "Target: whom to look at; none named: the last one");
	print_group(HW_GROUP_SELECTION, "Selection: which chunks; every live one unless told otherwise");
	print_views();
	print_group(HW_GROUP_ROOTS, "Leaks: memory that does not count as referring to a chunk");
	print_group(HW_GROUP_OUTPUT, "Output");
	print_group(HW_GROUP_GENERAL, "General");
	puts("\nExit status: 0 done; 1 the condition asked for was found; 2 wrong usage;\n"
	     "3 the target could not be inspected or the report not be written.");
}

static void print_columns(const struct hw_view *view)
{
	printf("--%s\n", view->option);
	for (size_t i = 0; i < view->table->count; i++) {
		const struct hw_column *column = &view->table->columns[i];

		printf("  %c %-14s  %s\n", column->flags & HW_COLUMN_SHOWN ? '*' : ' ', column->name,
			column->help);
	}
}

void hw_help_columns(uint64_t views)
{
	puts("Columns for --columns and --sort; tables show those with a star unless told\notherwise, JSON "
	     "and CSV all.");
	for (size_t i = 0; i < hw_view_count; i++) {
		if (hw_views[i].table && (!views || hw_views_have(views, i))) {
			putchar('\n');
			print_columns(&hw_views[i]);
		}
	}
}
