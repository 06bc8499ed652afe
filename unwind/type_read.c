/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading types: members, and the pointers, arrays and typedefs between them. */
#include "unwind/type_reader.h"

/* Pointers to arrays of typedefs...: a longer chain goes in a circle. */
#define LONGEST_CHAIN 100

static uint32_t type_of_die(struct hw_type_reader *reader, Dwarf_Die *die, int depth);

uint32_t hw_type_add(struct hw_type_reader *reader, uint64_t signature, const struct hw_type *type)
{
	struct hw_type_catalogue *catalogue = reader->catalogue;
	struct hw_type *slot;
	uint32_t number;

	if (hw_id_map_get(&reader->signatures, signature, &number))
		return number;
	number = (uint32_t)catalogue->type_count;
	slot = number < UINT32_MAX
		       ? hw_array_next(catalogue->types, catalogue->type_count, catalogue->type_capacity)
		       : NULL;
	if (!slot || !hw_id_map_set(&reader->signatures, signature, number)) {
		reader->no_memory = true;
		return 0;
	}
	*slot = *type;
	catalogue->type_count++;
	if (catalogue->modules)
		catalogue->modules[reader->module].type_count++;
	return number;
}

/* A type that is made of its kind, name, size and target alone. */
static uint32_t add_simple(struct hw_type_reader *reader, const struct hw_type *type)
{
	uint64_t signature = hw_hash_number(HW_HASH_START, (uint64_t)type->kind << 8 | type->encoding);

	signature = hw_hash_number(signature, type->size);
	signature = hw_hash_number(signature, (uint64_t)type->target << 32 ^ type->length);
	return hw_type_add(reader, hw_hash_string(signature, type->name), type);
}

static uint32_t target_of(struct hw_type_reader *reader, struct hw_die_facts *facts, int depth)
{
	Dwarf_Die die;

	if (!facts->has_type || !dwarf_formref_die(&facts->type, &die))
		return 0;
	return type_of_die(reader, &die, depth + 1);
}

/* Elements in one dimension; 0 where it is not a constant. */
static uint64_t dimension_length(Dwarf_Die *dimension)
{
	struct hw_die_facts facts;
	Dwarf_Word value;

	hw_die_facts_read(dimension, &facts);
	if (facts.has_count && dwarf_formudata(&facts.count, &value) == 0)
		return value;
	/* Upper bound -1 of a zero-length array comes as the largest number. */
	if (facts.has_upper_bound && dwarf_formudata(&facts.upper_bound, &value) == 0)
		return value + 1;
	return 0;
}

static uint32_t array_of(struct hw_type_reader *reader, uint32_t element, uint64_t length)
{
	struct hw_type type = { .kind = HW_TYPE_ARRAY,
		.name = "",
		.target = element,
		.length = length,
		.module = reader->module };

	if (__builtin_mul_overflow(length, reader->catalogue->types[element].size, &type.size))
		type.size = type.length = 0;
	return add_simple(reader, &type);
}

static uint32_t read_array(
	struct hw_type_reader *reader, Dwarf_Die *die, struct hw_die_facts *facts, int depth)
{
	uint64_t lengths[16];
	size_t count = 0;
	uint32_t type = target_of(reader, facts, depth);
	Dwarf_Die child;

	if (dwarf_child(die, &child) == 0) {
		do {
			if (dwarf_tag(&child) == DW_TAG_subrange_type && count < hw_array_size(lengths))
				lengths[count++] = dimension_length(&child);
		} while (dwarf_siblingof(&child, &child) == 0);
	}
	if (!count)
		lengths[count++] = 0;
	while (count-- > 0)
		type = array_of(reader, type, lengths[count]);
	return type;
}

static uint8_t encoding_of(Dwarf_Word encoding)
{
	switch (encoding) {
	case DW_ATE_boolean:
		return HW_TYPE_BOOLEAN;
	case DW_ATE_float:
	case DW_ATE_complex_float:
	case DW_ATE_imaginary_float:
	case DW_ATE_decimal_float:
		return HW_TYPE_FLOAT;
	case DW_ATE_signed:
		return HW_TYPE_SIGNED;
	case DW_ATE_unsigned:
	case DW_ATE_address:
		return HW_TYPE_UNSIGNED;
	case DW_ATE_signed_char:
	case DW_ATE_unsigned_char:
	case DW_ATE_UTF:
		return HW_TYPE_CHARACTER;
	default:
		return HW_TYPE_NO_ENCODING;
	}
}

/* By the Itanium C++ ABI, 2.3, a pointer to a member function is two words, one to data is one. */
static uint64_t member_pointer_size(struct hw_type_reader *reader, uint32_t target)
{
	uint64_t word = reader->unwinder->snapshot->word_size;

	return reader->catalogue->types[target].kind == HW_TYPE_FUNCTION ? 2 * word : word;
}

static uint32_t read_simple(
	struct hw_type_reader *reader, Dwarf_Die *die, struct hw_die_facts *facts, int depth)
{
	struct hw_type type = { .kind = HW_TYPE_OTHER,
		.name = facts->name ? facts->name : "",
		.size = facts->size,
		.module = reader->module };

	switch (dwarf_tag(die)) {
	case DW_TAG_base_type:
		type.kind = HW_TYPE_BASE;
		type.encoding = encoding_of(facts->encoding);
		break;
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		type.kind = HW_TYPE_POINTER;
		type.size = facts->has_size ? facts->size : reader->unwinder->snapshot->word_size;
		type.target = target_of(reader, facts, depth);
		type.name = "";
		break;
	case DW_TAG_typedef:
		type.kind = HW_TYPE_TYPEDEF;
		type.target = target_of(reader, facts, depth);
		type.size = reader->catalogue->types[type.target].size;
		break;
	case DW_TAG_subroutine_type:
		type.kind = HW_TYPE_FUNCTION;
		break;
	case DW_TAG_ptr_to_member_type:
		type.size = member_pointer_size(reader, target_of(reader, facts, depth));
		break;
	}
	return add_simple(reader, &type);
}

