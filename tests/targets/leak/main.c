/* SPDX-License-Identifier: GPL-3.0-or-later */
/* leak [SCENARIO]: planted leaks and hidden holders in C. Without a scenario: their names. See leak.h. */
#include "leak.h"

void scenario_lost_list(void);
void scenario_lost_tree(void);
void scenario_lost_ring(void);
void scenario_lost_both_ways(void);
void scenario_lost_blocks(void);
void scenario_hash_tables(void);
void scenario_interior(void);
void scenario_interior_habit(void);
void scenario_tagged(void);
void scenario_past_the_end(void);
void scenario_both_ways(void);
void scenario_length64(void);
void scenario_newarray(void);
void scenario_stdstring(void);
void scenario_aligned_by_hand(void);
void scenario_mmapped_holder(void);
void scenario_on_stack(void);
#if defined(__x86_64__)
void scenario_in_register(void);
#endif
void scenario_in_thread_local(void);
void scenario_in_specific(void);
void scenario_on_thread_stacks(void);
void scenario_dead_frames(void);
void scenario_ended_threads(void);
void scenario_thread_results(void);
void scenario_detached_threads(void);
void scenario_many_threads(void);
void scenario_in_mappings(void);
void scenario_in_sbrk(void);
void scenario_in_epoll(void);
void scenario_in_timers(void);
#ifndef LEAK_STATIC
void scenario_in_library(void);
void scenario_in_library_thread_local(void);
#endif
void scenario_on_signal_stack_malloc(void);
void scenario_on_signal_stack_mapped(void);
void scenario_in_coroutine_malloc(void);
void scenario_in_coroutine_mapped(void);
void scenario_sleeping_coroutine_mapped(void);
void scenario_own_thread_stacks(void);
void scenario_in_freed_memory(void);
void scenario_in_reused_memory(void);
void scenario_behind_texts(void);
void scenario_behind_links(void);
void scenario_healthy_libc(void);
void scenario_growing_cache(void);
void scenario_shared_cache(void);
void scenario_fragmented(void);

void *volatile root;
void *volatile roots[64];

static const struct scenario scenarios[] = {
	{ "lost-list", scenario_lost_list },
	{ "lost-tree", scenario_lost_tree },
	{ "lost-ring", scenario_lost_ring },
	{ "lost-both-ways", scenario_lost_both_ways },
	{ "lost-blocks", scenario_lost_blocks },
	{ "hash-tables", scenario_hash_tables },
	{ "interior", scenario_interior },
	{ "interior-habit", scenario_interior_habit },
	{ "tagged", scenario_tagged },
	{ "past-the-end", scenario_past_the_end },
	{ "both-pointers", scenario_both_ways },
	{ "length64", scenario_length64 },
	{ "newarray", scenario_newarray },
	{ "stdstring", scenario_stdstring },
	{ "aligned-by-hand", scenario_aligned_by_hand },
	{ "mmapped-holder", scenario_mmapped_holder },
	{ "stack", scenario_on_stack },
#if defined(__x86_64__)
	{ "register", scenario_in_register },
#endif
	{ "thread-local", scenario_in_thread_local },
	{ "thread-specific", scenario_in_specific },
	{ "thread-stacks", scenario_on_thread_stacks },
	{ "dead-frames", scenario_dead_frames },
	{ "ended-threads", scenario_ended_threads },
	{ "thread-results", scenario_thread_results },
	{ "detached-threads", scenario_detached_threads },
	{ "many-threads", scenario_many_threads },
	{ "mappings", scenario_in_mappings },
	{ "sbrk", scenario_in_sbrk },
	{ "epoll", scenario_in_epoll },
	{ "timers", scenario_in_timers },
#ifndef LEAK_STATIC
	{ "library", scenario_in_library },
	{ "library-thread-local", scenario_in_library_thread_local },
#endif
	{ "signal-stack-malloc", scenario_on_signal_stack_malloc },
	{ "signal-stack-mapped", scenario_on_signal_stack_mapped },
	{ "coroutine-malloc", scenario_in_coroutine_malloc },
	{ "coroutine-mapped", scenario_in_coroutine_mapped },
	{ "sleeping-coroutine", scenario_sleeping_coroutine_mapped },
	{ "own-thread-stacks", scenario_own_thread_stacks },
	{ "freed-memory", scenario_in_freed_memory },
	{ "reused-memory", scenario_in_reused_memory },
	{ "behind-texts", scenario_behind_texts },
	{ "behind-links", scenario_behind_links },
	{ "healthy-libc", scenario_healthy_libc },
	{ "growing-cache", scenario_growing_cache },
	{ "shared-cache", scenario_shared_cache },
	{ "fragmented", scenario_fragmented },
};

int main(int count, char **arguments)
{
	return leak_main(
		scenarios, sizeof(scenarios) / sizeof(scenarios[0]), count > 1 ? arguments[1] : NULL);
}
