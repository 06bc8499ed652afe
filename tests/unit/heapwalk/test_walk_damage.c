/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Damaged heaps: every damage is an anomaly, the rest of the heap is found all the same, nothing crashes. */
#include <check.h>

#include "tests/unit/heapwalk/made_libc.h"

#define FUZZ_ROUNDS 200

static unsigned word_of(const struct made *made)
{
	return made->row->word_size;
}

static void size_is_text(struct made *made)
{
	made_word(made, made->live + word_of(made), UINT64_C(0x4141414141414141));
}

static void size_is_zero(struct made *made)
{
	made_word(made, made->live + word_of(made), 0);
}

static void size_is_huge(struct made *made)
{
	made_word(made, made->live + word_of(made), 0x7ffffff1);
}

static void footer_is_wrong(struct made *made)
{
	made_word(made, made->small + made_chunk_size(made, 200), 0x30);
}

static void fd_leads_astray(struct made *made)
{
	made_word(made, made->unsorted[1] + 2 * word_of(made), 0x41414140);
}

static void fd_leads_to_itself(struct made *made)
{
	made_word(made, made->unsorted[1] + 2 * word_of(made), made->unsorted[1]);
}

static void bk_is_wrong(struct made *made)
{
	made_word(made, made->unsorted[0] + 3 * word_of(made), made->small);
}

static void bin_is_null(struct made *made)
{
	made_word(made, made_bin(made, made->main_arena, 1) + 2 * word_of(made), 0);
}

/* An off-by-one zero byte: the chunk before seems free. */
static void previous_in_use_is_cleared(struct made *made)
{
	*made_at(made, made->live + word_of(made) +
			       (made->snapshot.image->big_endian ? word_of(made) - 1 : 0)) &= 0xfe;
}

static void binned_is_tagged_used(struct made *made)
{
	uint64_t behind = made->small + made_chunk_size(made, 200);

	made_word(made, behind + word_of(made), made_get(made, behind + word_of(made)) | PREV);
}

static void top_size_is_zero(struct made *made)
{
	made_word(made, made->main_top + word_of(made), 0);
}

static void top_size_is_huge(struct made *made)
{
	made_word(made, made->main_top + word_of(made), UINT64_MAX);
}

static void top_size_is_odd(struct made *made)
{
	made_word(made, made->main_top + word_of(made), 0x1231);
}

static void top_points_astray(struct made *made)
{
	made_word(made, made->main_arena + made->row->arena->top, 0x1000);
}

static void top_points_into_a_chunk(struct made *made)
{
	made_word(made, made->main_arena + made->row->arena->top, made->large + 0x100);
}

static void ring_leads_astray(struct made *made)
{
	made_word(made, made->main_arena + made->row->arena->next, 0x1000);
}

static void ring_skips_main(struct made *made)
{
	made_word(made, made->thread_arena + made->row->arena->next, made->thread_arena);
}

static void heap_size_is_wrong(struct made *made)
{
	made_word(made, made->second_heap + 2 * word_of(made), 0x123);
}

static void heap_owner_is_wrong(struct made *made)
{
	made_word(made, made->second_heap, made->main_arena);
}

static void system_mem_is_wrong(struct made *made)
{
	uint64_t word = made->main_arena + made->row->arena->system_mem;

	made_word(made, word, made_get(made, word) - 0x1000);
}

static void mmapped_is_missing(struct made *made)
{
	made_put(made, made->par + made->row->par->n_mmaps, 3, 4);
	made_put(made, made->par + made->row->par->max_n_mmaps, 3, 4);
}

static void tcache_counts_wrong(struct made *made)
{
	const struct hw_tcache_layout *shape = made->row->tcache;
	unsigned bin = (unsigned)((made_chunk_size(made, 100) - 4 * word_of(made)) / made->row->alignment);

	made_put(made, made->tcache + bin * shape->counter_size, 2, shape->counter_size);
}

static void tcache_loops(struct made *made)
{
	uint64_t user = made->cached[0] + 2 * word_of(made);

	made_word(made, user, made_link(made, user, made->cached[2] + 2 * word_of(made)));
}

