# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of C++ classes, as many kinds of builds have them, against what the program says of itself."""
import functools
import json
import os
import subprocess
import unittest

import harness

SOURCE = os.path.join(harness.ROOT, "tests/targets/classes")

# Name -> compiler and flags, whether it is stripped.
VARIANTS = {
    "plain": (["g++", "-O1", "-g", "-DWITH_PLUGIN"], False),
    "optimised-stripped": (["g++", "-O2", "-DWITH_PLUGIN"], True),
    "no-pie": (["g++", "-O1", "-no-pie", "-fno-pie", "-DWITH_PLUGIN"], True),
    "static": (["g++", "-O1", "-static"], True),
    "32": (["g++", "-O1", "-DWITH_PLUGIN", *harness.M32], True),
    "clang": (["clang++", "-O1", "-g", "-DWITH_PLUGIN"], True),
    "no-rtti": (["g++", "-O1", "-fno-rtti", "-DWITH_PLUGIN"], False),
    "no-rtti-stripped": (["g++", "-O1", "-fno-rtti", "-DWITH_PLUGIN"], True),
}


@functools.lru_cache(maxsize=None)
def compiled(name):
    """The paths of a build: program and library."""
    (compiler, *flags), stripped = VARIANTS[name]
    directory = harness.built("targets", "classes-" + name)
    os.makedirs(directory, exist_ok=True)
    program, library = os.path.join(directory, "classes"), os.path.join(directory, "plugin.so")
    common = [harness.need(compiler), *flags, "-std=c++17", "-iquote", harness.ROOT]
    subprocess.run([*common, "-o", program, os.path.join(SOURCE, "classes.cpp"), "-ldl"], check=True)
    if "-static" not in flags:
        subprocess.run([*common, "-fPIC", "-shared", "-o", library, os.path.join(SOURCE, "plugin.cpp")], check=True)
    for path in (program, library):
        if stripped and os.path.exists(path):
            subprocess.run(["strip", path], check=True)
    return program, library


def told(target):
    """What the program says of itself: (fit, address, class) of each chunk."""
    lines = iter(target.read_line, "ready")
    return [(fit, int(address, 16), kind) for fit, address, kind in (line.split(" ", 2) for line in lines)]


class ClassesTest(harness.TestCase):
    """One variant, by name."""

    def run_variant(self, name):
        """(truth: address -> (fit, class), answers: address -> row)"""
        program, library = compiled(name)
        with harness.Process([program, library]) as target:
            truth = {address: (fit, kind) for fit, address, kind in told(target)}
            answers = self.listed(target.pid, "--columns", "address,size,type,level,evidence,fit")
        return truth, answers

    def check(self, name):
        truth, answers = self.run_variant(name)
        self.assertGreater(len(truth), 200)
        for address, (fit, kind) in truth.items():
            row = answers[address]
            if fit == "none":
                self.assertNotEqual("vtable", row["evidence"], row)
                self.assertNotEqual("certain", row["level"], row)
                continue
            self.assertEqual((kind, fit, "vtable"), (row["type"], row["fit"], row["evidence"]), row)
            if fit == "exact":
                self.assertEqual("certain", row["level"], row)
            else:
                self.assertIn(row["level"], ("certain", "strong"), row)

    def test_plain(self):
        self.check("plain")

    def test_optimised_and_stripped(self):
        self.check("optimised-stripped")

    def test_no_pie(self):
        self.check("no-pie")

    def test_static(self):
        self.check("static")

    def test_32(self):
        self.check("32")

    def test_clang(self):
        self.check("clang")

    def test_without_rtti_by_symbol(self):
        self.check("no-rtti")

    def test_without_rtti_stripped(self):
        """Nothing tells the names: but objects of one class are of one type, and of two of two.

        A vtable without functions shows by nothing.
        """
        truth, answers = self.run_variant("no-rtti-stripped")
        types = {}
        for address, (fit, kind) in truth.items():
            if fit != "none" and kind != "Only":
                named = kind == "plugins::Reverb"  # its symbol is exported
                self.assertEqual("certain" if named else "strong", answers[address]["level"])
                types.setdefault(kind, set()).add(answers[address]["type"])
        self.assertGreater(len(types), 10)
        for kind, names in types.items():
            self.assertEqual(1, len(names), (kind, names))
        self.assertEqual(len(types), len(set.union(*types.values())))


