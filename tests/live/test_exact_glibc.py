# SPDX-License-Identifier: GPL-3.0-or-later
"""The live chunks are exact on the glibcs of other Debian releases too, 64 and 32 bits."""
import unittest

import glibcs
import harness

SCENARIOS = ("empty", "plain", "frees-most", "aligned", "moved", "huge", "threads", "heaps", "thread-exit", "tcache",
             "blocked-brk", "foreign-sbrk", "fork", "forged", "stdio", "dlmopen")


class GlibcTest(harness.TestCase):
    def check(self, release, architecture, scenario):
        glibc = glibcs.glibc(release, architecture)
        program = glibcs.compiled("factory", architecture)
        with harness.Factory(scenario, program, glibcs.launcher(glibc)) as target:
            rows = self.listed(target.pid)
        extra = self.assert_exact(target.truth, rows)
        harness.note("glibc %-5s %-6s %-14s %6d blocks, 0 missed, %d extra (libc's)" % (
            glibc.version, architecture, scenario, len(target.truth.blocks), extra))

    def test_static_of_the_oldest(self):
        """A program linked statically with glibc 2.31: no version string, no dynamic symbols."""
        for architecture in glibcs.TRIPLETS:
            program = glibcs.compiled("factory", architecture, "-static", "-DFACTORY_STATIC")
            for scenario in ("plain", "threads", "blocked-brk"):
                with harness.Factory(scenario, program) as target:
                    rows = self.listed(target.pid)
                self.assert_exact(target.truth, rows)


def add_tests():
    for release in glibcs.RELEASES:
        for architecture in glibcs.TRIPLETS:
            for scenario in SCENARIOS:
                def test(self, release=release, architecture=architecture, scenario=scenario):
                    self.check(release, architecture, scenario)
                setattr(GlibcTest, "test_%s_%s_%s" % (release, architecture, scenario.replace("-", "_")), test)


add_tests()

if __name__ == "__main__":
    unittest.main()
