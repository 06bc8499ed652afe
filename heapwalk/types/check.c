/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words against fields. */
#include "heapwalk/types/check.h"

#include "heapwalk/chunk_table.h"
#include "heapwalk/graph/scan.h"

#define SENTINEL      4096  /* pointers this close to 0 or to the top of memory are marks, not addresses */
#define MOST_BAD      2     /* words that are no pointers, */
#define FEWEST_GOOD   4     /* beside so many that are */
#define MOST_ELEMENTS 65536 /* of an array inside a struct */

void hw_checker_init(struct hw_checker *checker, const struct hw_heap *heap, struct hw_addresses *addresses,
	struct hw_field_table *fields)
{
	*checker = (struct hw_checker){
		.heap = heap,
		.image = heap->snapshot->image,
		.types = fields->types,
		.fields = fields,
		.addresses = addresses,
	};
	if (heap->region_count) {
		checker->low = heap->regions[0].start;
		checker->span = heap->regions[heap->region_count - 1].end - checker->low;
	}
}

void hw_checker_deinit(struct hw_checker *checker)
{
	free(checker->pointees);
	*checker = (struct hw_checker){ 0 };
}

uint64_t hw_usable_of(const struct hw_heap *heap, uint64_t size)
{
	return hw_heap_request_to_chunk(heap, size) - heap->word_size;
}

bool hw_check_chunk_at(const struct hw_checker *checker, uint64_t word, uint32_t *chunk, uint64_t *offset)
{
	uint64_t user;
	bool exact;

	if (word - checker->low >= checker->span ||
		!hw_heap_locate(checker->heap, word - 2 * checker->heap->word_size, chunk, &exact) ||
		!hw_chunk_is_live(checker->heap, *chunk))
		return false;
	user = hw_chunk_user(checker->heap, *chunk);
	*offset = word - user;
	return true;
}

static uint64_t word_mask(const struct hw_checker *checker)
{
	return checker->heap->word_size == 8 ? UINT64_MAX : UINT32_MAX;
}

static bool is_sentinel(const struct hw_checker *checker, uint64_t word)
{
	return word < SENTINEL || word > word_mask(checker) - SENTINEL;
}

static void collect(struct hw_checker *checker, const struct hw_pointee *pointee)
{
	struct hw_pointee *slot;

	if (!checker->collects)
		return;
	slot = hw_array_next(checker->pointees, checker->pointee_count, checker->pointee_capacity);
	if (!slot) {
		checker->failed = true;
		return;
	}
	*slot = *pointee;
	checker->pointee_count++;
}

/* A chunk must have room for what is said to start at its start. */
static enum hw_check_result check_chunk(
	struct hw_checker *checker, const struct hw_field *field, uint64_t word, uint64_t at)
{
	const struct hw_type *target = &checker->types->types[field->target];
	struct hw_pointee pointee = { .target = field->target,
		.field = at,
		.is_alternative = field->is_alternative && !field->is_only };

	if (!hw_check_chunk_at(checker, word, &pointee.chunk, &pointee.offset))
		return HW_CHECK_ODD; /* freed */
	checker->met++;
	collect(checker, &pointee);
	if (!pointee.offset && hw_scan_usable(checker->heap, pointee.chunk) < target->size)
		return HW_CHECK_REFUSED;
	return HW_CHECK_PASSED;
}

static bool is_struct(const struct hw_types *types, uint32_t type)
{
	return types->types[type].kind == HW_TYPE_STRUCT;
}

bool hw_check_stands_in(const struct hw_types *types, uint32_t whole, uint64_t offset, uint32_t part)
{
	uint32_t found = hw_type_strip(types, whole);
	uint64_t rest = offset;

	for (int depth = 0; depth < 16; depth++) {
		const struct hw_type *here = &types->types[found];
		uint32_t inside = 0;

		if (found == part && !rest)
			return true;
		if (here->kind == HW_TYPE_ARRAY && types->types[here->target].size) {
			rest %= types->types[here->target].size;
			found = hw_type_strip(types, here->target);
			continue;
		}
		/* Unions and buffers may be anything. */
		if (here->kind != HW_TYPE_STRUCT)
			return here->kind == HW_TYPE_UNION || (here->kind == HW_TYPE_BASE && here->size == 1);
		for (uint32_t i = 0; i < here->member_count && !inside; i++) {
			const struct hw_type_member *member = &types->members[here->first_member + i];

			if (!member->bit_size && !member->is_virtual_base && rest >= member->offset &&
				rest - member->offset < types->types[member->type].size) {
				inside = hw_type_strip(types, member->type);
				rest -= member->offset;
			}
		}
		if (!inside)
			return false;
		found = inside;
	}
	return true;
}

/* A global that is known to be of another type. */
static bool contradicts_variable(const struct hw_checker *checker, uint32_t target, uint64_t word)
{
	const struct hw_variable *variable;

	if (!is_struct(checker->types, target) || checker->types->types[target].is_incomplete)
		return false;
	variable = hw_types_variable_at(checker->types, word);
	return variable &&
	       !hw_check_stands_in(checker->types, variable->type, word - variable->address, target);
}

