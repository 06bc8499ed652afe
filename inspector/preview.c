/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A look at a running process. */
#include <fcntl.h>

#include "inspector/kernel_words.h"
#include "inspector/maps.h"
#include "inspector/permission.h"
#include "inspector/permission.h"
#include "inspector/process.h"
#include "inspector/procfs.h"

static struct hw_error *fill_preview(struct hw_snapshot *snapshot, pid_t id)
{
	struct hw_error *error;
	pid_t pid = id, living;
	int fd;

	error = hw_process_find(id, &pid);
	if (!error)
		error = hw_process_living_thread(pid, &living);
	if (!error)
		error = hw_process_describe(snapshot, pid, living);
	if (!error)
		error = hw_maps_read(snapshot, living, false);
	if (!error)
		error = hw_proc_open(living, "mem", O_RDONLY, &fd);
	if (!error)
		error = hw_holding_add_fd(snapshot->holding, fd);
	if (!error)
		error = hw_maps_to_image(snapshot, fd);
	if (!error)
		error = hw_kernel_words_read(snapshot, living);
	if (!error)
		error = hw_snapshot_find_modules(snapshot);
	return error ? hw_permission_improve(error, pid) : NULL;
}

struct hw_error *hw_snapshot_preview(pid_t pid, struct hw_snapshot **snapshot)
{
	struct hw_snapshot *made;
	struct hw_error *error = hw_snapshot_create(HW_SOURCE_PROCESS, &made);

	if (error)
		return error;
	error = fill_preview(made, pid);
	if (error) {
		hw_snapshot_destroy(made);
		return error;
	}
	*snapshot = made;
	return NULL;
}
