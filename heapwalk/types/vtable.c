/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Objects of C++ classes, by their vtable pointer (Itanium C++ ABI, 2.5.2 and 2.9.4). An object of a class
 * with virtual functions or bases begins with one, whatever it inherits from. The class's name is read from
 * its type_info in memory, which stripped programs have too; where a program was built without these, the
 * symbol of the vtable has it.
 */
#include "heapwalk/types/typer.h"
#include "heapwalk/vtables.h"

#define NAME_LIMIT 4096
#define MOST_KNOWN                                                                                           \
	((size_t)1 << 20) /* distinct pointers that are remembered; far more than programs have              \
			   */

/* What malloc may add to a request: it rounds up to 16, and leaves a remainder too small for a chunk. */
#define SLACK 31

static const char symbol_prefix[] = "vtable for ";
static const char typeinfo_prefix[] = "typeinfo name for ";

/* What a pointer that begins chunks stands for. */
struct known {
	uint64_t pointer; /* 0: an empty slot */
	uint32_t type;    /* 0: no vtable */
	uint8_t level;
	uint64_t size; /* of an object; 0: not known */
};

struct vtables {
	struct hw_vtables *shapes;
	struct known *known; /* open addressing, at most half full */
	size_t mask;
	size_t count;
};

static void vtables_destroy(void *state)
{
	struct vtables *vtables = state;

	if (!vtables)
		return;
	hw_vtables_destroy(vtables->shapes);
	free(vtables->known);
	free(vtables);
}

static struct hw_error *vtables_begin(struct hw_typer *typer, void **state)
{
	struct vtables *made = calloc(1, sizeof(*made));
	struct hw_error *error;

	if (!made)
		return hw_error_no_memory();
	made->mask = 1023;
	made->known = calloc(made->mask + 1, sizeof(*made->known));
	error = made->known ? hw_vtables_create(typer->heap->snapshot, typer->addresses, &made->shapes)
			    : hw_error_no_memory();
	if (error) {
		vtables_destroy(made);
		return error;
	}
	*state = made;
	return NULL;
}

/* ----------------------------------------------------------------------------------------------------- names
 */

/* The words at `address`; misses are no errors here. */
static bool read_words(const struct hw_typer *typer, uint64_t address, uint64_t *words, unsigned count)
{
	const struct hw_image *image = typer->heap->snapshot->image;
	unsigned word_size = image->word_size;
	uint8_t raw[4 * 8];

	if (hw_image_read_some(image, address, raw, count * word_size) != count * word_size)
		return false;
	for (unsigned i = 0; i < count; i++)
		words[i] = hw_image_word(image, raw + i * word_size);
	return true;
}

/* What follows `prefix` in the demangled `symbol`, NULL: it is something else. The caller's to free. */
static char *demangle_after(const struct hw_typer *typer, const char *symbol, const char *prefix)
{
	hw_autofree char *readable = typer->options->demangle ? typer->options->demangle(symbol) : NULL;
	size_t length = strlen(prefix);

	if (!readable || strncmp(readable, prefix, length) != 0)
		return NULL;
	return strdup(readable + length);
}

/* The class that a type_info in memory names; NULL: it cannot be read. */
static char *read_class_name(const struct hw_typer *typer, uint64_t typeinfo)
{
	hw_autofree char *mangled = NULL;
	hw_autofree char *symbol = NULL;
	uint64_t words[2];
	const char *name;
	char *readable;

	if (!read_words(typer, typeinfo, words, 2))
		return NULL;
	hw_error_destroy(hw_image_read_string(typer->heap->snapshot->image, words[1], NAME_LIMIT, &mangled));
	if (!mangled)
		return NULL;
	name = mangled + (*mangled == '*'); /* local to its object: compared by address */
	if (!*name || asprintf(&symbol, "_ZTS%s", name) < 0)
		return NULL;
	readable = demangle_after(typer, symbol, typeinfo_prefix);
	return readable ? readable : strdup(name);
}

/*
 * The class whose vtable the symbol before `pointer` is; NULL: it is none. A vtable without functions ends
 * there.
 */
static char *symbol_class_name(const struct hw_typer *typer, uint64_t pointer)
{
	const struct hw_names *names = typer->options->names;
	uint64_t word = typer->heap->word_size, offset;
	const char *name;

	if (!names || !names->symbol || !names->symbol(names->argument, pointer - word, &name, &offset))
		return NULL;
	if (strncmp(name, symbol_prefix, strlen(symbol_prefix)) != 0 || offset < word)
		return NULL;
	return strdup(name + strlen(symbol_prefix));
}

/* A class without a name is still one: "class with vtable server+0x4d20". */
static char *place_class_name(const struct hw_module *module, uint64_t pointer)
{
	char *name;

	if (asprintf(&name, "class with vtable %s+%#llx", hw_file_name(module->path),
		    (unsigned long long)(pointer - module->start)) < 0)
		return NULL;
	return name;
}

/* ---------------------------------------------------------------------------------------------------
 * resolving
 */

