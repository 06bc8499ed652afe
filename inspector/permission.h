/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why we may not trace a process: which of the kernel's rules forbids it, and what to do (ptrace(2), "Ptrace
 * access mode checking"). Private to inspector/.
 */
#ifndef HW_INSPECTOR_PERMISSION_H
#define HW_INSPECTOR_PERMISSION_H

#include "inspector/inspector.h"

/* What decides. All from /proc, in our own PID and user namespace. */
struct hw_permission_facts {
	pid_t pid;
	pid_t tracer; /* 0: nobody traces it */
	char tracer_name[16];
	uid_t our_uid;
	uid_t uids[3]; /* the target's real, effective, saved */
	gid_t our_gid;
	gid_t gids[3];
	bool we_may_trace;    /* we have CAP_SYS_PTRACE */
	bool more_privileged; /* it has capabilities that we lack */
	bool undumpable;      /* its /proc files are not its user's */
	bool other_user_namespace;
	bool we_are_filtered; /* a seccomp filter lies on ourselves */
	int yama_scope;       /* kernel.yama.ptrace_scope; 0 where there is none */
};

/* Reads the facts; what cannot be read stays zero. */
void hw_permission_read(pid_t pid, struct hw_permission_facts *facts);

/* The first rule that explains the refusal: HW_ERROR_BUSY or HW_ERROR_PERMISSION, with a remedy. */
struct hw_error *hw_permission_explain(const struct hw_permission_facts *facts) hw_must_check;

/*
 * In place of an error that was a refusal (HW_ERROR_PERMISSION, or EPERM or EACCES of the operating system)
 * the explanation; any other error as it is. Takes over `error`.
 */
struct hw_error *hw_permission_improve(struct hw_error *error, pid_t pid) hw_must_check;

#endif
