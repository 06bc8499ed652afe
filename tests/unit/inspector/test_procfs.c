/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts of /proc files, as kernels write them and as they could be malformed. */
#include <check.h>
#include <signal.h>
#include <sys/wait.h>

#include "inspector/maps.h"
#include "inspector/procfs.h"

static const struct {
	const char *text;
	bool good;
	const char *name;
	char state;
	int parent;
	bool kernel_thread;
	uint64_t start_time;
} stats[] = {
	{ "41 (sh) S 7 41 41 34816 41 4194304 1 2 3 4 5 6 7 8 20 0 1 0 123456 0", true, "sh", 'S', 7, false,
		123456 },
	{ "41 (a) b) (c) R 1 41 41 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 99 0", true, "a) b) (c", 'R', 1, false,
		99 },
	{ "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 12 0", true, "kthreadd", 'S', 0, true,
		12 },
	{ "9 (0123456789abcdefXYZ) Z 1 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0", true, "0123456789abcde", 'Z',
		1, false, 5 },
	{ "", false },
	{ "41 sh S 7", false },
	{ "41 )sh( S 7 41 41 34816 41 4194304 1 2 3 4 5 6 7 8 20 0 1 0 123456 0", false },
	{ "41 (sh) S 7 41", false },
};

START_TEST (stat_is_cut_up) {
	struct hw_proc_stat stat;

	ck_assert_int_eq(hw_proc_stat_parse(stats[_i].text, &stat), stats[_i].good);
	if (!stats[_i].good)
		return;
	ck_assert_str_eq(stat.name, stats[_i].name);
	ck_assert_int_eq(stat.state, stats[_i].state);
	ck_assert_int_eq(stat.parent, stats[_i].parent);
	ck_assert_int_eq(stat.kernel_thread, stats[_i].kernel_thread);
	ck_assert_uint_eq(stat.start_time, stats[_i].start_time);
}
END_TEST

START_TEST (status_fields_are_found) {
	static const char text[] = "Name:\tTgid: 9\nTgid:\t41\nSigBlk:\t00000000ffbfeff9\nEmpty:\n";

	ck_assert_uint_eq(hw_proc_number(text, "Tgid", 10, 0), 41);
	ck_assert_uint_eq(hw_proc_number(text, "SigBlk", 16, 0), 0xffbfeff9);
	ck_assert_uint_eq(hw_proc_number(text, "Empty", 10, 7), 7);
	ck_assert_uint_eq(hw_proc_number(text, "Absent", 10, 8), 8);
	ck_assert_ptr_null(hw_proc_field(text, "Tg"));
}
END_TEST

static struct hw_snapshot *parse(const char *text)
{
	struct hw_snapshot *snapshot;

	ck_assert_ptr_null(hw_snapshot_create(HW_SOURCE_MEMORY, &snapshot));
	ck_assert_ptr_null(hw_maps_parse(snapshot, text));
	return snapshot;
}

START_TEST (maps_are_parsed) {
	struct hw_snapshot *snapshot =
		parse("00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/dbus daemon\n"
		      "00e03000-00e24000 rw-p 00000000 00:00 0           [heap]\n"
		      "7f0000000000-7f0000001000 rw-s 00000000 00:05 12  /dev/zero (deleted)\n"
		      "7f0000001000-7f0000002000 ---p 00000000 00:00 0 \n"
		      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]\n");
	const struct hw_map *maps = snapshot->maps;

	ck_assert_uint_eq(snapshot->map_count, 5);
	ck_assert_uint_eq(maps[0].start, 0x400000);
	ck_assert_uint_eq(maps[0].end, 0x452000);
	ck_assert_uint_eq(maps[0].offset, 0x1000);
	ck_assert_uint_eq(maps[0].device_major, 8);
	ck_assert_uint_eq(maps[0].device_minor, 2);
	ck_assert_uint_eq(maps[0].inode, 173521);
	ck_assert_uint_eq(maps[0].prot, HW_MAP_READ | HW_MAP_EXEC);
	ck_assert_str_eq(maps[0].path, "/usr/bin/dbus daemon");
	ck_assert_str_eq(maps[1].path, "[heap]");
	ck_assert_uint_eq(maps[2].prot, HW_MAP_READ | HW_MAP_WRITE | HW_MAP_SHARED);
	ck_assert(maps[2].deleted);
	ck_assert_str_eq(maps[2].path, "/dev/zero");
	ck_assert_str_eq(maps[3].path, "");
	ck_assert_uint_eq(maps[3].prot, 0);
	ck_assert(!hw_map_is_readable(&maps[3]));
	ck_assert(!hw_map_is_readable(&maps[4]));
	ck_assert(hw_map_has_file(&maps[0]) && !hw_map_has_file(&maps[1]));
	ck_assert(!maps[0].usage.known);
	hw_snapshot_destroy(snapshot);
}
END_TEST

