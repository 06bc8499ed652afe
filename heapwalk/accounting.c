/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every byte of the address space is used for. */
#include "heapwalk/stacks.h"

/* A range that somebody is known to use, whatever mapping it lies in. */
struct claim {
	uint64_t start;
	uint64_t end;
	enum hw_use use;
	uint32_t owner;
};

/* Sorted by start, disjoint. */
struct claims {
	struct claim *claims;
	size_t count;
	size_t capacity;
};

/* Whose word counts where claims overlap: in this order. */
enum { BY_REGIONS, BY_STACKS, BY_RESERVATIONS, BY_MODULES, CLAIMANTS };

struct accountant {
	const struct hw_heap *heap;
	struct hw_accounting *accounting;
	size_t span_capacity;
	struct claims claims[CLAIMANTS];
};

static bool claim(struct claims *claims, uint64_t start, uint64_t end, enum hw_use use, uint32_t owner)
{
	struct claim *last = claims->count ? &claims->claims[claims->count - 1] : NULL;
	struct claim *next;

	if (last)
		start = hw_max(start, last->end);
	if (start >= end)
		return true;
	next = hw_array_next(claims->claims, claims->count, claims->capacity);
	if (!next)
		return false;
	*next = (struct claim){ start, end, use, owner };
	claims->count++;
	return true;
}

/* On 32-bit machines user addresses are aligned, chunks are not: half a unit before the first is malloc's
 * too. */
static uint64_t start_of(const struct hw_heap *heap, const struct hw_region *region)
{
	return hw_round_down(region->start, heap->alignment);
}

static bool claim_regions(struct accountant *accountant)
{
	const struct hw_heap *heap = accountant->heap;
	struct claims *claims = &accountant->claims[BY_REGIONS];

	for (uint32_t i = 0; i < heap->region_count; i++) {
		const struct hw_region *region = &heap->regions[i];
		bool mmapped = region->kind == HW_REGION_MMAPPED;

		if (!claim(claims, start_of(heap, region), region->end,
			    mmapped ? HW_USE_MMAPPED : HW_USE_HEAP, mmapped ? UINT32_MAX : region->arena))
			return false;
	}
	return true;
}

/*
 * A heap of an arena other than the main one stands at the start of a reservation of HEAP_MAX_SIZE bytes
 * (arena.c, 2.17 to 2.44: 64 MiB on 64-bit machines, else 1 MiB, unless the libc says otherwise), aligned to
 * that.
 */
static uint64_t reservation_end(const struct hw_heap *heap, const struct hw_region *region)
{
	uint32_t libc = region->arena < heap->arena_count ? heap->arenas[region->arena].libc : UINT32_MAX;
	uint64_t size = libc < heap->libc_count ? heap->libcs[libc].heap_max : 0;

	if (region->kind != HW_REGION_HEAP)
		return region->end;
	if (!size)
		size = heap->word_size == 8 ? (uint64_t)64 << 20 : (uint64_t)1 << 20;
	return region->start / size * size + size;
}

/* What a heap does not use of its reservation is nobody else's. */
static bool claim_reservations(struct accountant *accountant)
{
	const struct hw_heap *heap = accountant->heap;
	struct claims *claims = &accountant->claims[BY_RESERVATIONS];

	for (uint32_t i = 0; i < heap->region_count; i++) {
		const struct hw_region *region = &heap->regions[i];

		if (!claim(claims, region->end, reservation_end(heap, region), HW_USE_RESERVED, UINT32_MAX))
			return false;
	}
	return true;
}

static struct hw_error *claim_stacks(struct accountant *accountant)
{
	struct claims *claims = &accountant->claims[BY_STACKS];
	struct hw_stacks stacks = { .stacks = NULL };
	struct hw_error *error = hw_stacks_find(accountant->heap->snapshot, &stacks);

	for (size_t i = 0; !error && i < stacks.count; i++) {
		const struct hw_thread_stack *stack = &stacks.stacks[i];
		bool ended = stack->thread == HW_NO_THREAD;

		if (!claim(claims, stack->start, stack->end, ended ? HW_USE_OLD_STACK : HW_USE_STACK,
			    stack->thread))
			error = hw_error_no_memory();
	}
	hw_stacks_deinit(&stacks);
	return error;
}

