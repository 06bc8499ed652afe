/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process of ours that cannot be cut short.
 *
 * While another process's threads stand, and above all while one of them runs a system call of ours, a
 * SIGKILL, a Ctrl-C or a Ctrl-Z must not hit whoever holds them. So a second process does that work: it
 * shares our memory and our descriptors, is in no terminal's process group, and blocks every signal. If
 * heapwalk is killed, the agent undoes what it has begun and ends.
 *
 * As after vfork(2), only one of the two runs at any time: the agent uses the thread-local variables of the
 * thread that started it, so it may call anything (malloc, errno), for that thread waits meanwhile. All of
 * the agent's own children and tracees are its alone to wait for.
 *
 * Private to inspector/.
 */
#ifndef HW_INSPECTOR_AGENT_H
#define HW_INSPECTOR_AGENT_H

#include "inspector/inspector.h"

struct hw_agent;

/* What the agent does. */
struct hw_agent_work {
	/* The work. True: the agent is needed further (it traces something) and sleeps until it is ended. */
	bool (*run)(struct hw_agent *agent, void *run_argument);
	void *run_argument;
	/*
	 * Called after the sleep, when it is ended or heapwalk has died. As that may have been in the middle
	 * of malloc(), it must not allocate.
	 */
	void (*finish)(void *finish_argument);
	void *finish_argument; /* lives as long as the agent */
};

/*
 * Runs `work` in a new agent and returns when `run` has returned: `*agent` is then the sleeping agent, or
 * NULL if it has ended because it was not needed. A signal handler of ours that was installed without
 * SA_RESTART and runs meanwhile cancels the work (hw_agent_is_cancelled()). HW_ERROR_GONE: something killed
 * the agent.
 */
struct hw_error *hw_agent_start(const struct hw_agent_work *work, struct hw_agent **agent) hw_must_check;

/* Lets the agent finish and waits for its end. NULL is fine. */
void hw_agent_end(struct hw_agent *agent);

/* For long loops within the work: true when nobody wants the result any more. */
bool hw_agent_is_cancelled(const struct hw_agent *agent);

#endif
