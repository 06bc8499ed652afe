# SPDX-License-Identifier: GPL-3.0-or-later
"""The live chunks are exact in core files too: the kernel's and gcore's, of this machine's glibc and of others."""
import glob
import os
import resource
import signal
import subprocess
import tempfile
import unittest

import glibcs
import harness

# Few arenas: gcore writes out the whole reservation of each, 64 MiB of zeros.
SCENARIOS = {
    "factory": ("plain", "huge", "shared-arenas", "heaps", "thread-exit", "blocked-brk", "foreign-sbrk", "forged"),
    "factory-32": ("shared-arenas", "heaps", "blocked-brk"),
    "factory-static": ("shared-arenas", "blocked-brk"),
}


def unlimited():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)


def by_kernel(directory, scenario, program, launcher=()):
    """Ends the factory by a signal; its truth and the core that the kernel wrote."""
    with harness.core_pattern() as pattern:
        target = harness.Factory(scenario, program, launcher, cwd=directory, preexec_fn=unlimited)
        os.kill(target.pid, signal.SIGABRT)
        target.process.wait(harness.PATIENCE)
        target.abandon()
    core, = glob.glob(os.path.join(directory, pattern + "*"))
    return target.truth, core


def by_gcore(directory, scenario, program, launcher=()):
    with harness.Factory(scenario, program, launcher) as target:
        prefix = os.path.join(directory, "core")
        subprocess.run([harness.need("gcore"), "-o", prefix, str(target.pid)], stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=harness.PATIENCE, check=True)
        return target.truth, "%s.%d" % (prefix, target.pid)


class CoreTest(harness.TestCase):
    def check(self, make, scenario, program, name, launcher=()):
        with tempfile.TemporaryDirectory() as directory:
            truth, core = make(directory, scenario, program, launcher)
            rows = self.rows_by_address(self.heapwalk("--core", core, "--list", "--format", "json"))
        extra = self.assert_exact(truth, rows)
        harness.note("%-44s %6d blocks, 0 missed, %d extra (libc's)" % (name, len(truth.blocks), extra))

    def check_glibc(self, make, release, architecture):
        program = glibcs.compiled("factory", architecture)
        glibc = glibcs.glibc(release, architecture)
        name = "%s, glibc %s %s shared-arenas" % (make.__name__[3:], glibc.version, architecture)
        self.check(make, "shared-arenas", program, name, glibcs.launcher(glibc))


def add_tests():
    for make in (by_kernel, by_gcore):
        for build, scenarios in SCENARIOS.items():
            for scenario in scenarios:
                def test(self, make=make, build=build, scenario=scenario):
                    self.check(make, scenario, harness.built("targets", build),
                               "%s, %s %s" % (make.__name__[3:], build, scenario))
                setattr(CoreTest, "test_%s_%s_%s" % (make.__name__, build.replace("-", "_"),
                                                     scenario.replace("-", "_")), test)
        for release in glibcs.RELEASES:
            for architecture in glibcs.TRIPLETS:
                def test(self, make=make, release=release, architecture=architecture):
                    self.check_glibc(make, release, architecture)
                setattr(CoreTest, "test_%s_%s_%s" % (make.__name__, release, architecture), test)


add_tests()

if __name__ == "__main__":
    unittest.main()