/* Writable segments with what the loader fills with zeros; a core may tell them in any order. */
static bool list_data(const struct hw_snapshot *snapshot, struct claims *found)
{
	for (uint32_t i = 0; i < snapshot->module_count; i++) {
		const struct hw_module *module = &snapshot->modules[i];

		for (size_t j = 0; j < module->segment_count; j++) {
			const struct hw_elf_segment *segment = &module->segments[j];
			uint64_t end = hw_round_up(segment->address + segment->size, snapshot->page_size);
			struct claim *next;

			if (segment->type != 1 /* PT_LOAD */ || !(segment->prot & HW_MAP_WRITE) ||
				end <= segment->address)
				continue;
			next = hw_array_next(found->claims, found->count, found->capacity);
			if (!next)
				return false;
			*next = (struct claim){ hw_round_down(segment->address, snapshot->page_size), end,
				HW_USE_DATA, i };
			found->count++;
		}
	}
	return true;
}

static int compare_claims(const void *a, const void *b)
{
	const struct claim *first = a, *second = b;

	return (first->start > second->start) - (first->start < second->start);
}

static bool claim_data(struct accountant *accountant)
{
	struct claims *claims = &accountant->claims[BY_MODULES];
	struct claims found = { .claims = NULL };
	bool fine = list_data(accountant->heap->snapshot, &found);

	if (fine && found.count)
		qsort(found.claims, found.count, sizeof(*found.claims), compare_claims);
	for (size_t i = 0; fine && i < found.count; i++) {
		const struct claim *data = &found.claims[i];

		fine = claim(claims, data->start, data->end, data->use, data->owner);
	}
	free(found.claims);
	return fine;
}

static bool begins_with_one_of(const char *path, const char *const *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!strncmp(path, prefixes[i], strlen(prefixes[i])))
			return true;
	}
	return false;
}

/* What the kernel's name for the mapping tells. */
static enum hw_use use_by_name(const struct hw_map *map)
{
	static const char *const kernel[] = { "[vdso]", "[vvar", "[vsyscall]", "[vectors]", "[sigpage]" };
	static const char *const no_disk[] = { "/SYSV", "/dev/zero", "/dev/shm/", "/memfd:", "/anon_hugepage",
		"anon_inode:", "[anon_shmem" };
	bool shared = map->prot & HW_MAP_SHARED;

	if (begins_with_one_of(map->path, kernel, hw_array_size(kernel)))
		return HW_USE_KERNEL;
	if (begins_with_one_of(map->path, no_disk, hw_array_size(no_disk)))
		return shared ? HW_USE_SHARED : HW_USE_ANONYMOUS;
	if (map->path[0] == '/')
		return HW_USE_FILE;
	return shared ? HW_USE_SHARED : HW_USE_ANONYMOUS;
}

