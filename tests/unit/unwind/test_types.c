/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The types and variables of this very program, as the debugger sees them against offsetof, sizeof and &. */
#include <check.h>

#include "unwind/unwinder.h"

enum hw_test_colour { HW_TEST_RED, HW_TEST_GREEN };

typedef struct {
	short width, height;
} hw_test_size;

struct hw_test_unknown; /* defined nowhere */

enum { NODE_LINE = __LINE__ + 1 };
struct hw_test_node {
	char tag;
	struct hw_test_node *next;
	const char *const text;
	double values[3];
	int grid[2][5];
	enum hw_test_colour colour;
	hw_test_size size;
	struct {
		int x;
		union {
			long number;
			void *pointer;
		};
	} point;
	int (*call)(void);
	struct hw_test_unknown *unknown;
	unsigned low : 3;
	unsigned middle : 7;
	unsigned long high : 40;
	_Bool flag;
	volatile float real;
	hw_test_size sizes[4];
	struct hw_test_node *tail[];
};

enum { GLOBAL_LINE = __LINE__ + 1 };
struct hw_test_node hw_test_global = { .tag = 1 };
struct hw_test_node *hw_test_pointer = &hw_test_global;
_Thread_local int hw_test_thread_local[3];
static int (*const functions[2])(void);

static struct hw_snapshot *snapshot;
static struct hw_unwinder *unwinder;
static const struct hw_types *types;

static void fail_on(struct hw_error *error)
{
	if (error)
		ck_abort_msg("%s", error->message);
}

static void setup(void)
{
	fail_on(hw_snapshot_preview(getpid(), &snapshot));
	fail_on(hw_unwinder_create(snapshot, NULL, &unwinder));
	fail_on(hw_unwinder_types(unwinder, &types));
}

static void teardown(void)
{
	hw_unwinder_destroy(unwinder);
	hw_snapshot_destroy(snapshot);
}

static uint32_t find_type(const char *name)
{
	uint32_t found = 0;

	for (uint32_t i = 1; i < types->type_count; i++) {
		if (types->types[i].kind != HW_TYPE_TYPEDEF && !strcmp(types->types[i].name, name)) {
			ck_assert_msg(!found, "%s is there twice", name);
			found = i;
		}
	}
	ck_assert_msg(found, "%s is not there", name);
	return found;
}

#define MEMBER(member, type_name)                                                                            \
	{                                                                                                    \
#member, offsetof(struct hw_test_node, member), sizeof(((struct hw_test_node *)0)->member),  \
			type_name, 0, 0                                                                      \
	}

static const struct {
	const char *name;
	uint64_t offset;
	uint64_t size;
	const char *type;
	unsigned bit_size;
	unsigned bit; /* from the start of the struct, where the compiler put it */
} members[] = {
	MEMBER(tag, "char"),
	MEMBER(next, "hw_test_node *"),
	MEMBER(text, "char *"),
	MEMBER(values, "double [3]"),
	MEMBER(grid, "int [2][5]"),
	MEMBER(colour, "hw_test_colour"),
	MEMBER(size, "hw_test_size"),
	MEMBER(point, "struct {...}"),
	MEMBER(call, "function *"),
	MEMBER(unknown, "hw_test_unknown *"),
	{ "low", 0, 4, "unsigned int", 3, 0 },
	{ "middle", 0, 4, "unsigned int", 7, 0 },
	{ "high", 0, 8, "long unsigned int", 40, 0 },
	MEMBER(flag, "_Bool"),
	MEMBER(real, "float"),
	MEMBER(sizes, "hw_test_size [4]"),
	{ "tail", offsetof(struct hw_test_node, tail), 0, "hw_test_node *[]", 0, 0 },
};

/* The first bit that is set in a node in which only this field is all ones. */
static unsigned first_bit(const char *name)
{
	struct hw_test_node node = { 0 };
	const uint8_t *bytes = (const uint8_t *)&node;
	unsigned bit = 0;

	node.low = name[0] == 'l' ? 7 : 0;
	node.middle = name[0] == 'm' ? 127 : 0;
	node.high = name[0] == 'h' ? (1UL << 40) - 1 : 0;
	while (!(bytes[bit / 8] >> bit % 8 & 1))
		bit++;
	return bit;
}

