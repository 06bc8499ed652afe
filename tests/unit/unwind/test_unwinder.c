/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Symbols, lines and stacks of this very process: its memory is read through /proc, its registers come from
 * getcontext(), and what it knows of itself (libgcc's unwinder, addresses, __LINE__) is the truth.
 */
#include <check.h>
#include <dlfcn.h>
#include <elf.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unwind.h>

#include "tests/unit/unwind/self.h"

#define NOINLINE __attribute__((noinline, noclone))
#define FRAMES   64

int hw_test_data[4] = { 1, 2, 3, 4 };
int hw_test_bss[4];

static struct hw_unwinder *make_unwinder(enum hw_unwind_method method)
{
	struct hw_unwinder_options options = { .method = method };
	struct hw_unwinder *unwinder = NULL;

	self_fail_on(hw_unwinder_create(self_snapshot, &options, &unwinder));
	return unwinder;
}

/* ------------------------------------------------------------------------------------------------ stacks */

static enum hw_unwind_method method;
static size_t limit;
static struct hw_stack stack;
static uintptr_t truth[FRAMES];
static int truth_interrupted[FRAMES]; /* a signal came here: the pc is no return address */
static size_t truth_count;

static _Unwind_Reason_Code on_frame(struct _Unwind_Context *context, void *argument hw_unused)
{
	if (truth_count < FRAMES) {
		truth[truth_count] = _Unwind_GetIPInfo(context, &truth_interrupted[truth_count]);
		truth_count++;
	}
	return _URC_NO_REASON;
}

NOINLINE static void innermost(void)
{
	struct hw_unwinder *unwinder = make_unwinder(method);
	ucontext_t context;

	_Unwind_Backtrace(on_frame, NULL);
	getcontext(&context);
	self_set_thread(&context);
	self_fail_on(hw_unwinder_stack(unwinder, 0, limit, &stack));
	hw_unwinder_destroy(unwinder);
}

NOINLINE static int recurse(int depth)
{
	if (depth)
		return recurse(depth - 1) + 1;
	innermost();
	return 0;
}

NOINLINE static int with_dynamic_stack(int size)
{
	volatile char *room = __builtin_alloca((size_t)size);

	room[0] = 1;
	return recurse(3) + room[0];
}

static void assert_same_as_libgcc(void)
{
	ck_assert_uint_gt(stack.frame_count, 6);
	ck_assert_uint_eq(stack.frame_count, truth_count);
	for (size_t i = 1; i < stack.frame_count; i++) {
		ck_assert_uint_eq(stack.frames[i].pc, truth[i]);
		ck_assert_uint_gt(stack.frames[i].sp, stack.frames[i - 1].sp);
		ck_assert(stack.frames[i].is_call_site);
	}
	ck_assert(!stack.frames[0].is_call_site);
}

static const enum hw_unwind_method methods[] = { HW_UNWIND_AUTO, HW_UNWIND_LIBUNWIND, HW_UNWIND_LIBDW };

START_TEST (test_stack) {
	method = methods[_i];
	ck_assert_int_eq(with_dynamic_stack(1000), 4);
	assert_same_as_libgcc();
	ck_assert_int_eq(stack.end, HW_STACK_COMPLETE);
	ck_assert_ptr_null(stack.reason);
	hw_stack_deinit(&stack);
}
END_TEST

START_TEST (test_stack_limit) {
	method = methods[_i];
	limit = 3;
	with_dynamic_stack(100);
	ck_assert_uint_eq(stack.frame_count, 3);
	ck_assert_int_eq(stack.end, HW_STACK_CUT);
	hw_stack_deinit(&stack);
}
END_TEST

static volatile sig_atomic_t was_handled;
static char alternate_stack[1 << 18];

static void on_signal(int signal_number hw_unused)
{
	was_handled = 1;
	recurse(2);
}

NOINLINE static int raise_it(void)
{
	return raise(SIGUSR1) + 1;
}

/* A handler's frames, the trampoline, what it interrupted; also with the handler on a stack of its own. */
static void check_signal(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };
	stack_t alternate = { .ss_size = sizeof(alternate_stack), .ss_sp = alternate_stack };
	size_t interrupted = 0;

	ck_assert_int_eq(sigaltstack(&alternate, NULL), 0);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	ck_assert_int_eq(raise_it(), 1);
	ck_assert(was_handled);
	ck_assert_uint_eq(stack.frame_count, truth_count);
	for (size_t i = 1; i < stack.frame_count; i++)
		ck_assert_uint_eq(stack.frames[i].pc, truth[i]);
	for (size_t i = 1; i < stack.frame_count; i++) {
		bool is_trampoline = i + 1 < truth_count && truth_interrupted[i + 1];

		ck_assert_int_eq(stack.frames[i].is_call_site, !truth_interrupted[i] && !is_trampoline);
		interrupted += truth_interrupted[i];
	}
	ck_assert_uint_eq(interrupted, 1);
	ck_assert_int_eq(stack.end, HW_STACK_COMPLETE);
	hw_stack_deinit(&stack);
}

