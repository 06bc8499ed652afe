/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program with debug information made by hand: types, a module with global variables, and a heap.
 *
 *	struct hand_program hand;
 *	hand_init(&hand);
 *	uint32_t node = hand_struct(&hand, "node", 24);
 *	hand_member(&hand, "next", 0, hand_pointer(&hand, node));
 *	hand_global(&hand, "list", hand_pointer(&hand, node), first);
 *	uint64_t first = hand_chunk(&hand, 24);
 *	hand_word(&hand, first, second);
 *	hand_type(&hand, NULL);
 *	... hand_answer(&hand, first) ...
 *	hand_deinit(&hand);
 *
 * Members are added to the struct made last. Types, variables and chunks are made in this order.
 */
#ifndef HW_TESTS_HAND_CATALOGUE_H
#define HW_TESTS_HAND_CATALOGUE_H

#include <check.h>

#include "fake_heap.h"

#define HAND_MODULE  0x400000u
#define HAND_GLOBALS 0x408000u
#define HAND_CODE    0x500000u
#define HAND_HEAP    0x1000000u

struct hand_program {
	struct fake_heap fake;
	struct hw_types view;
	struct hw_type types[128];
	struct hw_type_member members[256];
	struct hw_variable variables[64];
	uint64_t values[64]; /* of the variables */
	struct hw_variable locals[8];
	size_t local_count;
	struct hw_debug_types debug;
	struct hw_typing *typing;
	const char *system; /* the name of a type that a system header declares */
};

static struct hw_error *hand_catalogue(void *argument, const struct hw_types **types)
{
	*types = &((struct hand_program *)argument)->view;
	return NULL;
}

static struct hw_error *hand_each_local(void *argument, uint32_t thread hw_unused,
	bool (*each)(const struct hw_variable *variable, const char *function, void *argument),
	void *each_argument)
{
	struct hand_program *hand = argument;

	for (size_t i = 0; i < hand->local_count; i++) {
		if (!each(&hand->locals[i], "main", each_argument))
			break;
	}
	return NULL;
}

static bool hand_is_system(void *argument, uint32_t type)
{
	const struct hand_program *hand = argument;

	return hand->system && !strcmp(hand->types[type].name, hand->system);
}

hw_unused static void hand_init(struct hand_program *hand)
{
	memset(hand, 0, sizeof(*hand));
	fake_init(&hand->fake, 8, false);
	fake_map(&hand->fake, HAND_MODULE, HAND_MODULE + 0x10000, HW_MAP_READ | HW_MAP_WRITE, "/bin/program");
	fake_module(&hand->fake, HAND_MODULE, HAND_MODULE + 0x10000, "/bin/program");
	fake_map(&hand->fake, HAND_HEAP, HAND_HEAP + 0x100000, HW_MAP_READ | HW_MAP_WRITE, "[heap]");
	fake_thread(&hand->fake, 1, 0);
	fake_region(&hand->fake, HW_REGION_BRK, 0, HAND_HEAP);
	hand->view = (struct hw_types){
		.types = hand->types, .type_count = 1, .members = hand->members, .variables = hand->variables
	};
	hand->types[0] = (struct hw_type){ .kind = HW_TYPE_VOID, .name = "void" };
	hand->debug = (struct hw_debug_types){
		.argument = hand,
		.catalogue = hand_catalogue,
		.each_local = hand_each_local,
		.is_system = hand_is_system,
	};
}

static uint32_t hand_add(struct hand_program *hand, const struct hw_type *type)
{
	ck_assert_uint_lt(hand->view.type_count, 128);
	hand->types[hand->view.type_count] = *type;
	return hand->view.type_count++;
}

hw_unused static uint32_t hand_number(struct hand_program *hand, const char *name, uint64_t size)
{
	return hand_add(hand, &(struct hw_type){ .kind = HW_TYPE_BASE,
				      .name = name,
				      .size = size,
				      .encoding = size == 1 ? HW_TYPE_CHARACTER : HW_TYPE_SIGNED });
}

hw_unused static uint32_t hand_pointer(struct hand_program *hand, uint32_t target)
{
	return hand_add(
		hand, &(struct hw_type){ .kind = HW_TYPE_POINTER, .name = "", .size = 8, .target = target });
}

