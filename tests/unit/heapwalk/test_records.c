/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strides found in words of kinds made by hand, and records counted. */
#include <check.h>

#include "heapwalk/types/records.h"

#define WORDS 2048

/* What a column of records holds. */
enum column {
	VTABLE, /* the same constant in all */
	LINK,   /* a pointer into a block */
	MAYBE,  /* a pointer or nothing */
	NUMBER,
	REAL,
	NOTHING,
	ANY, /* this or that */
};

static uint8_t kinds[WORDS], symbols[WORDS];
static uint64_t values[WORDS];
static uint32_t state;

static uint32_t random_number(void)
{
	state = state * 1664525u + 1013904223u;
	return state >> 8;
}

static void put(size_t at, enum hw_kind kind, uint8_t symbol)
{
	kinds[at] = (uint8_t)kind;
	symbols[at] = symbol;
	values[at] = kind == HW_KIND_ZERO ? 0 : 0x1000 + symbol;
}

static void put_column(size_t at, enum column column)
{
	static const enum hw_kind any[] = { HW_KIND_ZERO, HW_KIND_INSIDE, HW_KIND_NUMBER, HW_KIND_OTHER,
		HW_KIND_DOUBLE, HW_KIND_START };
	enum hw_kind kind;

	switch (column) {
	case VTABLE:
		put(at, HW_KIND_CONSTANT, HW_RECORD_CONSTANT + 7);
		return;
	case LINK:
		kind = HW_KIND_INSIDE;
		break;
	case MAYBE:
		kind = random_number() % 3 ? HW_KIND_INSIDE : HW_KIND_ZERO;
		break;
	case NUMBER:
		kind = HW_KIND_NUMBER;
		break;
	case REAL:
		kind = HW_KIND_DOUBLE;
		break;
	case NOTHING:
		kind = HW_KIND_ZERO;
		break;
	default:
		kind = any[random_number() % hw_array_size(any)];
	}
	put(at, kind, (uint8_t)kind);
}

static struct hw_record_words words = { .address = 0x10000,
	.word_size = 8,
	.count = WORDS,
	.starts = WORDS,
	.words = values,
	.kinds = kinds,
	.symbols = symbols };

/* Records of these columns from word `head` on; what is before is anything. */
static void fill(const enum column *columns, uint32_t stride, size_t head)
{
	state = 1;
	for (size_t i = 0; i < WORDS; i++)
		put_column(i, i < head ? ANY : columns[(i - head) % stride]);
}

/* ------------------------------------------------------------------------------------------------------
 * strides
 */

static const struct row {
	const char *name;
	enum column columns[16];
	uint32_t stride; /* of the columns */
	size_t head;
	uint32_t targets;  /* pointers lead to each so many'th word behind the head; 0: none do */
	uint32_t expected; /* 0: none */
	bool has_phase;
	bool by_targets;
} rows[] = {
	{ "objects", { VTABLE, LINK, REAL, REAL, NUMBER, LINK }, 6, 8, 0, 6, true, false },
	{ "objects and who points to them", { VTABLE, LINK, REAL, REAL, NUMBER, LINK }, 6, 8, 6, 6, true,
		true },
	{ "structs", { NUMBER, LINK, VTABLE, NUMBER, LINK }, 5, 2, 5, 5, true, true },
	{ "optional pointers", { NUMBER, MAYBE, REAL, MAYBE, NUMBER, NUMBER, LINK }, 7, 3, 7, 7, true, true },
	{ "one member of any kind", { NUMBER, LINK, ANY, REAL, NOTHING, VTABLE }, 6, 0, 6, 6, true, true },
	{ "a period within the record", { NUMBER, LINK }, 2, 4, 4, 4, true, true },
	{ "pairs nobody points to", { NUMBER, LINK }, 2, 4, 0, 2, false, false },
	{ "pointers that contradict", { NUMBER, LINK, REAL, NOTHING, NOTHING }, 5, 0, 7, 0, false, false },
	{ "pointers alone", { LINK }, 1, 0, 0, 0, false, false },
	{ "mostly pointers", { MAYBE }, 1, 0, 0, 0, false, false },
	{ "numbers alone", { NUMBER }, 1, 0, 3, 0, false, false },
	{ "zeros", { NOTHING }, 1, 0, 0, 0, false, false },
	{ "anything", { ANY }, 1, 0, 0, 0, false, false },
	{ "anything, pointed to", { ANY }, 1, 0, 6, 0, false, false },
};