START_TEST (test_stack_signal) {
	method = methods[_i];
	check_signal(0);
}
END_TEST

START_TEST (test_stack_alternate) {
	method = methods[_i];
	check_signal(SA_ONSTACK);
}
END_TEST

/* A thread whose pc lies nowhere, with a stack that cannot be read: one frame, broken, with a reason. */
START_TEST (test_stack_lost) {
	struct hw_unwinder *unwinder = make_unwinder(methods[_i]);
	ucontext_t context = { 0 };

	context.uc_mcontext.gregs[REG_RIP] = 0x10;
	context.uc_mcontext.gregs[REG_RSP] = 0x20;
	context.uc_mcontext.gregs[REG_RBP] = 0x30;
	self_set_thread(&context);
	self_fail_on(hw_unwinder_stack(unwinder, 0, 0, &stack));
	ck_assert_int_eq(stack.end, HW_STACK_BROKEN);
	ck_assert_uint_eq(stack.frame_count, 1);
	ck_assert_uint_eq(stack.frames[0].pc, 0x10);
	ck_assert_ptr_nonnull(stack.reason);
	hw_stack_deinit(&stack);
	hw_unwinder_destroy(unwinder);
}
END_TEST

/* Frame pointers that lead in a circle. */
START_TEST (test_stack_circle) {
	struct hw_unwinder *unwinder = make_unwinder(methods[_i]);
	uint64_t *ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ucontext_t context = { 0 };

	ck_assert(ring != MAP_FAILED);
	hw_unwinder_destroy(unwinder);
	hw_snapshot_destroy(self_snapshot);
	self_setup();
	unwinder = make_unwinder(methods[_i]);
	ring[0] = (uintptr_t)&ring[8];
	ring[1] = (uintptr_t)ring;
	ring[8] = (uintptr_t)&ring[0];
	ring[9] = (uintptr_t)ring;
	context.uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)ring;
	context.uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)ring;
	context.uc_mcontext.gregs[REG_RBP] = (greg_t)(uintptr_t)ring;
	self_set_thread(&context);
	self_fail_on(hw_unwinder_stack(unwinder, 0, 0, &stack));
	ck_assert_int_eq(stack.end, HW_STACK_BROKEN);
	ck_assert_uint_lt(stack.frame_count, 5);
	hw_stack_deinit(&stack);
	hw_unwinder_destroy(unwinder);
	munmap(ring, 4096);
}
END_TEST

START_TEST (test_stack_unknown) {
	struct hw_unwinder *unwinder = make_unwinder(HW_UNWIND_AUTO);
	struct hw_error *error;

	self_snapshot->threads = calloc(1, sizeof(*self_snapshot->threads));
	self_snapshot->thread_count = 1;
	self_fail_on(hw_unwinder_stack(unwinder, 0, 0, &stack));
	ck_assert_int_eq(stack.end, HW_STACK_UNKNOWN);
	ck_assert_uint_eq(stack.frame_count, 0);
	hw_stack_deinit(&stack);
	error = hw_unwinder_stack(unwinder, 1, 0, &stack);
	ck_assert(hw_error_catch(&error, HW_ERROR_USAGE));
	hw_unwinder_destroy(unwinder);
}
END_TEST

START_TEST (test_frame_at) {
	/* Innermost, its caller, a function interrupted by a signal, and two on another stack. */
	struct hw_frame frames[] = { { .sp = 0x1000 }, { .sp = 0x1040, .is_call_site = true },
		{ .sp = 0x1400 }, { .sp = 0x9000 }, { .sp = 0x9100, .is_call_site = true } };
	struct hw_stack made = { .frames = frames, .frame_count = hw_array_size(frames) };
	static const struct {
		uint64_t address;
		ptrdiff_t frame;
	} rows[] = { { 0, -1 }, { 0xf7f, -1 }, { 0xf80, 0 }, { 0x1000, 0 }, { 0x1001, 0 }, { 0x103f, 0 },
		{ 0x1040, 1 }, { 0x137f, 1 }, { 0x1380, 2 }, { 0x1fff, 2 }, { 0x8f80, 3 }, { 0x90ff, 3 },
		{ 0x9100, 4 }, { UINT64_MAX, 4 } };

	for (size_t i = 0; i < hw_array_size(rows); i++)
		ck_assert_int_eq(hw_stack_frame_at(&made, rows[i].address), rows[i].frame);
	made.frame_count = 0;
	ck_assert_int_eq(hw_stack_frame_at(&made, 0x1000), -1);
}
END_TEST

/* ---------------------------------------------------------------------------------------- symbols, lines */

NOINLINE static uintptr_t here(void)
{
	hw_test_bss[0]++;
	return (uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0));
}

