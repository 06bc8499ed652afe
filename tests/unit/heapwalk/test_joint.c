/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Types that no path leads to, told by what the chunks of a shape are and refer to together. */
#include "hand_catalogue.h"

enum { COUNT = 60 };

static struct hand_program hand;
static uint32_t number, table, table_pointer, session, nothing_pointer;
static uint64_t operations, sessions[COUNT];

/* struct session { struct table *operations; void *data; long id, size; }, which only void pointers lead to.
 */
static void setup(void)
{
	hand_init(&hand);
	number = hand_number(&hand, "long", 8);
	nothing_pointer = hand_pointer(&hand, 0);
	table = hand_struct(&hand, "table", 16);
	table_pointer = hand_pointer(&hand, table);
	hand_member(&hand, table, "a", 0, nothing_pointer);
	hand_member(&hand, table, "b", 8, nothing_pointer);
	session = hand_struct(&hand, "session", 32);
	hand_member(&hand, session, "operations", 0, table_pointer);
	hand_member(&hand, session, "data", 8, nothing_pointer);
	hand_member(&hand, session, "id", 16, number);
	hand_member(&hand, session, "size", 24, number);
	hand_pointer(&hand, session);
}

static void teardown(void)
{
	hand_deinit(&hand);
}

/* Sessions, each with a block of its own, and `operations` at their start. */
static void make_sessions(void)
{
	for (int i = 0; i < COUNT; i++) {
		uint64_t data = hand_chunk(&hand, 200);

		sessions[i] = hand_chunk(&hand, 32);
		hand_word(&hand, sessions[i], operations);
		hand_word(&hand, sessions[i] + 8, data);
		hand_word(&hand, sessions[i] + 16, 1000 + (uint64_t)i);
		hand_word(&hand, sessions[i] + 24, 200000);
	}
}

static unsigned count_named(const char *name, enum hw_level least)
{
	unsigned named = 0;

	for (int i = 0; i < COUNT; i++)
		named += !strcmp(hand_name(&hand, sessions[i]), name) &&
			 hand_answer(&hand, sessions[i])->level >= least;
	return named;
}

/* A pointer to the very global that the debug information says a session has there. */
START_TEST (anchored) {
	operations = hand_global(&hand, "operations", table, 0);
	hand_global(&hand, "its second word", number, 0);
	make_sessions();
	hand_type(&hand, 0);
	ck_assert_uint_eq(count_named("session", HW_LEVEL_LIKELY), COUNT);
	ck_assert_int_eq(hand_answer(&hand, sessions[0])->evidence, HW_EVIDENCE_JOINT);
}
END_TEST

/* The program allocates no objects of what the system's headers declare. */
START_TEST (system_types_stay_out) {
	hand.system = "session";
	operations = hand_global(&hand, "operations", table, 0);
	hand_global(&hand, "its second word", number, 0);
	make_sessions();
	hand_type(&hand, 0);
	ck_assert_uint_eq(count_named("session", HW_LEVEL_UNKNOWN), 0);
}
END_TEST

/* Where the global is of another type they are no sessions. */
START_TEST (wrong_global) {
	operations = hand_global(&hand, "a number", number, 0);
	make_sessions();
	hand_type(&hand, 0);
	ck_assert_uint_eq(count_named("session", HW_LEVEL_UNKNOWN), 0);
}
END_TEST

/* Of two structs with the same members none is likely. */
START_TEST (twins) {
	uint32_t twin = hand_struct(&hand, "twin", 32);

	hand_member(&hand, twin, "procedures", 0, table_pointer);
	hand_member(&hand, twin, "content", 8, nothing_pointer);
	hand_member(&hand, twin, "key", 16, number);
	hand_member(&hand, twin, "length", 24, number);
	hand_pointer(&hand, twin);
	operations = hand_global(&hand, "operations", table, 0);
	hand_global(&hand, "its second word", number, 0);
	make_sessions();
	hand_type(&hand, 0);
	ck_assert_uint_eq(count_named("session", HW_LEVEL_LIKELY), 0);
	ck_assert_uint_eq(count_named("twin", HW_LEVEL_LIKELY), 0);
}
END_TEST

/* Told to leave it out, nobody guesses. */
START_TEST (without) {
	operations = hand_global(&hand, "operations", table, 0);
	hand_global(&hand, "its second word", number, 0);
	make_sessions();
	hand_type(&hand, 1u << HW_EVIDENCE_JOINT);
	ck_assert_uint_eq(count_named("session", HW_LEVEL_UNKNOWN), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("joint");
	TCase *tests = tcase_create("joint");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, anchored);
	tcase_add_test(tests, system_types_stay_out);
	tcase_add_test(tests, wrong_global);
	tcase_add_test(tests, twins);
	tcase_add_test(tests, without);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
