/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ctrl-C and its kin: the program ends by the signal, with the target let go and no unfinished file left.
 */
#ifndef HW_CLI_INTERRUPT_H
#define HW_CLI_INTERRUPT_H

#include "inspector/inspector.h"

/* Takes over SIGINT, SIGTERM, SIGHUP and SIGQUIT where they are not ignored, and ignores SIGPIPE. */
void hw_interrupt_init(void);

/* What a signal does at this stage. */
enum hw_interrupt_mode {
	HW_INTERRUPT_AT_ONCE,  /* ends the program: there is nothing to bring in order */
	HW_INTERRUPT_IN_ORDER, /* is noted; a second one ends the program: the kernel ends a snapshot process
				*/
	HW_INTERRUPT_LATER,    /* is noted, however many come: the target may be stopped just now */
};

void hw_interrupt_set_mode(enum hw_interrupt_mode mode);

/* HW_ERROR_INTERRUPTED once a signal was noted: time to clean up. */
struct hw_error *hw_interrupt_check(void) hw_must_check;

/*
 * Ends the program by the signal that was noted, or by SIGPIPE if `error` is that the reader has gone: a
 * shell wants to see that. Returns when there is no such reason.
 */
void hw_interrupt_finish(const struct hw_error *error);

#endif
