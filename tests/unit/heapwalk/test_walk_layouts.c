/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A heap of every row of the layout table, on every machine that has it, is found chunk by chunk. */
#include <check.h>

#include "tests/unit/heapwalk/made_libc.h"

struct machine {
	unsigned machine;
	unsigned word_size;
	bool big_endian;
};

static const struct machine machines[] = {
	{ EM_X86_64, 8, false },
	{ EM_AARCH64, 8, false },
	{ EM_386, 4, false },
	{ EM_AARCH64, 8, true },
};

static struct hw_heap *walk(const struct made *made)
{
	struct hw_heap *heap = NULL;
	struct hw_error *error = hw_heap_walk(&made->snapshot, NULL, &heap);

	ck_assert_msg(!error, "%s", error ? error->message : "");
	return heap;
}

static void check_chunk(const struct hw_heap *heap, const struct made_chunk *truth)
{
	uint32_t index;

	ck_assert_msg(hw_heap_find(heap, truth->address, &index), "%#llx is in no chunk",
		(unsigned long long)truth->address);
	ck_assert_uint_eq(hw_chunk_address(heap, index), truth->address);
	ck_assert_uint_eq(hw_chunk_size(heap, index), truth->size);
	ck_assert_msg(hw_chunk_state(heap, index) == truth->state, "%#llx is %s, expected %s",
		(unsigned long long)truth->address, hw_chunk_state_name(hw_chunk_state(heap, index)),
		hw_chunk_state_name(truth->state));
	if (hw_chunk_is_live(heap, index))
		ck_assert_uint_eq(hw_chunk_usable(heap, index), truth->usable);
	/* Its last byte is its own, the next byte is not. */
	ck_assert(hw_heap_find(heap, truth->address + truth->size - 1, &index));
	ck_assert_uint_eq(hw_chunk_address(heap, index), truth->address);
	ck_assert(!hw_heap_find(heap, truth->address + truth->size, &index) ||
		  hw_chunk_address(heap, index) == truth->address + truth->size);
}

/* Chunks, and arenas' overhead, explain every byte of every region. */
static void check_sums(const struct hw_heap *heap)
{
	uint64_t regions = 0, explained = 0;

	for (uint32_t i = 0; i < heap->region_count; i++)
		regions += heap->regions[i].end - heap->regions[i].start;
	for (uint32_t i = 0; i < heap->arena_count; i++) {
		explained += heap->arenas[i].overhead;
		for (int state = 0; state < HW_CHUNK_STATES; state++)
			explained += heap->arenas[i].tallies[state].bytes;
	}
	ck_assert_uint_eq(regions, explained);
}

static void check_all(const struct made *made)
{
	struct hw_heap *heap = walk(made);
	uint32_t chunks = 0;

	for (size_t i = 0; i < heap->anomaly_count; i++)
		ck_abort_msg(
			"%#llx: %s", (unsigned long long)heap->anomalies[i].address, heap->anomalies[i].text);
	for (size_t i = 0; i < made->truth_count; i++)
		check_chunk(heap, &made->truth[i]);
	for (uint32_t i = 0; i < heap->region_count; i++)
		chunks += heap->regions[i].count;
	ck_assert_uint_eq(chunks, made->truth_count);
	ck_assert_uint_eq(heap->libc_count, 1);
	ck_assert_uint_eq(heap->libcs[0].main_arena, made->main_arena);
	ck_assert_uint_eq(heap->libcs[0].malloc_par, made->par);
	ck_assert_uint_eq(heap->arena_count, 2);
	ck_assert_uint_eq(heap->arenas[1].address, made->thread_arena);
	ck_assert_uint_eq(heap->alignment, made->row->alignment);
	check_sums(heap);
	hw_heap_destroy(heap);
}

START_TEST (every_row) {
	const struct hw_layout *row = &hw_layouts[_i];
	struct made made;

	for (size_t i = 0; i < hw_array_size(machines); i++) {
		if (machines[i].word_size != row->word_size)
			continue;
		made_process(&made, row, machines[i].machine, machines[i].big_endian);
		check_all(&made);
		made_deinit(&made);
	}
}
END_TEST

