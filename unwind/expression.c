/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The stack machine of DWARF 5, chapter 2.5, as far as compilers use it for variables. Whatever is not known,
 * or asks for what a snapshot does not have (the caller's registers at entry), loses the variable rather than
 * guess.
 */
#include <dwarf.h>

#include "unwind/expression.h"

#define STACK_SIZE 64
/* Loops are possible in an expression, and damage is. */
#define MOST_STEPS 1000

struct machine {
	const struct hw_frame_view *view;
	Dwarf_Attribute *attribute;
	const Dwarf_Op *operations;
	size_t count;
	size_t next; /* operation to come */
	uint64_t stack[STACK_SIZE];
	size_t depth;
	enum hw_place place; /* of the result, as known so far */
	bool failed;
};

static void push(struct machine *machine, uint64_t value)
{
	if (machine->depth == STACK_SIZE)
		machine->failed = true;
	else
		machine->stack[machine->depth++] = value;
}

static uint64_t pop(struct machine *machine)
{
	if (!machine->depth) {
		machine->failed = true;
		return 0;
	}
	return machine->stack[--machine->depth];
}

static uint64_t peek(struct machine *machine, size_t below)
{
	if (below >= machine->depth) {
		machine->failed = true;
		return 0;
	}
	return machine->stack[machine->depth - 1 - below];
}

static uint64_t register_value(struct machine *machine, uint64_t number)
{
	if (number >= HW_REGISTER_MAX || !(machine->view->known >> number & 1)) {
		machine->failed = true;
		return 0;
	}
	return machine->view->registers[number];
}

/* DW_AT_frame_base of the function; a register names its content (DWARF 5, 3.3.5). */
static void push_frame_base(struct machine *machine, uint64_t offset)
{
	Dwarf_Attribute base;
	uint64_t value;

	if (machine->view->function &&
		dwarf_attr_integrate(machine->view->function, DW_AT_frame_base, &base)) {
		struct hw_frame_view view = *machine->view;

		view.function = NULL; /* a frame base does not rest on itself */
		if (hw_expression_locate(&view, &base, &value) != HW_PLACE_LOST) {
			push(machine, value + offset);
			return;
		}
	}
	machine->failed = true;
}

static bool cfa_by(const struct hw_frame_view *view, Dwarf_CFI *cfi, Dwarf_Addr bias, uint64_t *cfa)
{
	enum hw_place place = HW_PLACE_LOST;
	Dwarf_Frame *frame;
	Dwarf_Op *operations;
	size_t count;

	if (!cfi || dwarf_cfi_addrframe(cfi, view->pc - bias, &frame) != 0)
		return false;
	if (dwarf_frame_cfa(frame, &operations, &count) == 0)
		place = hw_expression_evaluate(view, NULL, operations, count, cfa);
	free(frame);
	return place != HW_PLACE_LOST;
}

/* The stack pointer before the call, by the unwind tables. */
static void push_cfa(struct machine *machine)
{
	struct hw_frame_view view = *machine->view;
	Dwfl_Module *module = view.object->dwfl;
	Dwarf_Addr bias = 0;
	Dwarf_CFI *cfi;
	uint64_t cfa;

	view.function = NULL;
	cfi = dwfl_module_eh_cfi(module, &bias);
	if (!cfa_by(&view, cfi, bias, &cfa)) {
		cfi = dwfl_module_dwarf_cfi(module, &bias);
		if (!cfa_by(&view, cfi, bias, &cfa)) {
			machine->failed = true;
			return;
		}
	}
	push(machine, cfa);
}

static void push_indirect(struct machine *machine, const Dwarf_Op *operation)
{
	Dwarf_Attribute indirect;
	Dwarf_Addr address;

	if (!machine->attribute || dwarf_getlocation_attr(machine->attribute, operation, &indirect) != 0 ||
		(dwarf_formaddr(&indirect, &address) != 0 && dwarf_formudata(&indirect, &address) != 0)) {
		machine->failed = true;
		return;
	}
	if (operation->atom == DW_OP_addrx || operation->atom == DW_OP_GNU_addr_index)
		address += machine->view->bias;
	push(machine, address);
}

static void dereference(struct machine *machine, size_t size)
{
	const struct hw_image *image = machine->view->unwinder->snapshot->image;
	uint8_t bytes[8] = { 0 };
	uint64_t value = 0;

	if (!size || size > sizeof(bytes) ||
		!hw_memory_read(&machine->view->unwinder->memory, pop(machine), bytes, size)) {
		machine->failed = true;
		return;
	}
	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)bytes[image->big_endian ? size - 1 - i : i] << i * 8;
	push(machine, value);
}

