/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images with holes, as cores have them: what is missing is said, is no damage, and nothing is invented. */
#include <check.h>

#include "tests/unit/heapwalk/made_libc.h"

#define PAGE 4096

/* Pieces in the order in which made_process() makes them. */
enum piece { BRK, LIBC, FIRST_HEAP, SECOND_HEAP, MMAPPED, TLS, PIECES };

/* A target whose image lacks [start, end). */
static void make(struct made *made, const struct hw_layout *row)
{
	made_process(made, row, row->word_size == 8 ? EM_X86_64 : EM_386, false);
	made->module.path = (char *)"/usr/lib/libc.so.6";
	made->maps[LIBC].prot |= HW_MAP_EXEC;
}

static void punch(struct made *made, uint64_t start, uint64_t end)
{
	bool big_endian = made->snapshot.image->big_endian;

	hw_image_destroy(made->snapshot.image);
	ck_assert_ptr_null(hw_image_create(made->row->word_size, big_endian, &made->snapshot.image));
	for (size_t i = 0; i < made->piece_count; i++) {
		const struct made_piece *piece = &made->pieces[i];

		for (uint64_t at = 0; at < piece->size; at += PAGE) {
			struct hw_segment segment = { .start = piece->start + at,
				.end = piece->start + at + PAGE,
				.file_size = PAGE,
				.bytes = piece->bytes + at,
				.fd = -1 };

			if (segment.start < start || segment.start >= end)
				ck_assert_ptr_null(hw_image_add(made->snapshot.image, &segment));
		}
	}
}

static struct hw_heap *walk(const struct made *made)
{
	struct hw_heap *heap = NULL;
	struct hw_error *error = hw_heap_walk(&made->snapshot, NULL, &heap);

	ck_assert_msg(!error, "%s", error ? error->message : "");
	return heap;
}

static void nothing_is_called_damage(const struct hw_heap *heap, uint64_t hole)
{
	for (size_t i = 0; i < heap->anomaly_count; i++) {
		enum hw_anomaly_kind kind = heap->anomalies[i].kind;

		ck_assert_msg(kind == HW_ANOMALY_UNREADABLE || kind == HW_ANOMALY_MMAPPED ||
				      kind == HW_ANOMALY_TCACHE,
			"hole at %#llx: %s: %s", (unsigned long long)hole, hw_anomaly_kind_name(kind),
			heap->anomalies[i].text);
	}
}

static const struct made_chunk *truth_at(const struct made *made, uint64_t address)
{
	for (size_t i = 0; i < made->truth_count; i++) {
		if (made->truth[i].address == address)
			return &made->truth[i];
	}
	return NULL;
}

/* No live chunk that there is none, and none that is free unless it is said that this may be. */
static void nothing_is_invented(const struct made *made, const struct hw_heap *heap, uint64_t hole)
{
	bool said = false;

	for (size_t i = 0; i < heap->anomaly_count; i++)
		said |= strstr(heap->anomalies[i].text, "may count as live") != NULL;
	for (uint32_t i = 0; i < heap->chunks.count; i++) {
		const struct made_chunk *truth = truth_at(made, hw_chunk_address(heap, i));

		if (!hw_chunk_is_live(heap, i))
			continue;
		ck_assert_msg(truth && hw_chunk_size(heap, i) == truth->size, "hole at %#llx: chunk %#llx",
			(unsigned long long)hole, (unsigned long long)hw_chunk_address(heap, i));
		ck_assert_msg(said || truth->state == HW_CHUNK_LIVE || truth->state == HW_CHUNK_MMAPPED,
			"hole at %#llx: chunk %#llx is %s", (unsigned long long)hole,
			(unsigned long long)truth->address, hw_chunk_state_name(truth->state));
	}
}

/* Live chunks none of whose bytes, nor their neighbours' headers, lie in the hole. */
static unsigned count_lost(const struct made *made, const struct hw_heap *heap, uint64_t start, uint64_t end)
{
	unsigned lost = 0;
	uint32_t index;

	for (size_t i = 0; i < made->truth_count; i++) {
		const struct made_chunk *truth = &made->truth[i];

		if (truth->state != HW_CHUNK_LIVE ||
			(truth->address < end && truth->address + truth->size >= start))
			continue;
		lost += !hw_heap_find(heap, truth->address, &index) ||
			hw_chunk_address(heap, index) != truth->address || !hw_chunk_is_live(heap, index);
	}
	return lost;
}

/* Every page of heap, stack and TLS in its turn. */
START_TEST (any_page) {
	const struct hw_layout *row = &hw_layouts[_i];
	struct made made;

	make(&made, row);
	for (size_t i = 0; i < PIECES; i++) {
		const struct made_piece *piece = &made.pieces[i];

		for (uint64_t hole = piece->start; i != LIBC && hole < piece->start + piece->size;
			hole += PAGE) {
			struct hw_heap *heap;

			punch(&made, hole, hole + PAGE);
			heap = walk(&made);
			ck_assert_uint_eq(heap->libc_count, 1);
			ck_assert_uint_eq(heap->libcs[0].main_arena, made.main_arena);
			nothing_is_called_damage(heap, hole);
			nothing_is_invented(&made, heap, hole);
			if (i == BRK)
				ck_assert_msg(!count_lost(&made, heap, hole, hole + PAGE),
					"hole at %#llx: %u chunks lost", (unsigned long long)hole,
					count_lost(&made, heap, hole, hole + PAGE));
			hw_heap_destroy(heap);
		}
	}
	made_deinit(&made);
}
END_TEST

