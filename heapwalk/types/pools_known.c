/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pools of well-known libraries, by the heads of their blocks. A head must agree with malloc's own size of
 * the chunk, and with the heads of other blocks that it leads to; a block that stands alone is believed only
 * if its head says enough.
 */
#include "heapwalk/types/pools.h"

/* What malloc may have added to the size that the head speaks of, and what a mapping of its own adds. */
#define SLACK 31

#define APR_BOUNDARY 4096 /* memory nodes are multiples of this (memory/unix/apr_pools.c) */
#define NGINX_MOST   4095 /* NGX_MAX_ALLOC_FROM_POOL: a page but one byte (src/core/ngx_palloc.h) */
#define NGINX_FAILED 1000 /* allocations that did not fit into a block, at most */

/* A chunk whose head looks like a pool's. */
struct candidate {
	uint64_t user;
	uint64_t link; /* the next or previous block; 0: none */
	uint64_t used;
	uint64_t unused;
	uint32_t chunk; /* UINT32_MAX: in a mapping */
	uint8_t kind;   /* enum hw_pool_kind */
	bool proven;    /* or only if another leads here or it leads to another */
};

struct known {
	struct hw_typer *typer;
	const struct hw_image *image;
	unsigned word_size;
	struct candidate *candidates; /* by address */
	size_t count;
	size_t capacity;
};

/* ---------------------------------------------------------------------------------------------------------
 * heads
 */

/* A block's first words. */
struct head {
	const struct known *known;
	const uint8_t *bytes;
	size_t size; /* of these */
	uint64_t user;
	uint64_t usable;
	uint64_t slack; /* bytes that it may be larger than what was asked for */
};

static uint64_t word_at(const struct head *head, size_t offset)
{
	if (offset + head->known->word_size > head->size)
		return 0;
	return hw_image_word(head->known->image, head->bytes + offset);
}

static uint64_t word(const struct head *head, unsigned index)
{
	return word_at(head, (size_t)index * head->known->word_size);
}

/* Is this the end of what was asked for? */
static bool is_end(const struct head *head, uint64_t address)
{
	uint64_t size = address - head->user;

	return address > head->user && size <= head->usable && head->usable - size <= head->slack;
}

/* ngx_pool_data_t: last, end, next, failed; in a pool's first block max and current follow. */
static bool is_nginx(const struct head *head, struct candidate *candidate)
{
	unsigned size = head->known->word_size;
	uint64_t last = word(head, 0), end = word(head, 1), max = word(head, 4);
	uint64_t room = end - head->user - 10 * (uint64_t)size;

	if (!is_end(head, end) || last < head->user + 4 * size || last > end || word(head, 3) > NGINX_FAILED)
		return false;
	candidate->kind = HW_POOL_NGINX;
	candidate->link = word(head, 2);
	candidate->used = last - head->user;
	candidate->unused = end - last;
	candidate->proven = last >= head->user + 10 * size && max == hw_min(room, (uint64_t)NGINX_MOST) &&
			    word(head, 5) % size == 0;
	return true;
}

/* struct apr_memnode_t: next, ref, index and free_index of 32 bits, first_avail, endp. */
static bool is_apr(const struct head *head, struct candidate *candidate)
{
	unsigned size = head->known->word_size;
	uint64_t first = word_at(head, 2 * size + 8), end = word_at(head, 3 * size + 8);
	uint64_t index = size == 8 ? word_at(head, 16) & UINT32_MAX : word_at(head, 8);

	if (head->known->image->big_endian && size == 8)
		index = word_at(head, 16) >> 32;
	if (!is_end(head, end) || first < head->user + 4 * size + 8 || first > end ||
		end - head->user != (index + 1) * APR_BOUNDARY)
		return false;
	candidate->kind = HW_POOL_APR;
	candidate->used = first - head->user;
	candidate->unused = end - first;
	candidate->proven = true;
	return true;
}

