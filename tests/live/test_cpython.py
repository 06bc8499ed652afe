# SPDX-License-Identifier: GPL-3.0-or-later
"""Python objects, against what the interpreter itself knows of them.

Every CPython from 3.6 to 3.13 that is at hand is asked: those in PATH, those that stand beside the one that runs
this test, and those that HW_PYTHONS names, separated by colons.
"""
import collections
import glob
import json
import os
import re
import subprocess
import sys
import unittest

import harness

LOAD = os.path.join(harness.ROOT, "tests", "targets", "cpython", "load.py")
VERSION = "import sys; print('%d.%d' % sys.version_info[:2], sys.implementation.name, sys.hexversion)"

# Bytes between the start of a block and its object: a garbage collector's head, words before it, debug heads.
HEADS = range(0, 97, 8)


def candidates():
    paths = [path for path in os.environ.get("HW_PYTHONS", "").split(":") if path]
    paths += glob.glob("/usr/bin/python3") + glob.glob("/usr/bin/python3.[0-9]*")
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))
    return paths + glob.glob(os.path.join(os.path.dirname(prefix), "*", "bin", "python3"))


def interpreters():
    """One path for each release and build: (release, path)."""
    found = {}
    for path in candidates():
        path = os.path.realpath(path)
        if path in found or not re.search(r"python3\.\d+$", path):
            continue
        said = subprocess.run([path, "-c", VERSION], capture_output=True, check=False, text=True).stdout.split()
        if len(said) == 3 and said[1] == "cpython" and (3, 6) <= tuple(map(int, said[0].split("."))) <= (3, 13):
            found[path] = said[0]
    return sorted((release, path) for path, release in found.items())


class Python(harness.Process):
    """An interpreter with the load: `objects` (address -> type name), `counts`, `said` by pymalloc."""

    def __init__(self, path, allocator):
        self.errors = open(os.path.join("/tmp", "heapwalk-test-%d.err" % os.getpid()), "w+")
        os.unlink(self.errors.name)
        super().__init__([path, LOAD], env={"PYTHONMALLOC": allocator, "PYTHONHASHSEED": "0"}, stderr=self.errors)
        try:
            self.objects = dict(json.loads(self.read_line())["objects"])
            self.counts = json.loads(self.read_line())["counts"]
            if self.read_line() != "ready":
                raise AssertionError("the load did not get ready")
        except Exception:
            self.abandon()
            raise
        self.errors.seek(0)
        self.said = self.errors.read()
        self.errors.close()

    def stat(self, pattern):
        found = re.search(pattern + r"\s*=\s*([\d,]+)", self.said)
        return int(found.group(1).replace(",", "")) if found else None


class PythonTest(harness.TestCase):
    def each(self, allocator, check):
        """Calls check(release, python) for every interpreter with the load running."""
        found = interpreters()
        if not found:
            self.skipTest("no CPython from 3.6 to 3.13")
        for release, path in found:
            with self.subTest(python=release, path=path), Python(path, allocator) as python:
                check(release, python)

    def document(self, python, *arguments):
        with harness.unharmed(self, python.pid):
            done = self.heapwalk("--attach", python.pid, "--format", "json", *arguments)
        return json.loads(done.out)


class ChunksTest(PythonTest):
    """With PYTHONMALLOC=malloc every object is a chunk."""

    def compare(self, release, python):
        rows = self.listed(python.pid, "--columns", "address,size,type")
        wrong, unknown, found = collections.Counter(), collections.Counter(), 0
        for address, name in python.objects.items():
            row = next((rows[address - head] for head in HEADS if address - head in rows), None)
            if row is None:
                continue  # static, or freed since
            if row["type"] == name or (row["type"] or "").split(".")[-1] == name:
                found += 1
            elif row["type"] is None:
                unknown[name] += 1
            else:
                wrong[(name, row["type"])] += 1
        harness.note("%s, PYTHONMALLOC=malloc: %d of %d objects named, %d wrong, %d unknown" % (
            release, found, len(python.objects), sum(wrong.values()), sum(unknown.values())))
        self.assertGreater(found, 10000)
        self.assertEqual({}, wrong, "objects with another type's name")
        self.assertLessEqual(sum(unknown.values()), found // 1000, str(unknown.most_common(10)))

    def test_every_object(self):
        self.each("malloc", self.compare)


class PymallocTest(PythonTest):
    """pymalloc's blocks, against its own statistics and the numbers of objects that the load made."""

    def check_arenas(self, python, pymalloc):
        self.assertEqual(python.stat("# arenas allocated current"), pymalloc["arenas"])
        said = python.stat("# bytes in allocated blocks")
        # Printing the statistics allocates some blocks itself.
        self.assertLess(abs(said - pymalloc["used_bytes"]), 32768)
        self.assertEqual(pymalloc["arena_bytes"], pymalloc["used_bytes"] + pymalloc["free_bytes"] +
                         pymalloc["free_pool_bytes"] + pymalloc["own_bytes"])

    def check_rows(self, rows, pymalloc):
        self.assertEqual(pymalloc["used_blocks"], sum(row["used"] for row in rows))
        self.assertEqual(pymalloc["free_blocks"], sum(row["free"] for row in rows))
        self.assertEqual([], [row for row in rows if row["used"] and row["free"]])

    def check_types(self, python, release, rows):
        used = collections.Counter()
        for row in rows:
            used[row["type"]] += row["used"]
        for name in ("MyClass", "Slotted", "WithMeta", "MyDict", "Weak", "Point"):
            self.assertEqual(python.counts[name], used[name], name)
        for name in ("set", "frozenset", "bytearray", "complex", "array.array"):
            self.assertGreaterEqual(used[name], 150, name)
        for name in ("dict keys", "list items"):
            self.assertGreaterEqual(used[name], 1000, name)
        named = sum(used.values()) - used["unknown"]
        harness.note("%s, pymalloc: %.2f%% of %d blocks named" % (
            release, 100 * named / sum(used.values()), sum(used.values())))
        self.assertGreater(named / sum(used.values()), 0.98)

    def check(self, release, python):
        document = self.document(python, "--pools")
        rows = [row for row in document["pools"] if row["pool"] == "pymalloc"]
        if python.stat("# arenas allocated current"):  # 3.6 does not count under its debug hooks
            self.check_arenas(python, document["pymalloc"])
            self.check_rows(rows, document["pymalloc"])
            self.check_types(python, release, rows)

    def test_pools(self):
        self.each("pymalloc", self.check)

    def test_debug_hooks(self):
        self.each("pymalloc_debug", self.check)

    def check_other_views(self, _, python):
        document = self.document(python, "--summary", "--types")
        rows = {row["type"]: row for row in document["types"] if row["where"] == "pool"}
        self.assertEqual(python.counts["MyClass"], rows["MyClass"]["count"])
        self.assertEqual("certain", rows["MyClass"]["level"])
        parts = {row["part"]: row for row in document["memory"] if row["of"] == "anonymous"}
        self.assertEqual(document["pymalloc"]["used_bytes"], parts["pymalloc, in use"]["size"])

    def test_types_and_summary_count_them(self):
        self.each("pymalloc", self.check_other_views)


class OthersTest(harness.TestCase):
    """What is no Python has no Python objects."""

    def test_no_python(self):
        with harness.Factory("plain") as target:
            done = self.heapwalk("--attach", target.pid, "--pools", "--format", "json")
        document = json.loads(done.out)
        self.assertNotIn("pymalloc", document)
        self.assertEqual([], [row for row in document["pools"] if row["pool"] == "pymalloc"])


if __name__ == "__main__":
    unittest.main()