/* All of the heap but libc's data. */
START_TEST (whole_heap) {
	const struct hw_layout *row = &hw_layouts[_i];
	struct hw_heap *heap;
	struct made made;

	make(&made, row);
	punch(&made, made.pieces[BRK].start, made.pieces[BRK].start + made.pieces[BRK].size);
	heap = walk(&made);
	ck_assert_int_eq(heap->allocator, HW_ALLOCATOR_GLIBC);
	ck_assert_uint_eq(heap->libcs[0].main_arena, made.main_arena);
	ck_assert_uint_ge(heap->missing, made.pieces[BRK].size - 16);
	ck_assert_uint_le(heap->missing, made.pieces[BRK].size);
	nothing_is_called_damage(heap, 0);
	nothing_is_invented(&made, heap, 0);
	hw_heap_destroy(heap);
	made_deinit(&made);
}
END_TEST

/* Without libc's data nobody knows, and a page of it less must not look like another allocator. */
START_TEST (libc_data) {
	const struct hw_layout *row = &hw_layouts[_i];
	const struct made_piece *piece;
	struct hw_heap *heap;
	struct made made;

	make(&made, row);
	piece = &made.pieces[LIBC];
	punch(&made, piece->start, piece->start + piece->size);
	heap = walk(&made);
	ck_assert_int_eq(heap->allocator, HW_ALLOCATOR_UNSEEN);
	ck_assert_ptr_nonnull(strstr(heap->allocator_evidence, "not in the core"));
	ck_assert_ptr_nonnull(strstr(heap->allocator_evidence, "/usr/lib/libc.so.6"));
	hw_heap_destroy(heap);
	for (uint64_t hole = piece->start; hole < piece->start + piece->size; hole += PAGE) {
		punch(&made, hole, hole + PAGE);
		heap = walk(&made);
		ck_assert_msg(heap->allocator == HW_ALLOCATOR_UNSEEN || heap->libc_count == 1,
			"hole at %#llx: %s", (unsigned long long)hole, hw_allocator_name(heap->allocator));
		nothing_is_invented(&made, heap, hole);
		hw_heap_destroy(heap);
	}
	made_deinit(&made);
}
END_TEST

/* A core that claims more memory than anyone could go through page by page, and malloc misses some. */
START_TEST (claimed_memory) {
	const struct hw_layout *row = &hw_layouts[_i];
	struct hw_heap *heap;
	struct made made;

	if (row->word_size == 4)
		return;
	make(&made, row);
	made.maps[made.snapshot.map_count++] = (struct hw_map){ .start = UINT64_C(0x7f1000000000),
		.end = UINT64_MAX - 0xfff,
		.prot = HW_MAP_READ | HW_MAP_WRITE,
		.path = (char *)"" };
	made_put(&made, made.par + row->par->n_mmaps, made_get(&made, made.par + row->par->n_mmaps) + 1, 4);
	made_put(&made, made.par + row->par->max_n_mmaps, 100, 4);
	heap = walk(&made);
	ck_assert_uint_eq(heap->libc_count, 1);
	nothing_is_invented(&made, heap, 0);
	ck_assert_uint_eq(count_lost(&made, heap, 0, 0), 0);
	hw_heap_destroy(heap);
	made_deinit(&made);
}
END_TEST

/* A libc of which all is there, but nothing in it is known: newer than the table, or overwritten. */
START_TEST (unknown_layout) {
	struct hw_heap *heap;
	struct made made;

	make(&made, &hw_layouts[0]);
	memset(made.pieces[LIBC].bytes, 0x41, made.pieces[LIBC].size);
	heap = walk(&made);
	ck_assert_int_eq(heap->allocator, HW_ALLOCATOR_UNSEEN);
	ck_assert_ptr_nonnull(strstr(heap->allocator_evidence, "known layout"));
	hw_heap_destroy(heap);
	/* A file that a debugger looks at is no libc of the process. */
	made.maps[LIBC].prot = HW_MAP_READ;
	heap = walk(&made);
	ck_assert_int_eq(heap->allocator, HW_ALLOCATOR_UNKNOWN);
	hw_heap_destroy(heap);
	made_deinit(&made);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("walk_missing");
	TCase *tcase = tcase_create("walk_missing");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, any_page, 0, (int)hw_layout_count);
	tcase_add_loop_test(tcase, whole_heap, 0, (int)hw_layout_count);
	tcase_add_loop_test(tcase, libc_data, 0, (int)hw_layout_count);
	tcase_add_loop_test(tcase, claimed_memory, 0, (int)hw_layout_count);
	tcase_add_test(tcase, unknown_layout);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
