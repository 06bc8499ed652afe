# SPDX-License-Identifier: GPL-3.0-or-later
"""Types and variables from debug information of many makes, against what the program prints of itself."""
import functools
import glob
import os
import shutil
import subprocess
import tempfile
import unittest

import harness

SOURCES = os.path.join(harness.ROOT, "tests/targets/types")
TYPES = harness.built("tools", "types")
COMMON = ["-Wno-invalid-offsetof", "-std=c++17", "-pthread"]

# Name -> compiler and flags. What each is about: versions of DWARF, where it stands, how it is packed.
VARIANTS = {
    "dwarf5": ["g++", "-O1", "-gdwarf-5"],
    "dwarf4": ["g++", "-O1", "-gdwarf-4"],
    "dwarf3": ["g++", "-O1", "-gdwarf-3", "-gstrict-dwarf"],
    "optimised": ["g++", "-O2", "-g"],
    "unoptimised": ["g++", "-O0", "-g"],
    "type-units": ["g++", "-O1", "-g", "-fdebug-types-section"],
    "type-units-4": ["g++", "-O1", "-gdwarf-4", "-fdebug-types-section"],
    "split": ["g++", "-O1", "-g", "-gsplit-dwarf"],
    "split-4": ["g++", "-O1", "-gdwarf-4", "-gsplit-dwarf"],
    "compressed": ["g++", "-O1", "-g", "-gz=zlib"],
    "whole-program": ["g++", "-O2", "-g", "-flto"],
    "static": ["g++", "-O1", "-g", "-static"],
    "32": ["g++", "-O1", "-g", *harness.M32],
    "clang": ["clang++", "-O1", "-g", "-fstandalone-debug"],
    "clang-split": ["clang++", "-O1", "-g", "-gsplit-dwarf", "-fstandalone-debug"],
}


@functools.lru_cache(maxsize=None)
def compiled(name):
    """The path of a build, in a directory of its own: split debug information stays beside it."""
    compiler, *flags = VARIANTS[name]
    directory = harness.built("targets", "types-" + name)
    output = os.path.join(directory, "types")
    os.makedirs(directory, exist_ok=True)
    subprocess.run([harness.need(compiler), *flags, *COMMON, "-o", output, *sorted(glob.glob(SOURCES + "/*.cpp"))],
                   check=True, cwd=directory)
    return output


# Two files mean different things by "struct node"; main.c knows neither and must not be told one of them. What
# only one file defines it may know.
NAMESAKES = {
    "first.c": "struct node { int a, b; }; struct node first;",
    "second.c": "struct node { char text[3]; }; struct node second; struct lone { int x; }; struct lone lone;",
    "main.c": """
struct node *unknown; struct lone *known;
#include <stdio.h>
int main(void) { puts("ready"); fflush(stdout); return getchar() != EOF; }
""",
}


class Target(harness.Process):
    """The program, waiting; `structs`, `members` and `variables` are what it said."""

    def __init__(self, program):
        super().__init__([program])
        self.structs, self.members, self.variables = {}, {}, {}
        try:
            words = self.read_line().rstrip("\n").split("\t")
            while words != ["ready"]:
                self.add(*words)
                words = self.read_line().rstrip("\n").split("\t")
        except BaseException:
            self.__exit__(AssertionError, None, None)
            raise

    def add(self, kind, name, *rest):
        if kind == "struct":
            self.structs[name] = int(rest[0])
        elif kind == "member":
            self.members[name, rest[0]] = (int(rest[1]), int(rest[2]))
        else:
            self.variables[name] = (int(rest[0], 16), int(rest[1]))

    def end(self):
        self.process.stdin.close()


class Answer:
    """What the tool found: structs by name and by number, variables by name (all of a name, as lists)."""

    def __init__(self, target, *arguments):
        done = subprocess.run([TYPES, *arguments, str(target)], capture_output=True, timeout=harness.PATIENCE,
                              check=True)
        self.structs, self.numbers, self.variables, self.thread_locals = {}, {}, {}, {}
        for line in done.stdout.decode().split("\n"):
            kind, *rest = line.split("\t")
            if kind == "struct":
                members = []
                self.structs.setdefault(normal(rest[1]), []).append((int(rest[2]), rest[3], members))
                self.numbers[int(rest[0])] = members
            elif kind == "member":
                members.append((rest[0], int(rest[1]), int(rest[2]), rest[3], rest[4]))
            elif kind == "variable":
                self.variables.setdefault(normal(rest[0]), []).append((int(rest[1], 16), int(rest[2]), int(rest[3])))
            elif kind:
                self.thread_locals[rest[0]] = (int(rest[1], 0), int(rest[2]))


def normal(name):
    """clang and gcc differ in blanks, and in whether a function's name has its parameters."""
    return name.replace(" ", "").replace("()", "")


