/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A core's notes. The kernel writes NT_PRSTATUS of the thread that died, what concerns the process, that
 * thread's other registers, then the same for every further thread (fs/binfmt_elf.c, write_note_info()); gdb
 * puts the process first. Either way, what follows an NT_PRSTATUS belongs to its thread.
 */
#include <signal.h>

#include "inspector/core.h"

/* 32,768 threads with AVX-512 registers: more than this is no core that a person has. */
#define NOTES_MAX ((uint64_t)256 << 20)

/* sizeof(pr_psargs) */
#define ARGUMENTS_SIZE 80

static struct hw_elf_cursor cursor_at(const struct hw_core *core, const uint8_t *bytes)
{
	return (struct hw_elf_cursor){ .at = bytes, .layout = core->header.layout };
}

static uint32_t u16_at(const struct hw_core *core, const uint8_t *bytes)
{
	struct hw_elf_cursor cursor = cursor_at(core, bytes);

	return hw_elf_take_u16(&cursor);
}

static uint32_t u32_at(const struct hw_core *core, const uint8_t *bytes)
{
	struct hw_elf_cursor cursor = cursor_at(core, bytes);

	return hw_elf_take_u32(&cursor);
}

static uint64_t word_at(const struct hw_core *core, const uint8_t *bytes)
{
	struct hw_elf_cursor cursor = cursor_at(core, bytes);

	return hw_elf_take_word(&cursor);
}

/* Replaces the register set by a copy of `size` bytes. */
static struct hw_error *set_registers(struct hw_register_set *set, const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return hw_error_no_memory();
	memcpy(copy, bytes, size);
	free(set->bytes);
	*set = (struct hw_register_set){ .bytes = copy, .size = size };
	return NULL;
}

/* pc and its kin from the general registers. */
static void read_registers(const struct hw_core *core, struct hw_thread *thread)
{
	const struct hw_core_machine *machine = core->machine;
	const uint8_t *bytes = thread->general.bytes;

	thread->has_registers = true;
	thread->pc = word_at(core, bytes + machine->pc);
	thread->sp = word_at(core, bytes + machine->sp);
	if (machine->thread_pointer != HW_CORE_NO_REGISTER)
		thread->thread_pointer = word_at(core, bytes + machine->thread_pointer);
	if (machine->system_call != HW_CORE_NO_REGISTER) {
		uint64_t sign = (uint64_t)1 << (machine->word_size * 8 - 1);

		thread->in_system_call = !(word_at(core, bytes + machine->system_call) & sign);
	}
}

/* The signal if it is one that makes cores: gcore stores the SIGSTOP that it stopped the process by. */
static int core_signal(int number)
{
	static const int makers[] = { SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU,
		SIGXFSZ, SIGSYS };

	for (size_t i = 0; i < hw_array_size(makers); i++) {
		if (makers[i] == number)
			return number;
	}
	return 0;
}

static struct hw_error *take_status(struct hw_core *core, const struct hw_elf_note *note)
{
	const struct hw_core_machine *machine = core->machine;
	struct hw_snapshot *snapshot = core->snapshot;
	struct hw_thread *thread;
	struct hw_error *error;

	if (note->size < machine->status_pid + 4)
		return NULL;
	if (!snapshot->thread_count && !snapshot->terminating_signal)
		snapshot->terminating_signal =
			core_signal((int)u16_at(core, note->data + machine->status_signal));
	thread = hw_snapshot_add_thread(snapshot);
	if (!thread)
		return hw_error_no_memory();
	thread->tid = (pid_t)u32_at(core, note->data + machine->status_pid);
	thread->state = '?';
	if (note->size < machine->registers + machine->registers_size)
		return NULL;
	error = set_registers(&thread->general, note->data + machine->registers, machine->registers_size);
	if (!error)
		read_registers(core, thread);
	return error;
}

/*
 * pr_psargs: the arguments, joined by blanks, of which the kernel keeps the first 79 bytes. It leaves a blank
 * at the end. NULL when memory is short.
 */
static char *arguments_text(const uint8_t *bytes)
{
	const size_t kept = ARGUMENTS_SIZE - 1;
	size_t length = strnlen((const char *)bytes, kept);
	bool cut = length == kept;
	char *text;

	while (length && bytes[length - 1] == ' ')
		length--;
	return asprintf(&text, "%.*s%s", (int)length, (const char *)bytes, cut ? "..." : "") < 0 ? NULL
												 : text;
}

