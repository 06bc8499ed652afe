/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scanning the roots. On the way through memory that nobody is known to use, the stacks of ended threads show
 * themselves: glibc keeps them for the next thread, stale pointers and all, and their control blocks, which
 * point to themselves, tell where they begin and end.
 */
#include "heapwalk/graph/root_scan.h"

struct root_scan {
	struct hw_scan *scan;
	struct hw_graph_parts *parts;
	const struct hw_snapshot *snapshot;
	uint32_t root;
	struct hw_thread_block found; /* the control block at which `self` stopped the scan */
	bool out_of_memory;
};

static bool add_word(struct root_scan *root_scan, uint64_t address, uint32_t reference)
{
	struct hw_graph_parts *parts = root_scan->parts;
	size_t count = parts->root_word_count;

	if (!hw_array_reserve(
		    &parts->root_words, count, &parts->root_word_capacity, sizeof(*parts->root_words)) ||
		!hw_array_reserve(&parts->root_references, count, &parts->root_reference_capacity,
			sizeof(*parts->root_references))) {
		root_scan->out_of_memory = true;
		return false;
	}
	parts->root_words[count] = (struct hw_root_word){ .address = address, .root = root_scan->root };
	parts->root_references[count] = reference;
	parts->root_word_count++;
	return true;
}

static bool add_hit(void *argument, const struct hw_hit *hit)
{
	return add_word(argument, hit->address, hit->reference);
}

static bool is_of_live_thread(const struct root_scan *root_scan, uint64_t thread_pointer)
{
	for (size_t i = 0; i < root_scan->snapshot->thread_count; i++) {
		if (root_scan->snapshot->threads[i].thread_pointer == thread_pointer)
			return true;
	}
	return false;
}

/* Stops at the control block of an ended thread. */
static bool look_for_ended(void *argument, uint64_t address)
{
	struct root_scan *root_scan = argument;
	struct hw_thread_block *found = &root_scan->found;

	if (!hw_thread_block_read(root_scan->snapshot, address, found) || !found->stack || found->tid > 0 ||
		is_of_live_thread(root_scan, address))
		found->thread_pointer = 0;
	return !found->thread_pointer;
}

/*
 * The DTV begins two words before the entry that the control block points to (_dl_allocate_tls in
 * elf/dl-tls.c), so that this interior pointer is one to its start; memcheck's "possibly lost" blocks from
 * pthread_create() are these.
 */
static bool add_dtv(struct root_scan *root_scan, const struct hw_thread_block *block)
{
	const struct hw_image *image = root_scan->snapshot->image;
	uint8_t bytes[8];
	uint32_t reference;

	if (hw_image_read_some(image, block->dtv, bytes, image->word_size) != image->word_size)
		return true;
	if (!hw_scan_word(root_scan->scan, hw_image_word(image, bytes) - 2 * image->word_size, &reference))
		return true;
	return add_word(root_scan, block->dtv, reference);
}

/* What was found in a dead stack counts for nothing. */
static void forget_from(struct root_scan *root_scan, uint64_t address)
{
	struct hw_graph_parts *parts = root_scan->parts;

	while (parts->root_word_count && parts->root_words[parts->root_word_count - 1].address >= address)
		parts->root_word_count--;
}

/*
 * Of an ended thread's block only the DTV belongs to somebody, to glibc. One that has not been joined also
 * keeps what it returned.
 */
static bool leave_out_ended(struct root_scan *root_scan)
{
	const struct hw_thread_block *found = &root_scan->found;
	bool (*self)(void *, uint64_t) = root_scan->scan->self;
	bool going = true;

	forget_from(root_scan, found->stack);
	if (found->tid == 0 && !found->detached) {
		root_scan->scan->self = NULL;
		going = hw_scan_range(root_scan->scan, found->control, found->control_end);
		root_scan->scan->self = self;
	}
	return going && add_dtv(root_scan, found);
}

static bool scan_memory(struct root_scan *root_scan, const struct hw_root *root)
{
	uint64_t at = root->start;

	root_scan->scan->self = root->kind == HW_ROOT_MAPPED ? look_for_ended : NULL;
	while (at < root->end) {
		root_scan->found.thread_pointer = 0;
		if (hw_scan_range(root_scan->scan, at, root->end))
			return true;
		if (!root_scan->found.thread_pointer || !leave_out_ended(root_scan))
			return false;
		at = root_scan->found.stack_end;
	}
	return true;
}

static bool scan_register_set(
	struct root_scan *root_scan, const struct hw_register_set *set, uint64_t first_offset)
{
	const struct hw_image *image = root_scan->snapshot->image;
	uint32_t reference;

	for (size_t at = 0; set->bytes && at + image->word_size <= set->size; at += image->word_size) {
		if (hw_scan_word(root_scan->scan, hw_image_word(image, set->bytes + at), &reference) &&
			!add_word(root_scan, first_offset + at, reference))
			return false;
	}
	return true;
}

static bool scan_registers(struct root_scan *root_scan, const struct hw_root *root)
{
	const struct hw_thread *thread = &root_scan->snapshot->threads[root->owner];

	return scan_register_set(root_scan, &thread->general, 0) &&
	       scan_register_set(root_scan, &thread->vector, thread->general.size);
}

static bool scan_kernel(struct root_scan *root_scan, const struct hw_root *root)
{
	uint32_t reference;

	for (uint64_t i = root->start; i < root->end; i++) {
		if (hw_scan_word(root_scan->scan, hw_kernel_pointer(root_scan->scan->heap, i), &reference) &&
			!add_word(root_scan, i, reference))
			return false;
	}
	return true;
}

static bool scan_root(struct root_scan *root_scan, const struct hw_root *root)
{
	const struct hw_thread_block *block;

	if (root->kind == HW_ROOT_REGISTER)
		return scan_registers(root_scan, root);
	if (root->kind == HW_ROOT_KERNEL)
		return scan_kernel(root_scan, root);
	if (!scan_memory(root_scan, root))
		return false;
	if (root->kind != HW_ROOT_DESCRIPTOR)
		return true;
	block = &root_scan->parts->roots.blocks[root->owner];
	return block->dtv < root->start || block->dtv >= root->end || add_dtv(root_scan, block);
}

struct hw_error *hw_roots_scan(struct hw_scan *scan, struct hw_graph_parts *parts)
{
	struct root_scan root_scan = { .scan = scan, .parts = parts, .snapshot = scan->heap->snapshot };

	scan->hit = add_hit;
	scan->argument = &root_scan;
	for (uint32_t i = 0; i < parts->roots.count; i++) {
		root_scan.root = i;
		if (!scan_root(&root_scan, &parts->roots.roots[i]) && root_scan.out_of_memory)
			return hw_error_no_memory();
	}
	return NULL;
}