/* A struct that the walk over the units did not meet by name: unnamed, or in a unit not walked to the bottom.
 */
static uint32_t read_struct(struct hw_type_reader *reader, Dwarf_Die *die)
{
	uint32_t number;

	hw_type_walk_unit_of(reader, die);
	if (hw_id_map_get(&reader->dies, (uintptr_t)die->addr, &number))
		return number;
	return hw_type_number(reader, die, NULL, NULL, false);
}

static uint32_t read_die(struct hw_type_reader *reader, Dwarf_Die *die, int depth)
{
	struct hw_die_facts facts;

	switch (dwarf_tag(die)) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
	case DW_TAG_enumeration_type:
		return read_struct(reader, die);
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
	case DW_TAG_immutable_type:
	case DW_TAG_packed_type:
	case DW_TAG_shared_type:
		hw_die_facts_read(die, &facts);
		return target_of(reader, &facts, depth);
	case DW_TAG_array_type:
		hw_die_facts_read(die, &facts);
		return read_array(reader, die, &facts, depth);
	default:
		hw_die_facts_read(die, &facts);
		return read_simple(reader, die, &facts, depth);
	}
}

static uint32_t type_of_die(struct hw_type_reader *reader, Dwarf_Die *die, int depth)
{
	uint32_t number;

	if (hw_id_map_get(&reader->dies, (uintptr_t)die->addr, &number))
		return number;
	if (depth > LONGEST_CHAIN || reader->no_memory)
		return 0;
	number = read_die(reader, die, depth);
	if (!hw_id_map_set(&reader->dies, (uintptr_t)die->addr, number))
		reader->no_memory = true;
	return number;
}

uint32_t hw_type_of_attribute(struct hw_type_reader *reader, Dwarf_Attribute *attribute)
{
	Dwarf_Die die;

	return dwarf_formref_die(attribute, &die) ? type_of_die(reader, &die, 0) : 0;
}

void hw_type_read_pointers(struct hw_type_reader *reader)
{
	for (size_t i = 0; i < reader->pointer_count && !reader->no_memory; i++)
		type_of_die(reader, &reader->pointers[i], 0);
	reader->pointer_count = 0;
}

/*
 * DWARF 5 counts a bit-field's bits from the start of the struct. Before, they were counted from the highest
 * bit of a storage unit, big-endian fashion.
 */
static void place_bits(
	struct hw_type_reader *reader, const struct hw_die_facts *facts, struct hw_type_member *member)
{
	uint64_t unit = facts->has_size ? facts->size : reader->catalogue->types[member->type].size;
	uint64_t bits = member->offset * 8;

	member->bit_size = (uint8_t)hw_min(facts->bit_size, 255u);
	if (facts->has_data_bit_offset)
		bits += facts->data_bit_offset;
	else if (reader->unwinder->snapshot->image->big_endian)
		bits += facts->bit_offset;
	else
		bits += unit * 8 - facts->bit_offset - facts->bit_size;
	member->offset = bits / 8;
	member->bit_offset = bits % 8;
}

static void add_member(struct hw_type_reader *reader, struct hw_die_facts *facts, bool is_base)
{
	struct hw_type_catalogue *catalogue = reader->catalogue;
	struct hw_type_member member = { .name = facts->name ? facts->name : "", .is_base = is_base };
	struct hw_type_member *slot;
	Dwarf_Word offset = 0;

	member.type = facts->has_type ? hw_type_of_attribute(reader, &facts->type) : 0;
	if (facts->has_member_location && !hw_die_constant(&facts->member_location, &offset))
		member.is_virtual_base = true;
	member.offset = offset;
	if (facts->bit_size)
		place_bits(reader, facts, &member);
	slot = catalogue->member_count < UINT32_MAX
		       ? hw_array_next(
				 catalogue->members, catalogue->member_count, catalogue->member_capacity)
		       : NULL;
	if (!slot) {
		reader->no_memory = true;
		return;
	}
	*slot = member;
	catalogue->member_count++;
}

/* Static members are variables; before DWARF 5 they look like members, but without a place. */
static bool is_static_member(const struct hw_die_facts *facts)
{
	return facts->is_external || facts->is_declaration;
}

static void read_members(struct hw_type_reader *reader, struct hw_pending_type *pending)
{
	size_t first = reader->catalogue->member_count;
	struct hw_type *type;
	Dwarf_Die child;

	if (dwarf_child(&pending->die, &child) != 0)
		return;
	do {
		int tag = dwarf_tag(&child);
		struct hw_die_facts facts;

		if (tag != DW_TAG_member && tag != DW_TAG_inheritance)
			continue;
		hw_die_facts_read(&child, &facts);
		if (!is_static_member(&facts))
			add_member(reader, &facts, tag == DW_TAG_inheritance);
	} while (!reader->no_memory && dwarf_siblingof(&child, &child) == 0);
	type = &reader->catalogue->types[pending->type];
	type->first_member = (uint32_t)first;
	type->member_count = (uint32_t)(reader->catalogue->member_count - first);
}

void hw_type_read_pending(struct hw_type_reader *reader)
{
	while (reader->pending_count && !reader->no_memory) {
		struct hw_pending_type pending = reader->pending[--reader->pending_count];

		read_members(reader, &pending);
	}
}
