/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What gcore gets wrong about threads. From glibc 2.42 on a thread's stack has its guard pages inside a
 * readable mapping: gcore fails to read one, gives up on the rest of the mapping and leaves zeros in the
 * core. And it stores no NT_386_TLS, without which an i386 thread's gs is a mere selector.
 */
#include "inspector/core.h"

/* Bytes from a thread's sp on that cannot all be zero: the frames that it stands in. */
#define LIVE_STACK 4096

/* How much is looked at at once when looking for what is not zero. */
#define STEP ((size_t)1 << 16)

/* struct pthread of i386, unchanged since glibc 2.4 (nptl/descr.h, sysdeps/i386/nptl/tls.h). */
#define SELF_OFFSET 8   /* header.self */
#define TID_OFFSET  104 /* tid: after the 24 words of padding around the header and a list_t */

/* struct pthread is aligned to 64, or to 16 by older releases. */
#define ALIGNMENT 16

/* The end of the last non-zero byte among `size` bytes, 0 if there is none. */
static size_t last_used(const uint8_t *bytes, size_t size)
{
	while (size && !bytes[size - 1])
		size--;
	return size;
}

/* True when the thread's innermost frames read as zeros. */
static bool stack_is_zero(const struct hw_snapshot *snapshot, const struct hw_thread *thread)
{
	uint8_t bytes[LIVE_STACK];
	size_t size;

	if (!thread->has_registers || !thread->sp)
		return false;
	size = hw_image_read_some(snapshot->image, thread->sp, bytes, sizeof(bytes));
	return size && !last_used(bytes, size);
}

/* Cuts the zeros at the end of a segment off: from there on it is missing. */
static struct hw_error *drop_zero_tail(struct hw_image *image, struct hw_segment *segment)
{
	hw_autofree uint8_t *bytes = malloc(STEP);
	uint64_t size = segment->file_size;

	if (!bytes)
		return hw_error_no_memory();
	while (size) {
		uint64_t start = hw_round_down(size - 1, STEP);
		size_t used = hw_image_read_some(image, segment->start + start, bytes, size - start);

		used = last_used(bytes, used);
		size = start + used;
		if (used)
			break;
	}
	segment->file_size = hw_min(segment->file_size, hw_round_up(size, 4096));
	return NULL;
}

struct hw_error *hw_core_drop_zero_stacks(struct hw_core *core)
{
	struct hw_snapshot *snapshot = core->snapshot;
	size_t count = 0;

	for (size_t i = 0; i < snapshot->thread_count; i++)
		count += stack_is_zero(snapshot, &snapshot->threads[i]);
	if (!count)
		return NULL;
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		struct hw_segment *segment;
		struct hw_error *error;

		if (!stack_is_zero(snapshot, &snapshot->threads[i]))
			continue;
		segment = (struct hw_segment *)hw_image_segment_at(snapshot->image, snapshot->threads[i].sp);
		error = drop_zero_tail(snapshot->image, segment);
		if (error)
			return error;
	}
	return hw_snapshot_warn(snapshot,
		"the stacks of %zu of %zu threads are stored as zeros, so they are missing: gcore cannot "
		"read "
		"stacks with guard pages inside (glibc 2.42 and newer); let the kernel write the core",
		count, snapshot->thread_count);
}

static struct hw_thread *thread_by_id(struct hw_snapshot *snapshot, pid_t tid)
{
	for (size_t i = 0; i < snapshot->thread_count; i++) {
		if (snapshot->threads[i].tid == tid)
			return &snapshot->threads[i];
	}
	return NULL;
}

/* Looks at one address; true when it is the struct pthread of a thread that lacked it. */
static bool try_address(struct hw_core *core, uint64_t address, const uint8_t *bytes)
{
	struct hw_elf_cursor self = { bytes + SELF_OFFSET, core->header.layout };
	struct hw_elf_cursor tid = { bytes + TID_OFFSET, core->header.layout };
	struct hw_thread *thread;

	if (hw_elf_take_u32(&self) != address)
		return false;
	thread = thread_by_id(core->snapshot, (pid_t)hw_elf_take_u32(&tid));
	if (!thread || !thread->has_registers || thread->thread_pointer)
		return false;
	thread->thread_pointer = address;
	return true;
}

/* Searches one segment; returns how many threads it found. */
static size_t search_segment(struct hw_core *core, struct hw_window *window, const struct hw_segment *segment)
{
	uint64_t address = hw_round_up(segment->start, ALIGNMENT);
	size_t found = 0;

	while (address < segment->end) {
		size_t available;
		const uint8_t *bytes = hw_window_view(window, address, TID_OFFSET + 4, &available);

		if (!bytes)
			break;
		for (; available >= TID_OFFSET + 4 && address < segment->end; available -= ALIGNMENT) {
			struct hw_elf_cursor first = { bytes, core->header.layout };

			if (hw_elf_take_u32(&first) == address)
				found += try_address(core, address, bytes);
			bytes += ALIGNMENT;
			address += ALIGNMENT;
		}
	}
	return found;
}

/* The thread pointer is the address of struct pthread, which begins with it twice and holds the thread's id.
 */
struct hw_error *hw_core_find_thread_pointers(struct hw_core *core)
{
	const struct hw_snapshot *snapshot = core->snapshot;
	struct hw_window window;
	size_t wanted = 0;

	for (size_t i = 0; i < snapshot->thread_count; i++)
		wanted += snapshot->threads[i].has_registers && !snapshot->threads[i].thread_pointer;
	if (snapshot->machine != EM_386 || !wanted)
		return NULL;
	hw_window_init(&window, snapshot->image, 0);
	for (size_t i = 0; i < snapshot->image->segment_count && wanted; i++)
		wanted -= search_segment(core, &window, &snapshot->image->segments[i]);
	hw_window_deinit(&window);
	return NULL;
}
