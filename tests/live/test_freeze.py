# SPDX-License-Identifier: GPL-3.0-or-later
"""The freeze: whatever the target is doing, and whatever becomes of us, it goes on as if nothing had been."""
import contextlib
import json
import os
import random
import signal
import subprocess
import time
import unittest

import harness

SNAP = harness.built("tools", "snap")
METHODS = ("hold", "fork")
NOT_FOUND, PERMISSION, GONE, BUSY, UNSUPPORTED = 4, 5, 6, 7, 8  # enum hw_error_code


class Target(harness.Process):
    """A program of tests/targets/blockers/ or moods/, ready to be frozen."""

    def __init__(self, name, *arguments, launcher=()):
        super().__init__([*launcher, harness.built("targets", name), *arguments])
        try:
            self.ready = json.loads(self.read_line())["ready"]
        except Exception:
            self.__exit__(Exception, None, None)
            raise

    def ask(self):
        self.process.stdin.write(b"s\n")
        self.process.stdin.flush()
        return json.loads(self.read_line())


def snap(method, pid, *pairs, prefix=(), options=(), status=0):
    """Takes a snapshot and returns what it holds."""
    words = [word for address, length in pairs for word in ("%x" % address, str(length))]
    done = subprocess.run([*prefix, SNAP, *options, method, str(pid), *words], capture_output=True, text=True,
                          timeout=harness.PATIENCE, check=False)
    if status is not None and done.returncode != status:
        raise AssertionError("snap %s %d: %d %s %s" % (method, pid, done.returncode, done.stdout, done.stderr))
    return json.loads(done.stdout)