static enum hw_check_result check_pointer(
	struct hw_checker *checker, const struct hw_field *field, uint64_t word, uint64_t at)
{
	if (!word)
		return HW_CHECK_PASSED;
	if (word - checker->low < checker->span) {
		uint32_t region;

		if (hw_heap_find_region(checker->heap, word, &region))
			return check_chunk(checker, field, word, at);
	}
	switch (hw_addresses_kind(checker->addresses, word)) {
	case HW_ADDRESS_MODULE:
		if (!field->is_alternative && contradicts_variable(checker, field->target, word))
			return HW_CHECK_REFUSED;
		checker->met++;
		return HW_CHECK_PASSED;
	case HW_ADDRESS_DATA:
		checker->met++;
		return HW_CHECK_PASSED;
	case HW_ADDRESS_CODE:
		return field->target ? HW_CHECK_REFUSED : HW_CHECK_PASSED;
	default:
		checker->bad += !field->is_alternative && !is_sentinel(checker, word);
		return HW_CHECK_ODD;
	}
}

/* A pointer to a function, or, with `kind` MODULE, to a vtable. */
static enum hw_check_result check_fixed(struct hw_checker *checker, enum hw_address_kind kind, uint64_t word)
{
	if (hw_addresses_kind(checker->addresses, word) == kind) {
		checker->met++;
		return HW_CHECK_PASSED;
	}
	if (kind == HW_ADDRESS_MODULE)
		return HW_CHECK_REFUSED;
	return is_sentinel(checker, word) ? (word ? HW_CHECK_ODD : HW_CHECK_PASSED) : HW_CHECK_REFUSED;
}

static enum hw_check_result check_number(struct hw_checker *checker, uint64_t word)
{
	uint64_t offset;
	uint32_t chunk;

	return hw_check_chunk_at(checker, word, &chunk, &offset) && !offset ? HW_CHECK_REFUSED
									    : HW_CHECK_PASSED;
}

static enum hw_check_result check_array(struct hw_checker *checker, const struct hw_field *field,
	const uint8_t *bytes, uint64_t size, uint64_t base)
{
	uint64_t element = checker->types->types[field->target].size;
	enum hw_check_result worst = HW_CHECK_PASSED;

	for (uint64_t i = 0; i < hw_min(field->length, (uint64_t)MOST_ELEMENTS); i++) {
		uint64_t at = field->offset + i * element;

		if (at >= size)
			break;
		worst = hw_min(
			worst, hw_check_object(checker, field->target, bytes + at, size - at, base + at));
	}
	return worst;
}

static enum hw_check_result check_field(struct hw_checker *checker, const struct hw_field *field,
	const uint8_t *bytes, uint64_t size, uint64_t base)
{
	uint64_t word;

	if (field->offset >= size)
		return HW_CHECK_PASSED;
	if (field->kind == HW_FIELD_ARRAY)
		return check_array(checker, field, bytes, size, base);
	if (field->kind == HW_FIELD_BOOLEAN)
		return bytes[field->offset] > 1 ? HW_CHECK_REFUSED : HW_CHECK_PASSED;
	if (size - field->offset < checker->heap->word_size)
		return HW_CHECK_PASSED;
	word = hw_image_word(checker->image, bytes + field->offset);
	switch (field->kind) {
	case HW_FIELD_POINTER:
		return check_pointer(checker, field, word, base + field->offset);
	case HW_FIELD_CODE:
		return check_fixed(checker, HW_ADDRESS_CODE, word);
	case HW_FIELD_VTABLE:
		return check_fixed(checker, HW_ADDRESS_MODULE, word);
	default:
		return check_number(checker, word);
	}
}

/*
 * Programs save memory by keeping something else where a pointer is not needed: libxml2 has short texts
 * there. Among many pointers that are right, one or two that are none do not refute a type.
 */
static bool has_too_many_bad(const struct hw_checker *checker, uint64_t bad, uint64_t met)
{
	bad = checker->bad - bad;
	met = checker->met - met;
	return bad && (bad > MOST_BAD || met < 2 * bad || met < FEWEST_GOOD);
}

enum hw_check_result hw_check_object(
	struct hw_checker *checker, uint32_t type, const uint8_t *bytes, uint64_t size, uint64_t base)
{
	const struct hw_fields *fields = hw_fields_of(checker->fields, type);
	enum hw_check_result worst = HW_CHECK_PASSED;
	uint64_t bad = checker->bad, met = checker->met;

	if (!fields) {
		checker->failed = true;
		return HW_CHECK_REFUSED;
	}
	for (uint32_t i = 0; i < fields->count; i++) {
		enum hw_check_result result = check_field(checker, &fields->fields[i], bytes, size, base);

		/* What else a union may hold says nothing against what it does hold. */
		if (!fields->fields[i].is_alternative)
			worst = hw_min(worst, result);
	}
	return has_too_many_bad(checker, bad, met) ? HW_CHECK_REFUSED : worst;
}
