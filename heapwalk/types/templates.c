/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libstdc++'s containers by name: bits/stl_tree.h, stl_list.h, hashtable.h, forward_list.h,
 * ext/aligned_buffer.h. */
#include "heapwalk/types/templates.h"

#define NAME_LIMIT 4096 /* of a type that is looked for by a name put together */

struct hw_templates {
	const struct hw_types *types;
	uint32_t *slots; /* types by name; 0: empty */
	uint32_t mask;
	uint32_t *pointers; /* by target: one pointer to it */
};

/* Containers: `prefix` of their name, the argument that tells the value, what their nodes are called. */
static const struct {
	const char *prefix;
	unsigned argument;
	const char *node; /* what stands before the value in their name; NULL: the type is a node itself */
} containers[] = {
	{ "std::_Rb_tree<", 1, "std::_Rb_tree_node<" },
	{ "std::__cxx11::_List_base<", 0, "std::_List_node<" },
	{ "std::_List_base<", 0, "std::_List_node<" },
	{ "std::_Fwd_list_base<", 0, "std::_Fwd_list_node<" },
	{ "std::_Hashtable<", 1, NULL },
	{ "std::_Rb_tree_node<", 0, NULL },
	{ "std::_List_node<", 0, NULL },
	{ "std::_Fwd_list_node<", 0, NULL },
	{ "std::__detail::_Hash_node<", 0, NULL },
};

static const char *const node_bases[] = {
	"std::_Rb_tree_node_base",
	"std::__detail::_List_node_base",
	"std::__detail::_Hash_node_base",
	"std::_Fwd_list_node_base",
};

/* Base types as demanglers and compilers write them in arguments, and as debug information calls them. */
static const char *const spellings[][2] = {
	{ "unsigned long", "long unsigned int" },
	{ "long", "long int" },
	{ "unsigned short", "short unsigned int" },
	{ "short", "short int" },
	{ "unsigned long long", "long long unsigned int" },
	{ "long long", "long long int" },
};

static uint32_t hash(const char *name, size_t length)
{
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ (uint8_t)name[i]) * 16777619u;
	return sum;
}

static bool can_be_named(const struct hw_type *type)
{
	return *type->name && !type->is_incomplete &&
	       (type->kind == HW_TYPE_STRUCT || type->kind == HW_TYPE_UNION || type->kind == HW_TYPE_BASE ||
		       type->kind == HW_TYPE_ENUM);
}

static void add_names(struct hw_templates *templates)
{
	const struct hw_types *types = templates->types;

	for (uint32_t i = 1; i < types->type_count; i++) {
		const struct hw_type *type = &types->types[i];
		uint32_t at = hash(type->name, strlen(type->name)) & templates->mask;

		if (type->kind == HW_TYPE_POINTER)
			templates->pointers[hw_type_strip(types, type->target)] = i;
		if (!can_be_named(type))
			continue;
		while (templates->slots[at])
			at = (at + 1) & templates->mask;
		templates->slots[at] = i;
	}
}

struct hw_error *hw_templates_create(const struct hw_types *types, struct hw_templates **templates)
{
	struct hw_templates *made = calloc(1, sizeof(*made));
	uint32_t capacity = 64;

	if (!made)
		return hw_error_no_memory();
	while (capacity < UINT32_C(1) << 31 && capacity / 2 < types->type_count)
		capacity *= 2;
	made->types = types;
	made->mask = capacity - 1;
	made->slots = calloc(capacity, sizeof(*made->slots));
	made->pointers = calloc((size_t)types->type_count + 1, sizeof(*made->pointers));
	if (!made->slots || !made->pointers) {
		hw_templates_destroy(made);
		return hw_error_no_memory();
	}
	add_names(made);
	*templates = made;
	return NULL;
}

void hw_templates_destroy(struct hw_templates *templates)
{
	if (!templates)
		return;
	free(templates->slots);
	free(templates->pointers);
	free(templates);
}

uint32_t hw_templates_find(struct hw_templates *templates, const char *name, size_t length)
{
	uint32_t at = hash(name, length) & templates->mask;

	for (; templates->slots[at]; at = (at + 1) & templates->mask) {
		const char *known = templates->types->types[templates->slots[at]].name;

		if (!strncmp(known, name, length) && !known[length])
			return templates->slots[at];
	}
	return 0;
}

