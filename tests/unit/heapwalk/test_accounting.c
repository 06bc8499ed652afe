/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every byte is used for, where stacks are, what a word may mean. */
#include <check.h>

#include "heapwalk/stacks.h"
#include "tests/unit/heapwalk/fake_heap.h"

#define RW (HW_MAP_READ | HW_MAP_WRITE)

#define MIB (UINT64_C(1) << 20)

#define HEAP_BASE UINT64_C(0x7f0000000000) /* of arena 1, on a multiple of 64 MiB */
#define BLOCK     UINT64_C(0x7f1000000000) /* of a stack with a guard mapping: as up to glibc 2.41 */
#define SHARED    UINT64_C(0x7f2000000000) /* a mapping with three stacks and a chunk: from 2.42 on */
#define TAIL      0x940                    /* from the descriptor to the block's end */

/* A descriptor at the end of [block, block + size), as x86-64's glibc writes it. */
static uint64_t put_descriptor(struct fake_heap *fake, uint64_t block, uint64_t size, uint64_t guard)
{
	uint64_t end = block + size, self = end - TAIL;
	uint8_t *page = fake_memory(fake, end - 4096, 4096, NULL, 0);
	uint8_t *descriptor = page + (4096 - TAIL);

	fake_put_word(fake, descriptor, self);
	fake_put_word(fake, descriptor + 16, self);
	fake_put_word(fake, descriptor + 0x690, block);
	fake_put_word(fake, descriptor + 0x698, size);
	fake_put_word(fake, descriptor + 0x6a0, guard);
	return self;
}

static void use(struct hw_map *map, uint64_t rss, uint64_t pss, uint64_t swap)
{
	map->usage = (struct hw_map_usage){ .known = true, .rss = rss, .pss = pss, .swap = swap };
}

/* A module that is writable all over, as .data and .bss are. */
static void fake_data(struct fake_heap *fake, uint64_t start, uint64_t end)
{
	struct hw_module *module = fake_module(fake, start, end, "/bin/app");

	module->segments[0].prot = RW;
}

/*
 * Thread 0 runs on [stack], 1 in the stack with a guard mapping, 2 in the middle one of the three stacks of
 * the shared mapping, whose lowest 2 MiB the program has mapped itself.
 */
static void make_target(struct fake_heap *fake)
{
	uint64_t in_shared = SHARED + 2 * MIB;

	fake_init(fake, 8, false);
	use(fake_map(fake, 0x400000, 0x402000, HW_MAP_READ | HW_MAP_EXEC, "/bin/app"), 8192, 8192, 0);
	use(fake_map(fake, 0x402000, 0x403000, RW, "/bin/app"), 4096, 4096, 0);
	use(fake_map(fake, 0x403000, 0x404000, RW, ""), 0, 0, 0); /* .bss */
	use(fake_map(fake, 0x1000000, 0x1022000, RW, "[heap]"), 0x22000, 0x22000, 1);
	use(fake_map(fake, HEAP_BASE, HEAP_BASE + 0x21000, RW, ""), 10001, 10001, 7);
	fake_map(fake, HEAP_BASE + 0x21000, HEAP_BASE + 64 * MIB, 0, "");
	fake_map(fake, BLOCK, BLOCK + 0x1000, 0, "");
	use(fake_map(fake, BLOCK + 0x1000, BLOCK + 0x801000, RW, ""), 8192, 8192, 0);
	use(fake_map(fake, SHARED, in_shared + 3 * 8 * MIB + 0x21000, RW, ""), 30000, 29999, 11);
	fake_map(fake, 0x7f3000000000, 0x7f3000001000, RW | HW_MAP_SHARED, "/dev/shm/queue");
	fake_map(fake, 0x7f3000001000, 0x7f3000002000, RW | HW_MAP_SHARED, "/var/lib/data.db");
	fake_map(fake, 0x7f3000002000, 0x7f3000003000, RW | HW_MAP_SHARED, "/memfd:buffer");
	fake_map(fake, 0x7ffc00000000, 0x7ffc00021000, RW, "[stack]");
	fake_map(fake, 0x7ffc00100000, 0x7ffc00104000, HW_MAP_READ, "[vvar]");
	fake_map(fake, 0x7ffc00104000, 0x7ffc00106000, HW_MAP_READ | HW_MAP_EXEC, "[vdso]");
	fake_module(fake, 0x400000, 0x402000, "/bin/app");
	fake_data(fake, 0x402010, 0x403c00);

	/* A static program's TLS lies before the heap: it is not malloc's. */
	fake_region(fake, HW_REGION_BRK, 0, 0x1001000);
	fake_chunk(fake, HW_CHUNK_LIVE, HW_CONTENT_DATA, 0x20000, NULL, 0);
	fake_chunk(fake, HW_CHUNK_SKIPPED, HW_CONTENT_NONE, 0x400, NULL, 0);
	fake_chunk(fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0xc00, NULL, 0);
	fake_region(fake, HW_REGION_HEAP, 1, HEAP_BASE);
	fake_chunk(fake, HW_CHUNK_LIVE, HW_CONTENT_DATA, 0x20000, NULL, 0);
	fake_region(fake, HW_REGION_MMAPPED, 0, in_shared + 3 * 8 * MIB);
	fake_chunk(fake, HW_CHUNK_MMAPPED, HW_CONTENT_ZERO, 0x21000, NULL, 0);
	fake_finish(fake);

	fake_thread(fake, 100, 0x7ffc00020000)->thread_pointer = 0;
	fake_thread(fake, 101, BLOCK + 0x800000)->thread_pointer =
		put_descriptor(fake, BLOCK, 0x801000, 0x1000);
	put_descriptor(fake, in_shared, 8 * MIB, 0x1000);
	fake_thread(fake, 102, in_shared + 15 * MIB)->thread_pointer =
		put_descriptor(fake, in_shared + 8 * MIB, 8 * MIB, 0x1000);
	put_descriptor(fake, in_shared + 16 * MIB, 8 * MIB, 0x1000);
}

