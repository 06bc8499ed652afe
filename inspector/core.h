/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An ELF core while it is being opened: what its parts share until the snapshot is complete. core.c puts
 * together; core_segments.c reads the program headers, core_notes.c the notes, core_maps.c makes mappings of
 * both, core_files.c fills in what was left out of the core. Private to inspector/.
 */
#ifndef HW_INSPECTOR_CORE_H
#define HW_INSPECTOR_CORE_H

#include "inspector/elf.h"

/* Where one kind of machine's kernel puts what we want from its notes (struct elf_prstatus, elf_prpsinfo). */
struct hw_core_machine {
	unsigned machine; /* EM_* */
	unsigned word_size;
	const char *name;

	size_t status_signal; /* pr_cursig, 2 bytes */
	size_t status_pid;
	size_t registers; /* pr_reg, of registers_size bytes */
	size_t registers_size;

	/* Byte offsets in the registers; NO_REGISTER: not among them. */
	size_t pc;
	size_t sp;
	size_t system_call;    /* orig_rax: negative outside system calls */
	size_t thread_pointer; /* fs_base */
	size_t thread_segment; /* i386's gs: a selector into NT_386_TLS */

	size_t info_uid;
	size_t info_uid_size;
	size_t info_pid;
	size_t info_name;
	size_t info_arguments;
};

#define HW_CORE_NO_REGISTER SIZE_MAX

/* NULL when cores of this machine are not read. */
const struct hw_core_machine *hw_core_machine_find(unsigned machine, unsigned word_size);

/* A file mapping as NT_FILE has it; the path points into what struct hw_core keeps. */
struct hw_core_file {
	uint64_t start;
	uint64_t end;
	uint64_t offset; /* bytes */
	const char *path;
};

struct hw_core {
	struct hw_snapshot *snapshot; /* being filled */
	const char *path;
	int fd;        /* of the unpacked core; the snapshot's holding owns it */
	uint64_t size; /* of the file */
	struct hw_elf_header header;
	const struct hw_core_machine *machine;

	struct hw_elf_segment *loads; /* PT_LOAD: sorted, disjoint, file_size cut to what the file has */
	size_t load_count;
	size_t load_capacity;
	struct hw_elf_segment *notes; /* PT_NOTE */
	size_t note_count;
	size_t note_capacity;
	uint64_t cut_off; /* bytes that program headers promise past the end of the file */

	uint64_t note_size;         /* bytes of notes that were read */
	struct hw_core_file *files; /* of NT_FILE or ld.so's list */
	size_t file_count;
	size_t file_capacity;
	bool has_file_note;
	void **kept; /* buffers that live as long as this: paths point into them */
	size_t kept_count;
	size_t kept_capacity;
};

void hw_core_deinit(struct hw_core *core);

/* Frees `buffer` with the core; at once if that fails. */
struct hw_error *hw_core_keep(struct hw_core *core, void *buffer) hw_must_check;

/* Up to `size` bytes of the core file from `offset`; fewer at its end or where it cannot be read. */
size_t hw_core_read(const struct hw_core *core, uint64_t offset, void *buffer, size_t size);

/* Reads the program headers into loads and notes and puts what the core stores into the snapshot's image. */
struct hw_error *hw_core_read_segments(struct hw_core *core) hw_must_check;

/* Reads the notes: the snapshot's process, threads and auxiliary vector, and the core's files. */
struct hw_error *hw_core_read_notes(struct hw_core *core) hw_must_check;

/*
 * If there is no NT_FILE: takes the core's files from ld.so's list of loaded objects. They may be opened
 * here, but whether they are the ones that were mapped is for hw_core_add_files() to find out.
 */
struct hw_error *hw_core_read_links(struct hw_core *core) hw_must_check;

/* Takes stacks that the core stores as zeros, which they cannot have been, out of the image, and warns. */
struct hw_error *hw_core_drop_zero_stacks(struct hw_core *core) hw_must_check;

/* Finds i386 thread pointers that the core does not tell (gcore writes no NT_386_TLS). */
struct hw_error *hw_core_find_thread_pointers(struct hw_core *core) hw_must_check;

/* Makes the snapshot's mappings of loads and files. Those that are in no PT_LOAD have prot 0: not known. */
struct hw_error *hw_core_make_maps(struct hw_core *core) hw_must_check;

/* Adds to the image what the core leaves out and the files that it names certainly hold. Warns of the rest.
 */
struct hw_error *hw_core_add_files(struct hw_core *core) hw_must_check;

#endif
