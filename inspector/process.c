/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facts about a process that /proc tells while it runs. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "inspector/process.h"
#include "inspector/procfs.h"

/* kill() with no signal tells of processes that /proc, mounted with hidepid, does not show. */
static struct hw_error *not_found(pid_t id)
{
	if (id > 0 && (kill(id, 0) == 0 || errno == EPERM))
		return hw_error_remedy(
			hw_error_create(HW_ERROR_PERMISSION, "process %d is hidden in /proc", (int)id),
			"run heapwalk as root: /proc is mounted with hidepid");
	return hw_error_create(HW_ERROR_NOT_FOUND, "there is no process %d", (int)id);
}

struct hw_error *hw_process_find(pid_t id, pid_t *pid)
{
	hw_autofree char *status = NULL;
	struct hw_proc_stat stat;
	struct hw_error *error = id > 0 ? hw_proc_stat(id, &stat) : not_found(id);

	if (!error)
		error = hw_proc_read(id, "status", &status, NULL);
	if (hw_error_catch(&error, HW_ERROR_GONE))
		return not_found(id);
	if (error)
		return error;
	if (stat.kernel_thread)
		return hw_error_create(HW_ERROR_UNSUPPORTED,
			"process %d (%s) is a thread of the kernel and has no memory of its own", (int)id,
			stat.name);
	*pid = (pid_t)hw_proc_number(status, "Tgid", 10, (uint64_t)id);
	return NULL;
}

struct hw_error *hw_process_living_thread(pid_t pid, pid_t *tid)
{
	hw_autofree pid_t *tids = NULL;
	struct hw_proc_stat stat;
	struct hw_error *error;
	size_t count;

	error = hw_proc_stat(pid, &stat);
	if (!error && stat.state != 'Z' && stat.state != 'X') {
		*tid = pid;
		return NULL;
	}
	if (!error)
		error = hw_proc_threads(pid, &tids, &count);
	if (error)
		return error;
	for (size_t i = 0; i < count; i++) {
		error = hw_proc_stat(tids[i], &stat);
		if (!error && stat.state != 'Z' && stat.state != 'X') {
			*tid = tids[i];
			return NULL;
		}
		hw_error_destroy(error);
	}
	return hw_error_create(HW_ERROR_GONE,
		"process %d has ended; only its exit status waits for its parent (a zombie)", (int)pid);
}

/* The arguments, which the kernel separates by NULs, in one line. */
static struct hw_error *read_command_line(pid_t pid, char **line)
{
	size_t size;
	struct hw_error *error = hw_proc_read(pid, "cmdline", line, &size);

	if (error)
		return error;
	while (size && (*line)[size - 1] == '\0')
		size--;
	for (size_t i = 0; i < size; i++)
		(*line)[i] = (*line)[i] ? (*line)[i] : ' ';
	return NULL;
}

static struct hw_error *read_executable(pid_t living, char **path)
{
	static const char suffix[] = " (deleted)";
	struct hw_error *error = hw_proc_link(living, "exe", path);
	size_t length, cut = sizeof(suffix) - 1;

	if (error)
		return error;
	length = strlen(*path);
	if (length > cut && strcmp(*path + length - cut, suffix) == 0)
		(*path)[length - cut] = '\0';
	return NULL;
}

/* Whether /proc/LIVING/NAME and our own NAME are the same inode; true when it cannot be told. */
static bool same_as_ours(pid_t living, const char *name)
{
	struct stat theirs, ours;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)living, name);
	if (stat(path, &theirs) != 0)
		return true;
	snprintf(path, sizeof(path), "/proc/self/%s", name);
	return stat(path, &ours) == 0 && theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

/*
 * Paths are read through /proc/PID/root only where they mean something else there: a plain path can still be
 * opened when the target has ended.
 */
static struct hw_error *describe_root(struct hw_snapshot *snapshot, pid_t living)
{
	char *sysroot;

	snapshot->process.other_namespace = !same_as_ours(living, "ns/mnt");
	if (!snapshot->process.other_namespace && same_as_ours(living, "root"))
		return NULL;
	if (asprintf(&sysroot, "/proc/%d/root", (int)living) < 0)
		return hw_error_no_memory();
	free(snapshot->sysroot);
	snapshot->sysroot = sysroot;
	return NULL;
}

/* What the first bytes of the executable say of the machine; without them, what we ourselves are. */
static struct hw_error *describe_machine(struct hw_snapshot *snapshot, pid_t living)
{
	hw_autoclose int fd = -1;
	struct hw_error *error = hw_proc_open(living, "exe", O_RDONLY, &fd);
	Elf32_Ehdr header; /* both classes agree up to e_machine */
	bool big_endian = false;

	if (error)
		return error;
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
		memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return hw_error_create(
			HW_ERROR_UNSUPPORTED, "%s is no ELF program", snapshot->process.executable);
	big_endian = header.e_ident[EI_DATA] == ELFDATA2MSB;
	snapshot->machine = big_endian ? __builtin_bswap16(header.e_machine) : header.e_machine;
	snapshot->word_size = header.e_ident[EI_CLASS] == ELFCLASS32 ? 4 : 8;
	snapshot->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	return hw_image_create(snapshot->word_size, big_endian, &snapshot->image);
}

struct hw_error *hw_process_describe(struct hw_snapshot *snapshot, pid_t pid, pid_t living)
{
	struct hw_process *process = &snapshot->process;
	hw_autofree char *status = NULL;
	char *executable, *command_line;
	struct hw_proc_stat stat;
	struct hw_error *error;

	error = hw_proc_stat(pid, &stat);
	if (!error)
		error = hw_proc_read(living, "status", &status, NULL);
	if (error)
		return error;
	process->pid = pid;
	process->start_time = stat.start_time;
	process->uid = (uid_t)hw_proc_number(status, "Uid", 10, 0);
	memcpy(process->name, stat.name, sizeof(process->name));
	error = read_executable(living, &executable);
	if (error)
		return error;
	free(process->executable);
	process->executable = executable;
	error = read_command_line(living, &command_line);
	if (error)
		return error;
	free(process->command_line);
	process->command_line = command_line;
	error = describe_root(snapshot, living);
	return error ? error : describe_machine(snapshot, living);
}

struct hw_error *hw_process_check_same(const struct hw_snapshot *snapshot, pid_t living)
{
	hw_autofree char *executable = NULL;
	struct hw_error *error = read_executable(living, &executable);

	if (error)
		return error;
	if (strcmp(executable, snapshot->process.executable) == 0)
		return NULL;
	return hw_error_create(HW_ERROR_GONE, "process %d has just become another program (%s)",
		(int)snapshot->process.pid, executable);
}
