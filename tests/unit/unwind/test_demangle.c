/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names as people write them. Expected values: the Itanium C++ ABI's and Rust RFC 2603's own examples. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/unwinder.h"

static const struct {
	const char *mangled;
	const char *readable; /* NULL: not mangled */
} names[] = {
	{ "_Z1fv", "f()" },
	{ "_Z1fi", "f(int)" },
	{ "_ZN6System5Sound4beepEv", "System::Sound::beep()" },
	{ "_ZN5StackIiiE5levelE", "Stack<int, int>::level" },
	{ "_ZTV9Throwable", "vtable for Throwable" },
	{ "_ZTI9Throwable", "typeinfo for Throwable" },
	{ "_RNvC6_123foo3bar", "123foo::bar" },
	{ "_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar" },
	{ "main", NULL },
	{ "", NULL },
	{ "_", NULL },
	{ "_Z", NULL },
	{ "_ZN", NULL },
	{ "_ZNSs", NULL },
	{ "_Zzzzzzzz", NULL },
};

START_TEST (test_name) {
	char *readable = hw_demangle(names[_i].mangled);

	if (names[_i].readable)
		ck_assert_pstr_eq(readable, names[_i].readable);
	else
		ck_assert_ptr_null(readable);
	free(readable);
}
END_TEST

/* A name of any length is an answer or none, never a crash. */
START_TEST (test_long_names) {
	size_t size = 1 << 20;
	char *name = malloc(size + 1);
	char *readable;

	ck_assert_ptr_nonnull(name);
	memset(name, 'P', size);
	memcpy(name, "_Z1f", 4);
	name[size] = '\0';
	readable = hw_demangle(name);
	ck_assert_ptr_null(readable);
	name[12000] = '\0';
	readable = hw_demangle(name);
	free(readable);
	free(name);
}
END_TEST

/* pair<int, int>, pair of two of those, pair of two of those...: 2^30 ints. */
START_TEST (test_doubling) {
	char name[1024] = "_Z1fSt4pairIiiE";
	size_t length = strlen(name);

	for (int i = 0; i < 30; i++) {
		char digit = (char)(i < 10 ? '0' + i : 'A' + i - 10);

		length +=
			(size_t)snprintf(name + length, sizeof(name) - length, "S_IS%c_S%c_E", digit, digit);
	}
	ck_assert_uint_lt(length, sizeof(name));
	ck_assert_ptr_null(hw_demangle(name));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("demangle");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_loop_test(tests, test_name, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_test(tests, test_long_names);
	tcase_add_test(tests, test_doubling);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
