/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which chunks a selection means, and their histogram. Sizes by glibc's request2size(), worked out by hand.
 */
#include <check.h>

#include "tests/unit/heapwalk/fake_heap.h"

/*
 * Chunks in address order; the comment is the index in the chunk table (END entries have one too). On a
 * 64-bit target malloc(48) needs 56 bytes, rounded up to 64.
 */
static void make_heap(struct fake_heap *fake)
{
	fake_init(fake, 8, false);
	fake_map(fake, 0x10000, 0x20000, HW_MAP_READ | HW_MAP_WRITE, "[heap]");
	fake_map(fake, 0x7000000, 0x7010000, HW_MAP_READ | HW_MAP_WRITE, "");
	fake_map(fake, 0x8000000, 0x8021000, HW_MAP_READ | HW_MAP_WRITE, "");
	fake_map(fake, 0x9000000, 0x9200000, HW_MAP_READ | HW_MAP_WRITE, "/anon_hugepage");
	fake_region(fake, HW_REGION_BRK, 0, 0x10000);
	fake_chunk(fake, HW_CHUNK_LIVE, HW_CONTENT_STRING, 64, NULL, 0);   /* 0 */
	fake_chunk(fake, HW_CHUNK_TCACHE, HW_CONTENT_NONE, 64, NULL, 0);   /* 1 */
	fake_chunk(fake, HW_CHUNK_LIVE, HW_CONTENT_POINTERS, 32, NULL, 0); /* 2 */
	fake_chunk(fake, HW_CHUNK_LIVE, HW_CONTENT_STRING, 64, NULL, 0);   /* 3 */
	fake_chunk(fake, HW_CHUNK_LIVE, HW_CONTENT_DATA, 80, NULL, 0);     /* 4 */
	fake_chunk(fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x1000, NULL, 0);  /* 5, END 6 */
	fake_region(fake, HW_REGION_HEAP, 1, 0x7000000);
	fake_chunk(fake, HW_CHUNK_LIVE, HW_CONTENT_POINTERS, 64, NULL, 0);       /* 7 */
	fake_chunk(fake, HW_CHUNK_BOOKKEEPING, HW_CONTENT_NONE, 0x290, NULL, 0); /* 8, END 9 */
	fake_region(fake, HW_REGION_MMAPPED, 0, 0x8000000);
	fake_chunk(fake, HW_CHUNK_MMAPPED, HW_CONTENT_ZERO, 0x21000, NULL, 0); /* 10, END 11 */
	fake_region(fake, HW_REGION_MMAPPED, 0, 0x9000000);
	fake_chunk(fake, HW_CHUNK_MMAPPED, HW_CONTENT_ZERO, 0x200000, NULL, 0); /* 12, END 13 */
	fake_finish(fake);
}

static bool is_second_or_third(uint32_t index, const void *argument)
{
	ck_assert_ptr_eq(argument, &is_second_or_third);
	return index == 2 || index == 3;
}

#define BIT(n) (1u << (n))
#define END    UINT32_MAX

