# SPDX-License-Identifier: GPL-3.0-or-later
"""What the end-to-end tests share: run heapwalk, start targets, tell that a target was not harmed.

    class PlainTest(harness.TestCase):
        def test_plain(self):
            with harness.Factory("plain") as target:
                listed = self.listed(target.pid)
            self.assert_exact(target.truth, listed)

Only the standard library is used, and only while the tests run; nothing of it is installed.
"""
import contextlib
import fcntl
import hashlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("B") or os.path.join(ROOT, "build"))
HEAPWALK = os.path.join(BUILD, "heapwalk")

# Compiler flags for 32-bit targets; the kernel's headers are the same as for 64.
M32 = ("-m32", "-idirafter", "/usr/include/x86_64-linux-gnu")

# A stuck program is a bug to be seen, not a slow machine: no test is meant to come near this.
PATIENCE = 300


def built(*names):
    """The path of something under build/: built("targets", "factory")."""
    return os.path.join(BUILD, *names)


def need(program):
    """The path of an installed program; skips the test when there is none."""
    path = shutil.which(program, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if not path:
        raise unittest.SkipTest("%s is not installed" % program)
    return path


def wait_until(condition, what):
    """Polls until condition() is true and returns what it returned."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("waited in vain: " + what)


# ------------------------------------------------------------------------------------------------ heapwalk

class Run:
    """A finished run of heapwalk: status, out, err."""

    def __init__(self, arguments, status, out, err):
        self.arguments, self.status, self.out, self.err = arguments, status, out, err

    def __str__(self):
        return "heapwalk %s: exit status %d\n%s\n%s" % (
            " ".join(self.arguments), self.status, self.err[-4000:], self.out[-2000:])


def run(*arguments, env=None):
    """Runs heapwalk to its end with a state directory of its own (for "the last target used")."""
    arguments = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory(prefix="heapwalk-test-") as state:
        environment = {**os.environ, "XDG_STATE_HOME": state, "XDG_CACHE_HOME": state, "XDG_RUNTIME_DIR": state,
                       "ASAN_OPTIONS": "detect_leaks=0", **(env or {})}
        done = subprocess.run([HEAPWALK] + arguments, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=PATIENCE, env=environment, check=False)
    return Run(arguments, done.returncode, done.stdout.decode(errors="replace"),
               done.stderr.decode(errors="replace"))


def note(text):
    """A line that the runner shows even when all is well."""
    print("\n# " + text, flush=True)


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.strip()]


# ------------------------------------------------------------------------------------------------- targets

class Truth:
    """What a program says of its own heap. `blocks`: address -> (size asked for, usable size)."""

    def __init__(self):
        self.blocks = {}
        self.libc = {}      # address -> what libc holds there
        self.ranges = []    # (from, to, what): libc may hold blocks of its own in it
        self.damaged = []   # (address of the word, what)
        self.ready = {}

    @classmethod
    def parse(cls, lines):
        truth = cls()
        for line in lines:
            truth.add(json.loads(line))
        return truth

    def add(self, record):
        if "ready" in record:
            self.ready = record
        elif "damaged" in record:
            self.damaged.append((int(record["damaged"], 16), record["libc"]))
        elif "from" in record:
            self.ranges.append((int(record["from"], 16), int(record["to"], 16), record["libc"]))
        elif "libc" in record:
            self.libc[int(record["address"], 16)] = record["libc"]
        else:
            self.blocks[int(record["address"], 16)] = (record["size"], record["usable"])

    def explain(self, address):
        """What libc holds at an address, or None."""
        if address in self.libc:
            return self.libc[address]
        for start, end, what in self.ranges:
            if start <= address < end:
                return what
        return None


class Process:
    """A started program. On leaving it is ended by end() and must exit with status 0."""

    def __init__(self, command, env=None, **popen):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                                        env=dict(os.environ, **(env or {})), **popen)
        self.pid = self.process.pid
        self.status = None
        self.pending = b""

    def read_line(self):
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            data = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
            if not data:
                raise AssertionError("%s said nothing more (%s)" % (
                    self.process.args, "it ended" if ready else "still there"))
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode()

    def end(self):
        """Asks the program to end: a byte on its standard input."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()

    def abandon(self):
        """Kills it if it still runs, and asks nothing."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.end()
                self.status = self.process.wait(PATIENCE)
                if self.status != 0:
                    raise AssertionError("%s ended with status %d" % (self.process.args, self.status))
        finally:
            self.abandon()


class Factory(Process):
    """tests/targets/factory.c in one of its scenarios, ready to be inspected.

    `program` is another build of it; `launcher` is what comes before the program on the command line (a loader).
    """

    def __init__(self, scenario, program=None, launcher=(), env=None, **popen):
        super().__init__([*launcher, program or built("targets", "factory"), scenario], env=env, **popen)
        self.truth = Truth()
        try:
            while not self.truth.ready:
                self.truth.add(json.loads(self.read_line()))
        except Exception:
            self.abandon()
            raise
        self.pid = self.truth.ready["pid"]


# --------------------------------------------------------------------------------------------- unharmed?

def status_fields(pid):
    with open("/proc/%d/status" % pid) as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def thread_ids(pid):
    return sorted(int(tid) for tid in os.listdir("/proc/%d/task" % pid))


def children_of(pid):
    """The children of every thread of a process."""
    found = []
    for tid in thread_ids(pid):
        try:
            with open("/proc/%d/task/%d/children" % (pid, tid)) as file:
                found += [int(child) for child in file.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            pass  # this thread has ended: its children are another's now
    return sorted(found)


def code_digest(pid):
    """A digest of every byte of a process's executable mappings."""
    digest = hashlib.sha256()
    with open("/proc/%d/maps" % pid) as lines, open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for line in lines:
            addresses, permissions = line.split()[:2]
            start, end = (int(word, 16) for word in addresses.split("-"))
            if "x" not in permissions or "[vsyscall]" in line:
                continue
            memory.seek(start)
            digest.update(line.encode())
            with contextlib.suppress(OSError):
                digest.update(memory.read(end - start))
    return digest.hexdigest()


class Observed:
    """How a process stands, as far as an inspection must not change it."""

    def __init__(self, pid):
        fields = status_fields(pid)
        self.stopped = fields["State"][0] in "tT"
        self.tracer = fields["TracerPid"]
        self.signals = {name: fields[name] for name in ("SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt")}
        self.threads = thread_ids(pid)
        self.children = children_of(pid)
        self.descriptors = sorted(os.listdir("/proc/%d/fd" % pid))
        self.code = code_digest(pid)
        self.thread_states = [self.stopped_thread(pid, tid) for tid in self.threads]

    @staticmethod
    def stopped_thread(pid, tid):
        with open("/proc/%d/task/%d/stat" % (pid, tid)) as file:
            return file.read().rpartition(")")[2].split()[0] in "tT"


@contextlib.contextmanager
def unharmed(test, pid, busy=False):
    """Fails the test if the process is not, after the block, as it was before it.

    A busy target may change by itself all but whether it is stopped or traced, and its code.
    """
    before = Observed(pid)
    yield
    after = Observed(pid)
    for name in ("stopped", "tracer", "code") if busy else vars(before):
        test.assertEqual(getattr(before, name), getattr(after, name), "%s of the target changed" % name)


# ------------------------------------------------------------------------------------------------- machine

@contextlib.contextmanager
def machine_lock(name):
    """Held by tests that change something of the whole machine, so that two never do it at once."""
    with open(os.path.join(tempfile.gettempdir(), "heapwalk-test-%s.lock" % name), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def kernel_setting(path, value, fine=lambda current: False):
    """Sets /proc/sys/... for a while, unless what is there is fine; yields what is then there.

    Skips the test when that is not allowed.
    """
    with machine_lock(os.path.basename(path)):
        with open(path) as file:
            old = file.read().strip()
        if fine(old):
            yield old
            return
        try:
            with open(path, "w") as file:
                file.write(value)
        except OSError as error:
            raise unittest.SkipTest("%s cannot be set here: %s" % (path, error))
        try:
            yield value
        finally:
            with open(path, "w") as file:
                file.write(old)


def core_pattern():
    """Within it the kernel puts cores into the current directory of who dies, as the name yielded or NAME.PID.

    Where the machine pipes them elsewhere that is changed for a while; the test is skipped if we may not.
    """
    return kernel_setting("/proc/sys/kernel/core_pattern", "core",
                          lambda pattern: pattern and pattern[0] not in "|/" and "%" not in pattern)


# -------------------------------------------------------------------------------------------------- tests

class TestCase(unittest.TestCase):
    """Adds heapwalk's answers and the comparison with a truth to unittest."""

    maxDiff = 4000

    def heapwalk(self, *arguments, status=0, **options):
        """Runs heapwalk, which must end with that status, and returns the Run."""
        done = run(*arguments, **options)
        self.assertEqual(status, done.status, str(done))
        return done

    def listed(self, pid, *arguments, busy=False):
        """Every chunk of `heapwalk --list --format json` of a process: address -> row."""
        with unharmed(self, pid, busy):
            done = self.heapwalk("--attach", pid, "--list", "--format", "json", *arguments)
        return self.rows_by_address(done)

    def rows_by_address(self, done):
        rows = {}
        for row in json_lines(done.out):
            address = int(row["address"], 16)
            self.assertNotIn(address, rows, "listed twice")
            rows[address] = row
        return rows

    def assert_exact(self, truth, rows):
        """Every block that the program holds is listed with its usable size, and nothing else unexplained.

        Returns the number of extra chunks (libc's own).
        """
        missed = sorted(set(truth.blocks) - set(rows))
        self.assertEqual([], [describe(truth.blocks[a], a) for a in missed[:10]],
                         "%d of %d blocks missed" % (len(missed), len(truth.blocks)))
        wrong = [(hex(a), rows[a]["size"], usable) for a, (_, usable) in truth.blocks.items()
                 if rows[a]["size"] != usable]
        self.assertEqual([], wrong[:10], "%d usable sizes wrong (address, heapwalk's, malloc's)" % len(wrong))
        extra = sorted(set(rows) - set(truth.blocks))
        unexplained = [a for a in extra if truth.explain(a) is None]
        self.assertEqual([], [rows[a] for a in unexplained[:10]],
                         "%d chunks listed that nobody holds" % len(unexplained))
        return len(extra)


def describe(block, address):
    return "%#x: %d bytes, usable %d" % ((address,) + block)
