/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fork or hold: which way a process is frozen, and why. Private to inspector/. */
#ifndef HW_INSPECTOR_METHOD_H
#define HW_INSPECTOR_METHOD_H

#include "inspector/inspector.h"

/* What decides. */
struct hw_method_facts {
	uint64_t private_bytes;  /* that hold would have to copy */
	uint64_t cgroup_room;    /* HW_ROOM_UNLIMITED: no limit */
	unsigned machine;        /* EM_* */
	bool is_stopped;         /* by SIGSTOP or its kin */
	bool is_filtered;        /* seccomp */
	bool can_unfilter;       /* we may suspend its filter */
	bool strict_memory;      /* vm.overcommit_memory=2 */
	bool userfault;          /* a userfaultfd watches it */
	bool huge_pool;          /* it has private pages of the hugetlb pool */
	bool children_elsewhere; /* its children are born into another PID namespace */
};

/* `before` has the target's mappings with usage and flags; `living` is a thread of it. */
void hw_method_read(const struct hw_snapshot *before, pid_t pid, pid_t living, struct hw_method_facts *facts);

/* Why a fork could harm the target, as the end of a sentence; NULL: it could not. Static storage. */
const char *hw_method_forbids_fork(const struct hw_method_facts *facts);

/*
 * Chooses; `*reason` is the caller's to free. HW_ERROR_UNSUPPORTED: a fork was asked for and could harm the
 * target.
 */
struct hw_error *hw_method_choose(const struct hw_method_facts *facts, enum hw_freeze_method asked,
	enum hw_freeze_method *method, char **reason) hw_must_check;

#endif