class TypesTest(harness.TestCase):

    def compare(self, target, answer):
        for name, size in target.structs.items():
            found = [struct for struct in answer.structs.get(normal(name), []) if struct[1] != "incomplete"]
            self.assertEqual([size], [struct[0] for struct in found], name)
            members = {member[0]: member[1:3] for member in found[0][2]}
            for (struct, member), place in target.members.items():
                if struct == name:
                    self.assertEqual(place, members.get(member), "%s.%s" % (struct, member))
        for name, place in target.variables.items():
            self.assertIn(place, [variable[:2] for variable in answer.variables.get(normal(name), [])], name)

    def compare_details(self, answer):
        (_, _, derived), = answer.structs["shop::Derived"]
        self.assertEqual([("", 0, "shop::Base", "base"), ("", 16, "shop::Other", "base")],
                         [(name, offset, kind, base) for name, offset, _, kind, base in derived if base])
        (_, _, diamond), = answer.structs["shop::Diamond"]
        self.assertIn("virtual", [member[4] for member in diamond])
        (_, _, session), = answer.structs["shop::Session"]
        kinds = {member[0]: member[3] for member in session}
        self.assertEqual(["shop::Session *", "Elsewhere *", "Nowhere *"],
                         [kinds[name] for name in ("next", "elsewhere", "nowhere")])
        self.assertEqual(["incomplete"], [struct[1] for struct in answer.structs["Nowhere"]])
        self.assertEqual(4, answer.thread_locals["shop::thread_variable"][1])

    def compare_namesakes(self, answer):
        """Two files' unnamed namespaces have a Hidden each, equal in name, size and line."""
        for variable, members in (("hidden_here", ["first", "second"]), ("hidden_there", ["text"])):
            (_, _, number), = answer.variables[normal("(anonymous namespace)::" + variable)]
            self.assertEqual(members, [member[0] for member in answer.numbers[number]])

    def check(self, program, *arguments, details=True):
        with Target(program) as target:
            with harness.unharmed(self, target.pid):
                answer = Answer(target.pid, *arguments)
        self.compare(target, answer)
        self.compare_namesakes(answer)
        if details:
            self.compare_details(answer)

    def test_variants(self):
        for name in VARIANTS:
            with self.subTest(variant=name):
                self.check(compiled(name), details=name != "32")

    def objcopy(self, *arguments):
        subprocess.run([harness.need("objcopy"), *arguments], check=True)

    def test_separate(self):
        """Debug information in a file of its own: beside the program, in .debug/, in --debug-dir by build id."""
        for place in ("beside", "folder", "build-id"):
            with self.subTest(place=place), tempfile.TemporaryDirectory() as directory:
                program = shutil.copy(compiled("dwarf5"), directory)
                folder = os.path.join(directory, {"beside": "", "folder": ".debug", "build-id": "elsewhere"}[place])
                os.makedirs(folder, exist_ok=True)
                debug = os.path.join(folder, "types.debug")
                self.objcopy("--only-keep-debug", program, debug)
                self.objcopy("--strip-all", program)
                if place == "build-id":
                    identity = self.build_id(program)
                    os.makedirs(os.path.join(folder, ".build-id", identity[:2]))
                    os.rename(debug, os.path.join(folder, ".build-id", identity[:2], identity[2:] + ".debug"))
                    self.check(program, "-d", folder)
                else:
                    self.objcopy("--add-gnu-debuglink=" + debug, program)
                    self.check(program)

    @staticmethod
    def build_id(program):
        notes = subprocess.run(["readelf", "-n", program], capture_output=True, check=True).stdout.decode()
        return notes.split("Build ID:")[1].split()[0]

    def test_shared_between_files(self):
        """dwz moves what units share into partial units, and what files share into a third file."""
        dwz = harness.need("dwz")
        with tempfile.TemporaryDirectory() as directory:
            alone, first, second = [shutil.copy(compiled("dwarf4"), os.path.join(directory, name))
                                    for name in ("alone", "first", "second")]
            subprocess.run([dwz, alone], check=True)
            self.check(alone)
            subprocess.run([dwz, "-m", os.path.join(directory, "common"), first, second], check=True)
            self.assertTrue(os.path.exists(os.path.join(directory, "common")))
            self.check(first)

    def test_ambiguous(self):
        with tempfile.TemporaryDirectory() as directory:
            for name, text in NAMESAKES.items():
                with open(os.path.join(directory, name), "w") as file:
                    file.write(text)
            program = os.path.join(directory, "program")
            subprocess.run(["gcc", "-g", "-o", program, *(os.path.join(directory, name) for name in NAMESAKES)],
                           check=True)
            with Target(program) as target:
                answer = Answer(target.pid)
        self.assertEqual([("", 3), ("", 8), ("incomplete", 0)],
                         sorted((struct[1], struct[0]) for struct in answer.structs["node"]))
        self.assertEqual([(4, "")], [struct[:2] for struct in answer.structs["lone"]])

    def test_no_debug_information(self):
        with tempfile.TemporaryDirectory() as directory:
            program = shutil.copy(compiled("dwarf5"), directory)
            self.objcopy("--strip-all", program)
            with Target(program) as target:
                answer = Answer(target.pid)
        self.assertNotIn("shop::Session", answer.structs)


if __name__ == "__main__":
    unittest.main()
