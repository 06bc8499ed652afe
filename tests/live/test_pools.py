# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools of the program's own, against what the program knows of them."""
import json
import subprocess
import unittest

import harness


class Pools(harness.Process):
    """tests/targets/pools.cpp in a scenario; `truth` is a list of dicts."""

    FIELDS = ("record_size", "used", "free", "blocks", "block_size", "name")

    def __init__(self, scenario, program=None):
        super().__init__([program or harness.built("targets", "pools"), scenario])
        self.truth = []
        for line in iter(self.read_line, "ready"):
            values = line.split()[1:]
            self.truth.append(dict(zip(self.FIELDS, [int(value) for value in values[:5]] + [values[5]])))


class PoolTest(harness.TestCase):
    def rows(self, pid, *arguments):
        with harness.unharmed(self, pid):
            done = self.heapwalk("--attach", pid, "--pools", "--format", "json", *arguments)
        return json.loads(done.out)["pools"]

    def check(self, scenario, free_slack=0, program=None):
        """Record size, number in use and of blocks must be exact; free ones may be off by some in a block."""
        with Pools(scenario, program) as target:
            rows = self.rows(target.pid)
            (truth,) = target.truth
        self.assertEqual(1, len(rows), rows)
        for name in ("record_size", "used", "blocks"):
            self.assertEqual(truth[name], rows[0][name], "%s of %s" % (name, rows[0]))
        self.assertLessEqual(abs(truth["free"] - rows[0]["free"]), free_slack * truth["blocks"])
        return rows[0], truth


class RecordsTest(PoolTest):
    def test_objects_with_vtables_in_chunks(self):
        for scenario in ("chunks", "small-chunks"):
            row, truth = self.check(scenario)
            self.assertRegex(row["type"], r"(^|::)%s$" % truth["name"])
            self.assertEqual("strong", row["level"])
            self.assertLess(truth["block_size"], row["block_size"] + 1)

    def test_stripped(self):
        program = harness.built("targets", "pools-stripped")
        subprocess.run(["strip", "-o", program, harness.built("targets", "pools")], check=True)
        row, truth = self.check("chunks", program=program)
        self.assertRegex(row["type"], r"(^|::)%s$" % truth["name"])

    def test_objects_in_a_mapping(self):
        with Pools("mapped") as target:
            (row,) = self.rows(target.pid)
            (truth,) = target.truth
        # What was never touched of a mapping is nobody's.
        self.assertEqual((truth["record_size"], truth["used"], 1), (row["record_size"], row["used"], row["blocks"]))
        self.assertRegex(row["type"], r"(^|::)%s$" % truth["name"])

    def test_records_of_c(self):
        row, _ = self.check("nodes", free_slack=1)
        self.assertEqual("likely", row["level"])
        self.assertIn("ptr->const", row["type"])

    def test_nothing_where_nothing_repeats(self):
        """Arrays of pointers and numbers, noise, blocks of all sizes: a wrong stride is worse than none."""
        with Pools("none") as target:
            self.assertEqual([], self.rows(target.pid))

    def test_chunks_are_named(self):
        with Pools("chunks") as target:
            rows = self.listed(target.pid, "--columns", "address,type,size")
        pools = [row for row in rows.values() if (row["type"] or "").startswith("pool of ")]
        self.assertEqual(15, len(pools), pools)


class FormatsTest(PoolTest):
    def test_formats_agree(self):
        with Pools("chunks") as target:
            (row,) = self.rows(target.pid)
            table = self.heapwalk("--attach", target.pid, "--pools").out
            csv = self.heapwalk("--attach", target.pid, "--pools", "--format", "csv").out.splitlines()
        self.assertIn(format(row["used"], ","), table)
        self.assertEqual(row["used"], int(dict(zip(csv[0].split(","), csv[1].split(",")))["used"]))


if __name__ == "__main__":
    unittest.main()
