# SPDX-License-Identifier: GPL-3.0-or-later
"""Core files of the kernel and of gcore: against what the program said of itself, and against gdb."""
import contextlib
import functools
import glob
import gzip
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest

import glibcs
import harness

CORES = harness.built("tools", "cores")
SOURCE = os.path.join(harness.ROOT, "tests/targets/witness/witness.c")

# What of the witness's memory is in its files, not in its core.
IN_FILES = {"code", "malloc code", "constant"}


@functools.lru_cache(maxsize=None)
def compiled(name, *flags):
    """The path of a build of the witness."""
    output = harness.built("targets", "witness-" + name)
    partial = "%s.%d" % (output, os.getpid())
    os.makedirs(os.path.dirname(output), exist_ok=True)
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-g", "-O1", "-pthread", *flags, "-o", partial, SOURCE, "-ldl"], check=True)
    os.rename(partial, output)
    return output


def witness(name="plain"):
    return compiled(name, *{"plain": (), "32": harness.M32, "static": ("-static",)}[name])


def build_id(path):
    notes = subprocess.run(["readelf", "-nW", path], capture_output=True, text=True, check=True).stdout
    return re.search(r"Build ID: (\w+)", notes).group(1)


class Witness(harness.Process):
    """The witness, ready: `memory` is what -> record, `threads` tid -> thread pointer."""

    def __init__(self, program, way="wait", launcher=(), **popen):
        super().__init__([*launcher, program, way], **popen)
        self.memory, self.threads = [], {}
        try:
            for record in iter(lambda: json.loads(self.read_line()), None):
                if "ready" in record:
                    break
                if "tid" in record:
                    self.threads[record["tid"]] = record["tp"]
                else:
                    self.memory.append(record)
        except Exception:
            self.__exit__(Exception, None, None)
            raise


def no_limit(coredump_filter=None):
    def prepare():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        if coredump_filter is not None:
            with open("/proc/self/coredump_filter", "w") as file:
                file.write(str(coredump_filter))
    return prepare


def kernel_core(directory, program, way="abort", coredump_filter=None, launcher=()):
    """Lets the witness die in a directory; returns it and the path of its core."""
    with harness.core_pattern() as pattern:
        dead = Witness(program, way, launcher, cwd=directory, preexec_fn=no_limit(coredump_filter))
        dead.process.wait(harness.PATIENCE)
        dead.__exit__(AssertionError, None, None)
    cores = glob.glob(os.path.join(directory, pattern + "*"))
    if len(cores) != 1:
        raise AssertionError("%d cores written" % len(cores))
    return dead, cores[0]


def gcore(directory, target):
    prefix = os.path.join(directory, "gcore")
    subprocess.run([harness.need("gcore"), "-o", prefix, str(target.pid)], stdin=subprocess.DEVNULL,
                   capture_output=True, timeout=harness.PATIENCE, check=True)
    return "%s.%d" % (prefix, target.pid)


