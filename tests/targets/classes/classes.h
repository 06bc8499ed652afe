/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the program and the library that it opens have in common. */
#ifndef CLASSES_H
#define CLASSES_H

struct Plugin {
	virtual ~Plugin()
	{
	}
	virtual int run() = 0;
	long state = 1;
};

#endif
