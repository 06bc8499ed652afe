/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The other process.
 *
 * This layer finds a process or opens a core file, holds the process still for as short as it can, and hands
 * out one struct hw_snapshot: memory image, mappings, threads with registers, ELF modules. Whoever reads a
 * snapshot need not know whether it came from a live process or from a core. After the snapshot is made the
 * target runs again and the image does not change.
 *
 * It refuses to know anything about malloc, symbols' source lines or output. It never writes into a target's
 * memory, never sends it a signal, and never leaves it stopped: every thread that it stopped is let go before
 * the call that stopped it returns, also on failure, and the kernel lets go of them if heapwalk itself dies.
 *
 *	struct hw_snapshot *snapshot;
 *	struct hw_error *error = hw_snapshot_attach(pid, NULL, &snapshot);
 *	if (!error)
 *		error = hw_image_read(snapshot->image, address, buffer, sizeof(buffer));
 *	...
 *	hw_snapshot_destroy(snapshot);
 *
 * Conventions of the whole project: a function that can fail returns struct hw_error * (NULL: fine) and
 *leaves its out-parameters untouched on failure; sizes are bytes and ranges half-open unless a name says
 *otherwise; target addresses are uint64_t and never host pointers; a borrowed pointer lives as long as the
 *object that it was asked from.
 */
#ifndef HW_INSPECTOR_INSPECTOR_H
#define HW_INSPECTOR_INSPECTOR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "inspector/util.h"

/* ------------------------------------------------------------------------------------------------ errors */

enum hw_error_code {
	HW_ERROR_NO_MEMORY,   /* we ran out of memory */
	HW_ERROR_OS,          /* a system call failed: errnum */
	HW_ERROR_FAULT,       /* the target's memory cannot be read: address */
	HW_ERROR_FORMAT,      /* a file (core, ELF, snapshot) is not what it should be */
	HW_ERROR_NOT_FOUND,   /* what was asked for is not there */
	HW_ERROR_PERMISSION,  /* we may not; the remedy says which rule forbids it */
	HW_ERROR_GONE,        /* the target died or was replaced meanwhile */
	HW_ERROR_BUSY,        /* somebody else traces the target */
	HW_ERROR_UNSUPPORTED, /* this target, kernel or machine is not supported */
	HW_ERROR_USAGE,       /* the request makes no sense */
	HW_ERROR_INTERRUPTED, /* the user asked us to stop */
};

/* What went wrong, for a person: `message` names the cause, `remedy` (may be NULL) what to do about it. */
struct hw_error {
	enum hw_error_code code;
	int errnum;       /* HW_ERROR_OS: the errno value, otherwise 0 */
	uint64_t address; /* HW_ERROR_FAULT: the first address that could not be read */
	char *message;
	char *remedy;
};

/*
 * Makers never fail: when memory is short they return a static out-of-memory object, which
 * hw_error_destroy() accepts like any other. hw_error_os() appends strerror(errnum) to the message.
 */
struct hw_error *hw_error_create(enum hw_error_code code, const char *format, ...)
	hw_printf(2, 3) hw_must_check hw_never_null;
struct hw_error *hw_error_os(int errnum, const char *format, ...) hw_printf(2, 3) hw_must_check hw_never_null;
struct hw_error *hw_error_fault(uint64_t address, const char *format, ...)
	hw_printf(2, 3) hw_must_check hw_never_null;
struct hw_error *hw_error_no_memory(void) hw_must_check hw_never_null;

/* Puts "context: " before the message on the way up. Takes over `error`, returns it or its successor. */
struct hw_error *hw_error_context(struct hw_error *error, const char *format, ...)
	hw_printf(2, 3) hw_must_check hw_never_null;

/* Sets or replaces the remedy. Takes over `error`, returns it or its successor. */
struct hw_error *hw_error_remedy(struct hw_error *error, const char *format, ...)
	hw_printf(2, 3) hw_must_check hw_never_null;

/* NULL is fine. */
void hw_error_destroy(struct hw_error *error);

/* True and destroyed when `*error` has this code: handle exactly this one, else pass on. NULL gives false. */
bool hw_error_catch(struct hw_error **error, enum hw_error_code code);

/* ----------------------------------------------------------------------------------------- memory image */

