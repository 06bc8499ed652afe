/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stacks by libunwind's ptrace library, without ptrace: a copy of its accessors in which memory, registers
 * and unwind tables come from the snapshot. The running process is never asked.
 */
#include <elf.h>
#include <libunwind-ptrace.h>

#include "unwind/stack.h"

/* Exported by libunwind for other unwinders, declared in none of its headers (perf uses it in the same way).
 */
extern int UNW_ARCH_OBJ(dwarf_search_unwind_table)(
	unw_addr_space_t, unw_word_t, unw_dyn_info_t *, unw_proc_info_t *, int, void *);

struct hw_libunwind {
	unw_accessors_t accessors;
	unw_addr_space_t space;
};

/* Values of .eh_frame_hdr (Linux Standard Base, "DWARF Extensions", 10.5 and 10.6). */
enum {
	EH_FRAME_VERSION = 1,
	EH_PE_UDATA4 = 0x03,
	EH_PE_SDATA4 = 0x0b,
	EH_PE_PCREL_SDATA4 = 0x1b,
	EH_PE_DATAREL_SDATA4 = 0x3b,
};

/* .eh_frame_hdr as every linker writes it: version, three encodings, pointer to .eh_frame, count, then pairs.
 */
struct eh_frame_header {
	uint8_t version;
	uint8_t frame_encoding;
	uint8_t count_encoding;
	uint8_t table_encoding;
	int32_t frame;
	uint32_t count;
};

static const struct hw_elf_segment *eh_frame_segment(const struct hw_module *module)
{
	for (size_t i = 0; i < module->segment_count; i++) {
		if (module->segments[i].type == PT_GNU_EH_FRAME)
			return &module->segments[i];
	}
	return NULL;
}

/* Describes the module's binary search table, read from the image, to libunwind. */
static bool find_table(struct hw_unwinder *unwinder, uint64_t pc, unw_dyn_info_t *table)
{
	const struct hw_module *module = hw_snapshot_module_at(unwinder->snapshot, pc);
	const struct hw_elf_segment *segment = module ? eh_frame_segment(module) : NULL;
	struct eh_frame_header header;

	if (!segment || !hw_memory_read(&unwinder->memory, segment->address, &header, sizeof(header)))
		return false;
	if (header.version != EH_FRAME_VERSION || header.frame_encoding != EH_PE_PCREL_SDATA4 ||
		header.count_encoding != EH_PE_UDATA4 || header.table_encoding != EH_PE_DATAREL_SDATA4)
		return false;
	if (header.count > (segment->size - hw_min(segment->size, sizeof(header))) / (2 * sizeof(int32_t)))
		return false;
	*table = (unw_dyn_info_t){
		.start_ip = module->start,
		.end_ip = module->end,
		.format = UNW_INFO_FORMAT_REMOTE_TABLE,
		.u.rti.segbase = segment->address,
		.u.rti.table_data = segment->address + sizeof(header),
		.u.rti.table_len = header.count * 2 * sizeof(int32_t) / sizeof(unw_word_t),
	};
	return true;
}

/*
 * The code that a signal handler returns to, mov $15,%rax and syscall, as every C library has it. libunwind
 * steps over it but tells so only one frame later.
 */
