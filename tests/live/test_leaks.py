# SPDX-License-Identifier: GPL-3.0-or-later
"""Leak kinds against planted programs' own truth, and beside memcheck and LeakSanitizer."""
import json
import os
import re
import shutil
import struct
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


def hide_notes(path, kinds):
    """Makes notes of these types in a 64-bit core notes of a type that nobody knows; how many."""
    hidden = 0
    with open(path, "r+b") as core:
        header = core.read(64)
        offset, = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        for index in range(count):
            core.seek(offset + index * size)
            kind, _, start, _, _, length = struct.unpack_from("<IIQQQQ", core.read(size))
            at = start
            while kind == 4 and at + 12 <= start + length:
                core.seek(at)
                name, contents, note = struct.unpack("<III", core.read(12))
                if note in kinds:
                    core.seek(at + 8)
                    core.write(struct.pack("<I", 0x7777))
                    hidden += 1
                at += 12 + (name + 3) // 4 * 4 + (contents + 3) // 4 * 4
    return hidden


class ReducedTest(harness.TestCase):
    """Cores that lack something: the same answers, or it is said what is missing."""

    NT_PRSTATUS, NT_FPREGSET, NT_X86_XSTATE = 1, 2, 0x202

    def core_of(self, scenario, directory, program="leak"):
        with leaks.Leak(scenario, harness.built("targets", program)) as process:
            subprocess.run([harness.need("gcore"), "-o", os.path.join(directory, "core"), str(process.pid)],
                           check=True, capture_output=True)
            core, = (entry.path for entry in os.scandir(directory) if entry.name.startswith("core"))
            return core, process.truth

    def answers(self, *target):
        """What --leaks says of the whole, and --list of every chunk."""
        document = json.loads(self.heapwalk(*target, "--leaks", "--format", "json").out)
        rows = self.rows_by_address(self.heapwalk(*target, "--list", "--format", "json"))
        return document, {address: leaks.KINDS[row["kind"]] for address, row in rows.items()}

    def test_without_libraries(self):
        """Not one file of the program's can be opened."""
        for scenario in ("lost-tree", "hash-tables", "thread-local", "thread-specific", "mappings", "library",
                         "many-threads", "lost-ring"):
            with self.subTest(scenario=scenario), tempfile.TemporaryDirectory() as directory:
                core, truth = self.core_of(scenario, directory)
                empty = os.path.join(directory, "empty")
                os.mkdir(empty)
                document, found = self.answers("--core", core, "--sysroot", empty)
                if not document["missing_roots"]:
                    self.assertEqual({}, leaks.disagreements(truth, found), scenario)
                self.assertEqual([], [hex(address) for address, kind in truth.items() if kind in ("reachable", "held")
                                      and found[address] in leaks.LOST], scenario)

    def test_without_registers(self):
        """What is called lost may be held by a register; the report says so, and --fail-on does not judge."""
        for scenario in ("lost-tree", "thread-stacks"):
            with self.subTest(scenario=scenario), tempfile.TemporaryDirectory() as directory:
                core, truth = self.core_of(scenario, directory)
                self.assertLess(0, hide_notes(core, (self.NT_PRSTATUS, self.NT_FPREGSET, self.NT_X86_XSTATE)))
                document, found = self.answers("--core", core)
                text = self.heapwalk("--core", core, "--leaks").out
                self.assertIn("register", document["missing_roots"])
                self.assertIn("what is called definitely lost is possibly lost", " ".join(text.split()))
                self.heapwalk("--core", core, "--fail-on", "lost", "--leaks", status=3)
                self.assertEqual([], [hex(address) for address, kind in truth.items() if kind == "reachable"
                                      and found.get(address) in leaks.LOST and scenario == "lost-tree"])

    def test_stripped_core(self):
        with tempfile.TemporaryDirectory() as directory:
            program = shutil.copy(harness.built("targets", "leak"), directory)
            subprocess.run(["strip", program], check=True)
            for scenario in ("many-threads", "thread-local", "stack"):
                with tempfile.TemporaryDirectory() as place:
                    with leaks.Leak(scenario, program) as process:
                        subprocess.run([harness.need("gcore"), "-o", os.path.join(place, "core"), str(process.pid)],
                                       check=True, capture_output=True)
                        truth = process.truth
                    core, = os.listdir(place)
                    document, found = self.answers("--core", os.path.join(place, core))
                    self.assertEqual([], document["missing_roots"])
                    self.assertEqual({}, leaks.disagreements(truth, found), scenario)