def as_nobody():
    """What to put before a command so that it runs without any privilege."""
    prefix = [harness.need("setpriv"), "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    if subprocess.run([*prefix, "test", "-x", SNAP], check=False).returncode != 0:
        raise unittest.SkipTest("another user may not be taken on, or may not read the build directory")
    return prefix


def helpers_of(pid):
    """The processes that trace one of a process's threads."""
    found = set()
    for tid in harness.thread_ids(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.add(int(harness.status_fields(tid)["TracerPid"]))
    return found - {0}


def agents_for(pid):
    """The helper processes of tools that were started for a process and are dead themselves."""
    found = []
    for entry in os.listdir("/proc"):
        # A helper that was born just before the tool was killed still bears the tool's name, but is no child of ours.
        with contextlib.suppress(OSError, ValueError):
            fields = harness.status_fields(int(entry))
            with open("/proc/%s/cmdline" % entry) as command:
                if fields["Name"] in ("hw-agent", "snap") and fields["PPid"] != str(os.getpid()) and (
                        str(pid) in command.read().split("\0")):
                    found.append(int(entry))
    return found


def wait_free(pid, children):
    """Waits until nobody is busy with the process any more; it must have its own children only."""
    harness.wait_until(lambda: not agents_for(pid), "a helper does not end")
    harness.wait_until(lambda: not helpers_of(pid), "still traced")
    harness.wait_until(lambda: harness.children_of(pid) == children, "children left behind")


def is_dead(pid):
    try:
        return harness.status_fields(pid)["State"][0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class BlockersTest(harness.TestCase):
    """Threads in every kind of waiting call: none may return, and memory must be of one moment."""

    def check_snapshot(self, ready, method):
        first, second = int(ready["first"], 16), int(ready["second"], 16)
        pattern, size = int(ready["pattern"], 16), ready["pattern_size"]
        word = 8 if ready["first"].startswith("0x5") or len(ready["first"]) > 10 else 4
        got = snap(method, ready["pid"], (first, word), (second, word), (pattern, size))
        counts = [int.from_bytes(bytes.fromhex(text), "little") for text in got["memory"][:2]]
        self.assertIn(counts[0] - counts[1], (0, 1), "first and second are of different moments")
        self.assertEqual(bytes((i * 7 + i // 251) % 256 for i in range(size)).hex(), got["memory"][2])
        self.assertTrue(all(thread["registers"] for thread in got["threads"]))
        return got

    def check(self, program, methods, rounds):
        with Target(program) as target:
            children = [target.ready["child"]]
            with harness.unharmed(self, target.pid):
                for i in range(rounds):
                    got = self.check_snapshot(target.ready, methods[i % len(methods)])
                    self.assertEqual(methods[i % len(methods)], got["method"])
                    self.assertEqual(target.ready["calls"] + 3, len(got["threads"]))
                    self.assertEqual(target.pid, got["threads"][0]["tid"])
                    self.assertEqual(children, harness.children_of(target.pid))
                    self.assertEqual(set(), helpers_of(target.pid))
            status = target.ask()
            self.assertEqual((0, 0, 0), (status["returned"], status["sigchld"], status["unsound"]), status["what"])

    def test_nothing_returns(self):
        self.check("blockers", METHODS, 40)

    def test_nothing_returns_i386(self):
        self.check("blockers-32", ("hold",), 20)

    def test_i386_is_not_forked(self):
        with Target("blockers-32", "quiet") as target:
            refused = snap("fork", target.pid, status=3)
            self.assertEqual(UNSUPPORTED, refused["code"])
            self.assertIn("hold", refused["remedy"])

    def test_victim_waits(self):
        """Without a computing thread the fork is made by one that waits."""
        with Target("blockers", "quiet") as target:
            for _ in range(20):
                self.assertEqual("fork", snap("fork", target.pid)["method"])
            self.assertEqual(0, target.ask()["returned"])


class KilledTest(harness.TestCase):
    """We are killed, stopped or interrupted at any moment: the target must not notice."""

    def check(self, method, number, rounds, victim):
        generator = random.Random(4711)
        with Target("blockers") as target:
            children = [target.ready["child"]]
            start = time.monotonic()
            snap(method, target.pid)
            usual = time.monotonic() - start
            with harness.unharmed(self, target.pid):
                for _ in range(rounds):
                    tool = subprocess.Popen([SNAP, method, str(target.pid)], stdout=subprocess.DEVNULL)
                    time.sleep(generator.uniform(0, usual))
                    victim(tool, number)
                    wait_free(target.pid, children)
            status = target.ask()
            self.assertEqual((0, 0, 0), (status["returned"], status["sigchld"], status["unsound"]), status["what"])

    @staticmethod
    def hit(tool, number):
        tool.send_signal(number)
        tool.wait()

    @staticmethod
    def hit_and_resume(tool, number):
        tool.send_signal(number)
        time.sleep(0.02)
        tool.send_signal(signal.SIGCONT)
        tool.wait()

    def test_killed_while_holding(self):
        self.check("hold", signal.SIGKILL, 60, self.hit)

    def test_killed_while_forking(self):
        self.check("fork", signal.SIGKILL, 60, self.hit)

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number=number):
                self.check("fork", number, 10, self.hit)

    def test_stopped_for_a_while(self):
        self.check("fork", signal.SIGSTOP, 15, self.hit_and_resume)

    def test_stopped_tool_leaves_nobody_standing(self):
        """A Ctrl-Z in the middle: the target goes on although we do not."""
        with Target("blockers") as target:
            for _ in range(15):
                tool = subprocess.Popen([SNAP, "hold", str(target.pid)], stdout=subprocess.DEVNULL)
                time.sleep(random.uniform(0, 0.02))
                tool.send_signal(signal.SIGSTOP)
                wait_free(target.pid, [target.ready["child"]])
                self.hit(tool, signal.SIGKILL)
            self.assertEqual(0, target.ask()["returned"])


class HelperKilledTest(harness.TestCase):
    """The helper dies while a thread of the target has foreign registers: the thread finds back by itself."""

    LIBRARY = harness.built("dying", "libdying.so")

    def die(self, pid, moment, **more):
        """A fork whose helper dies at that moment of its work in the target; its exit status."""
        sanitizers = {"ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
        env = dict(os.environ, LD_PRELOAD=self.LIBRARY, HW_DIE_AT=str(moment), **sanitizers, **more)
        return subprocess.run([SNAP, "fork", str(pid)], env=env, capture_output=True, text=True,
                              timeout=harness.PATIENCE, check=False)

    def check(self, program, after, **more):
        """Lets it die at every moment, until one lies behind the end of the work."""
        with Target(*program) as target:
            before = harness.Observed(target.pid)
            for moment in range(1, 2000):
                done = self.die(target.pid, moment, **more)
                if done.returncode == 0:
                    break
                after(target, moment, done)
            self.assertGreater(moment, 50, "it did not die while it worked")
            now = harness.Observed(target.pid)
            for name in ("stopped", "tracer", "code", "threads", "descriptors", "thread_states"):
                self.assertEqual(getattr(before, name), getattr(now, name), name)
            status = target.ask()
            self.assertEqual((0, 0, 0), (status["returned"], status["sigchld"], status["unsound"]), status["what"])

    def test_helper(self):
        """heapwalk lives on, says so, and cleans up."""
        def after(target, moment, done):
            self.assertEqual(3, done.returncode, done)
            self.assertIn("killed by signal 9", json.loads(done.stdout)["error"])
            children = [target.ready["child"]]
            harness.wait_until(lambda: harness.children_of(target.pid) == children, "left behind at %d" % moment)
        self.check(("blockers",), after)

    def test_both(self):
        """Nobody is left to clean up: dead children may stay, nothing else."""
        def after(target, moment, done):
            self.assertEqual(-signal.SIGKILL, done.returncode, done)
            harness.wait_until(lambda: all(child == target.ready["child"] or is_dead(child)
                                           for child in harness.children_of(target.pid)), "a child of ours runs")
        self.check(("blockers",), after, HW_DIE_ALL="1")

    def test_registers(self):
        """Vector registers, rounding and the red zone are the thread's own again."""
        with Target("moods", "registers") as target:
            for moment in range(1, 60):
                self.assertEqual(3, self.die(target.pid, moment).returncode)
                count = target.ask()["count"]
                harness.wait_until(lambda: target.ask()["count"] > count + 1, "it no longer goes on")
                self.assertEqual("", target.ask()["what"], moment)

    def test_waiting_thread(self):
        """The thread that is borrowed waits in a system call, which must not return."""
        def after(target, moment, done):
            self.assertEqual(0, target.ask()["returned"], moment)
        self.check(("blockers", "quiet"), after)


class TogetherTest(harness.TestCase):
    """Several of us at one target: each gets its turn, and none leaves anything behind."""

    def test_three_at_once(self):
        with Target("blockers") as target:
            children = [target.ready["child"]]
            with harness.unharmed(self, target.pid):
                for _ in range(10):
                    tools = [subprocess.Popen([SNAP, method, str(target.pid)], stdout=subprocess.PIPE)
                             for method in ("fork", "hold", "fork")]
                    for tool in tools:
                        output = json.loads(tool.communicate()[0])
                        self.assertIn(tool.returncode, (0, 3), output)
                        self.assertIn(output.get("code", BUSY), (BUSY,), output)
                    wait_free(target.pid, children)
            status = target.ask()
            self.assertEqual((0, 0, 0), (status["returned"], status["sigchld"], status["unsound"]), status["what"])


class MoodsTest(harness.TestCase):
    """Targets that are hard to hold still."""

    def check(self, mood, rounds, methods=METHODS):
        """Takes snapshots; the target must find nothing wrong and go on."""
        with Target("moods", mood) as target:
            before = target.ask()
            for i in range(rounds):
                got = snap(methods[i % len(methods)], target.pid)
                self.assertGreater(len(got["threads"]), 0)
            harness.wait_until(lambda: not agents_for(target.pid), "a helper does not end")
            harness.wait_until(lambda: target.ask()["count"] > before["count"], "it no longer goes on")
            self.assertEqual("", target.ask()["what"])
            self.assertEqual("0", harness.status_fields(target.pid)["TracerPid"])

    def test_signal_storm(self):
        self.check("storm", 60)

    def test_thread_churn(self):
        self.check("churn", 30)

    def test_forks(self):
        self.check("forks", 30)

    def test_vfork(self):
        """A thread that cannot be stopped is no reason to wait for ever, nor to fork."""
        with Target("moods", "vfork") as target:
            for method in ("hold", "auto"):
                for _ in range(6):
                    got = snap(method, target.pid)
                    self.assertEqual("hold", got["method"])
                    self.assertEqual(2, len(got["threads"]))
                    self.assertTrue(all(thread["sp"] and thread["pc"] for thread in got["threads"]))
            self.assertEqual("", target.ask()["what"])

    def test_zombie_leader(self):
        with Target("moods", "leader") as target:
            harness.wait_until(lambda: harness.status_fields(target.pid)["State"][0] == "Z", "no zombie")
            for method in METHODS:
                got = snap(method, target.pid)
                leader, worker = got["threads"]
                self.assertEqual((target.pid, "Z", 0), (leader["tid"], leader["state"], leader["registers"]))
                self.assertEqual(1, worker["registers"])
                self.assertGreater(got["modules"], 0)
            self.assertGreater(snap("preview", target.pid)["modules"], 0)

    def test_thread_id_names_its_process(self):
        with Target("moods", "storm") as target:
            other = harness.thread_ids(target.pid)[-1]
            self.assertNotEqual(target.pid, other)
            self.assertEqual(target.pid, snap("hold", other)["pid"])

    def test_seccomp(self):
        """A filter that kills on clone: suspended where we may, else not tempted."""
        with Target("moods", "seccomp") as target:
            with harness.unharmed(self, target.pid):
                self.assertEqual("fork", snap("fork", target.pid)["method"])
                self.assertEqual("2", harness.status_fields(target.pid)["Seccomp"])
                weaker = [harness.need("setpriv"), "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
                refused = snap("fork", target.pid, prefix=weaker, status=3)
                self.assertEqual(UNSUPPORTED, refused["code"])
                self.assertIn("seccomp", refused["error"])
                self.assertEqual("hold", snap("auto", target.pid, prefix=weaker)["method"])

    def test_subreaper(self):
        with Target("moods", "subreaper") as target:
            with harness.unharmed(self, target.pid):
                for _ in range(10):
                    snap("fork", target.pid)
            self.assertEqual(0, target.ask()["signals"], "SIGCHLD came")

    def test_first_process_of_a_namespace(self):
        unshare = [harness.need("unshare"), "--fork", "--pid", "--mount-proc", "--kill-child"]
        with Target("moods", "subreaper", launcher=unshare) as target:
            inner = harness.wait_until(lambda: harness.children_of(target.pid), "no child")[0]
            self.assertEqual(1, target.ready["pid"])
            with harness.unharmed(self, inner):
                for _ in range(10):
                    got = snap("fork", inner)
                    self.assertEqual("/proc/%d/root" % inner, got["sysroot"])
                    self.assertGreater(got["modules"], 2)
            self.assertEqual(0, target.ask()["signals"], "SIGCHLD came")

    def test_children_in_a_new_namespace(self):
        """The next child is the first of a PID namespace that dies with it: it must not be ours."""
        with Target("moods", "unshared") as target:
            self.assertEqual(UNSUPPORTED, snap("fork", target.pid, status=3)["code"])
            self.assertEqual("hold", snap("auto", target.pid)["method"])

    def test_executes_itself(self):
        with Target("moods", "execs") as target:
            outcomes = set()
            for i in range(40):
                got = snap(("hold", "auto")[i % 2], target.pid, status=None)
                outcomes.add(got.get("code", 0))
                self.assertIn(got.get("code", 0), (0, GONE), got)
            wait_free(target.pid, [])
            self.assertIn(0, outcomes)


class BusyTest(harness.TestCase):
    """Caught at a bad moment the target is let go, and stopped again a few times."""

    def check(self, method, times, attempts, still_busy):
        with Target("blockers") as target:
            with harness.unharmed(self, target.pid):
                got = snap(method, target.pid, options=("-b", str(times)))
            self.assertEqual((attempts, still_busy), (got["attempts"], got["still_busy"]))
            self.assertGreaterEqual(got["total_pause_us"], got["pause_us"])
            self.assertEqual(0, target.ask()["returned"])

    def test_busy(self):
        for method in METHODS:
            with self.subTest(method=method):
                self.check(method, 2, 3, 0)

    def test_busy_all_the_time(self):
        for method in METHODS:
            with self.subTest(method=method):
                self.check(method, 100, 5, 1)


class UnprivilegedTest(harness.TestCase):
    """Without any privilege, at a process of the same user."""

    def test_both_methods(self):
        nobody = as_nobody()
        if os.path.exists("/proc/sys/kernel/yama/ptrace_scope"):
            with open("/proc/sys/kernel/yama/ptrace_scope") as file:
                if file.read().strip() != "0":
                    self.skipTest("kernel.yama.ptrace_scope is not 0")
        with Target("blockers", launcher=nobody) as target:
            for method in METHODS * 5:
                with harness.unharmed(self, target.pid):
                    got = snap(method, target.pid, (int(target.ready["pattern"], 16), 16), prefix=nobody)
                self.assertEqual(method, got["method"])
                self.assertEqual(bytes(i * 7 for i in range(16)).hex(), got["memory"][0])
                self.assertGreater(got["modules"], 1)
            self.assertEqual(0, target.ask()["returned"])


class LimitedTest(harness.TestCase):
    """A control group with little memory left."""

    ROOTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/memory")

    @contextlib.contextmanager
    def group(self, limit):
        for root in self.ROOTS:
            path = os.path.join(root, "heapwalk-test-%d" % os.getpid())
            with contextlib.suppress(OSError):
                os.mkdir(path)
                for name in ("memory.max", "memory.limit_in_bytes"):
                    if os.path.exists(os.path.join(path, name)):
                        with open(os.path.join(path, name), "w") as file:
                            file.write(str(limit))
                        try:
                            yield path
                        finally:
                            harness.wait_until(lambda: self.removed(path), "control group in use")
                        return
                os.rmdir(path)
        self.skipTest("no memory control group can be made here")

    @staticmethod
    def removed(path):
        with contextlib.suppress(OSError):
            os.rmdir(path)
        return not os.path.exists(path)

    def test_little_room(self):
        """A copy is charged to the target's group: with 100 MiB used of 110 there is none."""
        with self.group(110 << 20) as path:
            with Target("moods", "grown", "100") as target:
                with open(os.path.join(path, "cgroup.procs"), "w") as file:
                    file.write(str(target.pid))
                # What was touched before is charged where it was touched: touch it anew.
                target.ask()
                harness.wait_until(lambda: target.ask()["count"] > 1, "it does not grow")
                # Now and then it has just given its memory back, and there is room.
                got = harness.wait_until(lambda: self.held(target.pid), "it forks")
                self.assertIn("control group", got["reason"])
                harness.wait_until(lambda: snap("fork", target.pid, status=None).get("code") == UNSUPPORTED, "it forks")

    @staticmethod
    def held(pid):
        got = snap("auto", pid)
        return got if got["method"] == "hold" else None


class StoppedTest(harness.TestCase):
    """A process that SIGSTOP has stopped stays stopped, and its parent hears nothing."""

    def assert_silent(self, pid):
        flags = os.WNOHANG | os.WUNTRACED | os.WCONTINUED
        self.assertEqual((0, 0), os.waitpid(pid, flags))

    def check(self, method):
        with Target("blockers") as target:
            os.kill(target.pid, signal.SIGSTOP)
            pid, status = os.waitpid(target.pid, os.WUNTRACED)
            self.assertTrue(os.WIFSTOPPED(status))
            with harness.unharmed(self, target.pid):
                for _ in range(10):
                    got = snap(method, target.pid)
                    self.assertEqual({"T"}, {thread["state"] for thread in got["threads"]})
                    harness.wait_until(lambda: harness.status_fields(target.pid)["State"][0] == "T", "runs")
                    self.assert_silent(target.pid)
            os.kill(target.pid, signal.SIGCONT)
            pid, status = os.waitpid(target.pid, os.WCONTINUED)
            self.assertTrue(os.WIFCONTINUED(status))
            first = target.ask()
            harness.wait_until(lambda: target.ask()["count"] > first["count"], "it no longer goes on")
            self.assertEqual(first["returned"], target.ask()["returned"], target.ask()["what"])

    def test_hold(self):
        self.check("hold")

    def test_fork(self):
        self.check("fork")

    def test_stopped_meanwhile(self):
        """SIGSTOP and SIGCONT while we come and go: the last one counts."""
        with Target("moods", "storm") as target:
            for i in range(40):
                tool = subprocess.Popen([SNAP, METHODS[i % 2], str(target.pid)], stdout=subprocess.PIPE)
                time.sleep(random.uniform(0, 0.01))
                os.kill(target.pid, signal.SIGSTOP)
                output = tool.communicate()[0]
                self.assertEqual(0, tool.returncode, output)
                harness.wait_until(lambda: harness.status_fields(target.pid)["State"][0] == "T", "runs")
                os.kill(target.pid, signal.SIGCONT)
            harness.wait_until(lambda: target.ask()["unsound"] == 0, "unsound")


class MemoryTest(harness.TestCase):
    """Mappings of all kinds read the same whichever way they were taken."""

    PAGE = 4096

    def expected(self):
        page = self.PAGE
        tail = b"tail" + bytes(page - 4)
        return {
            "sparse": bytes(5 * page + 9) + b"a" + bytes(11 * page - 10),
            "dontfork": b"d" * 2 * page,
            "wipeonfork": b"e" * 2 * page,
            "shared": b"m" * page,
            "guarded": b"g" * page,
            "file": b"f" * page + b"w" * page + b"h" * page + tail,
            "shared_file": b"f" * 100 + b"s" * 100 + b"f" * (page - 200) + tail,
        }

    def check(self, method, program):
        with Target(program, "memory") as target:
            expected = self.expected()
            pairs = [(int(target.ready[name][0], 16), target.ready[name][1]) for name in expected]
            guarded = int(target.ready["guarded"][0], 16)
            with harness.unharmed(self, target.pid):
                got = snap(method, target.pid, *pairs, (guarded + self.PAGE, self.PAGE),
                           (guarded + 2 * self.PAGE, self.PAGE))
            for name, text in zip(expected, got["memory"]):
                found = bytes.fromhex(text)
                if name == "shared":
                    found = found[:self.PAGE]  # the second page may or may not be there
                self.assertEqual(expected[name], found, name)
            self.assertEqual("", got["memory"][-2], "the guard page is readable")
            self.assertEqual(b"g" * self.PAGE, bytes.fromhex(got["memory"][-1]))

    def test_hold(self):
        self.check("hold", "moods")

    def test_fork(self):
        self.check("fork", "moods")

    def test_hold_i386(self):
        self.check("hold", "moods-32")


class RefusedTest(harness.TestCase):
    """What cannot be inspected is named, with what to do."""

    def refusal(self, pid, code, words, method="auto", **options):
        got = snap(method, pid, status=3, **options)
        self.assertEqual(code, got["code"], got)
        for word in words:
            self.assertIn(word, got["error"])
        return got

    def test_no_such_process(self):
        with open("/proc/sys/kernel/pid_max") as file:
            self.refusal(int(file.read()) + 1, NOT_FOUND, ["no process"])

    def test_kernel_thread(self):
        kernel = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and self.is_kernel_thread(pid)]
        if not kernel:
            self.skipTest("no kernel thread is visible here")
        self.refusal(kernel[0], UNSUPPORTED, ["kernel"])

    @staticmethod
    def is_kernel_thread(pid):
        with contextlib.suppress(OSError), open("/proc/%s/stat" % pid) as file:
            return int(file.read().rpartition(")")[2].split()[6]) & 0x200000
        return False

    def test_zombie(self):
        child = subprocess.Popen(["true"])
        harness.wait_until(lambda: harness.status_fields(child.pid)["State"][0] == "Z", "no zombie")
        self.refusal(child.pid, GONE, ["zombie"])
        child.wait()

    def test_already_traced(self):
        with Target("moods", "storm") as target:
            tracer = subprocess.Popen([harness.need("strace"), "-o", "/dev/null", "-p", str(target.pid)],
                                      stderr=subprocess.DEVNULL)
            try:
                harness.wait_until(lambda: tracer.pid in helpers_of(target.pid), "strace does not come")
                got = self.refusal(target.pid, BUSY, [str(tracer.pid), "strace"])
                self.assertNotEqual("", got["remedy"])
            finally:
                tracer.terminate()
                tracer.wait()

    def test_other_user(self):
        with Target("moods", "storm") as target:
            got = self.refusal(target.pid, PERMISSION, ["user id 0", "65534"], prefix=as_nobody())
            self.assertIn("root", got["remedy"])

    def test_undumpable(self):
        with Target("moods", "undumpable", launcher=as_nobody()) as target:
            self.refusal(target.pid, PERMISSION, ["not dumpable"], prefix=as_nobody())
            self.assertEqual(target.pid, snap("auto", target.pid)["pid"])  # root may

    def test_ourselves(self):
        self.refusal(0, NOT_FOUND, ["no process"])


if __name__ == "__main__":
    unittest.main()
