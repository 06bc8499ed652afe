/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library that stacks.c opens by dlopen(): two frames of its own, then back into the program. */
__attribute__((noinline)) static int library_inner(int (*callback)(int), int value)
{
	return callback(value) + 1;
}

int library_entry(int (*callback)(int), int value)
{
	return library_inner(callback, value) + 2;
}