/* What a segment's bytes are past `file_size`. */
enum hw_fill {
	HW_FILL_MISSING, /* not stored anywhere: reading faults */
	HW_FILL_ZERO,    /* known to be zeros */
};

/*
 * A piece of the target's address space. Its first `file_size` bytes come from `bytes` if that is not NULL,
 * else from file `fd` at `offset`; the rest as `fill` says. The image borrows fd and bytes: whoever adds the
 * segment keeps them valid as long as the image.
 */
struct hw_segment {
	uint64_t start;
	uint64_t end;
	uint64_t file_size;
	const uint8_t *bytes;
	int fd;
	uint64_t offset;
	enum hw_fill fill;
};

/* The memory of one target: sorted, disjoint segments. Safe to read from several threads once filled. */
struct hw_image {
	unsigned word_size; /* 4 or 8: the target's, never the tool's */
	bool big_endian;
	struct hw_segment *segments; /* sorted by start, disjoint */
	size_t segment_count;
	size_t segment_capacity;
};

struct hw_error *hw_image_create(unsigned word_size, bool big_endian, struct hw_image **image) hw_must_check;
void hw_image_destroy(struct hw_image *image);

/*
 * Adds a segment; what earlier segments already cover is kept and only the gaps are filled from the new one
 * (so add the most trustworthy source first). Invalid ranges (end <= start, file_size past the end) are cut.
 */
struct hw_error *hw_image_add(struct hw_image *image, const struct hw_segment *segment) hw_must_check;

/* The segment that holds `address`, or NULL. Borrowed. */
const struct hw_segment *hw_image_segment_at(const struct hw_image *image, uint64_t address);

/*
 * Where something may be readable again behind `address`, which is not: the next page of the same segment or
 * the start of the next one; `limit` if nothing is before it. A core may claim mappings of 2^60 bytes and
 * hold none of them, so whoever steps through memory steps over what is not there by this.
 */
uint64_t hw_image_next(const struct hw_image *image, uint64_t address, uint64_t limit);

/*
 * Copies `size` bytes from `address`, across adjacent segments and page by page around what cannot be read.
 * HW_ERROR_FAULT names the first unreadable byte; the buffer's content is then unspecified.
 */
struct hw_error *hw_image_read(
	const struct hw_image *image, uint64_t address, void *buffer, size_t size) hw_must_check;

/* Copies what it can: the number of bytes read before the first unreadable one. For probing and scanning. */
size_t hw_image_read_some(const struct hw_image *image, uint64_t address, void *buffer, size_t size);

/*
 * Makes every read of every image fail from now on: whoever is scanning comes to an end soon. For the user's
 * Ctrl-C; safe in a signal handler.
 */
void hw_image_interrupt(void);

/* Typed loads in the target's byte order and word size, widened. */
struct hw_error *hw_image_read_u16(
	const struct hw_image *image, uint64_t address, uint16_t *value) hw_must_check;
struct hw_error *hw_image_read_u32(
	const struct hw_image *image, uint64_t address, uint32_t *value) hw_must_check;
struct hw_error *hw_image_read_u64(
	const struct hw_image *image, uint64_t address, uint64_t *value) hw_must_check;
struct hw_error *hw_image_read_word(
	const struct hw_image *image, uint64_t address, uint64_t *value) hw_must_check;

/* A NUL-terminated string of at most `limit` bytes, the caller's to free. Longer: HW_ERROR_FORMAT. */
struct hw_error *hw_image_read_string(
	const struct hw_image *image, uint64_t address, size_t limit, char **string) hw_must_check;

/*
 * The word of `word_size` bytes (4 or 8) at `bytes`, widened. With constants for the last two the compiler
 * makes one instruction of it: for loops over all memory.
 */
static inline __attribute__((always_inline)) uint64_t hw_word_load(
	const void *bytes, unsigned word_size, bool big_endian)
{
	uint64_t eight;
	uint32_t four;

	if (word_size == 8) {
		memcpy(&eight, bytes, sizeof(eight));
		return big_endian ? __builtin_bswap64(eight) : eight;
	}
	memcpy(&four, bytes, sizeof(four));
	return big_endian ? __builtin_bswap32(four) : four;
}

/* The word at `bytes` in the target's size and byte order, widened. For what a window returned. */
static inline uint64_t hw_image_word(const struct hw_image *image, const void *bytes)
{
	return hw_word_load(bytes, image->word_size, image->big_endian);
}