class ViewTest(harness.TestCase):
    """What the user sees of it."""

    def document(self, pid, *arguments):
        with harness.unharmed(self, pid):
            return json.loads(self.heapwalk("--attach", pid, *arguments, "--format", "json").out)

    def test_leaks(self):
        with leaks.Leak("lost-tree") as process:
            document = self.document(process.pid, "--leaks")
            text = self.heapwalk("--attach", process.pid, "--leaks").out
            none = self.document(process.pid, "--leaks", "--size", "1000")
        kinds = document["leak_kinds"]
        self.assertEqual({"blocks": 1, "bytes": 64}, kinds["definitely lost"])
        self.assertEqual({"blocks": 254, "bytes": 254 * 64}, kinds["indirectly lost"])
        self.assertEqual([], document["missing_roots"])
        group, = document["leaks"]
        self.assertEqual((1, "tree", 255, 255 * 64, 64), tuple(
            group[name] for name in ("families", "shape", "blocks", "bytes", "head_bytes")))
        self.assertEqual("definite", process.truth[int(group["example"], 16)])
        self.assertRegex(text, r"definitely lost +1 +tree")
        self.assertEqual([], none["leaks"])

    def test_next_commands(self):
        """What a report advises to type next can be typed."""
        for scenario, views in (("lost-tree", ("--leaks", "--verdict", "--summary")), ("interior", ("--leaks",)),
                                ("growing-cache", ("--verdict",)), ("fragmented", ("--verdict",))):
            with leaks.Leak(scenario) as process:
                for view in views:
                    text = self.heapwalk("--attach", process.pid, view).out
                    commands = re.findall(r"^(?:next)? {7,}heapwalk (.*)$", text, re.M)
                    self.assertTrue(commands, text)
                    for command in commands:
                        self.heapwalk("--attach", process.pid, *command.split())

    def test_shapes(self):
        shapes = {"lost-list": "list", "lost-ring": "cycle", "lost-both-ways": "cycle", "hash-tables": "tree"}
        for scenario, shape in shapes.items():
            with leaks.Leak(scenario) as process:
                group, = self.document(process.pid, "--leaks")["leaks"]
            self.assertEqual((1, shape), (group["families"], group["shape"]), scenario)

    def test_habits(self):
        """What the program always holds by its middle can be reached, and it is said why."""
        with leaks.Leak("interior-habit") as process:
            document = self.document(process.pid, "--leaks")
            text = self.heapwalk("--attach", process.pid, "--leaks").out
        self.assertEqual([{"chunk_size": 208, "offset": 48, "blocks": 40}], document["habits"])
        self.assertEqual(40, document["heuristics"]["habit"])
        self.assertEqual(30, document["leak_kinds"]["possibly lost"]["blocks"])
        self.assertIn("40 (all of 208 B are held at +48)", text)

    def test_groups(self):
        """As many groups as sizes, and every block in one of them."""
        with leaks.Leak("lost-blocks") as process:
            rows = self.document(process.pid, "--leaks")["leaks"]
        self.assertEqual(201, sum(row["families"] for row in rows))
        self.assertEqual({"block"}, {row["shape"] for row in rows})
        self.assertEqual(len({row["chunk_size"] for row in rows}), len(rows))
        self.assertEqual(sorted((row["bytes"] for row in rows), reverse=True), [row["bytes"] for row in rows])

    def test_kinds_in_the_list(self):
        with leaks.Leak("hash-tables") as process:
            every = self.heapwalk("--attach", process.pid, "--list", "--format", "json")
            lost = self.heapwalk("--attach", process.pid, "--list", "--kind", "lost", "--format", "json")
            definite = self.heapwalk("--attach", process.pid, "--list", "--kind", "definite", "--format", "json")
        found = {address: leaks.KINDS[row["kind"]] for address, row in self.rows_by_address(every).items()}
        self.assertEqual({}, leaks.disagreements(process.truth, found))
        self.assertEqual({a for a, kind in process.truth.items() if leaks.is_lost(kind)},
                         set(self.rows_by_address(lost)))
        self.assertEqual({a for a, kind in process.truth.items() if kind == "definite"},
                         set(self.rows_by_address(definite)))

    def test_kinds_in_the_histogram(self):
        """By size, as many of each kind as the program says; the sums are the graph's."""
        with leaks.Leak("hash-tables") as process:
            both = self.document(process.pid, "--histogram", "--leaks")
            text = self.heapwalk("--attach", process.pid, "--histogram").out
            named = self.heapwalk("--attach", process.pid, "--histogram", "--columns", "requests,definite").out
            by_kind = self.heapwalk("--attach", process.pid, "--histogram", "--sort", "indirect", "--format", "csv").out
        rows, totals = both["histogram"], both["leak_kinds"]
        for column, kind in (("definite", "definitely lost"), ("indirect", "indirectly lost"),
                             ("possible", "possibly lost")):
            self.assertEqual(totals[kind]["blocks"], sum(row[column] for row in rows), column)
            self.assertEqual(totals[kind]["bytes"], sum(row[column + "_bytes"] for row in rows), column)
        truth = list(process.truth.values())
        self.assertEqual((truth.count("definite"), truth.count("indirect")),
                         (sum(row["definite"] for row in rows), sum(row["indirect"] for row in rows)))
        self.assertEqual(sum(row["definite_bytes"] + row["indirect_bytes"] for row in rows),
                         sum(row["lost"] for row in rows))
        self.assertIn(" LOST ", next(line for line in text.splitlines() if line.startswith("REQUESTS")))
        self.assertEqual("REQUESTS   DEFINITE", named.splitlines()[0])
        self.assertEqual("640", by_kind.splitlines()[1].split(",")[by_kind.splitlines()[0].split(",").index("indirect")])

    def test_no_column_where_nothing_is_lost(self):
        with leaks.Leak("mmapped-holder") as process:
            text = self.heapwalk("--attach", process.pid, "--histogram").out
        self.assertNotIn("LOST", text)

    def test_ignored_roots(self):
        cases = {"stack": "--ignore-stacks", "register": "--ignore-registers", "thread-local": "--ignore-tls",
                 "thread-specific": "--ignore-tls", "mappings": "--ignore-mapped", "library": "--ignore-globals"}
        for scenario, option in cases.items():
            with leaks.Leak(scenario) as process:
                with_it = self.document(process.pid, "--leaks")["leak_kinds"]
                without = self.document(process.pid, "--leaks", option)["leak_kinds"]
            self.assertEqual(0, with_it["definitely lost"]["blocks"], scenario)
            self.assertLess(0, without["definitely lost"]["blocks"], scenario)

    def test_fail_on(self):
        with leaks.Leak("lost-tree") as process:
            for condition, status in (("lost", 1), ("lost=16319", 1), ("lost=16320", 0), ("lost=1M", 0)):
                self.heapwalk("--attach", process.pid, "--arenas", "--fail-on", condition, status=status)
            for wrong in ("found", "lost=", "lost=many"):
                self.heapwalk("--attach", process.pid, "--fail-on", wrong, status=2)
        with leaks.Leak("mmapped-holder") as process:
            self.heapwalk("--attach", process.pid, "--fail-on", "lost", "--leaks", status=0)


