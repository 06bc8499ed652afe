/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When it is found out what the chunks are, by what, and the selection by type. */
#ifndef HW_CLI_TYPING_H
#define HW_CLI_TYPING_H

#include "heapwalk/cli/session.h"

/* True when somebody asked for types; then the references are wanted too. */
bool hw_session_wants_types(const struct hw_session *session);

/* True when a wanted view shows them if finding out does not take long. */
bool hw_session_welcomes_types(const struct hw_session *session);

/*
 * Fills session->typing when a wanted view or the selection needs it. The histogram alone is content with
 * what memory tells, and with nothing where that would take long; whoever asks for types gets all evidence,
 * debug information included.
 */
struct hw_error *hw_session_types(struct hw_session *session) hw_must_check;

#endif