static void tcache_leads_astray(struct made *made)
{
	made_word(made, made->cached[1] + 2 * word_of(made), 0x4242424242);
}

static void fastbin_loops(struct made *made)
{
	uint64_t place = made->fast[0] + 2 * word_of(made);

	made_word(made, place, made_link(made, place, made->fast[1]));
}

static void fastbin_leads_astray(struct made *made)
{
	made_word(made, made->fast[1] + 2 * word_of(made),
		made_link(made, made->fast[1] + 2 * word_of(made), made->live + word_of(made)));
}

/* The end of the brk heap is missing, as in a core that was cut short. */
static void memory_is_missing(struct made *made)
{
	made->snapshot.image->segments[0].file_size = 0x2000;
	made->snapshot.image->segments[0].fill = HW_FILL_MISSING;
}

enum needs { NOTHING, TCACHE, FASTBINS };

struct damage {
	const char *name;
	void (*make)(struct made *made);
	enum hw_anomaly_kind kind;
	enum needs needs;
	unsigned lost; /* live chunks that may be missing or wrong; UINT_MAX: many */
};

static const struct damage damages[] = {
	{ "size is text", size_is_text, HW_ANOMALY_CHUNK_SIZE, NOTHING, 1 },
	{ "size is zero", size_is_zero, HW_ANOMALY_CHUNK_SIZE, NOTHING, 1 },
	{ "size is huge", size_is_huge, HW_ANOMALY_CHUNK_SIZE, NOTHING, 1 },
	{ "footer is wrong", footer_is_wrong, HW_ANOMALY_PREVIOUS_SIZE, NOTHING, 0 },
	{ "fd leads astray", fd_leads_astray, HW_ANOMALY_LIST, NOTHING, 0 },
	{ "fd leads to itself", fd_leads_to_itself, HW_ANOMALY_LIST, NOTHING, 0 },
	{ "bk is wrong", bk_is_wrong, HW_ANOMALY_LIST, NOTHING, 0 },
	{ "bin is null", bin_is_null, HW_ANOMALY_LIST, NOTHING, 0 },
	{ "P bit is cleared", previous_in_use_is_cleared, HW_ANOMALY_STATE, TCACHE, 0 },
	{ "binned is tagged used", binned_is_tagged_used, HW_ANOMALY_STATE, NOTHING, 0 },
	{ "top size is zero", top_size_is_zero, HW_ANOMALY_TOP, NOTHING, 0 },
	{ "top size is huge", top_size_is_huge, HW_ANOMALY_TOP, NOTHING, 0 },
	{ "top size is odd", top_size_is_odd, HW_ANOMALY_TOP, NOTHING, 0 },
	{ "top points astray", top_points_astray, HW_ANOMALY_TOP, NOTHING, 1 },
	{ "top points into a chunk", top_points_into_a_chunk, HW_ANOMALY_TOP, NOTHING, 1 },
	{ "ring leads astray", ring_leads_astray, HW_ANOMALY_ARENA, NOTHING, 0 },
	{ "ring skips main", ring_skips_main, HW_ANOMALY_ARENA, NOTHING, 0 },
	{ "heap size is wrong", heap_size_is_wrong, HW_ANOMALY_ARENA, NOTHING, 5 },
	{ "heap owner is wrong", heap_owner_is_wrong, HW_ANOMALY_ARENA, NOTHING, 5 },
	{ "system_mem is wrong", system_mem_is_wrong, HW_ANOMALY_ARENA, NOTHING, 0 },
	{ "an mmapped chunk is missing", mmapped_is_missing, HW_ANOMALY_MMAPPED, NOTHING, 0 },
	{ "tcache counts wrong", tcache_counts_wrong, HW_ANOMALY_TCACHE, TCACHE, 0 },
	{ "tcache loops", tcache_loops, HW_ANOMALY_LIST, TCACHE, 0 },
	{ "tcache leads astray", tcache_leads_astray, HW_ANOMALY_LIST, TCACHE, 0 },
	{ "fastbin loops", fastbin_loops, HW_ANOMALY_LIST, FASTBINS, 0 },
	{ "fastbin leads astray", fastbin_leads_astray, HW_ANOMALY_LIST, FASTBINS, 0 },
	{ "memory is missing", memory_is_missing, HW_ANOMALY_UNREADABLE, NOTHING, UINT32_MAX },
};

