/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers for people, and quick digits for files. */
#include "report/number.h"

#include <stdio.h>
#include <string.h>

#include "inspector/util.h"

unsigned hw_number_digits(uint64_t number, char text[HW_NUMBER_ROOM])
{
	char reversed[HW_NUMBER_ROOM];
	unsigned length = 0;

	do {
		reversed[length++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	for (unsigned i = 0; i < length; i++)
		text[i] = reversed[length - 1 - i];
	return length;
}

unsigned hw_number_hex(uint64_t number, char text[HW_NUMBER_ROOM])
{
	unsigned digits = number ? (67U - (unsigned)__builtin_clzll(number)) / 4 : 1;

	text[0] = '0';
	text[1] = 'x';
	for (unsigned i = digits; i-- > 0; number >>= 4)
		text[2 + i] = "0123456789abcdef"[number & 15];
	return digits + 2;
}

char *hw_number_address(uint64_t address, char text[HW_NUMBER_ROOM])
{
	text[hw_number_hex(address, text)] = '\0';
	return text;
}

char *hw_number_count(uint64_t number, char text[HW_NUMBER_ROOM])
{
	char digits[HW_NUMBER_ROOM];
	unsigned length = hw_number_digits(number, digits);
	unsigned used = 0;

	for (unsigned i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text[used++] = ',';
		text[used++] = digits[i];
	}
	text[used] = '\0';
	return text;
}

char *hw_number_bytes(uint64_t bytes, char text[HW_NUMBER_ROOM])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	char count[HW_NUMBER_ROOM];
	size_t unit = 0;
	double value = (double)bytes / 1024;

	if (bytes < 1024) {
		snprintf(text, HW_NUMBER_ROOM, "%s B", hw_number_count(bytes, count));
		return text;
	}
	/* 1023.96 KiB would be written as 1,024 KiB: it is 1.00 MiB. */
	while (value >= 1023.5 && unit + 1 < hw_array_size(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(text, HW_NUMBER_ROOM, "%.*f %s",
		value < 9.995   ? 2
		: value < 99.95 ? 1
				: 0,
		value, units[unit]);
	return text;
}

char *hw_number_share(double share, char text[HW_NUMBER_ROOM])
{
	double percent = share * 100;

	if (!(percent > 0))
		snprintf(text, HW_NUMBER_ROOM, "0%%");
	else if (percent < 0.1)
		snprintf(text, HW_NUMBER_ROOM, "<0.1%%");
	else if (share > 1 - 1e-9) /* rows that were added up */
		snprintf(text, HW_NUMBER_ROOM, "100%%");
	else
		snprintf(text, HW_NUMBER_ROOM, "%.1f%%", hw_min(percent, 99.9));
	return text;
}

char *hw_number_time(uint64_t microseconds, char text[HW_NUMBER_ROOM])
{
	double value = (double)microseconds;

	if (microseconds < 1000)
		snprintf(text, HW_NUMBER_ROOM, "%.2f ms", value / 1000);
	else if (microseconds < 1000000)
		snprintf(text, HW_NUMBER_ROOM, "%.*f ms", microseconds < 10000 ? 1 : 0, value / 1000);
	else
		snprintf(text, HW_NUMBER_ROOM, "%.*f s", microseconds < 10000000 ? 1 : 0, value / 1e6);
	return text;
}