def declared(file, declaration):
    """FILE:LINE of a global of tests/targets/leak, as the source says."""
    with open(os.path.join(harness.ROOT, "tests/targets/leak", file)) as source:
        line = next(i for i, text in enumerate(source, 1) if declaration in text)
    return "%s:%d" % (file, line)


ROOT_VARIABLE = "root (%s)" % declared("main.c", "*volatile root;")


class StaleTest(harness.TestCase):
    """What only a word that looks stale leads to: never lost, but said beside it, and never wrong."""

    def document(self, pid, *arguments):
        with harness.unharmed(self, pid):
            return json.loads(self.heapwalk("--attach", pid, *arguments, "--format", "json").out)

    def test_planted(self):
        """All that is planted, and none of the pointers in structs that look the same but for who holds them."""
        for program in ("leak", "leak-static", "leak-32"):
            for scenario, kind in (("behind-texts", "reachable, stale"), ("behind-links", "possible, stale")):
                with leaks.Leak(scenario, harness.built("targets", program)) as process:
                    found, _ = leaks.dump("--attach", process.pid)
                planted = {address for address, truth in process.truth.items() if truth == "stale"}
                said = {address for address, says in found.items() if says in leaks.STALE}
                self.assertEqual(planted, said, scenario)
                self.assertEqual({kind}, {found[address] for address in planted}, scenario)

    def test_load(self):
        """A load: how much of what stale words hide is found, without a false one."""
        program = harness.built("targets", "leak_load")
        for scenario in leaks.scenarios(program):
            lost, probably = leaks.Score(), leaks.Score(leaks.LOST + leaks.STALE)
            with leaks.Leak(scenario, program) as process:
                found, _ = leaks.dump("--attach", process.pid)
                lost.count(process.truth, found)
                probably.count(process.truth, found)
            print("# %-8s lost          %s\n# %-8s with stale    %s" % (scenario, lost, scenario, probably))
            self.assertEqual((0, 0), (lost.false, probably.false), scenario)
            # What is in no truth is libstdc++'s own, and in use.
            others = [says for address, says in found.items() if address not in process.truth]
            self.assertFalse(set(others) & {*leaks.LOST, *leaks.STALE}, scenario)
            if scenario != "never":
                self.assertLess(lost.right, probably.right, scenario)

    def test_views(self):
        with leaks.Leak("behind-texts") as process:
            document = self.document(process.pid, "--leaks")
            text = self.heapwalk("--attach", process.pid, "--leaks").out
            rows = self.heapwalk("--attach", process.pid, "--list", "--kind", "stale", "--format", "json",
                                 "--columns", "address,kind,stale")
        stale = {address for address, truth in process.truth.items() if truth == "stale"}
        self.assertEqual(len(stale), document["stale"]["blocks"])
        self.assertEqual(80 * len(stale), document["stale"]["bytes"])
        self.assertEqual(["definitely lost", "probably lost"], [row["kind"] for row in document["leaks"]])
        self.assertEqual({"still reachable yes"}, {row["kind"] + " " + row["stale"]
                                                   for row in self.rows_by_address(rows).values()})
        self.assertEqual(stale, set(self.rows_by_address(rows)))
        self.assertRegex(text, "probably lost +800 B in 10 of them")
        self.assertEqual(5, document["leak_kinds"]["definitely lost"]["blocks"])