/* struct _obstack_chunk: limit, prev (malloc/obstack.h). Says too little to stand alone. */
static bool is_obstack(const struct head *head, struct candidate *candidate)
{
	uint64_t limit = word(head, 0), previous = word(head, 1);

	if (!is_end(head, limit) || previous % (2 * head->known->word_size))
		return false;
	candidate->kind = HW_POOL_OBSTACK;
	candidate->link = previous;
	candidate->used = limit - head->user - 2 * (uint64_t)head->known->word_size;
	candidate->unused = 0;
	candidate->proven = false;
	return true;
}

static struct hw_error *add(struct known *known, const struct candidate *candidate)
{
	struct candidate *next = hw_array_next(known->candidates, known->count, known->capacity);

	if (!next)
		return hw_error_no_memory();
	*next = *candidate;
	known->count++;
	return NULL;
}

static struct hw_error *look(struct hw_typer *typer, void *state, const struct hw_look_chunk *chunk)
{
	struct known *known = state;
	bool mmapped = hw_chunk_state(typer->heap, chunk->index) == HW_CHUNK_MMAPPED;
	struct head head = { .known = known,
		.bytes = chunk->bytes,
		.size = chunk->size,
		.user = hw_chunk_user(typer->heap, chunk->index),
		.usable = chunk->usable,
		.slack = mmapped ? typer->heap->snapshot->page_size : SLACK };
	struct candidate candidate = { .user = head.user, .chunk = chunk->index };

	if (chunk->usable < 6 * (uint64_t)known->word_size ||
		(!is_nginx(&head, &candidate) && !is_apr(&head, &candidate) &&
			!is_obstack(&head, &candidate)))
		return NULL;
	return add(known, &candidate);
}

/* ---------------------------------------------------------------------------------------------- in mappings
 */

/* APR maps its nodes where it was built so (APR_ALLOCATOR_USES_MMAP): they start at any page. */
static bool uses_apr(const struct hw_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->module_count; i++) {
		if (strstr(snapshot->modules[i].path, "/libapr-"))
			return true;
	}
	return false;
}

static struct hw_error *look_at_mapping(struct known *known, const struct hw_use_span *span)
{
	size_t size = 4 * (size_t)known->word_size + 8;
	struct hw_error *error = NULL;
	uint8_t bytes[40];

	for (uint64_t at = span->start; at < span->end && !error;) {
		struct candidate candidate = { .user = at, .chunk = UINT32_MAX };
		struct head head = { known, bytes, size, at, span->end - at, span->end - at };

		if (hw_image_read_some(known->image, at, bytes, size) != size) {
			at = hw_round_up(hw_image_next(known->image, at, span->end), APR_BOUNDARY);
		} else if (is_apr(&head, &candidate)) {
			at += hw_round_up(candidate.used + candidate.unused, APR_BOUNDARY);
			error = add(known, &candidate);
		} else {
			at += APR_BOUNDARY;
		}
	}
	return error;
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *first = a, *second = b;

	return (first->user > second->user) - (first->user < second->user);
}

static struct hw_error *look_at_mappings(struct known *known)
{
	struct hw_accounting *accounting = NULL;
	struct hw_error *error;

	if (!uses_apr(known->typer->heap->snapshot))
		return NULL;
	error = hw_accounting_build(known->typer->heap, &accounting);
	for (size_t i = 0; !error && i < accounting->span_count; i++) {
		if (accounting->spans[i].use == HW_USE_ANONYMOUS)
			error = look_at_mapping(known, &accounting->spans[i]);
	}
	hw_accounting_destroy(accounting);
	if (known->count)
		qsort(known->candidates, known->count, sizeof(*known->candidates), compare_candidates);
	return error;
}

/* ---------------------------------------------------------------------------------------------------------
 * chains
 */

static struct candidate *candidate_at(const struct known *known, uint64_t user)
{
	size_t low = 0, high = known->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (known->candidates[middle].user < user)
			low = middle + 1;
		else
			high = middle;
	}
	return low < known->count && known->candidates[low].user == user ? &known->candidates[low] : NULL;
}