START_TEST (test_members) {
	const struct hw_type *node = &types->types[find_type("hw_test_node")];
	char name[64];

	ck_assert_int_eq(node->kind, HW_TYPE_STRUCT);
	ck_assert_uint_eq(node->size, sizeof(struct hw_test_node));
	ck_assert(!node->is_incomplete);
	ck_assert_uint_eq(node->member_count, hw_array_size(members));
	for (uint32_t i = 0; i < node->member_count; i++) {
		const struct hw_type_member *member = &types->members[node->first_member + i];

		ck_assert_str_eq(member->name, members[i].name);
		ck_assert_uint_eq(types->types[member->type].size, members[i].size);
		ck_assert_str_eq(hw_type_name(types, member->type, name, sizeof(name)), members[i].type);
		ck_assert_uint_eq(member->bit_size, members[i].bit_size);
		if (member->bit_size)
			ck_assert_uint_eq(member->offset * 8 + member->bit_offset, first_bit(member->name));
		else
			ck_assert_uint_eq(member->offset, members[i].offset);
	}
}
END_TEST

START_TEST (test_type_line) {
	struct hw_source_line line;

	ck_assert(hw_unwinder_type_line(unwinder, find_type("hw_test_node"), &line));
	ck_assert_int_eq(line.line, NODE_LINE);
	ck_assert_ptr_nonnull(strstr(line.file, "test_types.c"));
	ck_assert(!hw_unwinder_type_line(unwinder, 0, &line));
	ck_assert(!hw_unwinder_type_line(unwinder, UINT32_MAX, &line));
}
END_TEST

static const struct {
	uint64_t offset;
	const char *path; /* NULL: none */
	uint64_t rest;
} fields[] = {
	{ 0, "tag", 0 },
	{ 1, "", 1 }, /* padding */
	{ offsetof(struct hw_test_node, next), "next", 0 },
	{ offsetof(struct hw_test_node, values) + 17, "values[2]", 1 },
	{ offsetof(struct hw_test_node, grid) + 4 * 7, "grid[1][2]", 0 },
	{ offsetof(struct hw_test_node, size.height), "size.height", 0 },
	{ offsetof(struct hw_test_node, point.x), "point.x", 0 },
	{ offsetof(struct hw_test_node, point.pointer), "point.number", 0 },
	{ offsetof(struct hw_test_node, sizes[3].height) + 1, "sizes[3].height", 1 },
	{ sizeof(struct hw_test_node), "tail[0]", 0 },
	{ sizeof(struct hw_test_node) + 8 * 5 + 3, "tail[5]", 3 },
};

START_TEST (test_field_at) {
	uint32_t node = find_type("hw_test_node"), field;
	char path[64];
	uint64_t rest;

	ck_assert(hw_type_field_at(types, node, fields[_i].offset, path, sizeof(path), &field, &rest));
	ck_assert_str_eq(path, fields[_i].path);
	ck_assert_uint_eq(rest, fields[_i].rest);
}
END_TEST

START_TEST (test_field_nowhere) {
	uint32_t size = find_type("hw_test_size"), field;
	char path[8];

	ck_assert(hw_type_field_at(types, size, 2, path, sizeof(path), &field, NULL));
	ck_assert_str_eq(path, "height");
	ck_assert(hw_type_field_at(types, size, 2, path, 4, NULL, NULL));
	ck_assert_str_eq(path, "hei");
	ck_assert(!hw_type_field_at(types, size, 4, path, sizeof(path), &field, NULL));
	ck_assert(!hw_type_field_at(types, 0, 0, path, sizeof(path), &field, NULL));
	ck_assert(!hw_type_field_at(types, find_type("hw_test_unknown"), 0, path, sizeof(path), NULL, NULL));
}
END_TEST

START_TEST (test_incomplete) {
	const struct hw_type *type = &types->types[find_type("hw_test_unknown")];

	ck_assert(type->is_incomplete);
	ck_assert_uint_eq(type->size, 0);
}
END_TEST

START_TEST (test_variables) {
	static struct hw_test_node inside;
	struct hw_test_node *volatile keep = &inside;
	const struct {
		const void *address;
		const char *name;
		const char *type;
	} rows[] = {
		{ &hw_test_global, "hw_test_global", "hw_test_node" },
		{ &hw_test_global.values, "hw_test_global", "hw_test_node" },
		{ &hw_test_pointer, "hw_test_pointer", "hw_test_node *" },
		{ &functions[1], "functions", "function *[2]" },
		{ &snapshot, "snapshot", "hw_snapshot *" },
		{ keep, "test_variables_fn::inside", "hw_test_node" },
	};
	char name[64];

	for (size_t i = 0; i < hw_array_size(rows); i++) {
		const struct hw_variable *variable = hw_types_variable_at(types, (uintptr_t)rows[i].address);

		ck_assert_msg(variable, "%s", rows[i].name);
		ck_assert_str_eq(variable->name, rows[i].name);
		ck_assert_str_eq(hw_type_name(types, variable->type, name, sizeof(name)), rows[i].type);
		ck_assert(snapshot->modules[variable->module].is_executable);
	}
	ck_assert_ptr_null(hw_types_variable_at(types, 0));
	ck_assert_ptr_null(hw_types_variable_at(types, (uintptr_t)&keep));
	ck_assert_ptr_null(hw_types_variable_at(types, UINT64_MAX));
}
END_TEST

