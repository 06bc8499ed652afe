/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which boot this is. */
#include "inspector/inspector.h"

void hw_boot_id(char id[40])
{
	hw_autofclose FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	id[0] = '\0';
	if (file && fgets(id, 40, file))
		id[strcspn(id, "\n")] = '\0';
}
