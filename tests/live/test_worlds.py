# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets in other worlds than ours, and cores that lack what tells: nothing untrue is on the screen."""
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import harness
import test_core


class WorldTest(harness.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="heapwalk-worlds-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name


class MissingTest(WorldTest):
    """coredump_filter leaves parts out of a kernel's core."""

    def core(self, value):
        return test_core.kernel_core(self.directory, test_core.witness(), coredump_filter=value)[1]

    def test_without_the_data_of_libc(self):
        core = self.core(0x00)
        text = " ".join(self.heapwalk("--core", core).out.split())
        self.assertIn("heap cannot be located (not in the core: the data of", text)
        self.assertIn("libc.so.6", text)
        for untrue in ("not glibc's", "maps it itself", "REQUESTS", "MISSING", "DAMAGED"):
            self.assertNotIn(untrue, text)
        refused = self.heapwalk("--core", core, "--list", status=3)
        self.assertEqual("", refused.out)
        self.assertIn("cannot be located", refused.err)

    def test_without_the_heap(self):
        """Private file mappings are stored, anonymous ones are not."""
        core = self.core(0x04)
        text = " ".join(self.heapwalk("--core", core).out.split())
        self.assertIn("MISSING", text)
        self.assertIn("not in the core", text)
        self.assertIn("Cannot be told", text)
        for untrue in ("not glibc's", "maps it itself", "DAMAGED", "likely overrun"):
            self.assertNotIn(untrue, text)


class CheckedTest(WorldTest):
    """libc_malloc_debug.so has a heap of its own, in which each block is a byte larger."""

    env = {"LD_PRELOAD": "libc_malloc_debug.so.0", "MALLOC_CHECK_": "3"}

    def test_every_block_is_found(self):
        for scenario in ("plain", "frees-most", "huge", "aligned", "shared-arenas"):
            with self.subTest(scenario=scenario), harness.Factory(scenario, env=self.env) as target:
                rows = self.listed(target.pid)
                self.assertEqual(set(), set(target.truth.blocks) - set(rows))
                self.assertEqual([], [hex(a) for a in rows
                                      if a not in target.truth.blocks and target.truth.explain(a) is None])
                # malloc_usable_size() says what was asked for.
                self.assertEqual([], [hex(a) for a, (_, usable) in target.truth.blocks.items()
                                      if rows[a]["size"] <= usable])

    def test_ranges_of_requests(self):
        with harness.Factory("sizes", env=self.env) as target:
            rows = {int(row["address"], 16) for row in harness.json_lines(
                self.heapwalk("--attach", target.pid, "--list", "--format", "json", "--size", "55").out)}
            text = self.heapwalk("--attach", target.pid).out
        sizes = {target.truth.blocks[address][0] for address in rows if address in target.truth.blocks}
        self.assertEqual(set(range(40, 56)), sizes)
        self.assertIn("with checks", text)
        self.assertIn("libc_malloc_debug.so.0: main_arena", " ".join(text.split()))


class ElsewhereTest(WorldTest):
    """Another mount and PID namespace with a root of its own, its files deleted meanwhile."""

    def make_root(self):
        root = os.path.join(self.directory, "root")
        program = harness.built("targets", "factory")
        lines = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        files = [word for word in lines.split() if word.startswith("/")]
        os.makedirs(os.path.join(root, "proc"))
        shutil.copy(program, os.path.join(root, "factory"))
        for path in files:
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            shutil.copy(path, root + path)
        return root, [root + path for path in files] + [os.path.join(root, "factory")]

    def check(self, pid, truth):
        rows = self.listed(pid)
        self.assert_exact(truth, rows)
        summary = json.loads(self.heapwalk("--attach", pid, "--format", "json").out)
        self.assertEqual(("glibc", 0), (summary["allocator"], summary["anomaly_total"]))
        self.assertIn("main", self.heapwalk("--attach", pid, "--stacks").out)

    def test_namespaces_and_deleted_files(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to make namespaces")
        root, files = self.make_root()
        launcher = (harness.need("unshare"), "--mount", "--pid", "--fork", "--root=" + root)
        with harness.Factory("plain", program="/factory", launcher=launcher) as target:
            self.assertEqual(1, target.pid)
            child, = harness.children_of(target.process.pid)
            self.check(child, target.truth)
            self.assertIn("in another mount namespace", self.heapwalk("--attach", child).out)
            for path in files:
                os.unlink(path)
            self.check(child, target.truth)


class TracedTest(WorldTest):
    def test_the_tracer_is_named(self):
        strace = harness.need("strace")
        with harness.Factory("plain") as target:
            tracer = subprocess.Popen([strace, "-qq", "-o", "/dev/null", "-p", str(target.pid)])
            try:
                harness.wait_until(lambda: harness.status_fields(target.pid)["TracerPid"] == str(tracer.pid),
                                   "strace attaches")
                refused = self.heapwalk("--attach", target.pid, status=3)
                self.assertIn("already traced by process %d (strace)" % tracer.pid, refused.err)
                self.assertEqual(str(tracer.pid), harness.status_fields(target.pid)["TracerPid"])
            finally:
                tracer.terminate()
                tracer.wait()
            self.assert_exact(target.truth, self.listed(target.pid))


class LostSnapshotTest(WorldTest):
    """When memory is short the kernel kills the snapshot first: then nothing is printed that was made of it."""

    def kill_copy(self, target, children, generator):
        """Runs heapwalk and kills its snapshot process, held for a moment so that it is in use. (status, out, err)"""
        tool = subprocess.Popen([harness.HEAPWALK, "--attach", str(target.pid), "--freeze", "fork", "--list", "--limit",
                                 "0", "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=dict(os.environ, XDG_STATE_HOME=self.directory))
        while tool.poll() is None:
            copies = set(harness.children_of(target.pid)) - children
            if copies:
                time.sleep(generator.uniform(0, 0.03))
                tool.send_signal(signal.SIGSTOP)
                for copy in copies:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(copy, signal.SIGKILL)
                tool.send_signal(signal.SIGCONT)
                break
        out, err = tool.communicate(timeout=harness.PATIENCE)
        return tool.returncode, out, err.decode()

    def test_all_or_nothing(self):
        generator = random.Random(3)
        statuses = set()
        with harness.Process([harness.built("targets", "mixture")]) as target:
            target.read_line()
            whole = len(self.listed(target.pid))
            children = set(harness.children_of(target.pid))
            for _ in range(12):
                status, out, err = self.kill_copy(target, children, generator)
                statuses.add(status)
                if status == 0:
                    self.assertEqual(whole, len(out.splitlines()), err)
                else:
                    self.assertEqual((3, b""), (status, out))
                    self.assertRegex(err, "the snapshot was killed|first child|new child|is gone|may not start")
                harness.wait_until(lambda: set(harness.children_of(target.pid)) == children, "a child is left")
        harness.note("ended with %s" % sorted(statuses))


class AccountTest(WorldTest):
    def test_bss_is_static_data(self):
        """What lies behind a library's file-backed data is its own, not the program's mapping."""
        with harness.Factory("plain") as target:
            maps = json.loads(self.heapwalk("--attach", target.pid, "--maps", "--format", "json").out)["maps"]
        bss = [row for row in maps if row["use"] == "static data" and not row["path"]]
        self.assertIn("libc.so.6", {row["owner"] for row in bss})
        self.assertIn("factory", {row["owner"] for row in bss})

    def test_the_way_of_freezing_fits_a_line(self):
        with harness.Factory("plain") as target:
            text = self.heapwalk("--attach", target.pid).out
        line, = [line for line in text.splitlines() if line.startswith("frozen")]
        self.assertRegex(line, r"^frozen +\S+ m?s, while its memory was copied \(small: \S+ MiB of its own\)$")
        self.assertLessEqual(len(line), 80)


if __name__ == "__main__":
    unittest.main()