static struct hw_error *take_process(struct hw_core *core, const struct hw_elf_note *note)
{
	const struct hw_core_machine *machine = core->machine;
	struct hw_process *process = &core->snapshot->process;
	char *arguments;

	if (note->size < machine->info_arguments + ARGUMENTS_SIZE)
		return NULL;
	arguments = arguments_text(note->data + machine->info_arguments);
	if (!arguments)
		return hw_error_no_memory();
	free(process->command_line);
	process->command_line = arguments;
	process->pid = (pid_t)u32_at(core, note->data + machine->info_pid);
	process->uid = machine->info_uid_size == 2 ? u16_at(core, note->data + machine->info_uid)
						   : u32_at(core, note->data + machine->info_uid);
	memcpy(process->name, note->data + machine->info_name, sizeof(process->name));
	process->name[sizeof(process->name) - 1] = '\0';
	return NULL;
}

/* One entry of NT_FILE, if it is a sound one. */
static struct hw_error *add_file(struct hw_core *core, const struct hw_core_file *file)
{
	struct hw_core_file *slot;

	if (file->end <= file->start || !file->path[0])
		return NULL;
	slot = hw_array_next(core->files, core->file_count, core->file_capacity);
	if (!slot)
		return hw_error_no_memory();
	*slot = *file;
	core->file_count++;
	return NULL;
}

/* count, page size, then count times start, end, offset in pages; then count names (fill_files_note()). */
static struct hw_error *take_files(struct hw_core *core, const struct hw_elf_note *note)
{
	const size_t word = core->header.layout.word_size;
	struct hw_elf_cursor cursor = cursor_at(core, note->data);
	const uint8_t *name, *end = note->data + note->size;
	uint64_t count, page_size;

	core->has_file_note = true;
	if (note->size < 2 * word)
		return NULL;
	count = hw_elf_take_word(&cursor);
	page_size = hw_elf_take_word(&cursor);
	if (count > (note->size - 2 * word) / (3 * word))
		return hw_snapshot_warn(core->snapshot, "the core's list of mapped files is damaged");
	name = cursor.at + count * 3 * word;
	for (uint64_t i = 0; i < count; i++) {
		const uint8_t *nul = name < end ? memchr(name, '\0', (size_t)(end - name)) : NULL;
		struct hw_core_file file = { .path = (const char *)name };
		struct hw_error *error;

		file.start = hw_elf_take_word(&cursor);
		file.end = hw_elf_take_word(&cursor);
		file.offset = hw_elf_take_word(&cursor) * page_size;
		if (!nul)
			return hw_snapshot_warn(core->snapshot, "the core's list of mapped files is cut off");
		error = add_file(core, &file);
		if (error)
			return error;
		name = nul + 1;
	}
	return NULL;
}

/* struct user_desc entries: entry number, base, limit, flags; gs selects one of them. */
static void take_i386_tls(struct hw_core *core, const struct hw_elf_note *note, struct hw_thread *thread)
{
	const size_t each = 16;
	uint64_t selector;

	if (core->machine->thread_segment == HW_CORE_NO_REGISTER || !thread->has_registers)
		return;
	selector = word_at(core, thread->general.bytes + core->machine->thread_segment);
	for (size_t at = 0; note->size - at >= each; at += each) {
		if (u32_at(core, note->data + at) == (selector & 0xffff) >> 3)
			thread->thread_pointer = u32_at(core, note->data + at + 4);
	}
}

/* Notes under the owner "LINUX" (and NT_FPREGSET under "CORE"): more about the thread before them. */
static struct hw_error *take_thread_note(
	struct hw_core *core, const struct hw_elf_note *note, struct hw_thread *thread)
{
	switch (note->type) {
	case NT_FPREGSET: /* the smaller set: only if there is no other */
		return thread->vector.bytes ? NULL : set_registers(&thread->vector, note->data, note->size);
	case NT_PRXFPREG:
		if (note->size < thread->vector.size)
			return NULL;
		return set_registers(&thread->vector, note->data, note->size);
	case NT_X86_XSTATE:
		return set_registers(&thread->vector, note->data, note->size);
	case NT_386_TLS:
		take_i386_tls(core, note, thread);
		return NULL;
	case NT_ARM_TLS:
		if (note->size >= 8)
			thread->thread_pointer = word_at(core, note->data);
		return NULL;
	case NT_ARM_SYSTEM_CALL:
		if (note->size >= 4)
			thread->in_system_call = (int32_t)u32_at(core, note->data) >= 0;
		return NULL;
	}
	return NULL;
}

