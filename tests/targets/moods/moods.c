/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process in one of the moods in which a freeze could do harm:
 *
 *	storm       a signal comes every third of a millisecond
 *	registers   it computes with the widest registers, an odd rounding mode and the red zone (x86-64)
 *	churn       threads are born and end all the time
 *	leader      the first thread has ended, another goes on
 *	vfork       a thread waits in vfork(2) most of the time
 *	forks       children are born and waited for all the time, and counted
 *	seccomp     a filter kills the process when it makes a child
 *	subreaper   it adopts orphans, and counts SIGCHLD
 *	undumpable  it lets nobody look at it
 *	unshared    its next child begins a PID namespace
 *	execs       it executes itself anew every 20 ms (argument: how often it has)
 *	grown       it holds memory (argument: MiB), given back and taken anew all the time
 *	memory      mappings that a fork does not copy, and others
 *
 * Prints {"ready":{...}}; answers "s" on standard input by a line that says what was wrong and how often
 * something happened; an empty line ends it (exit status 1 if anything was wrong).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_ulong count, signals, unsound;
static char what[1024];
static char *self;

static void must(int fine, const char *call)
{
	if (fine)
		return;
	perror(call);
	exit(2);
}

static void wrong(const char *text, long value)
{
	if (!unsound++)
		snprintf(what, sizeof(what), "%s %ld", text, value);
}

static void start(void *(*function)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attributes, function, NULL);
	errno = error;
	must(error == 0, "pthread_create");
}

static void count_signal(int signal)
{
	(void)signal;
	signals++;
}

static void catch_signal(int signal)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = SA_RESTART };

	must(sigaction(signal, &action, NULL) == 0, "sigaction");
}

static void ready(void)
{
	printf("{\"ready\":{\"pid\":%d}}\n", getpid());
	fflush(stdout);
}

/* read() alone: stdio's locks could be held by a thread that ended. */
static void *answer(void *unused)
{
	char byte;

	while (read(0, &byte, 1) == 1 && byte == 's') {
		dprintf(1, "{\"unsound\":%lu,\"what\":\"%s\",\"count\":%lu,\"signals\":%lu}\n", unsound, what,
			count, signals);
		must(read(0, &byte, 1) == 1, "read");
	}
	_exit(unsound ? 1 : 0);
	return unused;
}

/* ------------------------------------------------------------------------------------------------ moods */

/* A sum with one right answer, in registers all along. */
static void *compute(void *unused)
{
	for (;;) {
		unsigned long sum = 0;

		for (unsigned long i = 0; i < 20000; i++)
			sum += i ^ (sum << 1 & 0xff);
		static atomic_ulong expected;
		unsigned long none = 0;

		if (!atomic_compare_exchange_strong(&expected, &none, sum) && none != sum)
			wrong("sum", (long)sum);
		count++;
	}
	return unused;
}

static void storm(void)
{
	struct itimerval every = { .it_interval = { .tv_usec = 333 }, .it_value = { .tv_usec = 333 } };

	catch_signal(SIGALRM);
	start(compute);
	must(setitimer(ITIMER_REAL, &every, NULL) == 0, "setitimer");
	ready();
}

#if defined(__x86_64__)

#define SPIN "1: dec %[count]; jnz 1b;"

/* Each keeps `in` in a vector register, and a mark below the stack pointer, while it counts. */
static __attribute__((noinline)) unsigned long keep_512(const void *in, void *out, unsigned long count_down)
{
	unsigned long mark;

	asm volatile("vmovdqu64 (%[in]), %%zmm31; movq %[in], -120(%%rsp);" SPIN
		     "vmovdqu64 %%zmm31, (%[out]); movq -120(%%rsp), %[mark]; vzeroupper"
		     : [mark] "=&r"(mark), [count] "+r"(count_down)
		     : [in] "r"(in), [out] "r"(out)
		     : "memory", "cc");
	return mark - (unsigned long)in;
}