class ViewsTest(harness.TestCase):
    """--types, --type and --min-confidence on one of them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.target = harness.Process([*compiled("optimised-stripped")])
        cls.addClassCleanup(cls.target.abandon)
        cls.truth = told(cls.target)

    def count(self, kind):
        return sum(1 for _, _, name in self.truth if name == kind)

    def rows(self, *arguments, view="types"):
        run = self.heapwalk("--attach", self.target.pid, "--" + view, "--format", "json", *arguments)
        return json.loads(run.out)[view] if view != "list" else harness.json_lines(run.out)

    def test_types_count_what_there_is(self):
        rows = {row["type"]: row for row in self.rows()}
        for kind in {name for fit, _, name in self.truth if fit == "exact"}:
            self.assertEqual(self.count(kind), rows[kind]["count"], kind)
            self.assertEqual(rows[kind]["bytes"] // rows[kind]["count"], rows[kind]["average"])
            self.assertEqual("plugin.so" if kind == "plugins::Reverb" else "classes", rows[kind]["module"])

    def test_most_bytes_come_first(self):
        sizes = [row["bytes"] for row in self.rows()]
        self.assertEqual(sorted(sizes, reverse=True), sizes)

    def test_coverage_adds_up(self):
        run = self.heapwalk("--attach", self.target.pid, "--types", "--format", "json")
        document = json.loads(run.out)
        for what, of in (("chunks", "count"), ("bytes", "bytes")):
            self.assertEqual(sum(row[of] for row in document["types"]),
                             sum(part[what] for part in document["coverage"].values()))

    def test_type_selects_in_every_view(self):
        chunks = self.rows("--type", "shapes::*", view="list")
        expected = sum(1 for fit, _, name in self.truth if name.startswith("shapes::"))
        self.assertEqual(expected, len(chunks))
        self.assertEqual({"shapes::Circle", "shapes::Ring"}, {chunk["type"] for chunk in chunks})
        self.assertEqual(expected, sum(row["count"] for row in self.rows("--type", "shapes::*", view="histogram")))
        self.assertEqual(expected, sum(row["count"] for row in self.rows("--type", "shapes::*")))
        self.assertEqual([], self.rows("--type", "no such type"))
        dump = self.heapwalk("--attach", self.target.pid, "--dump", "--type", "Both", "--limit", "0").out
        self.assertEqual(self.count("Both"), dump.count(" bytes, live"))
        strings = self.heapwalk("--attach", self.target.pid, "--dump-strings", "--type", "Both", "--format", "json").out
        self.assertIn("a name", [row["text"] for row in json.loads(strings)["strings"]])
        who = json.loads(self.heapwalk("--attach", self.target.pid, "--who", "--type", "Both", "--format", "json").out)
        self.assertTrue(who["who"])

    def test_min_confidence_drops_what_is_less_sure(self):
        before = {row["type"]: row for row in self.rows()}
        after = self.rows("--min-confidence", "certain")
        self.assertEqual({"certain", "unknown"}, {row["level"] for row in after})
        self.assertEqual(sum(row["count"] for row in before.values()), sum(row["count"] for row in after))

    def test_by_type_is_the_histogram_by_type(self):
        by_type = self.rows("--by", "type", view="types")
        self.assertEqual(self.rows(), by_type)

    def test_histogram_names_the_commonest_type(self):
        row = max(self.rows("--type", "Both", view="histogram"), key=lambda row: row["count"])
        self.assertEqual(("Both", 1, "certain"), (row["type"], row["type_share"], row["level"]))


if __name__ == "__main__":
    unittest.main()
