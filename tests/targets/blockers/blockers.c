/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One thread in each kind of system call that waits, none of which is to return, and two that never wait.
 *
 * Prints {"ready":{...}} and then answers each line on standard input: "s" by a line that says what returned,
 * how many SIGCHLD came and whether the writer found its own registers and memory sound; an empty line ends
 * it (exit status 1 if anything was wrong).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FOREVER 100000 /* seconds */

static atomic_int returned, children_signalled, unsound;
static char what_returned[4096];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t child;

static void must(int fine, const char *what)
{
	if (fine)
		return;
	perror(what);
	exit(2);
}

/* ------------------------------------------------------------------------------------- calls that wait */

static const struct timespec long_time = { .tv_sec = FOREVER };

static long in_pause(void)
{
	return pause();
}

static long in_nanosleep(void)
{
	return nanosleep(&long_time, NULL);
}

static long in_clock_nanosleep(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += FOREVER;
	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static int empty_pipe(void)
{
	int ends[2];

	must(pipe(ends) == 0, "pipe");
	return ends[0];
}

static long in_poll(void)
{
	struct pollfd fd = { .fd = empty_pipe(), .events = POLLIN };

	return poll(&fd, 1, -1);
}

static long in_poll_timed(void)
{
	struct pollfd fd = { .fd = empty_pipe(), .events = POLLIN };

	return poll(&fd, 1, FOREVER * 1000);
}

static long in_ppoll(void)
{
	struct pollfd fd = { .fd = empty_pipe(), .events = POLLIN };
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	return ppoll(&fd, 1, &long_time, &mask);
}

static long in_select(void)
{
	int fd = empty_pipe();
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, NULL);
}

static long in_pselect(void)
{
	int fd = empty_pipe();
	sigset_t mask;
	fd_set set;

	sigemptyset(&mask);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	return pselect(fd + 1, &set, NULL, NULL, &long_time, &mask);
}

static int new_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(0);

	must(epoll_ctl(fd, EPOLL_CTL_ADD, empty_pipe(), &event) == 0, "epoll_ctl");
	return fd;
}

static long in_epoll_wait(void)
{
	struct epoll_event event;

	return epoll_wait(new_epoll(), &event, 1, -1);
}

static long in_epoll_wait_timed(void)
{
	struct epoll_event event;

	return epoll_wait(new_epoll(), &event, 1, FOREVER * 1000);
}

static long in_epoll_pwait(void)
{
	struct epoll_event event;
	sigset_t mask;

	sigemptyset(&mask);
	return epoll_pwait(new_epoll(), &event, 1, -1, &mask);
}

static long in_futex(void)
{
	static int word;

	return syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL);
}

static long in_sem_timedwait(void)
{
	static sem_t semaphore;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += FOREVER;
	sem_init(&semaphore, 0, 0);
	return sem_timedwait(&semaphore, &until);
}

static long in_condition(void)
{
	static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&mutex);
	return pthread_cond_wait(&condition, &mutex);
}

static long in_read_pipe(void)
{
	char byte;

	return read(empty_pipe(), &byte, 1);
}