static const struct selection_row {
	const char *what;
	struct hw_selection selection;
	uint32_t expected[12];
} selection_rows[] = {
	{ "every live chunk", { 0 }, { 0, 2, 3, 4, 7, 10, 12, END } },
	{ "size 48", { .size_low = 48, .size_high = 48 }, { 0, 3, 7, END } },
	{ "size 41, the smallest of its chunk size", { .size_low = 41, .size_high = 41 }, { 0, 3, 7, END } },
	{ "size 56, the largest", { .size_low = 56, .size_high = 56 }, { 0, 3, 7, END } },
	{ "size 40", { .size_low = 40, .size_high = 40 }, { END } },
	{ "size 57", { .size_low = 57, .size_high = 57 }, { 4, END } },
	{ "size 1", { .size_low = 1, .size_high = 1 }, { 2, END } },
	{ "sizes 0 to 48", { .size_low = 0, .size_high = 48 }, { 0, 2, 3, 7, END } },
	{ "sizes 48 to 72", { .size_low = 48, .size_high = 72 }, { 0, 3, 4, 7, END } },
	{ "wrong way round", { .size_low = 72, .size_high = 48 }, { END } },
	/* A mapping of 0x21000 bytes has 16 of header: 0x20ff0 = 135152 usable, the next smaller 131056. */
	{ "mmapped, the largest request", { .size_low = 135152, .size_high = 135152 }, { 10, 12, END } },
	{ "mmapped, the smallest request", { .size_low = 131057, .size_high = 131057 }, { 10, 12, END } },
	{ "mmapped, one too many", { .size_low = 135153, .size_high = 135153 }, { 12, END } },
	{ "mmapped, one too few", { .size_low = 131056, .size_high = 131056 }, { 12, END } },
	{ "huge page, any of 2 MiB", { .size_low = 1000000, .size_high = 1000000 }, { 12, END } },
	/* 131049 + 8 is rounded up to the threshold of 128 KiB. */
	{ "huge page, the smallest that is mapped", { .size_low = 131049, .size_high = 131049 },
		{ 12, END } },
	{ "huge page, below that", { .size_low = 131048, .size_high = 131048 }, { END } },
	{ "beyond every size", { .size_low = UINT64_MAX, .size_high = UINT64_MAX }, { END } },
	{ "up to every size", { .size_low = 49, .size_high = UINT64_MAX }, { 0, 3, 4, 7, 10, 12, END } },
	{ "arena 1", { .has_arena = true, .arena = 1 }, { 7, END } },
	{ "arena 0 and size", { .has_arena = true, .size_low = 48, .size_high = 48 }, { 0, 3, END } },
	{ "no such arena", { .has_arena = true, .arena = 9 }, { END } },
	{ "tcache", { .states = BIT(HW_CHUNK_TCACHE) }, { 1, END } },
	{ "free and size",
		{ .states = BIT(HW_CHUNK_TCACHE) | BIT(HW_CHUNK_TOP), .size_low = 48, .size_high = 48 },
		{ 1, END } },
	{ "bookkeeping and top", { .states = BIT(HW_CHUNK_BOOKKEEPING) | BIT(HW_CHUNK_TOP) }, { 5, 8, END } },
	{ "strings", { .contents = BIT(HW_CONTENT_STRING) }, { 0, 3, END } },
	{ "zeros or data", { .contents = BIT(HW_CONTENT_ZERO) | BIT(HW_CONTENT_DATA) }, { 4, 10, 12, END } },
	{ "a condition", { .matches = is_second_or_third, .argument = &is_second_or_third }, { 2, 3, END } },
	{ "a condition and a size",
		{ .matches = is_second_or_third,
			.argument = &is_second_or_third,
			.size_low = 48,
			.size_high = 48 },
		{ 3, END } },
};

static size_t length_of(const uint32_t *expected)
{
	size_t length = 0;

	while (expected[length] != END)
		length++;
	return length;
}

START_TEST (selection) {
	const struct selection_row *row = &selection_rows[_i];
	size_t length = length_of(row->expected);
	struct hw_chunk_iterator iterator;
	struct fake_heap fake;
	uint32_t index, arena;

	make_heap(&fake);
	for (int newest_first = 0; newest_first < 2; newest_first++) {
		hw_chunk_iterator_init(&iterator, fake.heap, &row->selection, newest_first);
		for (size_t i = 0; i < length; i++) {
			ck_assert_msg(hw_chunk_iterator_next(&iterator, &index, &arena),
				"%s: %zu are not all", row->what, i);
			ck_assert_msg(index == row->expected[newest_first ? length - 1 - i : i], "%s: %u",
				row->what, index);
			ck_assert_uint_eq(arena, index == 7 || index == 8);
		}
		ck_assert_msg(
			!hw_chunk_iterator_next(&iterator, &index, NULL), "%s: and %u", row->what, index);
		ck_assert(!hw_chunk_iterator_next(&iterator, &index, NULL));
	}
	fake_deinit(&fake);
}
END_TEST