/* The claim that covers `address`, or NULL; `*end` is lowered to where the answer changes. */
static const struct claim *claim_at(const struct claims *claims, uint64_t address, uint64_t *end)
{
	size_t low = 0, high = claims->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (claims->claims[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == claims->count)
		return NULL;
	if (claims->claims[low].start > address) {
		*end = hw_min(*end, claims->claims[low].start);
		return NULL;
	}
	*end = hw_min(*end, claims->claims[low].end);
	return &claims->claims[low];
}

/* What was made read-only after relocation is the file's again; a file mapped over it is itself. */
static bool may_be(const struct hw_map *map, enum hw_use use)
{
	return use != HW_USE_DATA || (!(map->prot & HW_MAP_SHARED) && (map->prot & HW_MAP_WRITE));
}

/* The span that begins at `start` in this mapping; as long as its use stays the same. */
static struct hw_use_span span_at(const struct accountant *accountant, uint32_t map_index, uint64_t start)
{
	const struct hw_map *map = &accountant->heap->snapshot->maps[map_index];
	struct hw_use_span span = { .start = start,
		.end = map->end,
		.use = use_by_name(map),
		.map = map_index,
		.owner = UINT32_MAX };

	for (int i = 0; i < CLAIMANTS; i++) {
		const struct claim *found = claim_at(&accountant->claims[i], start, &span.end);

		if (found && may_be(map, found->use)) {
			span.use = found->use;
			span.owner = found->owner;
			break;
		}
	}
	return span;
}

static bool add_span(struct accountant *accountant, const struct hw_use_span *span)
{
	struct hw_accounting *accounting = accountant->accounting;
	struct hw_use_span *last =
		accounting->span_count ? &accounting->spans[accounting->span_count - 1] : NULL;
	struct hw_use_span *next;

	if (last && last->map == span->map && last->use == span->use && last->owner == span->owner) {
		last->end = span->end;
		return true;
	}
	next = hw_array_next(accounting->spans, accounting->span_count, accountant->span_capacity);
	if (!next)
		return false;
	*next = *span;
	accounting->span_count++;
	return true;
}

static struct hw_error *make_spans(struct accountant *accountant)
{
	const struct hw_snapshot *snapshot = accountant->heap->snapshot;
	uint64_t done = 0;

	for (uint32_t i = 0; i < snapshot->map_count; i++) {
		/* A core's ranges may overlap: each byte counts once. */
		uint64_t at = hw_max(snapshot->maps[i].start, done);

		while (at < snapshot->maps[i].end) {
			struct hw_use_span span = span_at(accountant, i, at);

			if (!add_span(accountant, &span))
				return hw_error_no_memory();
			at = span.end;
		}
		done = hw_max(done, at);
	}
	return NULL;
}

/*
 * The part of `whole` that belongs to [from, to) of a mapping of `size` bytes. Parts of adjacent ranges add
 * up to the whole exactly, because each boundary is rounded once for both sides.
 */
static uint64_t part_of(uint64_t whole, uint64_t from, uint64_t to, uint64_t size)
{
	return (uint64_t)((unsigned __int128)whole * to / size - (unsigned __int128)whole * from / size);
}

static void total_add(struct hw_use_total *total, const struct hw_use_total *part)
{
	total->size += part->size;
	total->rss += part->rss;
	total->pss += part->pss;
	total->swap += part->swap;
}

static void sum_up(struct hw_accounting *accounting, const struct hw_snapshot *snapshot)
{
	for (size_t i = 0; i < accounting->span_count; i++) {
		const struct hw_use_span *span = &accounting->spans[i];
		const struct hw_map *map = &snapshot->maps[span->map];
		uint64_t from = span->start - map->start, to = span->end - map->start;
		uint64_t size = map->end - map->start;
		struct hw_use_total part = { .size = to - from };

		if (map->usage.known) {
			accounting->usage_known = true;
			part.rss = part_of(map->usage.rss, from, to, size);
			part.pss = part_of(map->usage.pss, from, to, size);
			part.swap = part_of(map->usage.swap, from, to, size);
		}
		total_add(&accounting->totals[span->use], &part);
		total_add(&accounting->all, &part);
	}
}

/* Chunks and malloc's overhead explain their bytes; what the walk had to skip stays unexplained. */
static uint64_t unexplained(const struct hw_heap *heap, const struct hw_accounting *accounting)
{
	uint64_t held = accounting->totals[HW_USE_HEAP].size + accounting->totals[HW_USE_MMAPPED].size;
	uint64_t explained = 0;

	for (uint32_t i = 0; i < heap->arena_count; i++)
		explained += heap->arenas[i].overhead;
	for (uint32_t i = 0; i < heap->region_count; i++)
		explained += heap->regions[i].start - start_of(heap, &heap->regions[i]);
	for (int state = 0; state < HW_CHUNK_STATES; state++) {
		if (state != HW_CHUNK_SKIPPED)
			explained += heap->tallies[state].bytes;
	}
	return held > explained ? held - explained : 0;
}

static struct hw_error *account(struct accountant *accountant)
{
	struct hw_error *error;

	if (!claim_regions(accountant) || !claim_reservations(accountant) || !claim_data(accountant))
		return hw_error_no_memory();
	error = claim_stacks(accountant);
	if (!error)
		error = make_spans(accountant);
	if (error)
		return error;
	sum_up(accountant->accounting, accountant->heap->snapshot);
	accountant->accounting->unexplained_heap = unexplained(accountant->heap, accountant->accounting);
	return NULL;
}

struct hw_error *hw_accounting_build(const struct hw_heap *heap, struct hw_accounting **accounting)
{
	struct accountant accountant = { .heap = heap, .accounting = calloc(1, sizeof(**accounting)) };
	struct hw_error *error;

	if (!accountant.accounting)
		return hw_error_no_memory();
	error = account(&accountant);
	for (int i = 0; i < CLAIMANTS; i++)
		free(accountant.claims[i].claims);
	if (error) {
		hw_accounting_destroy(accountant.accounting);
		return error;
	}
	*accounting = accountant.accounting;
	return NULL;
}

void hw_accounting_destroy(struct hw_accounting *accounting)
{
	if (!accounting)
		return;
	free(accounting->spans);
	free(accounting);
}
