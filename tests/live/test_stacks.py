# SPDX-License-Identifier: GPL-3.0-or-later
"""Call stacks: against what the program knows of itself, one method against the other, and against gdb."""
import functools
import glob
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness

SOURCES = os.path.join(harness.ROOT, "tests/targets/stacks")
STACKS = harness.built("tools", "stacks")

# Every function of the program that can stand in a chain.
OWN = {"main", "hold_still", "level_one", "level_two", "level_three", "recurse", "spin", "thread_main", "handler",
       "interrupted", "library_entry", "library_inner", "call_nothing", "call_nothing_handled"}

# Compiled so: name -> flags.
VARIANTS = {
    "plain": ["-O1", "-g"],
    "optimised": ["-O2", "-fomit-frame-pointer"],
    "unoptimised": ["-O0"],
    "frame-pointers": ["-O2", "-fno-omit-frame-pointer"],
    "static": ["-O2", "-static"],
    "fixed-address": ["-O2", "-no-pie"],
    "lld-like": ["-O2", "-Wl,-z,separate-code", "-Wl,-z,max-page-size=0x200000"],
}
METHODS = ("auto", "libunwind", "libdw")

# A static program has no .eh_frame_hdr, the table that libunwind needs; nor does libunwind read i386 stacks.
WITHOUT_LIBUNWIND = ("auto", "libdw")


def methods_for(variant):
    return WITHOUT_LIBUNWIND if variant in ("static", "32") else METHODS


@functools.lru_cache(maxsize=None)
def compiled(name, *flags, source="stacks.c"):
    """The path of a build of a source file of ours."""
    output = harness.built("targets", "stacks-" + name)
    partial = "%s.%d" % (output, os.getpid())
    os.makedirs(os.path.dirname(output), exist_ok=True)
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-pthread", *flags, "-o", partial, os.path.join(SOURCES, source), "-ldl"],
                   check=True)
    os.rename(partial, output)
    return output


def library():
    return compiled("library.so", "-shared", "-fPIC", "-O2", "-g", source="library.c")


def stripped():
    """The program without symbols and debug information: only .eh_frame is left."""
    original = compiled("plain", *VARIANTS["plain"])
    output = harness.built("targets", "stacks-stripped")
    partial = "%s.%d" % (output, os.getpid())
    subprocess.run(["strip", "--strip-all", "-o", partial, original], check=True)
    os.rename(partial, output)
    return output


def copy_with_libraries(program, root):
    """The program as /program of a root of its own, with what it needs to run."""
    shutil.copy(program, os.path.join(root, "program"))
    words = subprocess.run(["ldd", program], capture_output=True, check=True).stdout.decode().split()
    for word in words:
        # ld.so looks under the name that ldd prints, and maps tell the one without links.
        for path in {word, os.path.realpath(word)} if word.startswith("/") else ():
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            shutil.copy(path, root + path)


class Target(harness.Process):
    """The program in one of its scenarios; `truth` is tid -> names, innermost first."""

    def __init__(self, *command, **popen):
        super().__init__(list(command), **popen)
        self.truth = {}
        try:
            words = self.read_line().split()
            while words != ["ready"]:
                self.truth[int(words[1])] = words[2:]
                words = self.read_line().split()
        except BaseException:
            self.__exit__(AssertionError, None, None)
            raise

    def end(self):
        self.process.stdin.close()


def stacks(target, *arguments):
    """What the tool prints: tid -> {"end", "reason", "frames"}."""
    done = subprocess.run([STACKS, *arguments, str(target)], capture_output=True, timeout=harness.PATIENCE,
                          check=False)
    if done.returncode != 0:
        raise AssertionError("stacks %s: %s" % (target, done.stderr.decode(errors="replace")))
    return {stack["tid"]: stack for stack in json.loads(done.stdout)}


def own_names(stack):
    return [frame["function"] for frame in stack["frames"] if frame["function"] in OWN]


def program_counters(stack):
    return [frame["pc"] for frame in stack["frames"]]


GDB_SCRIPT = """
import gdb, json
result = {}
for thread in gdb.selected_inferior().threads():
    thread.switch()
    frame, counters = gdb.newest_frame(), []
    while frame and len(counters) < 3000:
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            counters.append(int(frame.pc()))
        frame = frame.older()
    result[thread.ptid[1]] = counters
print("STACKS " + json.dumps(result))
"""