/* Here and there, without order: distinct enough for a test, and no worse sorted wrongly. */
static size_t make_targets(const struct row *row, uint32_t targets[40])
{
	for (size_t i = 0; row->targets && i < 40; i++)
		targets[i] =
			(uint32_t)(row->head + random_number() % (WORDS / 2 / row->targets) * row->targets);
	return row->targets ? 40 : 0;
}

START_TEST (strides) {
	const struct row *row = &rows[_i];
	uint32_t targets[40];
	struct hw_record_stride stride;

	fill(row->columns, row->stride, row->head);
	stride = hw_records_stride(&words, 16, HW_RECORD_SAMPLE, targets, make_targets(row, targets));
	ck_assert_msg(stride.words == row->expected, "%s: stride %u, not %u", row->name, stride.words,
		row->expected);
	if (!row->expected)
		return;
	ck_assert_msg(stride.has_phase == row->has_phase, "%s: phase", row->name);
	ck_assert_msg(stride.by_targets == row->by_targets, "%s: by targets", row->name);
	if (row->has_phase)
		ck_assert_msg(
			stride.phase == row->head % row->expected, "%s: phase %u", row->name, stride.phase);
}
END_TEST

/* A stride that a sibling has is found again, another one is not. */
START_TEST (tried) {
	static const enum column columns[] = { VTABLE, LINK, REAL, REAL, NUMBER, LINK };

	fill(columns, 6, 8);
	ck_assert_uint_eq(hw_records_try(&words, 16, HW_RECORD_SAMPLE, 6, NULL, 0).words, 6);
	ck_assert_uint_eq(hw_records_try(&words, 16, HW_RECORD_SAMPLE, 5, NULL, 0).words, 0);
	ck_assert_uint_eq(hw_records_try(&words, 16, HW_RECORD_SAMPLE, 0, NULL, 0).words, 0);
	ck_assert_uint_eq(hw_records_try(&words, 16, 4, 6, NULL, 0).words, 0);
}
END_TEST

/* Samples too small for anything. */
START_TEST (little) {
	fill((const enum column[]){ VTABLE, LINK }, 2, 0);
	for (size_t count = 0; count < 2 * HW_RECORD_LEAST; count++)
		ck_assert_uint_eq(hw_records_stride(&words, 0, count, NULL, 0).words, 0);
}
END_TEST

/* -----------------------------------------------------------------------------------------------------
 * counting
 */

static void zero(size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		put(i, HW_KIND_ZERO, HW_KIND_ZERO);
}

START_TEST (counted) {
	static const enum column columns[] = { VTABLE, LINK, REAL, REAL, NUMBER, NUMBER, LINK, NOTHING };
	struct hw_record_stride stride = { .words = 8, .phase = 0, .has_phase = true, .by_constant = true };
	struct hw_record_count count;

	fill(columns, 8, 24); /* three records' room of head */
	for (size_t i = 0; i < 24; i++)
		put(i, HW_KIND_OTHER, HW_KIND_OTHER);
	for (size_t i = 10; i < 30; i++)
		put(8 * i, HW_KIND_INSIDE, HW_KIND_INSIDE); /* freed: linked, the rest is left */
	put(8 * 30, HW_KIND_ZERO, HW_KIND_ZERO);            /* the last of the list */
	zero(8 * 200, WORDS - 8 * 200);                     /* never used */
	count = hw_records_count(&words, &stride);
	ck_assert_uint_eq(count.used, 200 - 3 - 21);
	ck_assert_uint_eq(count.free, 21 + WORDS / 8 - 200);
	ck_assert_uint_eq(count.example, 0x10000 + 24 * 8);
	ck_assert_uint_eq(count.constant, values[24]);
	ck_assert_uint_eq(count.kinds[0], HW_KIND_CONSTANT);
}
END_TEST

