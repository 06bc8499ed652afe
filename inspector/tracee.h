/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One thread under ptrace: seized while it runs, interrupted, waited for, let go. All calls on one tracee
 * must come from the same process (the agent). Nothing here allocates memory. Private to inspector/.
 */
#ifndef HW_INSPECTOR_TRACEE_H
#define HW_INSPECTOR_TRACEE_H

#include "inspector/inspector.h"

enum hw_tracee_state {
	HW_TRACEE_NEW,     /* known, not ours yet */
	HW_TRACEE_RUNNING, /* ours, on its way to a stop */
	HW_TRACEE_STOPPED, /* in an event stop, from where its registers can be read and set */
	HW_TRACEE_ZOMBIE,  /* has ended but is still there: a leader whose other threads go on */
	HW_TRACEE_GONE,
};

struct hw_tracee {
	pid_t tid;
	enum hw_tracee_state state;
	bool group_stopped; /* SIGSTOP and its kin had stopped the process */
	char name[16];
	char found; /* the state letter of /proc/TID/stat before we came */
};

/* Fills name and found; a thread that is not there is GONE, one that has ended ZOMBIE. */
void hw_tracee_look(struct hw_tracee *tracee);

/*
 * Makes the thread ours without stopping it and without any option: if we die it is simply free again.
 * An errno value, 0: fine (also when it turned out ZOMBIE or GONE).
 */
int hw_tracee_seize(struct hw_tracee *tracee);

/* Asks a RUNNING thread to stop. */
void hw_tracee_interrupt(struct hw_tracee *tracee);

/*
 * Waits until a RUNNING thread, interrupted at `since_us` of hw_tracee_clock(), has stopped or ended; gives
 * up after some 20 ms on one that sleeps uninterruptibly, after a second on any other: it stays RUNNING. A
 * signal that it meets on the way is delivered: it then stops at its handler's first instruction. A system
 * call that the stop would make return EINTR is repaired (registers.h).
 */
void hw_tracee_await(struct hw_tracee *tracee, uint64_t since_us);

/* Whether a STOPPED thread still is: only SIGKILL ends a stop without us. */
bool hw_tracee_stands(const struct hw_tracee *tracee);

/* Lets a STOPPED thread go, to what it was doing: running, waiting, or stopped by SIGSTOP. It is NEW again.
 */
void hw_tracee_release(struct hw_tracee *tracee);

/* Microseconds of a clock that only goes forward. */
uint64_t hw_tracee_clock(void);

/* Sleeps until something happened to a tracee of ours, or `us` microseconds at most. */
void hw_tracee_doze(uint64_t us);

#endif
