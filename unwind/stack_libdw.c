/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stacks by libdwfl, fed with the snapshot's registers and memory. */
#include <elf.h>

#include "unwind/stack.h"

struct hw_libdw {
	/* A header with nothing behind it: it tells libdwfl the machine when no module can. */
	union {
		Elf64_Ehdr header64;
		Elf32_Ehdr header32;
	} file;
	Elf *elf;
	bool is_attached;
	struct hw_stack_builder *builder; /* of the stack under way */
};

/* libdwfl knows threads by number only; numbers in a core may repeat, so there is one thread: the builder's.
 */
#define THE_THREAD 1

static pid_t next_thread(Dwfl *dwfl hw_unused, void *argument, void **thread_argument)
{
	if (*thread_argument)
		return 0;
	*thread_argument = argument;
	return THE_THREAD;
}

static bool get_thread(Dwfl *dwfl hw_unused, pid_t tid, void *argument, void **thread_argument)
{
	*thread_argument = argument;
	return tid == THE_THREAD;
}

static bool memory_read(Dwfl *dwfl hw_unused, Dwarf_Addr address, Dwarf_Word *result, void *argument)
{
	struct hw_libdw *libdw = argument;
	uint64_t word;

	if (!hw_memory_read_word(&libdw->builder->unwinder->memory, address, &word))
		return false;
	*result = word;
	return true;
}

static bool set_initial_registers(Dwfl_Thread *thread, void *argument)
{
	struct hw_libdw *libdw = argument;
	const struct hw_machine *machine = libdw->builder->unwinder->machine;
	const struct hw_registers *registers = &libdw->builder->registers;
	Dwarf_Word words[HW_REGISTER_MAX];

	for (unsigned i = 0; i < machine->count; i++)
		words[i] = registers->values[i];
	if (machine->pc == machine->count)
		dwfl_thread_state_register_pc(thread, registers->pc);
	return dwfl_thread_state_registers(thread, 0, machine->count, words);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = memory_read,
	.set_initial_registers = set_initial_registers,
};

/* The smallest file that names a machine. */
static Elf *make_header(struct hw_libdw *libdw, const struct hw_snapshot *snapshot)
{
	Elf64_Ehdr *wide = &libdw->file.header64;
	Elf32_Ehdr *narrow = &libdw->file.header32;
	bool is_wide = snapshot->word_size == 8;

	memcpy(wide->e_ident, ELFMAG, SELFMAG);
	wide->e_ident[EI_CLASS] = is_wide ? ELFCLASS64 : ELFCLASS32;
	wide->e_ident[EI_DATA] = ELFDATA2LSB;
	wide->e_ident[EI_VERSION] = EV_CURRENT;
	wide->e_type = ET_CORE;
	wide->e_machine = (Elf64_Half)snapshot->machine;
	wide->e_version = EV_CURRENT;
	if (is_wide)
		wide->e_ehsize = sizeof(*wide);
	else
		narrow->e_ehsize = sizeof(*narrow);
	return elf_memory((char *)&libdw->file, is_wide ? sizeof(*wide) : sizeof(*narrow));
}

/* *libdw stays with the unwinder also on failure: libdwfl may already know its address. */
static struct hw_error *libdw_open(struct hw_unwinder *unwinder, struct hw_libdw **libdw)
{
	struct hw_libdw *made = unwinder->libdw;

	if (!made) {
		made = unwinder->libdw = calloc(1, sizeof(*made));
		if (!made)
			return hw_error_no_memory();
		made->elf = make_header(made, unwinder->snapshot);
		made->is_attached = made->elf && dwfl_attach_state(unwinder->dwfl, made->elf, THE_THREAD,
							 &thread_callbacks, made);
	}
	if (!made->is_attached)
		return hw_error_create(
			HW_ERROR_UNSUPPORTED, "libdw cannot unwind this target: %s", dwfl_errmsg(-1));
	*libdw = made;
	return NULL;
}

void hw_libdw_destroy(struct hw_libdw *libdw)
{
	if (!libdw)
		return;
	elf_end(libdw->elf);
	free(libdw);
}

/* libdwfl does not tell how it came to a frame. */
static bool is_guess(const struct hw_stack_builder *builder)
{
	size_t count = builder->stack->frame_count;

	return count &&
	       !hw_stack_has_table(builder->unwinder, hw_frame_lookup(&builder->stack->frames[count - 1]));
}

static int on_frame(Dwfl_Frame *state, void *argument)
{
	struct hw_stack_builder *builder = argument;
	const struct hw_machine *machine = builder->unwinder->machine;
	struct hw_found_frame frame = { 0 };
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(state, &pc, &frame.is_exact))
		return DWARF_CB_ABORT;
	for (unsigned i = 0; i < machine->count; i++) {
		Dwarf_Word value;

		if (dwfl_frame_reg(state, i, &value) != 0)
			continue;
		frame.registers[i] = value;
		frame.known |= UINT64_C(1) << i;
	}
	frame.pc = pc;
	frame.sp = frame.registers[machine->sp];
	frame.may_switch_stack = frame.is_exact;
	builder->is_guess = is_guess(builder);
	return hw_stack_add(builder, &frame) ? DWARF_CB_OK : DWARF_CB_ABORT;
}

struct hw_error *hw_stack_by_libdw(struct hw_stack_builder *builder, const char **reason)
{
	struct hw_libdw *libdw = NULL;
	struct hw_error *error = libdw_open(builder->unwinder, &libdw);

	if (error || !libdw)
		return error;
	libdw->builder = builder;
	if (dwfl_getthread_frames(builder->unwinder->dwfl, THE_THREAD, on_frame, builder) == -1)
		*reason = dwfl_errmsg(-1);
	libdw->builder = NULL;
	return NULL;
}