static bool applies(const struct damage *damage, const struct hw_layout *row)
{
	return damage->needs == NOTHING || (damage->needs == TCACHE && row->tcache) ||
	       (damage->needs == FASTBINS && row->arena->fastbins);
}

static struct hw_heap *walk(const struct made *made)
{
	struct hw_heap *heap = NULL;
	struct hw_error *error = hw_heap_walk(&made->snapshot, NULL, &heap);

	ck_assert_msg(!error, "%s", error ? error->message : "");
	return heap;
}

/* Whatever the bytes are, chunks ascend, fill their regions, and every byte is accounted for. */
static void check_shape(const struct hw_heap *heap)
{
	uint64_t regions = 0, explained = 0;

	for (uint32_t i = 0; i < heap->region_count; i++) {
		const struct hw_region *region = &heap->regions[i];

		ck_assert(region->start < region->end);
		ck_assert(!i || heap->regions[i - 1].end <= region->start);
		ck_assert_uint_lt(region->arena, heap->arena_count);
		ck_assert_int_eq(hw_chunk_state(heap, region->first + region->count), HW_CHUNK_END);
		for (uint32_t j = region->first; j < region->first + region->count; j++) {
			ck_assert_uint_gt(hw_chunk_size(heap, j), 0);
			ck_assert_uint_ge(hw_chunk_address(heap, j), region->start);
			ck_assert_uint_le(hw_chunk_address(heap, j + 1), region->end);
		}
		regions += region->end - region->start;
	}
	for (uint32_t i = 0; i < heap->arena_count; i++) {
		explained += heap->arenas[i].overhead;
		for (int state = 0; state < HW_CHUNK_STATES; state++)
			explained += heap->arenas[i].tallies[state].bytes;
	}
	ck_assert_uint_eq(regions, explained);
}

static const struct hw_anomaly *find_anomaly(const struct hw_heap *heap, enum hw_anomaly_kind kind)
{
	for (size_t i = 0; i < heap->anomaly_count; i++) {
		ck_assert_ptr_nonnull(heap->anomalies[i].text);
		if (heap->anomalies[i].kind == kind)
			return &heap->anomalies[i];
	}
	return NULL;
}

static unsigned count_lost(const struct made *made, const struct hw_heap *heap)
{
	unsigned lost = 0;
	uint32_t index;

	for (size_t i = 0; i < made->truth_count; i++) {
		const struct made_chunk *truth = &made->truth[i];

		if (truth->state != HW_CHUNK_LIVE && truth->state != HW_CHUNK_MMAPPED)
			continue;
		lost += !hw_heap_find(heap, truth->address, &index) ||
			hw_chunk_address(heap, index) != truth->address || !hw_chunk_is_live(heap, index) ||
			hw_chunk_size(heap, index) != truth->size;
	}
	return lost;
}

static void try_damage(const struct damage *damage, const struct hw_layout *row)
{
	struct hw_heap *heap;
	struct made made;

	made_process(&made, row, row->word_size == 8 ? EM_X86_64 : EM_386, false);
	damage->make(&made);
	heap = walk(&made);
	check_shape(heap);
	ck_assert_msg(find_anomaly(heap, damage->kind), "%s, 2.%u: no anomaly %s among %zu", damage->name,
		row->first, hw_anomaly_kind_name(damage->kind), heap->anomaly_count);
	ck_assert_msg(count_lost(&made, heap) <= damage->lost, "%s, 2.%u: %u chunks lost", damage->name,
		row->first, count_lost(&made, heap));
	hw_heap_destroy(heap);
	made_deinit(&made);
}