hw_unused static uint32_t hand_array(struct hand_program *hand, uint32_t target, uint64_t length)
{
	return hand_add(hand, &(struct hw_type){ .kind = HW_TYPE_ARRAY,
				      .name = "",
				      .size = length * hand->types[target].size,
				      .length = length,
				      .target = target });
}

static uint32_t hand_aggregate(
	struct hand_program *hand, enum hw_type_kind kind, const char *name, uint64_t size)
{
	return hand_add(hand, &(struct hw_type){ .kind = (uint8_t)kind,
				      .name = name,
				      .size = size,
				      .first_member = hand->view.member_count });
}

hw_unused static uint32_t hand_struct(struct hand_program *hand, const char *name, uint64_t size)
{
	return hand_aggregate(hand, HW_TYPE_STRUCT, name, size);
}

hw_unused static uint32_t hand_union(struct hand_program *hand, const char *name, uint64_t size)
{
	return hand_aggregate(hand, HW_TYPE_UNION, name, size);
}

/* Adds a member to a struct, which must be the one that got the last member, or the first to get any now. */
hw_unused static void hand_member(
	struct hand_program *hand, uint32_t whole, const char *name, uint64_t offset, uint32_t type)
{
	struct hw_type *aggregate = &hand->types[whole];

	ck_assert_uint_lt(hand->view.member_count, 256);
	if (!aggregate->member_count)
		aggregate->first_member = hand->view.member_count;
	ck_assert_uint_eq(aggregate->first_member + aggregate->member_count, hand->view.member_count);
	hand->members[hand->view.member_count++] =
		(struct hw_type_member){ .name = name, .offset = offset, .type = type };
	aggregate->member_count++;
}

/* A global variable of at most one word, and its value. Returns its address. */
hw_unused static uint64_t hand_global(
	struct hand_program *hand, const char *name, uint32_t type, uint64_t value)
{
	uint32_t number = hand->view.variable_count++;

	hand->variables[number] = (struct hw_variable){
		.name = name, .address = HAND_GLOBALS + 8 * number, .type = type, .place = HW_VARIABLE_MEMORY
	};
	hand->values[number] = value;
	return hand->variables[number].address;
}

/* A local variable that a register holds. */
hw_unused static void hand_local(struct hand_program *hand, const char *name, uint32_t type, uint64_t value)
{
	hand->locals[hand->local_count++] = (struct hw_variable){
		.name = name, .value = value, .type = type, .place = HW_VARIABLE_VALUE
	};
}

/* A live chunk that malloc(request) returned, full of zeros. */
hw_unused static uint64_t hand_chunk(struct hand_program *hand, uint64_t request)
{
	uint64_t size = hw_max(hw_round_up(request + 8, 16), UINT64_C(32));

	return fake_chunk(&hand->fake, HW_CHUNK_LIVE, HW_CONTENT_DATA, size, NULL, 0);
}

hw_unused static void hand_word(struct hand_program *hand, uint64_t address, uint64_t value)
{
	fake_put_word(&hand->fake, hand->fake.region_bytes + (address - hand->fake.region_start), value);
}

/* Types everything. */
hw_unused static void hand_type(struct hand_program *hand, unsigned without)
{
	struct hw_typing_options options = { .debug = &hand->debug, .without = without };
	uint8_t *globals = fake_memory(&hand->fake, HAND_MODULE, 0x10000, NULL, 0);
	struct hw_error *error;

	for (uint32_t i = 0; i < hand->view.variable_count; i++)
		fake_put_word(&hand->fake, globals + (HAND_GLOBALS - HAND_MODULE) + 8 * i, hand->values[i]);
	fake_chunk(&hand->fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x1000, NULL, 0);
	fake_finish(&hand->fake);
	error = hw_typing_build(hand->fake.heap, NULL, &options, &hand->typing);
	if (error)
		ck_abort_msg("%s", error->message);
}

hw_unused static const struct hw_chunk_type *hand_answer(const struct hand_program *hand, uint64_t user)
{
	uint32_t chunk;

	ck_assert(hw_heap_find(hand->fake.heap, user, &chunk));
	return hw_chunk_type(hand->typing, chunk);
}

hw_unused static const char *hand_name(const struct hand_program *hand, uint64_t user)
{
	return hand->typing->types[hand_answer(hand, user)->type].name;
}

hw_unused static void hand_deinit(struct hand_program *hand)
{
	hw_typing_destroy(hand->typing);
	fake_deinit(&hand->fake);
}

#endif
