/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which modules lack debug information, and the packages that would bring it. */
#ifndef HW_CLI_BLIND_H
#define HW_CLI_BLIND_H

#include "heapwalk/cli/session.h"

/* Fills session->blind, once. Needs the typing and the graph. */
struct hw_error *hw_session_blind(struct hw_session *session) hw_must_check;
void hw_session_blind_deinit(struct hw_session *session);

#endif