static const struct hw_use_span expected_spans[] = {
	{ 0x400000, 0x402000, HW_USE_FILE, 0, UINT32_MAX },
	{ 0x402000, 0x403000, HW_USE_DATA, 1, 1 },
	{ 0x403000, 0x404000, HW_USE_DATA, 2, 1 },
	{ 0x1000000, 0x1001000, HW_USE_ANONYMOUS, 3, UINT32_MAX },
	{ 0x1001000, 0x1022000, HW_USE_HEAP, 3, 0 },
	{ HEAP_BASE, HEAP_BASE + 0x20000, HW_USE_HEAP, 4, 1 },
	/* Writable, and yet the heap has given it up. */
	{ HEAP_BASE + 0x20000, HEAP_BASE + 0x21000, HW_USE_RESERVED, 4, UINT32_MAX },
	{ HEAP_BASE + 0x21000, HEAP_BASE + 64 * MIB, HW_USE_RESERVED, 5, UINT32_MAX },
	{ BLOCK, BLOCK + 0x1000, HW_USE_STACK, 6, 1 },
	{ BLOCK + 0x1000, BLOCK + 0x801000, HW_USE_STACK, 7, 1 },
	{ SHARED, SHARED + 2 * MIB, HW_USE_ANONYMOUS, 8, UINT32_MAX },
	{ SHARED + 2 * MIB, SHARED + 10 * MIB, HW_USE_OLD_STACK, 8, UINT32_MAX },
	{ SHARED + 10 * MIB, SHARED + 18 * MIB, HW_USE_STACK, 8, 2 },
	{ SHARED + 18 * MIB, SHARED + 26 * MIB, HW_USE_OLD_STACK, 8, UINT32_MAX },
	{ SHARED + 26 * MIB, SHARED + 26 * MIB + 0x21000, HW_USE_MMAPPED, 8, UINT32_MAX },
	{ 0x7f3000000000, 0x7f3000001000, HW_USE_SHARED, 9, UINT32_MAX },
	{ 0x7f3000001000, 0x7f3000002000, HW_USE_FILE, 10, UINT32_MAX },
	{ 0x7f3000002000, 0x7f3000003000, HW_USE_SHARED, 11, UINT32_MAX },
	{ 0x7ffc00000000, 0x7ffc00021000, HW_USE_STACK, 12, 0 },
	{ 0x7ffc00100000, 0x7ffc00104000, HW_USE_KERNEL, 13, UINT32_MAX },
	{ 0x7ffc00104000, 0x7ffc00106000, HW_USE_KERNEL, 14, UINT32_MAX },
};

