/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions that the catalogue alone answers. Knows no debug information, so that others can link it. */
#include "unwind/unwinder.h"

const struct hw_variable *hw_types_variable_at(const struct hw_types *types, uint64_t address)
{
	size_t low = 0, high = types->variable_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct hw_variable *variable = &types->variables[middle];

		if (variable->place == HW_VARIABLE_MEMORY && variable->address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - types->variables[low - 1].address >=
			    hw_max(types->types[types->variables[low - 1].type].size, UINT64_C(1)))
		return NULL;
	return &types->variables[low - 1];
}