static const struct row_row {
	uint64_t chunk_size, usable, low, high, chunks, bytes;
	enum hw_content content;
	double content_share;
	bool mmapped;
} by_size[] = {
	{ 32, 24, 0, 24, 1, 32, HW_CONTENT_POINTERS, 1, false },
	{ 64, 56, 41, 56, 3, 192, HW_CONTENT_STRING, 2.0 / 3, false },
	{ 80, 72, 57, 72, 1, 80, HW_CONTENT_DATA, 1, false },
	{ 0x21000, 0x20ff0, 0x1fff1, 0x20ff0, 1, 0x21000, HW_CONTENT_ZERO, 1, true },
	{ 0x200000, 0x1ffff0, 0x1ffe9, 0x1ffff0, 1, 0x200000, HW_CONTENT_ZERO, 1, true },
};

/* Where only a sample was looked into, the share is the sample's. */
START_TEST (histogram_of_sample) {
	const struct hw_selection size = { .size_low = 48, .size_high = 48 };
	struct hw_histogram *histogram;
	struct fake_heap fake;

	make_heap(&fake);
	for (uint32_t i = 0; i < fake.heap->chunks.count; i++) {
		if (hw_chunk_content(fake.heap, i) != HW_CONTENT_STRING)
			fake.heap->chunks.words[i] &= ~((uint64_t)31 << 5); /* HW_CONTENT_NONE */
	}
	ck_assert_ptr_null(hw_histogram_build(fake.heap, &size, HW_ORDER_SIZE, &histogram));
	ck_assert_uint_eq(histogram->row_count, 1);
	ck_assert_uint_eq(histogram->rows[0].chunks, 3);
	ck_assert_int_eq(histogram->rows[0].content, HW_CONTENT_STRING);
	ck_assert_double_eq_tol(histogram->rows[0].content_share, 1, 1e-9);
	hw_histogram_destroy(histogram);
	fake_deinit(&fake);
}
END_TEST

/* Of a size's first four chunks all were looked into (three hold text), of the other six two (no text). */
START_TEST (weights_of_sample) {
	static const enum hw_content contents[] = { HW_CONTENT_STRING, HW_CONTENT_STRING, HW_CONTENT_STRING,
		HW_CONTENT_NUMBERS, HW_CONTENT_NONE, HW_CONTENT_NUMBERS, HW_CONTENT_NONE, HW_CONTENT_NONE,
		HW_CONTENT_NUMBERS, HW_CONTENT_NONE };
	const struct hw_selection all = { 0 };
	struct hw_histogram *histogram;
	struct fake_heap fake;

	fake_init(&fake, 8, false);
	fake_map(&fake, 0x10000, 0x20000, HW_MAP_READ | HW_MAP_WRITE, "[heap]");
	fake_region(&fake, HW_REGION_BRK, 0, 0x10000);
	for (size_t i = 0; i < hw_array_size(contents); i++)
		fake_chunk(&fake, HW_CHUNK_LIVE, contents[i], 64, NULL, 0);
	fake_finish(&fake);
	memset(fake.heap->sampled_from, 0xff, sizeof(fake.heap->sampled_from));
	fake.heap->content_sampled = true;
	fake.heap->sampled_from[64 / 8] = 4;
	ck_assert_ptr_null(hw_histogram_build(fake.heap, &all, HW_ORDER_SIZE, &histogram));
	ck_assert_uint_eq(histogram->row_count, 1);
	ck_assert_uint_eq(histogram->rows[0].chunks, 10);
	ck_assert_int_eq(histogram->rows[0].content, HW_CONTENT_NUMBERS);
	ck_assert_double_eq_tol(histogram->rows[0].content_share, 0.7, 1e-9);
	hw_histogram_destroy(histogram);
	fake_deinit(&fake);
}
END_TEST

