/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A class that the program knows by its base only. */
#include "tests/targets/classes/classes.h"

namespace plugins
{
struct Reverb : Plugin {
	int run() override
	{
		return 7;
	}
	double delay[5] = { 0.25 };
};
} // namespace plugins

extern "C" Plugin *make_plugin()
{
	return new plugins::Reverb;
}