static void check_spans(
	const struct hw_accounting *accounting, const struct hw_use_span *expected_rows, size_t count)
{
	for (size_t i = 0; i < hw_min(accounting->span_count, count); i++) {
		const struct hw_use_span *span = &accounting->spans[i], *expected = &expected_rows[i];

		ck_assert_msg(span->start == expected->start && span->end == expected->end &&
				      span->use == expected->use && span->map == expected->map &&
				      span->owner == expected->owner,
			"span %zu: %llx-%llx %s of map %u, owner %u", i, (unsigned long long)span->start,
			(unsigned long long)span->end, hw_use_name(span->use), span->map, span->owner);
	}
	ck_assert_uint_eq(accounting->span_count, count);
}

START_TEST (spans) {
	struct hw_accounting *accounting;
	struct fake_heap fake;

	make_target(&fake);
	ck_assert_ptr_null(hw_accounting_build(fake.heap, &accounting));
	check_spans(accounting, expected_spans, hw_array_size(expected_spans));
	hw_accounting_destroy(accounting);
	fake_deinit(&fake);
}
END_TEST

START_TEST (totals) {
	struct hw_use_total sum = { 0 }, maps = { 0 };
	struct hw_accounting *accounting;
	struct fake_heap fake;

	make_target(&fake);
	ck_assert_ptr_null(hw_accounting_build(fake.heap, &accounting));
	ck_assert(accounting->usage_known);
	for (int i = 0; i < HW_USES; i++) {
		sum.size += accounting->totals[i].size;
		sum.rss += accounting->totals[i].rss;
		sum.pss += accounting->totals[i].pss;
		sum.swap += accounting->totals[i].swap;
	}
	for (size_t i = 0; i < fake.snapshot.map_count; i++) {
		maps.size += fake.maps[i].end - fake.maps[i].start;
		maps.rss += fake.maps[i].usage.rss;
		maps.pss += fake.maps[i].usage.pss;
		maps.swap += fake.maps[i].usage.swap;
	}
	ck_assert_mem_eq(&sum, &maps, sizeof(sum));
	ck_assert_mem_eq(&accounting->all, &maps, sizeof(maps));
	ck_assert_uint_eq(accounting->totals[HW_USE_MMAPPED].size, 0x21000);
	/* Of 10,001 resident bytes 0x20 pages of 0x21 are the heap's: 9,697 and not one more. */
	ck_assert_uint_eq(accounting->totals[HW_USE_HEAP].rss, 0x22000 - 0x1000 + 9697);
	/* What the walk skipped. The rest of the heaps is chunks. */
	ck_assert_uint_eq(accounting->unexplained_heap, 0x400);
	hw_accounting_destroy(accounting);
	fake_deinit(&fake);
}
END_TEST

START_TEST (nothing_known) {
	struct hw_accounting *accounting;
	struct fake_heap fake;

	fake_init(&fake, 8, false);
	fake_map(&fake, 0x1000, 0x5000, RW, "");
	fake_map(&fake, 0x3000, 0x6000, RW, ""); /* a damaged core: ranges overlap */
	fake_finish(&fake);
	ck_assert_ptr_null(hw_accounting_build(fake.heap, &accounting));
	ck_assert(!accounting->usage_known);
	ck_assert_uint_eq(accounting->all.size, 0x5000);
	ck_assert_uint_eq(accounting->unexplained_heap, 0);
	hw_accounting_destroy(accounting);
	hw_accounting_destroy(NULL);
	fake_deinit(&fake);
}
END_TEST

/* Segments in no order, over each other and past the end of addresses; what is mapped over them is itself. */
START_TEST (hostile_data) {
	static const struct hw_use_span expected[] = {
		{ 0x1000, 0x3000, HW_USE_ANONYMOUS, 0, UINT32_MAX },
		{ 0x3000, 0x4000, HW_USE_FILE, 1, UINT32_MAX },
		{ 0x4000, 0x5000, HW_USE_SHARED, 2, UINT32_MAX },
		{ 0x5000, 0x7000, HW_USE_DATA, 3, 1 },
		{ 0x7000, 0x8000, HW_USE_DATA, 3, 0 },
		{ 0x8000, 0x9000, HW_USE_ANONYMOUS, 3, UINT32_MAX },
	};
	struct hw_accounting *accounting;
	struct fake_heap fake;

	fake_init(&fake, 8, false);
	fake_map(&fake, 0x1000, 0x3000, RW, "");
	fake_map(&fake, 0x3000, 0x4000, HW_MAP_READ, "/bin/app");
	fake_map(&fake, 0x4000, 0x5000, RW | HW_MAP_SHARED, "/dev/shm/queue");
	fake_map(&fake, 0x5000, 0x9000, RW, "");
	fake_data(&fake, 0x6000, 0x8000);
	fake_data(&fake, 0x3000, 0x7000);
	fake_data(&fake, 0x9000, 0x8000);
	fake_data(&fake, UINT64_MAX - 0x10, UINT64_MAX);
	fake_finish(&fake);
	ck_assert_ptr_null(hw_accounting_build(fake.heap, &accounting));
	check_spans(accounting, expected, hw_array_size(expected));
	hw_accounting_destroy(accounting);
	fake_deinit(&fake);
}
END_TEST

