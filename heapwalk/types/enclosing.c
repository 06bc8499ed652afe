/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members the other way round. */
#include "heapwalk/types/enclosing.h"

#define DEEPEST    8
#define MOST_STEPS 20000 /* of one search: a type that stands everywhere says nothing */

struct search {
	const struct hw_enclosing *enclosing;
	bool (*each)(uint32_t whole, void *argument);
	void *argument;
	unsigned steps;
	bool stopped;
};

static bool is_aggregate(const struct hw_type *type)
{
	return type->kind == HW_TYPE_STRUCT || type->kind == HW_TYPE_UNION;
}

/* The aggregate that a member is, or that it is an array of: an array's first element stands for all. */
static uint32_t part_of(const struct hw_types *types, const struct hw_type_member *member)
{
	uint32_t type = hw_type_strip(types, member->type);

	if (member->bit_size || member->is_virtual_base || member->offset > UINT32_MAX)
		return 0;
	if (types->types[type].kind == HW_TYPE_ARRAY)
		type = hw_type_strip(types, types->types[type].target);
	return is_aggregate(&types->types[type]) ? type : 0;
}

/* First how many parts each type is, then, from the end of its row backwards, which. */
static void fill(struct hw_enclosing *enclosing)
{
	const struct hw_types *types = enclosing->types;

	for (uint32_t i = 1; i < types->type_count; i++) {
		const struct hw_type *whole = &types->types[i];

		for (uint32_t k = 0; is_aggregate(whole) && k < whole->member_count; k++) {
			const struct hw_type_member *member = &types->members[whole->first_member + k];
			uint32_t part = part_of(types, member);

			if (part)
				enclosing->parts[--enclosing->rows[part]] =
					(struct hw_part){ .whole = i, .offset = (uint32_t)member->offset };
		}
	}
}

static uint32_t count(struct hw_enclosing *enclosing)
{
	const struct hw_types *types = enclosing->types;
	uint32_t total = 0;

	for (uint32_t i = 1; i < types->type_count; i++) {
		const struct hw_type *whole = &types->types[i];

		for (uint32_t k = 0; is_aggregate(whole) && k < whole->member_count; k++)
			enclosing->rows[part_of(types, &types->members[whole->first_member + k])]++;
	}
	enclosing->rows[0] = 0;
	for (uint32_t i = 0; i < types->type_count; i++)
		total = enclosing->rows[i] += total;
	enclosing->rows[types->type_count] = total;
	return total;
}

struct hw_error *hw_enclosing_init(struct hw_enclosing *enclosing, const struct hw_types *types)
{
	*enclosing = (struct hw_enclosing){ .types = types };
	enclosing->rows = calloc((size_t)types->type_count + 1, sizeof(*enclosing->rows));
	if (!enclosing->rows)
		return hw_error_no_memory();
	enclosing->parts = calloc((size_t)count(enclosing) + 1, sizeof(*enclosing->parts));
	if (!enclosing->parts) {
		hw_enclosing_deinit(enclosing);
		return hw_error_no_memory();
	}
	fill(enclosing);
	return NULL;
}

void hw_enclosing_deinit(struct hw_enclosing *enclosing)
{
	free(enclosing->rows);
	free(enclosing->parts);
	*enclosing = (struct hw_enclosing){ 0 };
}

static void search(struct search *search_, uint32_t type, uint64_t offset, int depth)
{
	const struct hw_enclosing *enclosing = search_->enclosing;

	for (uint32_t i = enclosing->rows[type]; i < enclosing->rows[type + 1] && !search_->stopped; i++) {
		const struct hw_part *part = &enclosing->parts[i];

		if (++search_->steps > MOST_STEPS)
			return;
		if (part->offset > offset)
			continue;
		if (part->offset == offset)
			search_->stopped = !search_->each(part->whole, search_->argument);
		if (depth < DEEPEST)
			search(search_, part->whole, offset - part->offset, depth + 1);
	}
}

void hw_enclosing_each(const struct hw_enclosing *enclosing, uint32_t type, uint64_t offset,
	bool (*each)(uint32_t whole, void *argument), void *argument)
{
	struct search begun = { .enclosing = enclosing, .each = each, .argument = argument };

	search(&begun, type, offset, 0);
}