class WhoTest(harness.TestCase):
    """Who holds it, and who keeps it."""

    def document(self, pid, *arguments):
        with harness.unharmed(self, pid):
            return json.loads(self.heapwalk("--attach", pid, *arguments, "--format", "json").out)

    def test_a_table_of_lists(self):
        with leaks.Leak("hash-tables") as process:
            document = self.document(process.pid, "--who")
            held = sum(kind == "reachable" for kind in process.truth.values())
        self.assertEqual(len(process.truth), document["selected"])
        self.assertEqual(len(process.truth) - held, document["unheld"])
        holder, table = document["who"][:2]
        self.assertEqual((ROOT_VARIABLE, "global", 0, held), tuple(
            holder[name] for name in ("place", "kind", "depth", "count")))
        self.assertEqual((1, 0, held), tuple(table[name] for name in ("depth", "offset", "count")))
        self.assertEqual("reachable", process.truth[int(table["example"], 16)])
        self.assertTrue(any(row["run"] in (3, 4) for row in document["who"]), "lists of up to four")

    def test_one_chunk(self):
        with leaks.Leak("lost-tree") as process:
            held = max(address for address, kind in process.truth.items() if kind == "reachable")
            lost = max(address for address, kind in process.truth.items() if kind == "indirect")
            rows = self.document(process.pid, "--who", hex(held + 8))["who"]
            unheld = self.document(process.pid, "--who", hex(lost))
            self.heapwalk("--attach", process.pid, "--who", "0x1000", status=3)
        self.assertEqual([1] * len(rows), [row["count"] for row in rows])
        self.assertEqual(ROOT_VARIABLE, rows[0]["place"])
        self.assertEqual(hex(held), rows[-1]["example"])
        self.assertEqual((1, []), (unheld["unheld"], unheld["who"]))

    def test_one_chunk_in_other_views(self):
        with leaks.Leak("lost-tree") as process:
            lost = max(address for address, kind in process.truth.items() if kind == "indirect")
            listed = self.heapwalk("--attach", process.pid, "--list", hex(lost + 50), "--format", "json").out
            dumped = self.document(process.pid, "--dump", hex(lost))["dump"]
            for view in ("--leaks", "--histogram", "--retained"):
                self.heapwalk("--attach", process.pid, view, hex(lost), status=2)
            self.heapwalk("--attach", process.pid, "--dump", "0x1000", status=3)
        self.assertEqual(hex(lost), json.loads(listed)["address"])
        self.assertEqual({hex(lost)}, {row["chunk"] for row in dumped})

    def test_holders_of_each_kind(self):
        kinds = {"stack": "stack", "register": "register", "thread-local": "thread-local", "mappings": "mapped",
                 "thread-specific": "thread-specific", "library": "global", "thread-stacks": "stack"}
        for scenario, kind in kinds.items():
            with leaks.Leak(scenario) as process:
                some = next(a for a, truth in process.truth.items() if truth == "reachable")
                rows = self.document(process.pid, "--who", hex(some))["who"]
            self.assertEqual(kind, rows[0]["kind"], scenario)

    def test_retained(self):
        with leaks.Leak("lost-tree") as process:
            document = self.document(process.pid, "--retained")
        self.assertEqual((255, 255 * 64, 0), tuple(
            document[name] for name in ("reachable", "reachable_bytes", "shared")))
        holder, top, half = document["retained"][:3]
        self.assertEqual((ROOT_VARIABLE, "global", 255 * 64, 255), tuple(
            holder[name] for name in ("holder", "kind", "retained", "chunks")))
        self.assertEqual((1, 255 * 64), (top["depth"], top["retained"]))
        self.assertEqual((2, 127 * 64), (half["depth"], half["retained"]))

    def test_retained_by_a_list(self):
        """A list is one line, however long it is."""
        with leaks.Leak("lost-list") as process:
            rows = self.document(process.pid, "--retained")["retained"]
        self.assertEqual([(0, None), (1, 100)], [(row["depth"], row["run"]) for row in rows])


