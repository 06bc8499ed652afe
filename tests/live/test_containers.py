# SPDX-License-Identifier: GPL-3.0-or-later
"""Standard containers of stripped programs: every node and body is named what it is, and nothing else is."""
import collections
import glob
import os
import re
import subprocess
import tempfile
import unittest

import glibcs
import harness

SOURCE = os.path.join(harness.ROOT, "tests", "targets", "containers", "main.cpp")
LLVM = ("libc++-14-dev", "libc++1-14", "libc++abi1-14", "libunwind-14")


def called(kind, name):
    """What heapwalk calls a block that was allocated for a container of this kind as this type."""
    is_pointer = re.search(r"\bT = [^;\]]*\*[;\]]", name)
    return {
        "tree": "std::map/set node",
        "list": "std::list node",
        "hash": "std::unordered_map/set buckets" if is_pointer else "std::unordered_map/set node",
        "vector": "std::vector body",
        "string": "std::string body",
        "deque": "std::deque map" if is_pointer else "std::deque block",
    }.get(kind)


class ContainersTest(harness.TestCase):
    def check(self, program):
        with harness.Process([program]) as target:
            expected = {}
            while True:
                line = target.read_line()
                if line == "READY":
                    break
                address, _, kind, name = line.split(" ", 3)
                expected[int(address, 16)] = called(kind, name)
            done = self.heapwalk("--attach", target.pid, "--list", "--columns", "address,type,evidence,level",
                                 "--format", "json")
        mistakes, seen = collections.Counter(), collections.Counter()
        for row in harness.json_lines(done.out):
            if "address" not in row:
                continue
            address = int(row["address"], 16)
            found = row["type"] if (row["type"] or "").startswith("std::") else None
            seen[expected.get(address)] += 1
            if found != expected.get(address):
                mistakes[found, expected.get(address)] += 1
            elif found:
                # Of vectors, those in variables on the stack and those that others refer to are less sure.
                self.assertIn(row["level"], ("strong", "likely") if found == "std::vector body" else ("strong",))
        self.assertEqual({}, mistakes)
        self.assertEqual(collections.Counter(expected.values())["std::map/set node"], seen["std::map/set node"])
        for name in {called(kind, "T = int") for kind in ("tree", "list", "hash", "vector", "string", "deque")}:
            self.assertGreater(seen[name], 30)

    def test_libstdcxx(self):
        self.check(harness.built("targets", "containers"))

    def test_libstdcxx_of_32_bits(self):
        self.check(harness.built("targets", "containers-32"))

    def test_libstdcxx_within_the_program(self):
        self.check(harness.built("targets", "containers-static"))

    def test_libcxx(self):
        root = glibcs.fetch("bookworm", "amd64", *LLVM)
        compiler = harness.need("clang++")
        with tempfile.TemporaryDirectory() as directory:
            program = os.path.join(directory, "containers")
            libraries = glob.glob(os.path.join(root, "usr/lib/llvm-14/lib/libc++*.so.1"))
            subprocess.run([compiler, "-O2", "-s", "-nostdinc++", "-isystem",
                            os.path.join(root, "usr/lib/llvm-14/include/c++/v1"), "-nostdlib++", "-o", program, SOURCE,
                            *libraries, "-Wl,-rpath," + os.path.join(root, "usr/lib/llvm-14/lib"),
                            "-Wl,--allow-shlib-undefined"], check=True)
            self.check(program)


if __name__ == "__main__":
    unittest.main()
