/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which rule is named when a process may not be traced. The order is the kernel's (ptrace(2)). */
#include <check.h>

#include "inspector/permission.h"

#define US     1000
#define OTHERS 33

/* A process whose effective and saved ids are these, and nothing special about it. */
#define PROCESS(uid, gid)                                                                                    \
	.pid = 7, .our_uid = US, .our_gid = US, .uids = { US, uid, uid }, .gids = { US, gid, gid }
#define OURS PROCESS(US, US)

static const struct {
	struct hw_permission_facts facts;
	enum hw_error_code code;
	const char *message; /* a part of it */
	const char *remedy;
} rules[] = {
	{ { OURS, .tracer = 41, .tracer_name = "gdb" }, HW_ERROR_BUSY, "process 41 (gdb)", "detach" },
	{ { OURS, .tracer = 41, .yama_scope = 3 }, HW_ERROR_BUSY, "process 41", "detach" },
	{ { OURS, .yama_scope = 3, .we_may_trace = true }, HW_ERROR_PERMISSION, "ptrace_scope is 3", "boot" },
	{ { PROCESS(OTHERS, US) }, HW_ERROR_PERMISSION, "user id 33, you are user id 1000", "root" },
	{ { PROCESS(0, US) }, HW_ERROR_PERMISSION, "belongs to user id 0", "root" },
	{ { PROCESS(US, OTHERS) }, HW_ERROR_PERMISSION, "group id 33", "root" },
	{ { OURS, .undumpable = true, .yama_scope = 1 }, HW_ERROR_PERMISSION, "not dumpable",
		"PR_SET_DUMPABLE" },
	{ { OURS, .more_privileged = true, .yama_scope = 1 }, HW_ERROR_PERMISSION, "capabilities", "root" },
	{ { OURS, .yama_scope = 1 }, HW_ERROR_PERMISSION, "ptrace_scope is 1", "sysctl" },
	{ { OURS, .yama_scope = 2 }, HW_ERROR_PERMISSION, "ptrace_scope is 2", "sysctl" },
	{ { OURS, .other_user_namespace = true }, HW_ERROR_PERMISSION, "user namespace", "container" },
	{ { OURS, .we_are_filtered = true }, HW_ERROR_PERMISSION, "seccomp", "SYS_PTRACE" },
	{ { OURS }, HW_ERROR_PERMISSION, "security module", "audit" },
	/* With CAP_SYS_PTRACE neither user, nor dumpable, nor a low Yama scope is in the way. */
	{ { PROCESS(OTHERS, OTHERS), .we_may_trace = true, .undumpable = true, .yama_scope = 2,
		  .other_user_namespace = true },
		HW_ERROR_PERMISSION, "user namespace", "container" },
};

START_TEST (the_rule_is_named) {
	struct hw_error *error = hw_permission_explain(&rules[_i].facts);

	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, rules[_i].code);
	ck_assert_msg(strstr(error->message, rules[_i].message), "\"%s\" lacks \"%s\"", error->message,
		rules[_i].message);
	ck_assert_msg(strstr(error->remedy, rules[_i].remedy), "\"%s\" lacks \"%s\"", error->remedy,
		rules[_i].remedy);
	hw_error_destroy(error);
}
END_TEST

START_TEST (other_errors_stay) {
	struct hw_error *error = hw_permission_improve(hw_error_create(HW_ERROR_GONE, "gone"), getpid());

	ck_assert_int_eq(error->code, HW_ERROR_GONE);
	ck_assert_str_eq(error->message, "gone");
	hw_error_destroy(error);
}
END_TEST

START_TEST (our_own_facts_are_read) {
	struct hw_permission_facts facts;

	hw_permission_read(getpid(), &facts);
	ck_assert_int_eq(facts.pid, getpid());
	ck_assert_uint_eq(facts.uids[0], getuid());
	ck_assert_uint_eq(facts.uids[1], geteuid());
	ck_assert_uint_eq(facts.gids[1], getegid());
	ck_assert(!facts.other_user_namespace);
	ck_assert(!facts.more_privileged);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("permission");
	TCase *cases = tcase_create("permission");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, cases);
	tcase_add_loop_test(cases, the_rule_is_named, 0, hw_array_size(rules));
	tcase_add_test(cases, other_errors_stay);
	tcase_add_test(cases, our_own_facts_are_read);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
