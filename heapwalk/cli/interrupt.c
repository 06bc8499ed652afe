/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signals that end the program, in order. */
#include "heapwalk/cli/interrupt.h"

#include <errno.h>
#include <signal.h>

#include "report/report.h"

static const int endings[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static volatile sig_atomic_t noted;
static volatile sig_atomic_t mode;

/* The default action kills, with the core dump that SIGQUIT asks for, once the handler returns. */
static void die(int signal)
{
	hw_report_remove_unfinished();
	sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	raise(signal);
}

static void handle(int signal)
{
	if (mode == HW_INTERRUPT_AT_ONCE || (mode == HW_INTERRUPT_IN_ORDER && noted))
		die(signal);
	noted = signal;
	hw_image_interrupt();
}

void hw_interrupt_init(void)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };

	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < hw_array_size(endings); i++) {
		struct sigaction before;

		/* nohup and shells' background jobs have them ignored: let them be. */
		if (sigaction(endings[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(endings[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

void hw_interrupt_set_mode(enum hw_interrupt_mode wanted)
{
	mode = wanted;
}

struct hw_error *hw_interrupt_check(void)
{
	return noted ? hw_error_create(HW_ERROR_INTERRUPTED, "interrupted") : NULL;
}

void hw_interrupt_finish(const struct hw_error *error)
{
	if (noted)
		die(noted);
	if (error && error->code == HW_ERROR_OS && error->errnum == EPIPE)
		die(SIGPIPE);
}
