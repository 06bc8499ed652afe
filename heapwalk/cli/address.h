/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A chunk that was named by an address: "--who 0x5581a0c2b2a0". */
#ifndef HW_CLI_ADDRESS_H
#define HW_CLI_ADDRESS_H

#include "heapwalk/cli/session.h"

/*
 * Makes the chunk that holds the given address, in its middle too, the selected one, whatever else was
 * selected. Nothing to do where none was given. HW_ERROR_NOT_FOUND: there is none, or it is free and a view
 * tells of live ones only.
 */
struct hw_error *hw_session_select_address(struct hw_session *session) hw_must_check;

#endif
