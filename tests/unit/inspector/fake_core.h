/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cores of three machines in both byte orders, written field by field after the kernel's structures, of a
 * process of two threads with one mapped object, a heap and a stack.
 */
#ifndef HW_TESTS_INSPECTOR_FAKE_CORE_H
#define HW_TESTS_INSPECTOR_FAKE_CORE_H

#include <signal.h>

#include "tests/unit/inspector/fake_object.h"

enum {
	CORE_OBJECT = 0x10000000,
	CORE_HEAP = 0x20000000,
	CORE_RESERVED = 0x30000000,
	CORE_STACK = 0x40000000,
	CORE_LEADER = 41,
	CORE_CRASHED = 42,
	CORE_UID = 1000,
};

/* The program headers of the core, in this order. */
enum { CORE_NOTES, CORE_TEXT, CORE_DATA, CORE_HEAP_LOAD, CORE_RESERVED_LOAD, CORE_STACK_LOAD, CORE_HEADERS };

struct core_shape {
	unsigned machine;
	unsigned word;
	bool big_endian;
	const char *object_path; /* NULL: no NT_FILE */
	bool header_dumped;      /* the object's first page, as the kernel and gcore do by default */
	bool text_load;          /* false: NT_FILE alone knows the text, as gcore has it */
	bool data_dumped;
	bool zero_stack;
	uint64_t build_id;
};

static const struct core_shape plain_core = { EM_X86_64, 8, false, NULL, true, true, true, false, 1 };

/* The machine's general registers with these four in their places and their own index elsewhere. */
static inline void put_registers(
	struct bytes *bytes, unsigned machine, uint64_t pc, uint64_t sp, uint64_t call, uint64_t fs_base)
{
	/* <sys/user.h>'s struct user_regs_struct of x86-64 and i386; struct user_pt_regs of arm64. */
	const unsigned count = machine == EM_X86_64 ? 27 : machine == EM_386 ? 17 : 34;

	for (unsigned i = 0; i < count; i++) {
		uint64_t value = 0x100 + i;

		if (i == (machine == EM_X86_64 ? 16u : machine == EM_386 ? 12u : 32u))
			value = pc;
		else if (i == (machine == EM_X86_64 ? 19u : machine == EM_386 ? 15u : 31u))
			value = sp;
		else if (machine != EM_AARCH64 && i == (machine == EM_X86_64 ? 15u : 11u))
			value = call;
		else if (machine == EM_X86_64 && i == 21)
			value = fs_base;
		else if (machine == EM_386 && i == 10)
			value = 12 << 3 | 3; /* gs: descriptor 12 */
		put_word(bytes, value);
	}
}

/* struct elf_prstatus, include/linux/elfcore.h. */
static inline void put_status(struct bytes *core, unsigned machine, unsigned tid, unsigned signal,
	uint64_t pc, uint64_t sp, uint64_t call, uint64_t fs_base)
{
	struct bytes status = { .word = core->word, .big_endian = core->big_endian };

	put32(&status, signal); /* pr_info: si_signo, si_code, si_errno */
	put32(&status, 0);
	put32(&status, 0);
	put16(&status, signal); /* pr_cursig */
	put16(&status, 0);
	put_word(&status, 0); /* pr_sigpend, pr_sighold */
	put_word(&status, 0);
	put32(&status, tid);
	put32(&status, 1);  /* pr_ppid */
	put32(&status, 41); /* pr_pgrp, pr_sid */
	put32(&status, 41);
	for (unsigned i = 0; i < 8; i++) /* four times of seconds and microseconds */
		put_word(&status, i);
	put_registers(&status, machine, pc, sp, call, fs_base);
	put_word(&status, 0); /* pr_fpvalid and padding */
	put_note(core, "CORE", NT_PRSTATUS, status.data, status.size);
	bytes_free(&status);
}