static struct hw_error *take_note(struct hw_core *core, const struct hw_elf_note *note)
{
	struct hw_snapshot *snapshot = core->snapshot;
	struct hw_thread *thread =
		snapshot->thread_count ? &snapshot->threads[snapshot->thread_count - 1] : NULL;

	if (hw_elf_note_is(note, "CORE", NT_PRSTATUS))
		return take_status(core, note);
	if (hw_elf_note_is(note, "CORE", NT_PRPSINFO))
		return take_process(core, note);
	if (hw_elf_note_is(note, "CORE", NT_FILE))
		return take_files(core, note);
	if (hw_elf_note_is(note, "CORE", NT_AUXV))
		hw_elf_auxv_decode(core->header.layout, note->data, note->size, &snapshot->holding->auxv);
	else if (hw_elf_note_is(note, "CORE", NT_SIGINFO) && note->size >= 4)
		snapshot->terminating_signal = core_signal((int)u32_at(core, note->data));
	else if (thread &&
		 (hw_elf_note_is(note, "LINUX", note->type) || hw_elf_note_is(note, "CORE", NT_FPREGSET)))
		return take_thread_note(core, note, thread);
	return NULL;
}

/* Reads one PT_NOTE; its bytes are kept by the core, since paths of NT_FILE point into them. */
static struct hw_error *read_notes(struct hw_core *core, const struct hw_elf_segment *segment)
{
	size_t size = hw_min(segment->file_size, NOTES_MAX - core->note_size), offset = 0;
	struct hw_elf_note note;
	struct hw_error *error;
	uint8_t *bytes;

	if (!size)
		return NULL;
	core->note_size += size;
	bytes = malloc(size);
	error = bytes ? hw_core_keep(core, bytes) : hw_error_no_memory();
	if (error)
		return error;
	size = hw_core_read(core, segment->file_offset, bytes, size);
	/* Notes in cores are aligned to 4 on every machine, whatever p_align says. */
	while (hw_elf_note_next(core->header.layout, bytes, size, 4, &offset, &note)) {
		error = take_note(core, &note);
		if (error)
			return error;
	}
	if (offset < size)
		return hw_snapshot_warn(core->snapshot,
			"the core's notes are damaged after %zu of %zu bytes: threads may be missing", offset,
			size);
	return NULL;
}

/* The leader first, then by id. `argument` is the process id. */
static int compare_threads(const void *one, const void *other, void *argument)
{
	const struct hw_thread *a = one, *b = other;
	pid_t leader = *(const pid_t *)argument;

	if ((a->tid == leader) != (b->tid == leader))
		return a->tid == leader ? -1 : 1;
	return (a->tid > b->tid) - (a->tid < b->tid);
}

/* A core that says nothing about its process is called after the thread that it describes first. */
static void tidy_threads(struct hw_snapshot *snapshot)
{
	struct hw_process *process = &snapshot->process;

	if (!snapshot->thread_count)
		return;
	if (!process->pid)
		process->pid = snapshot->threads[0].tid;
	qsort_r(snapshot->threads, snapshot->thread_count, sizeof(*snapshot->threads), compare_threads,
		&process->pid);
	if (snapshot->threads[0].tid == process->pid)
		memcpy(snapshot->threads[0].name, process->name, sizeof(process->name));
}

/* 4 to 64 KiB on the machines that we know; what else a core claims is not believed. */
static void take_page_size(struct hw_snapshot *snapshot)
{
	uint64_t size = snapshot->holding->auxv.page_size;

	if (size >= 4096 && size <= 65536 && !(size & (size - 1)))
		snapshot->page_size = size;
}

struct hw_error *hw_core_read_notes(struct hw_core *core)
{
	for (size_t i = 0; i < core->note_count; i++) {
		struct hw_error *error = read_notes(core, &core->notes[i]);

		if (error)
			return error;
	}
	tidy_threads(core->snapshot);
	take_page_size(core->snapshot);
	if (!core->snapshot->thread_count)
		return hw_snapshot_warn(core->snapshot, "the core has no registers of any thread: what only "
							"they and the stacks hold is missing");
	return NULL;
}