def gdb_stacks(*target):
    """tid -> program counters, by gdb; frames without a place on the stack (inlined, left by a tail call) are left out."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(GDB_SCRIPT)
        script.flush()
        done = subprocess.run([harness.need("gdb"), "-q", "-nx", "-batch", "-ex", "set debuginfod enabled off",
                               "-ex", "set backtrace past-main on", "-ex", "set backtrace past-entry on",
                               *target, "-ex", "source " + script.name],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=harness.PATIENCE, check=False)
    for line in done.stdout.decode(errors="replace").splitlines():
        if line.startswith("STACKS "):
            return {int(tid): counters for tid, counters in json.loads(line[len("STACKS "):]).items()}
    raise AssertionError("gdb: " + done.stderr.decode(errors="replace"))


class LiveTest(harness.TestCase):
    """Stacks of running processes against the names that the program printed."""

    def check(self, target, *arguments, limit=2000):
        with harness.unharmed(self, target.pid):
            found = stacks(target.pid, "-l", str(limit), *arguments)
        self.assertEqual(set(harness.thread_ids(target.pid)), set(found))
        for tid, names in target.truth.items():
            self.assertEqual(names, own_names(found[tid]))
            self.assertEqual(("complete", None), (found[tid]["end"], found[tid]["reason"]))
        return found

    def check_all(self, program, scenario, *arguments, methods=METHODS):
        with Target(program, scenario, *arguments) as target:
            for method in methods:
                with self.subTest(method=method):
                    self.check(target, "-m", method)

    def test_variants(self):
        for name, flags in VARIANTS.items():
            for scenario in ("chain", "threads", "signal", "altstack"):
                with self.subTest(variant=name, scenario=scenario):
                    self.check_all(compiled(name, *flags), scenario, methods=methods_for(name))

    def test_bad_call(self):
        """A signal came at address 0. libdw takes that for the end of the stack."""
        for name in ("plain", "optimised", "fixed-address"):
            with self.subTest(variant=name):
                self.check_all(compiled(name, *VARIANTS[name]), "bad-call", methods=("auto", "libunwind"))

    def test_no_unwind_table(self):
        """What libunwind cannot follow it says so, and invents no frames."""
        with Target(compiled("static", *VARIANTS["static"]), "chain") as target:
            found = stacks(target.pid, "-m", "libunwind")
            names = {tid: own_names(stack) for tid, stack in stacks(target.pid, "-m", "libdw").items()}
        for tid, stack in found.items():
            self.assertEqual("broken", stack["end"])
            self.assertTrue(stack["reason"])
            self.assertLessEqual(set(own_names(stack)), set(names[tid]))

    def test_32_bits(self):
        for scenario in ("chain", "threads", "signal", "altstack"):
            with self.subTest(scenario=scenario):
                self.check_all(compiled("32", *harness.M32, "-O2"), scenario, methods=methods_for("32"))

    def test_library(self):
        self.check_all(compiled("plain", *VARIANTS["plain"]), "library", library())

    def test_deleted_program(self):
        with tempfile.TemporaryDirectory() as directory:
            copy = shutil.copy(compiled("plain", *VARIANTS["plain"]), directory)
            with Target(copy, "threads") as target:
                os.unlink(copy)
                for method in METHODS:
                    with self.subTest(method=method):
                        self.check(target, "-m", method)

    def test_debug_frame(self):
        """Without .eh_frame the debug information says how to unwind: to libdw, and so to heapwalk."""
        program = compiled("debug-frame", "-O2", "-g", "-fno-asynchronous-unwind-tables", "-fno-exceptions")
        for scenario in ("chain", "threads", "signal"):
            with self.subTest(scenario=scenario):
                self.check_all(program, scenario, methods=WITHOUT_LIBUNWIND)

    def test_other_root(self):
        """A program in another root and user namespace: its files are not where its maps say."""
        program = compiled("optimised", *VARIANTS["optimised"])
        with tempfile.TemporaryDirectory() as root:
            copy_with_libraries(program, root)
            command = [harness.need("unshare"), "--user", "--map-root-user", "--root=" + root, "/program"]
            if subprocess.run(command + ["nothing"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              check=False).returncode != 0:
                raise unittest.SkipTest("no user namespaces here")
            with Target(*command, "threads") as target:
                for method in METHODS:
                    with self.subTest(method=method):
                        found = self.check(target, "-m", method)
                        self.assertIn("start_thread", [frame["function"] for stack in found.values()
                                                       for frame in stack["frames"]])

    def test_spinning(self):
        with Target(compiled("optimised", *VARIANTS["optimised"]), "spin") as target:
            for method in METHODS * 5:
                self.check(target, "-m", method)

    def test_deep(self):
        with Target(compiled("optimised", *VARIANTS["optimised"]), "deep") as target:
            for method in METHODS:
                with self.subTest(method=method):
                    found = self.check(target, "-m", method)[target.pid]
                    self.assertGreater(len(found["frames"]), 1000)
                    cut = stacks(target.pid, "-m", method)[target.pid]
                    self.assertEqual(("cut", 256), (cut["end"], len(cut["frames"])))
                    # The innermost frames, in the C library, come and go.
                    self.assertEqual(own_names(found)[:200], own_names(cut)[:200])

    def test_no_line(self):
        """_start comes without debug information, and lies between functions that have it."""
        with Target(compiled("optimised-debug", "-O2", "-g"), "chain") as target:
            frames = stacks(target.pid)[target.pid]["frames"]
        start = next(frame for frame in frames if frame["function"] == "_start")
        self.assertEqual((None, 0), (start["file"], start["line"]))

    def test_lines(self):
        """The lines of calls in the program, as the compiler has it, hold the calls."""
        with Target(compiled("plain", *VARIANTS["plain"]), "chain") as target:
            frames = stacks(target.pid)[target.pid]["frames"]
        with open(os.path.join(SOURCES, "stacks.c")) as source:
            lines = source.read().split("\n")
        for caller, callee in (("level_one", "level_two("), ("level_two", "level_three("),
                               ("level_three", "hold_still("), ("main", "level_one(")):
            frame = next(frame for frame in frames if frame["function"] == caller)
            self.assertEqual("stacks.c", os.path.basename(frame["file"]))
            self.assertIn(callee, lines[frame["line"] - 1])


class AgainstGdbTest(harness.TestCase):
    """Of a process whose threads all wait, both methods and gdb say the same, frame by frame."""

    def check(self, target, methods=METHODS):
        with harness.unharmed(self, target.pid):
            found = {method: stacks(target.pid, "-m", method, "-l", "2000") for method in methods}
        by_gdb = gdb_stacks("-p", str(target.pid))
        self.assertTrue(by_gdb)
        for method in methods:
            self.assertEqual(by_gdb, {tid: program_counters(stack) for tid, stack in found[method].items()}, method)

    def test_variants(self):
        for name in ("plain", "optimised", "frame-pointers", "static"):
            for scenario in ("threads", "altstack"):
                with self.subTest(variant=name, scenario=scenario), \
                        Target(compiled(name, *VARIANTS[name]), scenario) as target:
                    self.check(target, methods_for(name))

    def test_real_program(self):
        """Without debug information: Debian's python3 with three threads."""
        script = ("import threading, time\n"
                  "for i in range(2): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
                  "print('ready', flush=True)\ninput()")
        with harness.Process([harness.need("python3"), "-c", script]) as process:
            process.read_line()
            harness.wait_until(lambda: all(self.waits(process.pid, tid) for tid in harness.thread_ids(process.pid)),
                               "all threads sleep")
            self.check(process)

    @staticmethod
    def waits(pid, tid):
        with open("/proc/%d/task/%d/stat" % (pid, tid)) as file:
            return file.read().rpartition(")")[2].split()[0] == "S"

    def test_view(self):
        """What --stacks shows is what the tool of the tests finds: functions by thread, innermost first."""
        with Target(compiled("plain", *VARIANTS["plain"]), "threads") as target:
            rows = json.loads(self.heapwalk("--attach", target.pid, "--stacks", "--format", "json").out)["stacks"]
        for tid, names in target.truth.items():
            shown = [row["function"].partition("+")[0] for row in rows if row["thread"] == tid]
            self.assertEqual(names, [name for name in shown if name in OWN])