/* struct elf_prpsinfo; i386 has 16-bit user ids. */
static inline void put_process(struct bytes *core, unsigned machine)
{
	struct bytes info = { .word = core->word, .big_endian = core->big_endian };
	const char name[16] = "worker", arguments[80] = "/usr/bin/worker --fast ";

	put32(&info, 0); /* pr_state, pr_sname, pr_zomb, pr_nice */
	put_until(&info, core->word, 0);
	put_word(&info, 0); /* pr_flag */
	put_number(&info, CORE_UID, machine == EM_386 ? 2 : 4);
	put_number(&info, 100, machine == EM_386 ? 2 : 4);
	put32(&info, CORE_LEADER);
	put32(&info, 1);
	put32(&info, 41);
	put32(&info, 41);
	put_bytes(&info, name, sizeof(name));
	put_bytes(&info, arguments, sizeof(arguments));
	put_note(core, "CORE", NT_PRPSINFO, info.data, info.size);
	bytes_free(&info);
}

static inline void put_auxv(struct bytes *core)
{
	struct bytes auxv = { .word = core->word, .big_endian = core->big_endian };

	put_dynamic_entry(&auxv, AT_PAGESZ, PAGE);
	put_dynamic_entry(&auxv, AT_PHDR, CORE_OBJECT + (core->word == 8 ? 64 : 52));
	put_dynamic_entry(&auxv, AT_EXECFN, CORE_STACK + PAGE - 16);
	put_dynamic_entry(&auxv, AT_NULL, 0);
	put_note(core, "CORE", NT_AUXV, auxv.data, auxv.size);
	bytes_free(&auxv);
}

/* Two mappings of one file: fill_files_note() in fs/binfmt_elf.c. */
static inline void put_files(struct bytes *core, const char *path)
{
	struct bytes files = { .word = core->word, .big_endian = core->big_endian };

	put_word(&files, 2);
	put_word(&files, PAGE);
	put_word(&files, CORE_OBJECT);
	put_word(&files, CORE_OBJECT + 2 * PAGE);
	put_word(&files, 0);
	put_word(&files, CORE_OBJECT + 2 * PAGE);
	put_word(&files, CORE_OBJECT + 3 * PAGE);
	put_word(&files, 2);
	put_bytes(&files, path, strlen(path) + 1);
	put_bytes(&files, path, strlen(path) + 1);
	put_note(core, "CORE", NT_FILE, files.data, files.size);
	bytes_free(&files);
}

/* What follows NT_PRSTATUS of a thread: floating point, and where i386 and aarch64 keep the thread pointer.
 */
static inline void put_thread_extras(struct bytes *core, unsigned machine, uint64_t thread_pointer)
{
	struct bytes extra = { .word = core->word, .big_endian = core->big_endian };
	uint8_t vector[512] = { 0xfe };

	put_note(core, "CORE", NT_FPREGSET, vector, sizeof(vector));
	if (machine == EM_386) {
		for (unsigned entry = 11; entry <= 13; entry++) {
			put32(&extra, entry);
			put32(&extra, entry == 12 ? thread_pointer : 0xbad);
			put32(&extra, 0xfffff);
			put32(&extra, 0x51);
		}
		put_note(core, "LINUX", NT_386_TLS, extra.data, extra.size);
	} else if (machine == EM_AARCH64) {
		put_word(&extra, thread_pointer);
		put_note(core, "LINUX", NT_ARM_TLS, extra.data, extra.size);
		bytes_free(&extra);
		put32(&extra, 0xffffffff); /* in no system call */
		put_note(core, "LINUX", NT_ARM_SYSTEM_CALL, extra.data, extra.size);
	}
	bytes_free(&extra);
}

static inline void put_notes(struct bytes *core, const struct core_shape *shape)
{
	struct bytes siginfo = { .word = core->word, .big_endian = core->big_endian };

	put_status(core, shape->machine, CORE_CRASHED, SIGSEGV, CORE_OBJECT + PAGE + 1, CORE_STACK + 0x100,
		~0ULL, CORE_HEAP + 0x42);
	put_process(core, shape->machine);
	put32(&siginfo, SIGSEGV);
	put_until(&siginfo, 128, 0);
	put_note(core, "CORE", NT_SIGINFO, siginfo.data, siginfo.size);
	bytes_free(&siginfo);
	put_auxv(core);
	if (shape->object_path)
		put_files(core, shape->object_path);
	put_thread_extras(core, shape->machine, CORE_HEAP + 0x42);
	put_status(core, shape->machine, CORE_LEADER, 0, CORE_OBJECT + PAGE + 2, CORE_STACK + 0x200, 202,
		CORE_HEAP + 0x41);
	put_thread_extras(core, shape->machine, CORE_HEAP + 0x41);
}