/* Names the class and says how sure that is; NULL: `pointer` leads to no vtable. */
static char *name_class(
	struct hw_typer *typer, struct vtables *vtables, uint64_t pointer, enum hw_level *level)
{
	const struct hw_module *module = hw_snapshot_module_at(typer->heap->snapshot, pointer);
	bool is_vtable = hw_vtables_has(vtables->shapes, pointer);
	uint64_t words[2]; /* offset to top, typeinfo */
	char *name = NULL;

	/* Where the top lies elsewhere this is a part of an object: none that a chunk begins with. */
	if (!module || pointer % typer->heap->word_size ||
		!read_words(typer, pointer - 2 * typer->heap->word_size, words, 2) || words[0])
		return NULL;
	*level = HW_LEVEL_CERTAIN;
	if (is_vtable && words[1])
		name = read_class_name(typer, words[1]);
	/* Without RTTI it is zeros and functions, or not even these: a symbol is as good. */
	if (!name && (is_vtable || !words[1]))
		name = symbol_class_name(typer, pointer);
	if (name || !is_vtable)
		return name;
	*level = HW_LEVEL_STRONG;
	return place_class_name(module, pointer);
}

static struct hw_error *intern_class(
	struct hw_typer *typer, const char *name, uint64_t pointer, struct known *known)
{
	const struct hw_snapshot *snapshot = typer->heap->snapshot;
	const struct hw_types *types;
	struct hw_error *error = hw_typer_catalogue(typer, &types);
	uint32_t number = 0;

	if (!error && types)
		error = hw_typer_find_struct(typer, name, &number);
	if (error)
		return error;
	if (number) {
		known->size = types->types[number].size;
		return hw_typer_intern_debug(typer, types, number, &known->type);
	}
	return hw_typer_intern(typer,
		&(struct hw_named_type){
			.name = name,
			.origin = HW_TYPE_ORIGIN_CXX,
			.module = (uint32_t)(hw_snapshot_module_at(snapshot, pointer) - snapshot->modules),
		},
		&known->type);
}

static struct hw_error *resolve(
	struct hw_typer *typer, struct vtables *vtables, uint64_t pointer, struct known *known)
{
	hw_autofree char *name = NULL;
	enum hw_level level = HW_LEVEL_UNKNOWN;

	*known = (struct known){ .pointer = pointer };
	name = name_class(typer, vtables, pointer, &level);
	if (!name)
		return NULL;
	known->level = level;
	return intern_class(typer, name, pointer, known);
}

static struct known *find_slot(const struct vtables *vtables, uint64_t pointer)
{
	size_t at = (size_t)(pointer * 0x9e3779b97f4a7c15 >> 32) & vtables->mask;

	while (vtables->known[at].pointer && vtables->known[at].pointer != pointer)
		at = (at + 1) & vtables->mask;
	return &vtables->known[at];
}

static struct hw_error *grow(struct vtables *vtables)
{
	struct vtables larger = *vtables;

	larger.mask = 2 * vtables->mask + 1;
	larger.known = calloc(larger.mask + 1, sizeof(*larger.known));
	if (!larger.known)
		return hw_error_no_memory();
	for (size_t i = 0; i <= vtables->mask; i++) {
		if (vtables->known[i].pointer)
			*find_slot(&larger, vtables->known[i].pointer) = vtables->known[i];
	}
	free(vtables->known);
	*vtables = larger;
	return NULL;
}

/* What the word means as a vtable pointer; known->type is 0 where it is none. */
static struct hw_error *look_up(
	struct hw_typer *typer, struct vtables *vtables, uint64_t word, struct known *known)
{
	struct known *slot;
	struct hw_error *error;

	*known = (struct known){ .pointer = word };
	if (hw_addresses_kind(typer->addresses, word) != HW_ADDRESS_MODULE)
		return NULL;
	slot = find_slot(vtables, word);
	if (slot->pointer) {
		*known = *slot;
		return NULL;
	}
	error = resolve(typer, vtables, word, known);
	if (error || vtables->count == MOST_KNOWN)
		return error;
	if (2 * (vtables->count + 1) > vtables->mask)
		error = grow(vtables);
	if (error)
		return error;
	*find_slot(vtables, word) = *known;
	vtables->count++;
	return NULL;
}

struct hw_error *hw_typer_class(struct hw_typer *typer, uint64_t pointer, uint32_t *type, uint64_t *size)
{
	struct known known = { .pointer = pointer };
	void *state = NULL;
	struct hw_error *error = vtables_begin(typer, &state);

	if (error)
		return error;
	error = look_up(typer, state, pointer, &known);
	vtables_destroy(state);
	*type = known.type;
	*size = known.size;
	return error;
}

/* --------------------------------------------------------------------------------------------------- looking
 */

static uint64_t word_at(const struct hw_typer *typer, const struct hw_look_chunk *chunk, size_t offset)
{
	return hw_image_word(typer->heap->snapshot->image, chunk->bytes + offset);
}