START_TEST (smaps_tell_usage_and_flags) {
	struct hw_snapshot *snapshot = parse("00e03000-00e24000 rw-p 00000000 00:00 0   [heap]\n"
					     "Size:                132 kB\n"
					     "Rss:                  16 kB\n"
					     "Pss:                  12 kB\n"
					     "Pss_Dirty:            99 kB\n"
					     "Private_Dirty:         8 kB\n"
					     "Anonymous:             4 kB\n"
					     "Swap:                 20 kB\n"
					     "SwapPss:              77 kB\n"
					     "VmFlags: rd wr mr dc wf \n"
					     "00f00000-00f01000 rw-p 00000000 00:00 0 \n"
					     "VmFlags: rd io ht gd dd");
	const struct hw_map_usage *usage = &snapshot->maps[0].usage;

	ck_assert_uint_eq(snapshot->map_count, 2);
	ck_assert(usage->known);
	ck_assert_uint_eq(usage->rss, 16 * 1024);
	ck_assert_uint_eq(usage->pss, 12 * 1024);
	ck_assert_uint_eq(usage->private_dirty, 8 * 1024);
	ck_assert_uint_eq(usage->anonymous, 4 * 1024);
	ck_assert_uint_eq(usage->swap, 20 * 1024);
	ck_assert_uint_eq(snapshot->maps[0].flags, HW_MAP_DONTFORK | HW_MAP_WIPEONFORK);
	ck_assert(!snapshot->maps[1].usage.known);
	ck_assert_uint_eq(
		snapshot->maps[1].flags, HW_MAP_IO | HW_MAP_HUGETLB | HW_MAP_GROWSDOWN | HW_MAP_DONTDUMP);
	ck_assert(!hw_map_is_readable(&snapshot->maps[1]));
	hw_snapshot_destroy(snapshot);
}
END_TEST

/* Each keeps the mapping at 1000 alone, and no detail may end up with a mapping that it is not about. */
static const char *const odd_maps[] = {
	"1000-2000 rw-p 0 00:00 0 \nnonsense\nRss: 4 kB\n",
	"1000-2000 rw-p 0 00:00 0 \n1800-3000 rw-p 0 00:00 0 \nRss: 4 kB\n",
	"1000-2000 rw-p 0 00:00 0 \n3000-3000 rw-p 0 00:00 0 \nRss: 4 kB\n",
	"1000-2000 rw-p 0 00:00 0 \n3000-4000 rw-p\n",
	"1000-2000 rw-p 0 00:00 0 \n3000-4000 rw-p 0 00:00 0",
	"1000-2000 rw-p 0 00:00 0 \n3000-4000 r\n0 00:00 0 \n",
	"1000-2000 rw-p 0 00:00 0 \n5000-3000 rw-p 0 00:00 0 \nRss: 4 kB\n",
	"Rss: 4 kB\n1000-2000 rw-p 0 00:00 0 ",
	"1000-2000 rw-p 0 00:00 0 \n\n\n",
};

START_TEST (odd_maps_are_left_out) {
	struct hw_snapshot *snapshot = parse(odd_maps[_i]);

	ck_assert_uint_eq(snapshot->map_count, 1);
	ck_assert_uint_eq(snapshot->maps[0].start, 0x1000);
	ck_assert_str_eq(snapshot->maps[0].path, "");
	ck_assert(!snapshot->maps[0].usage.known);
	hw_snapshot_destroy(snapshot);
}
END_TEST

START_TEST (flags_are_inherited_by_what_lies_within) {
	struct hw_snapshot *known = parse("1000-9000 rw-p 0 00:00 0 \nVmFlags: rd dc\n");
	struct hw_snapshot *fresh = parse("1000-4000 rw-p 0 00:00 0 \n"
					  "4000-9000 r--p 0 00:00 0 \n"
					  "9000-a000 rw-p 0 00:00 0 \n");

	hw_maps_inherit(fresh, known);
	ck_assert_uint_eq(fresh->maps[0].flags, HW_MAP_DONTFORK);
	ck_assert_uint_eq(fresh->maps[1].flags, HW_MAP_DONTFORK);
	ck_assert_uint_eq(fresh->maps[2].flags, 0);
	hw_snapshot_destroy(fresh);
	hw_snapshot_destroy(known);
}
END_TEST

START_TEST (a_child_is_read) {
	struct hw_snapshot *snapshot;
	struct hw_error *error;
	const struct hw_map *map;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (!child) {
		pause();
		_exit(0);
	}
	error = hw_snapshot_preview(child, &snapshot);
	ck_assert_msg(!error, "%s", error ? error->message : "");
	ck_assert_int_eq(snapshot->process.pid, child);
	ck_assert_uint_eq(snapshot->word_size, sizeof(void *));
	map = hw_snapshot_map_at(snapshot, (uintptr_t)odd_maps);
	ck_assert_ptr_nonnull(map);
	ck_assert_str_eq(map->path, snapshot->process.executable);
	hw_snapshot_destroy(snapshot);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

START_TEST (we_ourselves_are_refused) {
	struct hw_snapshot *snapshot;
	struct hw_error *error = hw_snapshot_attach(getpid(), NULL, &snapshot);

	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, HW_ERROR_USAGE);
	hw_error_destroy(error);
}
END_TEST

START_TEST (absent_process_is_not_found) {
	struct hw_snapshot *snapshot;
	struct hw_error *error = hw_snapshot_preview(_i, &snapshot);

	ck_assert_ptr_nonnull(error);
	ck_assert_int_eq(error->code, HW_ERROR_NOT_FOUND);
	hw_error_destroy(error);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("procfs");
	TCase *cases = tcase_create("procfs");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, cases);
	tcase_add_loop_test(cases, stat_is_cut_up, 0, hw_array_size(stats));
	tcase_add_test(cases, status_fields_are_found);
	tcase_add_test(cases, maps_are_parsed);
	tcase_add_test(cases, smaps_tell_usage_and_flags);
	tcase_add_loop_test(cases, odd_maps_are_left_out, 0, hw_array_size(odd_maps));
	tcase_add_test(cases, flags_are_inherited_by_what_lies_within);
	tcase_add_test(cases, a_child_is_read);
	tcase_add_test(cases, we_ourselves_are_refused);
	tcase_add_loop_test(cases, absent_process_is_not_found, -1, 1);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
