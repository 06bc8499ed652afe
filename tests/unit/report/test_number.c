/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers as people read them. */
#include "tests/unit/report/report_test.h"

#include "report/number.h"

static const struct {
	uint64_t number;
	const char *count;
	const char *bytes;
	const char *address;
} rows[] = {
	{ 0, "0", "0 B", "0x0" },
	{ 999, "999", "999 B", "0x3e7" },
	{ 1000, "1,000", "1,000 B", "0x3e8" },
	{ 1023, "1,023", "1,023 B", "0x3ff" },
	{ 1024, "1,024", "1.00 KiB", "0x400" },
	{ 1536, "1,536", "1.50 KiB", "0x600" },
	{ 10235, "10,235", "10.0 KiB", "0x27fb" },
	{ 102348, "102,348", "99.9 KiB", "0x18fcc" },
	{ 102400, "102,400", "100 KiB", "0x19000" },
	{ 1048575, "1,048,575", "1.00 MiB", "0xfffff" },
	{ 1234567890, "1,234,567,890", "1.15 GiB", "0x499602d2" },
	{ UINT64_MAX, "18,446,744,073,709,551,615", "16.0 EiB", "0xffffffffffffffff" },
};

START_TEST (number_is_written) {
	char text[HW_NUMBER_ROOM];

	ck_assert_str_eq(hw_number_count(rows[_i].number, text), rows[_i].count);
	ck_assert_str_eq(hw_number_bytes(rows[_i].number, text), rows[_i].bytes);
	ck_assert_str_eq(hw_number_address(rows[_i].number, text), rows[_i].address);
}
END_TEST

static const struct {
	double share;
	const char *text;
} shares[] = {
	{ 0, "0%" },
	{ 0.0000001, "<0.1%" },
	{ 0.001, "0.1%" },
	{ 0.6123, "61.2%" },
	{ 0.99999, "99.9%" },
	{ 1, "100%" },
};

START_TEST (share_is_written) {
	char text[HW_NUMBER_ROOM];

	ck_assert_str_eq(hw_number_share(shares[_i].share, text), shares[_i].text);
}
END_TEST

static const struct {
	uint64_t microseconds;
	const char *text;
} times[] = {
	{ 0, "0.00 ms" },
	{ 830, "0.83 ms" },
	{ 4200, "4.2 ms" },
	{ 43210, "43 ms" },
	{ 1300000, "1.3 s" },
	{ 75000000, "75 s" },
};

START_TEST (time_is_written) {
	char text[HW_NUMBER_ROOM];

	ck_assert_str_eq(hw_number_time(times[_i].microseconds, text), times[_i].text);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_loop_test(cases, number_is_written, 0, hw_array_size(rows));
	tcase_add_loop_test(cases, share_is_written, 0, hw_array_size(shares));
	tcase_add_loop_test(cases, time_is_written, 0, hw_array_size(times));
}

int main(void)
{
	return run_cases("number", add);
}