START_TEST (test_symbols) {
	struct hw_unwinder *unwinder = make_unwinder(HW_UNWIND_AUTO);
	const struct {
		const void *address;
		const char *name;
		const char *section;
		uint64_t offset;
		uint64_t size;
		bool is_function;
	} rows[] = {
		{ &hw_test_data[1], "hw_test_data", ".data", 4, sizeof(hw_test_data), false },
		{ (const char *)hw_test_bss + 7, "hw_test_bss", ".bss", 7, sizeof(hw_test_bss), false },
		{ (const void *)here, "here", ".text", 0, 0, true },
		{ (const void *)hw_unwinder_line, "hw_unwinder_line", ".text", 0, 0, true },
		{ dlsym(RTLD_DEFAULT, "malloc"), "malloc", NULL, 0, 0, true },
		{ dlsym(RTLD_DEFAULT, "qsort"), "qsort", ".text", 0, 0, true },
	};

	for (size_t i = 0; i < hw_array_size(rows); i++) {
		struct hw_symbol symbol;

		ck_assert(hw_unwinder_symbol(unwinder, (uintptr_t)rows[i].address, &symbol));
		ck_assert_pstr_eq(symbol.name, rows[i].name);
		if (rows[i].section)
			ck_assert_pstr_eq(symbol.section, rows[i].section);
		ck_assert_uint_eq(symbol.offset, rows[i].offset);
		ck_assert_uint_ge(symbol.section_offset, symbol.offset);
		if (rows[i].size)
			ck_assert_uint_eq(symbol.size, rows[i].size);
		ck_assert_int_eq(symbol.is_function, rows[i].is_function);
	}
	hw_unwinder_destroy(unwinder);
}
END_TEST

START_TEST (test_no_symbol) {
	struct hw_unwinder *unwinder = make_unwinder(HW_UNWIND_AUTO);
	struct hw_symbol symbol;
	struct hw_source_line line;
	int local;
	void *heap = malloc(1);

	ck_assert(!hw_unwinder_symbol(unwinder, 0, &symbol));
	ck_assert(!hw_unwinder_symbol(unwinder, UINT64_MAX, &symbol));
	ck_assert(!hw_unwinder_symbol(unwinder, (uintptr_t)&local, &symbol));
	ck_assert(!hw_unwinder_symbol(unwinder, (uintptr_t)heap, &symbol));
	ck_assert(!hw_unwinder_line(unwinder, 0, &line));
	ck_assert(!hw_unwinder_line(unwinder, (uintptr_t)heap, &line));
	free(heap);
	hw_unwinder_destroy(unwinder);
}
END_TEST

/* The vdso has no file: its ELF image is the only source. */
START_TEST (test_vdso) {
	struct hw_unwinder *unwinder = make_unwinder(HW_UNWIND_AUTO);
	void *vdso = dlopen("linux-vdso.so.1", RTLD_NOW | RTLD_NOLOAD);
	void *function = vdso ? dlsym(vdso, "__vdso_clock_gettime") : NULL;
	struct hw_symbol symbol;

	ck_assert_ptr_nonnull(function);
	ck_assert(hw_unwinder_symbol(unwinder, (uintptr_t)function, &symbol));
	ck_assert_pstr_eq(symbol.name, "clock_gettime");
	ck_assert_str_eq(symbol.module, "[vdso]");
	ck_assert_pstr_eq(symbol.section, ".text");
	ck_assert_uint_eq(symbol.offset, 0);
	hw_unwinder_destroy(unwinder);
}
END_TEST

START_TEST (test_line) {
	struct hw_unwinder *unwinder = make_unwinder(HW_UNWIND_AUTO);
	uintptr_t address = here();
	int expected = __LINE__ - 1;
	struct hw_source_line line;
	const char *name;

	ck_assert(hw_unwinder_line(unwinder, address - 1, &line));
	name = strrchr(line.file, '/');
	ck_assert_str_eq(name ? name + 1 : line.file, "test_unwinder.c");
	ck_assert_int_eq(line.line, expected);
	hw_unwinder_destroy(unwinder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unwinder");
	TCase *tests = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int count = hw_array_size(methods);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, self_setup, self_teardown);
	tcase_add_loop_test(tests, test_stack, 0, count);
	tcase_add_loop_test(tests, test_stack_limit, 0, count);
	tcase_add_loop_test(tests, test_stack_signal, 0, count);
	tcase_add_loop_test(tests, test_stack_alternate, 0, count);
	tcase_add_loop_test(tests, test_stack_lost, 0, count);
	tcase_add_loop_test(tests, test_stack_circle, 0, count);
	tcase_add_test(tests, test_stack_unknown);
	tcase_add_test(tests, test_frame_at);
	tcase_add_test(tests, test_symbols);
	tcase_add_test(tests, test_no_symbol);
	tcase_add_test(tests, test_vdso);
	tcase_add_test(tests, test_line);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
