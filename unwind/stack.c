/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Call stacks: which library, when to stop, and how a stack ended. */
#include <elf.h>

#include "unwind/stack.h"

#define DEFAULT_LIMIT 256
/* Recursion can be deep, memory is not endless: 24 MiB of frames. */
#define HIGHEST_LIMIT (1u << 20)

/*
 * A caller's frame lies above its callee's. Only a signal handler may run on another stack; and where a call
 * does not push, a leaf may not have moved sp at all.
 */
static bool advances(const struct hw_stack_builder *builder, const struct hw_found_frame *frame)
{
	const struct hw_frame *last;

	if (!builder->stack->frame_count || frame->may_switch_stack)
		return true;
	last = &builder->stack->frames[builder->stack->frame_count - 1];
	if (frame->sp > last->sp)
		return true;
	return !builder->unwinder->machine->call_pushes && frame->sp == last->sp && frame->pc != last->pc;
}

/* Both libraries follow frame pointers where there is no unwind table, and may then read anything. */
static bool is_code(const struct hw_stack_builder *builder, uint64_t pc)
{
	const struct hw_map *map = hw_snapshot_map_at(builder->unwinder->snapshot, pc);

	return map && map->prot & HW_MAP_EXEC;
}

static bool add_registers(struct hw_stack_builder *builder, const struct hw_found_frame *frame)
{
	size_t stride = hw_stack_stride(builder->unwinder);
	uint64_t *words;

	if (!hw_array_reserve(&builder->stack->registers, builder->stack->frame_count,
		    &builder->register_capacity, stride * sizeof(*words)))
		return false;
	words = builder->stack->registers + builder->stack->frame_count * stride;
	words[0] = frame->known;
	memcpy(words + 1, frame->registers, (stride - 1) * sizeof(*words));
	return true;
}

static bool push_frame(struct hw_stack_builder *builder, const struct hw_found_frame *frame)
{
	struct hw_stack *stack = builder->stack;
	struct hw_frame *slot;

	builder->is_full = stack->frame_count == builder->limit;
	if (builder->is_full)
		return false;
	slot = hw_array_next(stack->frames, stack->frame_count, builder->capacity);
	builder->no_memory = !slot || !add_registers(builder, frame);
	if (builder->no_memory)
		return false;
	*slot = (struct hw_frame){
		.pc = frame->pc,
		.sp = frame->sp,
		.is_call_site = builder->is_after_call || !frame->is_exact,
	};
	if (builder->is_guess && stack->frame_count && builder->guesses_from == SIZE_MAX &&
		!builder->is_after_call)
		builder->guesses_from = stack->frame_count;
	slot->is_guess = stack->frame_count >= builder->guesses_from;
	builder->is_after_call = false;
	stack->frame_count++;
	return true;
}

/* A signal came where no code is: from here on it is the same as with a thread that was found there. */
static void restart_at(struct hw_stack_builder *builder, const struct hw_found_frame *frame)
{
	memcpy(builder->registers.values, frame->registers, sizeof(frame->registers));
	builder->registers.pc = frame->pc;
	builder->registers.sp = frame->sp;
	builder->is_restarting = true;
}

bool hw_stack_add(struct hw_stack_builder *builder, const struct hw_found_frame *frame)
{
	builder->is_looping = !advances(builder, frame);
	builder->is_astray = builder->stack->frame_count && !is_code(builder, frame->pc);
	if (builder->is_astray && frame->may_switch_stack)
		restart_at(builder, frame);
	return !builder->is_looping && !builder->is_astray && push_frame(builder, frame);
}

static bool return_address(const struct hw_stack_builder *builder, uint64_t *address)
{
	const struct hw_machine *machine = builder->unwinder->machine;

	if (machine->call_pushes)
		return hw_memory_read_word(&builder->unwinder->memory, builder->registers.sp, address);
	*address = builder->registers.values[machine->link];
	return true;
}

/*
 * A call through a bad pointer, the commonest of crashes, leaves a pc that no unwind table knows; but nothing
 * has happened since the call. So the call is undone here, and the libraries begin with its caller.
 */
static void undo_bad_call(struct hw_stack_builder *builder)
{
	const struct hw_machine *machine = builder->unwinder->machine;
	struct hw_registers *registers = &builder->registers;
	struct hw_found_frame frame = { .pc = registers->pc, .sp = registers->sp, .is_exact = true };
	uint64_t caller;

	if (is_code(builder, registers->pc) || !return_address(builder, &caller) || !is_code(builder, caller))
		return;
	frame.known = UINT64_MAX >> (64 - machine->count);
	memcpy(frame.registers, registers->values, sizeof(frame.registers));
	builder->is_astray = false;
	if (!push_frame(builder, &frame))
		return;
	builder->is_after_call = true;
	registers->pc = caller;
	if (machine->pc < machine->count)
		registers->values[machine->pc] = caller;
	if (machine->call_pushes)
		registers->values[machine->sp] = registers->sp += machine->word_size;
}