START_TEST (histogram_rows) {
	const struct hw_selection all = { 0 };
	struct hw_histogram *histogram;
	struct fake_heap fake;
	double shares = 0;

	make_heap(&fake);
	ck_assert_ptr_null(hw_histogram_build(fake.heap, &all, HW_ORDER_SIZE, &histogram));
	ck_assert_uint_eq(histogram->row_count, hw_array_size(by_size));
	for (size_t i = 0; i < histogram->row_count; i++) {
		const struct hw_size_row *row = &histogram->rows[i];

		ck_assert_uint_eq(row->chunk_size, by_size[i].chunk_size);
		ck_assert_uint_eq(row->usable, by_size[i].usable);
		ck_assert_uint_eq(row->request_low, by_size[i].low);
		ck_assert_uint_eq(row->request_high, by_size[i].high);
		ck_assert_uint_eq(row->chunks, by_size[i].chunks);
		ck_assert_uint_eq(row->bytes, by_size[i].bytes);
		ck_assert_int_eq(row->content, by_size[i].content);
		ck_assert_double_eq_tol(row->content_share, by_size[i].content_share, 1e-9);
		ck_assert_int_eq(row->mmapped, by_size[i].mmapped);
		shares += row->share;
	}
	ck_assert_uint_eq(histogram->chunks, 7);
	ck_assert_uint_eq(histogram->bytes, 32 + 192 + 80 + 0x21000 + 0x200000);
	ck_assert_double_eq_tol(shares, 1, 1e-9);
	hw_histogram_destroy(histogram);
	fake_deinit(&fake);
}
END_TEST

/* Only chunks of a selected type; conditions of one sort alone must not be overlooked. */
START_TEST (selection_by_type) {
	static struct hw_chunk_type types[16] = {
		[0] = { .type = 1 }, [3] = { .type = 2 }, [7] = { .type = 2 }
	};
	static const uint8_t wanted[3] = { [2] = true };
	const struct hw_typing typing = { .chunks = types };
	const struct hw_selection typed = { .types = wanted, .typing = &typing };
	struct hw_chunk_iterator iterator;
	struct fake_heap fake;
	uint32_t index;

	make_heap(&fake);
	hw_chunk_iterator_init(&iterator, fake.heap, &typed, false);
	ck_assert(hw_chunk_iterator_next(&iterator, &index, NULL) && index == 3);
	ck_assert(hw_chunk_iterator_next(&iterator, &index, NULL) && index == 7);
	ck_assert(!hw_chunk_iterator_next(&iterator, &index, NULL));
	fake_deinit(&fake);
}
END_TEST

/* Leak kinds by row, where the selection has a graph; else nothing is claimed. */
START_TEST (histogram_of_leaks) {
	static uint8_t kinds[16] = {
		[0] = HW_LEAK_DEFINITE,
		[2] = HW_LEAK_REACHABLE,
		[3] = HW_LEAK_INDIRECT,
		[4] = HW_LEAK_POSSIBLE,
		[7] = HW_LEAK_DEFINITE,
	};
	const struct hw_graph graph = { .kinds = kinds };
	const struct hw_selection without = { 0 }, with = { .graph = &graph };
	struct hw_histogram *histogram;
	struct fake_heap fake;

	make_heap(&fake);
	ck_assert_ptr_null(hw_histogram_build(fake.heap, &without, HW_ORDER_SIZE, &histogram));
	ck_assert(!histogram->has_leaks);
	hw_histogram_destroy(histogram);
	ck_assert_ptr_null(hw_histogram_build(fake.heap, &with, HW_ORDER_SIZE, &histogram));
	ck_assert(histogram->has_leaks);
	ck_assert_uint_eq(histogram->rows[0].leaks[HW_LEAK_REACHABLE], 1);
	ck_assert_uint_eq(histogram->rows[0].leaks[HW_LEAK_DEFINITE], 0);
	ck_assert_uint_eq(histogram->rows[1].leaks[HW_LEAK_DEFINITE], 2);
	ck_assert_uint_eq(histogram->rows[1].leaks[HW_LEAK_INDIRECT], 1);
	ck_assert_uint_eq(histogram->rows[2].leaks[HW_LEAK_POSSIBLE], 1);
	hw_histogram_destroy(histogram);
	fake_deinit(&fake);
}
END_TEST

/* 2.43 leaves the mapping's last two words out of the chunk size, and one word more is usable. */
START_TEST (mmapped_of_2_43) {
	const struct hw_selection large = { .size_low = 100000, .size_high = 200000 };
	struct hw_histogram *histogram;
	struct fake_heap fake;

	make_heap(&fake);
	fake_release(&fake, 43);
	ck_assert_ptr_null(hw_histogram_build(fake.heap, &large, HW_ORDER_SIZE, &histogram));
	ck_assert_uint_eq(
		histogram->row_count, 2); /* the one on huge pages may be of 100,000 bytes as well */
	ck_assert_uint_eq(histogram->rows[0].usable, 0x20fe8);
	ck_assert_uint_eq(histogram->rows[0].request_high, 0x20fe8);
	hw_histogram_destroy(histogram);
	fake_deinit(&fake);
}
END_TEST

