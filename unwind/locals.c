/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parameters and local variables of a frame. */
#include "unwind/expression.h"
#include "unwind/stack.h"
#include "unwind/type_reader.h"
#include "unwind/units.h"

/* Blocks in inlined functions in blocks: more nesting than this only damage shows. */
#define DEEPEST 64

/* The scopes around a pc, outermost first: functions, blocks, functions inlined into them. */
struct scopes {
	Dwarf_Die dies[DEEPEST];
	size_t count;
	uint64_t pc; /* as the debug information counts */
};

/* What one call of hw_unwinder_each_local() works with. */
struct visit {
	struct hw_type_reader *reader;
	struct hw_frame_view view;
	bool (*each)(const struct hw_variable *variable, void *argument);
	void *argument;
	bool stopped;
};

static bool holds_code(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine;
}

static bool holds_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_class_type;
}

/* True when the scope was found: a pc lies in one function only. */
static bool find_scopes(struct scopes *scopes, Dwarf_Die *parent, int depth)
{
	Dwarf_Die child;

	if (depth >= DEEPEST || dwarf_child(parent, &child) != 0)
		return false;
	do {
		int tag = dwarf_tag(&child);

		if (holds_code(tag) && dwarf_haspc(&child, scopes->pc) > 0) {
			scopes->dies[scopes->count++] = child;
			find_scopes(scopes, &child, depth + 1);
			return true;
		}
		if (holds_functions(tag) && find_scopes(scopes, &child, depth + 1))
			return true;
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

static void place_local(const struct visit *visit, struct hw_die_facts *facts, struct hw_variable *variable)
{
	uint64_t value;

	variable->place = HW_VARIABLE_LOST;
	if (!facts->has_location)
		return;
	switch (hw_expression_locate(&visit->view, &facts->location, &value)) {
	case HW_PLACE_ADDRESS:
		variable->place = HW_VARIABLE_MEMORY;
		variable->address = value;
		break;
	case HW_PLACE_VALUE:
		variable->place = HW_VARIABLE_VALUE;
		variable->value = value;
		break;
	default:
		break;
	}
}

static void visit_variable(struct visit *visit, Dwarf_Die *die)
{
	struct hw_variable variable = { .module = visit->reader->module };
	struct hw_die_facts facts;

	hw_die_facts_read(die, &facts);
	hw_die_facts_complete(&facts);
	if (!facts.name || facts.is_declaration)
		return;
	variable.name = facts.name;
	variable.type = facts.has_type ? hw_type_of_attribute(visit->reader, &facts.type) : 0;
	place_local(visit, &facts, &variable);
	visit->stopped = !visit->each(&variable, visit->argument);
}

static void visit_scope(struct visit *visit, Dwarf_Die *scope)
{
	Dwarf_Die child;

	if (dwarf_child(scope, &child) != 0)
		return;
	do {
		int tag = dwarf_tag(&child);

		if (tag == DW_TAG_variable || tag == DW_TAG_formal_parameter)
			visit_variable(visit, &child);
	} while (!visit->stopped && dwarf_siblingof(&child, &child) == 0);
}

static void visit_scopes(struct visit *visit, struct scopes *scopes)
{
	/* The frame base belongs to the function that has the frame, not to those inlined into it. */
	visit->view.function = &scopes->dies[0];
	for (size_t i = scopes->count; i-- > 0 && !visit->stopped;)
		visit_scope(visit, &scopes->dies[i]);
	visit->view.function = NULL;
}

static void visit_frame(struct visit *visit)
{
	struct scopes scopes = { .count = 0 };
	Dwarf_Die unit;

	if (!hw_unit_at(visit->view.object, visit->view.pc, &unit, &visit->view.bias))
		return;
	scopes.pc = visit->view.pc - visit->view.bias;
	find_scopes(&scopes, &unit, 0);
	visit_scopes(visit, &scopes);
}

struct hw_error *hw_unwinder_each_local(struct hw_unwinder *unwinder, const struct hw_stack *stack,
	size_t frame, bool (*each)(const struct hw_variable *variable, void *argument), void *argument)
{
	const uint64_t *words;
	struct visit visit = { .each = each, .argument = argument };
	struct hw_type_reader *reader = NULL;
	struct hw_error *error;

	if (frame >= stack->frame_count)
		return hw_error_create(HW_ERROR_USAGE, "there is no frame number %zu", frame);
	error = hw_type_reader_open(unwinder, UINT32_MAX, &reader);
	if (error || !reader)
		return error;
	words = stack->registers + frame * hw_stack_stride(unwinder);
	visit.reader = reader;
	visit.view = (struct hw_frame_view){
		.unwinder = unwinder,
		.pc = hw_frame_lookup(&stack->frames[frame]),
		.registers = words + 1,
		.known = words[0],
	};
	visit.view.object = hw_object_at(unwinder, visit.view.pc);
	if (!visit.view.object || !visit.view.object->dwfl)
		return NULL;
	reader->module = (uint32_t)(visit.view.object - unwinder->objects);
	visit_frame(&visit);
	return hw_type_reader_flush(reader);
}