/*
 * A moving view for going through memory in address order: hands out pointers into a buffer that it refills
 * (or straight into a mapped core, without a copy). Reads grow while the scan goes on in sequence, up to 1
 *MiB, which stays in the second-level cache; a jump is served with a small one. One window per scan; several
 *may look at one image.
 *
 * A window that reads ahead has a thread of its own, which copies the next megabyte while the caller makes
 * sense of this one: it takes the time of the longer of the two instead of their sum. Nothing else is
 * different. It is for scans of many megabytes (chunks of a heap, all words of a mapping); the thread starts
 * only when one has turned out to be that.
 *
 *	struct hw_window window;
 *
 *	hw_window_init_ahead(&window, image);
 *	for (uint64_t at = start; at < end; at += size) {
 *		const uint8_t *bytes = hw_window_view(&window, at, 16, &available);
 *		...
 *	}
 *	hw_window_deinit(&window);
 */
struct hw_window {
	const struct hw_image *image;
	/* What was shown last: the bytes of [start, end). Empty when start == end. */
	const uint8_t *view;
	uint64_t start;
	uint64_t end;
	/* Private. */
	size_t capacity; /* most that can be asked for at once */
	size_t largest;  /* read */
	size_t room;     /* bytes in a buffer before its data: for the rest of the one before */
	size_t step;     /* size of the last read */
	uint8_t *buffer; /* ours; allocated at the first refill */
	bool wants_ahead;
	struct hw_ahead *ahead; /* reads on behind `end`, into `other`; NULL: not started */
	uint8_t *other;
	uint64_t ahead_start;
};

/* `capacity` is the most that will be asked for at once; 0 for the default, 1 MiB. */
void hw_window_init(struct hw_window *window, const struct hw_image *image, size_t capacity);

/* What one call can ask of a window that reads ahead: look at longer things piece by piece. */
#define HW_WINDOW_AHEAD_NEED ((size_t)64 << 10)
void hw_window_init_ahead(struct hw_window *window, const struct hw_image *image);

/* Ends the thread, if there is one. */
void hw_window_deinit(struct hw_window *window);

/* For hw_window_view() alone: the bytes are not in what was shown last. */
const uint8_t *hw_window_refill(struct hw_window *window, uint64_t address, size_t need);

/* As hw_window_view(), of what is shown already; never moves the window. NULL: look elsewhere. */
static inline const uint8_t *hw_window_peek(const struct hw_window *window, uint64_t address, size_t need)
{
	if (address < window->start || address >= window->end || window->end - address < need)
		return NULL;
	return window->view + (address - window->start);
}

/*
 * A pointer to the bytes at `address`, at least `need` of them (at most the capacity), or NULL if they cannot
 * all be read. `*available` (may be NULL) says how many are valid from there. Valid until the next call on
 * this window.
 */
static inline const uint8_t *hw_window_view(
	struct hw_window *window, uint64_t address, size_t need, size_t *available)
{
	const uint8_t *bytes = hw_window_peek(window, address, need);

	if (!bytes)
		bytes = hw_window_refill(window, address, need);
	if (bytes && available)
		*available = window->end - address;
	return bytes;
}

/* ------------------------------------------------------------------------------------ what a target is */

enum hw_map_prot {
	HW_MAP_READ = 1,
	HW_MAP_WRITE = 2,
	HW_MAP_EXEC = 4,
	HW_MAP_SHARED = 8,
};

/* Flags of /proc/PID/smaps' VmFlags line that matter here (Documentation/filesystems/proc.rst). */
enum hw_map_flag {
	HW_MAP_DONTFORK = 1,   /* "dc": absent in a forked child */
	HW_MAP_WIPEONFORK = 2, /* "wf": zero in a forked child */
	HW_MAP_GROWSDOWN = 4,  /* "gd" */
	HW_MAP_HUGETLB = 8,    /* "ht" */
	HW_MAP_DONTDUMP = 16,  /* "dd" */
	HW_MAP_IO = 32,        /* "io", "pf": device memory, never read */
	HW_MAP_USERFAULT = 64, /* "um", "uw", "ui": watched through a userfaultfd */
};

