# SPDX-License-Identifier: GPL-3.0-or-later
"""Who serves malloc: another allocator is named and gets no histogram; a wrapper of glibc's gets one."""
import glob
import json
import subprocess
import tempfile
import unittest

import harness
import recorder


def library(name):
    found = sorted(glob.glob("/usr/lib/x86_64-linux-gnu/" + name))
    if not found:
        raise unittest.SkipTest("%s is not installed" % name)
    return found[0]


class Idle(harness.Process):
    """A program that says "ready" and waits."""

    def __init__(self, command, env=None):
        super().__init__(command, env=env)
        line = self.read_line()
        assert line == "ready", line


class AllocatorTest(harness.TestCase):
    def summary(self, pid, busy=False):
        with harness.unharmed(self, pid, busy):
            return json.loads(self.heapwalk("--attach", pid, "--format", "json").out)

    def check_foreign(self, pid, name, busy=False):
        """The summary names it and shows the mappings; nothing of chunks is claimed."""
        found = self.summary(pid, busy)
        self.assertEqual(name, found["allocator"])
        text = self.heapwalk("--attach", pid).out
        self.assertIn(name, text)
        self.assertNotIn("REQUESTS", text)
        refused = self.heapwalk("--attach", pid, "--list", status=3)
        self.assertIn(name, refused.err)
        self.assertEqual("", refused.out)

    def check_preloaded(self, pattern, name):
        with Idle([harness.built("targets", "idle")], env={"LD_PRELOAD": library(pattern)}) as target:
            self.check_foreign(target.pid, name)

    def test_jemalloc(self):
        self.check_preloaded("libjemalloc.so.2", "jemalloc")

    def test_tcmalloc(self):
        self.check_preloaded("libtcmalloc_minimal.so.4", "tcmalloc")

    def test_mimalloc(self):
        self.check_preloaded("libmimalloc.so.2*", "mimalloc")

    def test_sanitizers(self):
        """Terabytes of shadow memory, in which no other runtime must be seen either."""
        for name, flags in (("address", ("-fsanitize=address",)), ("thread", ("-fsanitize=thread",)),
                            ("leak", ("-fsanitize=leak",)), ("linked in", ("-fsanitize=address", "-static-libasan"))):
            with self.subTest(sanitizer=name), tempfile.TemporaryDirectory() as place:
                program = place + "/idle"
                subprocess.run(["gcc", "-D_GNU_SOURCE", "-g", *flags, "-o", program,
                                harness.ROOT + "/tests/targets/idle.c"], check=True)
                with Idle([program], env={"ASAN_OPTIONS": "detect_leaks=0", "LSAN_OPTIONS": "detect_leaks=0"}) as target:
                    self.check_foreign(target.pid, "a sanitizer's")
                    self.assertNotIn("Go", self.heapwalk("--attach", target.pid).out)
                    maps = json.loads(self.heapwalk("--attach", target.pid, "--maps", "--format", "json").out)["maps"]
                    self.assertGreater(max(row["size"] for row in maps), 1 << 40)
                    self.assertIn("main", self.heapwalk("--attach", target.pid, "--stacks").out)

    def test_musl(self):
        with Idle([harness.built("targets", "idle-musl")]) as target:
            self.check_foreign(target.pid, "musl")

    def test_redis(self):
        """A real program that brings jemalloc along."""
        server = harness.need("redis-check-rdb")  # the same file as redis-server, which its name decides
        with tempfile.TemporaryDirectory() as place:
            command = ["redis-server", "--port", "0", "--save", "", "--dir", place, "--unixsocket", place + "/socket"]
            with harness.Process(command, executable=server) as target:
                while "ready to accept" not in target.read_line():
                    continue
                self.check_foreign(target.pid, "jemalloc", busy=True)
                target.process.terminate()

    def test_wrapper(self):
        with Idle([harness.built("targets", "idle")], env=recorder.environment()) as target:
            found = self.summary(target.pid)
            rows = self.listed(target.pid)
        self.assertEqual("glibc, wrapped", found["allocator"])
        self.assertEqual(2000, len(rows))

    def test_not_position_independent(self):
        """Its own PLT entry stands in every slot for malloc, as in Debian's python3: glibc's all the same."""
        with Idle([harness.built("targets", "idle-no-pie")]) as target:
            found = self.summary(target.pid)
            rows = self.listed(target.pid)
        self.assertEqual("glibc", found["allocator"])
        self.assertEqual(2000, len(rows))


if __name__ == "__main__":
    unittest.main()
