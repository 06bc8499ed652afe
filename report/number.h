/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers as people read them. Every function fills the caller's buffer and returns it. */
#ifndef HW_REPORT_NUMBER_H
#define HW_REPORT_NUMBER_H

#include <stdint.h>

#define HW_NUMBER_ROOM 32

/* "1,234,567" */
char *hw_number_count(uint64_t number, char text[HW_NUMBER_ROOM]);

/* "0 B", "1,023 B", "1.20 KiB", "37.0 MiB", "512 MiB": three digits that count; powers of 1,024. */
char *hw_number_bytes(uint64_t bytes, char text[HW_NUMBER_ROOM]);

/* "61.2%"; anything that is not nothing shows as at least "<0.1%", anything short of all as at most "99.9%".
 */
char *hw_number_share(double share, char text[HW_NUMBER_ROOM]);

/* "0x5581c0de" */
char *hw_number_address(uint64_t address, char text[HW_NUMBER_ROOM]);

/* Microseconds: "0.83 ms", "4.2 ms", "1.3 s". */
char *hw_number_time(uint64_t microseconds, char text[HW_NUMBER_ROOM]);

/* Writes decimal digits without a NUL, quickly: for millions of rows. Returns how many. */
unsigned hw_number_digits(uint64_t number, char text[HW_NUMBER_ROOM]);

/* Writes "0x" and hexadecimal digits without a NUL. Returns how many characters. */
unsigned hw_number_hex(uint64_t number, char text[HW_NUMBER_ROOM]);

#endif
