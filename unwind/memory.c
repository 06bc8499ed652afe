/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small cache of pages over the image. */
#include "unwind/memory.h"

void hw_memory_init(struct hw_memory *memory, const struct hw_image *image)
{
	*memory = (struct hw_memory){ .image = image };
}

void hw_memory_deinit(struct hw_memory *memory)
{
	free(memory->pages);
	memory->pages = NULL;
}

/* The cached page that begins at `address`; NULL when nothing can be read from its start. */
static const struct hw_memory_page *page_at(struct hw_memory *memory, uint64_t address)
{
	struct hw_memory_page *page;

	if (!memory->pages)
		memory->pages = calloc(HW_MEMORY_PAGES, sizeof(*memory->pages));
	if (!memory->pages)
		return NULL;
	page = &memory->pages[address / HW_MEMORY_PAGE % HW_MEMORY_PAGES];
	if (page->valid && page->address == address)
		return page;
	page->address = address;
	page->valid = hw_image_read_some(memory->image, address, page->bytes, sizeof(page->bytes));
	return page->valid ? page : NULL;
}

bool hw_memory_read(struct hw_memory *memory, uint64_t address, void *buffer, size_t size)
{
	uint64_t start = hw_round_down(address, HW_MEMORY_PAGE);
	size_t offset = address - start;

	if (offset + size <= HW_MEMORY_PAGE) {
		const struct hw_memory_page *page = page_at(memory, start);

		if (page && offset + size <= page->valid) {
			memcpy(buffer, page->bytes + offset, size);
			return true;
		}
	}
	return hw_image_read_some(memory->image, address, buffer, size) == size;
}

bool hw_memory_read_word(struct hw_memory *memory, uint64_t address, uint64_t *value)
{
	uint8_t bytes[8];

	if (!hw_memory_read(memory, address, bytes, memory->image->word_size))
		return false;
	*value = hw_image_word(memory->image, bytes);
	return true;
}