static bool is_sigreturn(struct hw_unwinder *unwinder, uint64_t pc)
{
	static const uint8_t code[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	uint8_t bytes[sizeof(code)];

	return hw_memory_read(&unwinder->memory, pc, bytes, sizeof(bytes)) &&
	       !memcmp(bytes, code, sizeof(code));
}

static int find_proc_info(
	unw_addr_space_t space, unw_word_t pc, unw_proc_info_t *info, int need_unwind_info, void *argument)
{
	struct hw_stack_builder *builder = argument;
	unw_dyn_info_t table;

	int result = -UNW_ENOINFO;

	if (find_table(builder->unwinder, pc, &table))
		result = UNW_ARCH_OBJ(dwarf_search_unwind_table)(
			space, pc, &table, info, need_unwind_info, argument);
	/* What libunwind does next is a guess, but not over the code that signal handlers return to. */
	builder->is_guess = result < 0 && !is_sigreturn(builder->unwinder, pc);
	return result;
}

static int access_mem(
	unw_addr_space_t space hw_unused, unw_word_t address, unw_word_t *value, int write, void *argument)
{
	struct hw_stack_builder *builder = argument;
	uint64_t word;

	if (write || !hw_memory_read_word(&builder->unwinder->memory, address, &word))
		return -UNW_EINVAL;
	*value = word;
	return 0;
}

/* libunwind numbers x86-64's registers as DWARF does. */
static int access_reg(
	unw_addr_space_t space hw_unused, unw_regnum_t number, unw_word_t *value, int write, void *argument)
{
	struct hw_stack_builder *builder = argument;

	if (write)
		return -UNW_EREADONLYREG;
	if (number < 0 || (unsigned)number >= builder->unwinder->machine->count)
		return -UNW_EBADREG;
	*value = builder->registers.values[number];
	return 0;
}

static int access_fpreg(unw_addr_space_t space hw_unused, unw_regnum_t number hw_unused,
	unw_fpreg_t *value hw_unused, int write hw_unused, void *argument hw_unused)
{
	return -UNW_EBADREG;
}

static int resume(unw_addr_space_t space hw_unused, unw_cursor_t *cursor hw_unused, void *argument hw_unused)
{
	return -UNW_EINVAL;
}

static struct hw_libunwind *libunwind_create(void)
{
	struct hw_libunwind *made = calloc(1, sizeof(*made));

	if (!made)
		return NULL;
	made->accessors = _UPT_accessors;
	made->accessors.find_proc_info = find_proc_info;
	made->accessors.access_mem = access_mem;
	made->accessors.access_reg = access_reg;
	made->accessors.access_fpreg = access_fpreg;
	made->accessors.resume = resume;
	made->accessors.get_proc_name = NULL;
	made->space = unw_create_addr_space(&made->accessors, 0);
	if (!made->space) {
		free(made);
		return NULL;
	}
	unw_set_caching_policy(made->space, UNW_CACHE_GLOBAL);
	return made;
}

void hw_libunwind_destroy(struct hw_libunwind *libunwind)
{
	if (!libunwind)
		return;
	unw_destroy_addr_space(libunwind->space);
	free(libunwind);
}

/* What a function may overwrite libunwind gives as the callee left it: not the caller's value, unless a
 * signal came in between, which saves all. */
static void get_registers(
	const struct hw_machine *machine, unw_cursor_t *cursor, struct hw_found_frame *frame, bool all)
{
	for (unsigned i = 0; i < machine->count; i++) {
		unw_word_t value;

		if (!(all || machine->preserved >> i & 1) || unw_get_reg(cursor, (int)i, &value) != 0)
			continue;
		frame->registers[i] = value;
		frame->known |= UINT64_C(1) << i;
	}
}

static bool add_frame(struct hw_stack_builder *builder, unw_cursor_t *cursor, bool *was_sigreturn)
{
	const struct hw_machine *machine = builder->unwinder->machine;
	bool after_signal = *was_sigreturn || unw_is_signal_frame(cursor) > 0;
	struct hw_found_frame frame = { .may_switch_stack = after_signal };

	get_registers(machine, cursor, &frame, after_signal || !builder->stack->frame_count);
	if (!(frame.known >> machine->pc & 1) || !(frame.known >> machine->sp & 1))
		return false;
	frame.pc = frame.registers[machine->pc];
	frame.sp = frame.registers[machine->sp];
	*was_sigreturn = is_sigreturn(builder->unwinder, frame.pc);
	frame.is_exact = !builder->stack->frame_count || after_signal || *was_sigreturn;
	return hw_stack_add(builder, &frame);
}

struct hw_error *hw_stack_by_libunwind(struct hw_stack_builder *builder, const char **reason)
{
	struct hw_unwinder *unwinder = builder->unwinder;
	unw_cursor_t cursor;
	bool was_sigreturn = false;
	int result;

	if (!unwinder->libunwind)
		unwinder->libunwind = libunwind_create();
	if (!unwinder->libunwind)
		return hw_error_no_memory();
	result = unw_init_remote(&cursor, unwinder->libunwind->space, builder);
	if (result < 0)
		return hw_error_create(HW_ERROR_FORMAT, "libunwind cannot start: %s", unw_strerror(result));
	while (add_frame(builder, &cursor, &was_sigreturn) && (result = unw_step(&cursor)) > 0)
		;
	if (result < 0)
		*reason = unw_strerror(result);
	return NULL;
}
