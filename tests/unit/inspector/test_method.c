/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fork or hold, and the limits on memory that have a say in it. */
#include <check.h>
#include <elf.h>

#include "inspector/method.h"
#include "inspector/room.h"

#define MIB ((uint64_t)1 << 20)

/* A process that may be forked. */
#define PROCESS(mebibytes, room) .machine = EM_X86_64, .private_bytes = (mebibytes)*MIB, .cgroup_room = room
#define LARGE                    PROCESS(1000, HW_ROOM_UNLIMITED)

static const struct {
	struct hw_method_facts facts;
	enum hw_freeze_method method;
	const char *reason;
} choices[] = {
	{ { LARGE }, HW_FREEZE_FORK, "large: 1000.0 MiB" },
	{ { PROCESS(3, HW_ROOM_UNLIMITED) }, HW_FREEZE_HOLD, "small: 3.0 MiB" },
	{ { LARGE, .is_stopped = true }, HW_FREEZE_HOLD, "stopped" },
	{ { .machine = EM_386, .private_bytes = 1000 * MIB, .cgroup_room = HW_ROOM_UNLIMITED },
		HW_FREEZE_HOLD, "64-bit" },
	{ { LARGE, .is_filtered = true }, HW_FREEZE_HOLD, "seccomp" },
	{ { LARGE, .is_filtered = true, .can_unfilter = true }, HW_FREEZE_FORK, "large" },
	{ { LARGE, .strict_memory = true }, HW_FREEZE_HOLD, "overcommit" },
	{ { LARGE, .userfault = true }, HW_FREEZE_HOLD, "userfaultfd" },
	{ { LARGE, .huge_pool = true }, HW_FREEZE_HOLD, "huge pages" },
	{ { LARGE, .children_elsewhere = true }, HW_FREEZE_HOLD, "PID namespace" },
	{ { PROCESS(1000, 100 * MIB) }, HW_FREEZE_HOLD, "control group" },
	{ { PROCESS(1000, 900 * MIB) }, HW_FREEZE_FORK, "large" },
};

START_TEST (the_choice_is_safe) {
	enum hw_freeze_method method = HW_FREEZE_AUTO;
	char *reason = NULL;

	ck_assert_ptr_null(hw_method_choose(&choices[_i].facts, HW_FREEZE_AUTO, &method, &reason));
	ck_assert_int_eq(method, choices[_i].method);
	ck_assert_msg(strstr(reason, choices[_i].reason), "\"%s\" lacks \"%s\"", reason, choices[_i].reason);
	free(reason);
}
END_TEST

START_TEST (a_harmful_fork_is_refused) {
	bool harmful = hw_method_forbids_fork(&choices[_i].facts);
	enum hw_freeze_method method = HW_FREEZE_AUTO;
	char *reason = NULL;
	struct hw_error *error = hw_method_choose(&choices[_i].facts, HW_FREEZE_FORK, &method, &reason);

	ck_assert_int_eq(error != NULL, harmful);
	if (error) {
		ck_assert_int_eq(error->code, HW_ERROR_UNSUPPORTED);
		ck_assert_ptr_nonnull(strstr(error->remedy, "hold"));
		ck_assert_ptr_null(reason);
	} else {
		ck_assert_int_eq(method, HW_FREEZE_FORK);
	}
	hw_error_destroy(error);
	free(reason);
}
END_TEST

START_TEST (a_hold_is_never_refused) {
	enum hw_freeze_method method = HW_FREEZE_AUTO;
	char *reason = NULL;

	ck_assert_ptr_null(hw_method_choose(&choices[_i].facts, HW_FREEZE_HOLD, &method, &reason));
	ck_assert_int_eq(method, HW_FREEZE_HOLD);
	free(reason);
}
END_TEST

#define V1_MOUNTS                                                                                            \
	"30 24 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755\n"                                  \
	"31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"                                      \
	"36 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"                        \
	"37 30 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"

static const struct {
	const char *cgroup, *mountinfo;
	const char *directory, *mount; /* NULL: not found */
} groups[] = {
	{ "0::/user.slice/a\n", "31 30 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n",
		"/sys/fs/cgroup/user.slice/a", "/sys/fs/cgroup" },
	{ "12:cpu,cpuacct:/x\n8:memory:/docker/ab\n0::/x\n", V1_MOUNTS, "/sys/fs/cgroup/memory/docker/ab",
		"/sys/fs/cgroup/memory" },
	{ "0::/x\n", V1_MOUNTS, "/sys/fs/cgroup/unified/x", "/sys/fs/cgroup/unified" },
	/* A container sees its own part of the hierarchy. */
	{ "0::/docker/ab/sub\n", "31 30 0:27 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup ro\n",
		"/sys/fs/cgroup/sub", "/sys/fs/cgroup" },
	{ "0::/other\n", "31 30 0:27 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup ro\n", NULL, NULL },
	{ "0::/x\n", "", NULL, NULL },
	{ "0::/x\n", "rubbish\n - cgroup2\n1 2 3\n", NULL, NULL },
	{ "", V1_MOUNTS, NULL, NULL },
	{ "rubbish\n:\n", V1_MOUNTS, NULL, NULL },
};

START_TEST (the_control_group_is_found) {
	char *directory = NULL, *mount = NULL;
	bool found = hw_room_find_cgroup(groups[_i].cgroup, groups[_i].mountinfo, &directory, &mount);

	ck_assert_int_eq(found, groups[_i].directory != NULL);
	if (found) {
		ck_assert_str_eq(directory, groups[_i].directory);
		ck_assert_str_eq(mount, groups[_i].mount);
	}
	free(directory);
	free(mount);
}
END_TEST

START_TEST (the_machine_has_memory) {
	uint64_t room = hw_room_of_machine();

	ck_assert_uint_gt(room, MIB);
	ck_assert_uint_le(room, (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
	ck_assert_uint_gt(hw_room_of_cgroup(getpid()), MIB);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("method");
	TCase *cases = tcase_create("method");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, cases);
	tcase_add_loop_test(cases, the_choice_is_safe, 0, hw_array_size(choices));
	tcase_add_loop_test(cases, a_harmful_fork_is_refused, 0, hw_array_size(choices));
	tcase_add_loop_test(cases, a_hold_is_never_refused, 0, hw_array_size(choices));
	tcase_add_loop_test(cases, the_control_group_is_found, 0, hw_array_size(groups));
	tcase_add_test(cases, the_machine_has_memory);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
