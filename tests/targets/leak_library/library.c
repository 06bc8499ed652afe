/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A library to be dlopen'ed, with places to keep a pointer in. */
static void *kept;
static __thread void *kept_by_thread;
/* Large enough that it is not put into the static TLS surplus. */
static __thread char ballast[100000];

void library_keep(void *pointer)
{
	kept = pointer;
}

void library_keep_by_thread(void *pointer)
{
	ballast[0] = 1;
	kept_by_thread = pointer;
}

void *library_kept(void)
{
	return kept ? kept : kept_by_thread;
}