/* Resident, proportional and swapped bytes as smaps tells them. */
struct hw_map_usage {
	bool known; /* false: a core, or smaps could not be read */
	uint64_t rss;
	uint64_t pss;
	uint64_t swap;
	uint64_t private_dirty;
	uint64_t anonymous;
};

/* One mapping of the target. For a core: one PT_LOAD or NT_FILE range. Sorted by start. */
struct hw_map {
	uint64_t start;
	uint64_t end;
	uint64_t offset; /* in the file, bytes */
	uint64_t inode;
	uint32_t device_major;
	uint32_t device_minor;
	unsigned prot;  /* enum hw_map_prot bits; 0 also where a core does not tell */
	unsigned flags; /* enum hw_map_flag bits */
	bool deleted;   /* the file was unlinked; path has no " (deleted)" */
	char *path;     /* as the kernel tells it: "[heap]", "[stack]", "/usr/bin/x"; "" for anonymous */
	struct hw_map_usage usage;
};

/* A register block as the kernel lays it out in a core note (NT_PRSTATUS' pr_reg, NT_X86_XSTATE, ...). */
struct hw_register_set {
	uint8_t *bytes; /* NULL: not known */
	size_t size;
};

struct hw_thread {
	pid_t tid; /* as seen from our PID namespace; in a core, as stored */
	char name[16];
	char state;          /* R, S, D, T, Z... of /proc/TID/stat; '?' in a core */
	bool has_registers;  /* false: a zombie leader, or missing from the core */
	bool in_system_call; /* stopped inside a system call */
	uint64_t pc;
	uint64_t sp;
	uint64_t thread_pointer; /* fs base, gs base (i386) or TPIDR_EL0; 0: unknown */
	struct hw_register_set general;
	struct hw_register_set vector; /* floating point and vector registers: pointers hide there too */
};

/*
 * A value that the kernel keeps for the process until it gives it back: often a pointer, and the only one to
 * what it points to. Not known of a core.
 */
struct hw_kernel_word {
	uint64_t
		value; /* epoll_event.data, of 32-bit programs with anything in the upper half; sigev_value */
	int descriptor; /* of the epoll instance; -1: a timer's (timer_create()) */
};

/* An address in the target and the name and attributes that .dynsym has for it. */
struct hw_dynamic_symbol {
	const char *name; /* borrowed for the duration of the callback */
	uint64_t address; /* load bias added; for TLS symbols the offset in the module's TLS block */
	uint64_t size;
	unsigned type; /* STT_* */
	bool defined;
};

/* One dynamic relocation: the word at `slot` was filled in by ld.so. */
struct hw_relocation {
	uint64_t slot;
	uint64_t addend;  /* from the RELA entry; for REL machines 0 */
	unsigned type;    /* R_X86_64_*, R_386_*, R_AARCH64_* */
	const char *name; /* the symbol's name, "" for none; borrowed for the callback */
};

/*
 * An ELF object mapped in the target. Two copies of one file (dlmopen) are two modules: they are told apart
 * by load base, never by path. Headers and dynamic section are read from the target's memory first and from
 * the file only where the memory was not dumped.
 */
struct hw_module {
	char *path;     /* as mapped, without " (deleted)"; "[vdso]" */
	uint64_t start; /* lowest mapped address */
	uint64_t end;   /* past the last PT_LOAD */
	uint64_t bias;  /* run-time address minus ELF virtual address */
	bool is_executable;
	bool has_headers; /* false: neither memory nor file had them; only path, start and end are valid */
	unsigned machine; /* EM_* */
	uint8_t build_id[32];
	size_t build_id_size; /* 0: none found */
	struct hw_elf_segment {
		uint32_t type;    /* PT_* */
		uint32_t prot;    /* enum hw_map_prot bits */
		uint64_t address; /* bias added */
		uint64_t size;    /* p_memsz */
		uint64_t file_size;
		uint64_t file_offset;
		uint64_t alignment;
	} * segments;
	size_t segment_count;
	uint64_t dynamic_symbols; /* addresses, bias added; 0: absent (static executables) */
	uint64_t dynamic_strings;
	uint64_t dynamic_strings_size;
	uint64_t dynamic_symbol_count;
	uint64_t relocations; /* DT_RELA or DT_REL */
	uint64_t relocations_size;
	bool relocations_have_addend;
	uint64_t tls_image_size; /* PT_TLS p_memsz; 0: none */
	uint64_t tls_alignment;
};