/* Without banner and symbols, the walk finds out which row it is as far as that matters. */
START_TEST (row_is_recognised) {
	const struct hw_layout *row = &hw_layouts[_i];
	const struct hw_layout *found;
	struct hw_heap *heap;
	struct made made;

	made_process(&made, row, row->word_size == 8 ? EM_X86_64 : EM_386, false);
	heap = walk(&made);
	found = heap->libcs[0].layout;
	ck_assert_ptr_eq(found->arena, row->arena);
	ck_assert_ptr_eq(found->par, row->par);
	ck_assert_ptr_eq(found->tcache, row->tcache);
	ck_assert_int_eq(found->safe_linking, row->safe_linking);
	ck_assert_uint_eq(found->heap_header, row->heap_header);
	ck_assert_uint_eq(found->mmapped_trailer, row->mmapped_trailer);
	hw_heap_destroy(heap);
	made_deinit(&made);
}
END_TEST

/* A thread without known registers: its tcache is found by its content. */
START_TEST (tcache_without_registers) {
	struct made made;

	made_process(&made, &hw_layouts[_i], hw_layouts[_i].word_size == 8 ? EM_X86_64 : EM_386, false);
	made.thread.thread_pointer = 0;
	check_all(&made);
	made_deinit(&made);
}
END_TEST

/* 2.17 to 2.41 set their bins up at the first malloc(). */
START_TEST (never_allocated) {
	const struct hw_layout *row = &hw_layouts[_i];
	struct hw_heap *heap;
	struct made made;

	made_process(&made, row, row->word_size == 8 ? EM_X86_64 : EM_386, false);
	memset(made_at(&made, made.main_arena), 0, row->arena->size);
	made_word(&made, made.main_arena + row->arena->next, made.main_arena);
	if (row->arena->attached_threads)
		made_word(&made, made.main_arena + row->arena->attached_threads, 1);
	if (!row->arena->fastbins)
		made_arena(&made, made.main_arena, made_bin(&made, made.main_arena, 1), 0, true);
	made_put(&made, made.par + row->par->n_mmaps, 0, 4);
	made_word(&made, made.par + row->par->mmapped_mem, 0);
	made_word(&made, made.par + row->par->sbrk_base, 0);
	heap = walk(&made);
	ck_assert_int_eq(heap->allocator, HW_ALLOCATOR_UNUSED);
	ck_assert_uint_eq(heap->libc_count, 1);
	ck_assert_uint_eq(heap->libcs[0].main_arena, made.main_arena);
	ck_assert_uint_eq(heap->region_count, 0);
	ck_assert_uint_eq(heap->anomaly_total, 0);
	hw_heap_destroy(heap);
	made_deinit(&made);
}
END_TEST

/* No libc at all. */
START_TEST (nothing_there) {
	struct hw_heap *heap;
	struct made made;

	made_process(&made, &hw_layouts[0], EM_X86_64, false);
	made.snapshot.module_count = 0;
	heap = walk(&made);
	ck_assert_int_eq(heap->allocator, HW_ALLOCATOR_UNSEEN);
	ck_assert_uint_eq(heap->region_count, 0);
	hw_heap_destroy(heap);
	made_deinit(&made);
}
END_TEST

/* What malloc(N) takes, from the definition of request2size() in malloc.c, tried out for every request. */
START_TEST (requests_and_chunks) {
	const struct hw_layout *row = &hw_layouts[_i];
	struct hw_heap *heap;
	struct made made;

	made_process(&made, row, row->word_size == 8 ? EM_X86_64 : EM_386, false);
	heap = walk(&made);
	for (uint64_t request = 0; request < 5000; request++) {
		uint64_t chunk = hw_heap_request_to_chunk(heap, request), low, high;

		ck_assert_uint_eq(chunk, made_chunk_size(&made, request));
		hw_heap_chunk_to_requests(heap, chunk, &low, &high);
		ck_assert_uint_le(low, request);
		ck_assert_uint_ge(high, request);
		ck_assert(!low || made_chunk_size(&made, low - 1) < chunk);
		ck_assert_uint_gt(made_chunk_size(&made, high + 1), chunk);
	}
	hw_heap_destroy(heap);
	made_deinit(&made);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("walk_layouts");
	TCase *tcase = tcase_create("walk_layouts");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, every_row, 0, (int)hw_layout_count);
	tcase_add_loop_test(tcase, row_is_recognised, 0, (int)hw_layout_count);
	tcase_add_loop_test(tcase, tcache_without_registers, 0, (int)hw_layout_count);
	tcase_add_loop_test(tcase, never_allocated, 0, (int)hw_layout_count);
	tcase_add_loop_test(tcase, requests_and_chunks, 0, (int)hw_layout_count);
	tcase_add_test(tcase, nothing_there);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
