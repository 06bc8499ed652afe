# SPDX-License-Identifier: GPL-3.0-or-later
"""Values and explanations of single chunks, against what the program stored there and what gdb makes of it."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import harness

# What tests/targets/values.cpp stores in its first session.
STORED = ("id = -7", "ok = true", "letter = 'q'", 'name = "bob" (std::string, 3)',
          'note = "a note that is too long to lie inside of the string itself" (std::string, 58)', "ratio = 2.5",
          "half = 0.5", "flags = 5", "mode = 17", "small = -3", "colour = 2", 'tag = "SESSION"',
          "raw = { 200, 0, 0, 0 }", "numbers = { 0, 1, 4, 9, 16, 25, 36, 49, ...4 more }",
          "point = { x = 3, y = -4 }", "corners = { { x = 0, y = 0 }, { x = 7, y = 8 } }",
          "either = { as_int = 16909060, as_bytes = { 4, 3, 2, 1 } }", "<handle(int)>", '"constant text"',
          "nowhere = nil", "<Base> = { serial = 1007 }")


# Three pointers, as gdb writes an array of them.
POINTERS = (r"\{0x[0-9a-f]+, 0x[0-9a-f]+, 0x[0-9a-f]+\}",)


class Values(harness.Process):
    """tests/targets/values.cpp: `at` says where its objects are."""

    def __init__(self, program=None):
        super().__init__([program or harness.built("targets", "values")])
        try:
            self.at = json.loads(self.read_line())
        except BaseException:
            self.abandon()
            raise


class ExplainTest(harness.TestCase):
    def explain(self, *arguments):
        """part -> its lines"""
        run = harness.run(*arguments, "--format", "json")
        self.assertEqual(run.status, 0, str(run))
        parts = {}
        for line in json.loads(run.out)["explain"]:
            parts.setdefault(line["part"], []).append(line)
        return parts

    @staticmethod
    def texts(lines):
        return [line["text"] for line in lines]

    def test_values_are_those_stored(self):
        with Values() as target:
            parts = self.explain("--attach", target.pid, "--explain", target.at["first"])
        value, = (text for text in self.texts(parts["is"]) if text.startswith("Session {"))
        for stored in STORED:
            self.assertIn(stored, value)
        self.assertIn("next = %s (Session)" % target.at["second"], value)

    def test_an_address_inside_will_do(self):
        with Values() as target:
            inside = hex(int(target.at["first"], 16) + 50)
            parts = self.explain("--attach", target.pid, "--explain", inside)
        self.assertTrue(any(text.startswith("Session (strong)") for text in self.texts(parts["is"])))

    def test_the_way_there(self):
        with Values() as target:
            for name, way in (("first", "g_first"), ("second", "g_first->next"), ("points", "g_points"),
                              ("point", "g_points[2]")):
                parts = self.explain("--attach", target.pid, "--explain", target.at[name])
                with self.subTest(name):
                    self.assertEqual(self.texts(parts["because"]), ["a variable's type leads here: " + way])

    def test_who_holds_and_what_it_holds(self):
        with Values() as target:
            first = self.explain("--attach", target.pid, "--explain", target.at["first"])
            second = self.explain("--attach", target.pid, "--explain", target.at["second"])
        self.assertEqual(self.texts(first["held by"]), ["global g_first+0"])
        self.assertIn(target.at["second"], [line["chunk"] for line in first["holds"]])
        self.assertEqual([line["chunk"] for line in second["held by"]], [target.at["first"]])
        self.assertIn("next of %s" % target.at["first"], second["held by"][0]["text"])

    def test_gdb_takes_the_expression(self):
        gdb = harness.need("gdb")
        for name, expected in (("first", ("id = -7", "colour = BLUE")), ("points", POINTERS)):
            with Values() as target:
                parts = self.explain("--attach", target.pid, "--explain", target.at[name])
                cast, = (text for text in self.texts(parts["is"]) if text.startswith("in gdb: "))
                shown = subprocess.run([gdb, "-batch", "-nx", "-p", str(target.pid), "-ex", cast[len("in gdb: "):]],
                                       capture_output=True, text=True, check=True).stdout
            for text in expected:
                self.assertRegex(shown, text)

    def test_dump_shows_values_above_the_words(self):
        with Values() as target:
            run = harness.run("--attach", target.pid, "--type", "Session", "--dump", env={"COLUMNS": "200"})
        self.assertEqual(run.status, 0, str(run))
        words = " ".join(run.out.split())
        self.assertIn('as Session { <Base> = { serial = 1007 }, id = -7, ok = true', words)
        self.assertRegex(words, r"in gdb p \*\(struct Session \*\) " + target.at["first"])

    def test_a_stripped_program_has_no_values_but_an_explanation(self):
        with tempfile.TemporaryDirectory() as directory:
            program = os.path.join(directory, "values")
            shutil.copy(harness.built("targets", "values"), program)
            subprocess.run(["strip", program], check=True)
            with Values(program) as target:
                parts = self.explain("--attach", target.pid, "--explain", target.at["first"])
        self.assertFalse(any("Session {" in text for text in self.texts(parts["is"])))
        self.assertIn(target.at["second"], [line["chunk"] for line in parts["holds"]])

    def test_no_chunk_there(self):
        with Values() as target:
            with open("/proc/%d/maps" % target.pid) as lines:
                stack = next(line.split("-")[0] for line in lines if "[stack]" in line)
            for address, reason in (("0x10", "nothing is mapped there"), ("0x" + stack, r"a thread's stack|\[stack\]")):
                run = harness.run("--attach", target.pid, "--explain", address)
                with self.subTest(address):
                    self.assertEqual(run.status, 3, str(run))
                    self.assertRegex(run.err, reason)
        self.assertEqual(harness.run("--attach", target.pid, "--explain").status, 2)

    def typed(self, target, name, *hints):
        """address -> type, and what was noted"""
        run = harness.run("--attach", target.pid, "--list", "--format", "json",
                          *[word for hint in hints for word in ("--type-hint", hint)])
        self.assertEqual(run.status, 0, str(run))
        types = {line["address"]: line["type"] for line in harness.json_lines(run.out)}
        return types[target.at[name]], run.err, list(types.values())

    def test_a_hint_is_believed_where_it_fits(self):
        with Values() as target:
            before, _, _ = self.typed(target, "hidden")
            after, noted, _ = self.typed(target, "hidden", target.at["hidden"] + "=Hidden")
        self.assertNotEqual(before, "Hidden")
        self.assertEqual(after, "Hidden")
        self.assertIn("1 chunk can be that, and 0 cannot", noted)

    def test_a_hint_about_a_shape_names_all_of_it(self):
        with Values() as target:
            run = harness.run("--attach", target.pid, "--shapes", "--format", "json")
            shapes = [row for row in json.loads(run.out)["shapes"] if row["count"] == 64 and not row["type"]]
            self.assertEqual(len(shapes), 1, run.out)
            after, noted, types = self.typed(target, "hidden", shapes[0]["shape"] + "=Hidden")
        self.assertEqual(after, "Hidden")
        self.assertEqual(types.count("Hidden"), 64)
        self.assertEqual(types.count("Point"), 3 + 64, "what they point to is named too")
        self.assertIn("64 chunks can be that", noted)

    def test_a_hint_that_cannot_be_is_not_believed(self):
        with Values() as target:
            after, noted, _ = self.typed(target, "hidden", target.at["hidden"] + "=Session")
            unknown = harness.run("--attach", target.pid, "--types", "--type-hint", target.at["hidden"] + "=Nothing")
            bad = harness.run("--attach", target.pid, "--types", "--type-hint", "Session")
        self.assertNotEqual(after, "Session")
        self.assertIn("0 chunks can be that, and 1 cannot", noted)
        self.assertEqual((unknown.status, bad.status), (3, 2))
        self.assertIn("no type called Nothing", unknown.err)

    def test_core(self):
        gdb = harness.need("gdb")
        with tempfile.TemporaryDirectory() as directory, Values() as target:
            core = os.path.join(directory, "core")
            subprocess.run([gdb, "-batch", "-nx", "-p", str(target.pid), "-ex", "generate-core-file " + core],
                           capture_output=True, check=True)
            parts = self.explain("--core", core, "--explain", target.at["first"])
        value, = (text for text in self.texts(parts["is"]) if text.startswith("Session {"))
        self.assertIn("id = -7", value)


if __name__ == "__main__":
    unittest.main()