struct hw_process {
	pid_t pid;           /* 0: a core that does not say */
	uint64_t start_time; /* clock ticks after boot, /proc/PID/stat field 22; 0 for a core */
	char *executable;    /* path as the target sees it; "" unknown */
	char *command_line;  /* arguments joined by one space, unescaped; "" unknown; cores cut it: "..." */
	char name[16];       /* comm */
	uid_t uid;
	bool other_namespace; /* its mount namespace is not ours: files are read through /proc/PID/root */
};

enum hw_source {
	HW_SOURCE_PROCESS,
	HW_SOURCE_CORE,
	HW_SOURCE_MEMORY, /* made of byte arrays, for tests */
};

enum hw_freeze_method {
	HW_FREEZE_AUTO, /* fork when the target is large and it is safe, else hold */
	HW_FREEZE_FORK, /* a remote fork: stopped while the kernel copies page tables */
	HW_FREEZE_HOLD, /* stopped while its private memory is copied */
};

/* How the target was held. All zero for a core. */
struct hw_freeze {
	enum hw_freeze_method method; /* the one used, never AUTO */
	char *reason;      /* why this method, in brackets behind it: "small: 3.1 MiB of its own" */
	uint64_t pause_us; /* the stop in which the snapshot was taken: first thread stopped to last let go */
	uint64_t total_pause_us; /* all stops together */
	unsigned attempts; /* how often it was stopped: 1, or more when caught in the middle of malloc */
	bool still_busy;   /* it was in the middle of malloc at the last attempt too */
};

/* Something about a snapshot that a person must know: "17 file mappings are not in the core". */
struct hw_warning {
	char *text;
};

/*
 * A target as it stood at one moment. Open to read for the later stages, which take it const; only this layer
 * writes it.
 */
struct hw_snapshot {
	enum hw_source source;
	unsigned machine;   /* EM_X86_64, EM_386, EM_AARCH64 */
	unsigned word_size; /* 4 or 8 */
	uint64_t page_size;
	struct hw_process process;
	struct hw_image *image;
	struct hw_map *maps;
	size_t map_count;
	struct hw_thread *threads; /* the leader first, then by tid */
	size_t thread_count;
	struct hw_module *modules; /* by start address */
	size_t module_count;
	struct hw_kernel_word *kernel_words; /* those of one descriptor in succession; some may be there twice
					      */
	size_t kernel_word_count;
	size_t kernel_word_capacity;
	struct hw_freeze freeze;
	struct hw_warning *warnings;
	size_t warning_count;
	char *core_path;        /* NULL for a process */
	char *sysroot;          /* prefix for the target's paths: "/proc/PID/root", --sysroot, or "" */
	int terminating_signal; /* core: the signal that made it, 0 unknown */
	struct hw_holding
		*holding; /* private: descriptors, buffers and the snapshot process behind the image */
};

/* ------------------------------------------------------------------------------------ making snapshots */

/* May be zeroed: the defaults. */
struct hw_attach_options {
	enum hw_freeze_method method;
	/*
	 * Called while every thread of the target stands, with maps, threads and registers filled in and the
	 * image reading the stopped process: true says "not now, it is in the middle of something", and the
	 * target is let go for a moment and stopped again, `attempts` times at most (0: 5). Must be quick
	 * (microseconds) and must not keep pointers into `stopped`. NULL: never busy.
	 */
	bool (*is_busy)(const struct hw_snapshot *stopped, void *argument);
	void *argument;
	unsigned attempts;
	bool want_usage; /* fill struct hw_map_usage from smaps (costs a page-table walk, done while the
			    target runs) */
};

/*
 * Holds process `pid` (a thread's id is taken for its process), takes the snapshot and lets it go. NULL
 * options are the defaults. HW_ERROR_PERMISSION, _BUSY, _GONE and _NOT_FOUND carry a message that names the
 * rule, the tracer or the missing process, and a remedy.
 */
struct hw_error *hw_snapshot_attach(
	pid_t pid, const struct hw_attach_options *options, struct hw_snapshot **snapshot) hw_must_check;

