/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two files of the program share. */
struct Elsewhere; /* defined in other.cpp */
struct Nowhere;   /* defined nowhere */

/* Prints other.cpp's own. */
void print_others();
