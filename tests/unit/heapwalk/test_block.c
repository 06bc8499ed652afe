/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of 64 bytes: all at once gives what looking at each byte and word gives. */
#include <check.h>
#include <ctype.h>

#include "heapwalk/block.h"
#include "tests/unit/heapwalk/fake_heap.h"

#define LOW  UINT64_C(0x00400000) /* not position-independent: addresses begin low */
#define HEAP UINT64_C(0x555500000000)
#define LIB  UINT64_C(0x7fff12340000)

static uint64_t pick(unsigned *seed)
{
	return (uint64_t)rand_r(seed) << 42 ^ (uint64_t)rand_r(seed) << 21 ^ (uint64_t)rand_r(seed);
}

/* Words of all kinds, and such as lie at the limits between them. */
static uint64_t pick_word(unsigned *seed)
{
	static const uint64_t limits[] = { 0, 1, 0xffffff, 0x1000000, 0xfffffffe, 0xffffffff, 0x100000000,
		0xffffff00000000, 0xffffffff00000000, 0xfffffffeffffffff, UINT64_MAX, 0xffffffffff000000,
		0xfffffffffeffffff, LOW - 1, LOW, HEAP - 1, HEAP, HEAP + 0xffff, HEAP + 0x10000, LIB,
		LIB + 0xffff, LIB + 0x10000 };

	switch (rand_r(seed) % 6) {
	case 0:
		return 0;
	case 1:
		return limits[pick(seed) % hw_array_size(limits)];
	case 2:
		return HEAP + pick(seed) % 0x18000;
	case 3:
		return pick(seed) % 0x10000 | pick(seed) % 0x10000 << 32;
	case 4:
		return UINT64_C(0x4141414141414141) ^ pick(seed) % 0x40;
	default:
		return pick(seed);
	}
}

static struct hw_addresses *make_addresses(struct fake_heap *fake, bool is_pie)
{
	struct hw_addresses *addresses;

	fake_init(fake, 8, false);
	if (!is_pie)
		fake_map(fake, LOW, LOW + 0x1000, HW_MAP_READ | HW_MAP_EXEC, "/bin/app");
	fake_map(fake, HEAP, HEAP + 0x10000, HW_MAP_READ | HW_MAP_WRITE, "[heap]");
	fake_map(fake, LIB, LIB + 0x10000, HW_MAP_READ | HW_MAP_WRITE, "");
	ck_assert_ptr_null(hw_addresses_create(&fake->snapshot, &addresses));
	return addresses;
}

/* The definitions, word by word. */
static bool is_mapped(uint64_t word, bool is_pie)
{
	return (word >= HEAP && word < HEAP + 0x10000) || (word >= LIB && word < LIB + 0x10000) ||
	       (!is_pie && word >= LOW && word < LOW + 0x1000);
}

static bool is_number(uint64_t word)
{
	int64_t high = (int32_t)(word >> 32), low = (int32_t)word;

	if (high == 0 || high == -1)
		return true;
	return high >= -(1 << 24) && high < 1 << 24 && low >= -(1 << 24) && low < 1 << 24;
}

static struct hw_block expected(const uint64_t *words, size_t count, bool is_pie)
{
	struct hw_block block = { 0 };

	for (size_t i = 0; i < count; i++) {
		if (is_mapped(words[i], is_pie))
			block.pointers |= UINT64_C(0xff) << 8 * i;
		else if (words[i])
			*(is_number(words[i]) ? &block.number : &block.other) = true;
	}
	return block;
}

START_TEST (sort) {
	static const struct hw_image image = { .word_size = 8 };
	bool is_pie = _i;
	struct fake_heap fake;
	struct hw_addresses *addresses = make_addresses(&fake, is_pie);
	unsigned seed = 1;

	for (unsigned round = 0; round < 20000; round++) {
		uint64_t words[8];
		size_t count = 1 + (size_t)rand_r(&seed) % 8;

		for (size_t i = 0; i < 8; i++)
			words[i] = pick_word(&seed);
		struct hw_block right = expected(words, count, is_pie);

		/* With a whole block at hand, and without. */
		for (size_t readable = 8 * count; readable <= 64; readable += 64 - 8 * count + 1) {
			struct hw_block block =
				hw_block_sort(addresses, &image, (const uint8_t *)words, 8 * count, readable);

			ck_assert_uint_eq(block.pointers, right.pointers);
			ck_assert_int_eq(block.number, right.number);
			ck_assert_int_eq(block.other, right.other);
		}
	}
	hw_addresses_destroy(addresses);
	fake_deinit(&fake);
}
END_TEST

static bool is_printable(uint8_t byte)
{
	return byte < 0x80 && isprint(byte); /* the C locale's */
}

START_TEST (masks) {
	uint8_t bytes[64];

	for (unsigned first = 0; first < 256; first++) {
		for (unsigned i = 0; i < 64; i++)
			bytes[i] = (uint8_t)(first + i * i);
		for (unsigned i = 0; i < 64; i++) {
			ck_assert_int_eq(hw_printable_mask(bytes) >> i & 1, is_printable(bytes[i]));
			ck_assert_int_eq(hw_zero_mask(bytes) >> i & 1, !bytes[i]);
		}
	}
}
END_TEST

/* Eight in a row, or five and a zero. */
static bool expected_text(const uint8_t *bytes, size_t size, uint64_t pointers)
{
	size_t run = 0;

	for (size_t i = 0; i < size; i++) {
		if (is_printable(bytes[i]) && !(pointers >> i & 1)) {
			if (++run == 8)
				return true;
			continue;
		}
		if (run >= 5 && !bytes[i])
			return true;
		run = 0;
	}
	return false;
}

START_TEST (text) {
	unsigned seed = 7;

	for (unsigned round = 0; round < 20000; round++) {
		size_t size = 8 * (1 + (size_t)rand_r(&seed) % 8);
		uint64_t pointers = rand_r(&seed) % 4 ? 0 : UINT64_C(0xff) << 8 * (rand_r(&seed) % 8);
		uint8_t bytes[64];

		for (size_t i = 0; i < 64; i++)
			bytes[i] = rand_r(&seed) % 5 ? 'x' : (uint8_t)(rand_r(&seed) % 2);
		ck_assert_int_eq(
			hw_block_has_text(bytes, size, 64, pointers), expected_text(bytes, size, pointers));
		ck_assert_int_eq(
			hw_block_has_text(bytes, size, size, pointers), expected_text(bytes, size, pointers));
	}
}
END_TEST

START_TEST (zeros) {
	uint8_t bytes[200] = { 0 };

	ck_assert_uint_eq(hw_block_zero_run(bytes, 200), 192);
	ck_assert_uint_eq(hw_block_zero_run(bytes, 63), 0);
	bytes[127] = 1;
	ck_assert_uint_eq(hw_block_zero_run(bytes, 200), 64);
	ck_assert_uint_eq(hw_block_zero_run(bytes, 127), 64);
	bytes[0] = 1;
	ck_assert_uint_eq(hw_block_zero_run(bytes, 200), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("block");
	TCase *tcase = tcase_create("block");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, sort, 0, 2);
	tcase_add_test(tcase, masks);
	tcase_add_test(tcase, text);
	tcase_add_test(tcase, zeros);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
