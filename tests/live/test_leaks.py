# SPDX-License-Identifier: GPL-3.0-or-later
"""Leak kinds against planted programs' own truth, and beside memcheck and LeakSanitizer."""
import os
import shutil
import subprocess
import tempfile
import unittest

import glibcs
import harness
import leaks

PROGRAMS = ("leak", "leak_cxx", "leak-static", "leak-32")

# Those that depend on how glibc lays out threads, stacks and thread-local storage.
OF_GLIBC = ("lost-list", "lost-ring", "stack", "thread-local", "thread-specific", "thread-stacks", "ended-threads",
            "thread-results", "detached-threads", "many-threads", "own-thread-stacks", "sbrk", "freed-memory",
            "signal-stack-malloc", "coroutine-mapped", "healthy-libc")
OF_CORES = ("lost-tree", "stack", "thread-local", "thread-specific", "ended-threads", "thread-results", "mappings",
            "library-thread-local", "signal-stack-mapped")


class Checks(harness.TestCase):
    def agree(self, truth, found, what, narrow=False):
        """`narrow`: with 32 bits, text and numbers look like a pointer into some block now and then."""
        wrong = leaks.disagreements(truth, found)
        if narrow:
            chance = [key for key in wrong if leaks.is_lost(key[0]) and key[1] in ("reachable", "possible")]
            self.assertLessEqual(sum(wrong.pop(key) for key in chance), 2, what)
        self.assertEqual({}, wrong, what)

    def check_live(self, scenario, *target, narrow=False):
        with leaks.Leak(scenario, *target) as process:
            with harness.unharmed(self, process.pid):
                found, totals = leaks.dump("--attach", process.pid)
            self.agree(process.truth, found, scenario, narrow)
            others = [found[address] for address in found if address not in process.truth]
            self.assertNotIn("definite", others, "one of libc's blocks is called lost")
            self.assertTrue(any("missing 0," in line for line in totals), "roots are missing: %s" % totals)

    def check_core(self, scenario, program):
        with tempfile.TemporaryDirectory() as directory:
            with leaks.Leak(scenario, program) as process:
                subprocess.run([harness.need("gcore"), "-o", os.path.join(directory, "core"), str(process.pid)],
                               check=True, capture_output=True)
            core, = os.listdir(directory)
            found, _ = leaks.dump("--core", os.path.join(directory, core))
            self.agree(process.truth, found, scenario, narrow=program.endswith("-32"))


class LeakTest(Checks):
    def test_cores(self):
        """The same answers from a core."""
        for program in ("leak", "leak-32"):
            for scenario in OF_CORES:
                with self.subTest(program=program, scenario=scenario):
                    self.check_core(scenario, harness.built("targets", program))

    def test_stripped(self):
        """And without a single symbol."""
        with tempfile.TemporaryDirectory() as directory:
            program = shutil.copy(harness.built("targets", "leak"), directory)
            subprocess.run(["strip", program], check=True)
            for scenario in ("lost-tree", "thread-local", "mmapped-holder"):
                self.check_live(scenario, program)


class GlibcTest(Checks):
    def check_glibc(self, release, architecture):
        glibc = glibcs.glibc(release, architecture)
        program = glibcs.compiled("leak", architecture)
        for scenario in OF_GLIBC:
            with self.subTest(scenario=scenario):
                self.check_live(scenario, program, glibcs.launcher(glibc), narrow=architecture == "i386")


class OtherToolsTest(unittest.TestCase):
    """Prints what three tools say of the same programs. heapwalk must have no false one and miss no more."""

    def score(self, judge, program):
        score = leaks.Score()
        for scenario in leaks.scenarios(program):
            truth, found = judge(program, scenario)
            score.count(truth, found)
        return score

    @staticmethod
    def heapwalk_says(program, scenario):
        with leaks.Leak(scenario, program) as process:
            found, _ = leaks.dump("--attach", process.pid)
            return process.truth, found

    def check(self, name):
        program = harness.built("targets", name)
        own = self.score(self.heapwalk_says, program)
        memcheck = self.score(leaks.memcheck, program)
        sanitizer = self.score(leaks.sanitizer, leaks.compile_with_sanitizer(name))
        for tool, score in (("heapwalk", own), ("memcheck", memcheck), ("LeakSanitizer", sanitizer)):
            print("# %-9s %-13s %s" % (name, tool, score))
        self.assertEqual(0, own.false)
        self.assertLessEqual(own.false, min(memcheck.false, sanitizer.false))
        # They see every allocation and know what was never written to; ten stale pointers are planted.
        self.assertLessEqual(own.missed, min(memcheck.missed, sanitizer.missed) + 10)

    def test_c(self):
        self.check("leak")

    def test_cxx(self):
        self.check("leak_cxx")


def add_tests():
    for name in PROGRAMS:
        for scenario in leaks.scenarios(harness.built("targets", name)):
            def test(self, scenario=scenario, name=name):
                self.check_live(scenario, harness.built("targets", name), narrow=name.endswith("-32"))
            setattr(LeakTest, "test_%s_%s" % (name.replace("-", "_"), scenario.replace("-", "_")), test)
    for release in glibcs.RELEASES:
        for architecture in glibcs.TRIPLETS:
            def test_glibc(self, release=release, architecture=architecture):
                self.check_glibc(release, architecture)
            setattr(GlibcTest, "test_%s_%s" % (release, architecture), test_glibc)


add_tests()

if __name__ == "__main__":
    unittest.main()