/*
 * A look at a running process without stopping it: mappings, modules and an image that changes while it is
 * read; no registers. For finding things that do not move (libc's arena, its malloc code) before the stop.
 */
struct hw_error *hw_snapshot_preview(pid_t pid, struct hw_snapshot **snapshot) hw_must_check;

/* Both may be NULL. `executable` replaces the path that the core names; `sysroot` is put before every path.
 */
struct hw_core_options {
	const char *executable;
	const char *sysroot;
};

/*
 * Opens an ELF core file (kernel's or gcore's; zstd, gzip or lz4 compressed is unpacked into an unlinked
 * temporary file). A cut-off core opens with a warning. What the core leaves out is taken from the files
 * that it names where build id or content says that they are the same, else it is missing, never zero.
 * Without NT_FILE, ld.so's list of objects names the files. Stacks that gcore stored as zeros are missing
 * too.
 */
struct hw_error *hw_snapshot_open_core(
	const char *path, const struct hw_core_options *options, struct hw_snapshot **snapshot) hw_must_check;

/*
 * HW_ERROR_GONE: a forked snapshot was killed before its memory was released, as the kernel does first of all
 * when memory is short. What was read of it may then be missing or zero: ask after the last reading, and
 * print nothing that was made of it.
 */
struct hw_error *hw_snapshot_check_memory(const struct hw_snapshot *snapshot) hw_must_check;

/*
 * Lets go of the snapshot's memory early (kills the snapshot process: a forked snapshot costs the running
 * target copy-on-write faults as long as it lives). The image can no longer be read; all else stays.
 */
void hw_snapshot_release_memory(struct hw_snapshot *snapshot);

/* NULL is fine. */
void hw_snapshot_destroy(struct hw_snapshot *snapshot);

/* ------------------------------------------------------------------------------------- asking snapshots */

/* Names this boot of the machine, for which alone start times count; "" where /proc does not tell. */
void hw_boot_id(char id[40]);

/* The mapping that holds `address`, or NULL. */
const struct hw_map *hw_snapshot_map_at(const struct hw_snapshot *snapshot, uint64_t address);

/* The module one of whose PT_LOAD segments holds `address`, or NULL. */
const struct hw_module *hw_snapshot_module_at(const struct hw_snapshot *snapshot, uint64_t address);

/*
 * Opens a file of the target as the target sees it (through its root, or the sysroot), read-only.
 * HW_ERROR_NOT_FOUND when it is not there; *fd is the caller's to close.
 */
struct hw_error *hw_snapshot_open_file(
	const struct hw_snapshot *snapshot, const char *path, int *fd) hw_must_check;

/* Opens the very file behind a module, also a deleted one of a live process; refuses one with another build
 * id. */
struct hw_error *hw_module_open(
	const struct hw_snapshot *snapshot, const struct hw_module *module, int *fd) hw_must_check;

/* Calls `each` for every .dynsym entry until it returns false. Nothing is called where .dynsym cannot be
 * read. */
void hw_module_each_symbol(const struct hw_snapshot *snapshot, const struct hw_module *module,
	bool (*each)(const struct hw_dynamic_symbol *symbol, void *argument), void *argument);

/* The address of a defined .dynsym symbol; HW_ERROR_NOT_FOUND otherwise. */
struct hw_error *hw_module_symbol(const struct hw_snapshot *snapshot, const struct hw_module *module,
	const char *name, uint64_t *address) hw_must_check;

/* Calls `each` for every dynamic relocation (not the PLT's) until it returns false. */
void hw_module_each_relocation(const struct hw_snapshot *snapshot, const struct hw_module *module,
	bool (*each)(const struct hw_relocation *relocation, void *argument), void *argument);

/* Who keeps account of the files of a system. */
enum hw_package_system {
	HW_PACKAGE_NONE,
	HW_PACKAGE_DPKG,
	HW_PACKAGE_RPM,
};

#define HW_PACKAGE_QUESTIONS 32

/*
 * The packages that the files of these modules (HW_PACKAGE_QUESTIONS at most) came in: fills packages[] with
 * names that the caller frees, NULL where none is known. Runs dpkg-query or rpm; asks nobody about the files
 * of another mount namespace.
 */
enum hw_package_system hw_snapshot_packages(
	const struct hw_snapshot *snapshot, const size_t *modules, size_t count, char **packages);

#endif