static long in_write_pipe(void)
{
	static char block[4096];
	int ends[2];

	must(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
	while (write(ends[1], block, sizeof(block)) > 0)
		;
	fcntl(ends[1], F_SETFL, 0);
	return write(ends[1], block, sizeof(block));
}

static long in_read_eventfd(void)
{
	uint64_t value;

	return read(eventfd(0, 0), &value, sizeof(value));
}

static long in_read_signalfd(void)
{
	char buffer[256];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return read(signalfd(-1, &set, 0), buffer, sizeof(buffer));
}

static long in_read_timerfd(void)
{
	struct itimerspec timer = { .it_value = long_time };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t value;

	timerfd_settime(fd, 0, &timer, NULL);
	return read(fd, &value, sizeof(value));
}

static long in_read_inotify(void)
{
	int fd = inotify_init1(0);
	char buffer[256];

	inotify_add_watch(fd, "/proc/self", IN_DELETE_SELF);
	return read(fd, buffer, sizeof(buffer));
}

static int socket_pair(int timed)
{
	struct timeval limit = { .tv_sec = FOREVER };
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
	if (timed)
		setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return ends[0];
}

static long in_recv(void)
{
	char byte;

	return recv(socket_pair(0), &byte, 1, 0);
}

static long in_recv_timed(void)
{
	char byte;

	return recv(socket_pair(1), &byte, 1, 0);
}

static long in_read_socket_timed(void)
{
	char byte;

	return read(socket_pair(1), &byte, 1);
}

static long in_accept(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	must(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0, "bind");
	must(listen(fd, 1) == 0, "listen");
	return accept(fd, NULL, NULL);
}

static int new_semaphores(void)
{
	int id = semget(IPC_PRIVATE, 1, 0600);

	must(id >= 0, "semget");
	return id;
}

/* The set is gone when the program is: nobody else knows it, so it is removed by the main thread at the end.
 */
static int semaphores[2] = { -1, -1 }, queues[2] = { -1, -1 };

static long in_semop(void)
{
	struct sembuf down = { .sem_op = -1 };

	return semop(semaphores[0] = new_semaphores(), &down, 1);
}

static long in_semtimedop(void)
{
	struct sembuf down = { .sem_op = -1 };

	return semtimedop(semaphores[1] = new_semaphores(), &down, 1, &long_time);
}

static long in_msgrcv(void)
{
	struct {
		long type;
		char text[8];
	} message;

	queues[0] = msgget(IPC_PRIVATE, 0600);
	return msgrcv(queues[0], &message, sizeof(message.text), 0, 0);
}

static void block_one(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

static long in_sigwaitinfo(void)
{
	sigset_t set;

	block_one(&set);
	return sigwaitinfo(&set, NULL);
}

static long in_sigtimedwait(void)
{
	sigset_t set;

	block_one(&set);
	return sigtimedwait(&set, NULL, &long_time);
}

static long in_sigsuspend(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	return sigsuspend(&mask);
}

static long in_flock(void)
{
	char path[] = "/tmp/blockers-XXXXXX";
	int holder = mkstemp(path), waiter = open(path, O_RDWR);

	unlink(path);
	must(flock(holder, LOCK_EX) == 0, "flock");
	return flock(waiter, LOCK_EX);
}

/* A child that waits, and a wait for any child: it may see no other one. */
static long in_waitpid(void)
{
	return waitpid(-1, NULL, 0);
}

static long in_waitid(void)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)child, &info, WEXITED | WSTOPPED);
}

static long in_io_getevents(void)
{
	aio_context_t context = 0;
	struct io_event event;

	must(syscall(SYS_io_setup, 1, &context) == 0, "io_setup");
	return syscall(SYS_io_getevents, context, 1, 1, &event, NULL);
}

