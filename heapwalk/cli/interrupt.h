/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ctrl-C and its kin. While a target is held, or a snapshot process of it lives, a signal is only noted, so
 * that the target is let go in order; otherwise it removes an unfinished file and ends the program at once.
 */
#ifndef HW_CLI_INTERRUPT_H
#define HW_CLI_INTERRUPT_H

#include "inspector/inspector.h"

/* Takes over SIGINT, SIGTERM, SIGHUP and SIGQUIT where they are not ignored, and ignores SIGPIPE. */
void hw_interrupt_init(void);

/* From true to false signals are noted only. Signals noted before are acted upon by hw_interrupt_check(). */
void hw_interrupt_hold(bool hold);

/* HW_ERROR_INTERRUPTED once a signal was noted: time to clean up. */
struct hw_error *hw_interrupt_check(void) hw_must_check;

/*
 * Ends the program by the signal that was noted, or by SIGPIPE if `error` is that the reader has gone: a
 * shell wants to see that. Returns when there is no such reason.
 */
void hw_interrupt_finish(const struct hw_error *error);

#endif