class CoreTest(harness.TestCase):
    """Stacks in cores: both methods and gdb give the same program counters, frame by frame."""

    def check_core(self, core, program, truth=None, methods=METHODS):
        by_gdb = gdb_stacks(program, core)
        self.assertTrue(by_gdb)
        for method in methods:
            found = stacks(core, "-m", method, "-l", "2000")
            self.assertEqual(by_gdb, {tid: program_counters(stack) for tid, stack in found.items()}, method)
            for tid, names in (truth or {}).items():
                self.assertEqual(names, own_names(found[tid]), method)
            for stack in found.values():
                self.assertEqual(("complete", None), (stack["end"], stack["reason"]))

    def gcore(self, target, directory):
        prefix = os.path.join(directory, "core")
        subprocess.run([harness.need("gcore"), "-o", prefix, str(target.pid)], stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=harness.PATIENCE, check=True)
        return "%s.%d" % (prefix, target.pid)

    def test_gcore(self):
        for name in ("plain", "optimised", "static", "fixed-address"):
            for scenario in ("threads", "altstack", "deep"):
                with self.subTest(variant=name, scenario=scenario), tempfile.TemporaryDirectory() as directory:
                    program = compiled(name, *VARIANTS[name])
                    with Target(program, scenario) as target:
                        core = self.gcore(target, directory)
                    self.check_core(core, program, target.truth, methods_for(name))

    def test_stripped(self):
        with tempfile.TemporaryDirectory() as directory, Target(stripped(), "threads") as target:
            self.check_core(self.gcore(target, directory), stripped())

    def test_sysroot(self):
        """A core from elsewhere: the files lie under --sysroot, the program is given by --exe, or nothing is."""
        program = compiled("optimised", *VARIANTS["optimised"])
        with tempfile.TemporaryDirectory() as directory:
            away = os.path.join(directory, "away")
            moved = shutil.copy(program, os.path.join(directory, "program"))
            with Target(moved, "threads") as target:
                core = self.gcore(target, directory)
            os.makedirs(away + directory)
            other = shutil.move(moved, away + directory)
            copy_with_libraries(other, away)
            for arguments in (["-s", away], ["-e", other]):
                with self.subTest(arguments=arguments[0]):
                    found = stacks(core, *arguments)
                    for tid, names in target.truth.items():
                        self.assertEqual(names, own_names(found[tid]))
                        self.assertEqual("complete", found[tid]["end"])
            for stack in stacks(core).values():
                self.assertTrue(stack["frames"])
                self.assertEqual(stack["end"] == "broken", stack["reason"] is not None)
                self.assertFalse(own_names(stack))

    def kernel_core(self, program, scenario, directory):
        """The core that the kernel writes of the program, and the target that it was."""
        unlimited = lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        with harness.core_pattern() as pattern:
            target = Target(program, scenario, cwd=directory, preexec_fn=unlimited)
            try:
                if scenario == "crash":
                    target.end()
                else:
                    target.process.send_signal(signal.SIGABRT)
                target.process.wait(harness.PATIENCE)
            finally:
                target.__exit__(AssertionError, None, None)
        core, = glob.glob(os.path.join(directory, pattern + "*"))
        return core, target

    def test_kernel(self):
        program = compiled("optimised", *VARIANTS["optimised"])
        for scenario, methods in (("threads", METHODS), ("bad-call", ("auto", "libunwind"))):
            with self.subTest(scenario=scenario), tempfile.TemporaryDirectory() as directory:
                core, target = self.kernel_core(program, scenario, directory)
                self.check_core(core, program, target.truth, methods)

    def test_crash(self):
        """A call of address 0, as the kernel's core shows it."""
        program = compiled("optimised", *VARIANTS["optimised"])
        with tempfile.TemporaryDirectory() as directory:
            core, target = self.kernel_core(program, "crash", directory)
            self.check_core(core, program, target.truth)
            (tid, _), = target.truth.items()
            self.assertEqual(0, stacks(core)[tid]["frames"][0]["pc"])


if __name__ == "__main__":
    unittest.main()
