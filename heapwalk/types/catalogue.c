/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Types of the debug information by name. */
#include "heapwalk/types/typer.h"

/* Numbers of complete structs by a hash of their names; open addressing, at most half full. */
struct hw_catalogue_names {
	uint32_t *slots; /* 0: empty */
	size_t mask;
};

struct hw_error *hw_typer_catalogue(struct hw_typer *typer, const struct hw_types **types)
{
	const struct hw_debug_types *debug = typer->options->debug;
	struct hw_error *error = NULL;

	if (!typer->typing->catalogue && debug && debug->catalogue)
		error = debug->catalogue(debug->argument, &typer->typing->catalogue);
	if (!error)
		*types = typer->typing->catalogue;
	return error;
}

/* Compilers and demanglers differ in where they put spaces: "A<B<C> >". */
static const char *skip_spaces(const char *at)
{
	return at + strspn(at, " ");
}

static uint64_t hash(const char *name)
{
	uint64_t sum = 1469598103934665603u;

	for (const char *at = skip_spaces(name); *at; at = skip_spaces(at + 1))
		sum = (sum ^ (uint8_t)*at) * 1099511628211u;
	return sum ^ sum >> 32;
}

static bool is_same(const char *a, const char *b)
{
	a = skip_spaces(a);
	b = skip_spaces(b);
	while (*a && *a == *b) {
		a = skip_spaces(a + 1);
		b = skip_spaces(b + 1);
	}
	return *a == *b;
}

static uint32_t *find_slot(
	const struct hw_catalogue_names *names, const struct hw_types *types, const char *name)
{
	size_t at = hash(name) & names->mask;

	while (names->slots[at] && !is_same(types->types[names->slots[at]].name, name))
		at = (at + 1) & names->mask;
	return &names->slots[at];
}

static bool is_wanted(const struct hw_type *type)
{
	return type->kind == HW_TYPE_STRUCT && !type->is_incomplete && type->size && *type->name;
}

void hw_catalogue_names_destroy(struct hw_catalogue_names *names)
{
	if (names)
		free(names->slots);
	free(names);
}

static struct hw_error *names_create(const struct hw_types *types, struct hw_catalogue_names **names)
{
	struct hw_catalogue_names *made = calloc(1, sizeof(*made));
	size_t count = 0;

	if (!made)
		return hw_error_no_memory();
	for (uint32_t i = 0; i < types->type_count; i++)
		count += is_wanted(&types->types[i]);
	made->mask = 15;
	while (made->mask < 2 * count)
		made->mask = 2 * made->mask + 1;
	made->slots = calloc(made->mask + 1, sizeof(*made->slots));
	if (!made->slots) {
		hw_catalogue_names_destroy(made);
		return hw_error_no_memory();
	}
	/* Of several structs with one name the first stays. */
	for (uint32_t i = 0; i < types->type_count; i++) {
		uint32_t *slot =
			is_wanted(&types->types[i]) ? find_slot(made, types, types->types[i].name) : NULL;

		if (slot && !*slot)
			*slot = i;
	}
	*names = made;
	return NULL;
}

struct hw_error *hw_typer_find_struct(struct hw_typer *typer, const char *name, uint32_t *type)
{
	const struct hw_types *types;
	struct hw_error *error = hw_typer_catalogue(typer, &types);

	if (!error && types && !typer->by_name)
		error = names_create(types, &typer->by_name);
	if (!error)
		*type = types ? *find_slot(typer->by_name, types, name) : 0;
	return error;
}

struct hw_error *hw_typer_intern_debug(
	struct hw_typer *typer, const struct hw_types *types, uint32_t type, uint32_t *number)
{
	const struct hw_type *known = &types->types[type];
	char name[512];

	return hw_typer_intern(typer,
		&(struct hw_named_type){
			.name = hw_type_name(types, type, name, sizeof(name)),
			.origin = HW_TYPE_ORIGIN_DEBUG,
			.module = type ? known->module : UINT32_MAX,
			.catalogue = type,
			.size = known->size,
		},
		number);
}