/* What the unwind tables say of the return address at `pc`. */
enum caller {
	CALLER_NO_TABLE, /* there is none at all for this module */
	CALLER_UNLISTED, /* there is, but pc is not in it */
	CALLER_NONE,     /* there is no caller */
	CALLER_SOME,
};

static enum caller caller_by_cfi(Dwarf_CFI *cfi, uint64_t pc)
{
	Dwarf_Frame *frame;
	Dwarf_Op space[3], *operations;
	Dwarf_Addr start, end;
	size_t count;
	bool is_signal;
	int column;
	enum caller caller = CALLER_UNLISTED;

	if (!cfi)
		return CALLER_NO_TABLE;
	if (dwarf_cfi_addrframe(cfi, pc, &frame) != 0)
		return CALLER_UNLISTED;
	column = dwarf_frame_info(frame, &start, &end, &is_signal);
	/* "Undefined" comes as no operations at the space that we passed, "same value" as a null pointer. */
	if (column >= 0 && dwarf_frame_register(frame, column, space, &operations, &count) == 0)
		caller = count == 0 && operations == space ? CALLER_NONE : CALLER_SOME;
	free(frame);
	return caller;
}

static enum caller find_caller(struct hw_unwinder *unwinder, uint64_t pc)
{
	struct hw_object *object = hw_object_at(unwinder, pc);
	enum caller caller, other;
	Dwarf_Addr bias = 0;
	Dwarf_CFI *cfi;

	if (!object || !object->dwfl)
		return CALLER_NO_TABLE;
	cfi = dwfl_module_eh_cfi(object->dwfl, &bias);
	caller = caller_by_cfi(cfi, pc - bias);
	if (caller >= CALLER_NONE)
		return caller;
	cfi = dwfl_module_dwarf_cfi(object->dwfl, &bias);
	other = caller_by_cfi(cfi, pc - bias);
	return hw_max(caller, other);
}

bool hw_stack_has_table(struct hw_unwinder *unwinder, uint64_t pc)
{
	return find_caller(unwinder, pc) >= CALLER_NONE;
}

/*
 * Both libraries stop in the same way at the outermost frame and where they are lost. The outermost says that
 * its return address is undefined; if it is assembler code without a line in its module's table, it has
 * cleared the frame pointer, as the ABIs ask for.
 */
static bool is_outermost(const struct hw_stack_builder *builder, enum caller caller)
{
	size_t last = (builder->stack->frame_count - 1) * hw_stack_stride(builder->unwinder);
	const uint64_t *words = builder->stack->registers + last;
	unsigned fp = builder->unwinder->machine->fp;

	return caller == CALLER_NONE || (caller == CALLER_UNLISTED && words[0] >> fp & 1 && !words[1 + fp]);
}

static struct hw_error *set_reason(
	const struct hw_stack_builder *builder, enum caller caller, const char *reason)
{
	struct hw_stack *stack = builder->stack;
	uint64_t pc = stack->frames[stack->frame_count - 1].pc;
	const struct hw_object *object = hw_object_at(builder->unwinder, pc);
	int length;

	if (caller <= CALLER_UNLISTED)
		length = asprintf(&stack->reason, "no unwind information for 0x%llx%s%s%s",
			(unsigned long long)pc, object ? " in " : "", object ? object->name : "",
			object && object->elf_memory ? ", whose file is not at hand" : "");
	else
		length = asprintf(&stack->reason, "the caller of 0x%llx cannot be told%s%s",
			(unsigned long long)pc, reason ? ": " : "", reason ? reason : "");
	if (length >= 0)
		return NULL;
	stack->reason = NULL;
	return hw_error_no_memory();
}

/* Guesses that led nowhere are worth nothing. */
static struct hw_error *drop_guesses(struct hw_stack_builder *builder)
{
	builder->stack->frame_count = builder->guesses_from;
	return set_reason(builder, CALLER_UNLISTED, NULL);
}

static struct hw_error *classify_end(struct hw_stack_builder *builder, const char *reason)
{
	struct hw_stack *stack = builder->stack;
	enum caller caller;

	if (builder->is_full && !builder->is_looping && !builder->is_astray) {
		stack->end = HW_STACK_CUT;
		return NULL;
	}
	if (!stack->frame_count) {
		stack->end = HW_STACK_UNKNOWN;
		return NULL;
	}
	caller = find_caller(builder->unwinder, hw_frame_lookup(&stack->frames[stack->frame_count - 1]));
	if (!builder->is_looping && !builder->is_astray && is_outermost(builder, caller)) {
		stack->end = HW_STACK_COMPLETE;
		return NULL;
	}
	stack->end = HW_STACK_BROKEN;
	if (builder->guesses_from < stack->frame_count)
		return drop_guesses(builder);
	if (builder->is_astray)
		reason = "its return address is not in executable memory";
	else if (builder->is_looping)
		reason = "the stack pointer does not advance";
	return set_reason(builder, caller, reason);
}