static __attribute__((noinline)) unsigned long keep_256(const void *in, void *out, unsigned long count_down)
{
	unsigned long mark;

	asm volatile("vmovdqu (%[in]), %%ymm9; movq %[in], -120(%%rsp);" SPIN
		     "vmovdqu %%ymm9, (%[out]); movq -120(%%rsp), %[mark]; vzeroupper"
		     : [mark] "=&r"(mark), [count] "+r"(count_down)
		     : [in] "r"(in), [out] "r"(out)
		     : "memory", "cc", "xmm9");
	return mark - (unsigned long)in;
}

static void *keep(void *unused)
{
	unsigned char in[64], out[64];
	unsigned rounding = 0x5f80, found; /* MXCSR: exceptions masked, upwards */
	size_t size = __builtin_cpu_supports("avx512f") ? 64 : 32;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 7 + 1);
	asm volatile("ldmxcsr %0" : : "m"(rounding));
	for (;;) {
		unsigned long mark = (size == 64 ? keep_512 : keep_256)(in, out, 2000000);

		asm volatile("stmxcsr %0" : "=m"(found));
		if (mark)
			wrong("red zone", (long)mark);
		if (memcmp(in, out, size))
			wrong("vector register, at its end", out[size - 1]);
		if ((found & 0x6000) != (rounding & 0x6000))
			wrong("rounding", found);
		count++;
	}
	return unused;
}

static void registers(void)
{
	start(keep);
	ready();
}

#endif

static void *do_nothing(void *unused)
{
	return unused;
}

static void *make_threads(void *unused)
{
	for (;;) {
		pthread_t threads[4];
		int made = 0;

		while (made < 4 && pthread_create(&threads[made], NULL, do_nothing, NULL) == 0)
			made++;
		for (int i = 0; i < made; i++)
			pthread_join(threads[i], NULL);
		if (made < 4)
			wrong("threads", made);
		count++;
	}
	return unused;
}

static void churn(void)
{
	for (int i = 0; i < 3; i++)
		start(make_threads);
	ready();
}

static void *make_vforks(void *unused)
{
	for (;;) {
		int status = -1;
		pid_t child = vfork();

		if (child == 0) {
			poll(NULL, 0, 60);
			_exit(7);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status != 7 << 8)
			wrong("vfork", status);
		count++;
	}
	return unused;
}

static void in_vfork(void)
{
	start(make_vforks);
	ready();
}

static void *make_children(void *unused)
{
	for (;;) {
		int status = -1;
		pid_t child = fork(), seen;

		if (child == 0)
			_exit(7);
		seen = waitpid(-1, &status, 0);
		if (seen != child || status != 7 << 8)
			wrong("wait(-1) saw", seen);
		count++;
	}
	return unused;
}

static void forks(void)
{
	catch_signal(SIGCHLD);
	start(make_children);
	ready();
}

static void seccomp(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), /* seccomp_data.nr */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fork, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_vfork, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
	ready();
}

static void subreaper(void)
{
	catch_signal(SIGCHLD);
	must(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, "subreaper");
	ready();
}

static void undumpable(void)
{
	must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "dumpable");
	ready();
}

static void unshared(void)
{
	must(unshare(CLONE_NEWPID) == 0, "unshare");
	ready();
}

static void execs(int times)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	char argument[16];

	if (times == 0)
		ready();
	if (poll(&input, 1, 20) != 0)
		exit(0);
	snprintf(argument, sizeof(argument), "%d", times + 1);
	execl(self, self, "execs", argument, NULL);
	must(0, "exec");
}

static size_t grown_size;

