/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Distinct strings: their table, their texts, their order. */
#include "heapwalk/strings_table.h"

#define BLOCK ((size_t)1 << 20) /* longer than any text that is kept */

/* Texts, one behind the other, each with its NUL. */
struct text_block {
	struct text_block *next;
	size_t used;
	char bytes[BLOCK];
};

/* What is needed of a string only while collecting. */
struct mark {
	uint32_t last_chunk;
	uint32_t hash;
};

struct hw_string_set {
	struct hw_string_table table; /* first: this is what is handed out */
	size_t string_capacity;
	struct mark *marks; /* of each string in the table */
	size_t mark_capacity;
	uint32_t *slots; /* index of a string + 1; 0: empty */
	size_t mask;
	struct text_block *blocks;
	size_t most;
	size_t text_bytes;
};

struct hw_error *hw_string_set_create(size_t most, struct hw_string_set **set)
{
	struct hw_string_set *made = calloc(1, sizeof(*made));

	if (!made)
		return hw_error_no_memory();
	made->most = hw_min(most, (size_t)UINT32_MAX / 2);
	made->mask = 1023;
	made->slots = calloc(made->mask + 1, sizeof(*made->slots));
	if (!made->slots) {
		free(made);
		return hw_error_no_memory();
	}
	*set = made;
	return NULL;
}

void hw_string_set_destroy(struct hw_string_set *set)
{
	if (!set)
		return;
	for (struct text_block *block = set->blocks, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	free(set->marks);
	free(set->slots);
	free(set->table.strings);
	free(set);
}

/* The set is what stands behind a table. */
void hw_strings_destroy(struct hw_string_table *table)
{
	hw_string_set_destroy((struct hw_string_set *)table);
}

static uint32_t hash_of(const struct hw_string_find *find)
{
	const uint64_t prime = 0x9e3779b97f4a7c15;
	uint64_t hash = (find->length << 8 | find->encoding) * prime, word = 0;
	size_t at = 0;

	for (; at + sizeof(word) <= find->length; at += sizeof(word)) {
		memcpy(&word, find->text + at, sizeof(word));
		hash = (hash ^ word) * prime;
		hash ^= hash >> 29;
	}
	word = 0;
	memcpy(&word, find->text + at, find->length - at);
	hash = (hash ^ word) * prime;
	return (uint32_t)(hash >> 32);
}

static bool is_same(
	const struct hw_string_set *set, size_t index, uint32_t hash, const struct hw_string_find *find)
{
	const struct hw_string *string = &set->table.strings[index];

	return set->marks[index].hash == hash && string->length == find->length &&
	       string->encoding == find->encoding && string->truncated == find->truncated &&
	       string->left_over == find->left_over && !memcmp(string->text, find->text, find->length);
}

/* The slot of the string, or the empty one where it belongs. */
static uint32_t *find_slot(const struct hw_string_set *set, uint32_t hash, const struct hw_string_find *find)
{
	size_t at = hash & set->mask;

	while (set->slots[at] && !is_same(set, set->slots[at] - 1, hash, find))
		at = (at + 1) & set->mask;
	return &set->slots[at];
}

static bool grow_slots(struct hw_string_set *set)
{
	size_t mask = 2 * (set->mask + 1) - 1;
	uint32_t *slots = calloc(mask + 1, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < set->table.count; i++) {
		size_t at = set->marks[i].hash & mask;

		while (slots[at])
			at = (at + 1) & mask;
		slots[at] = (uint32_t)i + 1;
	}
	free(set->slots);
	set->slots = slots;
	set->mask = mask;
	return true;
}

static char *keep_text(struct hw_string_set *set, const struct hw_string_find *find)
{
	struct text_block *block = set->blocks;
	char *text;

	if (!block || BLOCK - block->used < find->length + 1) {
		block = malloc(sizeof(*block));
		if (!block)
			return NULL;
		block->next = set->blocks;
		block->used = 0;
		set->blocks = block;
	}
	text = block->bytes + block->used;
	memcpy(text, find->text, find->length);
	text[find->length] = '\0';
	block->used += find->length + 1;
	set->text_bytes += find->length + 1;
	return text;
}

static bool add_string(struct hw_string_set *set, uint32_t hash, const struct hw_string_find *find)
{
	struct hw_string *string = hw_array_next(set->table.strings, set->table.count, set->string_capacity);
	struct mark *mark = hw_array_next(set->marks, set->table.count, set->mark_capacity);
	char *text = string && mark ? keep_text(set, find) : NULL;

	if (!text)
		return false;
	*string = (struct hw_string){
		.text = text,
		.length = find->length,
		.encoding = find->encoding,
		.truncated = find->truncated,
		.left_over = find->left_over,
		.example = find->address,
		.offset = find->offset,
	};
	*mark = (struct mark){ .last_chunk = UINT32_MAX, .hash = hash };
	set->table.count++;
	return true;
}

struct hw_error *hw_string_set_add(struct hw_string_set *set, const struct hw_string_find *find)
{
	uint32_t hash = hash_of(find);
	uint32_t *slot = find_slot(set, hash, find);
	size_t index;

	if (!*slot) {
		if (set->table.count >= set->most || set->text_bytes / HW_STRING_AVERAGE >= set->most) {
			set->table.dropped++;
			return NULL;
		}
		if (2 * (set->table.count + 1) > set->mask) {
			if (!grow_slots(set))
				return hw_error_no_memory();
			slot = find_slot(set, hash, find);
		}
		if (!add_string(set, hash, find))
			return hw_error_no_memory();
		*slot = (uint32_t)set->table.count;
	}
	index = *slot - 1;
	set->table.strings[index].count++;
	set->table.strings[index].chunks += set->marks[index].last_chunk != find->chunk;
	set->marks[index].last_chunk = find->chunk;
	return NULL;
}

static int compare(const void *left, const void *right)
{
	const struct hw_string *a = left, *b = right;
	int by_text;

	if (a->left_over != b->left_over)
		return a->left_over ? 1 : -1;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	/* Among equals a long text says more, and what only looks like text is short. */
	if (a->length != b->length)
		return a->length < b->length ? 1 : -1;
	by_text = strcmp(a->text, b->text);
	return by_text ? by_text : (int)a->encoding - (int)b->encoding;
}

struct hw_string_table *hw_string_set_finish(struct hw_string_set *set)
{
	free(set->marks);
	free(set->slots);
	set->marks = NULL;
	set->slots = NULL;
	if (set->table.count)
		qsort(set->table.strings, set->table.count, sizeof(*set->table.strings), compare);
	return &set->table;
}
