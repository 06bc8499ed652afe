# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged cores: whatever a core holds, a sanitized heapwalk neither crashes nor hangs nor eats up the memory.

HW_FUZZ_ROUNDS=5000 HW_FUZZ_SEED=7 tests/run tests/live/test_fuzz.py does more than the usual, by the same means.
"""
import gzip
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness
import mutations
import test_core

# Built by `make SAN=address,undefined`, and for these tests by `make check` and `make live`.
SANITIZED = os.path.join(harness.ROOT, "build-san", "heapwalk")
SANITIZER = {"ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=8:allocator_may_return_null=1:exitcode=99",
             "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99"}

ROUNDS = int(os.environ.get("HW_FUZZ_ROUNDS", "10"))
SEED = int(os.environ.get("HW_FUZZ_SEED", "1"))

CPU_SECONDS = 120  # only an endless loop comes near it
MEMORY_KIB = 400 << 10  # a third of it is our own: the kernel counts what forked, too
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

def views():
    """Every view that --help names, but --list, which comes alone, and --explain, which wants an address."""
    text = subprocess.run([SANITIZED, "--help"], capture_output=True, text=True, check=True).stdout
    section = text[text.index("\nView:"):text.index("\n\n", text.index("\nView:"))]
    names = re.findall(r"--([a-z-]+)( [A-Z]+)?", section)
    return ["--" + name for name, value in names if not value and name not in ("list", "explain")]


class FuzzTest(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(SANITIZED):
            raise unittest.SkipTest("no sanitized heapwalk: make SAN=address,undefined")
        cls.views = views()

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="heapwalk-fuzz-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.worst = 0

    def died(self, *command):
        """The kernel's core of a program that has said it is ready."""
        with harness.core_pattern() as pattern:
            with tempfile.TemporaryDirectory(dir=self.directory) as directory:
                target = harness.Process(command, cwd=directory, preexec_fn=test_core.no_limit())
                while '"ready"' not in target.read_line():
                    pass
                os.kill(target.pid, signal.SIGABRT)
                target.process.wait(harness.PATIENCE)
                target.abandon()
                core, = (name for name in os.listdir(directory) if name.startswith(pattern))
                return shutil.move(os.path.join(directory, core), os.path.join(self.directory, "core"))

    def gcore(self, *command):
        with harness.Process(command) as target:
            while '"ready"' not in target.read_line():
                pass
            return test_core.gcore(self.directory, target)

    def inspect(self, core, *arguments):
        """Runs the sanitized heapwalk under limits; returns its status and its output."""
        def limit():
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        environment = dict(os.environ, XDG_STATE_HOME=self.directory, LC_ALL="C.UTF-8", **SANITIZER)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen([SANITIZED, "--core", core, *arguments], stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=err, env=environment, preexec_fn=limit)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            self.worst = max(self.worst, usage.ru_maxrss)
            return process.returncode, out.read(), err.read(), usage.ru_maxrss

    def check(self, core, what, *arguments, allowed=(0, 3)):
        status, out, err, memory = self.inspect(core, *arguments)
        message = "%s\n%s\n%s" % (what, " ".join(arguments), err.decode(errors="replace")[-6000:])
        self.assertIn(status, allowed, message)
        self.assertLess(memory, MEMORY_KIB, message)
        self.assertNotRegex(err, rb"Sanitizer|runtime error", message)
        text = out.decode().replace("\r\n", "\n")  # strictly UTF-8; CSV's lines end so
        self.assertIsNone(CONTROLS.search(text), message)
        if status == 0 and "json" in arguments and "--list" not in arguments:
            json.loads(text)
        if status == 3:
            self.assertNotEqual(b"", err, message)
        return status

    def commands(self, generator, core):
        yield (*self.views, "--format", "json")
        if generator.random() < 0.3:
            yield ("--explain", "%#x" % int.from_bytes(core.read(core.a_word(generator), core.layout.word), "little"))
        elif generator.random() < 0.5:
            yield ("--list", "--format", generator.choice(("json", "table", "csv")))
        else:
            yield (*self.views, "--limit", "0", "--dump-bytes", "0")

    def mutate(self, path, number):
        generator = random.Random("%d %d" % (SEED, number))
        statuses = {}
        core = mutations.Core(path)
        try:
            for round_ in range(ROUNDS):
                changes = core.mutate(generator)
                try:
                    for command in self.commands(generator, core):
                        with self.subTest(round=round_):
                            allowed = (0, 2, 3) if "--explain" in command else (0, 3)
                            status = self.check(path, "\n".join(changes), *command, allowed=allowed)
                            statuses[status] = statuses.get(status, 0) + 1
                finally:
                    core.restore()
            self.assertEqual(0, self.check(path, "restored", "--summary"))
        finally:
            core.close()
        harness.note("%d damaged cores: %s; at most %d MiB" % (ROUNDS, ", ".join(
            "status %d %d times" % pair for pair in sorted(statuses.items())), self.worst >> 10))

    def test_threads_by_the_kernel(self):
        self.mutate(self.died(harness.built("targets", "factory"), "tcache"), 1)

    def test_leaks_by_gcore(self):
        self.mutate(self.gcore(harness.built("targets", "leak"), "hash-tables"), 2)

    def test_32_bits_by_the_kernel(self):
        self.mutate(self.died(harness.built("targets", "factory-32"), "shared-arenas"), 3)

    def test_static_and_broken_itself(self):
        self.mutate(self.died(harness.built("targets", "factory-static"), "use-after-free"), 4)

    def test_compressed(self):
        core = self.died(harness.built("targets", "factory"), "stdio")
        with open(core, "rb") as file:
            data = file.read()
        packed = {"zst": subprocess.run([harness.need("zstd"), "-qc1", core], capture_output=True, check=True).stdout,
                  "lz4": subprocess.run([harness.need("lz4"), "-qc1", core], capture_output=True, check=True).stdout,
                  "gz": gzip.compress(data, 1)}
        generator = random.Random(SEED)
        for name, whole in packed.items():
            path = core + "." + name
            for round_ in range(max(2, ROUNDS // 8)):
                damaged = bytearray(whole)
                for _ in range(generator.choice((1, 1, 5))):
                    at = generator.randrange(generator.choice((32, len(damaged))))
                    damaged[at] = generator.randrange(256)
                with open(path, "wb") as file:
                    file.write(damaged)
                self.check(path, "%s, round %d" % (name, round_), "--summary", "--histogram")


if __name__ == "__main__":
    unittest.main()
