# SPDX-License-Identifier: GPL-3.0-or-later
"""Heaps that a program has broken itself: the damage is found where the program did it, the culprit is named, and
every block on both sides of it is still counted."""
import json
import unittest

import harness


class DamageTest(harness.TestCase):
    programs = ("factory", "factory-static", "factory-32")

    def each(self, scenario, check):
        """Gives each build of the factory, its heap broken in that way, to check(target, damaged word)."""
        for program in self.programs:
            with self.subTest(program=program):
                with harness.Factory(scenario, program=harness.built("targets", program)) as target:
                    target.word = 4 if program.endswith("-32") else 8
                    (damaged, _), = target.truth.damaged
                    check(target, damaged)

    def anomaly(self, target):
        """The one thing that is odd, as JSON has it; the text must tell the same."""
        done = self.heapwalk("--attach", target.pid, "--anomalies", "--format", "json")
        anomaly, = json.loads(done.out)["anomalies"]
        text = self.text(target)
        self.assertIn("corrupt in 1 place", text)
        self.assertIn("%s: %s" % (anomaly["address"], anomaly["text"]), text)
        return anomaly, text

    def text(self, target):
        return " ".join(self.heapwalk("--attach", target.pid, "--summary").out.split())

    def assert_blocks(self, target, lost=(), stray=0):
        """All but the lost blocks are listed with their sizes, and at most `stray` that nobody holds."""
        rows = self.listed(target.pid)
        truth = target.truth
        self.assertEqual([], [hex(a) for a in lost if a in rows], "a damaged chunk is listed")
        for address in lost:
            truth.blocks.pop(address)
        missed = set(truth.blocks) - set(rows)
        self.assertEqual(set(), missed, "%d of %d missed" % (len(missed), len(truth.blocks)))
        self.assertEqual([], [hex(a) for a, (_, usable) in truth.blocks.items() if rows[a]["size"] != usable])
        extra = [a for a in rows if a not in truth.blocks and truth.explain(a) is None]
        self.assertEqual(stray, len(extra), [rows[a] for a in extra])
        return rows

    def block_before(self, target, address):
        """The block that ends right before a word: (chunk address, usable size)."""
        (pointer, usable), = ((p, u) for p, (_, u) in target.truth.blocks.items() if p + u == address)
        return pointer - 2 * target.word, usable

    def check_overrun(self, target, damaged):
        chunk, usable = self.block_before(target, damaged)
        anomaly, text = self.anomaly(target)
        self.assertEqual((hex(damaged), "chunk size", 0, hex(chunk), usable + target.word, "live", "string"),
                         tuple(anomaly[name] for name in ("address", "kind", "arena", "previous", "previous_size",
                                                          "previous_state", "previous_content")))
        found = 0x414141414141 if target.word == 8 else 0x41414141
        self.assertRegex(anomaly["text"], r"^expected the size of a chunk up to 0x[0-9a-f]+ bytes, found %#x" % found)
        self.assertIn('before it lies the chunk at %#x (%d B usable, live, string "AAAAAAAA' % (chunk, usable), text)
        self.assertIn("the likely overrun", text)
        victim = damaged + target.word
        self.assertEqual(target.truth.blocks[victim][1] + target.word, anomaly["skipped"])
        self.assert_blocks(target, lost=[victim])

    def test_overrun(self):
        self.each("overrun", self.check_overrun)

    def check_link(self, target, damaged):
        anomaly, text = self.anomaly(target)
        self.assertEqual((hex(damaged), "list", hex(damaged - 2 * target.word), 0),
                         tuple(anomaly[name] for name in ("address", "kind", "previous", "skipped")))
        self.assertIn("leads to no chunk: 0x" + "41" * target.word, anomaly["text"])
        self.assertIn("in the freed chunk at %#x (" % (damaged - 2 * target.word), text)
        self.assertIn("written after it was freed", text)
        self.assert_blocks(target)

    def test_link_of_a_free_chunk(self):
        self.each("bad-link", self.check_link)

    def check_use_after_free(self, target, damaged):
        anomaly, text = self.anomaly(target)
        self.assertEqual((hex(damaged), "list", hex(damaged - 2 * target.word), 0, "tcache"), tuple(
            anomaly[name] for name in ("address", "kind", "previous", "skipped", "previous_state")))
        self.assertRegex(anomaly["text"], "^tcache bin 6[12] leads to 0x[0-9a-f]+, which is no chunk in use of its size$")
        self.assertIn("written after it was freed", text)
        self.assert_blocks(target, stray=1)

    def test_use_after_free(self):
        """What the broken list led to, and was freed, cannot be told from a live chunk: one stray."""
        self.each("use-after-free", self.check_use_after_free)

    def check_top(self, target, damaged):
        chunk, _ = self.block_before(target, damaged)
        anomaly, text = self.anomaly(target)
        self.assertEqual((hex(damaged), "top", hex(chunk), "live"),
                         tuple(anomaly[name] for name in ("address", "kind", "previous", "previous_state")))
        self.assertIn("found 0x%s as top" % ("54" * target.word), anomaly["text"])
        self.assertIn("before it lies the chunk at %#x (" % chunk, text)
        self.assert_blocks(target)

    def test_top(self):
        self.each("bad-top", self.check_top)


if __name__ == "__main__":
    unittest.main()
