/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A thread that reads a piece of an image while its owner looks at another one. One order at a time; all
 * calls come from one thread, the owner's. The second buffer of a window that reads ahead. Private to
 * inspector/.
 */
#ifndef HW_INSPECTOR_AHEAD_H
#define HW_INSPECTOR_AHEAD_H

#include "inspector/inspector.h"

struct hw_ahead;

/* Starts the thread. NULL: memory or threads are short. */
struct hw_ahead *hw_ahead_create(const struct hw_image *image);
/* Waits until the thread has ended. NULL is fine. */
void hw_ahead_destroy(struct hw_ahead *ahead);

/* Has `size` bytes (not 0) from `address` on read into `data`, which is the thread's until hw_ahead_wait().
 */
void hw_ahead_order(struct hw_ahead *ahead, uint64_t address, uint8_t *data, size_t size);

/* Waits for what was ordered last; how many bytes of it could be read. */
size_t hw_ahead_wait(struct hw_ahead *ahead);

#endif