static struct hw_error *unwind_by(enum hw_unwind_method method, struct hw_unwinder *unwinder,
	const struct hw_registers *registers, size_t limit, struct hw_stack *stack)
{
	struct hw_stack_builder builder = {
		.unwinder = unwinder,
		.registers = *registers,
		.limit = limit,
		.guesses_from = SIZE_MAX,
		.stack = stack,
	};
	const char *reason = NULL;
	struct hw_error *error = NULL;

	do {
		size_t before = stack->frame_count;

		builder.is_restarting = false;
		undo_bad_call(&builder);
		if (before && stack->frame_count == before)
			break;
		error = method == HW_UNWIND_LIBUNWIND ? hw_stack_by_libunwind(&builder, &reason)
						      : hw_stack_by_libdw(&builder, &reason);
	} while (!error && builder.is_restarting);
	if (!error && builder.no_memory)
		error = hw_error_no_memory();
	if (!error)
		error = classify_end(&builder, reason);
	if (error)
		hw_stack_deinit(stack);
	return error;
}

/* Whether `a` tells more than `b`. */
static bool is_better(const struct hw_stack *a, const struct hw_stack *b)
{
	if ((a->end == HW_STACK_COMPLETE) != (b->end == HW_STACK_COMPLETE))
		return a->end == HW_STACK_COMPLETE;
	return a->frame_count > b->frame_count;
}

/*
 * Where one library is lost the other may know more: libdw reads .debug_frame and files, libunwind steps from
 * a signal handler to a pc of 0.
 */
static struct hw_error *unwind_by_both(enum hw_unwind_method first, struct hw_unwinder *unwinder,
	const struct hw_registers *registers, size_t limit, struct hw_stack *stack)
{
	enum hw_unwind_method second = first == HW_UNWIND_LIBUNWIND ? HW_UNWIND_LIBDW : HW_UNWIND_LIBUNWIND;
	struct hw_stack other = { 0 };
	struct hw_error *error = unwind_by(first, unwinder, registers, limit, stack);

	if (error || stack->end != HW_STACK_BROKEN)
		return error;
	error = unwind_by(second, unwinder, registers, limit, &other);
	if (!error && is_better(&other, stack)) {
		struct hw_stack worse = *stack;

		*stack = other;
		other = worse;
	}
	hw_error_destroy(error);
	hw_stack_deinit(&other);
	return NULL;
}

static struct hw_error *unwind(struct hw_unwinder *unwinder, const struct hw_registers *registers,
	size_t limit, struct hw_stack *stack)
{
	bool has_libunwind = unwinder->snapshot->machine == EM_X86_64;
	bool is_live = unwinder->snapshot->source == HW_SOURCE_PROCESS;

	if (unwinder->method == HW_UNWIND_LIBUNWIND && !has_libunwind)
		return hw_error_create(HW_ERROR_UNSUPPORTED, "libunwind reads stacks of x86-64 targets only");
	if (unwinder->method != HW_UNWIND_AUTO)
		return unwind_by(unwinder->method, unwinder, registers, limit, stack);
	if (has_libunwind)
		return unwind_by_both(
			is_live ? HW_UNWIND_LIBUNWIND : HW_UNWIND_LIBDW, unwinder, registers, limit, stack);
	return unwind_by(HW_UNWIND_LIBDW, unwinder, registers, limit, stack);
}

struct hw_error *hw_unwinder_stack(
	struct hw_unwinder *unwinder, size_t thread, size_t limit, struct hw_stack *stack)
{
	const struct hw_snapshot *snapshot = unwinder->snapshot;
	struct hw_stack made = { .end = HW_STACK_UNKNOWN };
	struct hw_registers registers;
	struct hw_error *error = NULL;

	if (thread >= snapshot->thread_count)
		return hw_error_create(HW_ERROR_USAGE, "there is no thread number %zu", thread);
	if (!unwinder->machine)
		return hw_error_create(HW_ERROR_UNSUPPORTED, "stacks of ELF machine %u cannot be unwound",
			snapshot->machine);
	limit = limit ? hw_min(limit, HIGHEST_LIMIT) : DEFAULT_LIMIT;
	if (hw_registers_load(unwinder->machine, snapshot->image, &snapshot->threads[thread], &registers))
		error = unwind(unwinder, &registers, limit, &made);
	if (!error)
		*stack = made;
	return error;
}

void hw_stack_deinit(struct hw_stack *stack)
{
	free(stack->frames);
	free(stack->registers);
	free(stack->reason);
	memset(stack, 0, sizeof(*stack));
}

ptrdiff_t hw_stack_frame_at(const struct hw_stack *stack, uint64_t address)
{
	ptrdiff_t found = -1;
	uint64_t nearest = 0;

	for (size_t i = 0; i < stack->frame_count; i++) {
		const struct hw_frame *frame = &stack->frames[i];
		uint64_t red_zone = frame->is_call_site ? 0 : HW_STACK_RED_ZONE;
		uint64_t low = frame->sp - hw_min(frame->sp, red_zone);

		if (low <= address && (found < 0 || low > nearest)) {
			found = (ptrdiff_t)i;
			nearest = low;
		}
	}
	return found;
}