static const struct {
	const char *name;
	long (*call)(void);
} calls[] = {
	{ "pause", in_pause },
	{ "nanosleep", in_nanosleep },
	{ "clock_nanosleep", in_clock_nanosleep },
	{ "poll", in_poll },
	{ "poll timed", in_poll_timed },
	{ "ppoll", in_ppoll },
	{ "select", in_select },
	{ "pselect", in_pselect },
	{ "epoll_wait", in_epoll_wait },
	{ "epoll_wait timed", in_epoll_wait_timed },
	{ "epoll_pwait", in_epoll_pwait },
	{ "futex", in_futex },
	{ "sem_timedwait", in_sem_timedwait },
	{ "pthread_cond_wait", in_condition },
	{ "read pipe", in_read_pipe },
	{ "write pipe", in_write_pipe },
	{ "read eventfd", in_read_eventfd },
	{ "read signalfd", in_read_signalfd },
	{ "read timerfd", in_read_timerfd },
	{ "read inotify", in_read_inotify },
	{ "recv", in_recv },
	{ "recv timed", in_recv_timed },
	{ "read socket timed", in_read_socket_timed },
	{ "accept", in_accept },
	{ "semop", in_semop },
	{ "semtimedop", in_semtimedop },
	{ "msgrcv", in_msgrcv },
	{ "sigwaitinfo", in_sigwaitinfo },
	{ "sigtimedwait", in_sigtimedwait },
	{ "sigsuspend", in_sigsuspend },
	{ "flock", in_flock },
	{ "waitpid", in_waitpid },
	{ "waitid", in_waitid },
	{ "io_getevents", in_io_getevents },
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

static void *wait_in_call(void *argument)
{
	size_t index = (size_t)(uintptr_t)argument;
	size_t used;
	long result;

	errno = 0;
	result = calls[index].call();
	pthread_mutex_lock(&lock);
	used = strlen(what_returned);
	snprintf(what_returned + used, sizeof(what_returned) - used, "%s: %ld, %s; ", calls[index].name,
		result, strerror(errno));
	pthread_mutex_unlock(&lock);
	returned++;
	return NULL;
}

/* --------------------------------------------------------------------------------- calls that do not wait */

/* Far apart, so that a copy of one page and of another shows whether both are of one moment. */
static struct {
	_Alignas(4096) atomic_ulong first;
	char gap[1 << 20];
	_Alignas(4096) atomic_ulong second;
} pair;

static _Alignas(4096) unsigned char pattern[1 << 16];

/* first is second or one more, always; and what a register held it still holds. */
static void *write_pair(void *unused)
{
	register unsigned long count = 0;

	for (;;) {
		count++;
		atomic_store(&pair.first, count);
		if (atomic_load(&pair.second) != count - 1)
			unsound++;
		atomic_store(&pair.second, count);
	}
	return unused;
}

/* System calls that succeed at once, without an end: each has one right answer. */
static void *call_often(void *unused)
{
	pid_t pid = getpid();
	int ends[2];
	char byte = 7;

	must(pipe(ends) == 0, "pipe");
	for (;;) {
		if (syscall(SYS_getpid) != pid || write(ends[1], "x", 1) != 1 ||
			read(ends[0], &byte, 1) != 1 || byte != 'x')
			unsound++;
	}
	return unused;
}

/* ----------------------------------------------------------------------------------------------- the rest */

static void count_child(int signal)
{
	(void)signal;
	children_signalled++;
}

static void start(void *(*function)(void *), void *argument)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, function, argument) == 0, "pthread_create");
}

static void remove_ipc(void)
{
	for (int i = 0; i < 2; i++) {
		if (semaphores[i] >= 0)
			semctl(semaphores[i], 0, IPC_RMID);
		if (queues[i] >= 0)
			msgctl(queues[i], IPC_RMID, NULL);
	}
}

static void say_status(void)
{
	printf("{\"returned\":%d,\"what\":\"%s\",\"sigchld\":%d,\"unsound\":%d,\"count\":%lu}\n", returned,
		what_returned, children_signalled, unsound, atomic_load(&pair.second));
	fflush(stdout);
}

static void start_child(void)
{
	struct sigaction action = { .sa_handler = count_child };

	sigaction(SIGCHLD, &action, NULL);
	child = fork();
	must(child >= 0, "fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
}

int main(int argc, char **argv)
{
	int busy = argc < 2 || strcmp(argv[1], "quiet") != 0;
	char line[16];

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)(i * 7 + i / 251);
	start_child();
	for (size_t i = 0; i < CALLS; i++)
		start(wait_in_call, (void *)(uintptr_t)i);
	if (busy) {
		start(write_pair, NULL);
		start(call_often, NULL);
	}
	usleep(200000); /* by now nearly all are in their calls */
	printf("{\"ready\":{\"pid\":%d,\"child\":%d,\"calls\":%zu,\"first\":\"%p\",\"second\":\"%p\","
	       "\"pattern\":\"%p\",\"pattern_size\":%zu}}\n",
		getpid(), child, CALLS, (void *)&pair.first, (void *)&pair.second, (void *)pattern,
		sizeof(pattern));
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) && line[0] == 's')
		say_status();
	remove_ipc();
	_exit(unsound || children_signalled ? 1 : 0); /* the child follows */
}