/* Constants, addresses and registers: what puts something on the stack. */
static bool do_push(struct machine *machine, const Dwarf_Op *operation)
{
	unsigned atom = operation->atom;

	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
		push(machine, atom - DW_OP_lit0);
	else if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
		push(machine, register_value(machine, atom - DW_OP_breg0) + operation->number);
	else if (atom >= DW_OP_const1u && atom <= DW_OP_consts)
		push(machine, operation->number);
	else if (atom == DW_OP_bregx)
		push(machine, register_value(machine, operation->number) + operation->number2);
	else if (atom == DW_OP_addr)
		push(machine, operation->number + machine->view->bias);
	else if (atom == DW_OP_addrx || atom == DW_OP_GNU_addr_index || atom == DW_OP_constx ||
		 atom == DW_OP_GNU_const_index)
		push_indirect(machine, operation);
	else if (atom == DW_OP_fbreg)
		push_frame_base(machine, operation->number);
	else if (atom == DW_OP_call_frame_cfa)
		push_cfa(machine);
	else
		return false;
	return true;
}

static bool do_shuffle(struct machine *machine, const Dwarf_Op *operation)
{
	uint64_t a, b, c;

	switch (operation->atom) {
	case DW_OP_dup:
		push(machine, peek(machine, 0));
		return true;
	case DW_OP_drop:
		pop(machine);
		return true;
	case DW_OP_over:
		push(machine, peek(machine, 1));
		return true;
	case DW_OP_pick:
		push(machine, peek(machine, operation->number));
		return true;
	case DW_OP_swap:
		a = pop(machine);
		b = pop(machine);
		push(machine, a);
		push(machine, b);
		return true;
	case DW_OP_rot:
		a = pop(machine);
		b = pop(machine);
		c = pop(machine);
		push(machine, a);
		push(machine, c);
		push(machine, b);
		return true;
	default:
		return false;
	}
}

static bool do_unary(struct machine *machine, const Dwarf_Op *operation)
{
	switch (operation->atom) {
	case DW_OP_deref:
		dereference(machine, machine->view->unwinder->snapshot->word_size);
		return true;
	case DW_OP_deref_size:
		dereference(machine, operation->number);
		return true;
	case DW_OP_plus_uconst:
		push(machine, pop(machine) + operation->number);
		return true;
	case DW_OP_neg:
		push(machine, -pop(machine));
		return true;
	case DW_OP_not:
		push(machine, ~pop(machine));
		return true;
	case DW_OP_abs: {
		uint64_t value = pop(machine);

		push(machine, (int64_t)value < 0 ? -value : value);
		return true;
	}
	default:
		return false;
	}
}

/* Signed division with its two traps taken out. */
static uint64_t divide(struct machine *machine, uint64_t a, uint64_t b)
{
	if (!b || ((int64_t)a == INT64_MIN && (int64_t)b == -1)) {
		machine->failed = true;
		return 0;
	}
	return (uint64_t)((int64_t)a / (int64_t)b);
}

static uint64_t shift_arithmetically(uint64_t value, uint64_t bits)
{
	uint64_t sign = value >> 63 ? ~(UINT64_MAX >> bits) : 0;

	return value >> bits | sign;
}

static uint64_t compute(struct machine *machine, unsigned atom, uint64_t a, uint64_t b)
{
	switch (atom) {
	case DW_OP_and:
		return a & b;
	case DW_OP_or:
		return a | b;
	case DW_OP_xor:
		return a ^ b;
	case DW_OP_plus:
		return a + b;
	case DW_OP_minus:
		return a - b;
	case DW_OP_mul:
		return a * b;
	case DW_OP_div:
		return divide(machine, a, b);
	case DW_OP_mod:
		machine->failed |= !b;
		return b ? a % b : 0;
	case DW_OP_shl:
		return b < 64 ? a << b : 0;
	case DW_OP_shr:
		return b < 64 ? a >> b : 0;
	default: /* DW_OP_shra */
		return shift_arithmetically(a, hw_min(b, UINT64_C(63)));
	}
}

