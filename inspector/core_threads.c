/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * i386's thread pointers where the core lacks them: gs only selects a descriptor, and gcore does not store
 * the descriptors (NT_386_TLS). But glibc's struct pthread, to which the thread pointer points, begins with
 * three words of which the first and third are its own address, and holds the thread's id (nptl/descr.h and
 * sysdeps/i386/nptl/tls.h, unchanged since glibc 2.4).
 */
#include "inspector/core.h"

#define SELF_OFFSET 8   /* header.self */
#define TID_OFFSET  104 /* tid: after the 24 words of padding around the header and a list_t */

/* struct pthread is aligned to 64, or to 16 by older releases. */
#define ALIGNMENT 16

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
