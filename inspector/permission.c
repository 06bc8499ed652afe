/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why we may not trace a process. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>

#include "inspector/permission.h"
#include "inspector/procfs.h"

static bool has_capability(uint64_t set, unsigned capability)
{
	return set >> capability & 1;
}

/* "Uid:	real	effective	saved	fs" */
static void read_ids(const char *status, const char *name, uint32_t ids[3])
{
	const char *field = hw_proc_field(status, name);

	if (field)
		sscanf(field, "%u %u %u", &ids[0], &ids[1], &ids[2]);
}

static bool in_other_user_namespace(pid_t pid)
{
	char theirs_path[64];
	struct stat theirs, ours;

	snprintf(theirs_path, sizeof(theirs_path), "/proc/%d/ns/user", (int)pid);
	return stat(theirs_path, &theirs) == 0 && stat("/proc/self/ns/user", &ours) == 0 &&
	       theirs.st_ino != ours.st_ino;
}

/* The kernel gives the files of an undumpable process to root (proc_pid(5)). */
static bool is_undumpable(pid_t pid, uid_t uid)
{
	char path[64];
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	return stat(path, &status) == 0 && status.st_uid != uid;
}

static int read_yama_scope(void)
{
	hw_autoclose int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);
	char digit = '0';

	return fd >= 0 && read(fd, &digit, 1) == 1 ? digit - '0' : 0;
}

static void read_tracer(const char *status, struct hw_permission_facts *facts)
{
	struct hw_proc_stat stat;
	struct hw_error *error;

	facts->tracer = (pid_t)hw_proc_number(status, "TracerPid", 10, 0);
	if (!facts->tracer)
		return;
	error = hw_proc_stat(facts->tracer, &stat);
	if (!error)
		memcpy(facts->tracer_name, stat.name, sizeof(facts->tracer_name));
	hw_error_destroy(error);
}

void hw_permission_read(pid_t pid, struct hw_permission_facts *facts)
{
	hw_autofree char *theirs = NULL, *ours = NULL;
	struct hw_error *error = hw_proc_read(pid, "status", &theirs, NULL);
	uint64_t our_capabilities;

	*facts = (struct hw_permission_facts){ .pid = pid, .our_uid = getuid(), .our_gid = getgid() };
	if (!error)
		error = hw_proc_read(getpid(), "status", &ours, NULL);
	if (error) {
		hw_error_destroy(error);
		return;
	}
	our_capabilities = hw_proc_number(ours, "CapEff", 16, 0);
	read_ids(theirs, "Uid", facts->uids);
	read_ids(theirs, "Gid", facts->gids);
	read_tracer(theirs, facts);
	facts->we_may_trace = has_capability(our_capabilities, CAP_SYS_PTRACE);
	facts->more_privileged = hw_proc_number(theirs, "CapPrm", 16, 0) & ~our_capabilities;
	facts->undumpable = is_undumpable(pid, facts->uids[1]);
	facts->other_user_namespace = in_other_user_namespace(pid);
	facts->we_are_filtered = hw_proc_number(ours, "Seccomp", 10, 0) != 0;
	facts->yama_scope = read_yama_scope();
}

static struct hw_error *refusal(const char *remedy, const char *format, ...) hw_printf(2, 3);

static struct hw_error *refusal(const char *remedy, const char *format, ...)
{
	hw_autofree char *text = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text = NULL;
		return hw_error_no_memory();
	}
	return hw_error_remedy(hw_error_create(HW_ERROR_PERMISSION, "%s", text), "%s", remedy);
}

static bool all_are(const uint32_t ids[3], uint32_t id)
{
	return ids[0] == id && ids[1] == id && ids[2] == id;
}

/* Rules that CAP_SYS_PTRACE overrides, in the order in which the kernel asks. */
static struct hw_error *explain_unprivileged(const struct hw_permission_facts *facts)
{
	int pid = (int)facts->pid;

	if (!all_are(facts->uids, facts->our_uid))
		return refusal("run heapwalk as that user or as root (sudo)",
			"process %d belongs to user id %u, you are user id %u", pid, facts->uids[1],
			facts->our_uid);
	if (!all_are(facts->gids, facts->our_gid))
		return refusal("run heapwalk as root (sudo)",
			"process %d runs with group id %u, you with group id %u", pid, facts->gids[1],
			facts->our_gid);
	if (facts->undumpable)
		return refusal("run heapwalk as root (sudo), or leave out its prctl(PR_SET_DUMPABLE, 0)",
			"process %d is not dumpable: it changed its user, may not be read, or asked for it",
			pid);
	if (facts->more_privileged)
		return refusal(
			"run heapwalk as root (sudo)", "process %d has capabilities that you lack", pid);
	if (facts->yama_scope == 1)
		return refusal(
			"run heapwalk as root (sudo), or allow it for all: sysctl kernel.yama.ptrace_scope=0",
			"kernel.yama.ptrace_scope is 1: a process may be traced only by its ancestors");
	if (facts->yama_scope == 2)
		return refusal(
			"run heapwalk as root (sudo), or allow it for all: sysctl kernel.yama.ptrace_scope=0",
			"kernel.yama.ptrace_scope is 2: only CAP_SYS_PTRACE may trace");
	return NULL;
}

struct hw_error *hw_permission_explain(const struct hw_permission_facts *facts)
{
	struct hw_error *error = NULL;
	int pid = (int)facts->pid;

	if (facts->tracer)
		return hw_error_remedy(
			hw_error_create(HW_ERROR_BUSY, "process %d is already traced by process %d (%s)", pid,
				(int)facts->tracer, facts->tracer_name),
			"end that tracer or let it detach: a process can have only one");
	if (facts->yama_scope == 3)
		return refusal("set kernel.yama.ptrace_scope at boot: it cannot be lowered before",
			"kernel.yama.ptrace_scope is 3: nobody may trace");
	if (!facts->we_may_trace)
		error = explain_unprivileged(facts);
	if (error)
		return error;
	if (facts->other_user_namespace)
		return refusal("run heapwalk as root outside, or inside that container",
			"process %d is in another user namespace, where you have no CAP_SYS_PTRACE", pid);
	if (facts->we_are_filtered)
		return refusal("in a container: --cap-add=SYS_PTRACE or --security-opt seccomp=unconfined",
			"a seccomp filter on heapwalk itself forbids it to trace process %d", pid);
	return refusal("look for a denied ptrace in the audit log (journalctl -k, ausearch)",
		"process %d may not be traced: a security module (SELinux, AppArmor) may forbid it", pid);
}

struct hw_error *hw_permission_improve(struct hw_error *error, pid_t pid)
{
	struct hw_permission_facts facts;

	if (error->code != HW_ERROR_PERMISSION &&
		!(error->code == HW_ERROR_OS && (error->errnum == EPERM || error->errnum == EACCES)))
		return error;
	hw_error_destroy(error);
	hw_permission_read(pid, &facts);
	return hw_permission_explain(&facts);
}
