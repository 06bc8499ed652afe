/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small helpers that every directory may include (the one exception to the layering rule): scope-bound
 * clean-up, arrays that grow with checked arithmetic, and a few macros. Everything here is inline.
 */
#ifndef HW_INSPECTOR_UTIL_H
#define HW_INSPECTOR_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define hw_must_check      __attribute__((warn_unused_result))
#define hw_never_null      __attribute__((returns_nonnull))
#define hw_printf(fmt, va) __attribute__((format(printf, fmt, va)))
#define hw_unused          __attribute__((unused))

#define hw_array_size(a) (sizeof(a) / sizeof((a)[0]))
#define hw_min(a, b)     ((a) < (b) ? (a) : (b))
#define hw_max(a, b)     ((a) > (b) ? (a) : (b))

/* `alignment` is a power of two. Rounding up saturates nowhere: callers keep addresses below 2^63. */
static inline uint64_t hw_round_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

static inline uint64_t hw_round_down(uint64_t value, uint64_t alignment)
{
	return value & ~(alignment - 1);
}

/* What stands behind the last '/' of a path: the path itself where there is none. */
static inline const char *hw_file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Frees what a local pointer points to when the local goes out of scope: hw_autofree char *line = NULL; */
static inline void hw_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}
#define hw_autofree __attribute__((cleanup(hw_cleanup_free)))

/* Closes a local file descriptor at the end of its scope; -1 is fine. */
static inline void hw_cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define hw_autoclose __attribute__((cleanup(hw_cleanup_close)))

static inline void hw_cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}
#define hw_autofclose __attribute__((cleanup(hw_cleanup_fclose)))

/* Hands a pointer on out of an hw_autofree local: *out = hw_take(&local); */
#define hw_take(pointer)                                                                                     \
	__extension__({                                                                                      \
		__typeof__(*(pointer)) taken_ = *(pointer);                                                  \
		*(pointer) = NULL;                                                                           \
		taken_;                                                                                      \
	})

/*
 * Makes room for one element more in a growing array: `*array` holds `count` elements of `size` bytes and
 * has room for `*capacity`. Doubles. False when memory is short or the size would overflow; the array is
 * then unchanged and still the caller's to free.
 */
static inline bool hw_array_reserve(void *array, size_t count, size_t *capacity, size_t size)
{
	void *base;
	size_t bigger = *capacity ? *capacity : 8;
	size_t bytes;
	void *moved;

	if (count < *capacity)
		return true;
	while (bigger <= count) {
		if (__builtin_mul_overflow(bigger, (size_t)2, &bigger))
			return false;
	}
	if (__builtin_mul_overflow(bigger, size, &bytes))
		return false;
	memcpy(&base, array, sizeof(base)); /* the pointer's own type is not void *: no aliasing */
	moved = realloc(base, bytes);
	if (!moved)
		return false;
	memcpy(array, &moved, sizeof(moved));
	*capacity = bigger;
	return true;
}

/* &array[count], after making room for it; NULL when memory is short. The caller fills it and counts it. */
#define hw_array_next(array, count, capacity)                                                                \
	(hw_array_reserve(&(array), (count), &(capacity), sizeof(*(array))) ? &(array)[count] : NULL)

#endif