START_TEST (test_thread_local) {
	const struct hw_variable *found = NULL;
	char name[64];

	for (uint32_t i = 0; i < types->variable_count; i++) {
		if (!strcmp(types->variables[i].name, "hw_test_thread_local"))
			found = &types->variables[i];
	}
	ck_assert_ptr_nonnull(found);
	ck_assert_int_eq(found->place, HW_VARIABLE_THREAD_LOCAL);
	ck_assert_str_eq(hw_type_name(types, found->type, name, sizeof(name)), "int [3]");
	ck_assert_uint_lt(found->address, snapshot->modules[found->module].tls_image_size);
	hw_test_thread_local[0] = 1;
}
END_TEST

/* Symbols know thread-locals too: against the debug information, which comes from another table. */
START_TEST (test_tls_symbol) {
	const struct hw_variable *found = NULL;
	struct hw_symbol symbol;

	for (uint32_t i = 0; i < types->variable_count; i++) {
		if (!strcmp(types->variables[i].name, "hw_test_thread_local"))
			found = &types->variables[i];
	}
	ck_assert_ptr_nonnull(found);
	ck_assert(hw_unwinder_tls_symbol(unwinder, found->module, found->address + 5, &symbol));
	ck_assert_str_eq(symbol.name, "hw_test_thread_local");
	ck_assert_uint_eq(symbol.offset, 5);
	ck_assert_uint_eq(symbol.size, sizeof(hw_test_thread_local));
	ck_assert(!hw_unwinder_tls_symbol(unwinder, found->module, UINT64_MAX, &symbol));
	ck_assert(!hw_unwinder_tls_symbol(unwinder, snapshot->module_count, 0, &symbol));
}
END_TEST

/* One module's debug information is enough for one question, and the catalogue comes out the same after it.
 */
START_TEST (test_variable_at) {
	struct hw_unwinder *fresh;
	const struct hw_types *all;
	struct hw_variable variable;
	struct hw_source_line line;
	char name[64];

	fail_on(hw_unwinder_create(snapshot, NULL, &fresh));
	ck_assert(!hw_unwinder_variable_at(fresh, (uintptr_t)&name, &variable));
	ck_assert(!hw_unwinder_variable_at(fresh, (uintptr_t)setup, &variable));
	ck_assert(hw_unwinder_variable_at(fresh, (uintptr_t)&hw_test_global.next, &variable));
	ck_assert_str_eq(variable.name, "hw_test_global");
	ck_assert_uint_eq(variable.address, (uintptr_t)&hw_test_global);
	ck_assert(hw_unwinder_variable_line(fresh, &variable, &line));
	ck_assert_int_eq(line.line, GLOBAL_LINE);
	ck_assert_ptr_nonnull(strstr(line.file, "test_types.c"));
	fail_on(hw_unwinder_types(fresh, &all));
	ck_assert_uint_eq(all->variable_count, types->variable_count);
	ck_assert_uint_eq(all->type_count, types->type_count);
	ck_assert_str_eq(hw_type_name(all, variable.type, name, sizeof(name)), "hw_test_node");
	ck_assert(hw_unwinder_variable_line(fresh, &variable, &line));
	ck_assert_int_eq(line.line, GLOBAL_LINE);
	hw_unwinder_destroy(fresh);
}
END_TEST

/* Every number in the catalogue leads somewhere in it. */
START_TEST (test_consistent) {
	for (uint32_t i = 0; i < types->type_count; i++) {
		const struct hw_type *type = &types->types[i];

		ck_assert_uint_lt(type->target, types->type_count);
		ck_assert_uint_le((uint64_t)type->first_member + type->member_count, types->member_count);
		ck_assert_ptr_nonnull(type->name);
	}
	for (uint32_t i = 0; i < types->member_count; i++)
		ck_assert_uint_lt(types->members[i].type, types->type_count);
	for (uint32_t i = 0; i < types->variable_count; i++)
		ck_assert_uint_lt(types->variables[i].type, types->type_count);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("types");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_unchecked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_members);
	tcase_add_test(tests, test_type_line);
	tcase_add_loop_test(tests, test_field_at, 0, hw_array_size(fields));
	tcase_add_test(tests, test_field_nowhere);
	tcase_add_test(tests, test_incomplete);
	tcase_add_test(tests, test_variables);
	tcase_add_test(tests, test_thread_local);
	tcase_add_test(tests, test_tls_symbol);
	tcase_add_test(tests, test_variable_at);
	tcase_add_test(tests, test_consistent);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