static bool compare(unsigned atom, int64_t a, int64_t b)
{
	switch (atom) {
	case DW_OP_eq:
		return a == b;
	case DW_OP_ne:
		return a != b;
	case DW_OP_ge:
		return a >= b;
	case DW_OP_gt:
		return a > b;
	case DW_OP_le:
		return a <= b;
	default: /* DW_OP_lt */
		return a < b;
	}
}

static bool do_binary(struct machine *machine, const Dwarf_Op *operation)
{
	uint64_t a, b;

	switch (operation->atom) {
	case DW_OP_and:
	case DW_OP_or:
	case DW_OP_xor:
	case DW_OP_plus:
	case DW_OP_minus:
	case DW_OP_mul:
	case DW_OP_div:
	case DW_OP_mod:
	case DW_OP_shl:
	case DW_OP_shr:
	case DW_OP_shra:
		b = pop(machine);
		a = pop(machine);
		push(machine, compute(machine, operation->atom, a, b));
		return true;
	case DW_OP_eq:
	case DW_OP_ne:
	case DW_OP_ge:
	case DW_OP_gt:
	case DW_OP_le:
	case DW_OP_lt:
		b = pop(machine);
		a = pop(machine);
		push(machine, compare(operation->atom, (int64_t)a, (int64_t)b));
		return true;
	default:
		return false;
	}
}

/* libdw gives the distance; branches are three bytes long (DWARF 5, 2.5.1.5). */
static void jump(struct machine *machine, const Dwarf_Op *operation)
{
	uint64_t target = operation->offset + 3 + (uint64_t)(int64_t)(int16_t)operation->number;

	for (size_t i = 0; i < machine->count; i++) {
		if (machine->operations[i].offset == target) {
			machine->next = i;
			return;
		}
	}
	machine->failed = true;
}

static bool do_control(struct machine *machine, const Dwarf_Op *operation)
{
	switch (operation->atom) {
	case DW_OP_nop:
		return true;
	case DW_OP_skip:
		jump(machine, operation);
		return true;
	case DW_OP_bra:
		if (pop(machine))
			jump(machine, operation);
		return true;
	default:
		return false;
	}
}

/* What says that the result is no address. It is the last operation, or the variable is in pieces. */
static bool do_result(struct machine *machine, const Dwarf_Op *operation)
{
	Dwarf_Block block = { 0 };
	unsigned atom = operation->atom;
	uint64_t value = 0;

	if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31)
		push(machine, register_value(machine, atom - DW_OP_reg0));
	else if (atom == DW_OP_regx)
		push(machine, register_value(machine, operation->number));
	else if (atom == DW_OP_implicit_value && machine->attribute &&
		 dwarf_getlocation_implicit_value(machine->attribute, operation, &block) == 0 &&
		 block.length <= sizeof(value)) {
		memcpy(&value, block.data, block.length);
		push(machine, value);
	} else if (atom != DW_OP_stack_value)
		return false;
	machine->place = HW_PLACE_VALUE;
	machine->failed |= machine->next != machine->count;
	return true;
}

enum hw_place hw_expression_evaluate(const struct hw_frame_view *view, Dwarf_Attribute *attribute,
	const Dwarf_Op *operations, size_t count, uint64_t *value)
{
	struct machine machine = {
		.view = view,
		.attribute = attribute,
		.operations = operations,
		.count = count,
		.place = HW_PLACE_ADDRESS,
	};

	for (size_t steps = 0; machine.next < count && !machine.failed; steps++) {
		const Dwarf_Op *operation = &operations[machine.next++];

		if (steps == MOST_STEPS ||
			!(do_push(&machine, operation) || do_shuffle(&machine, operation) ||
				do_unary(&machine, operation) || do_binary(&machine, operation) ||
				do_control(&machine, operation) || do_result(&machine, operation)))
			return HW_PLACE_LOST;
	}
	*value = pop(&machine);
	return machine.failed ? HW_PLACE_LOST : machine.place;
}

enum hw_place hw_expression_locate(
	const struct hw_frame_view *view, Dwarf_Attribute *attribute, uint64_t *value)
{
	Dwarf_Op *operations;
	size_t count;

	if (dwarf_getlocation_addr(attribute, view->pc - view->bias, &operations, &count, 1) != 1 || !count)
		return HW_PLACE_LOST;
	return hw_expression_evaluate(view, attribute, operations, count, value);
}
