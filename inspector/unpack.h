/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compressed files, unpacked into unlinked temporary ones. Private to inspector/. */
#ifndef HW_INSPECTOR_UNPACK_H
#define HW_INSPECTOR_UNPACK_H

#include "inspector/inspector.h"

/*
 * If file `packed` (named `path` in messages) is compressed with zstd, gzip or lz4, unpacks it into a
 * temporary file in $TMPDIR (or /var/tmp, or /tmp), sparse where it is zero, that disappears with its
 * descriptor. `*fd` is then that, the caller's to close, else -1.
 *
 * A compressed file that ends too early or is damaged gives what came before, and `*damage` says so (the
 * caller's to free, NULL: none). HW_ERROR_OS with a remedy when the disk is full; HW_ERROR_UNSUPPORTED for
 * compressions that are not read.
 */
struct hw_error *hw_unpack(int packed, const char *path, int *fd, char **damage) hw_must_check;

#endif