static const struct balance_row {
	bool usage_known;
	uint64_t mebibytes[HW_USES];
	uint64_t live; /* chunks of the heap */
	enum hw_balance_kind kind;
	enum hw_use most; /* OUTSIDE */
	unsigned percent;
} balance_rows[] = {
	{ true, { [HW_USE_HEAP] = 100, [HW_USE_ANONYMOUS] = 10 }, 90, HW_BALANCE_LIVE, 0, 90 },
	{ true, { [HW_USE_HEAP] = 100, [HW_USE_FILE] = 900 }, 60, HW_BALANCE_FREE, 0, 40 },
	{ true, { [HW_USE_HEAP] = 10, [HW_USE_ANONYMOUS] = 20, [HW_USE_SHARED] = 10 }, 10, HW_BALANCE_OUTSIDE,
		HW_USE_ANONYMOUS, 75 },
	{ true, { [HW_USE_HEAP] = 10, [HW_USE_ANONYMOUS] = 10, [HW_USE_SHARED] = 20 }, 10, HW_BALANCE_OUTSIDE,
		HW_USE_SHARED, 75 },
	{ true, { [HW_USE_HEAP] = 10, [HW_USE_DATA] = 90 }, 10, HW_BALANCE_OUTSIDE, HW_USE_DATA, 90 },
	{ true, { [HW_USE_HEAP] = 10, [HW_USE_STACK] = 30 }, 10, HW_BALANCE_OUTSIDE, HW_USE_STACK, 75 },
	{ false, { [HW_USE_HEAP] = 10, [HW_USE_STACK] = 800 }, 10, HW_BALANCE_LIVE, 0, 100 },
	{ false, { [HW_USE_HEAP] = 10, [HW_USE_ANONYMOUS] = 30 }, 10, HW_BALANCE_OUTSIDE, HW_USE_ANONYMOUS,
		75 },
};

START_TEST (balances) {
	const struct balance_row *row = &balance_rows[_i];
	struct hw_accounting accounting = { .usage_known = row->usage_known };
	struct hw_heap heap = { .tallies = { [HW_CHUNK_LIVE] = { 1, row->live * MIB } } };
	struct hw_balance balance;

	heap.tallies[HW_CHUNK_TOP].bytes = (row->mebibytes[HW_USE_HEAP] - row->live) * MIB;
	for (int use = 0; use < HW_USES; use++) {
		accounting.totals[use].size = row->mebibytes[use] * MIB;
		accounting.totals[use].rss = row->usage_known ? row->mebibytes[use] * MIB : 0;
	}
	balance = hw_balance_of(&heap, &accounting);
	ck_assert_int_eq(balance.kind, row->kind);
	if (row->kind == HW_BALANCE_OUTSIDE)
		ck_assert_int_eq(balance.most, row->most);
	ck_assert_uint_eq((unsigned)(balance.share * 100 + 0.5), row->percent);
}
END_TEST

/* i386: the first chunk starts 8 bytes into the heap, and these are malloc's as well. */
START_TEST (unaligned_start) {
	struct hw_accounting *accounting;
	struct fake_heap fake;

	fake_init(&fake, 4, false);
	fake_map(&fake, 0x10000, 0x31000, RW, "[heap]");
	fake_region(&fake, HW_REGION_BRK, 0, 0x10008);
	fake_chunk(&fake, HW_CHUNK_TOP, HW_CONTENT_NONE, 0x20ff8, NULL, 0);
	fake_finish(&fake);
	ck_assert_ptr_null(hw_accounting_build(fake.heap, &accounting));
	ck_assert_uint_eq(accounting->span_count, 1);
	ck_assert_uint_eq(accounting->totals[HW_USE_HEAP].size, 0x21000);
	ck_assert_uint_eq(accounting->unexplained_heap, 0);
	hw_accounting_destroy(accounting);
	fake_deinit(&fake);
}
END_TEST