static inline struct object_shape object_of(const struct core_shape *shape)
{
	return (struct object_shape){ shape->word, shape->big_endian, shape->machine, ET_DYN, 0, true,
		shape->machine != EM_386, 0 };
}

/* The object as it is in memory: ld.so has put its addresses into the dynamic section. */
static inline struct bytes object_in_memory(const struct core_shape *shape)
{
	struct object_shape object = object_of(shape);

	object.adjusted = CORE_OBJECT;
	return make_object(&object, shape->build_id);
}

static inline struct bytes object_file(const struct core_shape *shape)
{
	struct object_shape object = object_of(shape);

	return make_object(&object, shape->build_id);
}

/* One PT_LOAD: `stored` bytes follow at the next page of the file. */
static inline void put_load(struct bytes *core, size_t index, uint32_t flags, uint64_t address,
	const uint8_t *stored, size_t stored_size, uint64_t size)
{
	put_until(core, (core->size + PAGE - 1) / PAGE * PAGE, 0);
	set_program_header(core, index, P_TYPE, PT_LOAD);
	set_program_header(core, index, P_FLAGS, flags);
	set_program_header(core, index, P_OFFSET, core->size);
	set_program_header(core, index, P_VADDR, address);
	set_program_header(core, index, P_FILESZ, stored_size);
	set_program_header(core, index, P_MEMSZ, size);
	put_bytes(core, stored, stored_size);
}

/* The heap: two pages of a counter; a third is not dumped. The stack: `7` wherever it is not zero. */
static inline struct bytes make_core(const struct core_shape *shape)
{
	struct bytes core = { .word = shape->word, .big_endian = shape->big_endian };
	struct bytes object = object_in_memory(shape);
	uint8_t heap[2 * PAGE], stack[PAGE];

	for (size_t i = 0; i < sizeof(heap); i++)
		heap[i] = (uint8_t)(i * 31 >> 3);
	memset(stack, shape->zero_stack ? 0 : 7, sizeof(stack));
	put_elf_header(&core, ET_CORE, shape->machine, CORE_HEADERS);
	for (unsigned i = 0; i < CORE_HEADERS; i++)
		put_program_header(&core, PT_NULL, 0, 0, 0, 0, 0, 0);
	set_program_header(&core, CORE_NOTES, P_TYPE, PT_NOTE);
	set_program_header(&core, CORE_NOTES, P_OFFSET, core.size);
	put_notes(&core, shape);
	set_program_header(
		&core, CORE_NOTES, P_FILESZ, core.size - at_program_header(&core, CORE_HEADERS, P_TYPE));
	if (shape->text_load)
		put_load(&core, CORE_TEXT, PF_R | PF_X, CORE_OBJECT, object.data,
			shape->header_dumped ? PAGE : 0, 2 * PAGE);
	put_load(&core, CORE_DATA, PF_R | PF_W, CORE_OBJECT + OBJECT_DYNAMIC, object.data + OBJECT_DYNAMIC,
		shape->data_dumped ? PAGE : 0, PAGE);
	put_load(&core, CORE_HEAP_LOAD, PF_R | PF_W, CORE_HEAP, heap, sizeof(heap), 3 * PAGE);
	put_load(&core, CORE_RESERVED_LOAD, 0, CORE_RESERVED, NULL, 0, 16 * PAGE);
	put_load(&core, CORE_STACK_LOAD, PF_R | PF_W, CORE_STACK, stack, sizeof(stack), PAGE);
	bytes_free(&object);
	return core;
}

#endif