static void *grow(void *unused)
{
	char *memory = mmap(NULL, grown_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(memory != MAP_FAILED, "mmap");
	for (;;) {
		madvise(memory, grown_size, MADV_DONTNEED);
		memset(memory, 'g', grown_size);
		count++;
		poll(NULL, 0, 1000);
	}
	return unused;
}

static void grown(int mebibytes)
{
	grown_size = (size_t)mebibytes << 20;
	start(grow);
	ready();
	answer(NULL);
}

/* ----------------------------------------------------------------------------------------------- memory */

#define PAGE 4096

static char *map(size_t size, int flags, int fd)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	must(memory != MAP_FAILED, "mmap");
	return memory;
}

static void say_map(const char *name, const char *memory, size_t size)
{
	printf("\"%s\":[\"%p\",%zu],", name, (const void *)memory, size);
}

static int temporary_file(size_t pages, char path[32])
{
	char block[PAGE];
	int fd;

	strcpy(path, "/tmp/moods-XXXXXX");
	fd = mkstemp(path);
	must(fd >= 0, "mkstemp");
	for (size_t i = 0; i < pages; i++) {
		memset(block, 'f' + (int)i, sizeof(block));
		must(write(fd, block, sizeof(block)) == sizeof(block), "write");
	}
	/* A last page of which the file has only a part. */
	must(write(fd, "tail", 4) == 4, "write");
	return fd;
}

static void say_file_maps(void)
{
	char path[32];
	int fd = temporary_file(3, path);
	char *memory = map(6 * PAGE, MAP_PRIVATE, fd);

	memset(memory + PAGE, 'w', PAGE); /* its own now */
	say_map("file", memory, 6 * PAGE);
	unlink(path);
	close(fd);
	fd = temporary_file(1, path);
	memory = map(2 * PAGE, MAP_SHARED, fd);
	memset(memory + 100, 's', 100);
	say_map("shared_file", memory, 2 * PAGE);
	unlink(path);
	close(fd);
}

static void memory(void)
{
	char *area;

	printf("{\"ready\":{");
	area = map(16 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	area[5 * PAGE + 9] = 'a';
	say_map("sparse", area, 16 * PAGE);
	area = map(2 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memset(area, 'd', 2 * PAGE);
	must(madvise(area, 2 * PAGE, MADV_DONTFORK) == 0, "MADV_DONTFORK");
	say_map("dontfork", area, 2 * PAGE);
	area = map(2 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memset(area, 'e', 2 * PAGE);
	must(madvise(area, 2 * PAGE, MADV_WIPEONFORK) == 0, "MADV_WIPEONFORK");
	say_map("wipeonfork", area, 2 * PAGE);
	area = map(2 * PAGE, MAP_SHARED | MAP_ANONYMOUS, -1);
	memset(area, 'm', PAGE);
	say_map("shared", area, 2 * PAGE);
	area = map(3 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memset(area, 'g', 3 * PAGE);
	mprotect(area + PAGE, PAGE, PROT_NONE);
	say_map("guarded", area, 3 * PAGE);
	say_file_maps();
	printf("\"pid\":%d}}\n", getpid());
	fflush(stdout);
}

/* ------------------------------------------------------------------------------------------------ main */

static void leader(void)
{
	start(answer);
	ready();
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*begin)(void);
	} moods[] = {
		{ "storm", storm },
#if defined(__x86_64__)
		{ "registers", registers },
#endif
		{ "churn", churn },
		{ "leader", leader },
		{ "vfork", in_vfork },
		{ "forks", forks },
		{ "seccomp", seccomp },
		{ "subreaper", subreaper },
		{ "undumpable", undumpable },
		{ "unshared", unshared },
		{ "memory", memory },
	};
	const char *mood = argc > 1 ? argv[1] : "";

	self = argv[0];
	if (strcmp(mood, "grown") == 0)
		grown(argc > 2 ? atoi(argv[2]) : 0);
	if (strcmp(mood, "execs") == 0)
		execs(argc > 2 ? atoi(argv[2]) : 0);
	for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
		if (strcmp(mood, moods[i].name) != 0)
			continue;
		moods[i].begin();
		answer(NULL);
	}
	fprintf(stderr, "usage: moods MOOD\n");
	return 2;
}
