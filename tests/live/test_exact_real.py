# SPDX-License-Identifier: GPL-3.0-or-later
"""The live chunks of real programs are exactly the blocks that a recorder between them and malloc counted."""
import contextlib
import fcntl
import os
import struct
import subprocess
import tempfile
import termios
import time
import unittest

import harness
import recorder

PYTHON_OBJECTS = """
import json, re, sys, collections, xml.dom.minidom
table = {str(i): [i, str(i) * (i % 50), {"key": float(i)}] for i in range(20000)}
text = json.dumps(table); again = json.loads(text); words = re.findall(r"\\w+", text)
document = xml.dom.minidom.parseString("<a>" + "<b c='d'>e</b>" * 2000 + "</a>")
del table
sys.stdin.readline()
"""

# Four threads that never stop allocating; the recorder makes them wait while the heap is read.
PYTHON_THREADS = """
import random, sys, threading
running = True
def work(seed):
    numbers, held = random.Random(seed), {}
    while running:
        held[numbers.randrange(4000)] = bytes(numbers.randrange(3000))
for seed in range(4):
    threading.Thread(target=work, args=(seed,)).start()
sys.stdin.readline()
running = False
"""

PERL = """
my %h; for my $i (1..30000) { $h{"key$i"} = [ $i, "v" x ($i % 100), { $i => $i } ]; }
delete $h{"key$_"} for grep { $_ % 3 } 1..30000;
my @sorted = sort { $a cmp $b } keys %h; my $joined = join ",", @sorted;
<STDIN>;
"""

SQL = """
create table t(id integer primary key, name text, blob blob);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
insert into t select i, 'name ' || i, randomblob(i % 500) from n;
create index names on t(name);
select count(*), max(length(blob)) from t join (select name as other from t where id % 7 = 0) on name = other;
delete from t where id % 2 = 0;
"""

BASH = """
declare -A map; for i in {1..5000}; do map[key$i]="value $i ${i}${i}"; done
text=; for i in {1..2000}; do text+="line $i"; done; unset 'map[key7]'
function f { local a=("$@"); echo ${#a[@]}; }; f {1..1000} >/dev/null
"""


class Recorded:
    """A program under the recorder, with a pipe as its standard input. Leaving it closes that pipe."""

    def __init__(self, command, text="", env=None, **popen):
        self.command = command
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL,
                                        env=dict(os.environ, **recorder.environment(), **(env or {})), **popen)
        self.pid = self.process.pid
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()
        harness.wait_until(lambda: recorder.is_recorded(self.pid), "%s to allocate" % command[0])
        self.recorder = recorder.Recorder(self.pid)

    def unread(self):
        """Bytes of its input that the program has not read."""
        return struct.unpack("i", fcntl.ioctl(self.process.stdin, termios.FIONREAD, b"\0" * 4))[0]

    def wait_idle(self):
        """Until it has read its input and has stopped allocating."""
        harness.wait_until(lambda: self.unread() == 0, "%s to read its input" % self.command[0])
        harness.wait_until(lambda: self.calls_within(0.3) == 0, "%s to come to rest" % self.command[0])

    def wait_busy(self, calls):
        """Until it has called malloc and its kin that often."""
        harness.wait_until(lambda: self.recorder.header()["calls"] > calls, "%s to work" % self.command[0])

    def calls_within(self, seconds):
        before = self.recorder.header()["calls"]
        time.sleep(seconds)
        return self.recorder.header()["calls"] - before

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                with contextlib.suppress(BrokenPipeError):
                    self.process.stdin.write(b"\n")
                    self.process.stdin.close()
                status = self.process.wait(harness.PATIENCE)
                if status != 0:
                    raise AssertionError("%s ended with status %d" % (self.command, status))
        finally:
            self.process.kill()
            self.process.wait()
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()


class RecordedTest(harness.TestCase):
    def compare(self, name, program, busy=False):
        """Holds the program at the door of malloc, and compares block by block."""
        with program.recorder.paused():
            rows = self.listed(program.pid, busy=busy)
            truth = program.recorder.truth()
        self.assertGreater(len(truth.blocks), 100, "the program hardly allocated anything")
        extra = self.assert_exact(truth, rows)
        harness.note("%-26s %7d blocks, 0 missed, %d extra" % (name, len(truth.blocks), extra))

    def compare_idle(self, name, command, text="", **options):
        with Recorded(command, text, **options) as program:
            program.wait_idle()
            self.compare(name, program)


