/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of several symbols names an address. */
#include <check.h>
#include <elf.h>

#include "unwind/symbols.h"

#define GLOBAL_FUNCTION ELF64_ST_INFO(STB_GLOBAL, STT_FUNC)
#define WEAK_FUNCTION   ELF64_ST_INFO(STB_WEAK, STT_FUNC)
#define LOCAL_FUNCTION  ELF64_ST_INFO(STB_LOCAL, STT_FUNC)
#define GLOBAL_OBJECT   ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT)
#define LOCAL_NOTYPE    ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE)

#define TEXT_END 0x2000
#define DATA_END 0x4000

/* .text is [0x1000, 0x2000), .data [0x3000, 0x4000). */
static const struct hw_raw_symbol symbols[] = {
	{ "__libc_malloc", 0x1000, 0x40, TEXT_END, GLOBAL_FUNCTION, true },
	{ "malloc", 0x1000, 0x40, TEXT_END, GLOBAL_FUNCTION, true },
	{ "__GI___libc_malloc", 0x1000, 0x40, TEXT_END, LOCAL_FUNCTION, true },
	{ "_IO_puts", 0x1040, 0x20, TEXT_END, GLOBAL_FUNCTION, true },
	{ "puts", 0x1040, 0x20, TEXT_END, WEAK_FUNCTION, true },
	{ "label", 0x1100, 0, TEXT_END, LOCAL_NOTYPE, true },
	{ "after", 0x1180, 0x10, TEXT_END, LOCAL_FUNCTION, true },
	{ "last_label", 0x1200, 0, TEXT_END, LOCAL_NOTYPE, true },
	{ "outer", 0x1300, 0x100, TEXT_END, GLOBAL_FUNCTION, true },
	{ "inner", 0x1340, 0x10, TEXT_END, LOCAL_FUNCTION, true },
	{ ".L17", 0x1350, 0, TEXT_END, LOCAL_NOTYPE, true },
	{ "$x", 0x1360, 0, TEXT_END, LOCAL_NOTYPE, true },
	{ "$d.12", 0x1364, 0, TEXT_END, LOCAL_NOTYPE, true },
	{ "_ZN2ns5Thing3runEi", 0x1400, 0x10, TEXT_END, GLOBAL_FUNCTION, true },
	{ "memcpy@@GLIBC_2.14", 0x1410, 0x10, TEXT_END, GLOBAL_FUNCTION, true },
	{ "table", 0x3000, 0x18, DATA_END, GLOBAL_OBJECT, false },
	{ "_edata", 0x3018, 0, DATA_END, LOCAL_NOTYPE, false },
	{ "sectionsymbol", 0x3100, 0x10, DATA_END, ELF64_ST_INFO(STB_LOCAL, STT_SECTION), false },
	{ "thread_local", 0x3200, 0x10, DATA_END, ELF64_ST_INFO(STB_GLOBAL, STT_TLS), false },
	{ "endless", UINT64_MAX - 8, 0x100, DATA_END, GLOBAL_OBJECT, false },
	{ "", 0x3300, 0x10, DATA_END, GLOBAL_OBJECT, false },
	{ NULL, 0x3310, 0x10, DATA_END, GLOBAL_OBJECT, false },
};

static const struct {
	uint64_t address;
	const char *name; /* NULL: none */
	uint64_t start;
} questions[] = {
	{ 0xfff, NULL, 0 },
	{ 0x1000, "malloc", 0x1000 },
	{ 0x103f, "malloc", 0x1000 },
	{ 0x1040, "puts", 0x1040 },
	{ 0x1060, NULL, 0 },
	{ 0x10ff, NULL, 0 },
	{ 0x1100, "label", 0x1100 },
	{ 0x117f, "label", 0x1100 },
	{ 0x1180, "after", 0x1180 },
	{ 0x1190, NULL, 0 },
	{ 0x12ff, "last_label", 0x1200 },
	{ 0x1300, "outer", 0x1300 },
	{ 0x1340, "inner", 0x1340 },
	{ 0x1350, "outer", 0x1300 },
	{ 0x1364, "outer", 0x1300 },
	{ 0x1400, "ns::Thing::run(int)", 0x1400 },
	{ 0x1410, "memcpy", 0x1410 },
	{ 0x1420, NULL, 0 },
	{ 0x3000, "table", 0x3000 },
	{ 0x3017, "table", 0x3000 },
	{ 0x3018, NULL, 0 },
	{ 0x3100, NULL, 0 },
	{ 0x3200, NULL, 0 },
	{ 0x3300, NULL, 0 },
	{ UINT64_MAX, NULL, 0 },
};

static struct hw_symbol_table table;

static void fill(void)
{
	for (size_t i = 0; i < hw_array_size(symbols); i++)
		ck_assert(hw_symbol_table_add(&table, &symbols[i]));
	hw_symbol_table_finish(&table);
}

static void clear(void)
{
	hw_symbol_table_deinit(&table);
}

START_TEST (test_find) {
	/* Twice: the first look-up makes the name readable. */
	for (int round = 0; round < 2; round++) {
		const struct hw_symbol_entry *entry = hw_symbol_table_find(&table, questions[_i].address);

		if (!questions[_i].name) {
			ck_assert_ptr_null(entry);
			continue;
		}
		ck_assert_ptr_nonnull(entry);
		ck_assert_str_eq(entry->name, questions[_i].name);
		ck_assert_uint_eq(entry->start, questions[_i].start);
	}
}
END_TEST

START_TEST (test_empty) {
	struct hw_symbol_table empty = { 0 };

	hw_symbol_table_finish(&empty);
	ck_assert_ptr_null(hw_symbol_table_find(&empty, 0));
	ck_assert_ptr_null(hw_symbol_table_find(&empty, UINT64_MAX));
	hw_symbol_table_deinit(&empty);
}
END_TEST

/* One symbol over everything and a hundred thousand small ones in it: the search must not run through all. */
START_TEST (test_many_in_one) {
	struct hw_symbol_table many = { 0 };
	struct hw_raw_symbol symbol = { "all", 0, UINT64_C(1) << 40, 0, GLOBAL_OBJECT, false };

	ck_assert(hw_symbol_table_add(&many, &symbol));
	for (int i = 0; i < 100000; i++) {
		symbol = (struct hw_raw_symbol){ "one", 0x1000 + i * 16, 8, 0, GLOBAL_OBJECT, false };
		ck_assert(hw_symbol_table_add(&many, &symbol));
	}
	hw_symbol_table_finish(&many);
	ck_assert_str_eq(hw_symbol_table_find(&many, 0x1000 + 77777 * 16)->name, "one");
	ck_assert_str_eq(hw_symbol_table_find(&many, 0x1000 + 8)->name, "all");
	for (int i = 0; i < 100000; i++)
		hw_symbol_table_find(&many, (UINT64_C(1) << 40) - 1);
	hw_symbol_table_deinit(&many);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("symbols");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, fill, clear);
	tcase_add_loop_test(tests, test_find, 0, hw_array_size(questions));
	tcase_add_test(tests, test_empty);
	tcase_add_test(tests, test_many_in_one);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