/* Where all begin with a pointer or nothing, links of free ones cannot be told apart: only zeros are free. */
START_TEST (links_are_no_proof) {
	static const enum column columns[] = { MAYBE, LINK, NUMBER, REAL };
	struct hw_record_stride stride = { .words = 4 };
	struct hw_record_count count;

	fill(columns, 4, 0);
	zero(4 * 500, WORDS - 4 * 500);
	count = hw_records_count(&words, &stride);
	ck_assert_uint_eq(count.used, 500);
	ck_assert_uint_eq(count.free, WORDS / 4 - 500);
}
END_TEST

/* What malloc rounded up by holds no record; a segment's last record may lie in the next one's first words.
 */
START_TEST (ends) {
	static const enum column columns[] = { VTABLE, LINK, NUMBER, REAL, REAL };
	struct hw_record_stride stride = { .words = 5 };
	struct hw_record_words part = words;

	fill(columns, 5, 0);
	zero(95, 5);
	part.count = part.starts = 100;
	ck_assert_uint_eq(hw_records_count(&part, &stride).free, 1);
	part.slack = 1;
	ck_assert_uint_eq(hw_records_count(&part, &stride).free, 0);
	part.starts = 82;
	part.slack = 0;
	ck_assert_uint_eq(hw_records_count(&part, &stride).used, 17);
	part.count = 3;
	part.starts = 3;
	ck_assert_uint_eq(hw_records_count(&part, &stride).used, 0);
}
END_TEST

static const struct doubt {
	uint8_t kinds[8];
	uint32_t words;
	bool by_constant;
	bool expected;
} doubts[] = {
	/* Three words with a free list through every other one. */
	{ { HW_KIND_INSIDE, HW_KIND_NUMBER, HW_KIND_NUMBER, HW_KIND_NUMBER, HW_KIND_NUMBER, HW_KIND_ZERO }, 6,
		false, true },
	{ { HW_KIND_INSIDE, HW_KIND_NUMBER, HW_KIND_NUMBER, HW_KIND_NUMBER }, 4, false, true },
	{ { HW_KIND_CONSTANT, HW_KIND_NUMBER, HW_KIND_NUMBER, HW_KIND_NUMBER }, 4, true, false },
	{ { HW_KIND_INSIDE, HW_KIND_NUMBER, HW_KIND_DOUBLE, HW_KIND_DOUBLE, HW_KIND_INSIDE, HW_KIND_NUMBER },
		6, false, false },
	{ { HW_KIND_INSIDE, HW_KIND_NUMBER, HW_KIND_NUMBER, HW_KIND_NUMBER, HW_KIND_NUMBER }, 5, false,
		false },
	{ { HW_KIND_INSIDE, HW_KIND_NUMBER }, 2, false, false },
};

START_TEST (doubted) {
	const struct doubt *row = &doubts[_i];
	struct hw_record_stride stride = { .words = row->words, .by_constant = row->by_constant };
	struct hw_record_count count = { 0 };

	memcpy(count.kinds, row->kinds, sizeof(row->kinds));
	ck_assert_int_eq(hw_records_may_be_shorter(&count, &stride), row->expected);
}
END_TEST

START_TEST (texts) {
	static const uint8_t some[] = { HW_KIND_CONSTANT, HW_KIND_INSIDE, HW_KIND_ZERO, HW_KIND_ZERO };
	uint8_t many[20];
	hw_autofree char *text = hw_records_text(some, 4);
	hw_autofree char *cut = NULL;

	ck_assert_str_eq(text, "{ptr->const, ptr->inside, 0 x2}");
	memset(many, HW_KIND_NUMBER, sizeof(many));
	cut = hw_records_text(many, 20);
	ck_assert_str_eq(cut, "{int x16, ...}");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("records");
	TCase *tcase = tcase_create("records");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, strides, 0, hw_array_size(rows));
	tcase_add_test(tcase, tried);
	tcase_add_test(tcase, little);
	tcase_add_test(tcase, counted);
	tcase_add_test(tcase, links_are_no_proof);
	tcase_add_test(tcase, ends);
	tcase_add_loop_test(tcase, doubted, 0, hw_array_size(doubts));
	tcase_add_test(tcase, texts);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
