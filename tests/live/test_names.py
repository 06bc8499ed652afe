# SPDX-License-Identifier: GPL-3.0-or-later
"""What holders and what they hold are called, against a program that knows its own variables and types."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import harness

SOURCE = os.path.join(harness.ROOT, "tests/targets/names.c")
GLOBALS = ("session_table", "headers", "message", "items", "value", "opaque", "samples", "pair")


# What a union holds is told only where other evidence is strong; it must not be told wrongly.
MAY_BE_UNNAMED = ("value",)


class Names(harness.Process):
    """tests/targets/names.c. `truth`: (holder, way) -> [(address, type)]."""

    def __init__(self, program=None):
        super().__init__([program or harness.built("targets", "names")])
        self.truth = {}
        try:
            record = json.loads(self.read_line())
            while "ready" not in record:
                self.truth.setdefault((record["holder"], record["way"]), []).append(
                    (record["address"], record["type"]))
                record = json.loads(self.read_line())
            self.ready = record
        except BaseException:
            self.abandon()
            raise

    def samples(self):
        """Of each way one block in the middle: (holder, way, address, type)."""
        for (holder, way), blocks in self.truth.items():
            yield (holder, way, *blocks[len(blocks) // 2])


def line_of(variable):
    with open(SOURCE) as source:
        return next(number for number, text in enumerate(source, 1)
                    if text.startswith("KEPT") and variable in text.replace("*", " ").replace("[", " ").replace(
                        ";", " ").split())


class NamesTest(harness.TestCase):

    def rows(self, target, view, *arguments):
        return json.loads(self.heapwalk(*target, view, *arguments, "--format", "json").out)[view[2:]]

    def holder_text(self, names, holder):
        """What heapwalk should call it where there is debug information."""
        worker = "thread %d (worker)" % names.ready["worker"]
        if holder in GLOBALS:
            return "%s (names.c:%d)" % (holder, line_of(holder))
        if holder == "thread_table":
            return "thread-local `thread_table` of " + worker
        return "local `%s` of serve(), %s" % (holder, worker)

    def check_way(self, names, rows, holder, way, kind):
        self.assertEqual(self.holder_text(names, holder), rows[0]["place"])
        self.assertEqual(way, "/".join(row["field"] or "" for row in rows[1:]), (holder, way))
        if holder not in MAY_BE_UNNAMED or rows[-1]["type"] is not None:
            self.assertEqual(kind, rows[-1]["type"], (holder, way))

    def check_ways(self, names, target):
        for holder, way, address, kind in names.samples():
            with self.subTest(holder=holder, way=way):
                self.check_way(names, self.rows(target, "--who", address), holder, way, kind)

    def test_live(self):
        with Names() as names:
            with harness.unharmed(self, names.pid):
                self.check_ways(names, ("--attach", names.pid))

    def test_core(self):
        with tempfile.TemporaryDirectory() as directory, Names() as names:
            prefix = os.path.join(directory, "core")
            subprocess.run([harness.need("gcore"), "-o", prefix, str(names.pid)], stdin=subprocess.DEVNULL,
                           check=True, capture_output=True)
            self.check_ways_of_core(names, "%s.%d" % (prefix, names.pid))

    def check_ways_of_core(self, names, core):
        """A core does not know the names of threads."""
        for holder, way, address, kind in names.samples():
            rows = self.rows(("--core", core), "--who", address)
            rows[0]["place"] = re.sub(r"(thread \d+)$", r"\1 (worker)", rows[0]["place"])
            with self.subTest(holder=holder, way=way):
                self.check_way(names, rows, holder, way, kind)

    def test_32_bits(self):
        with tempfile.TemporaryDirectory() as directory:
            program = os.path.join(directory, "names")
            subprocess.run(["gcc", *harness.M32, "-g", "-O1", "-pthread", "-o", program, SOURCE], check=True)
            with Names(program) as names:
                self.check_ways(names, ("--attach", names.pid))

    def test_all_together(self):
        """Blocks that are held alike are one place."""
        with Names() as names:
            rows = self.rows(("--attach", names.pid), "--who")
        start = next(i for i, row in enumerate(rows) if row["place"].startswith("session_table"))
        table, buckets, sessions = rows[start + 1:start + 4]
        self.assertEqual([(1, "Bucket *[]"), (3, "Bucket"), (1, "Session")], [
            (row["run"], row["type"]) for row in (table, buckets, sessions)])
        # A word left on a stack may be a shorter way to the end of a list.
        self.assertTrue(all(190 <= row["chunks"] <= 192 for row in (buckets, sessions)), (buckets, sessions))
        self.assertIn("3 deep by .next", buckets["place"])
        pair = next(i for i, row in enumerate(rows) if row["place"].startswith("pair "))
        self.assertEqual((2, "Session"), (rows[pair + 1]["chunks"], rows[pair + 1]["type"]))
        self.assertIn(".left... -> 2 x Session", rows[pair + 1]["place"])

    def test_retained(self):
        with Names() as names:
            rows = self.rows(("--attach", names.pid), "--retained")
        holder, table = rows[:2]
        self.assertEqual(self.holder_text(names, "session_table"), holder["holder"])
        self.assertEqual(os.path.basename(SOURCE) + ":%d" % line_of("session_table"),
                         os.path.basename(holder["source"]))
        self.assertEqual(("buckets", "Bucket *[]", "64 x Bucket (32 B)"),
                         (table["field"], table["type"], table["mostly"]))
        stack = next(i for i, row in enumerate(rows) if row["kind"] == "stack")
        self.assertIn("local `local_table.buckets` of serve() -> Bucket *[]", rows[stack + 1]["holder"])

    def test_selection_by_type(self):
        """--type goes with every view of chunks."""
        with Names() as names:
            target = ("--attach", names.pid, "--type", "Session", "--min-confidence", "strong")
            truth = {address for (holder, _), blocks in names.truth.items() for address, kind in blocks
                     if kind == "Session" and holder not in MAY_BE_UNNAMED}
            unsure = {address for (holder, _), blocks in names.truth.items() for address, _ in blocks
                      if holder in MAY_BE_UNNAMED}
            listed = {row["address"] for row in harness.json_lines(
                self.heapwalk(*target, "--list", "--format", "json").out)}
            who = json.loads(self.heapwalk(*target, "--who", "--format", "json").out)
            dumped = json.loads(self.heapwalk(*target, "--dump", "--limit", "0", "--format", "json").out)["dump"]
            strings = self.heapwalk(*target, "--dump-strings").out
            leaked = json.loads(self.heapwalk(*target, "--leaks", "--format", "json").out)["leaks"]
        self.assertEqual(truth, listed - unsure)
        self.assertEqual(listed, {row["chunk"] for row in dumped})
        self.assertEqual(len(listed), who["selected"])
        self.assertIn("of the {:,} selected".format(len(listed)), strings)
        self.assertEqual([], leaked)

    def test_without_debug_information(self):
        """Names by symbols alone: no positions, no types; nothing is made up."""
        with tempfile.TemporaryDirectory() as directory:
            program = shutil.copy(harness.built("targets", "names"), directory)
            subprocess.run([harness.need("strip"), "--strip-debug", program], check=True)
            with Names(program) as names:
                for holder, way, address, _ in names.samples():
                    rows = self.rows(("--attach", names.pid), "--who", address)
                    self.check_without_types(names, rows, holder, way)

    def check_without_types(self, names, rows, holder, way):
        worker = "thread %d (worker)" % names.ready["worker"]
        expected = {"thread_table": "thread-local `thread_table` of " + worker}.get(
            holder, "%s (names)" % holder if holder in GLOBALS else "frame of serve(), " + worker)
        self.assertEqual(expected, rows[0]["place"], way)
        self.assertEqual({None}, {row["type"] for row in rows} | {row["field"] for row in rows}, (holder, way))

    def test_stripped(self):
        with tempfile.TemporaryDirectory() as directory:
            program = shutil.copy(harness.built("targets", "names"), directory)
            subprocess.run([harness.need("strip"), program], check=True)
            with Names(program) as names:
                (address, _), = names.truth["message", ""]
                rows = self.rows(("--attach", names.pid), "--who", address)
        self.assertRegex(rows[0]["place"], r"^names \.(bss|data)\+0x[0-9a-f]+$")


if __name__ == "__main__":
    unittest.main()
