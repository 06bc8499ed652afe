/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "factory.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct scenario *find(const struct scenario *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static void list(const struct scenario *table)
{
	for (; table->name; table++)
		say("%s\n", table->name);
}

static const struct scenario *choose(const char *name)
{
	const struct scenario *scenario = find(scenarios, name);

	if (!scenario)
		scenario = find(damages, name);
	if (!scenario) {
		list(scenarios);
		list(damages);
		fail("usage: factory SCENARIO");
	}
	return scenario;
}

/* A static program's libc allocates before main(): all of that lies below the program's first block. */
static void note_start_up(void)
{
#ifdef FACTORY_STATIC
	note_libc_range("start-up", (void *)1, take(24)->pointer);
#endif
}

static void wait_for_byte(void)
{
	ssize_t n;
	char byte;

	do
		n = read(STDIN_FILENO, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		fail("standard input cannot be read");
}

int main(int argc, char **argv)
{
	const struct scenario *scenario = choose(argc == 2 ? argv[1] : "");

	/* Where the kernel lets only a parent look into a process. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	ledger_open();
	note_start_up();
	scenario->set_up();
	ledger_print();
	say("{\"ready\":\"%s\",\"pid\":%d,\"blocks\":%u}\n", scenario->name, (int)getpid(), ledger_count);
	output_flush();
	wait_for_byte();
	if (scenario->damages)
		_exit(0);
	threads_end();
	if (!ledger_is_intact())
		fail("a block was changed");
	_exit(0);
}