class VerdictTest(harness.TestCase):
    """What stands out, and that nothing does where nothing is wrong."""

    def verdict(self, pid, *arguments):
        return json.loads(self.heapwalk("--attach", pid, *arguments, "--format", "json").out)["verdict"]

    def kinds(self, scenario, *arguments):
        with leaks.Leak(scenario) as process:
            return [finding["kind"] for finding in self.verdict(process.pid, *arguments)["findings"]]

    def test_each_kind(self):
        for scenario, kind in (("lost-tree", "lost"), ("growing-cache", "holder"), ("fragmented", "free")):
            self.assertEqual([kind], self.kinds(scenario, "--verdict"), scenario)
            self.assertEqual([kind], self.kinds(scenario, "--summary"), scenario)

    def test_evidence(self):
        with leaks.Leak("lost-tree") as process:
            lost, = self.verdict(process.pid, "--verdict")["findings"]
        self.assertEqual((255, 255 * 64, 1, "tree", True), tuple(
            lost[name] for name in ("chunks", "bytes", "families", "shape", "certain")))
        with leaks.Leak("growing-cache") as process:
            holder, = self.verdict(process.pid, "--verdict")["findings"]
            text = self.heapwalk("--attach", process.pid, "--verdict").out
        sessions = "sessions (%s)" % declared("sizes.c", "*sessions[4096];")
        self.assertEqual((sessions, 400000, 400000 * 64), tuple(
            holder[name] for name in ("holder", "chunks", "bytes")))
        self.assertIn(sessions + " alone keeps 24.4 MiB", " ".join(text.split()))

    def test_two_that_hold_one_block(self):
        with leaks.Leak("shared-cache") as process:
            holder, = self.verdict(process.pid, "--verdict")["findings"]
            text = self.heapwalk("--attach", process.pid, "--verdict").out
        self.assertEqual(("holder", 1, 400001), tuple(holder[name] for name in ("kind", "holders_beside", "chunks")))
        self.assertRegex(" ".join(text.split()),
                         r"(all|current) \S+ and 1 more, which hold the same block, keep 24.4 MiB")

    def test_nothing_where_nothing_is_lost(self):
        for scenario in ("interior", "mmapped-holder", "thread-specific", "library", "healthy-libc", "stdstring"):
            self.assertEqual([], self.kinds(scenario, "--verdict"), scenario)


