/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a module's parts are filled in. Private to inspector/. */
#ifndef HW_INSPECTOR_MODULE_H
#define HW_INSPECTOR_MODULE_H

#include "inspector/elf.h"

/* One entry of a dynamic section, DT_* and its value as stored. */
struct hw_dynamic_entry {
	uint64_t tag;
	uint64_t value;
};

/* The dynamic section's layout is the image's. False at DT_NULL, at the end or where it cannot be read. */
bool hw_module_dynamic_entry(const struct hw_snapshot *snapshot, const struct hw_module *module, size_t index,
	struct hw_dynamic_entry *entry);

/* The first segment of this type, or NULL. Borrowed. */
const struct hw_elf_segment *hw_module_segment(const struct hw_module *module, uint32_t type);

/* Fills the fields about dynamic symbols and relocations of a module whose segments are known. */
void hw_module_read_dynamic(const struct hw_snapshot *snapshot, struct hw_module *module);

#endif