def opened(core, target=None, *options):
    """What tests/tools/cores says of a core; the target's memory is asked for in its order."""
    pairs = [str(n) for record in (target.memory if target else ())
             for n in (record["address"], len(record["bytes"]) // 2)]
    done = subprocess.run([CORES, *options, core, *pairs], capture_output=True, text=True,
                          timeout=harness.PATIENCE, check=False)
    if done.stderr or done.returncode not in (0, 3):
        raise AssertionError("cores ended with %d: %s" % (done.returncode, done.stderr))
    return json.loads(done.stdout)


def gdb_registers(program, core):
    """tid -> (pc, sp), as gdb has it."""
    done = subprocess.run(
        [harness.need("gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex",
         "thread apply all -q printf \"at %#llx %#llx\\n\", (unsigned long long)$pc, (unsigned long long)$sp",
         "-ex", "info threads", program, core], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=harness.PATIENCE, check=True)
    # Both lists number the threads; "thread apply all" goes from the last to the first.
    places = [tuple(int(word, 16) for word in line.split()[1:])
              for line in done.stdout.splitlines() if line.startswith("at ")]
    tids = [int(number) for number in re.findall(r"^[* ]+\d+ .*?LWP (\d+)", done.stdout, re.M)]
    return dict(zip(reversed(tids), places))


class CoreTest(harness.TestCase):
    def setUp(self):
        self.directory = self.enterContext_compatible(tempfile.TemporaryDirectory())

    def enterContext_compatible(self, manager):
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def assert_threads(self, target, core, found, program):
        by_tid = {thread["tid"]: thread for thread in found["threads"]}
        self.assertEqual({tid: tp for tid, tp in target.threads.items()},
                         {tid: thread["tp"] for tid, thread in by_tid.items()})
        self.assertEqual(target.pid, found["threads"][0]["tid"], "the leader is not the first thread")
        self.assertEqual(gdb_registers(program, core),
                         {tid: (thread["pc"], thread["sp"]) for tid, thread in by_tid.items()})

    def assert_memory(self, target, found, missing=()):
        """All memory is as the program said; what is `missing` cannot be read at all."""
        for record, got in zip(target.memory, found["memory"]):
            stored = record["stored"] and record["what"] not in missing
            self.assertEqual(record["bytes"] if stored else "", got, record["what"])

    def assert_never_wrong(self, target, found):
        """What can be read is as the program said. Returns what cannot be read."""
        missing = set()
        for record, got in zip(target.memory, found["memory"]):
            self.assertEqual(record["bytes"][:len(got)], got, record["what"])
            if not got:
                missing.add(record["what"])
        return missing

    def assert_warns(self, found, words):
        self.assertTrue(any(words in warning["text"] for warning in found["warnings"]), found["warnings"])


class WholeCores(CoreTest):
    def test_kernel(self):
        for name in ("plain", "32", "static"):
            with self.subTest(program=name), tempfile.TemporaryDirectory() as directory:
                program = witness(name)
                target, core = kernel_core(directory, program)
                found = opened(core, target)
                self.assert_threads(target, core, found, program)
                self.assert_memory(target, found)
                self.assertEqual((target.pid, os.getuid(), signal.SIGABRT, program),
                                 (found["pid"], found["uid"], found["signal"], found["executable"]))
                line = program + " abort"
                self.assertEqual(line if len(line) < 79 else line[:79] + "...", found["command_line"])

    def test_signal(self):
        self.assertEqual(signal.SIGSEGV, opened(kernel_core(self.directory, witness(), "segv")[1])["signal"])

    def test_gcore(self):
        for name in ("plain", "32", "static"):
            with self.subTest(program=name), tempfile.TemporaryDirectory() as directory:
                program = witness(name)
                with Witness(program) as target:
                    core = gcore(directory, target)
                    with open("/proc/%d/maps" % target.pid) as file:
                        maps = [line.split(maxsplit=5) for line in file]
                found = opened(core, target)
                self.assert_threads(target, core, found, program)
                self.assert_memory(target, found)
                self.assertEqual((target.pid, 0, program), (found["pid"], found["signal"], found["executable"]))
                self.assert_file_maps(maps, found)

    def assert_file_maps(self, maps, found):
        """Also the mappings that gcore leaves out are there, with their protection."""
        wanted = {(line[0], line[1][2], line[5].strip()) for line in maps if len(line) > 5 and line[5][0] == "/"}
        self.assertEqual(wanted, {("%08x-%08x" % (m["start"], m["end"]), "x" if m["prot"] & 4 else "-", m["path"])
                                  for m in found["maps"] if m["path"].startswith("/")})

    def test_modules(self):
        program = witness()
        target, core = kernel_core(self.directory, program)
        found = opened(core, target)
        modules = {module["path"]: module for module in found["modules"]}
        self.assertIn("[vdso]", modules)
        self.assertEqual([program], [path for path, module in modules.items() if module["executable"]])
        for path, module in modules.items():
            if path.startswith("/"):
                self.assertEqual(build_id(path), module["build_id"])

    def test_filters(self):
        """Whatever the kernel was told to leave out: what can be read is right."""
        for value, heap, code in ((0x00, False, False), (0x10, False, True), (0x01, True, True), (0x7f, True, True)):
            with self.subTest(filter=value), tempfile.TemporaryDirectory() as directory:
                target, core = kernel_core(directory, witness(), coredump_filter=value)
                missing = self.assert_never_wrong(target, opened(core, target))
                self.assertEqual(heap, "small block" not in missing)
                self.assertEqual(code, "code" not in missing)
                self.assertIn("secret", missing)
                self.assertEqual(heap, "data" not in missing, "the file's data stands for the program's")


class CompressedCores(CoreTest):
    def test_compressed(self):
        target, core = kernel_core(self.directory, witness())
        whole = opened(core, target)
        self.assert_memory(target, whole)
        packed = {"zstd": core + ".zst", "lz4": core + ".lz4", "gzip": core + ".gz"}
        subprocess.run([harness.need("zstd"), "-q", "-1", core, "-o", packed["zstd"]], check=True)
        subprocess.run([harness.need("lz4"), "-q", core, packed["lz4"]], check=True, stdout=subprocess.DEVNULL)
        with open(core, "rb") as plain, gzip.open(packed["gzip"], "wb", 1) as file:
            shutil.copyfileobj(plain, file)
        for name, path in packed.items():
            with self.subTest(compression=name):
                self.assertEqual(whole, opened(path, target))

    def test_cut_off_while_packed(self):
        target, core = kernel_core(self.directory, witness())
        packed = core + ".zst"
        subprocess.run([harness.need("zstd"), "-q", "-1", core, "-o", packed], check=True)
        os.truncate(packed, os.path.getsize(packed) // 2)
        found = opened(packed, target)
        self.assert_warns(found, "zstd data end too early")
        self.assert_warns(found, "cut off")
        self.assertNotEqual(set(), self.assert_never_wrong(target, found) - {"secret"})


class IncompleteCores(CoreTest):
    def test_cut_off(self):
        """At every tenth: the threads are there (notes come first), memory is right or missing, and it is said."""
        target, core = kernel_core(self.directory, witness())
        size = os.path.getsize(core)
        for tenth in range(9, 0, -1):
            with self.subTest(tenth=tenth):
                os.truncate(core, size * tenth // 10)
                found = opened(core, target)
                self.assertEqual(set(target.threads), {thread["tid"] for thread in found["threads"]})
                self.assert_never_wrong(target, found)
                self.assert_warns(found, "cut off")

    def test_deleted_executable(self):
        program = os.path.join(self.directory, "program")
        shutil.copy(witness(), program)
        target, core = kernel_core(self.directory, program)
        kept = os.path.join(self.directory, "kept")
        os.rename(program, kept)
        found = opened(core, target)
        self.assert_memory(target, found, missing={"code", "constant"})
        self.assert_warns(found, program)
        self.assert_memory(target, opened(core, target, "-e", kept))
        with self.subTest("another program under the old name"):
            shutil.copy("/bin/true", program)
            found = opened(core, target)
            self.assert_memory(target, found, missing={"code", "constant"})
            self.assert_warns(found, "not those of the core")

    def test_deleted_while_it_ran(self):
        program = os.path.join(self.directory, "program")
        shutil.copy(witness(), program)
        with Witness(program) as target:
            os.unlink(program)
            core = gcore(self.directory, target)
        found = opened(core, target)
        self.assert_memory(target, found)  # gcore stores all of a file that is gone
        self.assertEqual({program}, {m["path"] for m in found["maps"] if m["deleted"]})

    def test_sysroot(self):
        """The program's files are gone from here but lie under a directory."""
        program = os.path.join(self.directory, "program")
        shutil.copy(witness(), program)
        target, core = kernel_core(self.directory, program)
        root = os.path.join(self.directory, "root")
        for path in {m["path"] for m in opened(core)["maps"] if m["path"].startswith("/")}:
            os.makedirs(root + os.path.dirname(path), exist_ok=True)
            shutil.copy(path, root + path)
        os.unlink(program)
        self.assert_memory(target, opened(core, target, "-s", root))

    def test_another_libc(self):
        """A libc of another build under the same path is not taken for the one that ran."""
        target, core = kernel_core(self.directory, witness())
        root = os.path.join(self.directory, "root")
        other = os.path.join(os.path.dirname(glibcs.glibc("trixie", "amd64").loader), "libc.so.6")
        for path in {m["path"] for m in opened(core)["maps"] if m["path"].startswith("/")}:
            os.makedirs(root + os.path.dirname(path), exist_ok=True)
            shutil.copy(other if "libc.so.6" in path else path, root + path)
        found = opened(core, target, "-s", root)
        self.assert_memory(target, found, missing={"malloc code"})
        self.assert_warns(found, "libc.so.6")

    def test_no_files_at_all(self):
        """An empty sysroot: heap, stacks and data are there, code is not."""
        target, core = kernel_core(self.directory, witness())
        root = os.path.join(self.directory, "root")
        os.mkdir(root)
        found = opened(core, target, "-s", root)
        self.assert_memory(target, found, missing=IN_FILES)
        self.assert_warns(found, "not found")

    def test_no_file_names(self):
        """Without NT_FILE (its type is changed) ld.so's own list tells which files were mapped where."""
        for name in ("plain", "32", "static"):
            with self.subTest(program=name), tempfile.TemporaryDirectory() as directory:
                target, core = kernel_core(directory, witness(name))
                named = opened(core)
                with open(core, "r+b") as file:
                    head = file.read(1 << 16)
                    self.assertEqual(1, head.count(b"ELIFCORE\0"))
                    file.seek(head.index(b"ELIFCORE\0"))
                    file.write(b"XXXX")
                found = opened(core, target)
                self.assert_memory(target, found)
                self.assertEqual({(m["start"], m["build_id"]) for m in named["modules"]},
                                 {(m["start"], m["build_id"]) for m in found["modules"]})
                self.assertEqual({os.path.realpath(m["path"]) for m in named["modules"] if m["path"][0] == "/"},
                                 {os.path.realpath(m["path"]) for m in found["modules"] if m["path"][0] == "/"})

    def test_stacks_that_gcore_cannot_read(self):
        """glibc 2.42 and newer: guard pages inside the stacks' mappings, which gcore stores as zeros."""
        glibc = glibcs.glibc("sid", "amd64")
        program = glibcs.compiled("witness", "amd64")
        with Witness(program, launcher=glibcs.launcher(glibc)) as target:
            core = gcore(self.directory, target)
        found = opened(core, target)
        missing = self.assert_never_wrong(target, found) - {"secret"}
        if missing:  # this kernel and this gdb lose them
            self.assertEqual({"stack"}, missing)
            self.assert_warns(found, "stored as zeros")

    def test_newest_glibc_by_the_kernel(self):
        glibc = glibcs.glibc("sid", "amd64")
        target, core = kernel_core(self.directory, glibcs.compiled("witness", "amd64"),
                                   launcher=glibcs.launcher(glibc))
        self.assert_memory(target, opened(core, target))


class NoCores(CoreTest):
    def test_an_executable(self):
        found = opened(witness())
        self.assertIn("not a core", found["error"])
        self.assertIn("--exe", found["remedy"])

    def test_a_library_in_place_of_the_executable(self):
        target, core = kernel_core(self.directory, witness())
        found = opened(core, target, "-e", "/bin/true")
        self.assert_memory(target, found, missing={"code", "constant"})
        self.assert_warns(found, "not those of the core")


if __name__ == "__main__":
    unittest.main()