/* The n-th argument of "name<a, b<c, d>, e>", from behind the first "<". False: there are not so many. */
static bool find_argument(const char *at, unsigned n, const char **argument, size_t *length)
{
	int depth = 0;

	*argument = at;
	for (; *at; at++) {
		depth += *at == '<' || *at == '(';
		if (depth && (*at == '>' || *at == ')')) {
			depth--;
			continue;
		}
		if (depth || (*at != ',' && *at != '>'))
			continue;
		if (!n) {
			*length = (size_t)(at - *argument);
			while (*length && (*argument)[*length - 1] == ' ')
				--*length;
			return *length > 0;
		}
		if (*at == '>')
			return false;
		n--;
		*argument = at + 1 + (at[1] == ' ');
	}
	return false;
}

static uint32_t find_spelled(struct hw_templates *templates, const char *name, size_t length)
{
	for (size_t i = 0; i < hw_array_size(spellings); i++) {
		if (strlen(spellings[i][0]) == length && !strncmp(spellings[i][0], name, length))
			return hw_templates_find(templates, spellings[i][1], strlen(spellings[i][1]));
	}
	return hw_templates_find(templates, name, length);
}

/* A type by the way it is written as an argument: "ns::T", "T const", "T*". */
static uint32_t find_written(struct hw_templates *templates, const char *name, size_t length)
{
	uint32_t target;

	while (length > 6 && !strncmp(name + length - 6, " const", 6))
		length -= 6;
	if (!length || name[length - 1] != '*')
		return find_spelled(templates, name, length);
	target = find_written(templates, name, length - 1);
	return target ? templates->pointers[target] : 0;
}

uint32_t hw_templates_stored(struct hw_templates *templates, uint32_t type)
{
	static const char *const storages[] = { "__gnu_cxx::__aligned_membuf<",
		"__gnu_cxx::__aligned_buffer<" };
	const char *name = templates->types->types[type].name, *argument;
	size_t length;
	uint32_t stored = 0;

	for (size_t i = 0; i < hw_array_size(storages); i++) {
		size_t prefix = strlen(storages[i]);

		if (!strncmp(name, storages[i], prefix) &&
			find_argument(name + prefix, 0, &argument, &length))
			stored = find_written(templates, argument, length);
	}
	return stored && templates->types->types[stored].size <= templates->types->types[type].size ? stored
												    : 0;
}

/* Whether a hash table keeps hashes in its nodes stands in its last argument: _Hashtable_traits<true, ...>.
 */
static uint32_t find_hash_node(
	struct hw_templates *templates, const char *table, const char *value, size_t length)
{
	const char *traits = strstr(table, "_Hashtable_traits<");
	char name[NAME_LIMIT];
	int made;

	if (!traits || length >= NAME_LIMIT / 2)
		return 0;
	made = snprintf(name, sizeof(name), "std::__detail::_Hash_node<%.*s, %s>", (int)length, value,
		!strncmp(traits + 18, "true", 4) ? "true" : "false");
	return made < NAME_LIMIT ? hw_templates_find(templates, name, (size_t)made) : 0;
}

uint32_t hw_templates_node(struct hw_templates *templates, uint32_t type)
{
	const char *whole = templates->types->types[type].name, *value;
	char name[NAME_LIMIT];
	size_t length, i = 0;
	int made;

	if (strncmp(whole, "std::", 5) != 0)
		return 0;
	while (i < hw_array_size(containers) &&
		strncmp(whole, containers[i].prefix, strlen(containers[i].prefix)) != 0)
		i++;
	if (i == hw_array_size(containers) ||
		!find_argument(whole + strlen(containers[i].prefix), containers[i].argument, &value, &length))
		return 0;
	if (!strncmp(containers[i].prefix, "std::_Hashtable<", 16))
		return find_hash_node(templates, whole, value, length);
	if (!containers[i].node)
		return type;
	if (length >= NAME_LIMIT / 2)
		return 0;
	made = snprintf(name, sizeof(name), "%s%.*s%s>", containers[i].node, (int)length, value,
		value[length - 1] == '>' ? " " : "");
	return made < NAME_LIMIT ? hw_templates_find(templates, name, (size_t)made) : 0;
}

bool hw_templates_is_node_base(const struct hw_types *types, uint32_t type)
{
	for (size_t i = 0; i < hw_array_size(node_bases); i++) {
		if (!strcmp(types->types[type].name, node_bases[i]))
			return true;
	}
	return false;
}
