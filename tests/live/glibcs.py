# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's glibc of other releases, unpacked under build/glibcs, and programs that run on them."""
import collections
import functools
import glob
import os
import re
import subprocess
import unittest

from harness import ROOT, built

RELEASES = ("bullseye", "trixie", "sid", "experimental")
TRIPLETS = {"amd64": "x86_64-linux-gnu", "i386": "i386-linux-gnu"}
LOADERS = {"amd64": "ld-linux-x86-64.so.2", "i386": "ld-linux.so.2"}
OLDEST = "bullseye"

Glibc = collections.namedtuple("Glibc", "release architecture version root loader library_path")


@functools.lru_cache(maxsize=None)
def fetch(release, architecture, *packages):
    """The root of a release's unpacked packages; skips the test when they cannot be had."""
    done = subprocess.run([os.path.join(ROOT, "tests/glibcs/fetch"), release, architecture, *packages],
                          env=dict(os.environ, HW_GLIBCS=glibcs_directory()), capture_output=True, text=True,
                          check=False)
    if done.returncode == 77:
        raise unittest.SkipTest(done.stderr.strip())
    if done.returncode != 0:
        raise AssertionError("fetching %s %s: %s" % (release, architecture, done.stderr))
    return done.stdout.strip()


def glibcs_directory():
    return os.environ.get("HW_GLIBCS") or os.path.join(ROOT, "build", "glibcs")


@functools.lru_cache(maxsize=None)
def glibc(release, architecture):
    """A release's glibc, ready to run programs."""
    root = fetch(release, architecture)
    triplet = TRIPLETS[architecture]
    libraries = [path for path in (os.path.join(root, "lib", triplet), os.path.join(root, "usr/lib", triplet))
                 if os.path.isdir(path)]
    loader = next(path for directory in libraries
                  for path in glob.glob(os.path.join(directory, LOADERS[architecture])))
    with open(os.path.join(os.path.dirname(loader), "libc.so.6"), "rb") as file:
        version = re.search(rb"release version (\d+\.\d+)", file.read()).group(1).decode()
    return Glibc(release, architecture, version, root, loader, ":".join(libraries))


def launcher(of):
    """What to put before a program so that it runs on this glibc."""
    return [of.loader, "--library-path", of.library_path]


@functools.lru_cache(maxsize=None)
def compiled(name, architecture, *flags):
    """A program of tests/targets/NAME/ linked against the oldest glibc, so that it runs on all of them."""
    root = fetch(OLDEST, architecture, "libc6", "libc6-dev", "linux-libc-dev")
    directories = [os.path.join(root, place, TRIPLETS[architecture]) for place in ("usr/lib", "lib")]
    output = built("targets", "-".join([name, OLDEST, architecture] + [f.strip("-") for f in flags if "D" not in f]))
    sources = sorted(glob.glob(os.path.join(ROOT, "tests/targets", name, "*.c")))
    if "-static" in flags:
        # The compiler's own unwinder wants what glibc has from 2.35 on; nothing unwinds here.
        flags += ("-Wl,--defsym=_dl_find_object=0",)
    partial = "%s.%d" % (output, os.getpid())
    os.makedirs(os.path.dirname(output), exist_ok=True)
    subprocess.run(["gcc", *(["-m32"] if architecture == "i386" else []), "-D_GNU_SOURCE", "-g", "-O1", "-pthread",
                    *flags, "--sysroot=" + root, "-B" + directories[0] + "/", *("-L" + d for d in directories),
                    "-o", partial, *sources, "-ldl", "-lrt"], check=True)
    os.rename(partial, output)
    return output