/* Where the word at `first` stands again; 0: nowhere. No class has a member of its own type. */
static size_t find_again(const struct hw_typer *typer, const struct hw_look_chunk *chunk, size_t first)
{
	unsigned step = typer->heap->word_size;
	uint64_t word = word_at(typer, chunk, first);

	for (size_t at = first + step; at + step <= chunk->size; at += step) {
		if (word_at(typer, chunk, at) == word)
			return at - first;
	}
	return 0;
}

/* Several objects one behind the other, as a vector has them, or one with something of another kind behind.
 */
static enum hw_fit fit_of(
	const struct hw_typer *typer, const struct hw_look_chunk *chunk, const struct known *known)
{
	size_t stride = find_again(typer, chunk, 0);

	if (stride && (!known->size || stride == known->size))
		return HW_FIT_ARRAY;
	if (stride || (known->size && chunk->usable > known->size + SLACK))
		return HW_FIT_PREFIX;
	return HW_FIT_EXACT;
}

static void offer(struct hw_typer *typer, const struct hw_look_chunk *chunk, const struct known *known,
	enum hw_fit fit, enum hw_level level)
{
	hw_typer_offer(typer, chunk->index,
		&(struct hw_chunk_type){
			.type = known->type,
			.from = UINT32_MAX,
			.level = level,
			.evidence = HW_EVIDENCE_VTABLE,
			.fit = fit,
		});
}

/* new T[count] keeps the count before the first one (2.7): it has to add up with the chunk's size. */
static bool is_counted_array(
	const struct hw_typer *typer, const struct hw_look_chunk *chunk, const struct known *known)
{
	unsigned cookie = typer->heap->word_size;
	uint64_t count = word_at(typer, chunk, 0), size = known->size, room = chunk->usable - cookie;

	if (!count || count > room / cookie)
		return false;
	if (count > 1)
		size = find_again(typer, chunk, cookie);
	if (!size)
		size = count == 1 ? room : 0;
	return size && (!known->size || size == known->size) && count <= room / size &&
	       room - count * size <= SLACK;
}

static struct hw_error *look_behind_count(
	struct hw_typer *typer, struct vtables *vtables, const struct hw_look_chunk *chunk)
{
	struct known known;
	struct hw_error *error;

	error = look_up(typer, vtables, word_at(typer, chunk, typer->heap->word_size), &known);
	if (!error && known.type && is_counted_array(typer, chunk, &known))
		offer(typer, chunk, &known, HW_FIT_ARRAY, HW_LEVEL_STRONG);
	return error;
}

static struct hw_error *vtables_look(struct hw_typer *typer, void *state, const struct hw_look_chunk *chunk)
{
	struct vtables *vtables = state;
	struct known known;
	struct hw_error *error;
	uint64_t first;

	if (chunk->size < 2 * (size_t)typer->heap->word_size)
		return NULL;
	first = word_at(typer, chunk, 0);
	if (!first)
		return NULL;
	if (first <= chunk->usable / typer->heap->word_size)
		return look_behind_count(typer, vtables, chunk);
	error = look_up(typer, vtables, first, &known);
	if (!error && known.type && chunk->usable >= known.size) {
		enum hw_fit fit = fit_of(typer, chunk, &known);

		offer(typer, chunk, &known, fit,
			fit == HW_FIT_PREFIX ? hw_min(known.level, HW_LEVEL_STRONG) : known.level);
	}
	return error;
}

/* --------------------------------------------------------------------------------------------------- sizes
 */

static bool is_alone(const struct hw_chunk_type *answer)
{
	return answer->evidence == HW_EVIDENCE_VTABLE && answer->fit == HW_FIT_EXACT;
}

/*
 * Without debug information sizes tell by comparison: what is larger than the smallest chunk of its class, by
 * more than malloc's slack, holds something behind the object.
 */
static struct hw_error *vtables_finish(struct hw_typer *typer, void *state hw_unused)
{
	struct hw_typing *typing = typer->typing;
	hw_autofree uint64_t *least = calloc(typing->type_count, sizeof(*least));

	if (!least)
		return hw_error_no_memory();
	for (uint32_t i = 0; i < typer->heap->chunks.count; i++) {
		uint64_t *smallest = &least[typing->chunks[i].type];

		if (is_alone(&typing->chunks[i]) &&
			(!*smallest || hw_chunk_usable(typer->heap, i) < *smallest))
			*smallest = hw_chunk_usable(typer->heap, i);
	}
	for (uint32_t i = 0; i < typer->heap->chunks.count; i++) {
		struct hw_chunk_type *answer = &typing->chunks[i];

		if (!is_alone(answer) || typing->types[answer->type].size ||
			hw_chunk_usable(typer->heap, i) <= least[answer->type] + 16)
			continue;
		answer->fit = HW_FIT_PREFIX;
		answer->level = hw_min(answer->level, HW_LEVEL_STRONG);
	}
	return NULL;
}

const struct hw_look hw_look_vtables = {
	.begin = vtables_begin,
	.look = vtables_look,
	.finish = vtables_finish,
	.destroy = vtables_destroy,
};
