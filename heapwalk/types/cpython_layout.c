/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One row for each group of CPython releases that keep their objects alike. */
#include "heapwalk/types/cpython.h"

/*
 * PyGC_Head: Include/objimpl.h up to 3.7 (three words in a union with a long double), pycore_gc.h from 3.8.
 * Strings: Include/cpython/unicodeobject.h; wstr went in 3.12 (PEP 623). Ints: longintrepr.h, lv_tag in 3.12.
 * Keys and values: pycore_dict.h. type_size: type.__basicsize__ of each release's own build.
 */
const struct hw_cpython_layout hw_cpython_layouts[] = {
	{ "3.6 to 3.7", 864, 0, { 3, 4 }, 6, 5, 7, 9, 0, HW_CPYTHON_KEYS_SIZE, HW_CPYTHON_VALUES_ARRAY },
	{ "3.8 to 3.10", 888, 880, { 2, 2 }, 6, 5, 7, 9, 0, HW_CPYTHON_KEYS_SIZE, HW_CPYTHON_VALUES_ARRAY },
	{ "3.11", 904, 0, { 2, 2 }, 6, 5, 7, 9, 0, HW_CPYTHON_KEYS_LOG2, HW_CPYTHON_VALUES_PREFIXED },
	{ "3.12", 920, 0, { 2, 2 }, 5, 0, 6, 7, 3, HW_CPYTHON_KEYS_LOG2, HW_CPYTHON_VALUES_TAGGED },
	{ "3.13", 928, 0, { 2, 2 }, 5, 0, 6, 7, 3, HW_CPYTHON_KEYS_LOG2, HW_CPYTHON_VALUES_INLINE },
};

const size_t hw_cpython_layout_count = hw_array_size(hw_cpython_layouts);
