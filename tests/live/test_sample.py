# SPDX-License-Identifier: GPL-3.0-or-later
"""Of a large heap's small chunks a sample is looked into: shares stay right, and the screen says so."""
import json
import unittest

import harness


class SampleTest(harness.TestCase):
    def test_share_is_right_and_said_to_be_a_sample(self):
        with harness.Process([harness.built("targets/mixture")]) as target:
            texts = int(target.read_line())
            table = self.heapwalk("--attach", target.pid, "--quick").out
            rows = json.loads(self.heapwalk("--attach", target.pid, "--quick", "--histogram", "--format", "json").out)
            row = next(row for row in rows["histogram"] if row["request_low"] <= 48 <= row["request_high"])
            self.assertEqual("string", row["content"])
            # Six standard deviations of a sample of an eighth of 100,000; the first thousands are looked into all.
            self.assertAlmostEqual(texts / 100000, row["content_share"], delta=6 * (0.21 / 12500) ** 0.5)
            self.assertIn("TYPE: of each size up to 256 bytes 4096 chunks were looked into, then one in 8.", table)
            self.assertEqual(texts, len(self.listed(target.pid, "--size", "48", "--kind", "string")))


if __name__ == "__main__":
    unittest.main()