/* A block of the same kind that this one's link leads to; NULL: it leads to none, or to nothing. */
static struct candidate *linked(const struct known *known, const struct candidate *candidate)
{
	struct candidate *found = candidate->link ? candidate_at(known, candidate->link) : NULL;

	return found && found != candidate && found->kind == candidate->kind ? found : NULL;
}

/*
 * Of obstacks a chunk leads to the one before: two that agree prove each other. Of nginx's pools a proven
 * first block leads to the others. A link that leads elsewhere disproves.
 */
static void prove(struct known *known)
{
	for (size_t i = 0; i < known->count; i++) {
		struct candidate *candidate = &known->candidates[i], *next = linked(known, candidate);

		if (candidate->link && !next)
			candidate->proven = false;
		else if (candidate->kind == HW_POOL_OBSTACK && next && (!next->link || linked(known, next)))
			candidate->proven = next->proven = true;
	}
	for (size_t i = 0; i < known->count; i++) {
		struct candidate *at = &known->candidates[i];

		if (at->kind != HW_POOL_NGINX || !at->proven)
			continue;
		for (at = linked(known, at); at && !at->proven; at = linked(known, at))
			at->proven = true;
	}
}

/* ---------------------------------------------------------------------------------------------------------
 * rows
 */

static struct hw_error *offer(struct known *known, const struct candidate *candidate)
{
	char name[32];
	struct hw_chunk_type answer = { .from = UINT32_MAX,
		.level = HW_LEVEL_STRONG,
		.evidence = HW_EVIDENCE_RECORDS,
		.fit = HW_FIT_EXACT };
	struct hw_named_type type = { .name = name, .origin = HW_TYPE_ORIGIN_POOL, .module = UINT32_MAX };
	struct hw_error *error;

	snprintf(name, sizeof(name), "%s%s", hw_pool_kind_name((enum hw_pool_kind)candidate->kind),
		candidate->kind == HW_POOL_OBSTACK ? "" : " pool");
	if (candidate->chunk == UINT32_MAX)
		return NULL;
	error = hw_typer_intern(known->typer, &type, &answer.type);
	if (!error)
		hw_typer_offer(known->typer, candidate->chunk, &answer);
	return error;
}

static struct hw_error *tally_candidate(
	struct known *known, struct hw_pool_tally *tally, const struct candidate *candidate)
{
	const struct hw_heap *heap = known->typer->heap;
	struct hw_pool_row key = { .kind = (enum hw_pool_kind)candidate->kind, .level = HW_LEVEL_STRONG };
	struct hw_pool_row *row;

	if (candidate->chunk != UINT32_MAX)
		key.block_size = hw_chunk_usable(heap, candidate->chunk);
	row = hw_pool_tally_row(tally, &key);
	if (!row)
		return hw_error_no_memory();
	row->blocks++;
	row->used_bytes += candidate->used;
	row->free_bytes += candidate->unused;
	if (!row->example)
		row->example = candidate->user;
	return offer(known, candidate);
}

static struct hw_error *finish(struct hw_typer *typer, void *state)
{
	struct known *known = state;
	struct hw_pool_tally tally = { 0 };
	struct hw_error *error = look_at_mappings(known);

	prove(known);
	for (size_t i = 0; i < known->count && !error; i++) {
		if (known->candidates[i].proven)
			error = tally_candidate(known, &tally, &known->candidates[i]);
	}
	if (!error)
		error = hw_pool_tally_finish(&tally, typer->typing);
	hw_pool_tally_deinit(&tally);
	return error;
}

static struct hw_error *begin(struct hw_typer *typer, void **state)
{
	struct known *made = calloc(1, sizeof(*made));

	if (!made)
		return hw_error_no_memory();
	made->typer = typer;
	made->image = typer->heap->snapshot->image;
	made->word_size = typer->heap->word_size;
	*state = made;
	return NULL;
}

static void destroy(void *state)
{
	struct known *known = state;

	free(known->candidates);
	free(known);
}

const struct hw_look hw_look_pools = { begin, look, finish, destroy };
