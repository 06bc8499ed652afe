/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fork or hold. */
#include <elf.h>
#include <linux/capability.h>
#include <sys/stat.h>

#include "inspector/hold.h"
#include "inspector/method.h"
#include "inspector/procfs.h"
#include "inspector/room.h"

/* Up to here copying takes a few milliseconds (about 0.1 s per GiB into memory that is already there). */
#define SMALL ((uint64_t)32 << 20)

/*
 * What the target writes while its copy lives is copied, at the expense of its control group: the more, the
 * longer the copy is read. A quarter of its memory is far more than was seen within a second of reading.
 */
#define ROOM_PART 4

static bool can_suspend_seccomp(void)
{
	hw_autofree char *status = NULL;
	struct hw_error *error = hw_proc_read(getpid(), "status", &status, NULL);
	bool can = !error && hw_proc_number(status, "Seccomp", 10, 0) == 0 &&
		   (hw_proc_number(status, "CapEff", 16, 0) >> CAP_SYS_ADMIN & 1);

	hw_error_destroy(error);
	return can;
}

/*
 * After unshare(CLONE_NEWPID) the next child is the new namespace's first process, and when that dies the
 * namespace does too: ours must not be it.
 */
static bool children_live_elsewhere(pid_t living)
{
	struct stat own, childrens;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)living);
	if (stat(path, &own) != 0)
		return false; /* no PID namespaces, or no permission: then there will be no fork either */
	snprintf(path, sizeof(path), "/proc/%d/ns/pid_for_children", (int)living);
	return stat(path, &childrens) != 0 || own.st_ino != childrens.st_ino;
}

void hw_method_read(const struct hw_snapshot *before, pid_t pid, pid_t living, struct hw_method_facts *facts)
{
	hw_autofree char *status = NULL;
	struct hw_error *error = hw_proc_read(living, "status", &status, NULL);
	const char *state = error ? NULL : hw_proc_field(status, "State");

	*facts = (struct hw_method_facts){ .private_bytes = hw_hold_estimate(before, HW_HOLD_ALL),
		.cgroup_room = hw_room_of_cgroup(pid),
		.machine = before->machine,
		.is_stopped = state && *state == 'T',
		.is_filtered = !error && hw_proc_number(status, "Seccomp", 10, 0) != 0,
		.can_unfilter = can_suspend_seccomp(),
		.strict_memory = hw_room_is_strict(),
		.children_elsewhere = children_live_elsewhere(living) };
	hw_error_destroy(error);
	for (size_t i = 0; i < before->map_count; i++) {
		const struct hw_map *map = &before->maps[i];

		facts->userfault |= (map->flags & HW_MAP_USERFAULT) != 0;
		facts->huge_pool |= (map->flags & HW_MAP_HUGETLB) && !(map->prot & HW_MAP_SHARED);
	}
}

const char *hw_method_forbids_fork(const struct hw_method_facts *facts)
{
	if (facts->machine != EM_X86_64)
		return "remote system calls are made in 64-bit x86 programs only";
	if (facts->is_filtered && !facts->can_unfilter)
		return "its seccomp filter may kill it for a fork";
	if (facts->strict_memory)
		return "vm.overcommit_memory is 2, so a copy counts in full";
	if (facts->userfault)
		return "a userfaultfd watches its memory";
	if (facts->huge_pool)
		return "it uses huge pages of the reserved pool, which a copy would use up";
	if (facts->children_elsewhere)
		return "its next child begins a PID namespace";
	if (facts->cgroup_room < facts->private_bytes / ROOM_PART)
		return "its control group has little memory left";
	return NULL;
}

static struct hw_error *by_size(const struct hw_method_facts *facts, const char *size, char **reason)
{
	double mebibytes = (double)facts->private_bytes / (1 << 20);
	char *sentence;

	if (asprintf(&sentence, "%s: %.1f MiB of its own", size, mebibytes) < 0)
		return hw_error_no_memory();
	*reason = sentence;
	return NULL;
}

static struct hw_error *because(const char *prefix, const char *why, char **reason)
{
	char *sentence;

	if (asprintf(&sentence, "%s%s", prefix, why) < 0)
		return hw_error_no_memory();
	*reason = sentence;
	return NULL;
}

static struct hw_error *choose_freely(
	const struct hw_method_facts *facts, enum hw_freeze_method *method, char **reason)
{
	const char *harm = hw_method_forbids_fork(facts);

	*method = HW_FREEZE_HOLD;
	if (facts->private_bytes <= SMALL)
		return by_size(facts, "small", reason);
	if (facts->is_stopped)
		return because("no fork: ", "a signal had stopped it already", reason);
	if (harm)
		return because("no fork: ", harm, reason);
	*method = HW_FREEZE_FORK;
	return by_size(facts, "large", reason);
}

struct hw_error *hw_method_choose(const struct hw_method_facts *facts, enum hw_freeze_method asked,
	enum hw_freeze_method *method, char **reason)
{
	const char *harm = hw_method_forbids_fork(facts);

	if (asked == HW_FREEZE_AUTO)
		return choose_freely(facts, method, reason);
	if (asked == HW_FREEZE_FORK && harm)
		return hw_error_remedy(
			hw_error_create(HW_ERROR_UNSUPPORTED, "a fork could harm it: %s", harm),
			"use --freeze hold, or auto");
	*method = asked;
	return because("", "as asked for", reason);
}