class RealTest(harness.TestCase):
    """Programs that are in order: what is lost in them is little, and the verdict does not cry wolf."""

    PROGRAMS = {
        "python3": ["-c", "import json, re, sqlite3, threading, time\n"
                          "kept = [str(i) for i in range(50000)]\n"
                          "for i in range(4): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
                          "print('ready', flush=True)\ninput()"],
        "perl": ["-e", "$| = 1; %h = map { $_ => [1 .. 5] } 1 .. 20000; print qq(ready\\n); <STDIN>"],
        "bash": ["-c", "for i in {1..3000}; do a[$i]=x$i; done; echo ready; read -r _"],
        "sqlite3": ["-cmd", "create table t(a, b); with recursive n(i) as (values(1) union all select i + 1 from n "
                            "where i < 20000) insert into t select i, 'text ' || i from n; create index u on t(b);",
                    "-cmd", ".shell echo ready; head -n 1 >/dev/null", ":memory:", ".quit"],
        "gdb": ["-q", "-nx", "-batch-silent", "-ex", "shell echo ready", "-ex", "shell head -n 1 >/dev/null",
                "/bin/bash"],
    }

    def check(self, name, environment=None):
        program = harness.need(name)
        with harness.Process([program, *self.PROGRAMS[name]], env=environment) as process:
            while process.read_line() != "ready":
                pass
            document = json.loads(self.heapwalk("--attach", process.pid, "--leaks", "--verdict",
                                                "--format", "json").out)
        kinds = document["leak_kinds"]
        lost = kinds["definitely lost"]["bytes"] + kinds["indirectly lost"]["bytes"]
        every = sum(kind["bytes"] for kind in kinds.values())
        print("# %-8s %-10s %8d bytes live, %6d lost, %7d possibly" % (
            name, "malloc" if environment else "", every, lost, kinds["possibly lost"]["bytes"]))
        self.assertLess(lost, 0.001 * every)
        self.assertLess(kinds["possibly lost"]["bytes"], 0.01 * every)
        self.assertEqual(0, document["stale"]["blocks"])
        self.assertNotIn("lost", [finding["kind"] for finding in document["verdict"]["findings"]])

    def lost_types(self, option):
        with harness.Process([harness.need("gdb"), option, *self.PROGRAMS["gdb"][3:]]) as process:
            while process.read_line() != "ready":
                pass
            rows = self.heapwalk("--attach", process.pid, "--list", "--kind", "lost", "--format", "json",
                                 "--columns", "address,type").out.splitlines()
        return sorted(json.loads(row)["type"] for row in rows)

    def test_what_gdb_forgets(self):
        """-batch-silent puts a null_file in gdb_stdout's place and forgets the pager_file, with its stdio_file,
        that stood there (gdb/main.c, captured_main_1()): a true leak, and there is none without the option."""
        self.assertEqual(["pager_file", "stdio_file"], self.lost_types("-batch-silent"))
        self.assertEqual([], self.lost_types("-batch"))

    def test_python3_with_malloc(self):
        self.check("python3", {"PYTHONMALLOC": "malloc"})


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
        """The tool's score, and what it is if stale counts as lost; and how many stale pointers are planted."""
        score, with_stale, planted = leaks.Score(), leaks.Score(leaks.LOST + leaks.STALE), 0
        for scenario in leaks.scenarios(program):
            truth, found = judge(program, scenario)
            score.count(truth, found)
            with_stale.count(truth, found)
            planted += list(truth.values()).count("stale")
        return score, with_stale, planted

    @staticmethod
    def heapwalk_says(program, scenario):
        with leaks.Leak(scenario, program) as process:
            found, _ = leaks.dump("--attach", process.pid)
            return process.truth, found

    def check(self, name):
        program = harness.built("targets", name)
        own, with_stale, planted = self.score(self.heapwalk_says, program)
        memcheck, _, _ = self.score(leaks.memcheck, program)
        sanitizer, _, _ = self.score(leaks.sanitizer, leaks.compile_with_sanitizer(name))
        for tool, score in (("heapwalk", own), ("with stale", with_stale), ("memcheck", memcheck),
                            ("LeakSanitizer", sanitizer)):
            print("# %-9s %-13s %s" % (name, tool, score))
        self.assertEqual((0, 0), (own.false, with_stale.false))
        # They see every allocation and know what was never written to: no stale pointer is in their way.
        self.assertLessEqual(own.missed, min(memcheck.missed, sanitizer.missed) + planted)

    def test_c(self):
        self.check("leak")

    def test_cxx(self):
        self.check("leak_cxx")

    def test_load(self):
        """Only printed: what they see depends on where their own malloc puts things."""
        program = harness.built("targets", "leak_load")
        for tool, judge, name in (("heapwalk", self.heapwalk_says, program), ("memcheck", leaks.memcheck, program),
                                  ("LeakSanitizer", leaks.sanitizer, leaks.compile_with_sanitizer("leak_load"))):
            score, with_stale, _ = self.score(judge, name)
            print("# leak_load %-13s %s" % (tool, score))
            if tool == "heapwalk":
                print("# leak_load %-13s %s" % ("with stale", with_stale))


def add_tests():
    for name in PROGRAMS:
        for scenario in leaks.scenarios(harness.built("targets", name)):
            def test(self, scenario=scenario, name=name):
                self.check_live(scenario, harness.built("targets", name), narrow=name.endswith("-32"))
            setattr(LeakTest, "test_%s_%s" % (name.replace("-", "_"), scenario.replace("-", "_")), test)
    for name in RealTest.PROGRAMS:
        def test_real(self, name=name):
            self.check(name)
        setattr(RealTest, "test_" + name, test_real)
    for release in glibcs.RELEASES:
        for architecture in glibcs.TRIPLETS:
            def test_glibc(self, release=release, architecture=architecture):
                self.check_glibc(release, architecture)
            setattr(GlibcTest, "test_%s_%s" % (release, architecture), test_glibc)


add_tests()

if __name__ == "__main__":
    unittest.main()
