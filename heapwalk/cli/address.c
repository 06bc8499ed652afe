/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one chunk that is meant. */
#include "heapwalk/cli/address.h"

#include "heapwalk/cli/view.h"

static bool is_that_chunk(uint32_t index, const void *argument)
{
	return index == *(const uint32_t *)argument;
}

/* A block in use goes on into the first word of the next chunk's header, which is the footer of a free one.
 */
static bool find_chunk(const struct hw_heap *heap, uint64_t address, uint32_t *index)
{
	if (!hw_heap_find(heap, address, index))
		return false;
	if (*index && address < hw_chunk_address(heap, *index) + heap->word_size &&
		hw_chunk_state(heap, *index - 1) == HW_CHUNK_LIVE)
		--*index;
	return true;
}

/* Where no live chunk is, what there is instead: whoever names an address wants to know about it. */
static struct hw_error *refuse_address(const struct hw_session *session, uint64_t address)
{
	struct hw_word_meaning meaning = hw_word_explain(session->heap, session->accounting, address);
	unsigned long long at = address;

	switch (meaning.kind) {
	case HW_WORD_CHUNK:
		return hw_error_create(HW_ERROR_NOT_FOUND,
			"there is no live chunk at %#llx: it lies in a chunk that is %s", at,
			hw_chunk_state_name(hw_chunk_state(session->heap, meaning.chunk)));
	case HW_WORD_STACK:
		return hw_error_create(
			HW_ERROR_NOT_FOUND, "there is no chunk at %#llx: it lies in a thread's stack", at);
	case HW_WORD_MODULE:
	case HW_WORD_MAPPED:
		return hw_error_create(HW_ERROR_NOT_FOUND, "there is no chunk at %#llx: it lies in %s", at,
			meaning.map && *meaning.map->path ? meaning.map->path
							  : "memory that is not malloc's");
	default:
		return hw_error_create(
			HW_ERROR_NOT_FOUND, "there is no chunk at %#llx: nothing is mapped there", at);
	}
}

struct hw_error *hw_session_select_address(struct hw_session *session)
{
	bool must_live = hw_views_needs(session->options.views) & HW_VIEW_GRAPH;
	uint64_t address = session->options.address;
	const struct hw_heap *heap = session->heap;

	if (!address)
		return NULL;
	if (!find_chunk(heap, address, &session->named) ||
		(must_live && !hw_chunk_is_live(heap, session->named)))
		return hw_error_remedy(refuse_address(session, address),
			"heapwalk --list and --dump show the addresses of chunks.");
	session->options.selection = (struct hw_selection){
		.states = 1u << hw_chunk_state(heap, session->named),
		.matches = is_that_chunk,
		.argument = &session->named,
	};
	return NULL;
}