class RealTest(RecordedTest):
    def test_python(self):
        self.compare_idle("python3", [harness.need("python3"), "-c", PYTHON_OBJECTS])

    def test_python_malloc(self):
        """Every Python object a chunk of its own."""
        self.compare_idle("python3 PYTHONMALLOC", [harness.need("python3"), "-c", PYTHON_OBJECTS],
                          env={"PYTHONMALLOC": "malloc"})

    def test_python_threads(self):
        """At work, at several moments."""
        with Recorded([harness.need("python3"), "-c", PYTHON_THREADS], env={"PYTHONMALLOC": "malloc"}) as program:
            for calls in (50000, 200000, 400000):
                program.wait_busy(calls)
                self.compare("python3, 5 threads at work", program, busy=True)

    def test_perl(self):
        self.compare_idle("perl", [harness.need("perl"), "-e", PERL])

    def test_sqlite(self):
        self.compare_idle("sqlite3", [harness.need("sqlite3"), "-batch", ":memory:"], SQL)

    def test_bash(self):
        self.compare_idle("bash", [harness.need("bash"), "--norc", "-s"], BASH)

    def test_gdb(self):
        commands = "set confirm off\nset pagination off\nfile %s\nbreak main\ninfo functions hw_\nptype struct hw_heap\n"
        self.compare_idle("gdb", [harness.need("gdb"), "-q", "-nx"], commands % harness.HEAPWALK)

    def test_git(self):
        git = harness.need("git")
        with tempfile.TemporaryDirectory() as repository:
            def run(*arguments):
                subprocess.run([git, "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", repository,
                                *arguments], check=True, capture_output=True)
            run("init")
            for i in range(50):
                with open(os.path.join(repository, "file%d" % i), "w") as file:
                    file.write("".join("line %d of %d\n" % (n, i) for n in range(i * 20)))
            run("add", ".")
            run("commit", "-m", "files")
            run("gc")
            names = "".join("HEAD:file%d\n" % i for i in range(50))
            self.compare_idle("git cat-file", [git, "-C", repository, "cat-file", "--batch"], names)


class ServerTest(RecordedTest):
    """MariaDB: a dozen threads, C++, clients at work."""

    def query(self, socket, sql, **options):
        return subprocess.Popen([harness.need("mariadb"), "--no-defaults", "-u", "root", "-S", socket, "-e", sql],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)

    @contextlib.contextmanager
    def server(self):
        program = harness.need("mariadbd")
        with tempfile.TemporaryDirectory() as place:
            socket = os.path.join(place, "socket")
            data = os.path.join(place, "data")
            os.mkdir(data)
            with Recorded([program, "--no-defaults", "--datadir=" + data, "--socket=" + socket, "--user=root",
                           "--skip-networking", "--skip-grant-tables", "--pid-file=" + os.path.join(place, "pid"),
                           "--innodb-buffer-pool-size=16M"]) as server:
                try:
                    harness.wait_until(lambda: os.path.exists(socket), "the server to listen")
                    yield server, socket
                finally:
                    server.process.terminate()

    def test_mariadb(self):
        tables = "create database d; use d; create table t(i int primary key, name varchar(200), index(name)); "
        rows = "insert into d.t select seq, repeat('x', seq % 200) from d.s; "
        numbers = "create table d.s(seq int); insert into d.s values (0),(1),(2),(3),(4),(5),(6),(7); " + "".join(
            "insert into d.s select seq + %d from d.s; " % (8 << n) for n in range(9))
        joins = "select count(distinct a.name, b.name) from d.t a join d.t b on a.i = b.i + 1 group by a.i % 97; "
        with self.server() as (server, socket):
            self.compare("mariadbd, just started", server, busy=True)
            self.assertEqual(0, self.query(socket, tables + numbers + rows).wait(harness.PATIENCE))
            clients = [self.query(socket, joins * 200) for _ in range(4)]
            for _ in range(3):
                server.wait_busy(server.recorder.header()["calls"] + 2000)
                self.compare("mariadbd, 4 clients at work", server, busy=True)
            for client in clients:
                client.kill()
                client.wait()


if __name__ == "__main__":
    unittest.main()