/* 1,000 of 32 bytes: 999 * 5.66 = 5,651. 100 of 1,024: 99 * 32 = 3,168. 90 of 4,096: 89 * 64 = 5,696. */
START_TEST (orders) {
	static const struct {
		enum hw_histogram_order order;
		uint64_t sizes[4];
	} rows[] = {
		{ HW_ORDER_SUSPICION, { 4096, 32, 1024, 1 << 20 } },
		{ HW_ORDER_BYTES, { 1 << 20, 4096, 1024, 32 } },
		{ HW_ORDER_CHUNKS, { 32, 1024, 4096, 1 << 20 } },
		{ HW_ORDER_SIZE, { 32, 1024, 4096, 1 << 20 } },
	};
	const struct hw_selection all = { 0 };
	struct fake_heap fake;

	fake_init(&fake, 8, false);
	fake_region(&fake, HW_REGION_BRK, 0, 0x100000);
	for (int i = 0; i < 1000; i++)
		fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_ZERO, 32, NULL, 0);
	for (int i = 0; i < 100; i++)
		fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_ZERO, 1024, NULL, 0);
	for (int i = 0; i < 90; i++)
		fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_ZERO, 4096, NULL, 0);
	fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_ZERO, 1 << 20, NULL, 0);
	fake_finish(&fake);
	for (size_t i = 0; i < hw_array_size(rows); i++) {
		struct hw_histogram *histogram;

		ck_assert_ptr_null(hw_histogram_build(fake.heap, &all, rows[i].order, &histogram));
		ck_assert_uint_eq(histogram->row_count, 4);
		for (size_t j = 0; j < 4; j++)
			ck_assert_uint_eq(histogram->rows[j].chunk_size, rows[i].sizes[j]);
		hw_histogram_destroy(histogram);
	}
	fake_deinit(&fake);
}
END_TEST

/* More sizes than the table of buckets begins with; each is found again. */
START_TEST (many_sizes) {
	const struct hw_selection all = { 0 };
	struct hw_histogram *histogram;
	struct fake_heap fake;

	fake_init(&fake, 8, false);
	fake_region(&fake, HW_REGION_BRK, 0, 0x100000);
	for (unsigned i = 0; i < 2000; i++)
		fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_ZERO, 32 + 16 * (i % 1000), NULL, 0);
	fake_finish(&fake);
	ck_assert_ptr_null(hw_histogram_build(fake.heap, &all, HW_ORDER_SIZE, &histogram));
	ck_assert_uint_eq(histogram->row_count, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		ck_assert_uint_eq(histogram->rows[i].chunk_size, 32 + 16 * i);
		ck_assert_uint_eq(histogram->rows[i].chunks, 2);
	}
	hw_histogram_destroy(histogram);
	fake_deinit(&fake);
}
END_TEST

START_TEST (nothing) {
	const struct hw_selection all = { 0 };
	struct hw_histogram *histogram;
	struct fake_heap fake;

	fake_init(&fake, 8, false);
	fake_finish(&fake);
	ck_assert_ptr_null(hw_histogram_build(fake.heap, &all, HW_ORDER_SUSPICION, &histogram));
	ck_assert_uint_eq(histogram->row_count, 0);
	ck_assert_uint_eq(histogram->bytes, 0);
	hw_histogram_destroy(histogram);
	hw_histogram_destroy(NULL);
	fake_deinit(&fake);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("selection");
	TCase *tests = tcase_create("selection");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, selection, 0, hw_array_size(selection_rows));
	tcase_add_test(tests, histogram_rows);
	tcase_add_test(tests, histogram_of_sample);
	tcase_add_test(tests, weights_of_sample);
	tcase_add_test(tests, histogram_of_leaks);
	tcase_add_test(tests, selection_by_type);
	tcase_add_test(tests, mmapped_of_2_43);
	tcase_add_test(tests, orders);
	tcase_add_test(tests, many_sizes);
	tcase_add_test(tests, nothing);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
