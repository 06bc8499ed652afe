/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parameters and local variables of this very program's frames: their addresses and values are the truth. */
#include "tests/unit/unwind/self.h"

/* AddressSanitizer moves variables to where debug information cannot follow. */
#define NOINLINE __attribute__((noipa, no_sanitize("address")))
#define MOST     32

struct hw_test_thing {
	int number;
	struct hw_test_thing *next;
};

/* Collected from all frames: what heapwalk says of each variable. */
static struct hw_variable found[MOST];
static char found_types[MOST][64];
static size_t found_count;

static enum hw_unwind_method method;
static struct hw_unwinder *unwinder;
static struct hw_stack stack;
static volatile int sink;

NOINLINE static void touch(const volatile void *pointer)
{
	sink += *(const volatile char *)pointer;
}

NOINLINE static void take_stack(void)
{
	struct hw_unwinder_options options = { .method = method };
	ucontext_t context;

	self_fail_on(hw_unwinder_create(self_snapshot, &options, &unwinder));
	getcontext(&context);
	self_set_thread(&context);
	self_fail_on(hw_unwinder_stack(unwinder, 0, 0, &stack));
}

static bool collect(const struct hw_variable *variable, void *argument)
{
	const struct hw_types *types = argument;

	ck_assert_uint_lt(found_count, MOST);
	hw_type_name(types, variable->type, found_types[found_count], sizeof(found_types[0]));
	found[found_count++] = *variable;
	return true;
}

/* All variables of the frame that is `up` frames above take_stack(). */
NOINLINE static void look_at(size_t up)
{
	const struct hw_types *types;

	take_stack();
	ck_assert_uint_gt(stack.frame_count, up + 1);
	self_fail_on(hw_unwinder_types(unwinder, &types));
	self_fail_on(hw_unwinder_each_local(unwinder, &stack, up, collect, (void *)(uintptr_t)types));
}

/* The only variable of this name, with its type. */
static const struct hw_variable *expect(const char *name, const char *type)
{
	const struct hw_variable *variable = NULL;

	for (size_t i = 0; i < found_count; i++) {
		if (strcmp(found[i].name, name) != 0)
			continue;
		ck_assert_msg(!variable, "%s twice", name);
		ck_assert_str_eq(found_types[i], type);
		variable = &found[i];
	}
	ck_assert_msg(variable, "no %s", name);
	return variable;
}

static void expect_address(const char *name, const char *type, const volatile void *address)
{
	const struct hw_variable *variable = expect(name, type);

	ck_assert_int_eq(variable->place, HW_VARIABLE_MEMORY);
	ck_assert_uint_eq(variable->address, (uintptr_t)address);
}

/* In a register or spilled: the compiler's choice. */
static void expect_value(const char *name, const char *type, uint64_t value)
{
	const struct hw_variable *variable = expect(name, type);
	uint64_t read = variable->value;

	ck_assert(variable->place == HW_VARIABLE_VALUE || variable->place == HW_VARIABLE_MEMORY);
	if (variable->place == HW_VARIABLE_MEMORY)
		self_fail_on(hw_image_read_u64(self_snapshot->image, variable->address, &read));
	ck_assert_uint_eq(read, value);
}

static void clean(void)
{
	found_count = 0;
	hw_stack_deinit(&stack);
	hw_unwinder_destroy(unwinder);
}

NOINLINE static int with_locals(struct hw_test_thing *parameter, uint64_t number)
{
	volatile long array[4] = { 1, 2, 3, 4 };
	struct hw_test_thing thing = { 5, parameter };
	uint64_t later = number * 3;

	touch(array);
	touch(&thing);
	{
		struct hw_test_thing inner = { (int)number, &thing };

		touch(&inner);
		look_at(2);
		expect_address("inner", "hw_test_thing", &inner);
		touch(&inner);
	}
	expect_address("array", "long int [4]", array);
	expect_address("thing", "hw_test_thing", &thing);
	/* Used after the call, so the compiler had to keep them somewhere. */
	expect_value("parameter", "hw_test_thing *", (uintptr_t)parameter);
	expect_value("number", "uint64_t", number);
	expect_value("later", "uint64_t", later);
	ck_assert_uint_eq(found_count, 6);
	touch(parameter);
	return (int)(number + later + array[1]);
}

static const enum hw_unwind_method methods[] = { HW_UNWIND_LIBUNWIND, HW_UNWIND_LIBDW };

START_TEST (test_with_locals) {
	struct hw_test_thing thing = { 1, NULL };

	method = methods[_i];
	ck_assert_int_eq(with_locals(&thing, 11), 11 + 33 + 2);
	clean();
}
END_TEST

/* An inlined function's variables are those of the frame that it was inlined into. */
static inline __attribute__((always_inline, no_sanitize("address"))) void inlined(
	struct hw_test_thing *argument)
{
	struct hw_test_thing own = { 3, argument };

	touch(&own);
	look_at(2);
	expect_address("own", "hw_test_thing", &own);
	expect_value("argument", "hw_test_thing *", (uintptr_t)argument);
	touch(&own);
	touch(argument);
}

NOINLINE static void with_inlined(void)
{
	struct hw_test_thing outer = { 4, NULL };

	inlined(&outer);
	expect_address("outer", "hw_test_thing", &outer);
	touch(&outer);
}

START_TEST (test_inlined) {
	method = methods[_i];
	with_inlined();
	clean();
}
END_TEST

START_TEST (test_no_frame) {
	struct hw_error *error;

	method = methods[_i];
	take_stack();
	error = hw_unwinder_each_local(unwinder, &stack, stack.frame_count, collect, NULL);
	ck_assert(hw_error_catch(&error, HW_ERROR_USAGE));
	clean();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("locals");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, self_setup, self_teardown);
	tcase_add_loop_test(tests, test_with_locals, 0, hw_array_size(methods));
	tcase_add_loop_test(tests, test_inlined, 0, hw_array_size(methods));
	tcase_add_loop_test(tests, test_no_frame, 0, hw_array_size(methods));
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