/* Descriptors that do not add up are not believed. */
START_TEST (hostile_stacks) {
	static const uint64_t blocks[][3] = {
		{ BLOCK + 0x1000, 0x801000, 0 },              /* ends elsewhere */
		{ BLOCK, 0x801000, 0x801000 },                /* all guard */
		{ UINT64_MAX - 0xfff, 0x801000 + 0x1000, 0 }, /* wraps */
		{ BLOCK + 8, 0x801000 - 8, 0 },               /* not on a page */
		{ BLOCK + 0x800000, 0x1000, 0 },              /* too small */
	};

	for (size_t i = 0; i < hw_array_size(blocks); i++) {
		struct hw_stacks stacks = { .stacks = NULL };
		struct fake_heap fake;

		fake_init(&fake, 8, false);
		fake_map(&fake, BLOCK, BLOCK + 0x801000, RW, "");
		put_descriptor(&fake, BLOCK, 0x801000, 0x1000);
		for (size_t j = 0; j < 3; j++)
			fake_put_word(&fake, fake.memory[0] + 4096 - TAIL + 0x690 + 8 * j, blocks[i][j]);
		fake_thread(&fake, 1, BLOCK + 0x700000)->thread_pointer = BLOCK + 0x801000 - TAIL;
		ck_assert_ptr_null(hw_stacks_find(&fake.snapshot, &stacks));
		ck_assert_uint_eq(stacks.count, 0);
		hw_stacks_deinit(&stacks);
		fake_deinit(&fake);
	}
}
END_TEST

/* No thread pointer known (a core without it): the guard mapping tells. */
START_TEST (stack_by_guard) {
	struct hw_stacks stacks = { .stacks = NULL };
	struct fake_heap fake;

	fake_init(&fake, 4, false);
	fake_map(&fake, 0xb0000000, 0xb0001000, 0, "");
	fake_map(&fake, 0xb0001000, 0xb0801000, RW, "");
	fake_map(&fake, 0xb1000000, 0xb1800000, RW, "");
	fake_thread(&fake, 1, 0xb1700000); /* no guard: may be anything */
	fake_thread(&fake, 2, 0xb0800100);
	ck_assert_ptr_null(hw_stacks_find(&fake.snapshot, &stacks));
	ck_assert_uint_eq(stacks.count, 1);
	ck_assert_uint_eq(stacks.stacks[0].start, 0xb0000000);
	ck_assert_uint_eq(stacks.stacks[0].guard, 0x1000);
	ck_assert_uint_eq(stacks.stacks[0].end, 0xb0801000);
	ck_assert_uint_eq(stacks.stacks[0].thread, 1);
	ck_assert_ptr_eq(hw_stacks_at(&stacks, 0xb0001000), &stacks.stacks[0]);
	ck_assert_ptr_null(hw_stacks_at(&stacks, 0xb0801000));
	hw_stacks_deinit(&stacks);
	fake_deinit(&fake);
}
END_TEST

/* A thread on a stack that it took from malloc: that is malloc's memory. */
START_TEST (stack_in_heap) {
	struct hw_accounting *accounting;
	struct fake_heap fake;

	fake_init(&fake, 8, false);
	fake_map(&fake, 0x0f000, 0x10000, 0, "");
	fake_map(&fake, 0x10000, 0x31000, RW, "[heap]");
	fake_region(&fake, HW_REGION_BRK, 0, 0x10000);
	fake_chunk(&fake, HW_CHUNK_LIVE, HW_CONTENT_DATA, 0x21000, NULL, 0);
	fake_finish(&fake);
	fake_thread(&fake, 1, 0x20000);
	ck_assert_ptr_null(hw_accounting_build(fake.heap, &accounting));
	ck_assert_uint_eq(accounting->totals[HW_USE_HEAP].size, 0x21000);
	ck_assert_uint_eq(accounting->totals[HW_USE_STACK].size, 0);
	hw_accounting_destroy(accounting);
	fake_deinit(&fake);
}
END_TEST