START_TEST (every_damage) {
	for (size_t i = 0; i < hw_layout_count; i++) {
		if (applies(&damages[_i], &hw_layouts[i]))
			try_damage(&damages[_i], &hw_layouts[i]);
	}
}
END_TEST

/* An overrun's anomaly names the chunk before it, and what was skipped is just the damaged chunk. */
START_TEST (overrun_is_located) {
	const struct hw_layout *row = &hw_layouts[_i];
	const struct hw_anomaly *anomaly;
	struct hw_heap *heap;
	struct made made;
	uint64_t victim;

	made_process(&made, row, row->word_size == 8 ? EM_X86_64 : EM_386, false);
	victim = made.live + made_chunk_size(&made, 0);
	made_word(&made, victim + row->word_size, 0x58585858);
	heap = walk(&made);
	anomaly = find_anomaly(heap, HW_ANOMALY_CHUNK_SIZE);
	ck_assert_ptr_nonnull(anomaly);
	ck_assert_uint_eq(anomaly->address, victim + row->word_size);
	ck_assert_uint_eq(anomaly->previous, made.live);
	ck_assert_uint_eq(anomaly->skipped, made_chunk_size(&made, 13));
	ck_assert_ptr_nonnull(strstr(anomaly->text, "0x58585858"));
	ck_assert_uint_eq(heap->tallies[HW_CHUNK_SKIPPED].bytes, anomaly->skipped);
	hw_heap_destroy(heap);
	made_deinit(&made);
}
END_TEST

/* Values that are more likely to lead somewhere than noise is. */
static uint64_t nasty_value(struct made *made, unsigned *seed)
{
	const struct made_piece *piece = &made->pieces[(unsigned)rand_r(seed) % made->piece_count];

	switch (rand_r(seed) % 6) {
	case 0:
		return (uint64_t)rand_r(seed) % 0x1000;
	case 1:
		return UINT64_MAX - (uint64_t)rand_r(seed) % 0x100;
	case 2:
		return made->truth[(size_t)rand_r(seed) % made->truth_count].address;
	case 3:
		return piece->start + (uint64_t)rand_r(seed) % piece->size;
	case 4:
		return UINT64_C(1) << rand_r(seed) % 64;
	default:
		return (uint64_t)rand_r(seed) << 32 ^ (uint64_t)rand_r(seed);
	}
}

/* A word near some chunk's header, in libc's data or in a heap's header: where damage does something. */
static uint64_t nasty_place(struct made *made, unsigned *seed)
{
	unsigned word = word_of(made);
	uint64_t base;

	switch (rand_r(seed) % 4) {
	case 0:
		base = made->main_arena;
		break;
	case 1:
		base = made->par;
		break;
	case 2:
		base = rand_r(seed) % 2 ? made->first_heap : made->second_heap;
		break;
	default:
		return made->truth[(size_t)rand_r(seed) % made->truth_count].address +
		       (uint64_t)(rand_r(seed) % 4) * word;
	}
	return base + (uint64_t)(rand_r(seed) % 300) * word;
}

START_TEST (random_damage) {
	const struct hw_layout *row = &hw_layouts[_i];
	struct hw_heap *heap;
	struct made made;

	for (unsigned round = 0; round < FUZZ_ROUNDS; round++) {
		unsigned seed = round * 1000 + (unsigned)_i, count = 1 + round % 20;

		made_process(&made, row, row->word_size == 8 ? EM_X86_64 : EM_386, false);
		while (count--) {
			uint64_t place = nasty_place(&made, &seed);

			made_word(&made, place, nasty_value(&made, &seed));
		}
		heap = walk(&made);
		check_shape(heap);
		hw_heap_destroy(heap);
		made_deinit(&made);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("walk_damage");
	TCase *tcase = tcase_create("walk_damage");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 300);
	tcase_add_loop_test(tcase, every_damage, 0, (int)hw_array_size(damages));
	tcase_add_loop_test(tcase, overrun_is_located, 0, (int)hw_layout_count);
	tcase_add_loop_test(tcase, random_damage, 0, (int)hw_layout_count);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
