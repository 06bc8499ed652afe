/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Vtables, told by the shape that the Itanium C++ ABI gives them (sections 2.5.2 and 2.9.4). */
#include "heapwalk/vtables.h"

/*
 * A direct-mapped memory of verdicts. A chunk's first word often points to a string constant; with as many
 * slots as this even thousands of distinct ones seldom push each other out, so that nearly all look-ups need
 * no system call.
 */
#define SLOTS 65536

/* An object whose part lies further than this from its top would be odd. */
#define TOP_OFFSET_LIMIT ((int64_t)1 << 24)

struct hw_vtables {
	const struct hw_snapshot *snapshot;
	struct hw_addresses *addresses;
	uint8_t *module_is_cxx; /* by module index: 0 not looked yet, 1 no, 2 yes */
	uint64_t slots[SLOTS];  /* pointer | verdict in bit 0 (vtables are word-aligned); 0: empty */
};

struct hw_error *hw_vtables_create(
	const struct hw_snapshot *snapshot, struct hw_addresses *addresses, struct hw_vtables **vtables)
{
	struct hw_vtables *made = calloc(1, sizeof(*made));

	if (!made)
		return hw_error_no_memory();
	made->module_is_cxx = calloc(snapshot->module_count + 1, 1);
	if (!made->module_is_cxx) {
		free(made);
		return hw_error_no_memory();
	}
	made->snapshot = snapshot;
	made->addresses = addresses;
	*vtables = made;
	return NULL;
}

void hw_vtables_destroy(struct hw_vtables *vtables)
{
	if (!vtables)
		return;
	free(vtables->module_is_cxx);
	free(vtables);
}

static bool is_aligned(const struct hw_vtables *vtables, uint64_t address)
{
	return address % vtables->snapshot->word_size == 0;
}

static bool points_to(struct hw_vtables *vtables, uint64_t word, enum hw_address_kind kind)
{
	return hw_addresses_kind(vtables->addresses, word) == kind;
}

/* The word at `address`, without the cost of an error object: misses are common here. */
static bool read_words(const struct hw_vtables *vtables, uint64_t address, uint64_t *words, unsigned count)
{
	const struct hw_image *image = vtables->snapshot->image;
	unsigned word_size = vtables->snapshot->word_size;
	uint8_t raw[8 * 4];

	if (hw_image_read_some(image, address, raw, count * word_size) != count * word_size)
		return false;
	for (unsigned i = 0; i < count; i++)
		words[i] = hw_image_word(image, raw + i * word_size);
	return true;
}

/* A mangled type name ("3Foo", "N3app4UserE", "St9bad_alloc"), '*' before it when it is local to its object.
 */
static bool is_type_name(const struct hw_vtables *vtables, uint64_t address)
{
	char name[64];
	size_t got = hw_image_read_some(vtables->snapshot->image, address, name, sizeof(name));
	size_t length = strnlen(name, got);
	size_t first = got && name[0] == '*';

	if (length <= first || (length == got && got < sizeof(name)) ||
		!strchr("0123456789NSPKFAMDTIXLZ", name[first]))
		return false;
	for (size_t i = first; i < length; i++) {
		if (name[i] <= ' ' || name[i] >= 0x7f)
			return false;
	}
	return true;
}

/*
 * A type_info object: its own vtable pointer, then its name. A core may lack the page with the name
 * (constants of a clean file mapping are not dumped); it then counts by its two pointers.
 */
static bool is_typeinfo(struct hw_vtables *vtables, uint64_t address)
{
	uint64_t words[2];
	uint8_t probe;

	if (!is_aligned(vtables, address) || !points_to(vtables, address, HW_ADDRESS_MODULE) ||
		!read_words(vtables, address, words, 2))
		return false;
	if (!is_aligned(vtables, words[0]) || !points_to(vtables, words[0], HW_ADDRESS_MODULE) ||
		!points_to(vtables, words[1], HW_ADDRESS_MODULE))
		return false;
	return is_type_name(vtables, words[1]) ||
	       !hw_image_read_some(vtables->snapshot->image, words[1], &probe, 1);
}

static bool is_cxx_symbol(const struct hw_dynamic_symbol *symbol, void *argument)
{
	bool *found = argument;

	*found = !strncmp(symbol->name, "_ZdlPv", 6) || !strncmp(symbol->name, "_ZTV", 4) ||
		 !strcmp(symbol->name, "__gxx_personality_v0") || !strcmp(symbol->name, "__cxa_pure_virtual");
	return !*found;
}

/*
 * Built with -fno-rtti the typeinfo word is 0, and then a C table of functions that happens to follow two
 * zero words looks the same: believed only in a module whose dynamic symbols show that it is C++.
 */
static bool lies_in_cxx_module(struct hw_vtables *vtables, uint64_t address)
{
	const struct hw_snapshot *snapshot = vtables->snapshot;
	const struct hw_module *module = hw_snapshot_module_at(snapshot, address);
	uint8_t *verdict;
	bool found = false;

	if (!module)
		return false;
	verdict = &vtables->module_is_cxx[module - snapshot->modules];
	if (!*verdict) {
		hw_module_each_symbol(snapshot, module, is_cxx_symbol, &found);
		*verdict = found ? 2 : 1;
	}
	return *verdict == 2;
}

/* The words before and at a vtable's address point, in this order. */
enum { TOP_OFFSET, TYPEINFO, FIRST_FUNCTION, SECOND_FUNCTION, WORDS };

static bool verify(struct hw_vtables *vtables, uint64_t pointer)
{
	unsigned word_size = vtables->snapshot->word_size;
	uint64_t words[WORDS] = { 0 };
	int64_t top;

	/* A vtable of one function may be the last of its section: the second word may be missing. */
	if (!read_words(vtables, pointer - 2 * word_size, words, WORDS) &&
		!read_words(vtables, pointer - 2 * word_size, words, WORDS - 1))
		return false;
	top = word_size == 4 ? (int32_t)words[TOP_OFFSET] : (int64_t)words[TOP_OFFSET];
	if (top < -TOP_OFFSET_LIMIT || top > TOP_OFFSET_LIMIT)
		return false;
	/* A class with virtual bases only has no functions, an abstract one may have 0 for its destructors.
	 */
	if (words[TYPEINFO])
		return is_typeinfo(vtables, words[TYPEINFO]);
	return points_to(vtables, words[FIRST_FUNCTION], HW_ADDRESS_CODE) &&
	       points_to(vtables, words[SECOND_FUNCTION], HW_ADDRESS_CODE) &&
	       lies_in_cxx_module(vtables, pointer);
}

bool hw_vtables_has(struct hw_vtables *vtables, uint64_t pointer)
{
	uint64_t *slot;

	if (!is_aligned(vtables, pointer))
		return false;
	slot = &vtables->slots[(pointer / vtables->snapshot->word_size) % SLOTS];
	if ((*slot & ~(uint64_t)1) != pointer)
		*slot = pointer | verify(vtables, pointer);
	return *slot & 1;
}
