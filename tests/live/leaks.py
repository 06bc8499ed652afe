# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted leaks: what a program says of its own blocks, and what heapwalk, memcheck and LeakSanitizer say."""
import collections
import json
import os
import re
import subprocess
import threading

import harness

LOST = ("definite", "indirect")
STALE = ("reachable, stale", "possible, stale")
KINDS = {"still reachable": "reachable", "possibly lost": "possible",
         "indirectly lost": "indirect", "definitely lost": "definite"}

# What a truth allows. "stale" is lost, but a word that nobody uses any more points at it.
ALLOWED = {"reachable": ("reachable",), "possible": ("possible",), "indirect": ("indirect",),
           "definite": ("definite",), "held": ("reachable", "possible"), "lost": LOST,
           "stale": ("reachable", "possible") + STALE + LOST}


def is_lost(truth):
    return truth in ("definite", "indirect", "lost", "stale")


class Leak(harness.Process):
    """tests/targets/leak in one of its scenarios, ready to be inspected. `truth`: address -> kind."""

    def __init__(self, scenario, program=None, launcher=(), env=None, **popen):
        super().__init__([*launcher, program or harness.built("targets", "leak"), scenario], env=env, **popen)
        self.truth = {}
        try:
            self.read_truth()
        except Exception:
            self.__exit__(Exception, None, None)
            raise

    def read_truth(self):
        while True:
            record = json.loads(self.read_line())
            if "ready" in record:
                self.pid = record["pid"]
                return
            self.truth[int(record["address"], 16)] = record["kind"]


def scenarios(program):
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()


def dump(how, target):
    """What heapwalk says: address -> kind, and the lines about the whole. What only a stale word leads to is
    "reachable, stale" or "possible, stale"."""
    done = subprocess.run([harness.built("tools", "leak_dump"), how, str(target)], capture_output=True, text=True,
                          timeout=harness.PATIENCE, check=False)
    if done.returncode != 0:
        raise AssertionError("leak_dump %s %s: %s" % (how, target, done.stderr))
    found, totals = {}, []
    for line in done.stdout.splitlines():
        if line.startswith("#"):
            totals.append(line)
            continue
        address, _, kind = line.split(" ", 2)
        kind, comma, stale = kind.partition(",")
        found[int(address, 16)] = KINDS[kind] + comma + stale
    return found, totals


class Score:
    """How often a tool was right about lost blocks, `says` being the answers by which it calls one so."""

    def __init__(self, says=LOST):
        self.says = says
        self.right = self.false = self.missed = 0

    def count(self, truth, found):
        for address, kind in truth.items():
            says_lost = found.get(address) in self.says
            self.right += is_lost(kind) and says_lost
            self.false += not is_lost(kind) and says_lost
            self.missed += is_lost(kind) and not says_lost

    def __str__(self):
        lost, said = self.right + self.missed, self.right + self.false
        return "%6d of %6d found (recall %6.2f %%), %4d false (precision %6.2f %%)" % (
            self.right, lost, 100 * self.right / lost if lost else 100,
            self.false, 100 * self.right / said if said else 100)


# -------------------------------------------------------------------------------------------- other tools

def run_to_end(command, env=None):
    """Runs a leak program through its wait point; its truth and what was written to standard error."""
    with Leak(command[-1], command[-2], command[:-2], env, stderr=subprocess.PIPE) as target:
        errors = []
        reader = threading.Thread(target=lambda: errors.append(target.process.stderr.read().decode()))
        reader.start()
        target.end()
        target.process.wait(harness.PATIENCE)
        reader.join()
        return target.truth, errors[0]


def memcheck(program, scenario):
    """memcheck's opinion of a run of its own: truth, address -> kind."""
    truth, text = run_to_end([harness.need("valgrind"), "--leak-check=full", "--show-leak-kinds=all",
                              "--soname-synonyms=somalloc=nouserintercepts", program, scenario])
    found, kind = {}, None
    for line in text.splitlines():
        record = re.search(r"are (%s) in loss record" % "|".join(KINDS), line)
        block = re.match(r"==\d+==\s+0x([0-9A-Fa-f]+)\[\d+\]", line)
        if record:
            kind = KINDS[record.group(1)]
        elif block:
            found[int(block.group(1), 16)] = kind
    return truth, found


def sanitizer(program, scenario):
    """LeakSanitizer's, of a program linked with it."""
    truth, text = run_to_end([program, scenario], {"LSAN_OPTIONS": "report_objects=1"})
    found, kind = {}, None
    for line in text.splitlines():
        block = re.match(r"0x([0-9a-f]+) \(\d+ bytes\)", line)
        if line.startswith(("Direct leak", "Indirect leak")):
            kind = "definite" if line.startswith("Direct") else "indirect"
        elif block:
            found[int(block.group(1), 16)] = kind
    return truth, found


def compile_with_sanitizer(name):
    """tests/targets/NAME again, with LeakSanitizer."""
    root, output = harness.ROOT, harness.built("targets", name + "-lsan")
    common = ["-D_GNU_SOURCE", "-g", "-O1", "-pthread", "-fsanitize=leak", "-o", output, "-iquote", root]
    directory = os.path.join(root, "tests/targets", name)
    if os.path.exists(os.path.join(directory, "main.cpp")):
        command = ["g++", *common, os.path.join(directory, "main.cpp"), "-x", "c",
                   os.path.join(root, "tests/targets/leak/notes.c")]
    else:
        sources = sorted(entry.path for entry in os.scandir(directory) if entry.name.endswith(".c"))
        command = ["gcc", *common, *sources, "-ldl"]
    subprocess.run(command, check=True)
    return output


def disagreements(truth, found):
    """What contradicts the truth: (truth, answer) -> how many."""
    wrong = collections.Counter()
    for address, kind in truth.items():
        answer = found.get(address, "not listed")
        if answer not in ALLOWED[kind]:
            wrong[kind, answer] += 1
    return dict(wrong)