static const struct word_row {
	uint64_t word;
	enum hw_word_kind kind;
	uint64_t offset; /* CHUNK */
	uint32_t thread; /* STACK */
} word_rows[] = {
	{ 0, HW_WORD_NIL },
	{ 1, HW_WORD_NUMBER },
	{ 0x1001010, HW_WORD_CHUNK, 0 },
	{ 0x1001000, HW_WORD_CHUNK, (uint64_t)-16 },
	{ 0x1001110, HW_WORD_CHUNK, 0x100 },
	{ 0x1000800, HW_WORD_MAPPED },
	{ 0x401000, HW_WORD_MODULE },
	{ 0x402800, HW_WORD_MODULE },
	{ 0x403bff, HW_WORD_MODULE },
	{ 0x404000, HW_WORD_NUMBER },
	{ 0x7ffc00020000, HW_WORD_STACK, 0, 0 },
	{ BLOCK + 0x700000, HW_WORD_STACK, 0, 1 },
	{ SHARED + 3 * MIB, HW_WORD_STACK, 0, UINT32_MAX },
	{ SHARED + MIB, HW_WORD_MAPPED },
	{ HEAP_BASE + 32 * MIB, HW_WORD_NUMBER }, /* reserved, cannot be accessed */
	{ 0x68676f6c6f6e6863, HW_WORD_TEXT },     /* "chnologh" */
	{ 0x0000000074786574, HW_WORD_TEXT },     /* "text" */
	{ 0x0000000000747874, HW_WORD_NUMBER },   /* three letters */
	{ 0x7478657400000000, HW_WORD_NUMBER },   /* zeros come first */
	{ 0x6f6c6c6568ff0000, HW_WORD_NUMBER },
	{ UINT64_MAX, HW_WORD_NUMBER },
};

START_TEST (words) {
	const struct word_row *row = &word_rows[_i];
	struct hw_accounting *accounting;
	struct hw_word_meaning meaning;
	struct fake_heap fake;

	make_target(&fake);
	ck_assert_ptr_null(hw_accounting_build(fake.heap, &accounting));
	meaning = hw_word_explain(fake.heap, accounting, row->word);
	ck_assert_int_eq(meaning.kind, row->kind);
	if (row->kind == HW_WORD_CHUNK)
		ck_assert_uint_eq(meaning.offset, row->offset);
	if (row->kind == HW_WORD_STACK)
		ck_assert_uint_eq(meaning.thread, row->thread);
	ck_assert_int_eq(meaning.map != NULL,
		row->kind == HW_WORD_MODULE || row->kind == HW_WORD_STACK || row->kind == HW_WORD_MAPPED);
	meaning = hw_word_explain(fake.heap, NULL, row->word);
	ck_assert_int_eq(meaning.kind, row->kind == HW_WORD_STACK ? HW_WORD_MAPPED : row->kind);
	hw_accounting_destroy(accounting);
	fake_deinit(&fake);
}
END_TEST

/* Text stands in memory order, whatever the byte order of numbers. */
START_TEST (words_big_endian) {
	struct fake_heap fake;

	fake_init(&fake, 8, true);
	fake_finish(&fake);
	ck_assert_int_eq(hw_word_explain(fake.heap, NULL, 0x7465787400000000).kind, HW_WORD_TEXT);
	ck_assert_int_eq(hw_word_explain(fake.heap, NULL, 0x0000000074657874).kind, HW_WORD_NUMBER);
	fake_deinit(&fake);
	fake_init(&fake, 4, false);
	fake_finish(&fake);
	ck_assert_int_eq(hw_word_explain(fake.heap, NULL, 0x74657874).kind, HW_WORD_TEXT);
	ck_assert_int_eq(hw_word_explain(fake.heap, NULL, 0x00657874).kind, HW_WORD_NUMBER);
	fake_deinit(&fake);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("accounting");
	TCase *tests = tcase_create("accounting");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, spans);
	tcase_add_test(tests, totals);
	tcase_add_test(tests, nothing_known);
	tcase_add_test(tests, hostile_data);
	tcase_add_loop_test(tests, balances, 0, hw_array_size(balance_rows));
	tcase_add_test(tests, unaligned_start);
	tcase_add_test(tests, hostile_stacks);
	tcase_add_test(tests, stack_by_guard);
	tcase_add_test(tests, stack_in_heap);
	tcase_add_loop_test(tests, words, 0, hw_array_size(word_rows));
	tcase_add_test(tests, words_big_endian);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
