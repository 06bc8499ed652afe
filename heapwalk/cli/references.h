/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stage that finds out who refers to what, where somebody asks for it. */
#ifndef HW_CLI_REFERENCES_H
#define HW_CLI_REFERENCES_H

#include "heapwalk/cli/session.h"

/* Fills session->graph if a view, the selection or --fail-on needs it. */
struct hw_error *hw_session_references(struct hw_session *session) hw_must_check;

/* --fail-on: *found when its condition holds. HW_ERROR_NOT_FOUND when that cannot be told. */
struct hw_error *hw_session_check(const struct hw_session *session, bool *found) hw_must_check;

#endif
