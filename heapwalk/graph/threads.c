/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * glibc's thread control block, nptl/descr.h. Checked against the structures of 2.31, 2.36, 2.41 and 2.43 for
 * x86-64 and i386; the order of the fields used here is the same since 2.4.
 */
#include <elf.h>

#include "heapwalk/graph/threads.h"

#define SLOTS 32 /* PTHREAD_KEY_2NDLEVEL_SIZE */

/* A control block is smaller; what is read to look for its parts. */
#define CONTROL_LIMIT 4096

/* A DTV with more modules than this is none. */
#define MODULE_LIMIT 65536

/* Where things lie in struct pthread; `specific` follows the slots, `tid` follows the list links. */
struct control_layout {
	unsigned machine;
	bool above;     /* the thread pointer is the control block's start (variant II), else its end */
	unsigned tid;   /* offset */
	unsigned slots; /* offset of specific_1stblock; variant I: how far it lies from the block's start */
};

static const struct control_layout layouts[] = {
	{ EM_X86_64, true, 0x2d0, 0x310 },
	{ EM_386, true, 0x68, 0x88 },
	{ EM_AARCH64, false, 0xd0, 0x110 },
};

/* A control block as it was read. */
struct control {
	const struct hw_image *image;
	uint64_t start;
	size_t size;
	uint8_t bytes[CONTROL_LIMIT];
};

static const struct control_layout *layout_of(const struct hw_snapshot *snapshot)
{
	for (size_t i = 0; i < hw_array_size(layouts); i++) {
		if (layouts[i].machine == snapshot->machine)
			return &layouts[i];
	}
	return NULL;
}

unsigned hw_red_zone(const struct hw_snapshot *snapshot)
{
	return snapshot->machine == EM_X86_64 ? 128 : 0;
}

static void control_read(struct control *control, const struct hw_image *image, uint64_t start, size_t size)
{
	control->image = image;
	control->start = start;
	control->size = hw_image_read_some(image, start, control->bytes, size);
}

/* The word at an offset; UINT64_MAX, which none of the fields holds, past what could be read. */
static uint64_t word_at(const struct control *control, uint64_t offset)
{
	unsigned word_size = control->image->word_size;

	if (offset > control->size || control->size - offset < word_size)
		return UINT64_MAX;
	return hw_image_word(control->image, control->bytes + offset);
}

/* pthread_create() and libpthread's start-up let specific[0] point at the slots inside the control block. */
static bool has_slots(const struct control *control, uint64_t slots)
{
	return word_at(control, slots + 2ull * SLOTS * control->image->word_size) == control->start + slots;
}

/* Where struct pthread starts whose end (variant I) is the thread pointer: found by its slots. */
static bool find_below(struct control *control, const struct control_layout *layout,
	const struct hw_image *image, uint64_t thread_pointer)
{
	unsigned word_size = image->word_size;

	if (thread_pointer < CONTROL_LIMIT)
		return false;
	control_read(control, image, thread_pointer - CONTROL_LIMIT, CONTROL_LIMIT);
	for (uint64_t at = layout->slots; at + word_size <= control->size; at += word_size) {
		if (has_slots(control, at)) {
			control_read(control, image, control->start + at - layout->slots,
				CONTROL_LIMIT - (at - layout->slots));
			return true;
		}
	}
	return false;
}

static bool find_control(struct control *control, const struct control_layout *layout,
	const struct hw_image *image, uint64_t thread_pointer)
{
	if (!layout->above)
		return find_below(control, layout, image, thread_pointer);
	control_read(control, image, thread_pointer, CONTROL_LIMIT);
	/* tcbhead_t: tcb, dtv, self. */
	return word_at(control, 0) == thread_pointer &&
	       word_at(control, 2 * image->word_size) == thread_pointer;
}

/* stackblock and stackblock_size: the first two words behind the slots that enclose the control block. */
static void find_stack(struct hw_thread_block *block, const struct control *control, uint64_t page_size)
{
	unsigned word_size = control->image->word_size;

	for (uint64_t at = block->slots_end - control->start; at < control->size; at += word_size) {
		uint64_t start = word_at(control, at), size = word_at(control, at + word_size), end;

		if (!start || start % word_size || start >= control->start || size < page_size ||
			__builtin_add_overflow(start, size, &end) || end <= block->thread_pointer)
			continue;
		/* Block and control block end together, but for alignment. */
		if (end - control->start > 16 * CONTROL_LIMIT)
			continue;
		block->stack = start;
		block->stack_end = end;
		return;
	}
}

/* joinid, "points to itself when detached", comes shortly behind the slots. */
static bool is_detached(const struct hw_thread_block *block, const struct control *control)
{
	unsigned word_size = control->image->word_size;
	uint64_t at = block->slots_end - control->start + (SLOTS + 1) * word_size;

	for (unsigned i = 0; i < 8; i++) {
		if (word_at(control, at + i * word_size) == control->start)
			return true;
	}
	return false;
}

/* Widens the TLS range by the blocks that the DTV names beside the thread pointer (static ones). */
static void find_tls(
	struct hw_thread_block *block, const struct control_layout *layout, const struct hw_image *image)
{
	unsigned word_size = image->word_size;
	uint64_t low = layout->above && block->stack ? block->stack : block->thread_pointer - (1 << 20);
	uint8_t raw[2 * 8];
	uint64_t dtv, modules;

	block->tls = block->tls_end = block->thread_pointer;
	if (!layout->above) {
		block->tls = block->control_end;
		block->tls_end = hw_max(block->stack_end, block->tls);
		return;
	}
	if (hw_image_read_some(image, block->dtv, raw, word_size) != word_size)
		return;
	dtv = hw_image_word(image, raw);
	if (hw_image_read_some(image, dtv - 2 * word_size, raw, word_size) != word_size)
		return;
	modules = hw_image_word(image, raw);
	for (uint64_t i = 1; i <= modules && modules < MODULE_LIMIT; i++) {
		uint64_t start;

		if (hw_image_read_some(image, dtv + i * 2 * word_size, raw, word_size) != word_size)
			return;
		start = hw_image_word(image, raw);
		if (start >= low && start < block->tls)
			block->tls = start;
	}
}

bool hw_thread_block_read(
	const struct hw_snapshot *snapshot, uint64_t thread_pointer, struct hw_thread_block *block)
{
	const struct control_layout *layout = layout_of(snapshot);
	const struct hw_image *image = snapshot->image;
	unsigned word_size = image->word_size;
	struct control control;
	uint32_t tid;

	if (!layout || !thread_pointer || !find_control(&control, layout, image, thread_pointer))
		return false;
	*block = (struct hw_thread_block){
		.thread_pointer = thread_pointer,
		.control = control.start,
		.has_slots = has_slots(&control, layout->slots),
		.slots = control.start + layout->slots,
		.slots_end = control.start + layout->slots + 2ull * SLOTS * word_size,
		.dtv = layout->above ? thread_pointer + word_size : thread_pointer,
	};
	memcpy(&tid, control.bytes + layout->tid, sizeof(tid));
	block->tid = (int32_t)(image->big_endian ? __builtin_bswap32(tid) : tid);
	block->detached = is_detached(block, &control);
	find_stack(block, &control, snapshot->page_size);
	block->control_end = layout->above ? (block->stack ? block->stack_end : control.start + 0xa00)
					   : thread_pointer + 2 * word_size;
	find_tls(block, layout, image);
	return true;
}
