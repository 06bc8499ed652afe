# SPDX-License-Identifier: GPL-3.0-or-later
"""The live chunks are exactly those that the program has not freed: on this machine's glibc."""
import unittest

import harness

SCENARIOS = ("empty", "plain", "sizes", "frees-most", "aligned", "moved", "huge", "threads", "shared-arenas", "heaps",
             "thread-exit", "tcache", "blocked-brk", "foreign-sbrk", "fork", "forged", "stdio")

# Ways to build the factory.
BUILDS = ("factory", "factory-static", "factory-32", "factory-32-static")

# (name, scenario, environment): malloc told to behave otherwise.
TUNED = (
    ("arena_max_1", "threads", {"MALLOC_ARENA_MAX": "1"}),
    ("mmap_threshold_4096", "plain", {"MALLOC_MMAP_THRESHOLD_": "4096"}),
    ("mmap_threshold_4096_threads", "shared-arenas", {"MALLOC_MMAP_THRESHOLD_": "4096"}),
    ("trim_threshold_0", "frees-most", {"MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_TOP_PAD_": "0"}),
    ("mmap_max_0", "huge", {"MALLOC_MMAP_MAX_": "0"}),
    ("perturb", "tcache", {"MALLOC_PERTURB_": "165"}),
    ("tcache_count_0", "tcache", {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}),
    ("tcache_count_100", "tcache", {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=100"}),
    ("tcache_max_64", "tcache", {"GLIBC_TUNABLES": "glibc.malloc.tcache_max=64"}),
    ("mxfast_160", "frees-most", {"GLIBC_TUNABLES": "glibc.malloc.mxfast=160:glibc.malloc.tcache_count=0"}),
    ("hugetlb_1", "plain", {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
    ("hugetlb_1_threads", "shared-arenas", {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
)


class ExactTest(harness.TestCase):
    def check(self, scenario, name, build="factory", env=None):
        with harness.Factory(scenario, program=harness.built("targets", build), env=env) as target:
            rows = self.listed(target.pid)
        extra = self.assert_exact(target.truth, rows)
        harness.note("%-32s %6d blocks, 0 missed, %d extra (libc's)" % (name, len(target.truth.blocks), extra))

    def test_hugetlb_2(self):
        """Explicit huge pages: main arena by mmap() alone, and 8 MiB heaps."""
        with harness.kernel_setting("/proc/sys/vm/nr_hugepages", "64"):
            for scenario in ("plain", "heaps", "huge"):
                self.check(scenario, "hugetlb_2 " + scenario, env={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=2"})

    def test_dlmopen(self):
        """A second libc with a malloc of its own (a static program cannot have one)."""
        for build in ("factory", "factory-32"):
            self.check("dlmopen", build + " dlmopen", build)


def add_tests():
    for build in BUILDS:
        for scenario in SCENARIOS:
            def test(self, build=build, scenario=scenario):
                self.check(scenario, "%s %s" % (build, scenario), build)
            setattr(ExactTest, "test_%s_%s" % (build.replace("-", "_"), scenario.replace("-", "_")), test)
    for name, scenario, env in TUNED:
        def test(self, name=name, scenario=scenario, env=env):
            self.check(scenario, "%s %s" % (name, scenario), env=env)
        setattr(ExactTest, "test_tuned_" + name, test)


add_tests()

if __name__ == "__main__":
    unittest.main()
